/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernel versions, tested by feature where possible.  The
 * other files of dref.ko do not depend on the version.
 */
#ifndef DREF_COMPAT_H
#define DREF_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>
#include <linux/workqueue.h>

/* Other scalable counts, to compare with: since 6.4 and 6.13 */
#ifdef DREF_HAVE_RCUREF
#include <linux/rcuref.h>
#endif
#ifdef DREF_HAVE_FILE_REF
#include <linux/file_ref.h>
#endif

/*
 * Since 6.7, a shrinker is allocated first and registered in a second step.  The
 * same version introduced this flag.  On older kernels these functions provide the
 * same two steps.
 */
#ifndef SHRINKER_ALLOCATED
static inline struct shrinker *dref_shrinker_alloc(void)
{
	return kzalloc(sizeof(struct shrinker), GFP_KERNEL);
}

static inline int dref_shrinker_register(struct shrinker *shrinker)
{
	return register_shrinker(shrinker, "dref");
}

static inline void dref_shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#else
static inline struct shrinker *dref_shrinker_alloc(void)
{
	return shrinker_alloc(0, "dref");
}

static inline int dref_shrinker_register(struct shrinker *shrinker)
{
	shrinker_register(shrinker);
	return 0;
}

static inline void dref_shrinker_free(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
}
#endif

/* How many items of an unbound workqueue may run at a time; one limit for all since 6.9 */
#ifdef WQ_UNBOUND_MAX_ACTIVE
#define DREF_WQ_MAX_ACTIVE	WQ_UNBOUND_MAX_ACTIVE
#else
#define DREF_WQ_MAX_ACTIVE	WQ_MAX_ACTIVE
#endif

/* Renamed in 6.17; 7.2 warns about the old name */
#ifdef DREF_HAVE_DFL_WQ
#define dref_unbound_wq	system_dfl_wq
#else
#define dref_unbound_wq	system_unbound_wq
#endif

/* hrtimer_setup() was added in 6.13, hrtimer_init() was removed in 6.15 */
static inline void dref_hrtimer_setup(struct hrtimer *timer,
				      enum hrtimer_restart (*function)(struct hrtimer *),
				      clockid_t clock, enum hrtimer_mode mode)
{
#ifdef DREF_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/* Since 6.2, call_rcu() may wait for seconds before it begins, to save energy */
static inline void dref_call_rcu(struct rcu_head *rcu, rcu_callback_t callback)
{
#ifdef DREF_HAVE_CALL_RCU_HURRY
	call_rcu_hurry(rcu, callback);
#else
	call_rcu(rcu, callback);
#endif
}

/* Without Tasks RCU, call_rcu_tasks() is call_rcu(), but has no barrier of its own */
static inline void dref_rcu_barrier_tasks(void)
{
#ifdef CONFIG_TASKS_RCU
	rcu_barrier_tasks();
#else
	rcu_barrier();
#endif
}

/* Lazy preemption was added in 6.13; that of PREEMPT_RT's patches cannot be detected */
static inline bool dref_preempt_model_lazy(void)
{
#ifdef DREF_HAVE_PREEMPT_MODEL_LAZY
	return preempt_model_lazy();
#else
	return false;
#endif
}

/*
 * The kernel's stack depot, if configured.  Saving a stack may allocate a page.  On
 * PREEMPT_RT, that is allowed only in preemptible context.  Since 6.8, a flag tells
 * the depot not to allocate.
 */
#ifdef CONFIG_STACKDEPOT
static inline depot_stack_handle_t dref_stack_save(unsigned long *entries, unsigned int nr)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN;
	bool alloc = preemptible() || !(IS_ENABLED(CONFIG_PREEMPT_RT) ||
					IS_ENABLED(CONFIG_PROVE_RAW_LOCK_NESTING));

#ifdef STACK_DEPOT_FLAG_CAN_ALLOC
	return stack_depot_save_flags(entries, nr, gfp, alloc ? STACK_DEPOT_FLAG_CAN_ALLOC : 0);
#else
	return alloc ? stack_depot_save(entries, nr, gfp) : 0;
#endif
}

static inline unsigned int dref_stack_trace(unsigned long *entries, unsigned int nr)
{
	return stack_trace_save(entries, nr, 0);
}

static inline unsigned int dref_stack_fetch(depot_stack_handle_t stack,
					    unsigned long **entries)
{
	return stack ? stack_depot_fetch(stack, entries) : 0;
}
#else
static inline depot_stack_handle_t dref_stack_save(unsigned long *entries, unsigned int nr)
{
	return 0;
}

static inline unsigned int dref_stack_trace(unsigned long *entries, unsigned int nr)
{
	return 0;
}

static inline unsigned int dref_stack_fetch(depot_stack_handle_t stack,
					    unsigned long **entries)
{
	return 0;
}
#endif

#endif /* DREF_COMPAT_H */
