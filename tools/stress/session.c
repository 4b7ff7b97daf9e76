// SPDX-License-Identifier: GPL-2.0
/*
 * The device, and the threads and processes that call in.
 *
 * Every worker of the kernel module belongs to one thread here, bound to one
 * CPU, which asks for one batch of steps after the other; or to a thread that has
 * processes do that, each of which lives for a few batches, and is killed in the
 * middle of one now and then.  What a worker draws in its n-th batch depends on
 * the seed, its number and n alone, so that the same seed repeats the same
 * choices; what the workers find, because of each other and of the machine, is
 * not the seed's doing.
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
#define BATCHES_PER_PROCESS	64	/* at most */
#define KILLED_PROCESSES	4	/* one in so many */
#define PAUSE_US		10000

/* Memory that processes share */
static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die(FAILED, "out of memory");
	return memory;
}

void session_open(struct session **opened, const struct options *options)
{
	struct session *session = share(sizeof(*session));

	session->options = options;
	session->fd = open(DREF_STRESS_DEVICE, O_RDWR | O_CLOEXEC);
	*opened = session;
	/* dref's tunables are there once: two runs would restore each other's */
	if (session->fd >= 0 && flock(session->fd, LOCK_EX | LOCK_NB))
		die(REFUSED, "another dref-stress is running");
	if (session->fd >= 0)
		return;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		die(REFUSED, "no " DREF_STRESS_DEVICE ": load dref_stress.ko first");
	case EACCES:
	case EPERM:
		die(REFUSED, "cannot open " DREF_STRESS_DEVICE ": you must be root");
	default:
		die(REFUSED, "cannot open " DREF_STRESS_DEVICE ": %s", strerror(errno));
	}
}

static void bind_to(const unsigned int *cpus, unsigned int nr)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	while (nr--)
		CPU_SET(cpus[nr], &set);
	/* If they have gone off line meanwhile, any other will do */
	sched_setaffinity(0, sizeof(set), &set);
}

void bind_to_cpu(unsigned int cpu)
{
	bind_to(&cpu, 1);
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

	/* the module's own workers are where this is */
	bind_to(options->cpus, options->nr_cpus);
	if (ioctl(session->fd, DREF_STRESS_SETUP, &setup))
		die(FAILED, "cannot set up %u objects and %u workers: %s",
		    setup.objects, setup.workers, strerror(errno));
}

static uint64_t batch_seed(uint64_t seed, unsigned int worker, uint64_t batch)
{
	uint64_t state = seed;

	state = random_of(&state) + worker;
	state = random_of(&state) + batch;
	return random_of(&state);
}

static bool stopping(const struct session *session)
{
	return __atomic_load_n(&session->stop, __ATOMIC_RELAXED);
}

/* One batch; false if it is the last one */
static bool do_batch(struct worker *worker)
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

	if (!left || stopping(session))
		return false;
	if (__atomic_load_n(&session->paused, __ATOMIC_RELAXED)) {
		usleep(PAUSE_US);
		return true;
	}
	if (ioctl(session->fd, DREF_STRESS_RUN, &run)) {
		if (errno == EINTR)
			return true;
		__atomic_store_n(&session->broken, errno, __ATOMIC_RELAXED);
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

/* A CPU that has been off line is ours again when it is back */
static void stay_on_cpu(const struct worker *worker)
{
	if (sched_getcpu() != (int)worker->cpu)
		bind_to_cpu(worker->cpu);
}

/* Where the kernel can let the allocations of chosen tasks fail */
static void let_allocations_fail(const struct session *session)
{
	if (session->failing)
		write_text("/proc/thread-self/make-it-fail", "1");
}

static void *thread_main(void *arg)
{
	struct worker *worker = arg;

	let_allocations_fail(worker->session);
	do {
		stay_on_cpu(worker);
	} while (do_batch(worker));
	return NULL;
}

/* The child of a program with threads: only calls that a signal handler could make */
static noreturn void process_main(struct worker *worker, unsigned int batches)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	let_allocations_fail(worker->session);
	bind_to_cpu(worker->cpu);
	while (batches-- && do_batch(worker))
		;
	_exit(0);
}

/* One process after the other; a batch in which one is killed does not count */
static void *processes_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t random = batch_seed(worker->session->options->seed, worker->number, ~0ULL);
	struct session *session = worker->session;
	unsigned int batches;
	pid_t child;

	while (!stopping(session) && worker->steps < worker->ops &&
	       !__atomic_load_n(&session->errors, __ATOMIC_RELAXED)) {
		batches = 1 + random_of(&random) % BATCHES_PER_PROCESS;
		child = fork();
		if (!child)
			process_main(worker, batches);
		if (child < 0) {
			usleep(PAUSE_US);	/* short of memory, as may be intended */
			continue;
		}
		if (random_of(&random) % KILLED_PROCESSES == 0) {
			usleep(random_of(&random) % 50000);
			kill(child, SIGKILL);
		}
		waitpid(child, NULL, 0);
	}
	return NULL;
}

/* The share of worker @number in --ops */
static uint64_t ops_of(const struct options *options, unsigned int number)
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
	session->workers = share(options->workers * sizeof(*session->workers));
	for (i = 0; i < options->workers; i++) {
		worker = &session->workers[i];
		worker->session = session;
		worker->number = i;
		worker->cpu = options->cpus[i % options->nr_cpus];
		worker->ops = ops_of(options, i);
		err = pthread_create(&worker->thread, NULL,
				     processes && (i + 1) % processes == 0 ?
				     processes_main : thread_main, worker);
		if (err)
			die(FAILED, "cannot start thread %u: %s", i, strerror(err));
	}
}

/* Is there a worker who has not come to the end? */
bool session_working(const struct session *session)
{
	unsigned int i;

	if (__atomic_load_n(&session->broken, __ATOMIC_RELAXED) ||
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

/* NULL, or what has failed that should not have, once the workers have stopped */
const char *session_failure(const struct session *session)
{
	static char text[100];

	if (!session->broken)
		return NULL;
	snprintf(text, sizeof(text), "a batch of steps failed: %s", strerror(session->broken));
	return text;
}

/* Drop and verify everything */
void session_finish(struct session *session, struct dref_stress_report *report)
{
	memset(report, 0, sizeof(*report));
	while (ioctl(session->fd, DREF_STRESS_FINISH, report)) {
		if (errno != EINTR)
			die(FAILED, "cannot finish: %s", strerror(errno));
	}
}

/* Nothing more to do: what the kernel does when the file is closed has been done */
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

/* Once the workers have stopped */
uint64_t session_count(const struct session *session, enum dref_stress_count what)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < session->options->workers; i++)
		count += session->workers[i].counts[what];
	return count;
}
