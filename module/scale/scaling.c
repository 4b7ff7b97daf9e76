// SPDX-License-Identifier: GPL-2.0
/*
 * Scaling: the same operation by 1, 2, 3 ... CPUs on one object.
 *
 * The method is that of the kernel's refscale.  Each thread of a team warms up,
 * and goes on until all threads have begun.  Then it does the operations that
 * are timed, and goes on until all threads have done theirs.  So no thread is
 * timed while others are idle.  The result of a run is the time of one
 * operation as the threads see it.
 *
 * Operations come in batches.  Interrupts are off during a batch, so that only
 * the loop is timed.  The more threads there are, the smaller are the batches:
 * otherwise interrupts would be off for long when all threads contend for a
 * cache line.  On an emulated CPU whose clock advances with each instruction,
 * nanoseconds are instructions, and the batch is so long that the instructions
 * to read the clock do not matter.
 *
 * A hand-over is a get on one CPU and a put on another.  The threads form a ring:
 * each takes a batch of references, leaves them to the next thread, waits for
 * those of the previous thread and drops them.  The wait is not timed, as it is
 * no cost of the counter.
 */
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "scale.h"

#define SCALE_BATCH	4096UL	/* operations of all threads together, */
#define SCALE_MIN_BATCH	64UL	/* but not less than these of each */

/**
 * struct scale_point - an operation on a counter by a team
 * @counter: the counter
 * @operation: the operation
 * @objects: the objects of all counters
 * @batch: number of operations in a batch
 */
struct scale_point {
	const struct scale_counter	*counter;
	const struct scale_operation	*operation;
	struct scale_objects		*objects;
	unsigned long			batch;
};

/**
 * struct scale_operation - an operation that is measured
 * @name: its name in the results
 * @batch: does a batch of operations
 * @possible: tests whether a counter has this operation
 * @first_only: only the first thread is timed; the others get and put meanwhile
 */
struct scale_operation {
	const char	*name;
	void		(*batch)(struct scale_thread *thread, const struct scale_point *point);
	bool		(*possible)(const struct scale_counter *counter);
	bool		first_only;
};

/* Do and time a batch; returns false if it was not done, as the CPU went off line */
static bool scale_time_batch(struct scale_thread *thread, scale_loop_t loop,
			     const struct scale_point *point)
{
	bool moved;
	u64 start;

	local_irq_disable();
	moved = scale_thread_moved(thread);
	if (likely(!moved)) {
		start = ktime_get_ns();
		loop(point->objects, point->batch);
		thread->ns += ktime_get_ns() - start;
	}
	local_irq_enable();
	return !moved;
}

static void batch_get_put(struct scale_thread *thread, const struct scale_point *point)
{
	scale_time_batch(thread, point->counter->get_put, point);
}

static void batch_tryget_put(struct scale_thread *thread, const struct scale_point *point)
{
	scale_time_batch(thread, point->counter->tryget_put, point);
}

static void batch_read(struct scale_thread *thread, const struct scale_point *point)
{
	scale_time_batch(thread, thread->index ? point->counter->get_put : point->counter->read,
			 point);
}

static bool scale_finished(const struct scale_thread *thread, const struct scale_point *point)
{
	const struct scale_team *team = thread->team;

	return atomic_read(&team->finished) >= (point->operation->first_only ? 1 : team->nr) ||
	       scale_must_end(team->session);
}

static void batch_hand_over(struct scale_thread *thread, const struct scale_point *point)
{
	unsigned long round = thread->rounds + 1;

	if (!scale_time_batch(thread, point->counter->get, point))
		return;
	thread->held += point->batch;
	/* after the gets; pairs with the acquire below */
	smp_store_release(&thread->rounds, round);
	/* before the puts; pairs with the release above */
	while (smp_load_acquire(&thread->prev->rounds) < round) {
		if (scale_finished(thread, point))
			return;
		cpu_relax();
		cond_resched();
	}
	if (scale_time_batch(thread, point->counter->put, point))
		thread->held -= point->batch;
}

static bool can_get_put(const struct scale_counter *counter)
{
	return counter->get_put;
}

static bool can_tryget_put(const struct scale_counter *counter)
{
	return counter->tryget_put;
}

static bool can_hand_over(const struct scale_counter *counter)
{
	return counter->get && counter->put;
}

static bool can_read(const struct scale_counter *counter)
{
	return counter->read;
}

static const struct scale_operation operations[] = {
	{ "get+put",	batch_get_put,		can_get_put },
	{ "tryget+put",	batch_tryget_put,	can_tryget_put },
	{ "hand-over",	batch_hand_over,	can_hand_over },
	{ "read",	batch_read,		can_read,	.first_only = true },
};

static void scale_work(struct scale_thread *thread)
{
	const struct scale_point *point = thread->team->arg;
	const struct scale_operation *operation = point->operation;
	struct scale_team *team = thread->team;

	atomic_inc(&team->started);
	do {
		operation->batch(thread, point);
		cond_resched();
	} while (atomic_read(&team->started) < team->nr && !scale_must_end(team->session));

	thread->ns = 0;
	while (thread->ops < team->session->ops && !scale_finished(thread, point)) {
		operation->batch(thread, point);
		thread->ops += point->batch;
		cond_resched();
	}
	if (!operation->first_only || !thread->index)
		atomic_inc(&team->finished);
	thread->timed_ns = thread->ns;
	while (!scale_finished(thread, point)) {
		operation->batch(thread, point);
		cond_resched();
	}
}

/* Drop the references that had been handed over, but not dropped, when the run ended */
static void scale_drop_held(const struct scale_team *team, const struct scale_point *point)
{
	unsigned int i;
	long held = 0;

	for (i = 0; i < team->nr; i++)
		held += team->threads[i].held;
	if (held)
		point->counter->put(point->objects, held);
}

static int scale_run(struct scale_session *session, struct scale_point *point,
		     unsigned int nr, struct scale_runs *runs)
{
	struct scale_team team = {
		.session	= session,
		.work		= scale_work,
		.arg		= point,
		.nr		= nr,
	};
	unsigned int i, timed = point->operation->first_only ? 1 : nr;
	u64 ns = 0, ops = 0;
	int err;

	/* the object may have been demoted since the last run */
	err = dref_defer(&point->objects->deferred.count, GFP_KERNEL);
	if (err)
		return err;
	err = scale_team_run(&team);
	if (err)
		return err;
	for (i = 0; i < timed; i++) {
		ns += team.threads[i].timed_ns;
		ops += team.threads[i].ops;
	}
	scale_drop_held(&team, point);
	scale_team_free(&team);
	if (!scale_must_end(session))
		scale_runs_add(runs, ns, ops);
	return 0;
}

static int scale_measure(struct scale_session *session, struct scale_point *point,
			 unsigned int nr)
{
	struct scale_runs *runs;
	unsigned int i;
	int err = 0;

	runs = kzalloc(sizeof(*runs), GFP_KERNEL);
	if (!runs)
		return -ENOMEM;
	scale_begin_point(session, "%s, %s, %u threads", point->counter->name,
			  point->operation->name, nr);
	point->batch = max(SCALE_BATCH / nr, SCALE_MIN_BATCH);
	for (i = 0; i < session->runs && !err && !scale_must_end(session); i++)
		err = scale_run(session, point, nr, runs);
	if (!err)
		err = scale_add_result(SCALE_SCALING, point->counter->name,
				       point->operation->name, nr, runs);
	kfree(runs);
	return err;
}

static int scale_counter(struct scale_session *session, struct scale_point *point)
{
	unsigned int nr;
	int err;

	for (nr = 1; nr <= session->nr_cpus; nr = scale_next_nr_threads(session, nr)) {
		if (scale_must_end(session))
			break;
		err = scale_measure(session, point, nr);
		if (err)
			return err;
	}
	return 0;
}

int scale_scaling(struct scale_session *session)
{
	struct scale_point point = { };
	unsigned int i, j;
	int err = 0;

	point.objects = scale_objects_new();
	if (!point.objects)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(operations) && !err; i++) {
		point.operation = &operations[i];
		for (j = 0; j < scale_nr_counters && !err; j++) {
			point.counter = &scale_counters[j];
			if (point.operation->possible(point.counter))
				err = scale_counter(session, &point);
		}
	}
	scale_objects_free(point.objects);
	return err;
}

unsigned int scale_scaling_points(const struct scale_session *session)
{
	unsigned int i, j, nr, teams = 0, rows = 0;

	for (nr = 1; nr <= session->nr_cpus; nr = scale_next_nr_threads(session, nr))
		teams++;
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		for (j = 0; j < scale_nr_counters; j++)
			rows += operations[i].possible(&scale_counters[j]);
	}
	return rows * teams;
}
