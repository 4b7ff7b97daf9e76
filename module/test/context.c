// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the context in which release() runs: which task, whether it may sleep, and on
 * whose behalf.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kallsyms.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "test.h"

/* ---- DREF_SLEEP ---- */

static void sleep_in_release(struct test_object *obj)
{
	CHECK(obj->t, obj->putter != current, "release() was called by the put");
	CHECK(obj->t, !preempt_count() && !irqs_disabled(),
	      "release() was called in atomic context");
	msleep(20);
}

/* The release() of a DREF_SLEEP class may sleep, even after a put in atomic context */
static void sleeping_release(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_SLEEP);
	struct test_object *obj;
	int deferred;

	for (deferred = 0; deferred < 2; deferred++) {
		obj = test_new(t, class, deferred);
		if (!obj)
			return;
		obj->on_release = sleep_in_release;
		obj->putter = current;
		preempt_disable();
		dref_put(&obj->ref);
		preempt_enable();
		dref_barrier();
		CHECK(t, test_released(obj), "dref_barrier() did not wait");
	}
}

static void sleep_in_work(struct work_struct *work)
{
	msleep(20);
}

/*
 * Wait for a work item of the system, and destroy a workqueue, as the release() of a driver's
 * object does.  A workqueue with WQ_MEM_RECLAIM must not wait for one without, and the
 * kernel warns about that.
 */
static void flush_in_release(struct test_object *obj)
{
	struct workqueue_struct *wq = alloc_workqueue("dref_test", WQ_UNBOUND, 0);
	struct work_struct ours, theirs;

	INIT_WORK_ONSTACK(&ours, sleep_in_work);
	INIT_WORK_ONSTACK(&theirs, sleep_in_work);
	schedule_work(&theirs);
	flush_work(&theirs);
	if (CHECK(obj->t, wq, "out of memory")) {
		queue_work(wq, &ours);
		destroy_workqueue(wq);
	}
	destroy_work_on_stack(&theirs);
	destroy_work_on_stack(&ours);
}

/* The release() of a DREF_SLEEP class may wait for work items, and for a whole workqueue */
static void sleeping_release_flushes(struct dref_test *t)
{
	static const unsigned int flags[] = {
		DREF_SLEEP, DREF_SLEEP | DREF_RCU, DREF_SLEEP | DREF_ASYNC,
	};
	struct test_object *obj;
	int i;

	for (i = 0; i < ARRAY_SIZE(flags) * 2; i++) {
		obj = test_new(t, test_class(t, flags[i / 2]), i & 1);
		if (!obj)
			return;
		obj->on_release = flush_in_release;
		dref_put(&obj->ref);
		dref_barrier();
		CHECK(t, test_released(obj), "not released");
	}
}

static void sleep_until_told(struct test_object *obj)
{
	atomic_set(&obj->turn, 1);
	test_soon(atomic_read(&obj->turn) == 2, 120000);
}

/* A release() that sleeps does not delay the releases of other classes */
static void sleeping_class_alone(struct dref_test *t)
{
	struct test_object *sleeper, *obj;
	int i;

	sleeper = test_new(t, test_class(t, DREF_SLEEP), false);
	if (!sleeper)
		return;
	sleeper->on_release = sleep_until_told;
	dref_put(&sleeper->ref);
	CHECK(t, test_soon(atomic_read(&sleeper->turn), 20000),
	      "the sleeping release() has not begun");
	for (i = 0; i < TEST_FLAGS; i++) {
		obj = test_new(t, test_class(t, test_flags[i]), true);
		if (!obj)
			break;
		dref_kill(&obj->ref);
		CHECK(t, test_soon(test_released(obj), 20000),
		      "flags %#x: not released while another class sleeps", test_flags[i]);
	}
	atomic_set(&sleeper->turn, 2);
}

/* ---- DREF_ASYNC ---- */

static const unsigned int async_flags[] = {
	DREF_ASYNC, DREF_ASYNC | DREF_RCU, DREF_ASYNC | DREF_SLEEP, DREF_ASYNC | DREF_EXACT,
};

/*
 * This release() must run in a work item that does nothing else: not one that runs a pass, or
 * empties the promotion queue.  It must not be atomic.
 */
static void check_worker(struct test_object *obj)
{
	struct work_struct *work = in_task() ? current_work() : NULL;
	char name[KSYM_SYMBOL_LEN] = "no work item";

	CHECK(obj->t, in_task(), "release() runs in an interrupt");
	CHECK(obj->t, current != obj->putter, "release() runs in the task that dropped the object");
	if (work)
		snprintf(name, sizeof(name), "%ps", work->func);
	CHECK(obj->t, strstarts(name, "dref_release_work"), "release() runs in %s of %s", name,
	      current->comm);
	CHECK(obj->t, !preempt_count() && !irqs_disabled(), "release() runs in atomic context");
}

static struct test_object *new_async(struct dref_test *t, struct dref_class *class,
				     bool deferred)
{
	struct test_object *obj = test_new(t, class, deferred);

	if (obj) {
		obj->on_release = check_worker;
		obj->putter = current;
	}
	return obj;
}

static struct dref *dropped_in_irq;

static void drop_in_irq(struct irq_work *work)
{
	dref_put(dropped_in_irq);
}

static void put_in_irq(struct dref *ref)
{
	static struct irq_work work = IRQ_WORK_INIT_HARD(drop_in_irq);

	dropped_in_irq = ref;
	irq_work_queue(&work);
	irq_work_sync(&work);
}

static void put_atomically(struct dref *ref)
{
	preempt_disable();
	dref_put(ref);
	preempt_enable();
}

static void put_two(struct dref *ref)
{
	dref_get(ref);
	dref_put_many(ref, 2);
}

static void (* const ways_to_drop[])(struct dref *ref) = {
	dref_kill, put_two, put_atomically, put_in_irq,
};

/* release() runs in a worker, however the last reference to an exact object is dropped */
static void async_exact(struct dref_test *t)
{
	struct dref_class *class;
	struct test_object *obj;
	int i, way;

	for (i = 0; i < ARRAY_SIZE(async_flags); i++) {
		class = test_class(t, async_flags[i]);
		for (way = 0; way < ARRAY_SIZE(ways_to_drop); way++) {
			obj = new_async(t, class, false);
			if (!obj)
				return;
			ways_to_drop[way](&obj->ref);
			dref_barrier();
			CHECK(t, test_released(obj), "flags %#x, way %d: not released by a barrier",
			      async_flags[i], way);
			/* without a barrier */
			obj = new_async(t, class, false);
			if (!obj)
				return;
			ways_to_drop[way](&obj->ref);
			CHECK(t, test_soon(test_released(obj), 20000),
			      "flags %#x, way %d: not released", async_flags[i], way);
		}
	}
}

static void reconcile(struct dref_class *class)
{
	dref_reconcile();
}

static void barrier_all(struct dref_class *class)
{
	dref_barrier();
}

static void (* const ways_to_wait[])(struct dref_class *class) = {
	reconcile, barrier_all, dref_class_barrier,
};

/* It runs in a worker also if the caller of a barrier finds that a deferred object is dead */
static void async_deferred(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_ASYNC);
	struct test_object *obj;
	int i, way;

	for (i = 0; i < ARRAY_SIZE(ways_to_wait) * 10; i++) {
		way = i % ARRAY_SIZE(ways_to_wait);
		obj = new_async(t, class, true);
		if (!obj)
			return;
		dref_put(&obj->ref);
		ways_to_wait[way](class);
		CHECK(t, test_released(obj), "way %d to wait: not released", way);
	}
}

/*
 * It runs in a worker also if a demoting or demoted object dies.  With passes so far apart,
 * most often the one that folds the object finds that it has no reference.
 */
static void async_demoted(struct dref_test *t)
{
	static const enum test_mode modes[] = { TEST_DEMOTING, TEST_DEMOTED };
	struct dref_class *class = test_class(t, DREF_ASYNC);
	struct test_object *obj;
	int i;

	for (i = 0; i < 6; i++) {
		obj = new_async(t, class, false);
		if (!obj || !test_bring_into_mode(t, obj, modes[i % 2]))
			return;
		dref_put(&obj->ref);
		synchronize_rcu_tasks();
		CHECK(t, test_soon(test_released(obj), 20000), "%s: not released",
		      test_mode_name[modes[i % 2]]);
	}
}

/*
 * It runs in a worker also if the promotion queue drops the last reference, and a barrier
 * empties the queue.  With a threshold of 1, a put on another CPU queues the object.
 */
struct async_hot {
	struct dref_test	*t;
	struct dref_class	*class;
	struct test_object	*obj;
};

static long create_async(void *arg)
{
	struct async_hot *hot = arg;

	hot->obj = new_async(hot->t, hot->class, false);
	return 0;
}

static long drop_async(void *arg)
{
	struct async_hot *hot = arg;

	hot->obj->putter = current;
	dref_get(&hot->obj->ref);
	dref_put_many(&hot->obj->ref, 2);
	dref_barrier();
	CHECK(hot->t, test_released(hot->obj), "not released");
	return 0;
}

static void async_promotion_queue(struct dref_test *t)
{
	struct async_hot hot = { .t = t, .class = test_class(t, DREF_ASYNC) };
	int i;

	if (num_online_cpus() < 2) {
		test_skip(t, "needs two CPUs");
		return;
	}
	for (i = 0; hot.class && i < 100 && !t->failed; i++) {
		if (work_on_cpu(cpumask_first(cpu_online_mask), create_async, &hot) || !hot.obj)
			return;
		work_on_cpu(cpumask_last(cpu_online_mask), drop_async, &hot);
	}
}

/* ---- the parameter delay_release ---- */

/* With delay_release, release() of any class comes later than the put, and from a worker */
static void delayed_release(struct dref_test *t)
{
	struct test_object *obj[TEST_FLAGS * 4];
	unsigned int i, late = 0;

	for (i = 0; i < ARRAY_SIZE(obj); i++) {
		obj[i] = new_async(t, test_class(t, test_flags[i / 4]), i & 1);
		if (!obj[i])
			return;
	}
	for (i = 0; i < ARRAY_SIZE(obj); i++)
		dref_put(&obj[i]->ref);
	for (i = 0; i < ARRAY_SIZE(obj); i++)
		late += !test_released(obj[i]);
	CHECK(t, late, "no release() was late");
	for (i = 0; i < ARRAY_SIZE(obj); i++)
		CHECK(t, test_soon(test_released(obj[i]), 20000), "object %u: not released", i);
}

/* A barrier waits for the release() that is late */
static void delayed_release_and_barriers(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	int i;

	for (i = 0; i < ARRAY_SIZE(ways_to_wait) * 4; i++) {
		obj = new_async(t, class, i & 1);
		if (!obj)
			return;
		dref_put(&obj->ref);
		ways_to_wait[i % ARRAY_SIZE(ways_to_wait)](class);
		CHECK(t, test_released(obj), "way %zu to wait: not released",
		      i % ARRAY_SIZE(ways_to_wait));
	}
}

static void check_putter(struct test_object *obj)
{
	CHECK(obj->t, current == obj->putter, "release() does not run in the task that put");
}

static void release_without_delay(struct dref_test *t)
{
	struct test_object *obj = new_async(t, test_class(t, 0), false);

	if (!obj)
		return;
	obj->on_release = check_putter;
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

/* ---- releases keep pace ---- */

#define PACE_MS		1000
#define PACE_OBJECTS	100000	/* of each thread, as memory is limited */

struct pace_object {
	struct dref	ref;
	u64		dropped_ns;
};

static struct {
	struct dref_class	*class;
	atomic_long_t		created;
	atomic_long_t		released;
	atomic64_t		longest_ns;
	struct cpumask		cpus;	/* on which release() has run */
} pace;

static void pace_release(struct dref *ref)
{
	struct pace_object *obj = container_of(ref, struct pace_object, ref);
	u64 ns = ktime_get_ns() - obj->dropped_ns, longest = atomic64_read(&pace.longest_ns);

	while (ns > longest && !atomic64_try_cmpxchg(&pace.longest_ns, &longest, ns))
		;
	cpumask_set_cpu(raw_smp_processor_id(), &pace.cpus);
	kfree(obj);
	atomic_long_inc(&pace.released);
}

static DEFINE_DREF_CLASS(pace_rcu, "test-pace-rcu", pace_release, DREF_RCU);
static DEFINE_DREF_CLASS(pace_sleep, "test-pace-sleep", pace_release, DREF_SLEEP);
static DEFINE_DREF_CLASS(pace_async, "test-pace-async", pace_release, DREF_ASYNC);

static void create_and_drop(struct test_thread *self)
{
	unsigned long until = jiffies + msecs_to_jiffies(PACE_MS);
	struct pace_object *obj;
	unsigned int created;

	for (created = 0; created < PACE_OBJECTS && time_before(jiffies, until); created++) {
		obj = kmalloc(sizeof(*obj), GFP_KERNEL);
		if (!CHECK(self->t, obj, "out of memory"))
			break;
		dref_init(&obj->ref, pace.class);
		atomic_long_inc(&pace.created);
		obj->dropped_ns = ktime_get_ns();
		dref_put(&obj->ref);
		cond_resched();
	}
}

/*
 * All CPUs create and drop objects of one class.  A barrier waits for all of them; how many
 * wait for their release() before it, and how long, is measured only.
 */
static void keep_pace(struct dref_test *t, struct dref_class *class)
{
	long created, waiting;
	unsigned int i;

	memset(&pace, 0, sizeof(pace));
	pace.class = class;
	if (!CHECK(t, !dref_class_register(class), "cannot register"))
		return;
	for (i = 0; i < num_online_cpus(); i++) {
		if (!test_thread(t, create_and_drop, NULL))
			break;
	}
	test_run_once(t);
	created = atomic_long_read(&pace.created);
	waiting = created - atomic_long_read(&pace.released);
	dref_class_barrier(class);
	CHECK(t, atomic_long_read(&pace.released) == created,
	      "%ld objects released, %ld created", atomic_long_read(&pace.released), created);
	test_note(t, "%ld dropped, %ld waited at the end, %lld ms at most; released on %u CPUs",
		  created, waiting, atomic64_read(&pace.longest_ns) / NSEC_PER_MSEC,
		  cpumask_weight(&pace.cpus));
	dref_class_drain(class);
}

static void rcu_releases_keep_pace(struct dref_test *t)
{
	keep_pace(t, &pace_rcu);
}

static void sleeping_releases_keep_pace(struct dref_test *t)
{
	keep_pace(t, &pace_sleep);
}

static void async_releases_keep_pace(struct dref_test *t)
{
	keep_pace(t, &pace_async);
}

/* ---- the context of the put ---- */

/*
 * A work item may free itself and then drop a reference.  dref checks whether a
 * put comes from a release(), and must not read the current work item for that.
 * The work item is unmapped, so a read of it is an oops.
 */
struct mortal_work {
	struct work_struct	work;
	struct test_object	*obj;
	struct completion	*done;
};

static void free_work_and_put(struct work_struct *work)
{
	struct mortal_work *mortal = container_of(work, struct mortal_work, work);
	struct test_object *obj = mortal->obj;
	struct completion *done = mortal->done;

	vfree(mortal);
	vm_unmap_aliases();
	dref_put(&obj->ref);
	complete(done);
}

static void put_by_freed_work(struct dref_test *t)
{
	struct mortal_work *mortal;
	struct test_object *obj;
	int i;

	for (i = 1; i < TEST_FLAGS; i++) {
		DECLARE_COMPLETION_ONSTACK(done);

		obj = test_new(t, test_class(t, test_flags[i]), false);
		mortal = vzalloc(sizeof(*mortal));
		if (!obj || !CHECK(t, mortal, "out of memory")) {
			vfree(mortal);
			return;
		}
		mortal->obj = obj;
		mortal->done = &done;
		INIT_WORK(&mortal->work, free_work_and_put);
		schedule_work(&mortal->work);
		wait_for_completion(&done);
		dref_barrier();
		CHECK(t, test_released(obj), "flags %#x: not released", test_flags[i]);
	}
}

const struct dref_test_case test_contexts[] = {
	{ "sleeping_release",		sleeping_release },
	{ "sleeping_release_flushes",	sleeping_release_flushes },
	{ "sleeping_class_alone",	sleeping_class_alone },
	{ "async_exact",		async_exact },
	{ "async_deferred",		async_deferred, MANUAL_PASSES },
	{ "async_demoted",		async_demoted,
	  "pass_max_ms=200 pass_min_ms=200 demote_passes=1" },
	{ "async_promotion_queue",	async_promotion_queue,
	  MANUAL_PASSES " promote_threshold=1" },
	{ "delayed_release",		delayed_release, "delay_release=1" },
	{ "delayed_release_and_barriers", delayed_release_and_barriers, "delay_release=1" },
	{ "release_without_delay",	release_without_delay, "delay_release=0" },
	{ "rcu_releases_keep_pace",	rcu_releases_keep_pace },
	{ "sleeping_releases_keep_pace", sleeping_releases_keep_pace },
	{ "async_releases_keep_pace",	async_releases_keep_pace },
	{ "put_by_freed_work",		put_by_freed_work },
	{ }
};
