// SPDX-License-Identifier: GPL-2.0
/*
 * dref_test.ko: tests of dref that run in the kernel.
 *
 *	/sys/kernel/debug/dref_test/list	SUITE NAME needs: ... expects: ... says: ...
 *	/sys/kernel/debug/dref_test/run/NAME	a read runs the test
 *	/sys/kernel/debug/dref_test/specimens	objects for a debugger (specimens.c)
 *	/sys/kernel/debug/dref_test/hands	objects for user space (hands.c)
 *
 * A read of run/NAME returns one line, "ok", "skip REASON" or "not ok FILE:LINE:
 * TEXT".  If the test has measured something, a line that begins with "#"
 * precedes it.  The tests of the suites "faults" and "odebug" make the kernel warn.
 *
 * The list names the module parameters that a test needs, and user space sets them
 * (selftests/in_kernel.c).
 */
#define pr_fmt(fmt) "dref_test: " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../core/compat.h"
#include "test.h"

static unsigned int duration_ms = 2000;
module_param(duration_ms, uint, 0644);
MODULE_PARM_DESC(duration_ms, "run time of each racing test, in ms (2000)");

static const struct {
	const char			*name;
	const struct dref_test_case	*cases;
} suites[] = {
	{ "classes",		test_classes },
	{ "contract",		test_contract },
	{ "reuse",		test_reuse },
	{ "release",		test_releases },
	{ "context",		test_contexts },
	{ "concurrency",	test_concurrency },
	{ "hotplug",		test_hotplug },
	{ "odebug",		test_odebug },
	{ "faults",		test_faults },
	{ "traced",		test_traced },
};

const unsigned int test_flags[TEST_FLAGS] = {
	0, DREF_SLEEP, DREF_RCU, DREF_SLEEP | DREF_RCU, DREF_ASYNC,
};

struct test_class {
	struct dref_class	class;
	struct list_head	node;
	char			name[32];
};

/* ---- the verdict ---- */

void test_fail(struct dref_test *t, const char *file, int line, const char *fmt, ...)
{
	va_list args;
	int len;

	if (test_and_set_bit(0, &t->failed))
		return;
	len = scnprintf(t->verdict, sizeof(t->verdict), "not ok %s:%d: ",
			kbasename(file), line);
	va_start(args, fmt);
	vsnprintf(t->verdict + len, sizeof(t->verdict) - len, fmt, args);
	va_end(args);
}

void test_skip(struct dref_test *t, const char *fmt, ...)
{
	va_list args;

	t->skipped = true;
	va_start(args, fmt);
	vsnprintf(t->note, sizeof(t->note), fmt, args);
	va_end(args);
}

void test_note(struct dref_test *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->note, sizeof(t->note), fmt, args);
	va_end(args);
}

/* ---- classes and objects ---- */

static void test_release(struct dref *ref)
{
	struct test_object *obj = to_object(ref);

	obj->released_at = ktime_get();
	if (obj->on_release)
		obj->on_release(obj);
	CHECK(obj->t, atomic_inc_return(&obj->released) == 1, "released twice");
}

struct dref_class *test_class(struct dref_test *t, unsigned int flags)
{
	static atomic_t nr_classes;
	struct test_class *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int err;

	if (!CHECK(t, c, "out of memory"))
		return NULL;
	/* a name of its own: a failed test may have left its class behind */
	snprintf(c->name, sizeof(c->name), "test-%u", atomic_inc_return(&nr_classes));
	c->class.name = c->name;
	c->class.release = test_release;
	c->class.flags = flags;
	c->class.owner = THIS_MODULE;
	err = dref_class_register(&c->class);
	if (!CHECK(t, !err, "dref_class_register() returned %d", err)) {
		kfree(c);
		return NULL;
	}
	spin_lock(&t->lock);
	list_add(&c->node, &t->classes);
	spin_unlock(&t->lock);
	return &c->class;
}

struct test_object *test_object(struct dref_test *t, struct dref_class *class)
{
	struct test_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (!CHECK(t, obj, "out of memory"))
		return NULL;
	obj->t = t;
	dref_init(&obj->ref, class);
	spin_lock(&t->lock);
	list_add(&obj->node, &t->objects);
	spin_unlock(&t->lock);
	return obj;
}

/*
 * Create an object with one reference, exact or deferred.  @class may be NULL,
 * after test_class() has failed.
 */
struct test_object *test_new(struct dref_test *t, struct dref_class *class,
			     bool deferred)
{
	struct test_object *obj = class ? test_object(t, class) : NULL;

	if (obj && deferred)
		CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer");
	return obj;
}

/*
 * Free an object that has been released, or ended by dref_exit().  Others may still find
 * it under RCU.
 */
void test_object_free(struct test_object *obj)
{
	spin_lock(&obj->t->lock);
	list_del(&obj->node);
	spin_unlock(&obj->t->lock);
	kfree_rcu(obj, rcu);
}

/* ---- threads ---- */

static int test_thread_fn(void *arg)
{
	struct test_thread *self = arg;

	self->run(self);
	if (self->irq)
		hrtimer_cancel(&self->timer);
	if (self->preemptor)
		kthread_stop(self->preemptor);
	complete(&self->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* The @nr-th CPU on line, starting over after the last one */
static int test_cpu(unsigned int nr)
{
	int cpu;

	nr %= num_online_cpus();
	for_each_online_cpu(cpu) {
		if (!nr--)
			return cpu;
	}
	return cpumask_first(cpu_online_mask);
}

bool test_thread(struct dref_test *t, void (*run)(struct test_thread *self), void *arg)
{
	struct test_thread *self = kzalloc(sizeof(*self), GFP_KERNEL);

	if (!CHECK(t, self, "out of memory"))
		return false;
	self->t = t;
	self->run = run;
	self->arg = arg;
	self->nr = t->nr_threads;
	self->stall_ms = 25;
	init_completion(&self->done);
	prandom_seed_state(&self->rnd, self->nr + 1);
	self->task = kthread_create(test_thread_fn, self, "dref_test/%u", self->nr);
	if (!CHECK(t, !IS_ERR(self->task), "cannot create a thread: %ld",
		   PTR_ERR(self->task))) {
		kfree(self);
		return false;
	}
	kthread_bind(self->task, test_cpu(self->nr));
	t->nr_threads++;
	list_add_tail(&self->node, &t->threads);
	return true;
}

void test_stop(struct dref_test *t)
{
	struct test_thread *self, *next;

	WRITE_ONCE(t->over, true);
	list_for_each_entry_safe(self, next, &t->threads, node) {
		kthread_stop(self->task);
		list_del(&self->node);
		kfree(self);
	}
	t->nr_threads = 0;
}

void test_start(struct dref_test *t)
{
	struct test_thread *self;

	t->over = false;
	list_for_each_entry(self, &t->threads, node)
		wake_up_process(self->task);
}

void test_run(struct dref_test *t)
{
	test_start(t);
	test_soon(READ_ONCE(t->failed), duration_ms);
	test_stop(t);
}

/* Like test_run(), but a slow machine gets more time, until @count exceeds @least */
void test_run_beyond(struct dref_test *t, const atomic_t *count, int least)
{
	test_start(t);
	test_soon(READ_ONCE(t->failed), duration_ms);
	test_soon(READ_ONCE(t->failed) || atomic_read(count) > least, 30 * duration_ms);
	test_stop(t);
}

void test_run_once(struct dref_test *t)
{
	struct test_thread *self;

	test_start(t);
	list_for_each_entry(self, &t->threads, node)
		wait_for_completion(&self->done);
	test_stop(t);
}

static enum hrtimer_restart test_timer(struct hrtimer *timer)
{
	struct test_thread *self = container_of(timer, struct test_thread, timer);
	u64 pause_us = 100 + test_random(self, self->irq_period_us);

	self->irq(self);
	hrtimer_forward_now(timer, ns_to_ktime(pause_us * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static int test_preemptor_fn(void *arg)
{
	struct test_thread *self = arg;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		if (xchg(&self->preempt, false)) {
			__set_current_state(TASK_RUNNING);
			mdelay(1 + self->stalls % self->stall_ms);
			WRITE_ONCE(self->stalls, self->stalls + 1);
		} else {
			schedule();
		}
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void test_preemptor(struct test_thread *self)
{
	struct task_struct *task;

	task = kthread_create(test_preemptor_fn, self, "dref_preempt/%u", self->nr);
	if (!CHECK(self->t, !IS_ERR(task), "cannot create a thread: %ld", PTR_ERR(task)))
		return;
	kthread_bind(task, raw_smp_processor_id());
	sched_set_fifo(task);
	wake_up_process(task);
	self->preemptor = task;
}

void test_interrupt(struct test_thread *self, void (*irq)(struct test_thread *self),
		    unsigned int period_us)
{
	if (irq == test_irq_preempt)
		test_preemptor(self);
	self->irq = irq;
	self->irq_period_us = period_us;
	dref_hrtimer_setup(&self->timer, test_timer, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&self->timer, ns_to_ktime(NSEC_PER_MSEC), HRTIMER_MODE_REL_PINNED_HARD);
}

/*
 * Stall this thread in an interrupt, wherever the interrupt hits it: between a
 * load of mode and the increment, for example.  The stall is long enough for
 * several passes.
 */
void test_irq_stall(struct test_thread *self)
{
	if (current != self->task)
		return;
	mdelay(1 + test_random(self, self->stall_ms));
	WRITE_ONCE(self->stalls, self->stalls + 1);
}

/*
 * Stall this thread by preemption, on a kernel that preempts kernel code: wake
 * a thread of higher priority, which runs as soon as the interrupt returns.
 */
void test_irq_preempt(struct test_thread *self)
{
	if (current != self->task || !self->preemptor)
		return;
	WRITE_ONCE(self->preempt, true);
	wake_up_process(self->preemptor);
}

/* ---- cleaning up after a test ---- */

static void test_objects_check(struct dref_test *t)
{
	struct test_object *obj;

	dref_barrier();
	list_for_each_entry(obj, &t->objects, node) {
		if (dref_is_immortal(&obj->ref) || test_released(obj))
			continue;
		CHECK(t, false, "an object is left with %ld references",
		      dref_read(&obj->ref));
		/* a live object keeps its class from being unregistered */
		dref_immortalize(&obj->ref);
	}
}

/* Returns false if a class cannot be unregistered */
static bool test_classes_remove(struct dref_test *t)
{
	struct test_class *c, *next;

	list_for_each_entry_safe(c, next, &t->classes, node) {
		int err = dref_class_unregister(&c->class);

		if (!CHECK(t, !err, "dref_class_unregister() returned %d at the end", err))
			continue;
		list_del(&c->node);
		kfree(c);
	}
	return list_empty(&t->classes);
}

/* Free all that @t has, but not @t itself; returns false if a class is leaked */
static bool test_clean_up(struct dref_test *t)
{
	struct test_object *obj, *next;

	test_stop(t);
	test_objects_check(t);
	if (!test_classes_remove(t)) {
		/* dref may still call release() on the objects of that class */
		pr_err("%s: a class cannot be unregistered; it is leaked, and so is this module\n",
		       t->name);
		__module_get(THIS_MODULE);
		return false;
	}
	list_for_each_entry_safe(obj, next, &t->objects, node)
		kfree(obj);
	return true;
}

/* ---- debugfs ---- */

static DEFINE_MUTEX(test_mutex);

static int test_show(struct seq_file *seq, void *unused)
{
	const struct dref_test_case *test = seq->private;
	struct dref_test *t = kzalloc(sizeof(*t), GFP_KERNEL);
	bool clean;

	if (!t)
		return -ENOMEM;
	t->name = test->name;
	spin_lock_init(&t->lock);
	INIT_LIST_HEAD(&t->classes);
	INIT_LIST_HEAD(&t->objects);
	INIT_LIST_HEAD(&t->threads);

	mutex_lock(&test_mutex);
	test->run(t);
	clean = test_clean_up(t);
	mutex_unlock(&test_mutex);

	if (t->failed)
		seq_printf(seq, "%s\n", t->verdict);
	else if (t->skipped)
		seq_printf(seq, "skip %s\n", t->note);
	else if (*t->note)
		seq_printf(seq, "# %s\nok\n", t->note);
	else
		seq_puts(seq, "ok\n");
	if (clean)
		kfree(t);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(test);

static int list_show(struct seq_file *seq, void *unused)
{
	const struct dref_test_case *test;
	int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (test = suites[i].cases; test->name; test++)
			seq_printf(seq, "%s %s needs: %s expects: %s says: %s\n",
				   suites[i].name, test->name, test->needs ?: "",
				   test->expects ?: "", test->says ?: "");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(list);
DEFINE_SHOW_ATTRIBUTE(test_specimens);

static struct dentry *test_dir;

static int __init dref_test_init(void)
{
	const struct dref_test_case *test;
	struct dentry *run_dir;
	int i;

	test_dir = debugfs_create_dir("dref_test", NULL);
	run_dir = debugfs_create_dir("run", test_dir);
	debugfs_create_file("list", 0400, test_dir, NULL, &list_fops);
	debugfs_create_file("specimens", 0400, test_dir, NULL, &test_specimens_fops);
	test_hands_init(test_dir);
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (test = suites[i].cases; test->name; test++)
			debugfs_create_file(test->name, 0400, run_dir,
					    (void *)test, &test_fops);
	}
	return 0;
}

static void __exit dref_test_exit(void)
{
	debugfs_remove(test_dir);
	test_specimens_exit();
	test_hands_exit();
	rcu_barrier();
}

module_init(dref_test_init);
module_exit(dref_test_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The dref developers");
MODULE_DESCRIPTION("Tests of dref that run in the kernel");
MODULE_VERSION(DREF_VERSION);
