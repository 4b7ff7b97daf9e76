// SPDX-License-Identifier: GPL-2.0
/*
 * Taking the slot away from an object that lives.
 *
 * A get or a put loads mode and, a few instructions later, increments the slot
 * that it found there.  Between the two it may be preempted for as long as the
 * scheduler likes, and it holds no lock and is in no RCU section.  While it is
 * on its way the true count is not zero, so nothing that is done at zero can
 * hurt it.  But a slot is also taken away above zero: from an object that has
 * gone quiet, and from one that was made immortal.
 *
 *	CPU 0					CPU 1
 *	dref_get(): mode is "deferred, slot 7"
 *	  preempted				mode = demoting
 *						gets - puts of slot 7 -> count
 *						slot 7 goes to another object
 *	  slot 7: gets++			that object is never released
 *
 * Such a task has not slept: it was preempted, or interrupted.  So the fold of
 * the counters waits for Tasks RCU, that is, until every task has switched
 * voluntarily, and then for RCU, because Tasks RCU does not promise to wait for
 * interrupt handlers on an idle CPU.  On kernels without preemption call_rcu_tasks()
 * is call_rcu(), and where Tasks RCU is missing dref.h turns preemption off.
 *
 * A Tasks RCU grace period can take minutes, so nobody waits for one.  They are
 * numbered; a pass stamps what it demotes with the next number, starts a grace
 * period if none is under way, and later passes fold what has got old enough.
 * All that is stamped while one is under way shares the next one.
 *
 * All functions but the callback are called under the passes' mutex.
 */
#include <linux/rcupdate.h>

#include "compat.h"
#include "internal.h"

static struct {
	unsigned long	started;	/* number of the last one started */
	unsigned long	wanted;		/* highest number given out */
	unsigned long	done;		/* highest number that is over */
	unsigned long	rcu_cookie;	/* RCU, after Tasks RCU */
	bool		in_flight;	/* until the callback has run */
	struct rcu_head	rcu;
} tasks_gp;

static void dref_tasks_gp_callback(struct rcu_head *rcu)
{
	tasks_gp.rcu_cookie = start_poll_synchronize_rcu();
	/*
	 * Pairs with the acquire in dref_tasks_gp_advance().
	 * (litmus: tasks-gp-callback)
	 */
	smp_store_release(&tasks_gp.in_flight, false);
}

/* Number of a grace period that begins after now */
unsigned long dref_tasks_gp_next(void)
{
	tasks_gp.wanted = tasks_gp.started + 1;
	return tasks_gp.wanted;
}

bool dref_tasks_gp_done(unsigned long gp)
{
	return gp <= tasks_gp.done || dref_broken(FREE_SLOT_EARLY);
}

/* See what is over, and start what is wanted */
void dref_tasks_gp_advance(void)
{
	/*
	 * Pairs with the release in dref_tasks_gp_callback().
	 * (litmus: tasks-gp-callback)
	 */
	if (smp_load_acquire(&tasks_gp.in_flight))
		return;
	if (tasks_gp.done != tasks_gp.started) {
		if (!poll_state_synchronize_rcu(tasks_gp.rcu_cookie))
			return;
		tasks_gp.done = tasks_gp.started;
	}
	if (tasks_gp.wanted == tasks_gp.started)
		return;
	tasks_gp.started = tasks_gp.wanted;
	WRITE_ONCE(tasks_gp.in_flight, true);
	/* After the changes of mode that want it; litmus: demote-fold, immortal-reuse */
	call_rcu_tasks(&tasks_gp.rcu, dref_tasks_gp_callback);
}

/* The callback must not run, nor be about to return, when the module goes */
void dref_tasks_gp_exit(void)
{
	if (tasks_gp.started)
		dref_rcu_barrier_tasks();
}
