// SPDX-License-Identifier: GPL-2.0
/*
 * From dead to released: who calls release(), and when.
 *
 *	exact, flags 0		the last put, at once; or the fold of a demotion, if that
 *				takes the last reference
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
 * Who must not wait for a work item or for a normal grace period, as in
 * dref_barrier(), does what they would do.
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
 * Held by whoever has taken objects from the lists, until he has released them
 * or left them to their class's work.  So who gets it next knows that nothing is
 * in anybody's hands.
 */
static struct dref_mutex release_mutex = DREF_MUTEX_INIT(release_mutex);

/* The other two under which release() may be called: reconcile.c, promote.c */
struct dref_mutex dref_pass_mutex = DREF_MUTEX_INIT(dref_pass_mutex);
struct dref_mutex dref_promote_mutex = DREF_MUTEX_INIT(dref_promote_mutex);

/*
 * Who follows a chain of objects, each of which holds the next, wants to know whether
 * a release() has left something to flush.
 */
atomic_long_t dref_nr_chained;

/* DREF_RCU: one batch waits for a grace period, the next one gathers */
static LLIST_HEAD(rcu_waiting);
static LLIST_HEAD(rcu_next);
static unsigned long rcu_cookie;
static struct rcu_work rcu_work;

/* The caller has put an object on a list that is to be flushed: for a release()? */
void dref_note_chained(void)
{
	if (dref_in_release())
		atomic_long_inc(&dref_nr_chained);	/* litmus: chain-follow */
}

/* Out of line, for the sake of those that are released at once */
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
	 * The allocator may write to what release() frees, count included: the
	 * next dref_init() in this memory must not find a live object there.
	 */
	ref->link.next = NULL;
	if (dref_broken(DOUBLE_RELEASE))
		class->release(ref);
	class->release(ref);
	if (dref_broken(LATE_WRITE))
		atomic_long_inc(&ref->count);
	/*
	 * Last of all: when dref_class_unregister() has counted this, the
	 * class may go.  (litmus: release-counted)
	 */
	dref_count_event(class, event);
}

static void dref_release_now(struct dref *ref)
{
	struct dref_class *class = ref->class;
	unsigned long mode = READ_ONCE(ref->mode);

	if (unlikely(mode & DREF_MODE_IMMORTAL)) {
		/* A get from zero, since: whoever did it goes on using it */
		trace_immortalize(ref);
		dref_count_event(class, DREF_IMMORTALIZED);
		return;
	}
	/* An exact object dies with its mode unchanged */
	if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT) {
		if (mode & DREF_MODE_TRACKED)
			dref_track_forget(ref);
		dref_call_release(ref, class, DREF_RELEASED_EXACT);
		return;
	}
	dref_count_latency(ref);
	dref_call_release(ref, class, DREF_RELEASED_DEFERRED);
}

/* One that could not be released at once */
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

/* Nothing more to wait for: release @ref here, or where it may sleep */
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

/* @ref is dead, and nobody but the caller knows it */
void dref_release(struct dref *ref)
{
	struct dref_class *class = ref->class;
	unsigned long mode = READ_ONCE(ref->mode);

	if (likely(!(class->flags & (DREF_SLEEP | DREF_RCU)))) {
		/* And so not immortal; see dref_release_now() */
		if (likely((mode & (DREF_MODE_STATE | DREF_MODE_TRACKED)) ==
			   DREF_MODE_EXACT)) {
			dref_call_release(ref, class, DREF_RELEASED_EXACT);
			return;
		}
		/* In an NMI nothing can be forgotten */
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

/* Take what is dead from all CPUs: release it, or let it wait for RCU */
static void dref_dispatch(void)
{
	struct dref *ref, *next;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (llist_empty(per_cpu_ptr(&dref_dead, cpu)))
			continue;	/* do not take the line away from it */
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

/* Let the next batch begin to wait, if none does */
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
 * All that was dead before the call has been released.  The work items are not
 * waited for: one may not have been queued yet, or be about to be, and then
 * flush_work() does not see it.
 */
void dref_releases_flush(void)
{
	struct llist_node *waiting, *next;

	dref_mutex_lock(&release_mutex);
	dref_dispatch();
	/* Do not sit out a normal grace period */
	waiting = llist_del_all(&rcu_waiting);
	next = llist_del_all(&rcu_next);
	if (waiting || next) {
		/* litmus: dead-rcu */
		synchronize_rcu_expedited();
		dref_deliver_list(waiting);
		dref_deliver_list(next);
	}
	dref_mutex_unlock(&release_mutex);

	/* The classes' work items: they are queued under the mutex */
	flush_workqueue(dref_wq);
}

/* The class has no objects: let go of it, too */
void dref_class_release_sync(struct dref_class *class)
{
	/* Who has delivered the last one may not have come to queue_work() */
	dref_mutex_lock(&release_mutex);
	dref_mutex_unlock(&release_mutex);
	/* The work has released it, and may not have returned */
	flush_work(&class->work);
}

/* Does the caller release objects of a class whose release() may sleep? */
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
 * Does the caller run on behalf of a release()?  Then it must not wait for one.  An
 * interrupt does not.  A release() that an exact put has called is not known.
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
