// SPDX-License-Identifier: GPL-2.0
/*
 * Set-up and clean-up of each test, and stubs for the parts of dref.ko that the
 * suites do not test (see kunit.h).
 */
#include "kunit.h"

#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/workqueue.h>

/* ---- stubs for main.c ---- */

struct workqueue_struct *dref_wq;
unsigned int dref_pass_min_ms;
unsigned int dref_pass_max_ms;
unsigned int dref_promote_threshold;
unsigned int dref_demote_passes;
unsigned int dref_max_deferred;

/* ---- stubs for class.c and debugfs.c ---- */

/* Protects the list, as in class.c */
DEFINE_MUTEX(dref_classes_mutex);
LIST_HEAD(dref_classes);

static void kunit_release(struct dref *ref)
{
	kunit_class.released++;
}

struct kunit_class kunit_class = {
	.class = {
		.name = "kunit",
		.release = kunit_release,
	},
};

/* ---- stubs for release.c: an object is released at once, in any context ---- */

void dref_release(struct dref *ref)
{
	bool exact = dref_mode_state(ref->mode) == DREF_MODE_EXACT;

	ref->class->release(ref);
	dref_count_event(ref->class, exact ? DREF_RELEASED_EXACT : DREF_RELEASED_DEFERRED);
}

void dref_release_later(struct dref *ref)
{
	dref_release(ref);
}

void dref_note_chained(void)
{
}

/* ---- a stub for caller.c ---- */

unsigned long dref_caller(unsigned long caller)
{
	return caller;
}

/* ---- stubs for tasks_gp.c: a grace period ends when a test sets this flag ---- */

bool kunit_tasks_gp_over;

unsigned long dref_tasks_gp_next(void)
{
	return 1;
}

bool dref_tasks_gp_done(unsigned long gp)
{
	return kunit_tasks_gp_over;
}

void dref_tasks_gp_advance(void)
{
}

void dref_tasks_gp_exit(void)
{
}

/* ---- stubs for debugobjects.c ---- */

#ifdef CONFIG_DEBUG_OBJECTS

void dref_debug_init(struct dref *ref)
{
}

void dref_debug_end(struct dref *ref)
{
}

void dref_debug_check(struct dref *ref)
{
}

#endif

/* Done once; not in module_init(), because newer kernels run the suites before that */
static int kunit_core_start(void)
{
	int err;

	if (dref_wq)
		return 0;
	dref_homes_set(0);
	dref_wq = alloc_workqueue("dref_kunit", WQ_UNBOUND, 0);
	if (!dref_wq)
		return -ENOMEM;
	err = dref_reconcile_init();
	if (err) {
		destroy_workqueue(dref_wq);
		dref_wq = NULL;
	}
	return err;
}

/* ---- set-up and clean-up of each test ---- */

int kunit_core_init(struct kunit *test)
{
	struct dref_class *class = &kunit_class.class;
	int cpu, err = kunit_core_start();

	if (err)
		return err;
	dref_pass_min_ms = 3600 * MSEC_PER_SEC;	/* only the test itself runs passes */
	dref_pass_max_ms = dref_pass_min_ms;
	dref_promote_threshold = 8;
	for_each_possible_cpu(cpu)
		per_cpu(dref_countdown, cpu) = INT_MAX;	/* no put is a sample */
	dref_demote_passes = 4;
	dref_max_deferred = 65536;
	kunit_tasks_gp_over = false;
	kunit_class.released = 0;
	class->flags = 0;
	class->tracked = false;
	atomic_long_set(&class->deferred, 0);
	class->cpu = alloc_percpu(struct dref_class_cpu);
	if (!class->cpu)
		return -ENOMEM;
	class->created = &class->cpu->created;
	list_add(&class->node, &dref_classes);
	return 0;
}

/* Check that the test has left no slot behind */
void kunit_core_exit(struct kunit *test)
{
	struct dref_class *class = &kunit_class.class;

	dref_promotions_flush();
	kunit_tasks_gp_over = true;
	kunit_one_pass(true);		/* stamps orphaned slots */
	kunit_one_pass(true);		/* collects them */
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	dref_slots_trim();
	KUNIT_EXPECT_EQ(test, dref_slots_total(), 0UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&class->deferred), 0L);
	if (!class->cpu)
		return;
	list_del(&class->node);
	free_percpu(class->cpu);
	class->created = NULL;
	class->cpu = NULL;
}

/* Move to a CPU; each test runs in a thread of its own */
void kunit_move_to(struct kunit *test, int cpu)
{
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(cpu)), 0);
	KUNIT_ASSERT_EQ(test, raw_smp_processor_id(), cpu);
}

static void __exit dref_kunit_exit(void)
{
	if (!dref_wq)
		return;
	dref_promotions_exit();
	dref_reconcile_exit();
	destroy_workqueue(dref_wq);
	dref_slots_exit();
}

module_exit(dref_kunit_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites for dref");
MODULE_VERSION(DREF_VERSION);
