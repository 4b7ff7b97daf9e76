// SPDX-License-Identifier: GPL-2.0
/*
 * Promotion, exact -> deferred: how a hot object gets a slot.
 *
 * The queue
 * ---------
 *
 * The operation that finds an object hot may run in an NMI, so it does little.  It
 * sets DREF_MODE_QUEUED, and claims the object's link: a cmpxchg changes link.next from
 * the link itself to NULL.  Then it takes a reference for the queue (until then, that
 * of the caller keeps the object alive), and adds the object to a lock-less list.  An
 * irq_work queues a work item, which may sleep to get a slot (worklist.c).
 *
 * Only a claimed link says that an object is in the queue.  DREF_MODE_QUEUED says that
 * the object was found hot, and its heat is not measured, so that it is not queued again.
 * The two may differ: dref_defer() may promote an object that waits in the queue, and
 * the object may be exact and hot again before the worker gets there.  So it may become
 * hot just when the worker takes it:
 *
 *	dref_heat(), dref_promote_later()	dref_promote_queued()
 *
 *	mode = queued				link = itself
 *	claim link with cmpxchg: fails,		smp_mb()
 *	  it is still in the queue		load mode: exact, promote
 *
 * Either the cmpxchg succeeds, and the object is queued once more, or the worker sees
 * the new mode.
 *
 * The queue's reference can turn out to be the last one.  The object then gets no
 * slot, and the put of that reference releases it.  Therefore functions that wait for
 * releases call dref_promotions_flush() first.
 *
 * Publishing a slot
 * -----------------
 *
 *	promotion				other CPUs
 *
 *	take a slot, which is all zero		cannot find it
 *	count += DREF_BIAS			an exact put in flight cannot reach zero
 *	mode = slot, with release		increment the slot
 *
 * The release pairs with the address dependency from the load of mode to the
 * increment, and with the acquire in dref_tryget().  An operation that read "exact"
 * before that store changes count, and count remains part of the sum.
 *
 * A count must not contain two biases, because the sum would look like an overflow.  It
 * could if two tasks promoted an object at once, or if it was promoted again before
 * dref_fold(), the last step of its demotion, had subtracted the first bias.  Therefore
 * both run under dref_bias_lock.
 *
 * If no slot is available, the object stays exact, and its heat is ignored for a number
 * of heat windows that doubles each time (heat.c).
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <trace/events/dref.h>

#include "compat.h"
#include "internal.h"

static void dref_promote_work(struct work_struct *work);
static void dref_promote_irq(struct irq_work *work);

static struct dref_worklist promote_queue = {
	.list = LLIST_HEAD_INIT(promote_queue.list),
};

static DECLARE_WORK(promote_work, dref_promote_work);
static struct irq_work promote_irq_work = IRQ_WORK_INIT_HARD(dref_promote_irq);

/*
 * Put a hot object, on which the caller holds a reference, into the promotion queue, unless
 * it is there already.
 */
void dref_promote_later(struct dref *ref, unsigned long heat)
{
	/*
	 * Mode, then link; pairs with smp_mb() in dref_promote_queued().  If the
	 * object is still in the queue, the worker sees the new mode.
	 * (litmus: queue-link)
	 */
	if (cmpxchg(&ref->link.next, &ref->link, NULL) != &ref->link)
		return;

	trace_hot(ref, heat);
	/*
	 * The queue's reference.  Its put may be counted in the slot.  A pass whose P
	 * (reconcile.c) includes that put must find this get in count.  (litmus: P-gp-c)
	 */
	atomic_long_inc(&ref->count);
	if (llist_add(&ref->link, &promote_queue.list))
		dref_irq_work_queue(&promote_irq_work);
	dref_note_chained();	/* the queue's reference may become the last one */
}

/* Make a demoting object deferred again, as it is in use; the caller holds a reference */
void dref_cancel_demotion(struct dref *ref, unsigned long mode)
{
	/* The objects of a tracked class must become exact, so that holders are recorded */
	if (dref_is_tracked(ref))
		return;
	/*
	 * If mode has changed, the object is dying, has been folded, is deferred again or
	 * is immortal, and there is nothing to cancel.  Or it has been killed, and the
	 * next operation cancels.  (litmus: demote-cancel)
	 */
	cmpxchg(&ref->mode, mode,
		dref_mode_change(mode, (mode & ~DREF_MODE_TAGS) | DREF_MODE_DEFERRED));
}

/* Test whether @mode is exact and allows promotion */
static bool dref_mode_promotable(unsigned long mode)
{
	return (mode & (DREF_MODE_TAGS | DREF_MODE_TRACKED)) == DREF_MODE_EXACT;
}

/*
 * Publish @slot in mode.  Returns false, and leaves the object without it, if the object
 * has become deferred, immortal or tracked meanwhile.
 */
static bool dref_attach(struct dref *ref, const struct dref_slot *slot)
{
	unsigned long to = (__force unsigned long)slot->counts | DREF_MODE_DEFERRED;
	unsigned long flags, mode;
	bool attached = false;

	spin_lock_irqsave(&dref_bias_lock, flags);
	mode = READ_ONCE(ref->mode);
	if (!dref_mode_promotable(mode))
		goto unlock;
	/* Puts that read "exact" may be in flight; litmus: promote-inflight */
	atomic_long_add(DREF_BIAS, &ref->count);
	/*
	 * Under the lock mode stays promotable, unless it becomes immortal or tracked.
	 * (litmus: promote-bias, promote-zero, promote-kill)
	 */
	do {
		attached = try_cmpxchg_release(&ref->mode, &mode, dref_mode_change(mode, to));
	} while (!attached && dref_mode_promotable(mode));
	/* It has become tracked, and gets no slot; the count of an immortal one is not used */
	if (unlikely(!attached && !dref_mode_immortal(mode)))
		atomic_long_sub(DREF_BIAS, &ref->count);
unlock:
	spin_unlock_irqrestore(&dref_bias_lock, flags);
	return attached;
}

/*
 * Returns the class of an object, and keeps it registered until dref_class_unpin().
 * Returns NULL if the object is immortal or the class is tracked.  (litmus: class-pin)
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
 * Remove what keeps an object from being promoted from @mode: untrack it, or cancel its
 * demotion.  Returns -EAGAIN then, and the caller tries again; 0 if the object has a slot
 * or needs none; -ENOSPC if its class is tracked.
 */
static noinline int dref_promote_unblock(struct dref *ref, unsigned long mode)
{
	unsigned long state = dref_mode_state(mode);

	if (state != DREF_MODE_EXACT && state != DREF_MODE_DEMOTING)
		return 0;
	if (dref_is_tracked(ref))
		return -ENOSPC;
	if (state == DREF_MODE_EXACT)
		dref_untrack(ref, mode);
	else
		dref_cancel_demotion(ref, mode);
	return -EAGAIN;
}

/*
 * Give an exact object a slot.  Returns 0, -ENOMEM, -ENOSPC, or -EAGAIN if mode does not
 * allow a promotion any more.
 */
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
		dref_pass_add(slot);	/* takes over the pin */
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
 * Give an object a slot; the caller holds a reference.  Other tasks may promote or demote
 * it at the same time; if so, this tries again.
 */
static int dref_promote(struct dref *ref, gfp_t gfp)
{
	unsigned long mode;
	int err;

	do {
		mode = READ_ONCE(ref->mode);
		err = likely(dref_mode_promotable(mode)) ? dref_promote_exact(ref, gfp) :
							   dref_promote_unblock(ref, mode);
	} while (err == -EAGAIN);
	return err;
}

/* Promote @ref, or ignore its heat for a while, and drop the queue's reference */
static void dref_promote_queued(struct dref *ref)
{
	WRITE_ONCE(ref->link.next, &ref->link);
	/* Link, then mode; pairs with try_cmpxchg() in dref_heat().  (litmus: queue-link) */
	smp_mb();
	/* If only the queue holds a reference, no slot is needed */
	if (!atomic_long_read(&ref->count))
		dref_cool(ref, false);
	else if (dref_promote(ref, GFP_KERNEL | __GFP_NOWARN))
		dref_cool(ref, true);
	dref_put(ref);
}

static void dref_promote_work(struct work_struct *work)
{
	unsigned long ticket = dref_worklist_begin(&promote_queue);
	struct dref *ref, *next;

	llist_for_each_entry_safe(ref, next, llist_del_all(&promote_queue.list), link) {
		dref_promote_queued(ref);
		cond_resched();
	}
	dref_worklist_end(&promote_queue, ticket);
	dref_flush_wake();
}

/* Queue the work item that empties the promotion queue */
void dref_promotions_kick(void)
{
	/* Not on dref_wq: a promotion allocates, and reclaim may wait for dref_wq */
	queue_work(dref_unbound_wq, &promote_work);
}

static void dref_promote_irq(struct irq_work *work)
{
	dref_promotions_kick();
}

/* Test whether the caller is a release() called by the put of the queue's reference */
bool dref_in_promotion(void)
{
	return in_task() && current_work() == &promote_work;
}

/* Wait until all objects that are in the promotion queue now have left it */
void dref_promotions_flush(void)
{
	unsigned long ticket = dref_flush_ticket();

	if (dref_worklist_flushed(&promote_queue, ticket))
		return;
	dref_promotions_kick();
	wait_event(dref_flush_wait, dref_worklist_flushed(&promote_queue, ticket));
}

void dref_promotions_exit(void)
{
	irq_work_sync(&promote_irq_work);
	flush_work(&promote_work);
}

/**
 * dref_defer - promote an object now
 * @ref: a count on which the caller holds a reference
 * @gfp: flags for the allocation of slots, if the pool has no free one
 *
 * For an object that is known to become hot.  On an error the object stays as it
 * was.
 *
 * Context: task or softirq, as @gfp allows; not under a raw spinlock.
 * Ordering: none.
 *
 * Return: 0 if the object is deferred now, or is dying and so has a slot, or is immortal;
 * -ENOMEM if there is no memory for a slot; -ENOSPC if max_deferred slots are in use, or
 * if the class is tracked, so that its objects are exact or about to be; -EINVAL if the
 * class is DREF_EXACT, or @ref was not initialised.
 */
int dref_defer(struct dref *ref, gfp_t gfp)
{
	bool exact_only;

	if (dref_user_state(READ_ONCE(ref->mode)) == DREF_MODE_NONE) {
		dref_warn_no_object("defer", _RET_IP_);
		return -EINVAL;
	}
	rcu_read_lock();	/* for the class, as in dref_heat() */
	exact_only = !dref_is_immortal(ref) && READ_ONCE(ref->class->flags) & DREF_EXACT;
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
