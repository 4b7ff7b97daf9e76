/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit suites for the parts of dref.ko, each by itself.
 *
 *	main.c	what the suites share; what stands for other parts
 *	mode.c	the mode word and the number line of count (count.c)
 *	slot.c	the pool, and sums over CPUs (slot.c)
 *	heat.c	who is promoted, and when (promote.c)
 *	pass.c	who is demoted, and who is dead (reconcile.c)
 *	stats.c	events, latency, and classes that go (stats.c)
 *
 * A suite includes the source of the part that it tests, as KUnit has it for what
 * is static, and dref_kunit.ko is linked from these.  So it has a core of its own:
 * a pool that is empty to begin with, budgets that can be used up, and a clock that
 * stands still, and whatever dref.ko does meanwhile makes no difference.  Nothing
 * of dref.ko has to be exported, or look different, for it.  What is not tested
 * here (classes, releases, Tasks RCU) is a few lines in main.c that do
 * what they are told at once.
 *
 * Where dref_test.ko shows that the whole works, on real CPUs under real load, these
 * show where the edges are: the last reference below a limit, and the first above.
 *
 * Built where the kernel has KUnit.  insmod runs the suites; the results are in the
 * kernel's log and in /sys/kernel/debug/kunit (selftests/kunit.sh).
 */
#ifndef DREF_KUNIT_H
#define DREF_KUNIT_H

/* dref.ko exports these functions and has these tracepoints, and that is enough */
#define __DISABLE_EXPORTS
#define NOTRACE

#include <kunit/test.h>
#include <linux/sched.h>

#include "../core/internal.h"

/**
 * struct kunit_class - a class whose objects are released at once
 * @class: the class
 * @released: how many objects have been
 */
struct kunit_class {
	struct dref_class	class;
	unsigned int		released;
};

/* main.c */
extern struct kunit_class kunit_class;
extern bool kunit_tasks_gp_over;
int kunit_core_init(struct kunit *test);
void kunit_core_exit(struct kunit *test);
void kunit_move_to(struct kunit *test, int cpu);

/* What only the part itself can see, or do: stats.c, pass.c */
unsigned long kunit_events(const struct dref_class *class, enum dref_event event);
void kunit_one_pass(bool expedited);

#define KUNIT_CORE_SUITE(_name, _cases)					\
	static struct kunit_suite _cases##_suite = {			\
		.name		= (_name),				\
		.init		= kunit_core_init,			\
		.exit		= kunit_core_exit,			\
		.test_cases	= (_cases),				\
	};								\
	kunit_test_suite(_cases##_suite)

/* An exact mode word, from its parts */
static inline unsigned long kunit_exact(int cpu, unsigned long window,
					unsigned long heat, unsigned long tags)
{
	return heat << DREF_MODE_HEAT_SHIFT | window << DREF_MODE_WINDOW_SHIFT |
	       (unsigned long)cpu << DREF_MODE_CPU_SHIFT | DREF_MODE_EXACT | tags;
}

/* A CPU's number that no mode word of this machine has */
static inline int kunit_foreign_cpu(void)
{
	return nr_cpu_ids;
}

#endif /* DREF_KUNIT_H */
