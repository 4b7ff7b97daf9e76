// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the contract from a single thread: each mode, and each transition between
 * two modes.
 */
#include <linux/jiffies.h>

#include "test.h"

static bool tryget_live(struct object *object)
{
	bool got;

	rcu_read_lock();
	got = dref_tryget_live(&object->ref);
	rcu_read_unlock();
	return got;
}

/* Wait until periodic passes, which are some milliseconds apart, have done their work */
static bool wait_until(bool (*happened)(const struct dref *ref), const struct dref *ref)
{
	int i;

	for (i = 0; i < 10000 / POLL_MS && !happened(ref); i++)
		msleep(POLL_MS);
	return happened(ref);
}

static bool is_exact(const struct dref *ref)
{
	return (READ_ONCE(ref->mode) & DREF_MODE_STATE) == DREF_MODE_EXACT;
}

static bool one_released(const struct dref *ref)
{
	return READ_ONCE(oracle_released) == 1;
}

static void expect_released(unsigned long expected)
{
	unsigned long released = READ_ONCE(oracle_released);

	check(released == expected, "expected %lu releases, seen %lu", expected, released);
}

static void expect_count(const struct object *object, long expected)
{
	long count = dref_read(&object->ref);

	check(count == expected, "expected %ld references, seen %ld", expected, count);
}

static void expect_deferred(const struct object *object, bool expected)
{
	check(dref_is_deferred(&object->ref) == expected, "expected %s mode, seen mode %#lx",
	      expected ? "deferred" : "exact", object->ref.mode);
}

static void test_exact(const struct test *test)
{
	struct object *object;

	oracle_begin();
	object = object_new(&class_plain);
	dref_get(&object->ref);
	dref_get_many(&object->ref, 3);
	expect_count(object, 5);
	dref_put_many(&object->ref, 3);
	dref_put(&object->ref);
	expect_count(object, 1);
	expect_released(0);
	dref_put(&object->ref);
	expect_released(1);		/* by the put itself */
	oracle_end();
}

/* An object may be initialised in memory that the allocator has written to */
static void reuse_release(struct dref *ref)
{
}

static void test_reuse(const struct test *test)
{
	struct dref_class class = { .name = "reuse", .release = reuse_release };
	struct dref ref = { };

	check(!dref_class_register(&class), "expected a class to be registered");
	dref_init(&ref, &class);
	dref_put(&ref);
	atomic_long_set(&ref.count, 7);
	dref_init(&ref, &class);
	check(dref_read(&ref) == 1, "expected 1 reference, seen %ld", dref_read(&ref));
	dref_put(&ref);
	check(!dref_class_unregister(&class), "expected the class to have no object");
}

/* Whatever context the flags of a class choose for release(), each release() runs */
static void test_flags(const struct test *test)
{
	struct dref_class *classes[] = { &class_sleep, &class_rcu };
	int i;

	oracle_begin();
	for (i = 0; i < ARRAY_SIZE(classes); i++)
		dref_put(&object_new(classes[i])->ref);
	dref_barrier();
	expect_released(2);
	oracle_end();
}

static void test_deferred(const struct test *test)
{
	struct object *object;
	int err;

	oracle_begin();
	object = object_new(&class_plain);
	dref_get(&object->ref);
	err = dref_defer(&object->ref, GFP_KERNEL);
	check(!err, "expected a slot, seen %d", err);
	expect_deferred(object, true);
	dref_get(&object->ref);
	dref_get_many(&object->ref, 7);
	expect_count(object, 10);
	dref_put_many(&object->ref, 8);
	check(tryget_live(object), "expected a tryget to succeed");
	expect_count(object, 3);
	check(!dref_reconcile(), "expected nothing to be found dead");
	dref_put_many(&object->ref, 3);
	check(dref_reconcile() == 1, "expected one object to be found dead");
	expect_released(1);
	oracle_end();
}

/* Periodic passes find a dead object without a request */
static void test_periodic(const struct test *test)
{
	struct object *object;

	oracle_begin();
	object = object_new(&class_plain);
	dref_defer(&object->ref, GFP_KERNEL);
	dref_put(&object->ref);
	check(wait_until(one_released, NULL), "expected a pass to find the object, seen none");
	oracle_end();
}

/* Neighbouring slots are summed together: each object must get its own sum */
static void test_neighbours(const struct test *test)
{
	struct object *objects[8];
	int i, round, gets;

	oracle_begin();
	dref_pass_min_ms = 60000;
	dref_pass_max_ms = 60000;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(objects); i++) {
			gets = round ? i + 1 : ARRAY_SIZE(objects) - i;
			objects[i] = object_new(&class_plain);
			dref_defer(&objects[i]->ref, GFP_KERNEL);
			dref_get_many(&objects[i]->ref, gets);
			dref_put_many(&objects[i]->ref, gets);
		}
		check(!dref_reconcile(), "expected nothing to be found dead");
		for (i = 0; i < ARRAY_SIZE(objects); i++) {
			dref_put(&objects[i]->ref);
			check(dref_reconcile() == 1, "expected object %d to be found dead", i);
		}
	}
	check(!test_stat("resurrected"), "expected each sum to be right at the first look");
	oracle_end();
}

/*
 * Request passes over many objects all the time.  Between two passes there must be a
 * pause of a hundred times the length of a pass, and not only pass_min_ms, which is 1.
 */
static void test_rest(const struct test *test)
{
	static struct object *objects[10000];
	u64 start, elapsed, least = ~0UL;
	struct dref_pass_stats stats;
	unsigned long before, most;
	int i;

	oracle_begin();
	dref_demote_passes = 1000000;
	dref_pass_max_ms = 60000;
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = object_new(&class_plain);
		dref_defer(&objects[i]->ref, GFP_KERNEL);
	}
	dref_barrier();
	dref_barrier();
	dref_pass_stats(&stats);
	before = stats.passes;
	start = ktime_get_ns();
	do {
		dref_pass_kick();
		msleep(POLL_MS);
		dref_pass_stats(&stats);
		least = min(least, stats.pass_ns_last);
		elapsed = ktime_get_ns() - start;
	} while (elapsed < 500 * NSEC_PER_MSEC);

	/* Allow twice as many, as the shortest pass may have been missed */
	most = 2 + 2 * elapsed / (100 * least);
	check(stats.passes - before <= most, "expected at most %lu passes, seen %lu",
	      most, stats.passes - before);
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		dref_put(&objects[i]->ref);
	oracle_end();
}

static void test_demote(const struct test *test)
{
	struct object *object;

	oracle_begin();
	object = object_new(&class_plain);
	dref_defer(&object->ref, GFP_KERNEL);
	dref_get(&object->ref);
	check(wait_until(is_exact, &object->ref), "expected to be demoted, seen mode %#lx",
	      object->ref.mode);
	expect_count(object, 2);
	dref_put_many(&object->ref, 2);
	expect_released(1);
	oracle_end();
}

static void test_kill(const struct test *test)
{
	struct object *object;

	oracle_begin();
	object = object_new(&class_plain);
	dref_get(&object->ref);
	check(tryget_live(object), "expected a tryget before the kill to succeed");
	dref_put(&object->ref);
	dref_kill(&object->ref);
	dref_defer(&object->ref, GFP_KERNEL);
	expect_deferred(object, true);
	check(!tryget_live(object), "expected no tryget after the kill to succeed");
	dref_put(&object->ref);
	check(dref_reconcile() == 1, "expected the killed object to be found dead");
	oracle_end();
}

static void test_immortal(const struct test *test)
{
	static const struct dref constant = DREF_INIT_IMMORTAL(NULL);
	struct object *object;

	struct dref_counts *unread = per_cpu_ptr(&dref_unread[0], raw_smp_processor_id());

	dref_get((struct dref *)&constant);	/* in .rodata, so a store would fault */
	dref_put((struct dref *)&constant);
	if (!(DREF_MODE_SLOW & DREF_MODE_IMMORTAL))
		check(unread[0].puts == 1 && unread[1].gets == 1,
		      "expected it to be counted in dref_unread");
	check(dref_read(&constant) == DREF_IMMORTAL_COUNT, "expected an immortal count");
	oracle_begin();
	object = object_new(&class_plain);
	dref_defer(&object->ref, GFP_KERNEL);
	dref_immortalize(&object->ref);
	dref_put_many(&object->ref, 9);
	check(tryget_live(object), "expected a tryget to succeed");
	expect_count(object, DREF_IMMORTAL_COUNT);
	oracle_end();
	expect_released(0);
	kfree(object);
}

static void test_no_slot(const struct test *test)
{
	struct object *object;
	int err;

	oracle_begin();
	object = object_new(&class_exact);
	err = dref_defer(&object->ref, GFP_KERNEL);
	check(err == -EINVAL, "expected %d, seen %d", -EINVAL, err);
	dref_put(&object->ref);
	dref_max_deferred = 0;
	object = object_new(&class_plain);
	err = dref_defer(&object->ref, GFP_KERNEL);
	check(err == -ENOSPC, "expected %d, seen %d", -ENOSPC, err);
	expect_deferred(object, false);
	dref_put(&object->ref);
	expect_released(2);
	oracle_end();
}

/* After each of these mistakes dref warns, and leaks the object */
static void test_mistakes(const struct test *test)
{
	struct object *object;
	struct dref none = { };

	oracle_begin();
	shim_silent = true;
	dref_init(&none, NULL);
	check(dref_is_immortal(&none), "expected a count without class to be immortal");
	object = object_new(&class_plain);
	dref_init(&object->ref, &class_plain);
	expect_count(object, 1);
	dref_put_many(&object->ref, 2);
	check(dref_is_immortal(&object->ref), "expected an underflow to saturate");
	shim_silent = false;
	test_warnings = 3;
	oracle_end();
	expect_released(0);
	kfree(object);
}

static void test_classes(const struct test *test)
{
	struct object *object;
	int err;

	oracle_begin();
	shim_silent = true;
	err = dref_class_register(&class_plain);
	check(err == -EEXIST, "expected %d, seen %d", -EEXIST, err);
	object = object_new(&class_plain);
	dref_defer(&object->ref, GFP_KERNEL);
	err = dref_class_unregister(&class_plain);
	check(err == -EBUSY, "expected %d, seen %d", -EBUSY, err);
	shim_silent = false;
	dref_put(&object->ref);
	dref_class_drain(&class_plain);
	expect_released(1);
	err = dref_class_register(&class_plain);
	check(!err, "expected a class to come back, seen %d", err);
	oracle_end();
}

const struct test contract_tests[] = {
	{ "exact", test_exact },
	{ "reuse", test_reuse },
	{ "flags", test_flags },
	{ "deferred", test_deferred },
	{ "periodic", test_periodic },
	{ "neighbours", test_neighbours },
	{ "rest", test_rest },
	{ "demote", test_demote },
	{ "kill", test_kill },
	{ "immortal", test_immortal },
	{ "no_slot", test_no_slot },
	{ "mistakes", test_mistakes },
	{ "classes", test_classes },
	{ }
};
