// SPDX-License-Identifier: GPL-2.0
/*
 * From dead to released: where and when release() is called.
 *
 *	exact, no flag		at once, by the last put; or by the fold of a demotion,
 *				if that finds no reference
 *	deferred, no flag	by a work item of dref, soon after the pass
 *	DREF_RCU		by a work item, after an RCU grace period
 *	DREF_SLEEP		by a work item of the class, so that a class whose
 *				release() sleeps does not delay other classes
 *
 * Only in the first case does release() run on the stack of the put.  In the other
 * cases the object passes through lists, by its link:
 *
 *	dref_dead (per CPU)
 *	   | irq_work, work item: dref_dispatch()
 *	   |
 *	   |-- DREF_RCU --> rcu_next --> rcu_waiting
 *	   |                                | grace period
 *	   v                                v
 *	dref_deliver() <--------------------'
 *	   |
 *	   |-- DREF_SLEEP --> class->dead --> work item of the class --> release()
 *	   |
 *	   '--> release()
 *
 * The first list is per CPU and lock-less, because the last put may run in any
 * context, including NMI, and must not contend with other CPUs.  One work item empties
 * the lists of all possible CPUs, so that a CPU that goes offline leaves nothing
 * behind.
 *
 * dref_releases_flush() waits neither for dispatch_work nor for a normal grace period: it
 * does the work of both itself.  release_mutex guarantees that it misses no object:
 *
 *	dispatch work				dref_releases_flush()
 *
 *	lock release_mutex
 *	take object from dref_dead
 *						lock release_mutex: waits
 *	release(), or add to class->dead
 *	unlock release_mutex
 *						the object is not between two lists
 *
 * The work items of classes are queued under release_mutex, so it can wait for them.
 */
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>
#include <trace/events/dref.h>

#include "internal.h"

static void dref_dispatch_work(struct work_struct *work);
static void dref_rcu_work(struct work_struct *work);
static void dref_dispatch_irq(struct irq_work *work);

static DEFINE_PER_CPU(struct llist_head, dref_dead);
static DECLARE_WORK(dispatch_work, dref_dispatch_work);
static struct irq_work dispatch_irq_work = IRQ_WORK_INIT_HARD(dref_dispatch_irq);

/*
 * Held by a task that has taken objects from the lists, until it has released them or
 * added them to their class's list.  Therefore a task that gets the mutex knows that no
 * object is between two lists.
 */
static struct dref_mutex release_mutex = DREF_MUTEX_INIT(release_mutex);

/* The other mutexes under which release() may be called, for reconcile.c and promote.c */
struct dref_mutex dref_pass_mutex = DREF_MUTEX_INIT(dref_pass_mutex);
struct dref_mutex dref_promote_mutex = DREF_MUTEX_INIT(dref_promote_mutex);

/*
 * How often a release() has put an object on a list that is to be flushed.  Tells
 * dref_releases_flush_chains(), which follows chains of objects that hold the next one,
 * whether to continue.
 */
atomic_long_t dref_nr_chained;

/* DREF_RCU: one batch waits for a grace period, while the next one is collected */
static LLIST_HEAD(rcu_waiting);
static LLIST_HEAD(rcu_next);
static unsigned long rcu_cookie;
static struct rcu_work rcu_work;

/* Count an object that was put on a list that is to be flushed, if a release() did that */
void dref_note_chained(void)
{
	if (dref_in_release())
		atomic_long_inc(&dref_nr_chained);	/* litmus: chain-follow */
}

/* Out of line, so that objects that are released at once do not pay for it */
static noinline void dref_release_later(struct dref *ref, unsigned long mode)
{
	struct llist_head *dead = raw_cpu_ptr(&dref_dead);

	if (llist_add(&ref->link, dead))
		irq_work_queue(&dispatch_irq_work);
	if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT)
		dref_note_chained();
}

static void dref_call_release(struct dref *ref, struct dref_class *class, enum dref_event event)
{
	/*
	 * The allocator may write to the memory that release() frees, including count.
	 * The next dref_init() there must not take it for a live object.
	 */
	ref->link.next = NULL;
	if (dref_broken(DOUBLE_RELEASE))
		class->release(ref);
	class->release(ref);
	if (dref_broken(LATE_WRITE))
		atomic_long_inc(&ref->count);
	/*
	 * Must be last: when dref_class_unregister() has counted this, the class may be freed.
	 * (litmus: release-counted)
	 */
	dref_count_event(class, event);
}

static void dref_release_now(struct dref *ref)
{
	struct dref_class *class = ref->class;
	unsigned long mode = READ_ONCE(ref->mode);

	if (unlikely(mode & DREF_MODE_IMMORTAL)) {
		/* A get from zero has saturated it since its death, and may use it */
		trace_immortalize(ref);
		dref_count_event(class, DREF_IMMORTALIZED);
		return;
	}
	/* Death does not change the mode of an exact object */
	if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT) {
		if (mode & DREF_MODE_TRACKED)
			dref_track_forget(ref);
		dref_call_release(ref, class, DREF_RELEASED_EXACT);
		return;
	}
	dref_count_latency(ref);
	dref_call_release(ref, class, DREF_RELEASED_DEFERRED);
}

/* Release an object that could not be released at once */
static void dref_release_queued(struct dref *ref)
{
	if (!dref_is_immortal(ref))
		trace_release(ref);
	dref_release_now(ref);
}

static void dref_release_list(struct llist_node *list)
{
	struct dref *ref, *next;

	llist_for_each_entry_safe(ref, next, list, link) {
		dref_release_queued(ref);
		cond_resched();
	}
}

/* Release @ref, which need not wait for RCU any more, here or in the class's work */
static void dref_deliver(struct dref *ref)
{
	struct dref_class *class = ref->class;

	if (!(class->flags & DREF_SLEEP))
		dref_release_queued(ref);
	else if (llist_add(&ref->link, &class->dead))
		queue_work(dref_wq, &class->work);
}

static void dref_deliver_list(struct llist_node *list)
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

	WRITE_ONCE(class->releaser, current);
	dref_release_list(llist_del_all(&class->dead));
	WRITE_ONCE(class->releaser, NULL);
}

/* Release @ref now or later; it is dead, and only the caller knows about it */
void dref_release(struct dref *ref)
{
	struct dref_class *class = ref->class;
	unsigned long mode = READ_ONCE(ref->mode);

	if (likely(!(class->flags & (DREF_SLEEP | DREF_RCU)))) {
		/* This also excludes immortal objects, see dref_release_now() */
		if (likely((mode & (DREF_MODE_STATE | DREF_MODE_TRACKED)) ==
			   DREF_MODE_EXACT)) {
			dref_call_release(ref, class, DREF_RELEASED_EXACT);
			return;
		}
		/* In an NMI, records cannot be freed */
		if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT && !in_nmi()) {
			dref_release_now(ref);
			return;
		}
	}
	dref_release_later(ref, mode);
}

static void dref_dispatch_irq(struct irq_work *work)
{
	queue_work(dref_wq, &dispatch_work);
}

/* Take dead objects from all CPUs: release them, or let them wait for RCU */
static void dref_dispatch(void)
{
	struct dref *ref, *next;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (llist_empty(per_cpu_ptr(&dref_dead, cpu)))
			continue;	/* do not take the cache line from that CPU */
		llist_for_each_entry_safe(ref, next,
					  llist_del_all(per_cpu_ptr(&dref_dead, cpu)),
					  link) {
			if (ref->class->flags & DREF_RCU && !dref_broken(SKIP_RCU))
				llist_add(&ref->link, &rcu_next);
			else
				dref_deliver(ref);
			cond_resched();
		}
	}
}

/* Start the grace period of the next batch, unless one is waiting */
static void dref_rcu_advance(void)
{
	if (!llist_empty(&rcu_waiting) || llist_empty(&rcu_next))
		return;
	rcu_waiting.first = llist_del_all(&rcu_next);
	/* A grace period that begins after all of these deaths; litmus: dead-rcu */
	rcu_cookie = get_state_synchronize_rcu();
	queue_rcu_work(dref_wq, &rcu_work);
}

static void dref_dispatch_work(struct work_struct *work)
{
	dref_mutex_lock(&release_mutex);
	dref_dispatch();
	dref_rcu_advance();
	dref_mutex_unlock(&release_mutex);
}

static void dref_rcu_work(struct work_struct *work)
{
	dref_mutex_lock(&release_mutex);
	if (poll_state_synchronize_rcu(rcu_cookie))
		dref_deliver_list(llist_del_all(&rcu_waiting));
	else if (!llist_empty(&rcu_waiting))
		queue_rcu_work(dref_wq, &rcu_work);
	dref_rcu_advance();
	dref_mutex_unlock(&release_mutex);
}

/*
 * Release all objects that were dead before the call.  This does not wait for
 * dispatch_work, because flush_work() misses a work item that is about to be queued.
 */
void dref_releases_flush(void)
{
	struct llist_node *waiting, *next;

	dref_mutex_lock(&release_mutex);
	dref_dispatch();
	/* Do not wait for a normal grace period */
	waiting = llist_del_all(&rcu_waiting);
	next = llist_del_all(&rcu_next);
	if (waiting || next) {
		/* litmus: dead-rcu */
		synchronize_rcu_expedited();
		dref_deliver_list(waiting);
		dref_deliver_list(next);
	}
	dref_mutex_unlock(&release_mutex);

	/* The work items of classes are queued under the mutex, so this misses none */
	flush_workqueue(dref_wq);
}

/* @class has no objects: wait until no work item accesses it any more */
void dref_class_release_sync(struct dref_class *class)
{
	/* The task that added the last object may not have called queue_work() yet */
	dref_mutex_lock(&release_mutex);
	dref_mutex_unlock(&release_mutex);
	/* The work has released that object, and may not have returned */
	flush_work(&class->work);
}

/* Test whether the caller runs the release work of a class */
static bool dref_in_class_release(void)
{
	struct dref_class *class;
	bool found = false;

	if (!current_work())
		return false;	/* the usual case: only a worker looks at the classes */
	rcu_read_lock();
	list_for_each_entry_rcu(class, &dref_classes, node) {
		if (READ_ONCE(class->releaser) == current) {
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static bool dref_mutex_owned(const struct dref_mutex *lock)
{
	return READ_ONCE(lock->holder) == current;
}

/*
 * Test whether the caller runs on behalf of a release(), and so must not wait for one.  An
 * interrupt does not.  A release() called by an exact put is not detected.
 */
bool dref_in_release(void)
{
	return in_task() &&
	       (dref_mutex_owned(&release_mutex) || dref_mutex_owned(&dref_promote_mutex) ||
		dref_mutex_owned(&dref_pass_mutex) || dref_in_class_release());
}

void dref_releases_init(void)
{
	INIT_RCU_WORK(&rcu_work, dref_rcu_work);
}

void dref_releases_exit(void)
{
	irq_work_sync(&dispatch_irq_work);
	flush_work(&dispatch_work);
	while (flush_rcu_work(&rcu_work))
		;
}
