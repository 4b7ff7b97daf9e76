// SPDX-License-Identifier: GPL-2.0
/*
 * Promotion: how long CPUs contend for a new object before it is deferred.
 *
 * All threads begin at the same time to get and put an object that none of them
 * has touched before.  They go on until they see that dref has found the object
 * hot and given it a slot.  The time runs from the moment when the second
 * thread begins, as a single thread causes no contention, to the moment when
 * the first thread sees the object deferred.  A run in which the first thread has made
 * it hot alone does not count.  dref's tunables are not changed.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "scale.h"

#define SCALE_PATIENCE	(60 * HZ)

/**
 * struct scale_promotion - an object that a team contends for
 * @object: the object
 * @deadline: when the threads give up, in jiffies
 */
struct scale_promotion {
	struct dref	object ____cacheline_aligned;
	unsigned long	deadline ____cacheline_aligned;
};

static void promotion_work(struct scale_thread *thread)
{
	struct scale_promotion *promotion = thread->team->arg;

	scale_team_start(thread);
	thread->begin_ns = ktime_get_ns();
	while (!dref_is_deferred(&promotion->object)) {
		dref_get(&promotion->object);
		dref_put(&promotion->object);
		if (time_after(jiffies, promotion->deadline) ||
		    scale_must_end(thread->team->session))
			return;
		cond_resched();
	}
	thread->end_ns = ktime_get_ns();
}

/*
 * From the second begin to the first end; 0 if a thread has not seen the promotion, or the
 * first one was alone
 */
static u64 promotion_ns(const struct scale_team *team)
{
	u64 first = U64_MAX, second = U64_MAX, end = U64_MAX;
	const struct scale_thread *thread;

	for (thread = team->threads; thread < team->threads + team->nr; thread++) {
		if (!thread->end_ns)
			return 0;
		end = min(end, thread->end_ns);
		second = min(second, max(first, thread->begin_ns));
		first = min(first, thread->begin_ns);
	}
	return end > second ? end - second : 0;
}

static int promotion_run(struct scale_session *session, struct scale_promotion *promotion,
			 unsigned int nr, struct scale_runs *runs)
{
	struct scale_team team = {
		.session	= session,
		.work		= promotion_work,
		.arg		= promotion,
		.nr		= nr,
	};
	u64 ns = 0;
	int err;

	promotion->deadline = jiffies + SCALE_PATIENCE;
	dref_init(&promotion->object, &scale_class);
	err = scale_team_run(&team);
	if (!err)
		ns = promotion_ns(&team);
	scale_team_free(&team);
	dref_put(&promotion->object);
	dref_barrier();
	if (ns)
		scale_runs_add(runs, ns, 1);
	return err;
}

static int promotion_of(struct scale_session *session, unsigned int nr)
{
	struct scale_promotion *promotion;
	struct scale_runs *runs;
	unsigned int i;
	int err = 0;

	promotion = kzalloc(sizeof(*promotion), GFP_KERNEL);
	runs = kzalloc(sizeof(*runs), GFP_KERNEL);
	if (!promotion || !runs) {
		err = -ENOMEM;
		goto free;
	}
	scale_begin_point(session, "promotion, %u threads", nr);
	for (i = 0; i < session->runs && !err && !scale_must_end(session); i++)
		err = promotion_run(session, promotion, nr, runs);
	if (!err && runs->nr < i && !scale_must_end(session))
		scale_add_note("with %u threads %u of %u objects were not seen promoted in %u s",
			       nr, i - runs->nr, i, SCALE_PATIENCE / HZ);
	if (!err)
		err = scale_add_result(SCALE_PROMOTION, "dref", "until deferred", nr, runs);
free:
	kfree(runs);
	kfree(promotion);
	return err;
}

int scale_promotions(struct scale_session *session)
{
	unsigned int nr;
	int err = 0;

	for (nr = 2; nr <= session->nr_cpus && !err && !scale_must_end(session);
	     nr = scale_next_nr_threads(session, nr))
		err = promotion_of(session, nr);
	return err;
}

unsigned int scale_promotions_points(const struct scale_session *session)
{
	unsigned int nr, points = 0;

	for (nr = 2; nr <= session->nr_cpus; nr = scale_next_nr_threads(session, nr))
		points++;
	return points;
}
