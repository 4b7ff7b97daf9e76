// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the contract of an object, one call at a time, without concurrency.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "test.h"

static void nothing_to_release(struct dref *ref)
{
}

static DEFINE_DREF_CLASS(static_class, "test-static", nothing_to_release, DREF_SLEEP);

/* ---- one object ---- */

static void object_is_small(struct dref_test *t)
{
	CHECK(t, sizeof(struct dref) <= 32, "struct dref has %zu bytes", sizeof(struct dref));
}

/* A new object is exact and has one reference; the put that drops it releases at once */
static void init_is_exact(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;

	if (!class)
		return;
	obj = test_object(t, class);
	if (!obj)
		return;
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	CHECK(t, !dref_is_deferred(&obj->ref), "a new object is deferred");
	CHECK(t, !dref_is_immortal(&obj->ref), "a new object is immortal");
	CHECK(t, !dref_is_dying(&obj->ref), "a new object is dying");
	CHECK(t, dref_tryget_live(&obj->ref), "tryget_live failed");
	dref_put(&obj->ref);
	CHECK(t, !test_released(obj), "released with a reference left");
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
	CHECK(t, dref_is_dying(&obj->ref), "a dead object is not dying");
	CHECK(t, !dref_tryget(&obj->ref), "tryget of a dead object succeeded");
	CHECK(t, !dref_tryget_live(&obj->ref), "tryget_live of a dead object succeeded");
	CHECK(t, dref_read(&obj->ref) == 0, "count of a dead object is %ld",
	      dref_read(&obj->ref));
}

/*
 * dref_exit() ends an object that was never published, in a class with any flags: it is not
 * released, may be freed at once, and does not keep its class.
 */
static void exit_ends_new_objects(struct dref_test *t)
{
	static const unsigned int flags[] = {
		0, DREF_SLEEP, DREF_RCU, DREF_SLEEP | DREF_RCU, DREF_ASYNC, DREF_EXACT,
	};
	struct dref_class *class;
	struct test_object *obj;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		class = test_class(t, flags[i]);
		obj = test_new(t, class, false);
		if (!obj)
			return;
		/* such references are gone again */
		if (i & 1) {
			dref_get_many(&obj->ref, 3);
			CHECK(t, dref_tryget(&obj->ref), "tryget failed");
			dref_put_many(&obj->ref, 4);
		}
		if (!CHECK(t, dref_exit(&obj->ref), "flags %#x: exit failed", flags[i]))
			return;
		CHECK(t, !dref_is_immortal(&obj->ref), "flags %#x: immortal", flags[i]);
		CHECK(t, !test_released(obj), "flags %#x: released", flags[i]);
		err = dref_class_unregister(class);
		CHECK(t, !err, "flags %#x: unregister returned %d", flags[i], err);
		CHECK(t, !test_released(obj), "flags %#x: released later", flags[i]);
		test_object_free(obj);
		/* the runner will unregister it again */
		if (!err)
			CHECK(t, !dref_class_register(class), "cannot register again");
	}
}

/* dref_exit() of an immortal object says that it must not be freed, and does not warn */
static void exit_of_immortal(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);

	if (!obj)
		return;
	dref_immortalize(&obj->ref);
	CHECK(t, !dref_exit(&obj->ref), "exit succeeded");
	CHECK(t, dref_is_immortal(&obj->ref), "no longer immortal");
}

#ifdef DEFINE_FREE	/* since 6.5 */
static long count_in_scope(struct dref *taken)
{
	struct dref *ref __free(dref_put) = taken;

	return dref_read(ref);
}

/* A variable with __free(dref_put) drops its reference, and none if it is NULL */
static void scope_puts(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), false);
	struct dref *none __free(dref_put) = NULL;
	long count;

	if (!obj)
		return;
	dref_get(&obj->ref);
	count = count_in_scope(&obj->ref);
	CHECK(t, count == 2, "count is %ld, not 2, in the scope", count);
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld, not 1, after the scope",
	      dref_read(&obj->ref));
	count_in_scope(&obj->ref);
	CHECK(t, test_released(obj), "not released");
}
#else
static void scope_puts(struct dref_test *t)
{
	test_skip(t, "needs <linux/cleanup.h>");
}
#endif

/* These are in .rodata, so any store to them is an oops */
static const struct dref eternal = DREF_INIT_IMMORTAL(&static_class);
static const struct dref eternal_classless = DREF_INIT_IMMORTAL(NULL);

static void use_immortal(struct dref_test *t, const struct dref *immortal)
{
	struct dref *ref = (struct dref *)immortal;
	struct dref before = *immortal;

	OPTIMIZER_HIDE_VAR(ref);
	CHECK(t, dref_is_immortal(ref), "not immortal");
	CHECK(t, !dref_is_deferred(ref), "deferred");
	CHECK(t, !dref_is_dying(ref), "dying");
	CHECK(t, dref_read(ref) == DREF_IMMORTAL_COUNT, "count is %ld", dref_read(ref));
	dref_get(ref);
	dref_put(ref);
	dref_put(ref);
	dref_get_many(ref, 0);
	dref_get_many(ref, 7);
	dref_get_many(ref, ULONG_MAX);
	dref_put_many(ref, 0);
	dref_put_many(ref, 8);
	dref_put_many(ref, ULONG_MAX);
	CHECK(t, dref_tryget(ref), "tryget failed");
	CHECK(t, dref_tryget_live(ref), "tryget_live failed");
	CHECK(t, dref_defer(ref, GFP_KERNEL) == 0, "defer failed");
	dref_kill(ref);
	CHECK(t, dref_tryget_live(ref), "tryget_live failed after kill");
	dref_immortalize(ref);
	dref_reconcile();
	CHECK(t, dref_is_immortal(ref), "no longer immortal");
	CHECK(t, !memcmp(&before, immortal, sizeof(before)), "the object has changed");
}

/* No operation stores to a statically initialised immortal object */
static void static_immortal(struct dref_test *t)
{
	use_immortal(t, &eternal);
	use_immortal(t, &eternal_classless);
}

/* ---- counting, in each mode ---- */

const char * const test_mode_name[TEST_MODES] = {
	"exact", "deferred", "demoting", "demoted",
};

/* Wait for a quiet object to leave deferred mode; quick with QUICK_DEMOTION */
static bool demotion_begins(struct test_object *obj)
{
	return test_soon(!dref_is_deferred(&obj->ref), 5000);
}

bool test_bring_into_mode(struct dref_test *t, struct test_object *obj,
			  enum test_mode mode)
{
	if (mode == TEST_EXACT)
		return true;
	if (!CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer") ||
	    !CHECK(t, !test_is_exact(obj), "still exact after dref_defer()"))
		return false;
	if (mode == TEST_DEFERRED)
		return true;
	if (!CHECK(t, demotion_begins(obj), "a quiet object is not demoted"))
		return false;
	if (mode == TEST_DEMOTED) {
		/* a pass after this grace period, which may take long, folds the slot */
		synchronize_rcu_tasks();
		if (!CHECK(t, test_soon(test_is_exact(obj), 30000), "not folded"))
			return false;
		dref_barrier();		/* the fold is complete */
	}
	return true;
}

static void count_up_and_down(struct dref_test *t, struct dref_class *class, enum test_mode mode)
{
	struct test_object *obj = test_object(t, class);
	const char *name = test_mode_name[mode];
	long count;

	if (!obj)
		return;
	dref_get_many(&obj->ref, 9);
	if (!test_bring_into_mode(t, obj, mode))
		return;
	count = dref_read(&obj->ref);
	CHECK(t, count == 10, "%s: count is %ld, not 10", name, count);

	dref_get_many(&obj->ref, 0);
	dref_put_many(&obj->ref, 0);
	count = dref_read(&obj->ref);
	CHECK(t, count == 10, "%s: count is %ld, not 10, after get_many(0), put_many(0)", name,
	      count);
	dref_get(&obj->ref);
	dref_get_many(&obj->ref, 1);
	dref_get_many(&obj->ref, 100);
	CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", name);
	CHECK(t, dref_tryget_live(&obj->ref), "%s: tryget_live failed", name);
	count = dref_read(&obj->ref);
	CHECK(t, count == 114, "%s: count is %ld, not 114", name, count);
	dref_put_many(&obj->ref, 103);
	dref_put_many(&obj->ref, 1);
	count = dref_read(&obj->ref);
	CHECK(t, count == 10, "%s: count is %ld, not 10, after the puts", name, count);

	while (--count) {
		dref_put(&obj->ref);
		CHECK(t, !test_released(obj), "%s: released with %ld left", name, count);
		CHECK(t, dref_read(&obj->ref) == count, "%s: count is %ld, not %ld", name,
		      dref_read(&obj->ref), count);
	}
	dref_barrier();
	CHECK(t, !test_released(obj), "%s: released with one left", name);
	dref_put(&obj->ref);
	dref_barrier();
	CHECK(t, test_released(obj), "%s: not released", name);
}

/* Each kind of get and put is counted right in each mode */
static void count_in_each_mode(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	enum test_mode mode;

	for (mode = 0; class && mode < TEST_MODES; mode++)
		count_up_and_down(t, class, mode);
}

/*
 * Any number of references is counted right, whether it goes to the slot or to count.  They
 * are put in other pieces than they were taken.
 */
static void count_large_numbers(struct dref_test *t)
{
	static const unsigned long numbers[] = {
		DREF_SLOT_MANY - 1, DREF_SLOT_MANY, DREF_SLOT_MANY + 1, INT_MAX,
		(unsigned long)INT_MAX + 1, UINT_MAX, BIT(40), BIT(60),
	};
	const unsigned long step = DREF_SLOT_MANY / 8;
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum test_mode mode;
	unsigned long n, left;
	int i;

	for (mode = 0; mode < TEST_DEMOTED; mode++) {
		for (i = 0; i < ARRAY_SIZE(numbers); i++) {
			n = numbers[i];
			obj = test_new(t, class, false);
			if (!obj || !test_bring_into_mode(t, obj, mode))
				return;
			dref_get_many(&obj->ref, n);
			CHECK(t, test_count_is(obj, n + 1), "%s: count is %ld, not %lu",
			      test_mode_name[mode], dref_read(&obj->ref), n + 1);
			for (left = n; left > n - 5 * step && left > step; left -= step)
				dref_put_many(&obj->ref, step);
			dref_put_many(&obj->ref, left);
			CHECK(t, test_count_is(obj, 1), "%s: count is %ld, not 1, after %lu puts",
			      test_mode_name[mode], dref_read(&obj->ref), n);
			dref_barrier();
			CHECK(t, !test_released(obj), "%s: released with one left",
			      test_mode_name[mode]);
			dref_put(&obj->ref);
		}
	}
}

/* dref_put_many() releases an object if it drops all of the references */
static void put_many_releases(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum test_mode mode;

	for (mode = 0; class && mode < TEST_MODES; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get_many(&obj->ref, 99);
		if (!test_bring_into_mode(t, obj, mode))
			return;
		dref_put_many(&obj->ref, 100);
		if (mode == TEST_EXACT || mode == TEST_DEMOTED)
			CHECK(t, test_released(obj), "%s: not released at once",
			      test_mode_name[mode]);
		dref_barrier();
		CHECK(t, test_released(obj), "%s: not released", test_mode_name[mode]);
	}
}

/*
 * A demoted object is exact again: the last put releases it.  It has kept the
 * references from before its promotion and those counted in the slot.
 */
static void demoted_is_exact(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	int left;

	if (!class)
		return;
	obj = test_object(t, class);
	if (!obj)
		return;
	dref_get_many(&obj->ref, 4);
	if (!CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer"))
		return;
	/* these are counted in the slot */
	dref_get_many(&obj->ref, 6);
	dref_put(&obj->ref);
	if (!test_bring_into_mode(t, obj, TEST_DEMOTED))
		return;
	CHECK(t, dref_read(&obj->ref) == 10, "count is %ld, not 10", dref_read(&obj->ref));
	for (left = 9; left; left--) {
		dref_put(&obj->ref);
		CHECK(t, !test_released(obj), "released with %d left", left);
	}
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

/* A get of an object that is being demoted makes it deferred again */
static void use_cancels_demotion(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	bool cancelled = false;
	int i;

	if (!class)
		return;
	obj = test_object(t, class);
	if (!obj)
		return;
	for (i = 0; i < 10 && !cancelled; i++) {
		if (!test_bring_into_mode(t, obj, TEST_DEMOTING))
			return;
		dref_get(&obj->ref);
		/* if the fold came first, try again */
		cancelled = dref_is_deferred(&obj->ref);
		dref_put(&obj->ref);
		CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	}
	CHECK(t, cancelled, "no get made the object deferred again");
	dref_put(&obj->ref);
}

/* ---- defer ---- */

/* dref_defer() makes an object deferred, unless it is immortal or of a DREF_EXACT class */
static void defer_promotes(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct dref_class *exact_class = test_class(t, DREF_EXACT);
	struct test_object *obj, *exact;
	int err;

	if (!class || !exact_class)
		return;
	obj = test_object(t, class);
	exact = test_object(t, exact_class);
	if (!obj || !exact)
		return;
	CHECK(t, dref_defer(&obj->ref, GFP_KERNEL) == 0, "cannot defer");
	CHECK(t, dref_is_deferred(&obj->ref), "not deferred");
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	CHECK(t, dref_defer(&obj->ref, GFP_KERNEL) == 0, "defer of a deferred object failed");
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	dref_immortalize(&obj->ref);
	CHECK(t, dref_defer(&obj->ref, GFP_KERNEL) == 0, "defer of an immortal object failed");
	CHECK(t, !dref_is_deferred(&obj->ref), "an immortal object is deferred");

	err = dref_defer(&exact->ref, GFP_KERNEL);
	CHECK(t, err == -EINVAL, "defer in a DREF_EXACT class returned %d", err);
	CHECK(t, !dref_is_deferred(&exact->ref), "deferred in a DREF_EXACT class");
	dref_put(&exact->ref);
	CHECK(t, test_released(exact), "the last put did not release at once");
}

/* With max_deferred at 0, dref_defer() fails and the object stays as it was */
static void defer_without_budget(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	int err;

	if (!class)
		return;
	obj = test_object(t, class);
	if (!obj)
		return;
	err = dref_defer(&obj->ref, GFP_KERNEL);
	CHECK(t, err == -ENOSPC, "defer returned %d, not -ENOSPC", err);
	CHECK(t, !dref_is_deferred(&obj->ref), "deferred");
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

/*
 * The slot of an object that has become immortal counts against max_deferred until a Tasks
 * RCU grace period has ended, and an earlier test may have left some.
 */
static bool deferred_soon(struct test_object *obj)
{
	return test_soon((dref_barrier(), !dref_defer(&obj->ref, GFP_KERNEL)), 10000);
}

/* A slot counts against max_deferred until its object has been released */
static void defer_until_budget_ends(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj[3];
	int err, i;

	if (!class)
		return;
	for (i = 0; i < 3; i++) {
		obj[i] = test_object(t, class);
		if (!obj[i])
			return;
	}
	CHECK(t, deferred_soon(obj[0]), "cannot defer the first object");
	CHECK(t, deferred_soon(obj[1]), "cannot defer the second object");
	err = dref_defer(&obj[2]->ref, GFP_KERNEL);
	CHECK(t, err == -ENOSPC, "defer of the third object returned %d, not -ENOSPC", err);
	dref_put(&obj[0]->ref);
	dref_barrier();
	err = dref_defer(&obj[2]->ref, GFP_KERNEL);
	CHECK(t, !err, "defer after the first object was released returned %d", err);
	dref_put(&obj[1]->ref);
	dref_put(&obj[2]->ref);
}

/* ---- immortalize ---- */

/* Puts, kill and passes do not release an immortal object, whatever it was before */
static void immortalize_in_each_mode(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum test_mode mode;

	for (mode = 0; class && mode < TEST_MODES; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!test_bring_into_mode(t, obj, mode))
			return;
		dref_immortalize(&obj->ref);
		CHECK(t, dref_is_immortal(&obj->ref), "%s: not immortal", test_mode_name[mode]);
		CHECK(t, dref_read(&obj->ref) == DREF_IMMORTAL_COUNT, "%s: count is %ld",
		      test_mode_name[mode], dref_read(&obj->ref));
		dref_put_many(&obj->ref, 2);
		dref_put(&obj->ref);
		dref_immortalize(&obj->ref);
		dref_kill(&obj->ref);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released", test_mode_name[mode]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", test_mode_name[mode]);
		CHECK(t, dref_tryget_live(&obj->ref), "%s: tryget_live failed",
		      test_mode_name[mode]);
		CHECK(t, !dref_is_dying(&obj->ref), "%s: dying", test_mode_name[mode]);
	}
}

/* ---- kill ---- */

/* An object that was killed and then immortalized is still killed */
static void killed_and_immortal(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum test_mode mode;

	for (mode = 0; class && mode < TEST_DEMOTING; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!test_bring_into_mode(t, obj, mode))
			return;
		dref_kill(&obj->ref);
		dref_immortalize(&obj->ref);
		CHECK(t, dref_is_immortal(&obj->ref), "%s: not immortal", test_mode_name[mode]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", test_mode_name[mode]);
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live succeeded after kill",
		      test_mode_name[mode]);
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released", test_mode_name[mode]);
	}
}

/* dref_kill() drops a reference; after it tryget_live fails, but tryget succeeds */
static void kill_in_each_mode(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum test_mode mode;

	for (mode = 0; class && mode < TEST_MODES; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!test_bring_into_mode(t, obj, mode))
			return;
		dref_kill(&obj->ref);
		CHECK(t, dref_read(&obj->ref) == 1, "%s: count is %ld", test_mode_name[mode],
		      dref_read(&obj->ref));
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live succeeded after kill",
		      test_mode_name[mode]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed after kill",
		      test_mode_name[mode]);
		dref_get(&obj->ref);
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released too early", test_mode_name[mode]);
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live succeeded after a pass",
		      test_mode_name[mode]);
		dref_put(&obj->ref);
		dref_barrier();
		CHECK(t, test_released(obj), "%s: not released", test_mode_name[mode]);
		CHECK(t, !dref_tryget(&obj->ref), "%s: tryget of a dead object succeeded",
		      test_mode_name[mode]);
	}
}

/* dref_kill() of an exact object with one reference releases it at once */
static void kill_last_exact(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;

	if (!class)
		return;
	obj = test_object(t, class);
	if (!obj)
		return;
	dref_kill(&obj->ref);
	CHECK(t, test_released(obj), "not released at once");
}

/*
 * dref_kill() itself brings the next pass forward.  Without that the object would
 * be released much later: nothing reconciles, and the interval grows to 60 s.
 */
static void kill_brings_pass(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;

	if (!class)
		return;
	obj = test_object(t, class);
	if (!obj)
		return;
	CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer");
	/* wait until the interval has grown */
	schedule_timeout_uninterruptible(HZ);
	dref_kill(&obj->ref);
	CHECK(t, test_soon(test_released(obj), 2000), "not released after 2 s");
}

const struct dref_test_case test_contract[] = {
	{ "object_is_small",		object_is_small },
	{ "init_is_exact",		init_is_exact },
	{ "exit_ends_new_objects",	exit_ends_new_objects, .expects = "exited=6" },
	{ "exit_of_immortal",		exit_of_immortal, .expects = "exited=0" },
	{ "scope_puts",			scope_puts },
	{ "static_immortal",		static_immortal },
	{ "count_in_each_mode",		count_in_each_mode, QUICK_DEMOTION },
	{ "count_large_numbers",	count_large_numbers, QUICK_DEMOTION },
	{ "put_many_releases",		put_many_releases, QUICK_DEMOTION },
	{ "demoted_is_exact",		demoted_is_exact, QUICK_DEMOTION },
	{ "use_cancels_demotion",	use_cancels_demotion, QUICK_DEMOTION },
	{ "defer_promotes",		defer_promotes },
	{ "defer_without_budget",	defer_without_budget, "max_deferred=0" },
	{ "defer_until_budget_ends",	defer_until_budget_ends, "max_deferred=2 " MANUAL_PASSES },
	{ "immortalize_in_each_mode",	immortalize_in_each_mode, QUICK_DEMOTION },
	{ "kill_in_each_mode",		kill_in_each_mode, QUICK_DEMOTION },
	{ "killed_and_immortal",	killed_and_immortal },
	{ "kill_last_exact",		kill_last_exact },
	{ "kill_brings_pass",		kill_brings_pass, "pass_max_ms=60000 pass_min_ms=10" },
	{ }
};
