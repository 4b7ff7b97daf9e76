// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the contract from a single thread: each mode, and each transition between
 * two modes; and when release() runs.
 */
#include <linux/jiffies.h>
#include <linux/poison.h>

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
	return (READ_ONCE(ref->mode) & DREF_MODE_TAGS) == DREF_MODE_EXACT;
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

static void own_release(struct dref *ref)
{
	__atomic_add_fetch(&oracle_released, 1, __ATOMIC_RELAXED);
}

static void register_class(struct dref_class *class)
{
	int err = dref_class_register(class);

	check(!err, "class %s: expected to be registered, seen %d", class->name, err);
}

static void unregister_class(struct dref_class *class)
{
	int err = dref_class_unregister(class);

	check(!err, "class %s: expected to be unregistered, seen %d", class->name, err);
}

static void expect_life(struct dref *ref, struct dref_class *class)
{
	unsigned long released = READ_ONCE(oracle_released);

	dref_init(ref, class);
	check(is_exact(ref), "expected exact mode, seen %#lx", ref->mode);
	check(dref_read(ref) == 1, "expected 1 reference, seen %ld", dref_read(ref));
	check(dref_tryget(ref), "expected a tryget of a new object to succeed");
	dref_put(ref);
	dref_put(ref);
	expect_released(released + 1);
}

/*
 * An object is new, whatever its memory contained: what the allocator has left there, of
 * which MemorySanitizer reports any use; some byte; or another object.
 */
static void test_old_memory(const struct test *test)
{
	static const int bytes[] = { -1, 0x00, POISON_INUSE, POISON_FREE, 0xff };
	struct dref_class class = { .name = "own", .release = own_release };
	struct dref *ref;
	int i;

	register_class(&class);
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		ref = kmalloc(sizeof(*ref), GFP_KERNEL);
		if (bytes[i] >= 0)
			memset(ref, bytes[i], sizeof(*ref));
		expect_life(ref, &class);
		expect_life(ref, &class);
		dref_init(ref, &class);
		dref_immortalize(ref);
		expect_life(ref, &class);
		kfree(ref);
	}
	ref = kmalloc(sizeof(*ref), GFP_KERNEL);
	shim_silent = true;
	dref_init(ref, NULL);		/* refused, without a look at the memory */
	shim_silent = false;
	test_warnings = 1;
	check(dref_is_immortal(ref), "expected an object without class to be immortal");
	kfree(ref);
	unregister_class(&class);
}

/* Zeroed and poisoned memory is no object: one warning for all, and nothing is stored */
static void test_no_object(const struct test *test)
{
	static const int bytes[] = { 0x00, POISON_INUSE, POISON_FREE };
	struct dref ref, same;
	int i, err;

	shim_silent = true;
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		memset(&ref, bytes[i], sizeof(ref));
		memset(&same, bytes[i], sizeof(same));
		check(!dref_tryget(&ref), "%#x: expected no tryget to succeed", bytes[i]);
		check(!dref_tryget_live(&ref), "%#x: expected no tryget to succeed", bytes[i]);
		check(!dref_read(&ref), "%#x: expected no reference", bytes[i]);
		check(!dref_is_immortal(&ref), "%#x: expected nothing immortal", bytes[i]);
		dref_get(&ref);
		dref_get_many(&ref, 2);
		dref_put(&ref);
		dref_put_many(&ref, 2);
		dref_kill(&ref);
		dref_immortalize(&ref);
		err = dref_defer(&ref, GFP_KERNEL);
		check(err == -EINVAL, "%#x: expected %d, seen %d", bytes[i], -EINVAL, err);
		check(!dref_exit(&ref), "%#x: expected no object to end", bytes[i]);
		check(!memcmp(&ref, &same, sizeof(ref)), "%#x: expected nothing stored",
		      bytes[i]);
	}
	shim_silent = false;
	test_warnings = 1;
}

/* dref_exit() ends a new object without release(), and refuses one that others may have */
static void test_exit(const struct test *test)
{
	struct dref_class class = { .name = "own", .release = own_release };
	struct dref ref;
	unsigned long exited;

	register_class(&class);
	dref_init(&ref, &class);
	check(dref_exit(&ref), "expected a new object to end");
	check(!dref_tryget(&ref), "expected no tryget to succeed then");
	dref_init(&ref, &class);
	dref_get(&ref);
	dref_put(&ref);
	check(dref_exit(&ref), "expected an object with one reference to end");
	exited = dref_events(&class, DREF_EXITED);
	check(exited == 2, "expected 2 objects to have ended so, seen %lu", exited);

	shim_silent = true;
	dref_init(&ref, &class);
	dref_get(&ref);
	check(!dref_exit(&ref), "expected an object with two references to be refused");
	check(dref_is_immortal(&ref), "expected it to be immortal");
	check(!dref_exit(&ref), "expected an immortal object to be refused");
	dref_init(&ref, &class);
	dref_defer(&ref, GFP_KERNEL);
	check(!dref_exit(&ref), "expected a deferred object to be refused");
	check(dref_is_immortal(&ref), "expected it to be immortal");
	shim_silent = false;
	test_warnings = 1;		/* one for each class */
	expect_released(0);
	unregister_class(&class);
}

/* ---- when, and in which context, release() runs ---- */

static bool in_work_item;

static void context_release(struct dref *ref)
{
	WRITE_ONCE(in_work_item, current_work());
	own_release(ref);
}

/* The put itself calls release() only if the object is exact, and its class has no flag */
static void test_context(const struct test *test)
{
	struct dref_class class = { .name = "own", .release = context_release };
	unsigned long released = 0;
	struct dref ref;
	bool defer;

	for (class.flags = 0; class.flags < 2 * DREF_ASYNC; class.flags++) {
		register_class(&class);
		for (defer = false;; defer = true) {
			dref_init(&ref, &class);
			if (defer)
				dref_defer(&ref, GFP_KERNEL);
			dref_put(&ref);
			if (is_exact(&ref) && !(class.flags & ~DREF_EXACT))
				expect_released(released + 1);
			dref_class_barrier(&class);
			expect_released(++released);
			check(in_work_item == (!is_exact(&ref) || class.flags & ~DREF_EXACT),
			      "flags %#x: expected %s to call release(), seen the other",
			      class.flags, in_work_item ? "the put" : "a work item");
			if (defer)
				break;
		}
		unregister_class(&class);
	}
}

/* With delay_release, each release() comes from a work item, and all still come */
static void test_late(const struct test *test)
{
	struct dref_class class = { .name = "own", .release = context_release };
	const struct kernel_param *param = &shim_param_delay_release;
	struct dref refs[4];
	int i;

	register_class(&class);
	check(!param->ops->set("Y", param), "expected delay_release to be set");
	for (i = 0; i < ARRAY_SIZE(refs); i++) {
		dref_init(&refs[i], &class);
		dref_put(&refs[i]);
	}
	dref_class_barrier(&class);
	expect_released(ARRAY_SIZE(refs));
	check(in_work_item, "expected a work item to call release(), seen the put");
	check(!param->ops->set("N", param), "expected delay_release to be cleared");
	dref_init(&refs[0], &class);
	dref_put(&refs[0]);
	expect_released(ARRAY_SIZE(refs) + 1);
	check(!in_work_item, "expected the put to call release(), seen a work item");
	unregister_class(&class);
}

static bool blocked, may_go;

static void blocking_release(struct dref *ref)
{
	int i;

	WRITE_ONCE(blocked, true);
	for (i = 0; i < 10000 / POLL_MS && !READ_ONCE(may_go); i++)
		msleep(POLL_MS);
	WRITE_ONCE(blocked, false);
}

static bool is_blocked(const struct dref *ref)
{
	return READ_ONCE(blocked);
}

static void let_go(void *unused)
{
	msleep(4 * POLL_MS);
	WRITE_ONCE(may_go, true);
}

/* dref_class_barrier() waits for the releases of its class, and for no others */
static void test_barrier(const struct test *test)
{
	struct dref_class slow = { .name = "slow", .release = blocking_release,
				   .flags = DREF_SLEEP };
	struct dref_class own = { .name = "own", .release = own_release,
				  .flags = DREF_SLEEP };
	struct dref blocker, refs[2];
	pthread_t thread;

	register_class(&slow);
	register_class(&own);
	dref_init(&blocker, &slow);
	dref_put(&blocker);
	check(wait_until(is_blocked, NULL), "expected a release() to begin, seen none");

	dref_init(&refs[0], &own);
	dref_init(&refs[1], &own);
	dref_defer(&refs[1], GFP_KERNEL);
	dref_put(&refs[0]);
	dref_put(&refs[1]);
	dref_class_barrier(&own);
	expect_released(2);
	unregister_class(&own);
	check(READ_ONCE(blocked), "expected to wait for no other class, seen a wait");

	shim_thread(&thread, let_go, NULL);
	dref_class_barrier(&slow);
	check(!READ_ONCE(blocked), "expected to wait for the release(), seen no wait");
	schedule_begin();
	pthread_join(thread, NULL);
	schedule_end();
	unregister_class(&slow);
}

static void waiting_release(struct dref *ref)
{
	int err;

	dref_barrier();
	dref_reconcile();
	dref_class_barrier(ref->class);
	err = dref_class_unregister(ref->class);
	check(err == -EBUSY, "expected %d, seen %d", -EBUSY, err);
	own_release(ref);
}

/* A release() that waits for releases would wait for itself: it is told, and goes on */
static void test_wait_in_release(const struct test *test)
{
	struct dref_class class = { .name = "own", .release = waiting_release,
				    .flags = DREF_ASYNC };
	struct dref ref;

	register_class(&class);
	dref_init(&ref, &class);
	WRITE_ONCE(shim_silent, true);
	dref_put(&ref);
	dref_class_barrier(&class);
	WRITE_ONCE(shim_silent, false);
	test_warnings = 4;
	expect_released(1);
	unregister_class(&class);
}

/* The object is on a list of this CPU, and no interrupt will come to queue the work item */
static void put_on_dying_cpu(void *ref)
{
	shim_cpu_down();
	dref_put(ref);
	msleep(4 * POLL_MS);
	expect_released(0);
}

/* What a CPU drops on its way down is released when it is dead */
static void test_dying_cpu(const struct test *test)
{
	struct object *object;
	pthread_t thread;

	oracle_begin();
	object = object_new(&class_async);
	shim_thread(&thread, put_on_dying_cpu, &object->ref);
	schedule_begin();
	pthread_join(thread, NULL);
	schedule_end();
	check(wait_until(one_released, NULL), "expected a release, seen none");
	/* Or the class, for which a work item is to be queued, would never be unused */
	if (!test_failed())
		oracle_end();
}

/* ---- modes ---- */

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
	if (DREF_IMMORTAL_IS_FAST)
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
	struct dref none;

	oracle_begin();
	shim_silent = true;
	dref_init(&none, NULL);
	check(dref_is_immortal(&none), "expected a count without class to be immortal");
	object = object_new(&class_plain);
	dref_put_many(&object->ref, 2);
	check(dref_is_immortal(&object->ref), "expected an underflow to saturate");
	shim_silent = false;
	test_warnings = 2;
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
	{ "old_memory", test_old_memory },
	{ "no_object", test_no_object },
	{ "exit", test_exit },
	{ "context", test_context },
	{ "late", test_late },
	{ "barrier", test_barrier },
	{ "wait_in_release", test_wait_in_release },
	{ "dying_cpu", test_dying_cpu },
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
