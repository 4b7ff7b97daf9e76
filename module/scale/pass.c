// SPDX-License-Identifier: GPL-2.0
/*
 * Passes: what it takes to look at 10, 100, 1000 ... deferred objects.
 *
 * None of the objects is dead, so a pass looks at each once and waits for no grace
 * period; dref itself knows how long its walk took.  That the first reference of
 * all of them is then dropped, and dref_barrier() finds them dead, is measured as
 * well: two walks, a grace period, and the releases.
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

/* -ENOSPC: more than max_deferred allows */
static int objects_create(struct scale_session *session, struct dref *objects,
			  unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		dref_init(&objects[i], &scale_class);
		err = dref_defer(&objects[i], GFP_KERNEL);
		if (!err && scale_over(session))
			err = -EINTR;
		cond_resched();
	}
	if (err)
		objects_put(objects, i);
	return err;
}

/* So many objects live through a pass, and then none */
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

	scale_begin(session, "a pass over %u objects", nr);
	for (i = 0; i < session->runs && !scale_over(session); i++) {
		err = pass_run(session, objects, nr, walk, end);
		dref_barrier();		/* also those of a run that has failed */
		if (err)
			return err;
	}
	err = scale_result(SCALE_PASS, "dref deferred", "walk", nr, walk);
	return err ?: scale_result(SCALE_PASS, "dref deferred", "find dead", nr, end);
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

	for (nr = 10; nr <= session->objects && !scale_over(session); nr *= 10) {
		err = pass_measure(session, nr);
		if (err == -ENOSPC)
			scale_note("%u objects are more than dref's max_deferred allows", nr);
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
