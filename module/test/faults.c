// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of miscounting.  If a client puts or gets too often, the kernel warns
 * once per class, and the object is leaked and never released (again).  Other
 * objects are not affected.
 */
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/slab.h>

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

/* A second dref_init() of a live object warns and changes nothing */
static void double_init(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	int deferred;

	for (deferred = 0; deferred < 2; deferred++) {
		obj = test_new(t, class, deferred);
		if (!obj)
			return;
		dref_get(&obj->ref);
		dref_init(&obj->ref, class);
		CHECK(t, dref_read(&obj->ref) == 2, "dref_init() changed the count to %ld",
		      dref_read(&obj->ref));
		CHECK(t, !dref_is_immortal(&obj->ref), "immortal");
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(t, test_released(obj), "not released");
	}
}

static void never_released(struct dref *ref)
{
}

/* This object is in .rodata, so an init that is not refused is an oops */
DEFINE_DREF_CLASS(eternal_class, "test-eternal", never_released, 0);
static const struct dref eternal = DREF_INIT_IMMORTAL(&eternal_class);

static void double_init_immortal(struct dref_test *t)
{
	struct dref *ref = (struct dref *)&eternal;
	struct dref before = eternal;

	OPTIMIZER_HIDE_VAR(ref);
	if (!CHECK(t, !dref_class_register(&eternal_class), "cannot register"))
		return;
	dref_init(ref, &eternal_class);
	CHECK(t, !memcmp(ref, &before, sizeof(before)), "the object has changed");
	CHECK(t, !dref_class_unregister(&eternal_class), "the class counts the object as live");
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
	{ "far_too_many_at_once",	far_too_many_at_once,
	  "pass_max_ms=60000 pass_min_ms=60000", .expects = "overflows=1 warnings=1" },
	{ "as_many_too_many_as_the_bias", as_many_too_many_as_the_bias,
	  .expects = "underflows=1 warnings=1" },
	{ "more_than_a_long",		more_than_a_long,
	  .expects = "overflows=2 warnings=2" },
	{ "warns_once_per_class",	warns_once_per_class,
	  .expects = "underflows=10 warnings=2" },
	{ "double_init",		double_init, .expects = "warnings=2" },
	{ "double_init_immortal",	double_init_immortal, .expects = "warnings=1" },
	{ "init_without_class",		init_without_class, .expects = "warnings=2" },
	{ "not_registered",		not_registered, .expects = "warnings<4" },
	{ "kill_twice",			kill_twice, .expects = "warnings<2" },
	{ "release_that_waits",		release_that_waits, .expects = "warnings<5" },
	{ }
};
