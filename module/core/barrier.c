// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for releases: dref_reconcile() and dref_barrier().
 */
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>

#include "internal.h"

/* Others may drop chains all the time, so there is an end to following them */
#define DREF_CHAIN_MAX	32

/*
 * The same of what the promotion queue holds, and then of what these releases have
 * dropped, up to a number of times; true if there may be more.
 */
bool dref_releases_flush_chains(void)
{
	long before;
	int link;

	for (link = 0; link < DREF_CHAIN_MAX; link++) {
		/* What is counted is found on its list; litmus: chain-follow */
		before = atomic_long_read_acquire(&dref_nr_chained);
		dref_promotions_flush();
		dref_releases_flush();
		if (atomic_long_read(&dref_nr_chained) == before)
			return false;
		if (fatal_signal_pending(current))
			break;
	}
	return true;
}

/* Find out what is dead by now, and do not wait for its release */
void dref_pass_now(void)
{
	struct dref_found found = { };

	dref_promotions_flush();	/* the queue may hold the last reference */
	dref_pass_expedited(&found);
}

/**
 * dref_reconcile - find and release all objects that have no references now
 *
 * Runs expedited passes, and the releases that come of them, until a pass finds
 * nothing new: objects that were held by released objects are found, too.  What
 * others promote and drop meanwhile cannot keep it busy: only what was deferred
 * when it began is a reason for another pass, and of a chain of exact objects of a
 * DREF_SLEEP or DREF_RCU class 32 links are followed between two passes: what is
 * deferred behind more of them may need another call.  The gc.collect() of dref.
 *
 * An object without references is released within three expedited grace
 * periods: to finish the pass under way, to confirm zero, and for DREF_RCU.  What
 * is dead before takes another one for each link that is DREF_RCU.
 *
 * Context: task, may sleep; not from a release() and not while holding what a
 * release() waits for.
 *
 * Return: how many objects it found dead, all of which are released.
 */
unsigned long dref_reconcile(void)
{
	struct dref_found found = { .reconcile = true };

	might_sleep();
	if (WARN_ONCE(dref_in_release(), "dref: reconcile from a release()\n"))
		return 0;

	dref_releases_flush_chains();	/* what is due may hold what is deferred */
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
 * dref_barrier - wait for the releases of all that has been put
 *
 * Every release caused by a put that happened before the call has run when it
 * returns, whatever the mode of the object and the flags of its class.
 *
 * Context: task, may sleep; not from a release() and not while holding what a
 * release() waits for.
 */
void dref_barrier(void)
{
	might_sleep();
	if (WARN_ONCE(dref_in_release(), "dref: barrier from a release()\n"))
		return;

	dref_pass_now();
	dref_releases_flush();
}
EXPORT_SYMBOL_GPL(dref_barrier);
