// SPDX-License-Identifier: GPL-2.0
/*
 * The device, and the threads and processes that use it.
 *
 * For every worker of the session there is one thread, bound to one CPU.  The thread
 * either requests one batch of steps after the other, or forks one process after the
 * other to do so.  A process exits after a few batches; some processes are killed in
 * the middle of a batch.
 *
 * The random choices of a worker in its n-th batch depend on the seed, the number of
 * the worker and n only, so the same seed repeats the same choices.  The state in
 * which a worker finds the objects depends on the other workers and on timing, which
 * a seed does not repeat.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

#define STEPS_PER_BATCH		256
#define BATCHES_PER_PROCESS	64	/* maximum */
#define KILLED_PROCESSES	4	/* kill one of so many */
#define PAUSE_US		10000

/* Allocate zeroed memory that child processes share */
static void *alloc_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die(FAILED, "out of memory");
	return memory;
}

void session_open(struct session **opened, const struct options *options)
{
	struct session *session = alloc_shared(sizeof(*session));

	session->options = options;
	session->fd = open(DREF_STRESS_DEVICE, O_RDWR | O_CLOEXEC);
	*opened = session;
	/* two runs at a time would restore each other's tunables */
	if (session->fd >= 0 && flock(session->fd, LOCK_EX | LOCK_NB))
		die(REFUSED, "another dref-stress is running");
	if (session->fd >= 0) {
		check_changes();
		return;
	}
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		die(REFUSED, DREF_STRESS_DEVICE " does not exist: load dref_stress.ko first");
	case EACCES:
	case EPERM:
		die(REFUSED, "cannot open " DREF_STRESS_DEVICE ": you must be root");
	default:
		die(REFUSED, "cannot open " DREF_STRESS_DEVICE ": %s", strerror(errno));
	}
}

void session_setup(struct session *session, unsigned int objects, unsigned int flags)
{
	const struct options *options = session->options;
	struct dref_stress_setup setup = {
		.objects = objects,
		.workers = options->workers,
		.flags = flags,
		.contexts = options->scenario->contexts,
		.scenario = options->scenario->step,
		.late_ms = options->late_ns / NSEC_PER_MSEC,
		.seed = options->seed,
	};

	/* the module starts its own workers on the CPUs that this thread may use */
	bind_to_cpus(options->cpus, options->nr_cpus);
	if (ioctl(session->fd, DREF_STRESS_SETUP, &setup))
		die(FAILED, "cannot set up %u objects and %u workers: %s",
		    setup.objects, setup.workers, strerror(errno));
}

static uint64_t batch_seed(uint64_t seed, unsigned int worker, uint64_t batch)
{
	uint64_t state = seed;

	state = next_random(&state) + worker;
	state = next_random(&state) + batch;
	return next_random(&state);
}

static bool should_stop(const struct session *session)
{
	return __atomic_load_n(&session->stop, __ATOMIC_RELAXED);
}

/* Run one batch; returns false if the worker has to end */
static bool run_batch(struct worker *worker)
{
	struct session *session = worker->session;
	uint64_t left = worker->ops - worker->steps;
	struct dref_stress_run run = {
		.worker = worker->number,
		.scenario = session->step,
		.ops = left < STEPS_PER_BATCH ? left : STEPS_PER_BATCH,
		.seed = batch_seed(session->options->seed, worker->number, worker->batch),
	};
	int i;

	if (!left || should_stop(session))
		return false;
	if (__atomic_load_n(&session->paused, __ATOMIC_RELAXED)) {
		usleep(PAUSE_US);
		return true;
	}
	if (ioctl(session->fd, DREF_STRESS_RUN, &run)) {
		if (errno == EINTR)
			return true;
		__atomic_store_n(&session->failed_errno, errno, __ATOMIC_RELAXED);
		return false;
	}
	worker->batch++;
	for (i = 0; i < DREF_STRESS_COUNTS_SIZE; i++)
		worker->counts[i] += run.counts[i];
	__atomic_store_n(&worker->steps, worker->steps + run.done, __ATOMIC_RELAXED);
	if (run.errors)
		__atomic_store_n(&session->errors, run.errors, __ATOMIC_RELAXED);
	return !run.errors;
}

/* Return to the worker's CPU once it is online again; until then the worker runs on any CPU */
static void stay_on_cpu(const struct worker *worker)
{
	if (sched_getcpu() != (int)worker->cpu)
		bind_to_cpu(worker->cpu);
}

/* Select this task for failslab, if the oom disturber uses failslab */
static void enable_failslab(const struct session *session)
{
	if (session->failing)
		write_text("/proc/thread-self/make-it-fail", "1");
}

static void *thread_main(void *arg)
{
	struct worker *worker = arg;

	enable_failslab(worker->session);
	do {
		stay_on_cpu(worker);
	} while (run_batch(worker));
	return NULL;
}

/* Runs in a forked child of a threaded program: async-signal-safe calls only */
static __noreturn void child_main(struct worker *worker, unsigned int batches)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enable_failslab(worker->session);
	bind_to_cpu(worker->cpu);
	while (batches-- && run_batch(worker))
		;
	_exit(0);
}

/*
 * Fork one process after the other.  A batch that is cut short by a kill is not added
 * to the worker's steps.
 */
static void *forker_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t random = batch_seed(worker->session->options->seed, worker->number, ~0ULL);
	struct session *session = worker->session;
	unsigned int batches;
	pid_t child;

	while (!should_stop(session) && worker->steps < worker->ops &&
	       !__atomic_load_n(&session->errors, __ATOMIC_RELAXED)) {
		batches = 1 + next_random(&random) % BATCHES_PER_PROCESS;
		child = fork();
		if (!child)
			child_main(worker, batches);
		if (child < 0) {
			usleep(PAUSE_US);	/* out of memory, perhaps due to a disturber */
			continue;
		}
		if (next_random(&random) % KILLED_PROCESSES == 0) {
			usleep(next_random(&random) % 50000);
			kill(child, SIGKILL);
		}
		waitpid(child, NULL, 0);
	}
	return NULL;
}

/* The part of --ops that worker @number has to do */
static uint64_t worker_ops(const struct options *options, unsigned int number)
{
	if (!options->ops)
		return UINT64_MAX;
	return options->ops / options->workers +
	       (number < options->ops % options->workers);
}

void session_start(struct session *session, unsigned int step)
{
	const struct options *options = session->options;
	unsigned int processes = options->scenario->processes;
	struct worker *worker;
	unsigned int i;
	int err;

	session->step = step;
	session->workers = alloc_shared(options->workers * sizeof(*session->workers));
	for (i = 0; i < options->workers; i++) {
		worker = &session->workers[i];
		worker->session = session;
		worker->number = i;
		worker->cpu = options->cpus[i % options->nr_cpus];
		worker->ops = worker_ops(options, i);
		err = pthread_create(&worker->thread, NULL,
				     processes && (i + 1) % processes == 0 ?
				     forker_main : thread_main, worker);
		if (err)
			die(FAILED, "cannot start thread %u: %s", i, strerror(err));
	}
}

/* Returns true while a worker has steps to do, and no error was found */
bool session_working(const struct session *session)
{
	unsigned int i;

	if (__atomic_load_n(&session->failed_errno, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&session->errors, __ATOMIC_RELAXED))
		return false;
	for (i = 0; i < session->options->workers; i++) {
		if (__atomic_load_n(&session->workers[i].steps, __ATOMIC_RELAXED) <
		    session->workers[i].ops)
			return true;
	}
	return false;
}

void session_stop(struct session *session)
{
	unsigned int i;

	__atomic_store_n(&session->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < session->options->workers; i++)
		pthread_join(session->workers[i].thread, NULL);
}

/* Valid after session_stop(): describe an ioctl that failed unexpectedly, or NULL */
const char *session_failure(const struct session *session)
{
	static char text[100];

	if (!session->failed_errno)
		return NULL;
	snprintf(text, sizeof(text), "a batch of steps failed: %s",
		 strerror(session->failed_errno));
	return text;
}

/* Drop all references, verify all releases, and get the oracle's report */
void session_finish(struct session *session, struct dref_stress_report *report)
{
	memset(report, 0, sizeof(*report));
	while (ioctl(session->fd, DREF_STRESS_FINISH, report)) {
		if (errno != EINTR)
			die(FAILED, "cannot finish: %s", strerror(errno));
	}
}

/* The session is empty after session_finish(), so close() has nothing to clean up */
void session_close(struct session *session)
{
	close(session->fd);
	munmap(session->workers, session->options->workers * sizeof(*session->workers));
	munmap(session, sizeof(*session));
}

uint64_t session_steps(const struct session *session)
{
	uint64_t steps = 0;
	unsigned int i;

	for (i = 0; i < session->options->workers; i++)
		steps += __atomic_load_n(&session->workers[i].steps, __ATOMIC_RELAXED);
	return steps;
}

/* Valid after session_stop() */
uint64_t session_count(const struct session *session, enum dref_stress_count kind)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < session->options->workers; i++)
		count += session->workers[i].counts[kind];
	return count;
}
