// SPDX-License-Identifier: GPL-2.0
/*
 * Measure passes over 100, 1000 and 10000 live deferred objects, and promotions.
 *
 * A pass reads two counters of each possible CPU for each object.  It makes no
 * difference whether these CPUs exist, so any number of CPUs can be possible.  It does
 * make a difference where the counters are cached:
 *
 *	warm	on this CPU: keep_caches has happened since the last pass
 *	cold	on no CPU: since the last pass, this CPU has written 64 MiB of memory
 *	hot	on another CPU: after that, it has counted in the counters of all
 *		possible CPUs, in every slot
 *
 * Objects are 192 bytes, and are promoted in an order other than that of their
 * addresses.  All objects are alive, so a pass is a walk without a grace period.  dref
 * times its walks itself, by the wall clock.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "bench.h"
#include "module/core/internal.h"

#define STEP	7919U	/* from one object to the next; a prime, so all are visited */

struct object {
	char		payload[160];
	struct dref	dref;
};

struct setup {
	struct object	*objects;
	unsigned int	nr;
	unsigned int	other_cpu;
};

static void object_release(struct dref *ref)
{
}

static DEFINE_DREF_CLASS(class_walked, "walked", object_release, 0);

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

static void keep_caches(struct setup *setup)
{
}

static void evict_caches(struct setup *setup)
{
	static char memory[64 << 20];
	size_t i;

	for (i = 0; i < sizeof(memory); i += 64)
		WRITE_ONCE(memory[i], 1);
}

/* Count a get and a put in every slot, for each possible CPU */
static void *count_everywhere(void *arg)
{
	struct setup *setup = arg;
	struct dref_counts *counts;
	unsigned int i, cpu;

	bind_to(setup->other_cpu);
	for (i = 0; i < setup->nr; i++) {
		for_each_possible_cpu(cpu) {
			counts = per_cpu_ptr(dref_counts(setup->objects[i].dref.mode), cpu);
			WRITE_ONCE(counts->gets, counts->gets + 1);
			WRITE_ONCE(counts->puts, counts->puts + 1);
		}
	}
	return NULL;
}

static void fill_other_cpu_cache(struct setup *setup)
{
	pthread_t thread;

	evict_caches(setup);
	if (pthread_create(&thread, NULL, count_everywhere, setup))
		die(1, "cannot start a thread");
	pthread_join(thread, NULL);
}

static const struct cache_state {
	const char	*caches;
	void		(*prepare)(struct setup *setup);
} cache_states[NR_CACHES] = {
	{ "warm", keep_caches },
	{ "cold", evict_caches },
	{ "hot", fill_other_cpu_cache },
};

/* ---- passes ---- */

static void measure_walks(const struct cache_state *state, struct setup *setup,
			  unsigned int runs, struct walk *walk)
{
	struct dref_pass_stats stats;

	*walk = (struct walk) { .caches = state->caches, .objects = setup->nr };
	dref_reconcile();	/* not measured, as it also takes over the new slots */
	for (; walk->runs < runs; walk->runs++) {
		state->prepare(setup);
		dref_reconcile();
		dref_pass_stats(&stats);
		walk->ns[walk->runs] = stats.pass_ns_last;
	}
}

/* No periodic pass runs meanwhile, so no object is demoted.  "hot" needs a second CPU. */
void measure_passes(const struct options *options, struct passes *passes)
{
	struct setup setup = { .nr = 100 };
	unsigned int i, size, nr_caches = options->nr_cpus > 1 ? NR_CACHES : NR_CACHES - 1;

	setup.other_cpu = options->cpus[options->nr_cpus - 1];
	dref_pass_min_ms = 3600000;
	dref_pass_max_ms = 3600000;
	if (dref_class_register(&class_walked))
		die(1, "cannot register a class");
	passes->nr_walks = 0;
	for (size = 0; size < NR_SIZES; size++, setup.nr *= 10) {
		setup.objects = objects_create(setup.nr);
		promote(setup.objects, setup.nr, &passes->promotion);
		for (i = 0; i < nr_caches; i++)
			measure_walks(&cache_states[i], &setup, options->runs,
				      &passes->walks[passes->nr_walks++]);
		objects_destroy(setup.objects, setup.nr);
	}
}
