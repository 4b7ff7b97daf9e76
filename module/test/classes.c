// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of classes: registering them, and waiting for their objects.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poison.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "test.h"

static void nothing_to_release(struct dref *ref)
{
}

/* ---- registering ---- */

static int register_name(const char *name)
{
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
		.flags = 0x10,
	};

	CHECK(t, dref_class_register(&no_release) == -EINVAL,
	      "accepted a class without a release()");
	CHECK(t, dref_class_register(&bad_flags) == -EINVAL, "accepted the unknown flag 0x10");
	bad_flags.flags = DREF_RCU | 1U << 31;
	CHECK(t, dref_class_register(&bad_flags) == -EINVAL, "accepted an unknown flag");
}

/* Neither a class nor a name can be registered twice, unless it was unregistered */
static void class_twice(struct dref_test *t)
{
	static DEFINE_DREF_CLASS(static_class, "test-static", nothing_to_release, DREF_SLEEP);
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

static atomic_t nr_released;

static void count_release(struct dref *ref)
{
	atomic_inc(&nr_released);
}

/* Create and drop objects of a class that is registered and unregistered here */
static bool use_class(struct dref_test *t, struct dref_class *class, struct dref *refs,
		      int nr)
{
	int i, err = dref_class_register(class);

	if (!CHECK(t, !err, "flags %#x: register returned %d", class->flags, err))
		return false;
	atomic_set(&nr_released, 0);
	for (i = 0; i < nr; i++) {
		dref_init(&refs[i], class);
		if (i & 1)
			CHECK(t, !dref_defer(&refs[i], GFP_KERNEL), "cannot defer");
		dref_put(&refs[i]);
	}
	dref_class_drain(class);
	CHECK(t, atomic_read(&nr_released) == nr, "flags %#x: %d objects released, not %d",
	      class->flags, atomic_read(&nr_released), nr);
	return true;
}

/*
 * A class may be allocated, in zeroed memory.  It may be registered again, and dref does
 * not write to it after it has been drained, so that it may be freed then.
 */
static void class_allocated(struct dref_test *t)
{
	struct dref *refs = kcalloc(16, sizeof(*refs), GFP_KERNEL);
	struct dref_class *class = NULL;
	int i;

	if (!CHECK(t, refs, "out of memory"))
		return;
	for (i = 0; i < TEST_FLAGS; i++) {
		class = kzalloc(sizeof(*class), GFP_KERNEL);
		if (!CHECK(t, class, "out of memory"))
			break;
		class->name = "test-allocated";
		class->release = count_release;
		class->flags = test_flags[i];
		class->owner = THIS_MODULE;
		if (!use_class(t, class, refs, 16) || !use_class(t, class, refs, 16))
			break;
		memset(class, POISON_FREE, sizeof(*class));
		msleep(50);
		CHECK(t, !memchr_inv(class, POISON_FREE, sizeof(*class)),
		      "flags %#x: written to after the drain", test_flags[i]);
		kfree(class);
		class = NULL;
	}
	kfree(class);
	kfree(refs);
}

/* ---- unregister and drain ---- */

/* A class with live objects cannot be unregistered, and stays usable */
static void unregister_busy(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *exact, *deferred, *later;
	int err;

	exact = test_new(t, class, false);
	deferred = test_new(t, class, true);
	if (!exact || !deferred)
		return;

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
	static struct dref_class class = {
		.name = "test-unregister", .release = nothing_to_release,
	};
	static struct dref ref[16];
	int err, i, j;

	for (i = 0; i < TEST_FLAGS; i++) {
		class.flags = test_flags[i];
		if (!CHECK(t, !dref_class_register(&class), "cannot register"))
			return;
		for (j = 0; j < ARRAY_SIZE(ref); j++) {
			dref_init(&ref[j], &class);
			if (j & 1)
				CHECK(t, !dref_defer(&ref[j], GFP_KERNEL), "cannot defer");
			dref_put(&ref[j]);
		}
		err = dref_class_unregister(&class);
		CHECK(t, !err, "flags %#x: unregister returned %d", test_flags[i], err);
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

	exact = test_new(t, class, false);
	deferred = test_new(t, class, true);
	if (!exact || !deferred)
		return;
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

/* ---- dref_class_barrier() ---- */

/* dref_class_barrier() waits for the releases of objects that were put before */
static void class_barrier_waits(struct dref_test *t)
{
	struct dref_class *class;
	struct test_object *obj;
	int i, kind, round;

	for (i = 0; i < TEST_FLAGS; i++) {
		class = test_class(t, test_flags[i]);
		for (round = 0; round < 20; round++) {
			kind = round % 4;
			obj = test_new(t, class, kind & 1);
			if (!obj)
				return;
			if (kind & 2)
				dref_kill(&obj->ref);
			else
				dref_put(&obj->ref);
			dref_class_barrier(class);
			CHECK(t, test_released(obj), "flags %#x, %s: not released by %s",
			      test_flags[i], kind & 1 ? "deferred" : "exact",
			      kind & 2 ? "kill" : "put");
		}
	}
}

/* It waits for the objects of a DREF_EXACT class, and returns if there are none */
static void class_barrier_exact_class(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_EXACT | DREF_RCU);
	struct test_object *obj, *held = test_new(t, class, false);

	if (!held)
		return;
	dref_class_barrier(class);
	obj = test_new(t, class, false);
	if (!obj)
		return;
	dref_put(&obj->ref);
	dref_class_barrier(class);
	CHECK(t, test_released(obj), "not released");
	CHECK(t, !test_released(held), "released a live object");
	dref_put(&held->ref);
}

/* ---- a class waits for no other class ---- */

/* Far longer than anything here takes; a test that fails takes as long */
#define SLEEP_MS	60000

enum wait { UNREGISTER, DRAIN, BARRIER, NR_WAITS };
static const char * const wait_name[NR_WAITS] = { "unregister", "drain", "class barrier" };

/* Wait for @class, which stays registered */
static void wait_for_class(struct dref_test *t, struct dref_class *class, enum wait wait)
{
	int err = 0;

	if (wait == BARRIER) {
		dref_class_barrier(class);
		return;
	}
	if (wait == DRAIN)
		dref_class_drain(class);
	else
		err = dref_class_unregister(class);
	CHECK(t, !err, "flags %#x: unregister returned %d", class->flags, err);
	/* the runner will unregister it again */
	if (!err)
		CHECK(t, !dref_class_register(class), "cannot register again");
}

/* Wait, in each way, for classes without objects, and for such whose objects are dropped */
static void wait_while_another_sleeps(struct dref_test *t, struct test_object *sleeper)
{
	struct test_object *exact, *deferred;
	struct dref_class *class;
	enum wait wait;
	int i, drop;

	for (i = 0; i < TEST_FLAGS * 2; i++) {
		class = test_class(t, test_flags[i / 2]);
		drop = i & 1;
		for (wait = 0; class && wait < NR_WAITS && !t->failed; wait++) {
			exact = drop ? test_new(t, class, false) : NULL;
			deferred = drop ? test_new(t, class, true) : NULL;
			if (exact)
				dref_put(&exact->ref);
			if (deferred)
				dref_put(&deferred->ref);
			wait_for_class(t, class, wait);
			CHECK(t, !test_released(sleeper),
			      "flags %#x, %s objects: %s waited for another class",
			      class->flags, drop ? "dropped" : "no", wait_name[wait]);
			CHECK(t, !exact || test_released(exact), "exact: not released");
			CHECK(t, !deferred || test_released(deferred), "deferred: not released");
		}
	}
}

/* Let the release() of a DREF_SLEEP class begin, and return its object */
static struct test_object *begin_release(struct dref_test *t,
					 void (*on_release)(struct test_object *obj))
{
	struct test_object *obj = test_new(t, test_class(t, DREF_SLEEP), false);

	if (!obj)
		return NULL;
	obj->on_release = on_release;
	dref_put(&obj->ref);
	CHECK(t, test_soon(atomic_read(&obj->turn), 20000), "the release() has not begun");
	return obj;
}

static void sleep_until_told(struct test_object *obj)
{
	atomic_set(&obj->turn, 1);
	test_soon(atomic_read(&obj->turn) == 2, SLEEP_MS);
}

static void waits_for_no_other_class(struct dref_test *t)
{
	struct test_object *sleeper = begin_release(t, sleep_until_told);

	if (!sleeper)
		return;
	wait_while_another_sleeps(t, sleeper);
	atomic_set(&sleeper->turn, 2);
}

/* The test holds this, and the release() of another class needs it */
static DEFINE_MUTEX(held_mutex);

/* If this cannot get the mutex, it gives up, so that the test fails and does not hang */
static void need_mutex(struct test_object *obj)
{
	might_lock(&held_mutex);	/* lockdep shall know it as if this were mutex_lock() */
	atomic_set(&obj->turn, 1);
	if (test_soon(mutex_trylock(&held_mutex), SLEEP_MS))
		mutex_unlock(&held_mutex);
}

static void waits_under_lock_of_another(struct dref_test *t)
{
	struct test_object *other;

	mutex_lock(&held_mutex);
	other = begin_release(t, need_mutex);
	if (other)
		wait_while_another_sleeps(t, other);
	mutex_unlock(&held_mutex);
}

const struct dref_test_case test_classes[] = {
	{ "class_names",		class_names },
	{ "class_refused",		class_refused },
	{ "class_twice",		class_twice },
	{ "class_allocated",		class_allocated },
	{ "unregister_busy",		unregister_busy },
	{ "unregister_reconciles",	unregister_reconciles },
	{ "unregister_immortal",	unregister_immortal },
	{ "drain_waits",		drain_waits },
	{ "class_barrier_waits",	class_barrier_waits },
	{ "class_barrier_exact_class",	class_barrier_exact_class },
	{ "waits_for_no_other_class",	waits_for_no_other_class },
	{ "waits_under_lock_of_another", waits_under_lock_of_another },
	{ }
};
