// SPDX-License-Identifier: GPL-2.0
/*
 * Cost: what a get and a put take, for dref and for its peers.
 *
 * A counter is a row: a loop of pairs of a get and a put, in a function of its
 * own so that the compiler does to each what it does to the others.  The first
 * row is the loop alone.  All callers of one session work on the same counter,
 * each kind on its own cache line; one caller measures the operations, several
 * at a time measure what they cost each other.
 *
 * Interrupts are off for a few thousand pairs at a time, so that what is timed
 * is the loop.  On an emulated CPU whose clock advances with the instructions,
 * nanoseconds are instructions.
 */
#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/percpu-refcount.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dref_stress.h"

#define STRESS_PAIRS_PER_LOOK	4096UL

struct stress_cost {
	refcount_t		refcount ____cacheline_aligned;
	struct percpu_ref	percpu_ref ____cacheline_aligned;
	struct completion	percpu_ref_gone;
	struct dref		exact ____cacheline_aligned;
	struct dref		deferred ____cacheline_aligned;
	struct dref		immortal ____cacheline_aligned;
};

static noinline void loop_empty(struct stress_cost *cost, unsigned long pairs)
{
	do {
		barrier();
	} while (--pairs);
}

static noinline void loop_refcount(struct stress_cost *cost, unsigned long pairs)
{
	do {
		refcount_inc(&cost->refcount);
		if (refcount_dec_and_test(&cost->refcount))
			break;	/* never: the session has a reference */
	} while (--pairs);
}

static noinline void loop_percpu_ref(struct stress_cost *cost, unsigned long pairs)
{
	do {
		percpu_ref_get(&cost->percpu_ref);
		percpu_ref_put(&cost->percpu_ref);
	} while (--pairs);
}

static noinline void loop_exact(struct stress_cost *cost, unsigned long pairs)
{
	do {
		dref_get(&cost->exact);
		dref_put(&cost->exact);
	} while (--pairs);
}

static noinline void loop_deferred(struct stress_cost *cost, unsigned long pairs)
{
	do {
		dref_get(&cost->deferred);
		dref_put(&cost->deferred);
	} while (--pairs);
}

static noinline void loop_immortal(struct stress_cost *cost, unsigned long pairs)
{
	do {
		dref_get(&cost->immortal);
		dref_put(&cost->immortal);
	} while (--pairs);
}

static void (* const loops[])(struct stress_cost *cost, unsigned long pairs) = {
	[DREF_STRESS_COST_EMPTY]	= loop_empty,
	[DREF_STRESS_COST_REFCOUNT]	= loop_refcount,
	[DREF_STRESS_COST_PERCPU_REF]	= loop_percpu_ref,
	[DREF_STRESS_COST_EXACT]	= loop_exact,
	[DREF_STRESS_COST_DEFERRED]	= loop_deferred,
	[DREF_STRESS_COST_IMMORTAL]	= loop_immortal,
};

/* The memory is the session's, which waits for this with dref_barrier() */
static void cost_release(struct dref *ref)
{
}

DEFINE_DREF_CLASS(class_cost, "stress-cost", cost_release, 0);
DEFINE_DREF_CLASS(class_cost_exact, "stress-cost-exact", cost_release, DREF_EXACT);

int stress_cost_register(void)
{
	int err;

	err = dref_class_register(&class_cost);
	if (err)
		return err;
	err = dref_class_register(&class_cost_exact);
	if (err)
		dref_class_unregister(&class_cost);
	return err;
}

void stress_cost_drain(void)
{
	dref_class_drain(&class_cost_exact);
	dref_class_drain(&class_cost);
}

static void cost_percpu_ref_release(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct stress_cost, percpu_ref)->percpu_ref_gone);
}

static struct stress_cost *stress_cost_new(void)
{
	struct stress_cost *cost = kzalloc(sizeof(*cost), GFP_KERNEL_ACCOUNT);

	if (!cost)
		return NULL;
	if (percpu_ref_init(&cost->percpu_ref, cost_percpu_ref_release, 0,
			    GFP_KERNEL)) {
		kfree(cost);
		return NULL;
	}
	init_completion(&cost->percpu_ref_gone);
	refcount_set(&cost->refcount, 1);
	dref_init(&cost->exact, &class_cost_exact);
	dref_init(&cost->deferred, &class_cost);
	cost->immortal = (struct dref)DREF_INIT_IMMORTAL(NULL);
	return cost;
}

void stress_cost_free(struct stress_cost *cost)
{
	percpu_ref_kill(&cost->percpu_ref);
	wait_for_completion(&cost->percpu_ref_gone);
	percpu_ref_exit(&cost->percpu_ref);

	dref_put(&cost->exact);
	dref_put(&cost->deferred);
	dref_barrier();
	kfree(cost);
}

static struct stress_cost *stress_cost_get(struct stress_session *session)
{
	struct stress_cost *cost;

	mutex_lock(&session->cost_mutex);
	if (!session->cost)
		session->cost = stress_cost_new();
	cost = session->cost;
	mutex_unlock(&session->cost_mutex);
	return cost;
}

int stress_cost_measure(struct stress_session *session,
			struct dref_stress_cost *measure)
{
	unsigned int counter = array_index_nospec(measure->counter, ARRAY_SIZE(loops));
	struct stress_cost *cost;
	u64 pairs, done = 0, ns = 0, start;
	int err;

	cost = stress_cost_get(session);
	if (!cost)
		return -ENOMEM;
	if (counter == DREF_STRESS_COST_DEFERRED) {
		/* it may have been demoted since the last time */
		err = dref_defer(&cost->deferred, GFP_KERNEL);
		if (err)
			return err;
	}

	while (done < measure->pairs && !signal_pending(current)) {
		pairs = min(measure->pairs - done, (u64)STRESS_PAIRS_PER_LOOK);
		local_irq_disable();
		start = ktime_get_ns();
		loops[counter](cost, pairs);
		ns += ktime_get_ns() - start;
		local_irq_enable();
		done += pairs;
		cond_resched();
	}
	if (!done)
		return -EINTR;
	measure->pairs = done;
	measure->ns = ns;
	return 0;
}
