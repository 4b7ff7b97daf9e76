// SPDX-License-Identifier: GPL-2.0
/*
 * Promotion: how long CPUs fight for a new object before it is deferred.
 *
 * The threads begin together to get and to put an object that none of them has
 * touched before.  The time runs from then until the first thread, which does the
 * same, finds the object deferred: dref has noticed by itself, and has given it a
 * slot.  With the tunables of dref as they are.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "dref_scale.h"

#define SCALE_PATIENCE	(5 * HZ)

/**
 * struct scale_promotion - an object that a team fights for
 * @object: the object
 * @deadline: it has not been promoted, in jiffies
 * @over: the first thread has seen the end
 * @promoted: and it was a promotion
 * @ns: after so long
 */
struct scale_promotion {
	struct dref	object ____cacheline_aligned;
	unsigned long	deadline ____cacheline_aligned;
	bool		over;
	bool		promoted;
	u64		ns;
};

static void promotion_work(struct scale_thread *thread)
{
	struct scale_promotion *promotion = thread->team->arg;
	bool first = !thread->index, over = false;
	u64 start;

	scale_team_start(thread);
	start = ktime_get_ns();
	while (!over) {
		dref_get(&promotion->object);
		dref_put(&promotion->object);
		over = first ? dref_is_deferred(&promotion->object) :
			       READ_ONCE(promotion->over);
		if (time_after(jiffies, promotion->deadline) ||
		    scale_over(thread->team->session))
			break;
		cond_resched();
	}
	if (first) {
		promotion->ns = ktime_get_ns() - start;
		promotion->promoted = over;
		WRITE_ONCE(promotion->over, true);
	}
}

static int promotion_run(struct scale_session *session, unsigned int nr,
			 struct scale_runs *runs)
{
	struct scale_promotion promotion = { .deadline = jiffies + SCALE_PATIENCE };
	struct scale_team team = {
		.session	= session,
		.work		= promotion_work,
		.arg		= &promotion,
		.nr		= nr,
	};
	int err;

	dref_init(&promotion.object, &scale_class);
	err = scale_team_run(&team);
	scale_team_free(&team);
	dref_put(&promotion.object);
	dref_barrier();
	if (promotion.promoted && !scale_over(session))
		scale_runs_add(runs, promotion.ns, 1);
	return err;
}

static int promotion_of(struct scale_session *session, unsigned int nr)
{
	struct scale_runs *runs;
	unsigned int i;
	int err = 0;

	runs = kzalloc(sizeof(*runs), GFP_KERNEL);
	if (!runs)
		return -ENOMEM;
	scale_begin(session, "promotion, %u threads", nr);
	for (i = 0; i < session->runs && !err && !scale_over(session); i++)
		err = promotion_run(session, nr, runs);
	if (!err && runs->nr < i && !scale_over(session))
		scale_note("with %u threads %u of %u objects were not promoted in %u s",
			   nr, i - runs->nr, i, SCALE_PATIENCE / HZ);
	if (!err)
		err = scale_result(SCALE_PROMOTION, "dref", "until deferred", nr, runs);
	kfree(runs);
	return err;
}

int scale_promotions(struct scale_session *session)
{
	unsigned int nr;
	int err = 0;

	for (nr = 2; nr <= session->nr_cpus && !err && !scale_over(session);
	     nr = scale_more_threads(session, nr))
		err = promotion_of(session, nr);
	return err;
}

unsigned int scale_promotions_points(const struct scale_session *session)
{
	unsigned int nr, points = 0;

	for (nr = 2; nr <= session->nr_cpus; nr = scale_more_threads(session, nr))
		points++;
	return points;
}
