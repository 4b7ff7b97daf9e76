// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of miscounting.  If a client puts or gets too often, the kernel warns
 * once per class, and the object is leaked and never released (again).  Other
 * objects are not affected.
 */
#include <linux/cpumask.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/poison.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "test.h"

/* The most references that an object may have */
#define MOST	((unsigned long)LONG_MAX / 2)

/*
 * Check that an object is saturated: it reads as immortal, and no get, put,
 * tryget or pass changes that or releases it.  @released: how often release()
 * had been called before.
 */
static void check_saturated(struct dref_test *t, struct test_object *obj, int released)
{
	dref_barrier();
	CHECK(t, dref_is_immortal(&obj->ref), "not immortal");
	CHECK(t, dref_read(&obj->ref) == DREF_IMMORTAL_COUNT, "count is %ld",
	      dref_read(&obj->ref));
	dref_put_many(&obj->ref, 5);
	dref_put(&obj->ref);
	dref_get(&obj->ref);
	CHECK(t, dref_tryget(&obj->ref), "tryget failed");
	dref_barrier();
	CHECK(t, atomic_read(&obj->released) == released, "released %d times, not %d",
	      atomic_read(&obj->released), released);
	CHECK(t, dref_is_immortal(&obj->ref), "no longer immortal");
}

/* ---- below zero: each of these must saturate the object ---- */

static void put_below_zero_exact(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_put_many(&obj->ref, 2);
	check_saturated(t, obj, 0);
}

static void put_after_release(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "not released");
	dref_put(&obj->ref);
	check_saturated(t, obj, 1);
}

static void get_after_release(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "not released");
	dref_get(&obj->ref);
	check_saturated(t, obj, 1);
}

static void get_after_deferred_release(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);

	if (!obj)
		return;
	dref_put(&obj->ref);
	dref_barrier();
	CHECK(t, test_released(obj), "not released");
	dref_get(&obj->ref);
	check_saturated(t, obj, 1);
}

/* A put too many on a deferred object is found by the next pass */
static void put_below_zero_deferred(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);

	if (!obj)
		return;
	dref_put(&obj->ref);
	dref_put(&obj->ref);
	check_saturated(t, obj, 0);
}

static void put_many_below_zero_deferred(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, DREF_RCU), true);

	if (!obj)
		return;
	dref_put_many(&obj->ref, 1000);
	check_saturated(t, obj, 0);
}

/* The largest possible number of puts in one call */
static void put_far_too_many(struct dref_test *t)
{
	struct test_object *exact = test_new(t, test_class(t, 0), false);
	struct test_object *deferred = test_new(t, test_class(t, 0), true);

	if (!exact || !deferred)
		return;
	dref_put_many(&exact->ref, ULONG_MAX);
	dref_put_many(&deferred->ref, ULONG_MAX);
	check_saturated(t, exact, 0);
	check_saturated(t, deferred, 0);
}

/* ---- over the limit: more than MOST references must saturate the object ---- */

/* An object may have MOST references, and nothing warns */
static void most_is_allowed(struct dref_test *t)
{
	struct test_object *exact = test_new(t, test_class(t, 0), false);
	struct test_object *deferred = test_new(t, test_class(t, 0), true);
	int i;

	if (!exact || !deferred)
		return;
	dref_get_many(&exact->ref, MOST - 1);
	dref_get_many(&deferred->ref, MOST - 1);
	dref_barrier();
	CHECK(t, dref_read(&exact->ref) == MOST, "exact: count is %ld",
	      dref_read(&exact->ref));
	CHECK(t, dref_read(&deferred->ref) == MOST, "deferred: count is %ld",
	      dref_read(&deferred->ref));
	dref_put_many(&exact->ref, MOST - 1);
	dref_put_many(&deferred->ref, MOST - 1);
	/* again, several times before the next pass */
	for (i = 0; i < 5; i++) {
		dref_get_many(&deferred->ref, MOST - 1);
		dref_put_many(&deferred->ref, MOST - 1);
	}
	CHECK(t, dref_read(&exact->ref) == 1, "exact: count is %ld", dref_read(&exact->ref));
	CHECK(t, dref_read(&deferred->ref) == 1, "deferred: count is %ld",
	      dref_read(&deferred->ref));
	dref_put(&exact->ref);
	CHECK(t, test_released(exact), "the last put did not release at once");
	dref_put(&deferred->ref);
}

static void one_too_many_by_get(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_get_many(&obj->ref, MOST - 1);
	CHECK(t, !dref_is_immortal(&obj->ref), "saturated below the limit");
	dref_get(&obj->ref);
	check_saturated(t, obj, 0);
}

static void one_too_many_by_get_many(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_get_many(&obj->ref, MOST);
	check_saturated(t, obj, 0);
}

static void one_too_many_by_tryget(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_get_many(&obj->ref, MOST - 1);
	CHECK(t, dref_tryget(&obj->ref), "tryget failed");
	check_saturated(t, obj, 0);
}

static void one_too_many_deferred(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);

	if (!obj)
		return;
	dref_get_many(&obj->ref, MOST - 1);
	dref_get(&obj->ref);
	check_saturated(t, obj, 0);
}

/* So many gets that the sum wraps around to its old value, with a pass after each */
static void far_too_many_deferred(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);
	int i;

	if (!obj)
		return;
	for (i = 0; i < 4; i++) {
		dref_get_many(&obj->ref, MOST);
		dref_barrier();
	}
	dref_get_many(&obj->ref, 4);
	check_saturated(t, obj, 0);
}

/*
 * As many gets, but before any pass, and a put: the wrapped sum is zero, and the
 * object must not be released.
 */
static void far_too_many_at_once(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);
	int i;

	if (!obj)
		return;
	for (i = 0; i < 4; i++)
		dref_get_many(&obj->ref, MOST);
	dref_get_many(&obj->ref, 4);
	dref_put(&obj->ref);
	check_saturated(t, obj, 0);
}

/*
 * These puts take DREF_BIAS and the one reference out of count, which becomes -1,
 * like that of an exact object whose last reference is put.  But this object has
 * a slot, and must not be released.
 */
static void as_many_too_many_as_the_bias(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);

	if (!obj)
		return;
	dref_put_many(&obj->ref, BIT(61) + 1);
	CHECK(t, !test_released(obj), "released with a slot");
	check_saturated(t, obj, 0);
}

/* The largest possible number of gets in one call */
static void more_than_a_long(struct dref_test *t)
{
	struct test_object *exact = test_new(t, test_class(t, 0), false);
	struct test_object *deferred = test_new(t, test_class(t, 0), true);

	if (!exact || !deferred)
		return;
	dref_get_many(&exact->ref, ULONG_MAX);
	dref_get_many(&deferred->ref, ULONG_MAX);
	check_saturated(t, exact, 0);
	check_saturated(t, deferred, 0);
}

/* ---- warn once per class ---- */

/* Five objects of each of two classes are saturated, with one warning for each class */
static void warns_once_per_class(struct dref_test *t)
{
	struct test_object *obj;
	int i, j;

	for (i = 0; i < 2; i++) {
		struct dref_class *class = test_class(t, 0);

		for (j = 0; j < 5; j++) {
			obj = test_new(t, class, false);
			if (!obj)
				return;
			dref_put_many(&obj->ref, 2);
			check_saturated(t, obj, 0);
		}
	}
}

/* ---- calls that dref refuses ---- */

static void never_released(struct dref *ref)
{
}

/* dref_init() with a class that is NULL or not registered makes the object immortal */
static void init_without_class(struct dref_test *t)
{
	static struct dref_class unregistered = {
		.name = "test-unregistered", .release = never_released,
	};
	struct dref ref = { };
	int i;

	for (i = 0; i < 2; i++) {
		dref_init(&ref, i ? &unregistered : NULL);
		CHECK(t, dref_is_immortal(&ref), "not immortal");
		dref_get(&ref);
		dref_put_many(&ref, 3);
		dref_kill(&ref);
		CHECK(t, dref_read(&ref) == DREF_IMMORTAL_COUNT, "count is %ld",
		      dref_read(&ref));
		CHECK(t, dref_defer(&ref, GFP_KERNEL) == 0, "defer failed");
	}
}

/* register of NULL, and unregister and drain of an unregistered class, only warn */
static void not_registered(struct dref_test *t)
{
	static struct dref_class class = {
		.name = "test-unregistered", .release = never_released,
	};
	int err;

	err = dref_class_register(NULL);
	CHECK(t, err == -EINVAL, "register of NULL returned %d", err);
	err = dref_class_unregister(&class);
	CHECK(t, err == -EINVAL, "unregister returned %d", err);
	dref_class_drain(&class);	/* must return */
}

/* ---- memory that holds no object ---- */

static void zeroed_get(struct dref *ref)
{
	dref_get(ref);
}

static void zeroed_get_many(struct dref *ref)
{
	dref_get_many(ref, 2);
}

static void zeroed_put(struct dref *ref)
{
	dref_put(ref);
}

static void zeroed_put_many(struct dref *ref)
{
	dref_put_many(ref, DREF_SLOT_MANY + 1);
}

/*
 * Operations on zeroed memory warn, and do nothing.  There is no class that they could
 * read.
 */
static void zeroed_memory(struct dref_test *t)
{
	static const struct {
		const char	*name;
		void		(*run)(struct dref *ref);
	} ops[] = {
		{ "get", zeroed_get },
		{ "get_many", zeroed_get_many },
		{ "put", zeroed_put },
		{ "put_many", zeroed_put_many },
		{ "kill", dref_kill },
		{ "immortalize", dref_immortalize },
	};
	struct dref *ref = kzalloc(sizeof(*ref), GFP_KERNEL);
	int i, err;

	if (!CHECK(t, ref, "out of memory"))
		return;
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ops[i].run(ref);
		CHECK(t, !memchr_inv(ref, 0, sizeof(*ref)), "%s wrote to it", ops[i].name);
	}
	err = dref_defer(ref, GFP_KERNEL);
	CHECK(t, err == -EINVAL, "defer returned %d", err);
	CHECK(t, !dref_exit(ref), "exit succeeded");
	CHECK(t, !memchr_inv(ref, 0, sizeof(*ref)), "defer or exit wrote to it");
	kfree(ref);
}

/* A tryget of zeroed memory fails, and does not warn: a lookup may be that early */
static void zeroed_memory_has_no_reference(struct dref_test *t)
{
	struct dref *ref = kzalloc(sizeof(*ref), GFP_KERNEL);

	if (!CHECK(t, ref, "out of memory"))
		return;
	CHECK(t, !dref_tryget(ref), "tryget succeeded");
	CHECK(t, !dref_tryget_live(ref), "tryget_live succeeded");
	CHECK(t, dref_read(ref) == 0, "count is %ld", dref_read(ref));
	CHECK(t, !dref_is_deferred(ref), "deferred");
	CHECK(t, !dref_is_immortal(ref), "immortal");
	CHECK(t, !memchr_inv(ref, 0, sizeof(*ref)), "a tryget wrote to it");
	kfree(ref);
}

/*
 * A tryget of memory that the allocator has poisoned, which is a bug of the caller, does not
 * take the poison for the address of a slot, and fails.
 */
static void tryget_of_poison(struct dref_test *t)
{
	static const int poison[] = { POISON_INUSE, POISON_FREE };
	struct dref *refs = kmalloc_array(3, sizeof(*refs), GFP_KERNEL);
	int i;

	if (!CHECK(t, refs, "out of memory"))
		return;
	for (i = 0; i < ARRAY_SIZE(poison); i++) {
		memset(refs, poison[i], 3 * sizeof(*refs));
		CHECK(t, !dref_mode_is_fast(refs[1].mode), "%#x is on the fast path", poison[i]);
		CHECK(t, !dref_tryget(&refs[1]), "%#x: tryget succeeded", poison[i]);
		CHECK(t, !dref_tryget_live(&refs[1]), "%#x: tryget_live succeeded", poison[i]);
		CHECK(t, dref_read(&refs[1]) == 0, "%#x: count is %ld", poison[i],
		      dref_read(&refs[1]));
		CHECK(t, !memchr_inv(refs, poison[i], 3 * sizeof(*refs)), "%#x: written to",
		      poison[i]);
	}
	kfree(refs);
}

/* ---- dref_exit() of an object that others may have seen ---- */

/* Check that dref_exit() refuses an object, and makes it immortal */
static void check_exit_refused(struct dref_test *t, struct test_object *obj, const char *what)
{
	CHECK(t, !dref_exit(&obj->ref), "%s: exit succeeded", what);
	CHECK(t, dref_is_immortal(&obj->ref), "%s: not immortal", what);
	check_saturated(t, obj, 0);
	CHECK(t, !dref_exit(&obj->ref), "%s: exit of an immortal object succeeded", what);
}

static void exit_of_shared(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_get(&obj->ref);
	check_exit_refused(t, obj, "two references");
}

static void exit_of_deferred(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);

	if (!obj)
		return;
	check_exit_refused(t, obj, "deferred");
}

/* With a threshold of 1, a use on another CPU puts the object into the promotion queue */
struct queued {
	struct dref_test	*t;
	struct test_object	*obj;
};

static long create_on_first(void *arg)
{
	struct queued *queued = arg;

	queued->obj = test_new(queued->t, test_class(queued->t, 0), false);
	return 0;
}

static long exit_on_last(void *arg)
{
	struct queued *queued = arg;

	dref_get(&queued->obj->ref);
	dref_put(&queued->obj->ref);
	/* unless it has been promoted by now */
	check_exit_refused(queued->t, queued->obj, "queued");
	return 0;
}

static void exit_of_queued(struct dref_test *t)
{
	struct queued queued = { .t = t };

	if (num_online_cpus() < 2) {
		test_skip(t, "needs two CPUs");
		return;
	}
	work_on_cpu(cpumask_first(cpu_online_mask), create_on_first, &queued);
	if (queued.obj)
		work_on_cpu(cpumask_last(cpu_online_mask), exit_on_last, &queued);
}

/* A dead object has ended already */
static void exit_of_dead(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "not released");
	CHECK(t, !dref_exit(&obj->ref), "exit of a dead object succeeded");
}

/* ---- calls at the wrong time ---- */

/* The second dref_kill() of an object drops no reference */
static void kill_twice(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_get(&obj->ref);
	dref_kill(&obj->ref);
	dref_kill(&obj->ref);
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	dref_put(&obj->ref);
}

static void reconcile_in_release(struct test_object *obj)
{
	struct dref_class *class = obj->ref.class;

	CHECK(obj->t, !dref_reconcile(), "dref_reconcile() in release() released an object");
	dref_barrier();
	dref_class_barrier(class);
	CHECK(obj->t, dref_class_unregister(class) == -EBUSY,
	      "the class was unregistered in release()");
	dref_class_drain(class);
}

/* In release(), calls that would wait for a release() return with a warning */
static void release_that_waits(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, DREF_SLEEP), true);

	if (!obj)
		return;
	obj->on_release = reconcile_in_release;
	dref_put(&obj->ref);
	dref_barrier();
	CHECK(t, test_released(obj), "not released");
}

/* "warnings<N": these warn once per boot, and the test may run more than once */
const struct dref_test_case test_faults[] = {
	{ "put_below_zero_exact",	put_below_zero_exact,
	  .expects = "underflows=1 warnings=1" },
	{ "put_after_release",		put_after_release,
	  .expects = "underflows=1 warnings=1" },
	{ "get_after_release",		get_after_release,
	  .expects = "underflows=1 warnings=1" },
	{ "get_after_deferred_release",	get_after_deferred_release,
	  .expects = "underflows=1 warnings=1" },
	{ "put_below_zero_deferred",	put_below_zero_deferred,
	  .expects = "underflows=1 warnings=1" },
	{ "put_many_below_zero_deferred", put_many_below_zero_deferred,
	  .expects = "underflows=1 warnings=1" },
	{ "put_far_too_many",		put_far_too_many,
	  .expects = "underflows=2 warnings=2" },
	{ "most_is_allowed",		most_is_allowed },
	{ "one_too_many_by_get",	one_too_many_by_get,
	  .expects = "overflows=1 warnings=1" },
	{ "one_too_many_by_get_many",	one_too_many_by_get_many,
	  .expects = "overflows=1 warnings=1" },
	{ "one_too_many_by_tryget",	one_too_many_by_tryget,
	  .expects = "overflows=1 warnings=1" },
	{ "one_too_many_deferred",	one_too_many_deferred,
	  .expects = "overflows=1 warnings=1" },
	{ "far_too_many_deferred",	far_too_many_deferred,
	  .expects = "overflows=1 warnings=1" },
	{ "far_too_many_at_once",	far_too_many_at_once, MANUAL_PASSES,
	  .expects = "overflows=1 warnings=1" },
	{ "as_many_too_many_as_the_bias", as_many_too_many_as_the_bias,
	  .expects = "underflows=1 warnings=1" },
	{ "more_than_a_long",		more_than_a_long,
	  .expects = "overflows=2 warnings=2" },
	{ "warns_once_per_class",	warns_once_per_class,
	  .expects = "underflows=10 warnings=2" },
	{ "init_without_class",		init_without_class, .expects = "warnings=2" },
	{ "not_registered",		not_registered, .expects = "warnings>1 warnings<4",
	  .says = "dref: no class to register" },
	{ "kill_twice",			kill_twice, .expects = "warnings<2",
	  .says = "second kill of an object" },
	{ "zeroed_memory",		zeroed_memory, .expects = "warnings<2",
	  .says = "of memory that was not initialised" },
	{ "zeroed_memory_has_no_reference", zeroed_memory_has_no_reference },
	{ "tryget_of_poison",		tryget_of_poison },
	{ "exit_of_shared",		exit_of_shared,
	  .expects = "underflows=1 warnings=1 exited=0" },
	{ "exit_of_deferred",		exit_of_deferred,
	  .expects = "underflows=1 warnings=1 exited=0" },
	{ "exit_of_queued",		exit_of_queued, MANUAL_PASSES " promote_threshold=1",
	  .expects = "underflows=1 warnings=1 exited=0" },
	{ "exit_of_dead",		exit_of_dead,
	  .expects = "underflows=1 warnings=1 exited=0" },
	{ "release_that_waits",		release_that_waits, .expects = "warnings>2 warnings<6",
	  .says = "dref: reconcile from a release|dref: barrier from a release" },
	{ }
};
