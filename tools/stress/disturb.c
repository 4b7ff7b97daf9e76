// SPDX-License-Identifier: GPL-2.0
/*
 * Disturbers: a disturber is a row.
 *
 * Each has a thread, or one for each CPU, that disturbs, pauses for a random time,
 * and disturbs again until the run ends.  What it changes it changes by file.c,
 * which puts it back in the end.
 * A disturber that this machine, kernel or build of dref.ko has nothing for says
 * what it lacks.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define CPU_ONLINE	"/sys/devices/system/cpu/cpu%u/online"

/*
 * Long enough for an object to go quiet, be demoted and lose its slot meanwhile,
 * and so rare that a worker still has most of its time.
 */
#define STALL_ONE_IN	100000
#define STALL_US	200000
#define FILL_NS		(10 * NSEC_PER_SEC)
#define FAIL_ONE_IN	4
#define FAILSLAB_PERCENT 10

struct disturber;

/**
 * struct disturbing - a thread
 * @disturber: its row
 * @session: what it disturbs
 * @thread: the thread
 * @random: its random numbers
 * @cpu: the CPU it is bound to, if there is one for each
 * @times: how often it has disturbed
 */
struct disturbing {
	const struct disturber	*disturber;
	struct session		*session;
	pthread_t		thread;
	uint64_t		random;
	unsigned int		cpu;
	uint64_t		times;
};

/**
 * struct disturber - a row
 * @name: as the option is called
 * @what: it does, in words
 * @missing: NULL, or what it needs and lacks
 * @begin: what is to be done before the first time; or NULL
 * @disturb: once
 * @pause_us: between two times, up to
 * @per_cpu: one thread for each CPU
 * @tunes: it changes max_deferred
 */
struct disturber {
	const char	*name;
	const char	*what;
	const char	*(*missing)(void);
	void		(*begin)(struct session *session);
	void		(*disturb)(struct disturbing *disturbing);
	unsigned int	pause_us;
	bool		per_cpu;
	bool		tunes;
};

static unsigned int up_to(struct disturbing *disturbing, unsigned int most)
{
	return random_of(&disturbing->random) % (most + 1ULL);
}

static bool stopping(const struct disturbing *disturbing)
{
	return __atomic_load_n(&disturbing->session->stop, __ATOMIC_RELAXED);
}

/* In small parts, so as not to hold up the end */
static void pause_us(struct disturbing *disturbing, unsigned int us)
{
	unsigned int part;

	for (; us && !stopping(disturbing); us -= part) {
		part = us < 50000 ? us : 50000;
		usleep(part);
	}
}

/* ---- hotplug ---- */

static bool can_go(unsigned int cpu, char *path, size_t size)
{
	snprintf(path, size, CPU_ONLINE, cpu);
	return !access(path, W_OK);
}

/* Real-time 6.1 warns in affine_move_task(), and then has a BUG() in select_fallback_rq() */
static bool scheduler_fails(void)
{
	struct utsname name;

	return !access("/sys/kernel/realtime", F_OK) && !uname(&name) &&
	       !strncmp(name.release, "6.1.", 4);
}

static const char *hotplug_missing(void)
{
	unsigned int cpu, last = sysconf(_SC_NPROCESSORS_CONF);
	char path[100];

	if (scheduler_fails())
		return "a scheduler that can move its threads: not that of real-time 6.1";
	/* CPU 0 usually stays */
	for (cpu = 1; cpu < last; cpu++) {
		if (can_go(cpu, path, sizeof(path)))
			return NULL;
	}
	return "a CPU that can be taken off line";
}

/* One that can go of those that the workers have, all of which were on line at the start */
static void hotplug(struct disturbing *disturbing)
{
	const struct options *options = disturbing->session->options;
	unsigned int first = up_to(disturbing, options->nr_cpus - 1), i;
	uint64_t online;
	char path[100];

	for (i = 0; i < options->nr_cpus; i++) {
		if (can_go(options->cpus[(first + i) % options->nr_cpus], path, sizeof(path)))
			break;
	}
	/* refused for the last one that is on line */
	if (i < options->nr_cpus && read_value(path, &online) && change_value(path, !online))
		disturbing->times++;
}

/* ---- pressure ---- */

/* In the child of a program with threads: only calls that a signal handler could make */
static uint64_t available(void)
{
	char text[512];
	ssize_t len;
	char *line;
	int fd;

	fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	line = strstr(text, "MemAvailable:");
	return line ? strtoull(line + strlen("MemAvailable:"), NULL, 10) * 1024 : 0;
}

/* In a process of its own, which is the first to go if it was too much */
static void fill_memory(void)
{
	size_t size = available() / 10 * 9, page = sysconf(_SC_PAGESIZE), i;
	uint64_t give_up = now_ns() + FILL_NS;
	char *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	write_text("/proc/self/oom_score_adj", "1000");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		_exit(1);
	for (i = 0; i < size; i += page) {
		memory[i] = 1;
		if (i % (1024 * page) == 0 &&
		    (available() < size / 20 || now_ns() > give_up))
			break;
	}
	usleep(100000);
	_exit(0);
}

static void pressure(struct disturbing *disturbing)
{
	pid_t child = fork();

	if (!child)
		fill_memory();
	while (child > 0 && waitpid(child, NULL, WNOHANG) == 0) {
		if (stopping(disturbing))
			kill(child, SIGKILL);
		usleep(10000);
	}
	/* and the shrinkers, which there may have been no need for */
	write_text("/proc/sys/vm/drop_caches", "2");
	disturbing->times++;
}

/* ---- oom ---- */

static const char *oom_missing(void)
{
	if (!access(DREF_PARAMETERS "fail_one_in", W_OK) ||
	    !access(FAILSLAB "probability", W_OK))
		return NULL;
	return "a dref.ko made by \"make stress-broken\", or a kernel with failslab";
}

static void oom_begin(struct session *session)
{
	if (access(FAILSLAB "probability", W_OK))
		return;
	session->failing = true;
	change_text(FAILSLAB "task-filter", "Y");
	change_text(FAILSLAB "ignore-gfp-wait", "N");
	change_text(FAILSLAB "verbose", "0");
	change_text(FAILSLAB "times", "-1");
}

static void oom(struct disturbing *disturbing)
{
	change_value(FAILSLAB "probability", FAILSLAB_PERCENT);
	change_value(DREF_PARAMETERS "fail_one_in", FAIL_ONE_IN);
	pause_us(disturbing, up_to(disturbing, 1000000));
	change_value(FAILSLAB "probability", 0);
	change_value(DREF_PARAMETERS "fail_one_in", 0);
	disturbing->times++;
}

/* ---- reconcile ---- */

static const char *debugfs_missing(void)
{
	return access(DREF_DEBUGFS "reconcile", W_OK) ? "debugfs on /sys/kernel/debug" : NULL;
}

static void reconcile(struct disturbing *disturbing)
{
	if (write_text(DREF_DEBUGFS "reconcile", "1"))
		disturbing->times++;
}

/* ---- preempt ---- */

static void preempt_begin(struct session *session)
{
	(void)session;
	change_value(DREF_PARAMETERS "stall_us", STALL_US);
	change_value(DREF_PARAMETERS "stall_one_in", STALL_ONE_IN);
}

static void preempt(struct disturbing *disturbing)
{
	struct sched_param param = { .sched_priority = 1 };
	uint64_t until;

	if (disturbing->times % 64 == 0) {
		bind_to_cpu(disturbing->cpu);
		if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &param))
			return;
	}
	until = now_ns() + up_to(disturbing, 500) * 1000ULL;
	while (now_ns() < until)
		;
	disturbing->times++;
}

/* ---- tunables ---- */

static void tune(struct disturbing *disturbing)
{
	static const unsigned int most[TUNABLES] = { 50, 500, 256, 64, 65536 };
	unsigned int which = up_to(disturbing, TUNABLES - 1);
	/* small ones as often as great ones */
	unsigned int value = up_to(disturbing, most[which]) >> up_to(disturbing, 8);

	/* out of range is refused: that is fine, too */
	if (change_tunable(tunables[which], value))
		disturbing->times++;
}

/* ---- stutter ---- */

static void stutter(struct disturbing *disturbing)
{
	__atomic_store_n(&disturbing->session->paused, true, __ATOMIC_RELAXED);
	pause_us(disturbing, up_to(disturbing, 1000000));
	__atomic_store_n(&disturbing->session->paused, false, __ATOMIC_RELAXED);
	disturbing->times++;
}

/* ---- all together ---- */

static const struct disturber disturbers[] = {
	{
		.name		= "hotplug",
		.what		= "take CPUs off line, and back",
		.missing	= hotplug_missing,
		.disturb	= hotplug,
		.pause_us	= 500000,
	}, {
		.name		= "pressure",
		.what		= "use up nearly all memory, and call the shrinkers",
		.disturb	= pressure,
		.pause_us	= 5000000,
	}, {
		.name		= "oom",
		.what		= "let allocations fail",
		.missing	= oom_missing,
		.begin		= oom_begin,
		.disturb	= oom,
		.pause_us	= 1000000,
	}, {
		.name		= "reconcile",
		.what		= "expedited passes, one after the other",
		.missing	= debugfs_missing,
		.disturb	= reconcile,
		.pause_us	= 2000,
	}, {
		.name		= "preempt",
		.what		= "real-time threads; stalls in the window, if dref.ko has them",
		.begin		= preempt_begin,
		.disturb	= preempt,
		.pause_us	= 20000,
		.per_cpu	= true,
	}, {
		.name		= "tunables",
		.what		= "rewrite dref's tunables at random",
		.missing	= debugfs_missing,
		.disturb	= tune,
		.tunes		= true,
		.pause_us	= 50000,
	}, {
		.name		= "stutter",
		.what		= "let all workers rest, and go on",
		.disturb	= stutter,
		.pause_us	= 4000000,
	},
};

const size_t nr_disturbers = ARRAY_SIZE(disturbers);

static struct disturbing *threads;
static size_t nr_threads;

const char *disturber_name(unsigned int number)
{
	return disturbers[number].name;
}

const char *disturber_what(unsigned int number)
{
	return disturbers[number].what;
}

bool disturber_tunes(unsigned int number)
{
	return disturbers[number].tunes;
}

/* NULL, or what it needs and lacks here */
const char *disturber_missing(unsigned int number)
{
	return disturbers[number].missing ? disturbers[number].missing() : NULL;
}

/* How often it has disturbed, once all have stopped */
uint64_t disturber_times(unsigned int number)
{
	uint64_t times = 0;
	size_t i;

	for (i = 0; i < nr_threads; i++) {
		if (threads[i].disturber == &disturbers[number])
			times += threads[i].times;
	}
	return times;
}

static void *disturbing_main(void *arg)
{
	struct disturbing *disturbing = arg;

	do {
		disturbing->disturber->disturb(disturbing);
		pause_us(disturbing, up_to(disturbing, disturbing->disturber->pause_us));
	} while (!stopping(disturbing));
	return NULL;
}

static void start_thread(struct session *session, const struct disturber *disturber,
			 unsigned int cpu)
{
	struct disturbing *disturbing = &threads[nr_threads];
	int err;

	disturbing->disturber = disturber;
	disturbing->session = session;
	disturbing->cpu = cpu;
	disturbing->random = session->options->seed + nr_threads;
	err = pthread_create(&disturbing->thread, NULL, disturbing_main, disturbing);
	if (err)
		die(FAILED, "cannot start a thread to disturb: %s", strerror(err));
	nr_threads++;
}

/* Those in the options */
void disturb_start(struct session *session)
{
	const struct options *options = session->options;
	const struct disturber *disturber;
	unsigned int i, cpu;

	threads = calloc(nr_disturbers + options->nr_cpus, sizeof(*threads));
	if (!threads)
		die(FAILED, "out of memory");
	for (i = 0; i < nr_disturbers; i++) {
		disturber = &disturbers[i];
		if (!(options->disturbers & 1U << i))
			continue;
		if (disturber->begin)
			disturber->begin(session);
		for (cpu = 0; cpu < (disturber->per_cpu ? options->nr_cpus : 1); cpu++)
			start_thread(session, disturber, options->cpus[cpu]);
	}
}

/* They see that the session stops */
void disturb_stop(void)
{
	unsigned int i;

	for (i = 0; i < nr_threads; i++)
		pthread_join(threads[i].thread, NULL);
	undo_changes();
}
