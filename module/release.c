// SPDX-License-Identifier: GPL-2.0
/*
 * From dead to released: who calls release(), and when.
 *
 *	exact, flags 0		the last put, at once
 *	deferred, flags 0	a work item of dref's, soon after the pass
 *	DREF_RCU		a work item, after an RCU grace period
 *	DREF_SLEEP		a work item of the class's own, so that one class
 *				that sleeps for long holds up nobody else
 *
 * Only in the first case is a release on the put's own stack.  In the others
 * the object goes through its link:
 *
 *	dead (per CPU) -> irq_work -> dispatch -> release()
 *	                                 |  \---> class->dead -> release()
 *	                                 v             ^
 *	                              rcu_next         |
 *	                            a grace period ----+--> release()
 *
 * The first list is per CPU and lock-less because the last put may be anywhere,
 * in an NMI too, and must not meet others on a shared cache line.  One work item
 * empties it for all possible CPUs, so a CPU that goes off line strands nothing.
 */
#include <linux/irq_work.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "internal.h"

static void dref_dispatch_work(struct work_struct *work);
static void dref_rcu_work(struct work_struct *work);
static void dref_dispatch_irq(struct irq_work *work);

static DEFINE_PER_CPU(struct llist_head, dref_dead);
static DECLARE_WORK(dispatch_work, dref_dispatch_work);
static struct irq_work dispatch_irq_work = IRQ_WORK_INIT_HARD(dref_dispatch_irq);

/* DREF_RCU: one batch waits for a grace period, the next one gathers */
static DEFINE_SPINLOCK(waiting_lock);
static LLIST_HEAD(rcu_waiting);
static LLIST_HEAD(rcu_next);
static unsigned long rcu_cookie;
static struct rcu_work rcu_work;

static void dref_release_now(struct dref *ref)
{
	struct dref_class *class = ref->class;
	unsigned long mode = READ_ONCE(ref->mode);
	enum dref_event event;

	if (unlikely(mode & DREF_MODE_IMMORTAL)) {
		/* A get from zero, since: whoever did it goes on using it */
		dref_count_event(class, DREF_IMMORTALIZED);
		return;
	}
	/* An exact object dies with its mode unchanged */
	event = (mode & DREF_MODE_STATE) == DREF_MODE_EXACT ?
		DREF_RELEASED_EXACT : DREF_RELEASED_DEFERRED;
	class->release(ref);
	/*
	 * Last of all: when dref_class_unregister() has counted this, the
	 * class may go.
	 */
	dref_count_event(class, event);
}

static void dref_release_all(struct llist_node *list)
{
	struct dref *ref, *next;

	llist_for_each_entry_safe(ref, next, list, link) {
		dref_release_now(ref);
		cond_resched();
	}
}

/* Nothing more to wait for: release @ref here, or where it may sleep */
static void dref_deliver(struct dref *ref)
{
	struct dref_class *class = ref->class;

	if (!(class->flags & DREF_SLEEP))
		dref_release_now(ref);
	else if (llist_add(&ref->link, &class->dead))
		queue_work(dref_wq, &class->work);
}

static void dref_deliver_all(struct llist_node *list)
{
	struct dref *ref, *next;

	llist_for_each_entry_safe(ref, next, list, link) {
		dref_deliver(ref);
		cond_resched();
	}
}

void dref_class_release_work(struct work_struct *work)
{
	struct dref_class *class = container_of(work, struct dref_class, work);

	dref_release_all(llist_del_all(&class->dead));
}

/* @ref is dead, and nobody but the caller knows it */
void dref_release(struct dref *ref)
{
	struct llist_head *dead;

	if (!(ref->class->flags & (DREF_SLEEP | DREF_RCU)) &&
	    (READ_ONCE(ref->mode) & DREF_MODE_STATE) == DREF_MODE_EXACT) {
		dref_release_now(ref);
		return;
	}
	dead = raw_cpu_ptr(&dref_dead);
	if (llist_add(&ref->link, dead))
		irq_work_queue(&dispatch_irq_work);
}

static void dref_dispatch_irq(struct irq_work *work)
{
	queue_work(dref_wq, &dispatch_work);
}

/* Under waiting_lock: let the next batch begin to wait, if none does */
static void dref_rcu_advance(void)
{
	if (!llist_empty(&rcu_waiting) || llist_empty(&rcu_next))
		return;
	rcu_waiting.first = llist_del_all(&rcu_next);
	rcu_cookie = get_state_synchronize_rcu();
	queue_rcu_work(dref_wq, &rcu_work);
}

static void dref_dispatch_work(struct work_struct *work)
{
	struct dref *ref, *next;
	bool rcu = false;
	int cpu;

	for_each_possible_cpu(cpu) {
		llist_for_each_entry_safe(ref, next,
					  llist_del_all(per_cpu_ptr(&dref_dead, cpu)),
					  link) {
			if (ref->class->flags & DREF_RCU) {
				llist_add(&ref->link, &rcu_next);
				rcu = true;
			} else {
				dref_deliver(ref);
			}
			cond_resched();
		}
	}
	if (!rcu)
		return;
	spin_lock(&waiting_lock);
	dref_rcu_advance();
	spin_unlock(&waiting_lock);
}

static void dref_rcu_work(struct work_struct *work)
{
	struct llist_node *over = NULL;

	spin_lock(&waiting_lock);
	if (poll_state_synchronize_rcu(rcu_cookie))
		over = llist_del_all(&rcu_waiting);
	else if (!llist_empty(&rcu_waiting))
		queue_rcu_work(dref_wq, &rcu_work);
	dref_rcu_advance();
	spin_unlock(&waiting_lock);
	dref_deliver_all(over);
}

/* Who flushes waits for what others who flush have in hand */
static DEFINE_MUTEX(flush_mutex);

/* All that was dead before the call has been released */
void dref_releases_flush(void)
{
	struct llist_node *waiting, *next;

	mutex_lock(&flush_mutex);
	/* Who made a list non-empty may not have come to the irq_work yet */
	queue_work(dref_wq, &dispatch_work);
	flush_work(&dispatch_work);

	/* Do not sit out a normal grace period */
	spin_lock(&waiting_lock);
	waiting = llist_del_all(&rcu_waiting);
	next = llist_del_all(&rcu_next);
	spin_unlock(&waiting_lock);
	if (waiting || next) {
		synchronize_rcu_expedited();
		dref_deliver_all(waiting);
		dref_deliver_all(next);
	}
	mutex_unlock(&flush_mutex);

	/* A batch whose grace period was over, and then what all have delivered */
	flush_work(&rcu_work.work);
	flush_workqueue(dref_wq);
}

/* Does the caller run on behalf of a release()?  Then it must not wait for one. */
bool dref_in_release(void)
{
	struct work_struct *work = current_work();

	return work && (work->func == dref_dispatch_work ||
			work->func == dref_class_release_work ||
			work == &rcu_work.work);
}

void dref_releases_init(void)
{
	INIT_RCU_WORK(&rcu_work, dref_rcu_work);
}

void dref_releases_exit(void)
{
	irq_work_sync(&dispatch_irq_work);
	flush_work(&dispatch_work);
	flush_rcu_work(&rcu_work);
}
