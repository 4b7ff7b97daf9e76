// SPDX-License-Identifier: GPL-2.0
/*
 * dref-native-pass: what a pass takes on this CPU, for each object that it walks over,
 * and which share of a CPU that is at the default tunables.
 *
 * There are as many possible CPUs as one likes: their counters are there, and it does
 * not matter to a pass whether anybody has been on them.  It does matter in whose
 * cache they are:
 *
 *	warm	nothing has happened since the last pass
 *	cold	this CPU has done something else meanwhile, with 64 MiB of memory
 *	hot	another CPU has counted in every slot, on all of them
 *
 * Objects are 192 bytes, and are promoted in an order that is not that of their
 * addresses.  All of them live, so that a pass is a walk, and no grace period.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/dref.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "../../module/internal.h"
#include "shim/shim.h"

#define MAX_OBJECTS	1000000U
#define MAX_PASSES	999U
#define MAX_CPUS	1024U

struct object {
	char		payload[160];
	struct dref	dref;
};

static unsigned int nr_objects = 10000, nr_passes = 21;
static struct object *objects;

static void object_release(struct dref *ref)
{
}

DEFINE_DREF_CLASS(class_object, "object", object_release, 0);

static void bind_to(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static double median(double *values, unsigned int nr)
{
	qsort(values, nr, sizeof(*values), compare);
	return values[nr / 2];
}

/* Returns how long it takes to promote one, in ns */
static double objects_create(void)
{
	unsigned int i, at = 0, step = 7919;	/* a prime, and so all of them */
	double *ns, middle;
	u64 start;
	int err;

	objects = calloc(nr_objects, sizeof(*objects));
	ns = calloc(nr_objects, sizeof(*ns));
	if (!objects || !ns)
		shim_die("no memory for objects", ENOMEM);
	for (i = 0; i < nr_objects; i++) {
		at = (at + step) % nr_objects;
		while (objects[at].dref.class)
			at = (at + 1) % nr_objects;
		dref_init(&objects[at].dref, &class_object);
		start = ktime_get_ns();
		err = dref_defer(&objects[at].dref, GFP_KERNEL);
		ns[i] = ktime_get_ns() - start;
		if (err)
			shim_die("cannot defer an object", -err);
	}
	middle = median(ns, nr_objects);
	free(ns);
	return middle;
}

/* ---- between two passes ---- */

static void nothing(void)
{
}

static void scrub_caches(void)
{
	static char memory[64 << 20];
	size_t i;

	for (i = 0; i < sizeof(memory); i += 64)
		WRITE_ONCE(memory[i], 1);
}

/* A get and a put in every slot, on all possible CPUs, which are this one */
static void *count_everywhere(void *unused)
{
	struct dref_counts *counts;
	unsigned int i, cpu;

	bind_to(1);
	for (i = 0; i < nr_objects; i++) {
		for_each_possible_cpu(cpu) {
			counts = per_cpu_ptr(dref_counts(objects[i].dref.mode), cpu);
			WRITE_ONCE(counts->gets, counts->gets + 1);
			WRITE_ONCE(counts->puts, counts->puts + 1);
		}
	}
	return NULL;
}

static void other_cpu_counts(void)
{
	pthread_t thread;

	scrub_caches();
	if (pthread_create(&thread, NULL, count_everywhere, NULL))
		shim_die("cannot start a thread", EAGAIN);
	pthread_join(thread, NULL);
}

static const struct meanwhile {
	const char	*name;
	void		(*happens)(void);
} meanwhiles[] = {
	{ "warm", nothing },
	{ "cold", scrub_caches },
	{ "hot", other_cpu_counts },
};

static void measure(const struct meanwhile *meanwhile)
{
	double ns[MAX_PASSES], middle;
	struct dref_pass_stats stats;
	unsigned int i;

	for (i = 0; i < nr_passes; i++) {
		meanwhile->happens();
		dref_barrier();
		dref_pass_stats(&stats);
		ns[i] = stats.pass_ns_last;
	}
	middle = median(ns, nr_passes);
	printf("%-8s %10.1f %10.1f %12.1f %10.3f %10.3f\n", meanwhile->name,
	       middle / nr_objects, ns[0] / nr_objects, middle / 1e3,
	       middle / 1e6 / dref_pass_max_ms * 100,
	       middle / 1e6 / dref_pass_min_ms * 100);
}

static unsigned int parse(const char *text, unsigned int min, unsigned int max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < min || value > max) {
		fprintf(stderr, "dref-native-pass: \"%s\" is no number from %u to %u\n",
			text, min, max);
		exit(2);
	}
	return value;
}

static void print_usage(FILE *file)
{
	fprintf(file, "usage: dref-native-pass [--objects N] [--cpus N] [--passes N]\n"
		"what a pass takes over N deferred objects (10000) on N possible CPUs (16)\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "objects", required_argument, NULL, 'o' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "passes", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	unsigned int cpus = 16, i;
	double promotion_ns;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			nr_objects = parse(optarg, 1, MAX_OBJECTS);
			break;
		case 'c':
			cpus = parse(optarg, SHIM_CPUS + 1, MAX_CPUS);
			break;
		case 'p':
			nr_passes = parse(optarg, 1, MAX_PASSES);
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		print_usage(stderr);
		return 2;
	}

	bind_to(0);
	dref_max_deferred = MAX_OBJECTS;
	shim_boot(cpus - SHIM_CPUS);
	if (shim_module_init() || dref_class_register(&class_object))
		shim_die("cannot load dref", ENOMEM);
	promotion_ns = objects_create();
	printf("a pass over %u objects, %u possible CPUs, median of %u\n", nr_objects,
	       num_possible_cpus(), nr_passes);
	printf("%-8s %10s %10s %12s %21s\n", "", "ns/object", "least", "us", "% of a CPU, every");
	printf("%-8s %10s %10s %12s %7u ms %7u ms\n", "", "", "", "", dref_pass_max_ms,
	       dref_pass_min_ms);
	for (i = 0; i < ARRAY_SIZE(meanwhiles); i++)
		measure(&meanwhiles[i]);
	printf("a promotion: %.0f ns, median, looks at the clock included\n", promotion_ns);
	for (i = 0; i < nr_objects; i++)
		dref_put(&objects[i].dref);
	dref_class_drain(&class_object);
	return 0;
}
