// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the contract, one call at a time, without concurrency.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "test.h"

/* No periodic pass during the test: the next one is a minute away */
#define MANUAL_PASSES "pass_max_ms=60000 pass_min_ms=60000"
/* An object is demoted as soon as possible */
#define QUICK_DEMOTION "pass_min_ms=1 pass_max_ms=1 demote_passes=1"

static void nothing_to_release(struct dref *ref)
{
}

DEFINE_DREF_CLASS(static_class, "test-static", nothing_to_release, DREF_SLEEP);

/* ---- classes ---- */

static int register_name(const char *name)
{
	/* not on the stack, as it contains a work item */
	static struct dref_class class = { .release = nothing_to_release };
	int err;

	class.name = name;
	err = dref_class_register(&class);
	if (!err && dref_class_unregister(&class))
		return -EBUSY;
	return err;
}

/* A name has 1 to 31 characters out of [a-z0-9_-] */
static void class_names(struct dref_test *t)
{
	static const char * const good[] = {
		"a", "0", "-", "_", "net_ns-2", "abcdefghijklmnopqrstuvwxyz01234",
	};
	static const char * const bad[] = {
		"", "abcdefghijklmnopqrstuvwxyz012345", "Net", "a/b", "..", "a b",
		"a\n", "\xc3\xa9",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(t, register_name(good[i]) == 0, "refused the name \"%s\"", good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(t, register_name(bad[i]) == -EINVAL, "accepted the name \"%s\"", bad[i]);
	CHECK(t, register_name(NULL) == -EINVAL, "accepted a class without a name");
}

/* A class without a release(), or with an unknown flag, is refused */
static void class_refused(struct dref_test *t)
{
	static struct dref_class no_release = { .name = "test-refused" };
	static struct dref_class bad_flags = {
		.name = "test-refused",
		.release = nothing_to_release,
		.flags = 0x8,
	};

	CHECK(t, dref_class_register(&no_release) == -EINVAL,
	      "accepted a class without a release()");
	CHECK(t, dref_class_register(&bad_flags) == -EINVAL, "accepted the unknown flag 0x8");
	bad_flags.flags = DREF_RCU | 1U << 31;
	CHECK(t, dref_class_register(&bad_flags) == -EINVAL, "accepted an unknown flag");
}

/* Neither a class nor a name can be registered twice, unless it was unregistered */
static void class_twice(struct dref_test *t)
{
	static struct dref_class other = {
		.name = "test-static", .release = nothing_to_release,
	};
	int err;

	if (!CHECK(t, !dref_class_register(&static_class), "cannot register"))
		return;
	err = dref_class_register(&static_class);
	CHECK(t, err == -EEXIST, "the second registration returned %d", err);
	err = dref_class_register(&other);
	CHECK(t, err == -EEXIST, "registering another class of that name returned %d", err);
	CHECK(t, !dref_class_unregister(&static_class), "cannot unregister");
	CHECK(t, !dref_class_register(&static_class), "cannot register after unregister");
	CHECK(t, !dref_class_unregister(&static_class), "cannot unregister again");
}

/* A class with live objects cannot be unregistered, and stays usable */
static void unregister_busy(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *exact, *deferred, *later;
	int err;

	if (!class)
		return;
	exact = test_object(t, class);
	deferred = test_object(t, class);
	if (!exact || !deferred)
		return;
	CHECK(t, !dref_defer(&deferred->ref, GFP_KERNEL), "cannot defer");

	err = dref_class_unregister(class);
	CHECK(t, err == -EBUSY, "unregister with two live objects returned %d", err);
	dref_put(&exact->ref);
	err = dref_class_unregister(class);
	CHECK(t, err == -EBUSY, "unregister with a live deferred object returned %d", err);
	CHECK(t, !test_released(deferred), "unregister released a live object");

	/* an unregister that failed leaves the class usable */
	later = test_object(t, class);
	if (!later)
		return;
	CHECK(t, dref_read(&later->ref) == 1, "count is %ld", dref_read(&later->ref));
	dref_put(&later->ref);
	CHECK(t, test_released(later), "not released at once");
	dref_put(&deferred->ref);
	/* the runner's unregister must succeed */
}

/* dref_class_unregister() reconciles by itself and finds dropped objects dead */
static void unregister_reconciles(struct dref_test *t)
{
	static const unsigned int flags[] = { 0, DREF_SLEEP, DREF_RCU, DREF_SLEEP | DREF_RCU };
	static struct dref_class class = {
		.name = "test-unregister", .release = nothing_to_release,
	};
	static struct dref ref[16];
	int err, i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		class.flags = flags[i];
		if (!CHECK(t, !dref_class_register(&class), "cannot register"))
			return;
		for (j = 0; j < ARRAY_SIZE(ref); j++) {
			ref[j] = (struct dref){ };
			dref_init(&ref[j], &class);
			if (j & 1)
				CHECK(t, !dref_defer(&ref[j], GFP_KERNEL), "cannot defer");
			dref_put(&ref[j]);
		}
		err = dref_class_unregister(&class);
		CHECK(t, !err, "flags %#x: unregister returned %d", flags[i], err);
		/* drain, or the next registration fails, too */
		if (err)
			dref_class_drain(&class);
	}
}

/* Immortal objects do not keep a class from being unregistered */
static void unregister_immortal(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *exact, *deferred;

	if (!class)
		return;
	exact = test_object(t, class);
	deferred = test_object(t, class);
	if (!exact || !deferred)
		return;
	CHECK(t, !dref_defer(&deferred->ref, GFP_KERNEL), "cannot defer");
	dref_immortalize(&exact->ref);
	dref_immortalize(&deferred->ref);
	/* the runner's unregister must succeed */
}

static void drop_later(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	schedule_timeout_uninterruptible(msecs_to_jiffies(200));
	obj->killed = true;
	dref_put(&obj->ref);
}

/* dref_class_drain() waits for an object that another thread drops 200 ms later */
static void drain_waits(struct dref_test *t)
{
	static struct dref_class class = {
		.name = "test-drain", .release = nothing_to_release,
	};
	struct test_object *obj;
	int deferred;

	for (deferred = 0; deferred < 2; deferred++) {
		if (!CHECK(t, !dref_class_register(&class), "cannot register"))
			return;
		obj = kzalloc(sizeof(*obj), GFP_KERNEL);
		if (!CHECK(t, obj, "out of memory")) {
			dref_class_drain(&class);
			return;
		}
		dref_init(&obj->ref, &class);
		if (deferred)
			CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer");
		if (!test_thread(t, drop_later, obj))
			dref_put(&obj->ref);
		test_start(t);
		dref_class_drain(&class);
		CHECK(t, obj->killed, "returned with a live object");
		test_stop(t);
		kfree(obj);
	}
}

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
 * The memory of a released object can be initialised again: dref_init() is not
 * misled by the fields that the last object left there.
 */
static void init_again_after_release(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	int i;

	if (!class)
		return;
	obj = test_object(t, class);
	if (!obj)
		return;
	for (i = 0; i < 6; i++) {
		if (i & 1)
			CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer");
		dref_put(&obj->ref);
		dref_barrier();
		CHECK(t, test_released(obj), "life %d: not released", i);
		if (!test_released(obj))
			return;
		atomic_set(&obj->released, 0);
		dref_init(&obj->ref, class);
		CHECK(t, dref_read(&obj->ref) == 1, "life %d: count is %ld", i,
		      dref_read(&obj->ref));
	}
	dref_put(&obj->ref);
}

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

enum mode { EXACT, DEFERRED, DEMOTING, DEMOTED, NR_MODES };
static const char * const mode_name[] = { "exact", "deferred", "demoting", "demoted" };

/* Wait for a quiet object to leave deferred mode; quick with QUICK_DEMOTION */
static bool demotion_begins(struct test_object *obj)
{
	return test_soon(!dref_is_deferred(&obj->ref), 5000);
}

/* Bring a new object into @mode */
static bool bring_into_mode(struct dref_test *t, struct test_object *obj, enum mode mode)
{
	if (mode == EXACT)
		return true;
	if (!CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer") ||
	    !CHECK(t, !test_is_exact(obj), "still exact after dref_defer()"))
		return false;
	if (mode == DEFERRED)
		return true;
	if (!CHECK(t, demotion_begins(obj), "a quiet object is not demoted"))
		return false;
	if (mode == DEMOTED) {
		/* a pass after this grace period, which may take long, folds the slot */
		synchronize_rcu_tasks();
		if (!CHECK(t, test_soon(test_is_exact(obj), 30000), "not folded"))
			return false;
		dref_barrier();		/* the fold is complete */
	}
	return true;
}

static void count_up_and_down(struct dref_test *t, struct dref_class *class, enum mode mode)
{
	struct test_object *obj = test_object(t, class);
	const char *name = mode_name[mode];
	long count;

	if (!obj)
		return;
	dref_get_many(&obj->ref, 9);
	if (!bring_into_mode(t, obj, mode))
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
	enum mode mode;

	for (mode = 0; class && mode < NR_MODES; mode++)
		count_up_and_down(t, class, mode);
}

/* dref_put_many() releases an object if it drops all of the references */
static void put_many_releases(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum mode mode;

	for (mode = 0; class && mode < NR_MODES; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get_many(&obj->ref, 99);
		if (!bring_into_mode(t, obj, mode))
			return;
		dref_put_many(&obj->ref, 100);
		if (mode == EXACT || mode == DEMOTED)
			CHECK(t, test_released(obj), "%s: not released at once",
			      mode_name[mode]);
		dref_barrier();
		CHECK(t, test_released(obj), "%s: not released", mode_name[mode]);
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
	if (!bring_into_mode(t, obj, DEMOTED))
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
		if (!bring_into_mode(t, obj, DEMOTING))
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
	CHECK(t, !dref_defer(&obj[0]->ref, GFP_KERNEL), "cannot defer the first object");
	CHECK(t, !dref_defer(&obj[1]->ref, GFP_KERNEL), "cannot defer the second object");
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
	enum mode mode;

	for (mode = 0; class && mode < NR_MODES; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!bring_into_mode(t, obj, mode))
			return;
		dref_immortalize(&obj->ref);
		CHECK(t, dref_is_immortal(&obj->ref), "%s: not immortal", mode_name[mode]);
		CHECK(t, dref_read(&obj->ref) == DREF_IMMORTAL_COUNT, "%s: count is %ld",
		      mode_name[mode], dref_read(&obj->ref));
		dref_put_many(&obj->ref, 2);
		dref_put(&obj->ref);
		dref_immortalize(&obj->ref);
		dref_kill(&obj->ref);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released", mode_name[mode]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", mode_name[mode]);
		CHECK(t, dref_tryget_live(&obj->ref), "%s: tryget_live failed", mode_name[mode]);
		CHECK(t, !dref_is_dying(&obj->ref), "%s: dying", mode_name[mode]);
	}
}

/* ---- kill ---- */

/* An object that was killed and then immortalized is still killed */
static void killed_and_immortal(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum mode mode;

	for (mode = 0; class && mode < DEMOTING; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!bring_into_mode(t, obj, mode))
			return;
		dref_kill(&obj->ref);
		dref_immortalize(&obj->ref);
		CHECK(t, dref_is_immortal(&obj->ref), "%s: not immortal", mode_name[mode]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", mode_name[mode]);
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live succeeded after kill",
		      mode_name[mode]);
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released", mode_name[mode]);
	}
}

/* dref_kill() drops a reference; after it tryget_live fails, but tryget succeeds */
static void kill_in_each_mode(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum mode mode;

	for (mode = 0; class && mode < NR_MODES; mode++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!bring_into_mode(t, obj, mode))
			return;
		dref_kill(&obj->ref);
		CHECK(t, dref_read(&obj->ref) == 1, "%s: count is %ld", mode_name[mode],
		      dref_read(&obj->ref));
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live succeeded after kill",
		      mode_name[mode]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed after kill", mode_name[mode]);
		dref_get(&obj->ref);
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released too early", mode_name[mode]);
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live succeeded after a pass",
		      mode_name[mode]);
		dref_put(&obj->ref);
		dref_barrier();
		CHECK(t, test_released(obj), "%s: not released", mode_name[mode]);
		CHECK(t, !dref_tryget(&obj->ref), "%s: tryget of a dead object succeeded",
		      mode_name[mode]);
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
	{ "class_names",		class_names },
	{ "class_refused",		class_refused },
	{ "class_twice",		class_twice },
	{ "unregister_busy",		unregister_busy },
	{ "unregister_reconciles",	unregister_reconciles },
	{ "unregister_immortal",	unregister_immortal },
	{ "drain_waits",		drain_waits },
	{ "object_is_small",		object_is_small },
	{ "init_is_exact",		init_is_exact },
	{ "init_again_after_release",	init_again_after_release },
	{ "static_immortal",		static_immortal },
	{ "count_in_each_mode",		count_in_each_mode, QUICK_DEMOTION },
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
