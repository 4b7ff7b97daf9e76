// SPDX-License-Identifier: GPL-2.0
/*
 * The Tasks RCU grace periods after which a slot can be taken from a live object.
 *
 * A get or a put loads mode and, a few instructions later, increments the slot that
 * it found there.  Between the two it may be preempted for any length of time, and
 * it holds no lock and is in no RCU section.  Meanwhile the true count is not zero, so
 * nothing that dref does at zero can conflict with it.  But a slot is also taken from
 * objects that have references: by demotion, and from objects that were made
 * immortal.  Without a grace period:
 *
 *	CPU 0					CPU 1
 *
 *	dref_get(): mode is deferred, slot 7
 *	preempted
 *						mode = demoting
 *						count += gets - puts of slot 7
 *						slot 7 is attached to another object
 *	slot 7: gets++
 *						that object is never released
 *
 * The task on CPU 0 has not slept: it was preempted or interrupted.  A Tasks RCU grace
 * period ends when every task has switched voluntarily, so the fold waits for one.
 * Then it waits for RCU, because Tasks RCU does not promise to wait for an interrupt
 * handler on an idle CPU.  On kernels without preemption, call_rcu_tasks() is
 * call_rcu().  On preemptible kernels without Tasks RCU, dref.h disables preemption
 * between the load and the increment.
 *
 * A Tasks RCU grace period can take minutes, so nothing blocks on one.  Grace periods
 * are numbered instead.  A pass stamps each object that it demotes with the number of
 * the next one (dref_tasks_gp_next()), and starts that one if none is in flight
 * (dref_tasks_gp_advance()).  A later pass folds the object when that number is done
 * (dref_tasks_gp_done()).  Objects that are stamped while a grace period is in flight
 * share the next one:
 *
 *	stamped	1   2     2   2     3      3
 *		  |------ 1 ------|------ 2 ------|------ 3 ------|
 *	folded			  1		  2		  3
 *
 * All functions except the callback are called under pass_mutex.
 */
#define pr_fmt(fmt) "dref: " fmt

#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "internal.h"

static struct {
	unsigned long	started;	/* number of the last one started */
	unsigned long	wanted;		/* highest number given out */
	unsigned long	done;		/* highest number that is over */
	unsigned long	rcu_cookie;	/* of RCU, after Tasks RCU */
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

/* Returns the number of a grace period that has not begun yet */
unsigned long dref_tasks_gp_next(void)
{
	tasks_gp.wanted = tasks_gp.started + 1;
	return tasks_gp.wanted;
}

bool dref_tasks_gp_done(unsigned long gp)
{
	return gp <= tasks_gp.done;
}

/* Check whether a grace period is over, and start the next one if it is wanted */
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
	/* After the changes of mode that it is for; litmus: demote-fold, immortal-reuse */
	call_rcu_tasks(&tasks_gp.rcu, dref_tasks_gp_callback);
}

static void dref_tasks_gp_late(struct work_struct *work)
{
	pr_notice("still waiting for Tasks RCU: some task runs in the kernel and does not sleep\n");
}

/* Wait for the callback to return, because its code is about to be unloaded */
void dref_tasks_gp_exit(void)
{
	static DECLARE_DELAYED_WORK(late_work, dref_tasks_gp_late);

	if (!tasks_gp.started)
		return;
	queue_delayed_work(dref_wq, &late_work, 10 * HZ);
	dref_rcu_barrier_tasks();
	cancel_delayed_work_sync(&late_work);
}
