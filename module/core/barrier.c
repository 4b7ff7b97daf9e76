// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for releases: dref_reconcile() and dref_barrier().
 *
 *	dref_pass_now()		empty the promotion queue, run one expedited pass
 *	dref_barrier()		dref_pass_now(), and wait for the releases that are due
 *	dref_class_reconcile()	the same, for the releases of one class (class.c)
 *	dref_reconcile()	passes and releases, until a pass finds no dead object
 *				that was deferred at the time of the call
 *
 * The caller runs the passes.  Work items call release(), and the caller waits for them
 * (worklist.c).
 *
 * The promotion queue comes first.  It holds a reference to each object in it, which may
 * be the last one.
 *
 * A release() may drop the last reference to another object, which may be released by
 * a work item, too, and so on:
 *
 *	A, dead --> release(A) drops B --> release(B) drops C --> ...
 *
 * If B is deferred, the next pass finds it.  If B is exact and its class is not released at
 * once, it is on a list, and dref_nr_chained() has changed.
 * dref_releases_flush_chains() flushes the lists until that number does not change.
 * Other tasks may drop such chains all the time, so it stops after DREF_CHAIN_MAX rounds,
 * and on a fatal signal.
 *
 * A release() that waits for releases would wait for itself.  dref_in_release() detects
 * most such calls, and they are refused with a WARN.
 */
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>

#include "internal.h"

/* How many links of a chain are followed between two passes */
#define DREF_CHAIN_MAX	32

/*
 * Test whether the caller runs on behalf of a release(), and so must not wait for one.  An
 * interrupt does not.  A release() called by an exact put is not detected.
 */
bool dref_in_release(void)
{
	return dref_in_queued_release() || dref_in_promotion();
}

/*
 * Flush the promotion queue and the releases that are due, of all classes, and then those of
 * objects that these releases have dropped, for at most DREF_CHAIN_MAX links.
 */
static void dref_releases_flush_chains(void)
{
	unsigned long before;
	int link;

	for (link = 0; link < DREF_CHAIN_MAX; link++) {
		/* An object that has been counted is found on its list; litmus: chain-follow */
		before = dref_nr_chained();
		dref_promotions_flush();
		dref_releases_flush(NULL, TASK_UNINTERRUPTIBLE);
		if (dref_nr_chained() == before || fatal_signal_pending(current))
			return;
	}
}

/* Find out which objects are dead, but do not wait for their releases */
void dref_pass_now(void)
{
	struct dref_found found = { };

	dref_promotions_flush();	/* the queue may hold the last reference */
	dref_pass_expedited(&found);
}

/*
 * Find out which objects are dead, and wait until those of @class have been released, in
 * @task_state
 */
void dref_class_reconcile(struct dref_class *class, unsigned int task_state)
{
	dref_pass_now();
	dref_releases_flush(class, task_state);
}

/**
 * dref_reconcile - find and release all objects that have no references now
 *
 * Runs expedited passes and the releases that are due, until a pass finds nothing
 * new.  So it also finds objects that were held by released objects.  It is what
 * gc.collect() is in Python.
 *
 * It does not wait for later events: it runs another pass only if the last one found
 * a dead object that was deferred when dref_reconcile() was called.  Of a chain of
 * exact objects that are not released at once, it follows 32 links between two
 * passes; a deferred object behind more of them may need another call.
 *
 * An object without references is released within three expedited grace periods:
 * one to end the pass under way, one to confirm zero, and one for DREF_RCU.  Each
 * DREF_RCU link of a chain that leads to the object takes another one.
 *
 * Context: task, may sleep; not from a release() that dref has queued, and not while
 * holding a lock that a release() of any class takes.
 *
 * Return: the number of objects it found dead; all of them have been released.  From a
 * release(), 0, with a WARN.
 */
unsigned long dref_reconcile(void)
{
	struct dref_found found = { .reconcile = true };

	might_sleep();
	if (WARN_ONCE(dref_in_release(), "dref: reconcile from a release()\n"))
		return 0;

	dref_releases_flush_chains();	/* an object whose release is due may hold a deferred one */
	found.epoch = dref_pass_epoch();
	do {
		found.old = 0;
		dref_pass_expedited(&found);
		dref_releases_flush_chains();
	} while (found.old && !fatal_signal_pending(current));

	return found.dead;
}
EXPORT_SYMBOL_GPL(dref_reconcile);

/**
 * dref_barrier - wait for the releases of all objects that have been put
 *
 * When dref_barrier() returns, every release() caused by a put before the call has
 * run, whatever the mode of the object and the flags of its class.  From a release(),
 * dref_barrier() issues a WARN and returns at once.
 *
 * Context: task, may sleep; not from a release() that dref has queued, and not while
 * holding a lock that a release() of any class takes.
 */
void dref_barrier(void)
{
	might_sleep();
	if (WARN_ONCE(dref_in_release(), "dref: barrier from a release()\n"))
		return;

	dref_class_reconcile(NULL, TASK_UNINTERRUPTIBLE);
}
EXPORT_SYMBOL_GPL(dref_barrier);
