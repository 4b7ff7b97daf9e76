// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of release(): when it runs, how often, and which writes it sees.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "test.h"

/* ---- reconcile ---- */

/* dref_reconcile() returns the number of objects that it released */
static void reconcile_counts(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj[32], *alive = test_new(t, class, true);
	unsigned long released;
	int i;

	if (!alive)
		return;
	dref_reconcile();
	for (i = 0; i < ARRAY_SIZE(obj); i++) {
		obj[i] = test_new(t, class, true);
		if (!obj[i])
			return;
		dref_put(&obj[i]->ref);
	}
	released = dref_reconcile();
	CHECK(t, released == ARRAY_SIZE(obj), "returned %lu, not %zu", released,
	      ARRAY_SIZE(obj));
	for (i = 0; i < ARRAY_SIZE(obj); i++)
		CHECK(t, test_released(obj[i]), "object %d is not released", i);
	released = dref_reconcile();
	CHECK(t, !released, "returned %lu when there was nothing to release", released);
	CHECK(t, !test_released(alive), "released a live object");
	dref_put(&alive->ref);
}

static void put_next(struct test_object *obj)
{
	dref_put(&obj->next->ref);
}

/* Let @obj hold a reference to @next until its own release() drops it */
static void let_hold(struct test_object *obj, struct test_object *next)
{
	obj->next = next;
	obj->on_release = put_next;
}

/*
 * Each object holds the next one.  One dref_reconcile() releases the whole chain,
 * whatever the flags of the classes.
 */
static void reconcile_follows_chains(struct dref_test *t)
{
	struct test_object *obj[12];
	unsigned long released;
	int i;

	for (i = 0; i < ARRAY_SIZE(obj); i++) {
		obj[i] = test_new(t, test_class(t, test_flags[i % TEST_FLAGS]), true);
		if (!obj[i])
			return;
		if (i)
			let_hold(obj[i - 1], obj[i]);
	}
	dref_put(&obj[0]->ref);
	released = dref_reconcile();
	CHECK(t, released == ARRAY_SIZE(obj), "returned %lu, not %zu", released,
	      ARRAY_SIZE(obj));
	CHECK(t, test_released(obj[ARRAY_SIZE(obj) - 1]), "the last one is not released");
}

/*
 * One dref_reconcile() also releases a chain of exact objects whose classes
 * release later (DREF_SLEEP, DREF_RCU), and the deferred object at its end.
 */
static void reconcile_follows_exact_chains(struct dref_test *t)
{
	struct test_object *obj[12];
	int i, flags;

	for (flags = 1; flags < TEST_FLAGS; flags++) {
		for (i = 0; i < ARRAY_SIZE(obj); i++) {
			obj[i] = test_new(t, test_class(t, test_flags[flags]),
					  i == ARRAY_SIZE(obj) - 1);
			if (!obj[i])
				return;
			if (i)
				let_hold(obj[i - 1], obj[i]);
		}
		dref_put(&obj[0]->ref);
		dref_reconcile();
		CHECK(t, test_released(obj[ARRAY_SIZE(obj) - 1]),
		      "flags %#x: the last one is not released", test_flags[flags]);
	}
}

/*
 * A chain of objects whose class releases later goes by itself, and no link waits for a
 * tick.
 */
static void chain_waits_for_no_tick(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_ASYNC);
	struct test_object *first = NULL, *last = NULL, *obj;
	unsigned long begin;
	int i, links = 500;

	for (i = 0; i < links; i++) {
		obj = class ? test_new(t, class, false) : NULL;
		if (!obj)
			return;
		if (last)
			let_hold(last, obj);
		else
			first = obj;
		last = obj;
	}
	begin = jiffies;
	dref_put(&first->ref);
	test_soon(test_released(last), 30000);
	CHECK(t, test_released(last), "the last one is not released");
	CHECK(t, jiffies - begin < links, "%d links took %lu ticks", links, jiffies - begin);
}

/*
 * dref_reconcile() also releases an object whose last reference is that of the
 * promotion queue.  With a threshold of 1, a put on another CPU makes the object
 * hot and queues it.
 */
static void reconcile_empties_promotion_queue(struct dref_test *t)
{
	struct test_object *holder, *obj;
	int i;

	for (i = 0; i < 100; i++) {
		holder = test_new(t, test_class(t, DREF_SLEEP), false);
		obj = test_new(t, test_class(t, 0), false);
		if (!holder || !obj)
			return;
		let_hold(holder, obj);
		dref_put(&holder->ref);
		dref_reconcile();
		CHECK(t, test_released(obj), "round %d: not released", i);
	}
}

/*
 * dref_reconcile() also releases a chain of objects from the promotion queue.
 * The objects are created on the first CPU and put on the last one, so each put
 * makes an object hot, and the queue holds its last reference.
 */
struct hot_chain {
	struct dref_test	*t;
	struct dref_class	*class;
	struct test_object	*obj[12];
};

static long make_hot_chain(void *arg)
{
	struct hot_chain *chain = arg;
	int i;

	for (i = 0; i < ARRAY_SIZE(chain->obj); i++) {
		chain->obj[i] = test_new(chain->t, chain->class, false);
		if (!chain->obj[i])
			return -ENOMEM;
		if (i)
			let_hold(chain->obj[i - 1], chain->obj[i]);
	}
	return 0;
}

static long drop_hot_chain(void *arg)
{
	struct hot_chain *chain = arg;

	dref_put(&chain->obj[0]->ref);
	/*
	 * The promotion worker may promote an object before the release() of
	 * the previous one drops it.  That object was not deferred when
	 * dref_reconcile() began, so only the next call finds it.
	 */
	while (dref_reconcile())
		;
	return 0;
}

static void reconcile_follows_hot_chains(struct dref_test *t)
{
	struct hot_chain chain = { .t = t, .class = test_class(t, 0) };
	int i;

	if (!chain.class)
		return;
	if (num_online_cpus() < 2) {
		test_skip(t, "needs two CPUs");
		return;
	}
	for (i = 0; i < 30; i++) {
		if (work_on_cpu(cpumask_first(cpu_online_mask), make_hot_chain, &chain))
			return;
		work_on_cpu(cpumask_last(cpu_online_mask), drop_hot_chain, &chain);
		CHECK(t, test_released(chain.obj[ARRAY_SIZE(chain.obj) - 1]),
		      "round %d: the last one is not released", i);
	}
}

#define NEWCOMERS	1000

/* release() creates and drops another object; @obj->next counts these */
static void drop_another(struct test_object *obj)
{
	struct test_object *another, *counter = obj->next;

	if (atomic_inc_return(&counter->turn) > NEWCOMERS)
		return;
	another = test_new(obj->t, obj->ref.class, true);
	if (!another)
		return;
	another->on_release = drop_another;
	another->next = counter;
	dref_put(&another->ref);
}

/*
 * dref_reconcile() returns although each release() drops yet another object, and
 * however many other objects are deferred.
 */
static void reconcile_ends(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_SLEEP);
	struct test_object *alive[100], *obj;
	int i, made;

	for (i = 0; i < ARRAY_SIZE(alive); i++) {
		alive[i] = test_new(t, class, true);
		if (!alive[i])
			return;
	}
	obj = test_new(t, class, true);
	if (!obj)
		return;
	obj->on_release = drop_another;
	obj->next = alive[0];
	dref_put(&obj->ref);
	dref_reconcile();
	made = atomic_read(&alive[0]->turn);
	CHECK(t, made >= 1, "the object was not released");
	CHECK(t, made <= 4, "went on for %d objects that were created later", made);

	atomic_set(&alive[0]->turn, NEWCOMERS);
	for (i = 0; i < ARRAY_SIZE(alive); i++)
		dref_put(&alive[i]->ref);
	dref_reconcile();
}

/*
 * A dead object whose release() is still to come may hold a deferred one.
 * dref_reconcile() waits for that release() and then finds the deferred object.
 */
static void reconcile_waits_for_releases(struct dref_test *t)
{
	struct test_object *exact, *deferred;
	int i;

	for (i = 1; i < TEST_FLAGS; i++) {
		exact = test_new(t, test_class(t, test_flags[i]), false);
		deferred = test_new(t, test_class(t, 0), true);
		if (!exact || !deferred)
			return;
		let_hold(exact, deferred);
		dref_put(&exact->ref);
		dref_reconcile();
		CHECK(t, test_released(deferred), "flags %#x: not released", test_flags[i]);
	}
}

/* dref_class_unregister() releases a chain of which only the first object is dropped */
static void unregister_follows_chains(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_RCU | DREF_SLEEP);
	struct test_object *obj[12];
	int i, err;

	for (i = 0; i < ARRAY_SIZE(obj); i++) {
		obj[i] = test_new(t, class, i % 3 == 2);
		if (!obj[i])
			return;
		if (i)
			let_hold(obj[i - 1], obj[i]);
	}
	dref_put(&obj[0]->ref);
	err = dref_class_unregister(class);
	CHECK(t, !err, "unregister returned %d", err);
	/* the runner will unregister it again */
	if (!err)
		CHECK(t, !dref_class_register(class), "cannot register again");
}

/* ---- barrier ---- */

/* dref_barrier() waits for the release of an object that was put before */
static void barrier_waits(struct dref_test *t)
{
	struct test_object *obj;
	int i, j;

	for (i = 0; i < TEST_FLAGS * 2; i++) {
		struct dref_class *class = test_class(t, test_flags[i / 2]);

		for (j = 0; j < 5; j++) {
			obj = test_new(t, class, i & 1);
			if (!obj)
				return;
			dref_put(&obj->ref);
			dref_barrier();
			CHECK(t, test_released(obj), "flags %#x, %s: not released",
			      test_flags[i / 2], i & 1 ? "deferred" : "exact");
		}
	}
}

/* dref_barrier() waits for the releases of a DREF_EXACT class, too */
static void barrier_exact_class(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_EXACT | DREF_RCU);
	struct test_object *obj = test_new(t, class, false);

	if (!obj)
		return;
	dref_put(&obj->ref);
	dref_barrier();
	CHECK(t, test_released(obj), "not released");
}

static void reconcile_all_the_time(struct test_thread *self)
{
	while (test_goes_on(self->t))
		dref_reconcile();
}

/* One of two threads waits for the class only */
static void barrier_all_the_time(struct test_thread *self)
{
	struct dref_class *class = self->arg;

	while (test_goes_on(self->t)) {
		struct test_object *obj = test_new(self->t, class,
						   test_random(self, 2));

		if (!obj)
			return;
		dref_put(&obj->ref);
		if (self->nr & 1)
			dref_class_barrier(class);
		else
			dref_barrier();
		CHECK(self->t, test_released(obj), "flags %#x: not released",
		      class->flags);
		if (test_released(obj))
			test_object_free(obj);
	}
}

/*
 * Many threads call dref_barrier(), dref_class_barrier() and dref_reconcile() at the same
 * time.  Each waits for the release of its own object, even if another thread's call is
 * about to release it.
 */
static void barriers_together(struct dref_test *t)
{
	int i;

	for (i = 0; i < TEST_FLAGS; i++) {
		struct dref_class *class = test_class(t, test_flags[i]);

		if (!class || !test_thread(t, barrier_all_the_time, class) ||
		    !test_thread(t, barrier_all_the_time, class))
			return;
	}
	if (test_thread(t, reconcile_all_the_time, NULL))
		test_run(t);
}

/*
 * With a threshold of 1, the first use on another CPU makes an object hot, and
 * the promotion queue holds its last reference.  dref_barrier() and
 * dref_class_barrier() wait for that one.
 */
struct hot_objects {
	struct dref_class	*class;
	struct test_object	*obj[200];
};

static void create_here(struct test_thread *self)
{
	struct hot_objects *hot = self->arg;
	int i;

	for (i = 0; i < ARRAY_SIZE(hot->obj) && test_goes_on(self->t); i++)
		/* pairs with the acquire in drop_there() */
		smp_store_release(&hot->obj[i],
				  test_new(self->t, hot->class, false));
}

static void drop_there(struct test_thread *self)
{
	struct hot_objects *hot = self->arg;
	struct test_object *obj;
	int i;

	for (i = 0; i < ARRAY_SIZE(hot->obj); i++) {
		/* pairs with the release in create_here() */
		while (!(obj = smp_load_acquire(&hot->obj[i]))) {
			if (!test_goes_on(self->t))
				return;
		}
		dref_get(&obj->ref);
		dref_put_many(&obj->ref, 2);
		if (i & 1)
			dref_class_barrier(hot->class);
		else
			dref_barrier();
		CHECK(self->t, test_released(obj), "not released");
	}
}

static void barrier_empties_promotion_queue(struct dref_test *t)
{
	struct hot_objects *hot;

	if (num_online_cpus() < 2) {
		test_skip(t, "needs two CPUs");
		return;
	}
	hot = kzalloc(sizeof(*hot), GFP_KERNEL);
	if (!CHECK(t, hot, "out of memory"))
		return;
	hot->class = test_class(t, 0);
	if (hot->class && test_thread(t, create_here, hot) &&
	    test_thread(t, drop_there, hot))
		test_run_once(t);
	test_stop(t);
	kfree(hot);
}

/* ---- DREF_RCU ---- */

/* A read-side section that begins before the last put and ends after it */
static void early_reader(struct test_thread *self)
{
	struct test_object *obj = self->arg;
	int ms;

	rcu_read_lock();
	WRITE_ONCE(obj->data[0], 1);
	for (ms = 0; ms < 5000 && !atomic_read(&obj->turn); ms++)
		mdelay(1);
	for (ms = 0; ms < 100; ms++) {
		mdelay(1);
		CHECK(self->t, !test_released(obj), "released under a reader");
	}
	rcu_read_unlock();
}

/* The release() of a DREF_RCU class waits for readers that began before the last put */
static void rcu_release_waits_for_readers(struct dref_test *t)
{
	struct test_object *obj;
	int i;

	if (num_online_cpus() < 2) {
		test_skip(t, "needs two CPUs");
		return;
	}
	for (i = 0; i < 4 && !t->failed; i++) {
		obj = test_new(t, test_class(t, i & 2 ? DREF_RCU | DREF_SLEEP : DREF_RCU),
			       i & 1);
		if (!obj || !test_thread(t, early_reader, obj))
			return;
		test_start(t);
		CHECK(t, test_soon(READ_ONCE(obj->data[0]), 5000), "the reader has not begun");
		dref_put(&obj->ref);
		atomic_set(&obj->turn, 1);
		dref_barrier();
		CHECK(t, test_released(obj), "not released");
		test_stop(t);
	}
}

/*
 * For a deferred object of a DREF_RCU class, the grace period before release()
 * must begin after the death of the object, not after the last put.  The first
 * reader keeps the grace period of the pass, which confirms zero, from ending.
 * The second reader begins when the object is dying, but not dead, as the first
 * reader is still there.  If release() waited for the grace period of the pass
 * alone, the object would be released under the second reader.
 */
enum { BEGIN, FIRST_READS, DYING, SECOND_READS };

static void first_reader(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	rcu_read_lock();
	atomic_set(&obj->turn, FIRST_READS);
	while (atomic_read(&obj->turn) != SECOND_READS && !READ_ONCE(self->t->over))
		cpu_relax();
	rcu_read_unlock();
}

static void second_reader(struct test_thread *self)
{
	struct test_object *obj = self->arg;
	int ms;

	while (!dref_is_dying(&obj->ref)) {
		if (!test_goes_on(self->t))
			return;
	}
	/* by now the pass's grace period has most likely begun, without this reader */
	mdelay(20);
	rcu_read_lock();
	atomic_set(&obj->turn, SECOND_READS);
	for (ms = 0; ms < 200; ms++) {
		mdelay(1);
		CHECK(self->t, !test_released(obj), "released under a reader");
	}
	rcu_read_unlock();
}

static void rcu_begins_at_death(struct dref_test *t)
{
	struct test_object *obj;
	int i;

	if (num_online_cpus() < 3) {
		test_skip(t, "needs three CPUs");
		return;
	}
	for (i = 0; i < 4 && !t->failed; i++) {
		obj = test_new(t, test_class(t, DREF_RCU), true);
		if (!obj || !test_thread(t, first_reader, obj) ||
		    !test_thread(t, second_reader, obj))
			return;
		test_start(t);
		CHECK(t, test_soon(atomic_read(&obj->turn) == FIRST_READS, 5000),
		      "the first reader has not begun");
		dref_put(&obj->ref);
		dref_reconcile();
		CHECK(t, atomic_read(&obj->turn) == SECOND_READS,
		      "the second reader has not begun");
		CHECK(t, test_released(obj), "not released");
		test_stop(t);
	}
}

/* ---- ordering; only one release ---- */

static void check_data(struct test_object *obj)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(obj->data); i++)
		CHECK(obj->t, obj->data[i] == i + 1,
		      "release() does not see the write of holder %d", i);
}

struct crowd {
	struct test_object	*obj[256];
	atomic_t		arrived[256];
};

/* Each holder writes its field with a plain store and puts */
static void write_and_put(struct test_thread *self)
{
	struct crowd *crowd = self->arg;
	unsigned int nr = self->nr % ARRAY_SIZE(crowd->obj[0]->data), i;

	for (i = 0; i < ARRAY_SIZE(crowd->obj); i++) {
		atomic_inc(&crowd->arrived[i]);
		while (atomic_read(&crowd->arrived[i]) < ARRAY_SIZE(crowd->obj[0]->data) &&
		       test_goes_on(self->t))
			cpu_relax();
		crowd->obj[i]->data[nr] = nr + 1;
		dref_put(&crowd->obj[i]->ref);
	}
}

/*
 * Many holders write to an object and put it at the same time.  It is released
 * once, and release() sees all writes.
 */
static void last_puts_together(struct dref_test *t)
{
	struct crowd *crowd;
	int i, holders = ARRAY_SIZE(crowd->obj[0]->data);
	struct dref_class *class[TEST_FLAGS];

	for (i = 0; i < ARRAY_SIZE(class); i++) {
		class[i] = test_class(t, test_flags[i]);
		if (!class[i])
			return;
	}
	crowd = kzalloc(sizeof(*crowd), GFP_KERNEL);
	if (!crowd) {
		CHECK(t, false, "out of memory");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(crowd->obj); i++) {
		crowd->obj[i] = test_new(t, class[i / 2 % TEST_FLAGS], i & 1);
		if (!crowd->obj[i])
			goto out;
		crowd->obj[i]->on_release = check_data;
		dref_get_many(&crowd->obj[i]->ref, holders - 1);
	}
	for (i = 0; i < holders; i++) {
		if (!test_thread(t, write_and_put, crowd))
			goto out;
	}
	test_run_once(t);
	dref_barrier();
	for (i = 0; i < ARRAY_SIZE(crowd->obj); i++)
		CHECK(t, test_released(crowd->obj[i]), "object %d is not released", i);
out:
	test_stop(t);
	kfree(crowd);
}

/* ---- latency ---- */

#define SCHEDULING_SLACK_MS	400	/* emulated CPUs share real ones */

static u64 grace_period_ms(void (*synchronize)(void))
{
	u64 start, max_ns = 0;
	int i;

	for (i = 0; i < 3; i++) {
		start = ktime_get_ns();
		synchronize();
		max_ns = max(max_ns, ktime_get_ns() - start);
	}
	return max_ns / NSEC_PER_MSEC + 1;
}

/* A periodic pass releases an object in time, without dref_kill() or dref_reconcile() */
static void released_in_time(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, 0), true);
	u64 gp_ms = grace_period_ms(synchronize_rcu), limit_ms, ms;
	ktime_t put;

	if (!obj)
		return;
	/* wait until the interval of the passes has reached pass_max_ms */
	msleep(1000);
	put = ktime_get();
	dref_put(&obj->ref);
	if (!CHECK(t, test_soon(test_released(obj), 10000), "not released in 10 s"))
		return;
	ms = ktime_ms_delta(obj->released_at, put);
	limit_ms = 200 + 2 * gp_ms + SCHEDULING_SLACK_MS;
	CHECK(t, ms <= limit_ms, "took %llu ms, more than %llu", ms, limit_ms);
	test_note(t, "last put to release: %llu ms; grace period: %llu ms", ms, gp_ms);
}

/* dref_reconcile() takes no longer than a few expedited grace periods */
static void reconciled_in_time(struct dref_test *t)
{
	struct test_object *obj = test_new(t, test_class(t, DREF_RCU), true);
	u64 gp_ms = grace_period_ms(synchronize_rcu_expedited), limit_ms, ms;
	ktime_t put;

	if (!obj)
		return;
	put = ktime_get();
	dref_put(&obj->ref);
	dref_reconcile();
	if (!CHECK(t, test_released(obj), "not released"))
		return;
	ms = ktime_ms_delta(obj->released_at, put);
	limit_ms = 3 * gp_ms + SCHEDULING_SLACK_MS;
	CHECK(t, ms <= limit_ms, "took %llu ms, more than %llu", ms, limit_ms);
	test_note(t, "last put to release: %llu ms; expedited grace period: %llu ms",
		  ms, gp_ms);
}

const struct dref_test_case test_releases[] = {
	{ "reconcile_counts",		reconcile_counts, MANUAL_PASSES },
	{ "reconcile_follows_chains",	reconcile_follows_chains, MANUAL_PASSES },
	{ "reconcile_follows_exact_chains", reconcile_follows_exact_chains, MANUAL_PASSES },
	{ "chain_waits_for_no_tick", chain_waits_for_no_tick },
	{ "reconcile_empties_promotion_queue", reconcile_empties_promotion_queue,
	  MANUAL_PASSES " promote_threshold=1" },
	{ "reconcile_follows_hot_chains", reconcile_follows_hot_chains,
	  MANUAL_PASSES " promote_threshold=1" },
	{ "reconcile_ends",		reconcile_ends, MANUAL_PASSES },
	{ "reconcile_waits_for_releases", reconcile_waits_for_releases, MANUAL_PASSES },
	{ "unregister_follows_chains",	unregister_follows_chains, MANUAL_PASSES },
	{ "barrier_waits",		barrier_waits },
	{ "barrier_exact_class",	barrier_exact_class },
	{ "barriers_together",		barriers_together },
	{ "barrier_empties_promotion_queue",
					barrier_empties_promotion_queue,
	  "promote_threshold=1" },
	{ "rcu_release_waits_for_readers", rcu_release_waits_for_readers },
	{ "rcu_begins_at_death",	rcu_begins_at_death, MANUAL_PASSES },
	{ "last_puts_together",		last_puts_together },
	{ "released_in_time",		released_in_time },
	{ "reconciled_in_time",		reconciled_in_time },
	{ }
};
