// SPDX-License-Identifier: GPL-2.0
/*
 * Passes: the time of a pass over 10, 100, 1000 ... deferred objects.
 *
 * None of the objects is dead, so a pass looks at each object once and waits
 * for no grace period; dref's own statistics tell how long the walk took.  Then
 * the initial reference of each object is dropped, and the time that
 * dref_barrier() takes to find them all dead is measured, too: two walks, a
 * grace period, and the releases.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "scale.h"
#include "../core/internal.h"

static void objects_put(struct dref *objects, unsigned int nr)
{
	while (nr--) {
		dref_put(&objects[nr]);
		cond_resched();
	}
}

/* Returns 0, -ENOSPC if max_deferred is too small, or another error */
static int objects_create(struct scale_session *session, struct dref *objects,
			  unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		dref_init(&objects[i], &scale_class);
		err = dref_defer(&objects[i], GFP_KERNEL);
		if (!err && scale_must_end(session))
			err = -EINTR;
		cond_resched();
	}
	if (err)
		objects_put(objects, i);
	return err;
}

/* One run: a pass over @nr live objects, then a barrier that finds all of them dead */
static int pass_run(struct scale_session *session, struct dref *objects, unsigned int nr,
		    struct scale_runs *walk, struct scale_runs *end)
{
	struct dref_pass_stats stats;
	u64 start;
	int err;

	err = objects_create(session, objects, nr);
	if (err)
		return err;
	dref_reconcile();
	dref_pass_stats(&stats);
	scale_runs_add(walk, stats.pass_ns_last, 1);
	objects_put(objects, nr);
	start = ktime_get_ns();
	dref_barrier();
	scale_runs_add(end, ktime_get_ns() - start, 1);
	return 0;
}

static int pass_over(struct scale_session *session, struct dref *objects, unsigned int nr,
		     struct scale_runs *walk, struct scale_runs *end)
{
	unsigned int i;
	int err;

	scale_begin_point(session, "a pass over %u objects", nr);
	for (i = 0; i < session->runs && !scale_must_end(session); i++) {
		err = pass_run(session, objects, nr, walk, end);
		dref_barrier();		/* release the objects of a failed run, too */
		if (err)
			return err;
	}
	err = scale_add_result(SCALE_PASS, "dref deferred", "walk", nr, walk);
	return err ?: scale_add_result(SCALE_PASS, "dref deferred", "find dead", nr, end);
}

static int pass_measure(struct scale_session *session, unsigned int nr)
{
	struct scale_runs *runs;
	struct dref *objects;
	int err = -ENOMEM;

	runs = kcalloc(2, sizeof(*runs), GFP_KERNEL);
	objects = kvcalloc(nr, sizeof(*objects), GFP_KERNEL);
	if (runs && objects)
		err = pass_over(session, objects, nr, &runs[0], &runs[1]);
	kvfree(objects);
	kfree(runs);
	return err;
}

int scale_passes(struct scale_session *session)
{
	unsigned int nr;
	int err = 0;

	for (nr = 10; nr <= session->objects && !scale_must_end(session); nr *= 10) {
		err = pass_measure(session, nr);
		if (err == -ENOSPC)
			scale_add_note("%u objects are more than dref's max_deferred allows", nr);
		if (err)
			break;
	}
	return err == -ENOSPC || err == -EINTR ? 0 : err;
}

unsigned int scale_passes_points(const struct scale_session *session)
{
	unsigned int nr, points = 0;

	for (nr = 10; nr <= session->objects; nr *= 10)
		points++;
	return points;
}
