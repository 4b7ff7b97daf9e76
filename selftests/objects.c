// SPDX-License-Identifier: GPL-2.0
/*
 * The files of debugfs about deferred objects show what was done with them.
 *
 * A few objects are made deferred through /dev/dref_stress, and one worker uses
 * them on one CPU.  The device reports the numbers of gets and puts and the state of each
 * object; classes/NAME/objects, cpus and latency must agree with it.  No passes run
 * meanwhile, so nothing changes by itself.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/dref_stress.h>

#include "common.h"
#include "kselftest_harness.h"

#define OBJECTS		8
#define TRIES		1000
#define STEPS		5000
#define MAX_CPUS	1024
#define BUCKETS		32
#define NSEC_PER_USEC	1000ULL

static const char * const tunables[] = { "pass_max_ms", "pass_min_ms", "demote_passes" };

static const char *path_of(const char *name)
{
	static char path[100];

	snprintf(path, sizeof(path), DREF "/%s", name);
	return path;
}

/* In the order of the table no value is out of the range that another one sets */
static void keep_passes_away(char saved[][32])
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tunables); i++)
		read_file(path_of(tunables[i]), saved[i], 32);
	write_file(path_of("pass_max_ms"), "60000");
	write_file(path_of("pass_min_ms"), "60000");
	write_file(path_of("demote_passes"), "1000000");
	write_file(path_of("reconcile"), "1");	/* until the pass that is due is over */
}

static void let_passes_be(char saved[][32])
{
	int i;

	for (i = ARRAY_SIZE(tunables) - 1; i >= 0; i--)
		write_file(path_of(tunables[i]), saved[i]);
}

FIXTURE(objects) {
	int	fd;
	char	saved[ARRAY_SIZE(tunables)][32];
};

static void look(int fd, unsigned int object, struct dref_stress_state *state)
{
	memset(state, 0, sizeof(*state));
	state->object = object;
	ioctl(fd, DREF_STRESS_STATE, state);
}

static int run(int fd, unsigned int scenario, unsigned int ops, unsigned int flags,
	       struct dref_stress_run *run)
{
	*run = (struct dref_stress_run) { .scenario = scenario, .ops = ops, .flags = flags };
	return ioctl(fd, DREF_STRESS_RUN, run);
}

static int count_deferred(int fd)
{
	struct dref_stress_state state;
	int i, nr = 0;

	for (i = 0; i < OBJECTS; i++) {
		look(fd, i, &state);
		nr += !!(state.flags & DREF_STRESS_DEFERRED);
	}
	return nr;
}

/* The CPU of the worker: not the first one, so that a wrong CPU would be seen */
static int stay_on_one_cpu(void)
{
	int cpu = CPU_SETSIZE - 1;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -1;
	while (!CPU_ISSET(cpu, &cpus))
		cpu--;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

FIXTURE_SETUP(objects)
{
	struct dref_stress_setup setup = { .objects = OBJECTS, .workers = 1 };
	struct dref_stress_run many;
	int i;

	keep_passes_away(self->saved);
	ASSERT_EQ(0, stay_on_one_cpu());
	self->fd = open(DREF_STRESS_DEVICE, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ioctl(self->fd, DREF_STRESS_SETUP, &setup));
	for (i = 0; i < TRIES && count_deferred(self->fd) < OBJECTS; i++)
		ASSERT_EQ(0, run(self->fd, DREF_STRESS_MANY, 50, DREF_STRESS_LET_GO, &many));
	ASSERT_EQ(OBJECTS, count_deferred(self->fd));
}

FIXTURE_TEARDOWN(objects)
{
	struct dref_stress_report report = { };

	EXPECT_EQ(0, ioctl(self->fd, DREF_STRESS_FINISH, &report));
	EXPECT_EQ(0, report.errors) TH_LOG("%s", report.error);
	close(self->fd);
	let_passes_be(self->saved);
}

struct line {
	char		id[20];
	char		mode[20];
	long		count;
	unsigned long	gets;
	unsigned long	puts;
	unsigned int	age_ms;
	unsigned int	idle_passes;
};

#define TO_READ		"%19[^:]: mode %19s count %ld gets %lu puts %lu age_ms %u idle_passes %u"
#define TO_PRINT	"%s: mode %s count %ld gets %lu puts %lu age_ms %u idle_passes %u\n"

/* Returns how many lines there are, or -1 if one of them is not as documented */
static int read_objects(const char *class, struct line *lines, int max)
{
	char path[200], text[200], again[200];
	struct line line;
	int nr = 0;
	FILE *file;

	snprintf(path, sizeof(path), DREF "/classes/%s/objects", class);
	file = fopen(path, "r");
	if (!file)
		return -1;
	while (nr >= 0 && fgets(text, sizeof(text), file)) {
		if (sscanf(text, TO_READ, line.id, line.mode, &line.count, &line.gets,
			   &line.puts, &line.age_ms, &line.idle_passes) != 7) {
			nr = -1;
			break;
		}
		snprintf(again, sizeof(again), TO_PRINT, line.id, line.mode, line.count,
			 line.gets, line.puts, line.age_ms, line.idle_passes);
		if (strcmp(text, again) || nr == max)
			nr = -1;
		else
			lines[nr++] = line;
	}
	fclose(file);
	return nr;
}

TEST_F(objects, a_line_each)
{
	struct line lines[OBJECTS], other[1], later[OBJECTS];
	struct timespec since;
	int i, j;

	clock_gettime(AGE_CLOCK, &since);
	ASSERT_EQ(OBJECTS, read_objects("stress", lines, OBJECTS));
	EXPECT_EQ(0, read_objects("stress-rcu", other, 1));
	for (i = 0; i < OBJECTS; i++) {
		EXPECT_STREQ("deferred", lines[i].mode);
		EXPECT_EQ(1, lines[i].count + lines[i].gets - lines[i].puts);
		EXPECT_EQ(0, lines[i].idle_passes);
		EXPECT_EQ(16, strlen(lines[i].id));
		EXPECT_EQ(16, strspn(lines[i].id, "0123456789abcdef"));
		for (j = 0; j < i; j++)
			EXPECT_STRNE(lines[i].id, lines[j].id);
	}
	wait_ms(300);
	ASSERT_EQ(OBJECTS, read_objects("stress", later, OBJECTS));
	for (i = 0; i < OBJECTS; i++) {
		EXPECT_STREQ(lines[i].id, later[i].id);
		EXPECT_LE(lines[i].age_ms + 280, later[i].age_ms);
		EXPECT_GE(lines[i].age_ms + elapsed_ms(AGE_CLOCK, &since) + 20, later[i].age_ms);
	}
}

/* The references, gets and puts of an object are those of its worker */
TEST_F(objects, counts_of_all)
{
	long gets = 0, puts = 0, held = 0, references = 0;
	struct line before[OBJECTS], after[OBJECTS];
	struct dref_stress_state state;
	struct dref_stress_run shared;
	int i;

	ASSERT_EQ(OBJECTS, read_objects("stress", before, OBJECTS));
	ASSERT_EQ(0, run(self->fd, DREF_STRESS_SHARED, STEPS, 0, &shared));
	ASSERT_EQ(OBJECTS, read_objects("stress", after, OBJECTS));
	for (i = 0; i < OBJECTS; i++) {
		EXPECT_STREQ(before[i].id, after[i].id);
		gets += after[i].gets - before[i].gets;
		puts += after[i].puts - before[i].puts;
		references += after[i].count + after[i].gets - after[i].puts;
		look(self->fd, i, &state);
		held += state.count;
	}
	EXPECT_LT(STEPS / 4, gets);
	EXPECT_EQ(shared.counts[DREF_STRESS_GETS] + shared.counts[DREF_STRESS_TRYGETS], gets);
	EXPECT_EQ(shared.counts[DREF_STRESS_PUTS], puts);
	EXPECT_EQ(held, references);
	EXPECT_EQ(OBJECTS + gets - puts, references);
}

struct cpu {
	unsigned long	gets;
	unsigned long	puts;
	long		net;
};

static int read_cpus(struct cpu *cpus)
{
	FILE *file = fopen(path_of("cpus"), "r");
	struct cpu cpu;
	int nr, lines = 0;

	memset(cpus, 0, MAX_CPUS * sizeof(*cpus));
	while (file && fscanf(file, "cpu%d: gets %lu puts %lu net %ld\n", &nr, &cpu.gets,
			      &cpu.puts, &cpu.net) == 4 && nr < MAX_CPUS) {
		cpus[nr] = cpu;
		lines++;
	}
	if (file)
		fclose(file);
	return lines;
}

TEST_F(objects, counts_of_cpus)
{
	static struct cpu before[MAX_CPUS], after[MAX_CPUS], end[MAX_CPUS];
	struct dref_stress_report report = { };
	struct dref_stress_setup again = { .objects = 1, .workers = 1 };
	struct dref_stress_run shared;
	int i, here = sched_getcpu();

	ASSERT_EQ(sysconf(_SC_NPROCESSORS_CONF), read_cpus(before));
	ASSERT_EQ(0, run(self->fd, DREF_STRESS_SHARED, STEPS, 0, &shared));
	ASSERT_LT(0, read_cpus(after));
	EXPECT_EQ(shared.counts[DREF_STRESS_GETS] + shared.counts[DREF_STRESS_TRYGETS],
		  after[here].gets - before[here].gets);
	EXPECT_EQ(shared.counts[DREF_STRESS_PUTS], after[here].puts - before[here].puts);
	for (i = 0; i < MAX_CPUS; i++) {
		EXPECT_EQ(after[i].net, (long)(after[i].gets - after[i].puts));
		if (i == here)
			continue;
		EXPECT_EQ(before[i].gets, after[i].gets);
		EXPECT_EQ(before[i].puts, after[i].puts);
	}

	/* The counts stay when the slots are returned */
	ASSERT_EQ(0, ioctl(self->fd, DREF_STRESS_FINISH, &report));
	ASSERT_EQ(0, counter("slots_used"));
	ASSERT_LT(0, read_cpus(end));
	EXPECT_EQ(after[here].gets, end[here].gets);
	EXPECT_LT(after[here].puts, end[here].puts);
	ASSERT_EQ(0, ioctl(self->fd, DREF_STRESS_SETUP, &again));
}

/* Returns the sum, or -1 if a line is not as documented */
static long read_latency(long *buckets)
{
	FILE *file = fopen(path_of("latency"), "r");
	unsigned long from, expected = 0;
	long sum = 0;
	int i;

	for (i = 0; file && i < BUCKETS; i++) {
		if (fscanf(file, "%lu: %ld\n", &from, &buckets[i]) != 2 || from != expected)
			sum = -1;
		if (sum >= 0)
			sum += buckets[i];
		expected = from ? from * 2 : 1;
	}
	if (!file || fgetc(file) != EOF)
		sum = -1;
	if (file)
		fclose(file);
	return sum;
}

static int compare(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* No release took longer than its bound, and no bound is far too high */
TEST_F(objects, latency_is_a_bound)
{
	long before[BUCKETS], after[BUCKETS], sum;
	struct dref_stress_drop drop = { };
	struct dref_stress_state state;
	__u64 real_us[OBJECTS], below;
	struct timespec since;
	int i, bucket = 0;

	sum = read_latency(before);
	ASSERT_LE(0, sum);
	write_file(path_of("reconcile"), "1");	/* it finds all of them held */
	clock_gettime(CLOCK_MONOTONIC, &since);
	for (drop.place = 0; drop.place < OBJECTS; drop.place++) {
		ASSERT_EQ(0, ioctl(self->fd, DREF_STRESS_DROP, &drop));
		usleep(20000);
	}
	write_file(path_of("reconcile"), "1");
	ASSERT_EQ(sum + OBJECTS, read_latency(after));

	for (i = 0; i < OBJECTS; i++) {
		look(self->fd, i, &state);
		ASSERT_NE(0, state.released_ns);
		real_us[i] = (state.released_ns - state.dropped_ns) / NSEC_PER_USEC;
	}
	qsort(real_us, OBJECTS, sizeof(real_us[0]), compare);
	for (i = 0; i < OBJECTS; i++) {
		while (before[bucket] == after[bucket])
			bucket++;
		before[bucket]++;
		below = 1ULL << bucket;
		EXPECT_LT(real_us[i], below) TH_LOG("object %d", i);
		EXPECT_GE(elapsed_ms(CLOCK_MONOTONIC, &since) * 1000ULL + 100000, below / 2);
	}
	EXPECT_EQ(0, read_objects("stress", NULL, 0));
}

int main(int argc, char **argv)
{
	if (geteuid() || access("/sys/kernel/debug", X_OK) || !load("dref") ||
	    !load("dref_stress")) {
		ksft_print_header();
		ksft_exit_skip("needs root, debugfs, dref.ko and dref_stress.ko\n");
	}
	return test_harness_run(argc, argv);
}
