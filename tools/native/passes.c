// SPDX-License-Identifier: GPL-2.0
/*
 * Passes over 100, 1000 and 10000 deferred objects that are alive.
 *
 * What a pass looks at is memory: two counters of each possible CPU for each object.
 * No CPU has to count anything for that, so as many are possible as one likes.  dref
 * itself times its walks, by the clock on the wall.  Its way from one possible CPU to
 * the next is a count here, and a search for the next bit in a kernel: so a walk takes
 * no less in a kernel than it does here.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "bench.h"
#include "../../module/internal.h"

static void nothing(struct dref *ref)
{
}

DEFINE_DREF_CLASS(class_walked, "walked", nothing, 0);

static void objects_put(struct dref *objects, unsigned int nr)
{
	while (nr--)
		dref_put(&objects[nr]);
	dref_barrier();
}

static void walk_over(const struct options *options, struct walk *walk)
{
	struct dref *objects = kzalloc(walk->objects * sizeof(*objects), GFP_KERNEL);
	struct dref_pass_stats stats;
	unsigned int i;

	if (!objects)
		die(1, "out of memory");
	for (i = 0; i < walk->objects; i++) {
		dref_init(&objects[i], &class_walked);
		if (dref_defer(&objects[i], GFP_KERNEL))
			die(1, "out of memory for %u CPUs", options->possible);
	}
	for (walk->runs = 0; walk->runs < options->runs; walk->runs++) {
		dref_reconcile();
		dref_pass_stats(&stats);
		walk->ns[walk->runs] = stats.pass_ns_last;
	}
	objects_put(objects, walk->objects);
	kfree(objects);
}

void walk_all(const struct options *options, struct walk *walks)
{
	unsigned int i, objects = 100;

	if (dref_class_register(&class_walked))
		die(1, "cannot register a class");
	for (i = 0; i < NR_WALKS; i++, objects *= 10) {
		walks[i].objects = objects;
		walk_over(options, &walks[i]);
	}
}
