// SPDX-License-Identifier: GPL-2.0
/*
 * What the tracepoints are to tell: each test is one story, of which it says who
 * is in it: "# CLASS OBJECT...", objects as the hashes that are in the events, too.
 * What must be in the trace afterwards is in selftests/trace.sh.  After each, the
 * runner has two more passes, or three where there are two classes.
 */
#include <linux/delay.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "test.h"

#define BY_HAND	"pass_max_ms=60000 pass_min_ms=60000"

static void tell(struct dref_test *t, const struct test_object *a,
		 const struct test_object *b)
{
	test_note(t, "%s %p %p", a->ref.class->name, &a->ref, b ? &b->ref : NULL);
}

/* As long as it takes for two jiffies to be a small mistake */
static void wait_a_while(void)
{
	msleep(60);
}

/* One that stays exact has nothing to tell */
static void traced_exact(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	tell(t, obj, NULL);
	dref_get(&obj->ref);
	dref_put_many(&obj->ref, 2);
	CHECK(t, test_released(obj), "not released");
}

/* Promoted with three references, held, dropped, dead */
static void traced_life(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	tell(t, obj, NULL);
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

	/* Both threads are there, before RCU has to wait */
	atomic_inc(&obj->turn);
	CHECK(self->t, test_soon(atomic_read(&obj->turn) == 2, 30000), "nobody reconciles");
	rcu_read_lock();
	atomic_inc(&obj->turn);
	until = jiffies + 10 * HZ;
	while (!dref_is_dying(&obj->ref) && time_before(jiffies, until))
		cpu_relax();
	CHECK(self->t, dref_is_dying(&obj->ref), "no pass");
	CHECK(self->t, dref_tryget(&obj->ref), "dead before the grace period");
	rcu_read_unlock();
}

static void reconcile_once(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	atomic_inc(&obj->turn);
	CHECK(self->t, test_soon(atomic_read(&obj->turn) == 3, 30000), "nobody is about to get");
	CHECK(self->t, !dref_reconcile(), "found dead, while there was a get");
}

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
	tell(t, obj, NULL);
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
	tell(t, obj, NULL);
	dref_get_many(&obj->ref, 5);
	dref_put_many(&obj->ref, 5);
	CHECK(t, test_soon(test_is_exact(obj), 30000), "is not demoted");
	dref_barrier();		/* the fold is over */
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put of an exact object has not released it");
}

/* The first object is created on one CPU, and used on another, and there again */
static void get_in_turn(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	if (self->nr == atomic_read(&obj->turn) % 2)
		dref_get(&obj->ref);
	/* and not as a tail call: the stack is to say who it was */
	CHECK(self->t, !dref_is_dying(&obj->ref), "dying, and held");
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
	/* three make it hot, if they are not too far apart */
	while (!dref_is_deferred(&obj->ref) && gets < 100) {
		gets = atomic_inc_return(&obj->turn);
		if (test_thread(t, get_in_turn, obj) && test_thread(t, get_in_turn, obj))
			test_run_once(t);
		/* if it is hot now, it is deferred when this returns, after a pass */
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
	tell(t, obj, NULL);
	err = dref_defer(&obj->ref, GFP_KERNEL);
	CHECK(t, err == -ENOSPC, "dref_defer() is %d", err);
	dref_put(&obj->ref);
}

static void traced_immortalize(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *exact = test_new(t, class, false);
	struct test_object *deferred = test_new(t, class, true);

	if (!exact || !deferred)
		return;
	tell(t, exact, deferred);
	dref_immortalize(&exact->ref);
	dref_immortalize(&deferred->ref);
	dref_immortalize(&exact->ref);
}

/* Exact objects whose release() is late all the same */
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
	tell(t, exact, deferred);
	dref_put_many(&exact->ref, 2);
	dref_put_many(&deferred->ref, 2);
	dref_barrier();
}

static void traced_overflow(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	tell(t, obj, NULL);
	dref_get_many(&obj->ref, ULONG_MAX);
	CHECK(t, dref_is_immortal(&obj->ref), "not immortal");
}

const struct dref_test_case test_traced[] = {
	{ "traced_exact",		traced_exact, BY_HAND },
	{ "traced_life",		traced_life, BY_HAND },
	{ "traced_resurrect",		traced_resurrect, BY_HAND },
	{ "traced_demote",		traced_demote,
	  "pass_min_ms=1 pass_max_ms=1 demote_passes=1" },
	{ "traced_hot",			traced_hot, BY_HAND " promote_threshold=3" },
	{ "traced_promote_failed",	traced_promote_failed, BY_HAND " max_deferred=0" },
	{ "traced_immortalize",		traced_immortalize, BY_HAND },
	{ "traced_late",		traced_late, BY_HAND },
	{ "traced_underflow",		traced_underflow, BY_HAND,
	  .expects = "underflows=2 warnings=1" },
	{ "traced_overflow",		traced_overflow, BY_HAND,
	  .expects = "overflows=1 warnings=1" },
	{ }
};
