// SPDX-License-Identifier: GPL-2.0
/*
 * Promotion, exact -> deferred: who is contended, and how he gets a slot.
 *
 * The queue.  The operation that decides may be in an NMI, so it only sets
 * DREF_MODE_QUEUED, gives the queue a reference of its own (it holds one, so
 * the object cannot die in the queue) and puts the object on a lock-less list.
 * Who puts it there has claimed its link, which says better than the mode
 * whether it is in the queue: dref_defer() may be quicker, and the object exact
 * and hot again.  An irq_work hands over to a work item, which may sleep to get a
 * slot.  The queue's reference can turn out to be the last: then no slot is
 * needed, and the put of it releases.  Who waits for releases empties the queue
 * first, himself: the work item may not have been queued yet, or be about to be,
 * and then flush_work() does not see it.
 *
 * Publishing.  The order is
 *
 *	a slot that is zero		nobody knows it
 *	count += DREF_BIAS		exact puts in flight cannot see zero now
 *	mode = slot, release		pairs with the address dependency from the
 *					load of mode to the increment, and with the
 *					acquire in dref_tryget()
 *
 * and an exact operation that read mode before hits count, which goes on being
 * part of the sum.  A lock sees to it that a count never has two biases, of two
 * promotions or of one and a fold: they would look like an overflow.  When no
 * slot is to be had the object stays exact and cold for a while, the longer the
 * more often that has happened in a row.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <trace/events/dref.h>

#include "compat.h"
#include "internal.h"

static void dref_promote_work(struct work_struct *work);
static void dref_promote_irq(struct irq_work *work);

static LLIST_HEAD(promote_queue);
static DECLARE_WORK(promote_work, dref_promote_work);
static struct irq_work promote_irq_work = IRQ_WORK_INIT_HARD(dref_promote_irq);

/*
 * Put an object that is hot, and on which the caller holds a reference, into the
 * promotion queue.
 */
void dref_promote_later(struct dref *ref, unsigned long heat)
{
	/*
	 * Mode, then link; pairs with smp_mb() in dref_promotions_flush(): if the
	 * object is still in the queue, the worker will see that it is hot.
	 * (litmus: queue-link)
	 */
	if (cmpxchg(&ref->link.next, &ref->link, NULL) != &ref->link)
		return;

	trace_hot(ref, heat);
	/* The queue's reference, before its put; litmus: P-gp-c */
	atomic_long_inc(&ref->count);
	if (llist_add(&ref->link, &promote_queue))
		irq_work_queue(&promote_irq_work);
	dref_note_chained();	/* the queue may have the last reference */
}

/* A demoting object is in use again, and the caller holds a reference */
void dref_cancel_demotion(struct dref *ref, unsigned long mode)
{
	if (dref_is_tracked(ref))
		return;
	/*
	 * It may also be dying, folded or cancelled by now: all of them fine.
	 * (litmus: demote-cancel)
	 */
	cmpxchg(&ref->mode, mode,
		(mode & ~DREF_MODE_STATE) | DREF_MODE_DEFERRED);
}

/* Exact, and may be promoted */
static bool dref_mode_promotable(unsigned long mode)
{
	return (mode & DREF_MODE_STATE) == DREF_MODE_EXACT &&
	       !(mode & DREF_MODE_TRACKED);
}

/*
 * Publish @slot; false if another promotion was quicker, or it is immortal or
 * tracked now
 */
static bool dref_attach(struct dref *ref, const struct dref_slot *slot)
{
	unsigned long flags, mode, killed = DREF_MODE_KILLED;
	bool attached = false;

	if (dref_broken(LOST_KILL))
		killed = 0;
	spin_lock_irqsave(&dref_bias_lock, flags);
	mode = READ_ONCE(ref->mode);
	/* Puts may be in flight; litmus: promote-inflight */
	if (!dref_mode_promotable(mode))
		goto unlock;
	atomic_long_add(DREF_BIAS, &ref->count);
	/*
	 * Under the lock it stays exact, or becomes immortal, or tracked.
	 * (litmus: promote-bias, promote-zero, promote-kill)
	 */
	do {
		attached = try_cmpxchg_release(&ref->mode, &mode,
					       (__force unsigned long)slot->counts |
					       (mode & killed));
	} while (!attached && dref_mode_promotable(mode));
	if (unlikely(!attached && !(mode & DREF_MODE_IMMORTAL)))
		atomic_long_sub(DREF_BIAS, &ref->count);
unlock:
	spin_unlock_irqrestore(&dref_bias_lock, flags);
	return attached;
}

/*
 * The class of a counted object, which then stays until dref_class_unpin(); NULL if
 * it is immortal, or the class tracked.  (litmus: class-pin)
 */
static struct dref_class *dref_class_pin(const struct dref *ref)
{
	struct dref_class *class = NULL;

	rcu_read_lock();
	if (!dref_is_immortal(ref) && !dref_is_tracked(ref)) {
		class = ref->class;
		atomic_long_inc(&class->deferred);
	}
	rcu_read_unlock();
	return class;
}

/*
 * An object in @mode, which is not to get a slot: 0 if it has one or needs none, -ENOSPC
 * if its class is tracked, -EAGAIN if it is different now.
 */
static noinline int dref_promote_blocked(struct dref *ref, unsigned long mode)
{
	unsigned long state = mode & DREF_MODE_STATE;

	if (mode & DREF_MODE_IMMORTAL ||
	    (state != DREF_MODE_EXACT && state != DREF_MODE_DEMOTING))
		return 0;
	if (dref_is_tracked(ref))
		return -ENOSPC;
	if (state == DREF_MODE_EXACT)
		dref_untrack(ref, mode);
	else
		dref_cancel_demotion(ref, mode);
	return -EAGAIN;
}

/* A slot for an exact object: 0, -ENOMEM, -ENOSPC; -EAGAIN if it is different now */
static int dref_promote_exact(struct dref *ref, gfp_t gfp)
{
	struct dref_class *class = dref_class_pin(ref);
	struct dref_slot *slot;
	int err = -EAGAIN;

	if (!class)
		return dref_is_immortal(ref) ? -EAGAIN : -ENOSPC;

	slot = dref_slot_get(ref, class, gfp);
	if (!IS_ERR(slot) && dref_attach(ref, slot)) {
		dref_count_event(class, DREF_PROMOTIONS);
		trace_promote(ref);
		dref_pass_add(slot);	/* has the pin now */
		return 0;
	}
	if (!IS_ERR(slot)) {
		dref_slot_put(slot);
	} else if (dref_mode_promotable(READ_ONCE(ref->mode))) {
		err = PTR_ERR(slot);
		dref_count_event(class, DREF_PROMOTIONS_FAILED);
		trace_promote_failed(ref, err);
	}
	dref_class_unpin(class);
	return err;
}

/*
 * Give an object a slot.  The caller holds a reference.  Others may do the same, or the
 * opposite, meanwhile: then look again.
 */
static int dref_promote(struct dref *ref, gfp_t gfp)
{
	unsigned long mode;
	int err;

	do {
		mode = READ_ONCE(ref->mode);
		err = likely(dref_mode_promotable(mode)) ? dref_promote_exact(ref, gfp) :
							   dref_promote_blocked(ref, mode);
	} while (err == -EAGAIN);
	return err;
}

/*
 * All that is in the queue, and that somebody has taken from it, is promoted or
 * refused, and has been put.
 */
void dref_promotions_flush(void)
{
	static unsigned int failed;	/* in a row */
	struct dref *ref, *next;

	dref_mutex_lock(&dref_promote_mutex);
	llist_for_each_entry_safe(ref, next, llist_del_all(&promote_queue), link) {
		WRITE_ONCE(ref->link.next, &ref->link);
		/*
		 * Link, then mode; pairs with try_cmpxchg() in dref_measure().
		 * (litmus: queue-link)
		 */
		smp_mb();
		if (!atomic_long_read(&ref->count))
			dref_cool(ref, 2);	/* nobody else has a reference */
		else if (dref_promote(ref, GFP_KERNEL | __GFP_NOWARN))
			dref_cool(ref, BIT(min(failed++, DREF_COLD_SHIFT_MAX)));
		else
			failed = 0;
		dref_put(ref);
		cond_resched();
	}
	dref_mutex_unlock(&dref_promote_mutex);
}

static void dref_promote_work(struct work_struct *work)
{
	dref_promotions_flush();
}

static void dref_promote_irq(struct irq_work *work)
{
	/* Not on dref_wq: it allocates, and reclaim may wait for dref_wq */
	queue_work(dref_unbound_wq, &promote_work);
}

void dref_promotions_exit(void)
{
	irq_work_sync(&promote_irq_work);
	flush_work(&promote_work);
}

/**
 * dref_defer - promote an object now
 * @ref: a count on which the caller holds a reference
 * @gfp: how to allocate a slot if the pool has none free
 *
 * For an object that is known to become hot.
 *
 * Context: task or softirq, as @gfp allows; not under raw spinlocks.
 *
 * Return: 0, also if the object is deferred already or immortal; -ENOMEM;
 * -ENOSPC if max_deferred objects are deferred, or if the class is tracked, whose
 * objects are exact, or about to be; -EINVAL for a class that is DREF_EXACT.  On
 * error nothing is different.
 */
int dref_defer(struct dref *ref, gfp_t gfp)
{
	bool exact_only;

	rcu_read_lock();	/* for the class, as in dref_heat() */
	exact_only = !dref_is_immortal(ref) && ref->class->flags & DREF_EXACT;
	rcu_read_unlock();
	if (exact_only)
		return -EINVAL;
	if (unlikely(atomic_long_read(&ref->count) < 0)) {
		dref_saturate(ref, DREF_UNDERFLOW, "defer from zero", _RET_IP_);
		return 0;
	}
	return dref_promote(ref, gfp);
}
EXPORT_SYMBOL_GPL(dref_defer);
