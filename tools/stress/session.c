// SPDX-License-Identifier: GPL-2.0
/*
 * The device, and the threads that call in.
 *
 * Every worker of the kernel module belongs to one thread here, bound to one
 * CPU, which asks for one batch of steps after the other.  What a worker draws in
 * its n-th batch depends on the seed, its number and n alone, so that the same
 * seed repeats the same choices; what the workers find, because of each other and
 * of the machine, is not the seed's doing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stress.h"

#define STEPS_PER_BATCH	2048

void session_open(struct session *session, const struct options *options)
{
	memset(session, 0, sizeof(*session));
	session->options = options;
	session->fd = open(DREF_STRESS_DEVICE, O_RDWR | O_CLOEXEC);
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

void session_setup(struct session *session, unsigned int objects, unsigned int flags)
{
	struct dref_stress_setup setup = {
		.objects = objects,
		.workers = session->options->workers,
		.flags = flags,
	};

	if (ioctl(session->fd, DREF_STRESS_SETUP, &setup))
		die(FAILED, "cannot set up %u objects and %u workers: %s",
		    setup.objects, setup.workers, strerror(errno));
}

/* splitmix64 (Steele, Lea and Flood, OOPSLA 2014): neighbours give unlike numbers */
static uint64_t mix(uint64_t number)
{
	number += 0x9e3779b97f4a7c15ULL;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9ULL;
	number = (number ^ number >> 27) * 0x94d049bb133111ebULL;
	return number ^ number >> 31;
}

static uint64_t batch_seed(uint64_t seed, unsigned int worker, uint64_t batch)
{
	return mix(mix(mix(seed) + worker) + batch);
}

void bind_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* If the CPU has gone off line meanwhile, any other will do */
	sched_setaffinity(0, sizeof(set), &set);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct session *session = worker->session;
	struct dref_stress_run run;
	uint64_t batch = 0, left;
	int i;

	bind_to_cpu(worker->cpu);
	while (!__atomic_load_n(&session->stop, __ATOMIC_RELAXED)) {
		left = worker->ops - worker->steps;
		if (!left)
			break;
		memset(&run, 0, sizeof(run));
		run.worker = worker->number;
		run.scenario = session->scenario;
		run.ops = left < STEPS_PER_BATCH ? left : STEPS_PER_BATCH;
		run.seed = batch_seed(session->options->seed, worker->number, batch);
		if (ioctl(session->fd, DREF_STRESS_RUN, &run)) {
			if (errno == EINTR)
				continue;
			__atomic_store_n(&session->broken, errno, __ATOMIC_RELAXED);
			break;
		}
		batch++;
		for (i = 0; i < DREF_STRESS_COUNTS_SIZE; i++)
			worker->counts[i] += run.counts[i];
		__atomic_store_n(&worker->steps, worker->steps + run.done, __ATOMIC_RELAXED);
		if (run.errors) {
			__atomic_store_n(&session->errors, run.errors, __ATOMIC_RELAXED);
			break;
		}
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

void session_start(struct session *session, unsigned int scenario)
{
	const struct options *options = session->options;
	struct worker *worker;
	unsigned int i;
	int err;

	session->scenario = scenario;
	session->workers = calloc(options->workers, sizeof(*session->workers));
	if (!session->workers)
		die(FAILED, "out of memory");
	for (i = 0; i < options->workers; i++) {
		worker = &session->workers[i];
		worker->session = session;
		worker->number = i;
		worker->cpu = options->cpus[i % options->nr_cpus];
		worker->ops = ops_of(options, i);
		err = pthread_create(&worker->thread, NULL, worker_main, worker);
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
	if (session->broken)
		die(FAILED, "a batch of steps failed: %s", strerror(session->broken));
}

/* Drop and verify everything.  Closing the file after this has nothing to do. */
void session_finish(struct session *session, struct dref_stress_report *report)
{
	memset(report, 0, sizeof(*report));
	while (ioctl(session->fd, DREF_STRESS_FINISH, report)) {
		if (errno != EINTR)
			die(FAILED, "cannot finish: %s", strerror(errno));
	}
	close(session->fd);
	free(session->workers);
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
