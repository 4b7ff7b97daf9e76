// SPDX-License-Identifier: GPL-2.0
/*
 * Reading debugfs does not slow down gets and puts.
 *
 * On half of the CPUs, workers of /dev/dref_stress get and put a few deferred objects,
 * in batches that are timed one by one.  On the other half, readers loop over files: for a
 * while over all files of dref, then for a while over others of the same kind, which have
 * nothing to do with dref, and so on in turn.  So the load is the same all the time, and the
 * difference between the batches is the cost of reading the files of dref.
 *
 * The test compares the mean of the faster nine tenths of all batches.  A batch takes less
 * than a hundred microseconds, so most batches of a virtual CPU end before the CPU is
 * preempted, and the others are among the slowest tenth.  A cost that only a few batches
 * have would be there too, so the number of batches is compared as well, with more room for
 * noise.  Noise does not come in each of a few rounds, but a cost does.
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/dref_stress.h>

#include "common.h"
#include "kselftest_harness.h"

#define OBJECTS		4
#define OPS		256		/* in a batch */
#define MAX_SAMPLES	200000
#define MAX_THREADS	64
#define WINDOWS		60
#define WINDOW_US	100000
#define ROUNDS		3
#define SLOWER		5		/* percent that batches may be slower */
#define FEWER		25		/* percent of batches that may be missing */

enum phase { OTHERS, DREFS, NR_PHASES, OVER = NR_PHASES };

static enum phase phase;

struct thread {
	pthread_t	thread;
	int		cpu;
	int		fd;
	unsigned int	number;
	unsigned long	reads[NR_PHASES];
	bool		failed;
	unsigned int	nr[NR_PHASES];
	unsigned int	*ns[NR_PHASES];		/* that batches took */
};

static struct thread workers[MAX_THREADS], readers[MAX_THREADS];

/* By phase: the files of dref, and others whose text the kernel makes when they are read */
static const char *files[NR_PHASES][300] = {
	[OTHERS] = {
		"/proc/self/status", "/proc/self/maps", "/proc/stat", "/proc/interrupts",
		"/proc/meminfo", "/proc/softirqs",
	},
};

static unsigned int nr_files[NR_PHASES] = { [OTHERS] = 6 };

static enum phase now(void)
{
	return __atomic_load_n(&phase, __ATOMIC_RELAXED);
}

static int note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && nr_files[DREFS] < ARRAY_SIZE(files[DREFS]))
		files[DREFS][nr_files[DREFS]++] = strdup(path);
	return 0;
}

static unsigned long time_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

static bool stay_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return !sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void *read_files(void *arg)
{
	static __thread char text[1 << 16];
	struct thread *me = arg;
	unsigned int i;
	enum phase p;

	me->failed = !stay_on(me->cpu);
	for (i = me->number; !me->failed && (p = now()) != OVER; i++) {
		me->failed = read_file(files[p][i % nr_files[p]], text, sizeof(text)) < 0;
		me->reads[p]++;
	}
	return NULL;
}

static bool run(struct thread *me, unsigned int scenario, unsigned int flags)
{
	struct dref_stress_run run = {
		.worker = me->number, .scenario = scenario, .ops = OPS,
		.flags = flags, .seed = me->number + 1,
	};

	return !ioctl(me->fd, DREF_STRESS_RUN, &run) && !run.errors && run.done == OPS;
}

static void *count(void *arg)
{
	struct thread *me = arg;
	unsigned long start;
	enum phase p;

	me->failed = !stay_on(me->cpu);
	while (!me->failed && (p = now()) != OVER) {
		start = time_ns();
		me->failed = !run(me, DREF_STRESS_SHARED, 0);
		if (now() == p && me->nr[p] < MAX_SAMPLES)
			me->ns[p][me->nr[p]++] = time_ns() - start;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	unsigned int x = *(unsigned int *)a, y = *(unsigned int *)b;

	return (x > y) - (x < y);
}

/* The mean of the faster nine tenths of all batches of @nr workers in this phase */
static double mean_of(enum phase p, int nr)
{
	unsigned int *all = NULL, size = 0, i;
	double sum = 0;

	for (i = 0; i < nr; i++) {
		all = realloc(all, (size + workers[i].nr[p]) * sizeof(*all));
		memcpy(all + size, workers[i].ns[p], workers[i].nr[p] * sizeof(*all));
		size += workers[i].nr[p];
	}
	qsort(all, size, sizeof(*all), compare);
	size = size / 10 * 9;
	for (i = 0; i < size; i++)
		sum += all[i];
	free(all);
	return size ? sum / size : -1;
}

static int deferred(int fd)
{
	int i, nr = 0;

	for (i = 0; i < OBJECTS; i++) {
		struct dref_stress_state state = { .object = i };

		nr += !ioctl(fd, DREF_STRESS_STATE, &state) &&
		      state.flags & DREF_STRESS_DEFERRED;
	}
	return nr;
}

FIXTURE(readers) {
	int	fd;
	int	nr;		/* of workers, and of readers */
};

FIXTURE_SETUP(readers)
{
	struct dref_stress_setup setup = { .objects = OBJECTS };
	cpu_set_t cpus;
	int i, cpu;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(cpus), &cpus));
	for (cpu = 0, i = 0; cpu < CPU_SETSIZE && i < 2 * MAX_THREADS; cpu++) {
		if (!CPU_ISSET(cpu, &cpus))
			continue;
		(i & 1 ? readers : workers)[i / 2].cpu = cpu;
		i++;
	}
	self->nr = i / 2;
	self->fd = open(DREF_STRESS_DEVICE, O_RDWR);
	ASSERT_LE(0, self->fd);
	setup.workers = self->nr;
	ASSERT_EQ(0, ioctl(self->fd, DREF_STRESS_SETUP, &setup));
	for (i = 0; i < self->nr; i++) {
		readers[i].number = i;
		workers[i].number = i;
		workers[i].fd = self->fd;
		workers[i].ns[OTHERS] = calloc(MAX_SAMPLES, sizeof(int));
		workers[i].ns[DREFS] = calloc(MAX_SAMPLES, sizeof(int));
	}
	for (i = 0; i < 1000 && deferred(self->fd) < OBJECTS; i++)
		ASSERT_TRUE(run(&workers[0], DREF_STRESS_MANY, DREF_STRESS_LET_GO));
	ASSERT_EQ(OBJECTS, deferred(self->fd));
	nr_files[DREFS] = 0;
	ASSERT_EQ(0, nftw(DREF, note_file, 10, FTW_PHYS));
	ASSERT_LT(10, nr_files[DREFS]);
}

FIXTURE_TEARDOWN(readers)
{
	struct dref_stress_report report = { };

	EXPECT_EQ(0, ioctl(self->fd, DREF_STRESS_FINISH, &report));
	EXPECT_EQ(0, report.errors) TH_LOG("%s", report.error);
	close(self->fd);
}

/* The cost of reading the files of dref, in percent */
struct cost {
	double	slower;
	double	fewer;
};

static struct cost round_of(struct __test_metadata *_metadata, int nr)
{
	unsigned long reads[NR_PHASES] = { 0 }, batches[NR_PHASES] = { 0 };
	double mean[NR_PHASES];
	struct cost cost;
	int i, p;

	phase = OTHERS;
	for (i = 0; i < nr; i++) {
		memset(workers[i].nr, 0, sizeof(workers[i].nr));
		memset(readers[i].reads, 0, sizeof(readers[i].reads));
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, count, &workers[i]));
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_files, &readers[i]));
	}
	for (i = 1; i <= WINDOWS; i++) {
		usleep(WINDOW_US);
		__atomic_store_n(&phase, i < WINDOWS ? i & 1 : OVER, __ATOMIC_RELAXED);
	}
	for (i = 0; i < nr; i++) {
		pthread_join(workers[i].thread, NULL);
		pthread_join(readers[i].thread, NULL);
		EXPECT_FALSE(workers[i].failed);
		EXPECT_FALSE(readers[i].failed);
		for (p = 0; p < NR_PHASES; p++) {
			reads[p] += readers[i].reads[p];
			batches[p] += workers[i].nr[p];
		}
	}
	for (p = 0; p < NR_PHASES; p++) {
		EXPECT_LT(100, batches[p]);
		EXPECT_LT(100, reads[p]);
		mean[p] = mean_of(p, nr);
	}
	cost.slower = (mean[DREFS] / mean[OTHERS] - 1) * 100;
	cost.fewer = (1 - (double)batches[DREFS] / batches[OTHERS]) * 100;
	TH_LOG("%d operations: %.1f us while dref is read, else %.1f us: %+.1f %%", OPS,
	       mean[DREFS] / 1000, mean[OTHERS] / 1000, cost.slower);
	TH_LOG("%lu and %lu of them, %lu and %lu files read", batches[DREFS], batches[OTHERS],
	       reads[DREFS], reads[OTHERS]);
	return cost;
}

TEST_F_TIMEOUT(readers, slow_down_nobody, 300)
{
	struct cost cost;
	int i = 0;

	do {
		cost = round_of(_metadata, self->nr);
	} while (++i < ROUNDS && (cost.slower > SLOWER || cost.fewer > FEWER));
	EXPECT_LE(cost.slower, SLOWER);
	EXPECT_LE(cost.fewer, FEWER);
	EXPECT_EQ(OBJECTS, deferred(self->fd));
}

int main(int argc, char **argv)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) || CPU_COUNT(&cpus) < 2) {
		ksft_print_header();
		ksft_exit_skip("needs two CPUs\n");
	}
	if (geteuid() || !load("dref") || !load("dref_stress") || access(DREF "/stats", R_OK)) {
		ksft_print_header();
		ksft_exit_skip("needs root, debugfs, dref.ko and dref_stress.ko\n");
	}
	return test_harness_run(argc, argv);
}
