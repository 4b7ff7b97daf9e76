// SPDX-License-Identifier: GPL-2.0
/*
 * The table of disturbers.
 *
 * Each disturber has one thread, or one thread per CPU.  The thread disturbs, pauses
 * for a random time, and so on until the run ends.  Disturbers change settings with the
 * functions of file.c only, which restore them at the end.  If a disturber cannot work
 * on this machine, on this kernel or with this build of dref.ko, its missing() names
 * the requirement that is not met.
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
 * A stall is long enough for an object to go idle, be demoted and lose its slot
 * meanwhile.  Stalls are rare enough for workers to spend most of their time working.
 */
#define STALL_ONE_IN	100000
#define STALL_US	200000
#define FILL_NS		(10 * NSEC_PER_SEC)
#define FAIL_ONE_IN	4
#define FAILSLAB_PERCENT 10

struct disturber;

/**
 * struct disturber_thread - a thread of a disturber
 * @disturber: row of the disturber
 * @session: session that it disturbs
 * @pthread: the thread
 * @random: state of its random number generator
 * @cpu: CPU that it is bound to, if the disturber has one thread per CPU
 * @times: how often it has disturbed
 */
struct disturber_thread {
	const struct disturber	*disturber;
	struct session		*session;
	pthread_t		pthread;
	uint64_t		random;
	unsigned int		cpu;
	uint64_t		times;
};

/**
 * struct disturber - a row of the table of disturbers
 * @name: name of the option
 * @description: text for --help and --list
 * @missing: return the requirement that is not met here, or NULL; optional
 * @begin: called once, before the threads start; optional
 * @disturb: disturb once
 * @pause_us: maximum pause between two calls of @disturb
 * @per_cpu: run one thread per CPU
 * @tunes: it changes max_deferred
 */
struct disturber {
	const char	*name;
	const char	*description;
	const char	*(*missing)(const struct options *options);
	void		(*begin)(struct session *session);
	void		(*disturb)(struct disturber_thread *thread);
	unsigned int	pause_us;
	bool		per_cpu;
	bool		tunes;
};

static unsigned int random_up_to(struct disturber_thread *thread, unsigned int max)
{
	return next_random(&thread->random) % (max + 1ULL);
}

static bool should_stop(const struct disturber_thread *thread)
{
	return __atomic_load_n(&thread->session->stop, __ATOMIC_RELAXED);
}

/* Sleep in short intervals, so that the thread soon sees session->stop */
static void pause_us(struct disturber_thread *thread, unsigned int us)
{
	unsigned int part;

	for (; us && !should_stop(thread); us -= part) {
		part = us < 50000 ? us : 50000;
		usleep(part);
	}
}

/* ---- hotplug ---- */

static bool can_offline(unsigned int cpu, char *path, size_t size)
{
	snprintf(path, size, CPU_ONLINE, cpu);
	return !access(path, W_OK);
}

/*
 * On PREEMPT_RT 6.1, taking CPUs offline triggers a warning in affine_move_task(), and
 * then a BUG() in select_fallback_rq().
 */
static bool hotplug_hits_scheduler_bug(void)
{
	struct utsname name;

	return !access("/sys/kernel/realtime", F_OK) && !uname(&name) &&
	       !strncmp(name.release, "6.1.", 4);
}

static const char *hotplug_missing(const struct options *options)
{
	char path[100];
	unsigned int i;

	if (hotplug_hits_scheduler_bug())
		return "a kernel other than PREEMPT_RT 6.1, whose scheduler hits a BUG()";
	for (i = 0; i < options->nr_cpus; i++) {
		if (can_offline(options->cpus[i], path, sizeof(path)))
			return NULL;
	}
	return "a CPU of the workers that can be taken offline";
}

/*
 * Take a random one of the workers' CPUs offline, or back online.  All of them were
 * online at the start.
 */
static void hotplug(struct disturber_thread *thread)
{
	const struct options *options = thread->session->options;
	unsigned int first = random_up_to(thread, options->nr_cpus - 1), i;
	uint64_t online;
	char path[100];

	for (i = 0; i < options->nr_cpus; i++) {
		if (can_offline(options->cpus[(first + i) % options->nr_cpus], path, sizeof(path)))
			break;
	}
	/* the kernel refuses to take the last online CPU offline */
	if (i < options->nr_cpus && read_value(path, &online) && change_value(path, !online))
		thread->times++;
}

/* ---- pressure ---- */

/* Runs in a forked child of a threaded program: async-signal-safe calls only */
static uint64_t available_memory(void)
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

/* Runs in a child process, which the OOM killer selects first */
static void fill_memory(void)
{
	size_t size = available_memory() / 10 * 9, page = sysconf(_SC_PAGESIZE), i;
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
		    (available_memory() < size / 20 || now_ns() > give_up))
			break;
	}
	usleep(100000);
	_exit(0);
}

static void pressure(struct disturber_thread *thread)
{
	pid_t child = fork();
	int status = 0;

	if (!child)
		fill_memory();
	while (child > 0 && waitpid(child, &status, WNOHANG) == 0) {
		if (should_stop(thread))
			kill(child, SIGKILL);
		usleep(10000);
	}
	/* the kernel may not have run the shrinkers, so run them */
	write_text("/proc/sys/vm/drop_caches", "2");
	/* the OOM killer may have ended it, which is fine */
	if (child > 0 && (WIFSIGNALED(status) || !WEXITSTATUS(status)))
		thread->times++;
}

/* ---- oom ---- */

/* A kernel that is locked down refuses to open files of debugfs whose modes permit it */
static bool can_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static const char *oom_missing(const struct options *options)
{
	(void)options;
	if (!access(DREF_PARAMETERS "fail_one_in", W_OK) || can_write(FAILSLAB "probability"))
		return NULL;
	return "a dref.ko built by \"make stress-broken\", or a kernel with failslab";
}

static void oom_begin(struct session *session)
{
	if (!can_write(FAILSLAB "probability"))
		return;
	session->failing = true;
	change_text(FAILSLAB "task-filter", "Y");
	change_text(FAILSLAB "ignore-gfp-wait", "N");
	change_text(FAILSLAB "verbose", "0");
	change_text(FAILSLAB "times", "-1");
}

static void oom(struct disturber_thread *thread)
{
	bool failing = change_value(FAILSLAB "probability", FAILSLAB_PERCENT);

	failing |= change_value(DREF_PARAMETERS "fail_one_in", FAIL_ONE_IN);
	pause_us(thread, random_up_to(thread, 1000000));
	change_value(FAILSLAB "probability", 0);
	change_value(DREF_PARAMETERS "fail_one_in", 0);
	if (failing)
		thread->times++;
}

/* ---- reconcile ---- */

static const char *reconcile_missing(const struct options *options)
{
	(void)options;
	return can_write(DREF_DEBUGFS "reconcile") ? NULL :
		"debugfs on /sys/kernel/debug, and no lockdown";
}

static void reconcile(struct disturber_thread *thread)
{
	if (write_text(DREF_DEBUGFS "reconcile", "1"))
		thread->times++;
}

/* ---- preempt ---- */

static void preempt_begin(struct session *session)
{
	(void)session;
	change_value(DREF_PARAMETERS "stall_us", STALL_US);
	change_value(DREF_PARAMETERS "stall_one_in", STALL_ONE_IN);
}

static void preempt(struct disturber_thread *thread)
{
	struct sched_param param = { .sched_priority = 1 };
	uint64_t until;

	if (thread->times % 64 == 0) {
		bind_to_cpu(thread->cpu);
		if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &param))
			return;
	}
	until = now_ns() + random_up_to(thread, 500) * 1000ULL;
	while (now_ns() < until)
		;
	thread->times++;
}

/* ---- tunables ---- */

static const char *tunables_missing(const struct options *options)
{
	(void)options;
	return access(DREF_PARAMETERS "pass_min_ms", W_OK) ?
		"parameters of dref.ko that can be written" : NULL;
}

static void tune(struct disturber_thread *thread)
{
	static const unsigned int max[TUNABLES] = { 50, 500, 256, 64, 65536 };
	unsigned int which = random_up_to(thread, TUNABLES - 1);
	/* shifted, so that small values are as likely as large ones */
	unsigned int value = random_up_to(thread, max[which]) >> random_up_to(thread, 8);

	/* the kernel may refuse the value as out of range, which is fine */
	if (change_tunable(tunables[which], value))
		thread->times++;
}

/* ---- stutter ---- */

static void stutter(struct disturber_thread *thread)
{
	__atomic_store_n(&thread->session->paused, true, __ATOMIC_RELAXED);
	pause_us(thread, random_up_to(thread, 1000000));
	__atomic_store_n(&thread->session->paused, false, __ATOMIC_RELAXED);
	thread->times++;
}

/* ---- the table, and the threads ---- */

static const struct disturber disturbers[] = {
	{
		.name		= "hotplug",
		.description	= "take CPUs offline, and back online",
		.missing	= hotplug_missing,
		.disturb	= hotplug,
		.pause_us	= 500000,
	}, {
		.name		= "pressure",
		.description	= "use up nearly all memory, and run the shrinkers",
		.disturb	= pressure,
		.pause_us	= 5000000,
	}, {
		.name		= "oom",
		.description	= "make allocations fail",
		.missing	= oom_missing,
		.begin		= oom_begin,
		.disturb	= oom,
		.pause_us	= 1000000,
	}, {
		.name		= "reconcile",
		.description	= "run expedited passes back to back",
		.missing	= reconcile_missing,
		.disturb	= reconcile,
		.pause_us	= 2000,
	}, {
		.name		= "preempt",
		.description	= "preempt workers; stall in the window, if dref.ko can",
		.begin		= preempt_begin,
		.disturb	= preempt,
		.pause_us	= 20000,
		.per_cpu	= true,
	}, {
		.name		= "tunables",
		.description	= "change dref's tunables at random",
		.missing	= tunables_missing,
		.disturb	= tune,
		.tunes		= true,
		.pause_us	= 50000,
	}, {
		.name		= "stutter",
		.description	= "pause and resume all workers",
		.disturb	= stutter,
		.pause_us	= 4000000,
	},
};

const size_t nr_disturbers = ARRAY_SIZE(disturbers);

static struct disturber_thread *threads;
static size_t nr_threads;

const char *disturber_name(unsigned int number)
{
	return disturbers[number].name;
}

const char *disturber_description(unsigned int number)
{
	return disturbers[number].description;
}

bool disturber_tunes(unsigned int number)
{
	return disturbers[number].tunes;
}

/* The requirement that is not met here, or NULL */
const char *disturber_missing(unsigned int number, const struct options *options)
{
	return disturbers[number].missing ? disturbers[number].missing(options) : NULL;
}

/* How often the disturber has disturbed; valid after disturb_stop() */
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

static void *disturber_main(void *arg)
{
	struct disturber_thread *thread = arg;

	do {
		thread->disturber->disturb(thread);
		pause_us(thread, random_up_to(thread, thread->disturber->pause_us));
	} while (!should_stop(thread));
	return NULL;
}

static void start_thread(struct session *session, const struct disturber *disturber,
			 unsigned int cpu)
{
	struct disturber_thread *thread = &threads[nr_threads];
	int err;

	thread->disturber = disturber;
	thread->session = session;
	thread->cpu = cpu;
	thread->random = session->options->seed + nr_threads;
	err = pthread_create(&thread->pthread, NULL, disturber_main, thread);
	if (err)
		die(FAILED, "cannot start a disturber thread: %s", strerror(err));
	nr_threads++;
}

/* Start the disturbers that the options select */
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

/* Wait for the threads, which return because session->stop is set */
void disturb_stop(void)
{
	unsigned int i;

	for (i = 0; i < nr_threads; i++)
		pthread_join(threads[i].pthread, NULL);
	undo_changes();
}
