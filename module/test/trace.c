// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the tracepoints: each causes a known sequence of events.
 *
 * The note of a test, "# CLASS OBJECT...", names its class and its objects.  An
 * object is printed as a hashed pointer, as in the events.  selftests/trace.sh
 * has the trace that each test must produce.  After each test the runner adds
 * two passes, or three if the test has two classes.
 */
#include <linux/delay.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "test.h"

static void note_objects(struct dref_test *t, const struct test_object *a,
			 const struct test_object *b)
{
	test_note(t, "%s %p %p", a->ref.class->name, &a->ref, b ? &b->ref : NULL);
}

/* Long enough for an error of two jiffies not to matter */
static void wait_a_while(void)
{
	msleep(60);
}

/* An object that stays exact causes no event */
static void traced_exact(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	note_objects(t, obj, NULL);
	dref_get(&obj->ref);
	dref_put_many(&obj->ref, 2);
	CHECK(t, test_released(obj), "not released");
}

/*
 * An object is promoted with three references.  One pass finds it held, the next
 * one finds it dead.
 */
static void traced_life(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	note_objects(t, obj, NULL);
	dref_get_many(&obj->ref, 2);
	CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer");
	wait_a_while();
	dref_reconcile();
	wait_a_while();
	dref_get(&obj->ref);
	dref_put_many(&obj->ref, 4);
	CHECK(t, dref_reconcile() == 1, "not released");
}

static void get_when_dying(struct test_thread *self)
{
	struct test_object *obj = self->arg;
	unsigned long until;

	/* both threads must run before this one makes RCU wait */
	atomic_inc(&obj->turn);
	CHECK(self->t, test_soon(atomic_read(&obj->turn) == 2, 30000),
	      "the reconciling thread has not begun");
	rcu_read_lock();
	atomic_inc(&obj->turn);
	until = jiffies + 10 * HZ;
	while (!dref_is_dying(&obj->ref) && time_before(jiffies, until))
		cpu_relax();
	CHECK(self->t, dref_is_dying(&obj->ref), "no pass found the object dying");
	CHECK(self->t, dref_tryget(&obj->ref), "dead before the grace period has ended");
	rcu_read_unlock();
}

static void reconcile_once(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	atomic_inc(&obj->turn);
	CHECK(self->t, test_soon(atomic_read(&obj->turn) == 3, 30000),
	      "the getting thread has not begun");
	CHECK(self->t, !dref_reconcile(), "released in spite of the tryget");
}

/* A tryget during the grace period of a pass resurrects the object */
static void traced_resurrect(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);

	if (!obj)
		return;
	if (num_online_cpus() < 2) {
		dref_put(&obj->ref);
		test_skip(t, "needs two CPUs");
		return;
	}
	note_objects(t, obj, NULL);
	dref_put(&obj->ref);
	if (test_thread(t, get_when_dying, obj) && test_thread(t, reconcile_once, obj))
		test_run_once(t);
	dref_put(&obj->ref);
}

static void traced_demote(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);

	if (!obj)
		return;
	note_objects(t, obj, NULL);
	dref_get_many(&obj->ref, 5);
	dref_put_many(&obj->ref, 5);
	CHECK(t, test_soon(test_is_exact(obj), 30000), "not demoted");
	dref_barrier();		/* the fold is complete */
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

/* Two threads on different CPUs call this in each round, and take turns to get the object */
static void get_in_turn(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	if (self->nr == atomic_read(&obj->turn) % 2)
		dref_get(&obj->ref);
	/* keeps the get from being a tail call, as the event records the stack */
	CHECK(self->t, !dref_is_dying(&obj->ref), "dying while held");
}

static void create_here(struct test_thread *self)
{
	struct test_object **obj = self->arg;

	*obj = test_new(self->t, test_class(self->t, 0), false);
}

static void traced_hot(struct dref_test *t)
{
	struct test_object *obj = NULL;
	int gets = 0;

	if (num_online_cpus() < 2) {
		test_skip(t, "needs two CPUs");
		return;
	}
	if (test_thread(t, create_here, &obj))
		test_run_once(t);
	if (!obj)
		return;
	/* three gets make it hot, unless they are too far apart */
	while (!dref_is_deferred(&obj->ref) && gets < 100) {
		gets = atomic_inc_return(&obj->turn);
		if (test_thread(t, get_in_turn, obj) && test_thread(t, get_in_turn, obj))
			test_run_once(t);
		/* if the object is hot, it is deferred after this, and a pass has run */
		dref_barrier();
	}
	CHECK(t, dref_is_deferred(&obj->ref), "not promoted after %d gets", gets);
	test_note(t, "%s %p %d", obj->ref.class->name, &obj->ref, gets);
	dref_put_many(&obj->ref, gets + 1);
}

static void traced_promote_failed(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);
	int err;

	if (!obj)
		return;
	note_objects(t, obj, NULL);
	err = dref_defer(&obj->ref, GFP_KERNEL);
	CHECK(t, err == -ENOSPC, "dref_defer() returned %d", err);
	dref_put(&obj->ref);
}

static void traced_immortalize(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *exact = test_new(t, class, false);
	struct test_object *deferred = test_new(t, class, true);

	if (!exact || !deferred)
		return;
	note_objects(t, exact, deferred);
	dref_immortalize(&exact->ref);
	dref_immortalize(&deferred->ref);
	dref_immortalize(&exact->ref);
}

/* Exact objects that are released after the put: DREF_RCU, DREF_SLEEP */
static void traced_late(struct dref_test *t)
{
	struct test_object *rcu = test_new(t, test_class(t, DREF_RCU), false);
	struct test_object *sleep = test_new(t, test_class(t, DREF_SLEEP), false);

	if (!rcu || !sleep)
		return;
	test_note(t, "%s %p %p %s", rcu->ref.class->name, &rcu->ref, &sleep->ref,
		  sleep->ref.class->name);
	dref_put(&rcu->ref);
	CHECK(t, test_soon(test_released(rcu), 30000), "not released");
	dref_put(&sleep->ref);
	CHECK(t, test_soon(test_released(sleep), 30000), "not released");
}

static void traced_underflow(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *exact = test_new(t, class, false);
	struct test_object *deferred = test_new(t, class, true);

	if (!exact || !deferred)
		return;
	note_objects(t, exact, deferred);
	dref_put_many(&exact->ref, 2);
	dref_put_many(&deferred->ref, 2);
	dref_barrier();
}

static void traced_overflow(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	note_objects(t, obj, NULL);
	dref_get_many(&obj->ref, ULONG_MAX);
	CHECK(t, dref_is_immortal(&obj->ref), "not immortal");
}

const struct dref_test_case test_traced[] = {
	{ "traced_exact",		traced_exact, MANUAL_PASSES },
	{ "traced_life",		traced_life, MANUAL_PASSES },
	{ "traced_resurrect",		traced_resurrect, MANUAL_PASSES },
	{ "traced_demote",		traced_demote, QUICK_DEMOTION },
	{ "traced_hot",			traced_hot, MANUAL_PASSES " promote_threshold=3" },
	{ "traced_promote_failed",	traced_promote_failed, MANUAL_PASSES " max_deferred=0" },
	{ "traced_immortalize",		traced_immortalize, MANUAL_PASSES },
	{ "traced_late",		traced_late, MANUAL_PASSES },
	{ "traced_underflow",		traced_underflow, MANUAL_PASSES,
	  .expects = "underflows=2 warnings=1" },
	{ "traced_overflow",		traced_overflow, MANUAL_PASSES,
	  .expects = "overflows=1 warnings=1" },
	{ }
};
