// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of objects that a work item is to deal with: the promotion queue, and the dead
 * objects of each class and CPU.
 *
 * An object is added to such a list in any context, by llist_add().  If the list was empty,
 * an irq_work queues the work item, because a put may run in an NMI, or under a lock that
 * queue_work() takes.  The work item takes all objects from the list at once.
 *
 * Flushing
 * --------
 *
 * Functions that wait for releases must be sure that every object that was in the list at
 * the time of the call has been dealt with, and must not wait for those that are added
 * later.  flush_work() is not enough, because it misses a work item that is about to be
 * queued, and it issues a WARN if a WQ_MEM_RECLAIM work item flushes another one.  So these
 * functions take a ticket, queue the work item themselves, and wait until it has dealt with
 * a list that it took after that:
 *
 *	flush					work item
 *
 *	ticket = ++last_ticket			held = true
 *	full barrier				ticket = last_ticket
 *						full barrier
 *	queue the work item			take the list
 *						deal with the objects
 *	wait until flushed >= ticket,		flushed = ticket
 *	  or until the list is empty and	held = false
 *	  held is false
 *
 * The second condition spares the work item where there is nothing to do.  The work item
 * sets held before it takes the list, so a flush that finds the list empty because the work
 * item has just taken it finds held set.  Either condition raises flushed to the ticket, so
 * that the flush does not look at what is added after it.
 */
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/preempt.h>
#include <linux/wait.h>

#include "internal.h"

static atomic_long_t last_ticket;

/* Where tasks wait for work items, and for a class that is going to be unused */
DECLARE_WAIT_QUEUE_HEAD(dref_flush_wait);

/* The work item is about to take the objects from @worklist; returns its ticket */
unsigned long dref_worklist_begin(struct dref_worklist *worklist)
{
	unsigned long ticket;

	WRITE_ONCE(worklist->held, true);
	ticket = atomic_long_read(&last_ticket);
	/* Held and the ticket, then the list; litmus: flush-ticket, flush-held */
	smp_mb();
	return ticket;
}

/* Set *@number to @ticket, unless it is as high, or higher */
void dref_ticket_raise(unsigned long *number, unsigned long ticket)
{
	unsigned long old = READ_ONCE(*number);

	/* Pairs with the acquire in dref_worklist_flushed(); litmus: flush-ticket, flush-raise */
	while ((long)(old - ticket) < 0 && !try_cmpxchg(number, &old, ticket))
		;
}

/* The work item has dealt with all objects that it has taken since @ticket, and before */
void dref_worklist_end(struct dref_worklist *worklist, unsigned long ticket)
{
	dref_ticket_raise(&worklist->flushed, ticket);
	/* Pairs with the acquire in dref_worklist_flushed(); litmus: flush-held */
	smp_store_release(&worklist->held, false);
}

/* Returns a ticket for the objects that are in lists now */
unsigned long dref_flush_ticket(void)
{
	/* Fully ordered, the lists before and after it; litmus: flush-ticket, flush-raise */
	return atomic_long_inc_return(&last_ticket);
}

/* Test whether all objects that were in @worklist before @ticket have been dealt with */
bool dref_worklist_flushed(struct dref_worklist *worklist, unsigned long ticket)
{
	/* Pairs with the cmpxchg in dref_ticket_raise(); litmus: flush-ticket */
	if ((long)(smp_load_acquire(&worklist->flushed) - ticket) >= 0)
		return true;
	if (!llist_empty(&worklist->list))
		return false;
	/* The list, then held; litmus: flush-held */
	smp_rmb();
	/* Pairs with the release in dref_worklist_end(); litmus: flush-held */
	if (smp_load_acquire(&worklist->held))
		return false;
	dref_ticket_raise(&worklist->flushed, ticket);
	return true;
}

/* Wake the tasks that wait for what the caller has just changed */
void dref_flush_wake(void)
{
	if (wq_has_sleeper(&dref_flush_wait))
		wake_up_all(&dref_flush_wait);
}

/*
 * Queue @work, unless this CPU is on its way down, and handles interrupts no more.  Then
 * @work would be queued until the CPU is on line again, and no other CPU could queue it.
 * dref_cpu_dead() (main.c) looks at the lists instead.
 */
void dref_irq_work_queue(struct irq_work *work)
{
	unsigned int cpu;

	preempt_disable();
	cpu = smp_processor_id();
	if (likely(cpu_online(cpu) || !cpu_dying(cpu)))
		irq_work_queue(work);
	preempt_enable();
}
