/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit suites for single parts of dref.ko.
 *
 *	main.c	set-up and clean-up of a test; stubs for the parts not tested
 *	mode.c	the mode word and the range of count
 *		(core/count.c, immortal.c, zero.c, end.c)
 *	slot.c	the pool of slots, sums over CPUs (core/slot.c, inspect/look.c)
 *	worklist.c	when a list has been flushed (core/worklist.c)
 *	heat.c	which objects are promoted, and when (core/heat.c, promote.c)
 *	pass.c	which objects are demoted or dead (core/reconcile.c)
 *	stats.c	events, latency, retired classes (core/event.c, inspect/stats.c)
 *
 * Each suite includes the sources of the part that it tests, as is usual for
 * KUnit tests of static functions, and dref_kunit.ko is linked from the suites.
 * So dref_kunit.ko has a core of its own: a pool that is empty at first,
 * budgets that a test can use up, and clocks that a test sets.  It does not
 * depend on what dref.ko does meanwhile, and dref.ko needs no export or change
 * for it.  For the parts that are not tested (classes, releases, Tasks RCU),
 * main.c has stubs of a few lines which do their work at once.
 *
 * dref_test.ko shows that dref as a whole works on real CPUs under real load.
 * These suites test the limits: the last reference below a limit, and the first
 * one above it.
 *
 * The module is built if the kernel has KUnit.  insmod runs the suites.  The
 * results are in the kernel log and in /sys/kernel/debug/kunit
 * (selftests/kunit.sh).
 */
#ifndef DREF_KUNIT_H
#define DREF_KUNIT_H

/* Only dref.ko exports the functions and defines the tracepoints of these parts */
#define __DISABLE_EXPORTS
#define NOTRACE

/* Holders are not recorded here: the core gets the empty functions of hooks.h */
#undef CONFIG_DREF_TRACKING

#include <kunit/test.h>
#include <linux/sched.h>

#include "../core/internal.h"

/**
 * struct kunit_class - a class whose objects are released at once
 * @class: the class
 * @released: number of objects released in this test
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

/* stats.c, pass.c: these call static functions of the parts that they include */
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

/* Compose the mode word of an exact object */
static inline unsigned long kunit_exact(int cpu, unsigned long window,
					unsigned long heat, unsigned long tags)
{
	return heat << DREF_MODE_HEAT_SHIFT | window << DREF_MODE_WINDOW_SHIFT |
	       (unsigned long)cpu << DREF_MODE_CPU_SHIFT | DREF_MODE_EXACT | tags;
}

/* A CPU number that no CPU of this machine has */
static inline int kunit_foreign_cpu(void)
{
	return nr_cpu_ids;
}

#endif /* DREF_KUNIT_H */
