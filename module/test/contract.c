// SPDX-License-Identifier: GPL-2.0
/*
 * The contract, one call at a time and with nobody else about.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "test.h"

/* Periodic passes that are too far away to disturb */
#define BY_HAND	"pass_max_ms=60000 pass_min_ms=60000"
/* Demotion as quick as it gets */
#define FLAPPING "pass_min_ms=1 pass_max_ms=1 demote_passes=1"

static void nothing_to_release(struct dref *ref)
{
}

DEFINE_DREF_CLASS(static_class, "test-static", nothing_to_release, DREF_SLEEP);

/* ---- classes ---- */

static int try_name(const char *name)
{
	/* not on the stack: it has a work item */
	static struct dref_class class = { .release = nothing_to_release };
	int err;

	class.name = name;
	err = dref_class_register(&class);
	if (!err && dref_class_unregister(&class))
		return -EBUSY;
	return err;
}

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
		CHECK(t, try_name(good[i]) == 0, "name \"%s\" refused", good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(t, try_name(bad[i]) == -EINVAL, "name \"%s\" accepted", bad[i]);
	CHECK(t, try_name(NULL) == -EINVAL, "no name, and accepted");
}

static void class_refused(struct dref_test *t)
{
	static struct dref_class no_release = { .name = "test-refused" };
	static struct dref_class bad_flags = {
		.name = "test-refused",
		.release = nothing_to_release,
		.flags = 0x8,
	};

	CHECK(t, dref_class_register(&no_release) == -EINVAL, "release is NULL, and accepted");
	CHECK(t, dref_class_register(&bad_flags) == -EINVAL, "unknown flag 8 accepted");
	bad_flags.flags = DREF_RCU | 1U << 31;
	CHECK(t, dref_class_register(&bad_flags) == -EINVAL, "unknown flag accepted");
}

static void class_twice(struct dref_test *t)
{
	static struct dref_class other = {
		.name = "test-static", .release = nothing_to_release,
	};
	int err;

	if (!CHECK(t, !dref_class_register(&static_class), "first time refused"))
		return;
	err = dref_class_register(&static_class);
	CHECK(t, err == -EEXIST, "second time: %d", err);
	err = dref_class_register(&other);
	CHECK(t, err == -EEXIST, "another class of the same name: %d", err);
	CHECK(t, !dref_class_unregister(&static_class), "cannot be unregistered");
	CHECK(t, !dref_class_register(&static_class), "refused after unregister");
	CHECK(t, !dref_class_unregister(&static_class), "cannot be unregistered again");
}

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
	CHECK(t, err == -EBUSY, "with two live objects: %d", err);
	dref_put(&exact->ref);
	err = dref_class_unregister(class);
	CHECK(t, err == -EBUSY, "with a live deferred object: %d", err);
	CHECK(t, !test_released(deferred), "unregister released a live object");

	/* The class is as good as before */
	later = test_object(t, class);
	if (!later)
		return;
	CHECK(t, dref_read(&later->ref) == 1, "count is %ld", dref_read(&later->ref));
	dref_put(&later->ref);
	CHECK(t, test_released(later), "not released at once");
	dref_put(&deferred->ref);
	/* the runner's unregister must find all gone */
}

/* dref_class_unregister() does the reconciling itself */
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
		CHECK(t, !err, "flags %#x: %d", flags[i], err);
		/* or the next one could not be registered */
		if (err)
			dref_class_drain(&class);
	}
}

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
	/* the runner's unregister must not count them */
}

static void drop_later(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	schedule_timeout_uninterruptible(msecs_to_jiffies(200));
	obj->killed = true;
	dref_put(&obj->ref);
}

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
	CHECK(t, sizeof(struct dref) <= 32, "%zu bytes", sizeof(struct dref));
}

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
	CHECK(t, !dref_is_deferred(&obj->ref), "deferred");
	CHECK(t, !dref_is_immortal(&obj->ref), "immortal");
	CHECK(t, !dref_is_dying(&obj->ref), "dying");
	CHECK(t, dref_tryget_live(&obj->ref), "killed");
	dref_put(&obj->ref);
	CHECK(t, !test_released(obj), "released with a reference left");
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
	CHECK(t, dref_is_dying(&obj->ref), "not dying when dead");
	CHECK(t, !dref_tryget(&obj->ref), "tryget on a dead object");
	CHECK(t, !dref_tryget_live(&obj->ref), "tryget_live on a dead object");
	CHECK(t, dref_read(&obj->ref) == 0, "count is %ld when dead", dref_read(&obj->ref));
}

/* The same memory, again and again: what an object leaves behind does no harm */
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

/* In .rodata, where a store is an oops */
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
	CHECK(t, dref_tryget(ref), "tryget");
	CHECK(t, dref_tryget_live(ref), "tryget_live");
	CHECK(t, dref_defer(ref, GFP_KERNEL) == 0, "defer");
	dref_kill(ref);
	CHECK(t, dref_tryget_live(ref), "killed");
	dref_immortalize(ref);
	dref_reconcile();
	CHECK(t, dref_is_immortal(ref), "mortal");
	CHECK(t, !memcmp(&before, immortal, sizeof(before)), "changed");
}

static void static_immortal(struct dref_test *t)
{
	use_immortal(t, &eternal);
	use_immortal(t, &eternal_classless);
}

/* ---- counting, in each mode ---- */

enum how { EXACT, DEFERRED, DEMOTING, DEMOTED, NR_HOW };
static const char * const how_name[] = { "exact", "deferred", "demoting", "demoted" };

/* What comes after "deferred" when an object is quiet: see FLAPPING */
static bool demoting_comes(struct test_object *obj)
{
	return test_soon(!dref_is_deferred(&obj->ref), 5000);
}

static bool make(struct dref_test *t, struct test_object *obj, enum how how)
{
	if (how == EXACT)
		return true;
	if (!CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer") ||
	    !CHECK(t, !test_is_exact(obj), "exact"))
		return false;
	if (how == DEFERRED)
		return true;
	if (!CHECK(t, demoting_comes(obj), "quiet, and not demoted"))
		return false;
	if (how == DEMOTED) {
		/* the fold comes with a pass after this grace period, which may take long */
		synchronize_rcu_tasks();
		if (!CHECK(t, test_soon(test_is_exact(obj), 30000), "not folded"))
			return false;
		dref_barrier();		/* the fold is over */
	}
	return true;
}

static void count_up_and_down(struct dref_test *t, struct dref_class *class, enum how how)
{
	struct test_object *obj = test_object(t, class);
	const char *name = how_name[how];
	long count;

	if (!obj)
		return;
	dref_get_many(&obj->ref, 9);
	if (!make(t, obj, how))
		return;
	count = dref_read(&obj->ref);
	CHECK(t, count == 10, "%s: %ld, not 10", name, count);

	dref_get_many(&obj->ref, 0);
	dref_put_many(&obj->ref, 0);
	count = dref_read(&obj->ref);
	CHECK(t, count == 10, "%s: 0 many: %ld, not 10", name, count);
	dref_get(&obj->ref);
	dref_get_many(&obj->ref, 1);
	dref_get_many(&obj->ref, 100);
	CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", name);
	CHECK(t, dref_tryget_live(&obj->ref), "%s: tryget_live failed", name);
	count = dref_read(&obj->ref);
	CHECK(t, count == 114, "%s: %ld, not 114", name, count);
	dref_put_many(&obj->ref, 103);
	dref_put_many(&obj->ref, 1);
	count = dref_read(&obj->ref);
	CHECK(t, count == 10, "%s: %ld, not 10 again", name, count);

	while (--count) {
		dref_put(&obj->ref);
		CHECK(t, !test_released(obj), "%s: released with %ld left", name, count);
		CHECK(t, dref_read(&obj->ref) == count, "%s: %ld, not %ld", name,
		      dref_read(&obj->ref), count);
	}
	dref_barrier();
	CHECK(t, !test_released(obj), "%s: released with one left", name);
	dref_put(&obj->ref);
	dref_barrier();
	CHECK(t, test_released(obj), "%s: not released", name);
}

static void count_in_each_mode(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	enum how how;

	for (how = 0; class && how < NR_HOW; how++)
		count_up_and_down(t, class, how);
}

/* dref_put_many() may drop the last of them */
static void put_many_releases(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum how how;

	for (how = 0; class && how < NR_HOW; how++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get_many(&obj->ref, 99);
		if (!make(t, obj, how))
			return;
		dref_put_many(&obj->ref, 100);
		if (how == EXACT || how == DEMOTED)
			CHECK(t, test_released(obj), "%s: not at once", how_name[how]);
		dref_barrier();
		CHECK(t, test_released(obj), "%s: not released", how_name[how]);
	}
}

/* A demoted object is exact again: the last put says so */
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
	/* references in the slot, too */
	dref_get_many(&obj->ref, 6);
	dref_put(&obj->ref);
	if (!make(t, obj, DEMOTED))
		return;
	CHECK(t, dref_read(&obj->ref) == 10, "%ld, not 10", dref_read(&obj->ref));
	for (left = 9; left; left--) {
		dref_put(&obj->ref);
		CHECK(t, !test_released(obj), "released with %d left", left);
	}
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

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
		if (!make(t, obj, DEMOTING))
			return;
		dref_get(&obj->ref);
		/* unless the fold was quicker */
		cancelled = dref_is_deferred(&obj->ref);
		dref_put(&obj->ref);
		CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	}
	CHECK(t, cancelled, "a get never made it deferred again");
	dref_put(&obj->ref);
}

/* ---- defer ---- */

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
	CHECK(t, dref_defer(&obj->ref, GFP_KERNEL) == 0, "deferred already, and no success");
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	dref_immortalize(&obj->ref);
	CHECK(t, dref_defer(&obj->ref, GFP_KERNEL) == 0, "immortal, and no success");
	CHECK(t, !dref_is_deferred(&obj->ref), "immortal and deferred");

	err = dref_defer(&exact->ref, GFP_KERNEL);
	CHECK(t, err == -EINVAL, "class is DREF_EXACT: %d", err);
	CHECK(t, !dref_is_deferred(&exact->ref), "class is DREF_EXACT, and deferred");
	dref_put(&exact->ref);
	CHECK(t, test_released(exact), "the last put did not release at once");
}

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
	CHECK(t, err == -ENOSPC, "%d, not -ENOSPC", err);
	CHECK(t, !dref_is_deferred(&obj->ref), "deferred");
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

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
	CHECK(t, !dref_defer(&obj[0]->ref, GFP_KERNEL), "first");
	CHECK(t, !dref_defer(&obj[1]->ref, GFP_KERNEL), "second");
	err = dref_defer(&obj[2]->ref, GFP_KERNEL);
	CHECK(t, err == -ENOSPC, "third: %d, not -ENOSPC", err);
	dref_put(&obj[0]->ref);
	dref_barrier();
	err = dref_defer(&obj[2]->ref, GFP_KERNEL);
	CHECK(t, !err, "third, after the first is gone: %d", err);
	dref_put(&obj[1]->ref);
	dref_put(&obj[2]->ref);
}

/* ---- immortalize ---- */

static void immortalize_in_each_mode(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum how how;

	for (how = 0; class && how < NR_HOW; how++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!make(t, obj, how))
			return;
		dref_immortalize(&obj->ref);
		CHECK(t, dref_is_immortal(&obj->ref), "%s: not immortal", how_name[how]);
		CHECK(t, dref_read(&obj->ref) == DREF_IMMORTAL_COUNT, "%s: count is %ld",
		      how_name[how], dref_read(&obj->ref));
		dref_put_many(&obj->ref, 2);
		dref_put(&obj->ref);
		dref_immortalize(&obj->ref);
		dref_kill(&obj->ref);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released", how_name[how]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", how_name[how]);
		CHECK(t, dref_tryget_live(&obj->ref), "%s: killed", how_name[how]);
		CHECK(t, !dref_is_dying(&obj->ref), "%s: dying", how_name[how]);
	}
}

/* ---- kill ---- */

/* What has been killed stays so, if immortal */
static void killed_and_immortal(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum how how;

	for (how = 0; class && how < DEMOTING; how++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!make(t, obj, how))
			return;
		dref_kill(&obj->ref);
		dref_immortalize(&obj->ref);
		CHECK(t, dref_is_immortal(&obj->ref), "%s: not immortal", how_name[how]);
		CHECK(t, dref_tryget(&obj->ref), "%s: tryget failed", how_name[how]);
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live", how_name[how]);
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released", how_name[how]);
	}
}

static void kill_in_each_mode(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum how how;

	for (how = 0; class && how < NR_HOW; how++) {
		obj = test_object(t, class);
		if (!obj)
			return;
		dref_get(&obj->ref);
		if (!make(t, obj, how))
			return;
		dref_kill(&obj->ref);
		CHECK(t, dref_read(&obj->ref) == 1, "%s: count is %ld", how_name[how],
		      dref_read(&obj->ref));
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live", how_name[how]);
		CHECK(t, dref_tryget(&obj->ref), "%s: no tryget", how_name[how]);
		dref_get(&obj->ref);
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(t, !test_released(obj), "%s: released too early", how_name[how]);
		CHECK(t, !dref_tryget_live(&obj->ref), "%s: tryget_live later", how_name[how]);
		dref_put(&obj->ref);
		dref_barrier();
		CHECK(t, test_released(obj), "%s: not released", how_name[how]);
		CHECK(t, !dref_tryget(&obj->ref), "%s: tryget on a dead object",
		      how_name[how]);
	}
}

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

/* Nobody reconciles, and the interval is a minute: the kill itself brings a pass */
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
	/* let the first interval get long */
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
	{ "count_in_each_mode",		count_in_each_mode, FLAPPING },
	{ "put_many_releases",		put_many_releases, FLAPPING },
	{ "demoted_is_exact",		demoted_is_exact, FLAPPING },
	{ "use_cancels_demotion",	use_cancels_demotion, FLAPPING },
	{ "defer_promotes",		defer_promotes },
	{ "defer_without_budget",	defer_without_budget, "max_deferred=0" },
	{ "defer_until_budget_ends",	defer_until_budget_ends, "max_deferred=2 " BY_HAND },
	{ "immortalize_in_each_mode",	immortalize_in_each_mode, FLAPPING },
	{ "kill_in_each_mode",		kill_in_each_mode, FLAPPING },
	{ "killed_and_immortal",	killed_and_immortal },
	{ "kill_last_exact",		kill_last_exact },
	{ "kill_brings_pass",		kill_brings_pass, "pass_max_ms=60000 pass_min_ms=10" },
	{ }
};
