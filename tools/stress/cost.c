// SPDX-License-Identifier: GPL-2.0
/*
 * What a get and a put take, side by side: each kind of count used by one CPU,
 * and by all of them at a time.
 *
 * The loops are in the kernel module; here are the threads that begin together.
 * Where the clock advances by a nanosecond with every instruction, as under
 * "vm-run --icount", which says so in DREF_ICOUNT, the times are instructions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "stress.h"

#define PAIRS		200000ULL
#define RUNS		5	/* the median counts */

static const struct counter {
	const char	*name;
	unsigned int	number;
} counters[] = {
	{ "the loop alone",	DREF_STRESS_COST_EMPTY },
	{ "refcount_t",		DREF_STRESS_COST_REFCOUNT },
	{ "percpu_ref",		DREF_STRESS_COST_PERCPU_REF },
	{ "dref, exact",	DREF_STRESS_COST_EXACT },
	{ "dref, deferred",	DREF_STRESS_COST_DEFERRED },
	{ "dref, immortal",	DREF_STRESS_COST_IMMORTAL },
};

struct measurer {
	pthread_t		thread;
	pthread_barrier_t	*begin;
	int			fd;
	unsigned int		cpu;
	unsigned int		counter;
	double			ns;	/* a pair */
	int			err;
};

static void *measure(void *arg)
{
	struct measurer *measurer = arg;
	struct dref_stress_cost cost = {
		.counter = measurer->counter,
		.pairs = PAIRS,
	};

	bind_to_cpu(measurer->cpu);
	pthread_barrier_wait(measurer->begin);
	measurer->err = ioctl(measurer->fd, DREF_STRESS_COST, &cost) ? errno : 0;
	measurer->ns = measurer->err ? 0 : (double)cost.ns / cost.pairs;
	return NULL;
}

/* On the first @nr CPUs at a time: the mean of what they say */
static double measure_once(const struct session *session, unsigned int counter,
			   unsigned int nr)
{
	struct measurer *measurers = calloc(nr, sizeof(*measurers));
	pthread_barrier_t begin;
	double sum = 0;
	unsigned int i;
	int err;

	if (!measurers)
		die(FAILED, "out of memory");
	pthread_barrier_init(&begin, NULL, nr);
	for (i = 0; i < nr; i++) {
		measurers[i].begin = &begin;
		measurers[i].fd = session->fd;
		measurers[i].cpu = session->options->cpus[i];
		measurers[i].counter = counter;
		err = pthread_create(&measurers[i].thread, NULL, measure, &measurers[i]);
		if (err)
			die(FAILED, "cannot start thread %u: %s", i, strerror(err));
	}
	for (i = 0; i < nr; i++) {
		pthread_join(measurers[i].thread, NULL);
		if (measurers[i].err)
			die(FAILED, "cannot measure: %s", strerror(measurers[i].err));
		sum += measurers[i].ns;
	}
	pthread_barrier_destroy(&begin);
	free(measurers);
	return sum / nr;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(const struct session *session, unsigned int counter, unsigned int nr)
{
	double ns[RUNS];
	int i;

	for (i = 0; i < RUNS; i++)
		ns[i] = measure_once(session, counter, nr);
	qsort(ns, RUNS, sizeof(*ns), compare);
	return ns[RUNS / 2];
}

int run_cost(const struct options *options)
{
	unsigned int nr = options->nr_cpus;
	struct session *session;
	double alone, together;
	char cpus[200], title[40];
	size_t i;

	session_open(&session, options);
	say("dref-stress: %s for a get and a put, the loop included, on CPUs %s\n",
	    getenv("DREF_ICOUNT") ? "instructions" : "ns",
	    format_cpus(options->cpus, nr, cpus, sizeof(cpus)));
	snprintf(title, sizeof(title), "%u CPUs at a time", nr);
	say("%-16s %12s %18s\n", "", "one CPU", nr > 1 ? title : "");
	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		alone = median(session, counters[i].number, 1);
		say("%-16s %12.1f", counters[i].name, alone);
		if (nr > 1) {
			together = median(session, counters[i].number, nr);
			say(" %18.1f", together);
		}
		say("\n");
	}
	return CLEAN;
}
