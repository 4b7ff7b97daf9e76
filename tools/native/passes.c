// SPDX-License-Identifier: GPL-2.0
/*
 * Passes over 100, 1000 and 10000 deferred objects that are alive, and promotions.
 *
 * What a pass looks at is memory: two counters of each possible CPU for each object.
 * It does not matter whether anybody has been on these CPUs, so as many are possible as
 * one likes.  It does matter in whose caches the counters are:
 *
 *	warm	nothing has happened since the last pass
 *	cold	this CPU has done something else meanwhile, with 64 MiB of memory
 *	hot	and another CPU has counted in every slot, in the place of all of them
 *
 * Objects are 192 bytes, and promoted in an order that is not that of their addresses.
 * All of them live, so that a pass is a walk, and no grace period.  dref itself times
 * its walks, by the clock on the wall.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "bench.h"
#include "../../module/core/internal.h"

#define STEP	7919U	/* from one to the next: a prime, and so all are visited */

struct object {
	char		payload[160];
	struct dref	dref;
};

struct others {
	struct object	*objects;
	unsigned int	nr, cpu;
};

static void object_release(struct dref *ref)
{
}

DEFINE_DREF_CLASS(class_walked, "walked", object_release, 0);

static void promote(struct object *objects, unsigned int nr, struct walk *promotion)
{
	unsigned int part = nr / NR_PROMOTIONS, i, at = 0;
	u64 start;

	for (promotion->runs = 0; promotion->runs < NR_PROMOTIONS; promotion->runs++) {
		start = ktime_get_ns();
		for (i = 0; i < part; i++, at = (at + STEP) % nr) {
			if (dref_defer(&objects[at].dref, GFP_KERNEL))
				die(1, "out of memory for %u CPUs", num_possible_cpus());
		}
		promotion->ns[promotion->runs] = ktime_get_ns() - start;
	}
	promotion->objects = part;
}

static struct object *objects_create(unsigned int nr)
{
	struct object *objects = kzalloc(nr * sizeof(*objects), GFP_KERNEL);
	unsigned int i;

	if (!objects)
		die(1, "out of memory");
	for (i = 0; i < nr; i++)
		dref_init(&objects[i].dref, &class_walked);
	return objects;
}

static void objects_destroy(struct object *objects, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		dref_put(&objects[i].dref);
	dref_barrier();
	kfree(objects);
}

/* ---- between two passes ---- */

static void nothing(struct others *others)
{
}

static void scrub_caches(struct others *others)
{
	static char memory[64 << 20];
	size_t i;

	for (i = 0; i < sizeof(memory); i += 64)
		WRITE_ONCE(memory[i], 1);
}

/* A get and a put in every slot, in the place of each CPU */
static void *count_everywhere(void *arg)
{
	struct others *others = arg;
	struct dref_counts *counts;
	unsigned int i, cpu;

	bind_to(others->cpu);
	for (i = 0; i < others->nr; i++) {
		for_each_possible_cpu(cpu) {
			counts = per_cpu_ptr(dref_counts(others->objects[i].dref.mode), cpu);
			WRITE_ONCE(counts->gets, counts->gets + 1);
			WRITE_ONCE(counts->puts, counts->puts + 1);
		}
	}
	return NULL;
}

static void other_cpu_counts(struct others *others)
{
	pthread_t thread;

	scrub_caches(others);
	if (pthread_create(&thread, NULL, count_everywhere, others))
		die(1, "cannot start a thread");
	pthread_join(thread, NULL);
}

static const struct meanwhile {
	const char	*caches;
	void		(*happens)(struct others *others);
} meanwhiles[NR_CACHES] = {
	{ "warm", nothing },
	{ "cold", scrub_caches },
	{ "hot", other_cpu_counts },
};

/* ---- passes ---- */

static void walk_over(const struct meanwhile *meanwhile, struct others *others,
		      unsigned int runs, struct walk *walk)
{
	struct dref_pass_stats stats;

	*walk = (struct walk) { .caches = meanwhile->caches, .objects = others->nr };
	dref_reconcile();	/* what promotion has left */
	for (; walk->runs < runs; walk->runs++) {
		meanwhile->happens(others);
		dref_reconcile();
		dref_pass_stats(&stats);
		walk->ns[walk->runs] = stats.pass_ns_last;
	}
}

/* All passes are asked for, and nothing is demoted.  One CPU alone has no other one. */
void walk_all(const struct options *options, struct passes *passes)
{
	struct others others = { .nr = 100 };
	unsigned int i, size, nr_caches = options->nr_cpus > 1 ? NR_CACHES : NR_CACHES - 1;

	others.cpu = options->cpus[options->nr_cpus - 1];
	dref_pass_min_ms = 3600000;
	dref_pass_max_ms = 3600000;
	if (dref_class_register(&class_walked))
		die(1, "cannot register a class");
	passes->nr_walks = 0;
	for (size = 0; size < NR_SIZES; size++, others.nr *= 10) {
		others.objects = objects_create(others.nr);
		promote(others.objects, others.nr, &passes->promotion);
		for (i = 0; i < nr_caches; i++)
			walk_over(&meanwhiles[i], &others, options->runs,
				  &passes->walks[passes->nr_walks++]);
		objects_destroy(others.objects, others.nr);
	}
}
