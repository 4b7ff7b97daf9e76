// SPDX-License-Identifier: GPL-2.0
/*
 * From dead to released: where and when release() is called.
 *
 *	exact, no flag		at once, by the last put
 *	all other objects	by a work item of the class and of the CPU that found the
 *				object dead; with DREF_RCU, after an RCU grace period
 *
 * Only in the first case does release() run on the stack of the put.  In the other case
 * the object waits in a list, linked by its link:
 *
 *	class->cpu, on this CPU: dead
 *	    | irq_work, work item: dref_release_work()
 *	    |
 *	    |-- DREF_RCU --> waiting, for a grace period --.
 *	    |                                              |
 *	    '--> release()  <------------------------------'
 *
 * Each class has a list and a work item on each CPU.  So releases keep pace with the CPUs
 * that drop objects, a CPU that drops nothing has nothing to do, and no class waits for the
 * release() of another one.  release() of one class can run on several CPUs at a time.  The
 * workqueues are unbound: a CPU that goes off line leaves nothing behind, and the scheduler
 * may move releases to an idle CPU.
 *
 * To queue and to run a work item costs more than most releases.  So after a run, what the
 * CPU drops in the same tick waits for the next run, a tick or two later.  It does not wait
 * if something waits for it, or if it was dropped by a release() of that run: a chain of
 * objects would be released one a tick.
 *
 * DREF_SLEEP releases run on a workqueue of their own, dref_sleep_wq, which is not
 * WQ_MEM_RECLAIM, because a release() there may wait for another workqueue.  All others run
 * on dref_wq, which is: reclaim may wait for the memory that they free.
 *
 * Lifetime of a class
 * -------------------
 *
 * class->works counts what is going to call dref_release_work(): an irq_work, an RCU
 * callback, or a work item, delayed, queued or running.  Each hands its pin to the next
 * one.  A class that has no objects is unused when there is no such pin, too:
 *
 *	last put				dref_class_remove()
 *
 *	preempt_disable()
 *	add the object to dead			a flush has queued the work item,
 *						  which releases the object:
 *						  the class has no objects
 *						hide the class
 *						RCU grace period ...
 *	pin the class
 *	preempt_enable()
 *						... returns
 *						wait until works is 0
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <trace/events/dref.h>

#include "compat.h"
#include "internal.h"

/* Flags of a class whose release() is not called by the put */
#define DREF_RELEASE_QUEUED	(DREF_SLEEP | DREF_RCU | DREF_ASYNC | DREF_LATE)
#define DREF_LATE_MS		1000U	/* the longest delay of a late release */

static void dref_release_work(struct work_struct *work);

/*
 * Unbound, so that work is not queued on a particular CPU, least of all on one
 * that is idle or nohz_full.  WQ_MEM_RECLAIM, because releases free memory and
 * reclaim may wait for them.  The passes run on it, too.
 */
struct workqueue_struct *dref_wq;

/*
 * For DREF_SLEEP releases, which may wait for other workqueues, and so must not run on a
 * WQ_MEM_RECLAIM one.  As many of them may sleep at a time as the kernel allows.
 */
static struct workqueue_struct *dref_sleep_wq;

/* The lists of this CPU that are not empty any more */
static DEFINE_PER_CPU(struct llist_head, kicked);
static DEFINE_PER_CPU(struct irq_work, kick_irq_work);

/*
 * How often a work item, which may have called a release(), has put an object on a list that
 * is to be flushed.
 */
static DEFINE_PER_CPU(unsigned long, chained);

/* ---- calling release() ---- */

static void dref_call_release(struct dref *ref, struct dref_class *class, enum dref_event event)
{
	dref_debug_end(ref);
	dref_lockdep_begin(class);
	class->release(ref);
	dref_lockdep_end(class);
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

	if (unlikely(dref_mode_immortal(mode))) {
		/* A get from zero has saturated it since its death, and may use it */
		trace_immortalize(ref);
		dref_debug_end(ref);
		dref_count_event(class, DREF_IMMORTALIZED);
		return;
	}
	/* Death does not change the mode of an exact object */
	if (dref_mode_state(mode) == DREF_MODE_EXACT) {
		if (mode & DREF_MODE_TRACKED)
			dref_track_forget(ref);
		dref_call_release(ref, class, DREF_RELEASED_EXACT);
		return;
	}
	dref_count_latency(ref);
	dref_call_release(ref, class, DREF_RELEASED_DEFERRED);
}

static void dref_release_list(struct llist_node *list)
{
	struct dref *ref, *next;

	llist_for_each_entry_safe(ref, next, list, link) {
		if (!dref_is_immortal(ref))
			trace_release(ref);
		dref_release_now(ref);
		cond_resched();
	}
}

/* Release @ref now or later; it is dead, and only the caller knows about it */
void dref_release(struct dref *ref)
{
	struct dref_class *class = ref->class;
	unsigned long mode = READ_ONCE(ref->mode);

	if (likely(!(READ_ONCE(class->flags) & DREF_RELEASE_QUEUED))) {
		/* This also excludes immortal objects, see dref_release_now() */
		if (likely((mode & (DREF_MODE_TAGS | DREF_MODE_TRACKED)) == DREF_MODE_EXACT &&
			   !(IS_ENABLED(CONFIG_DEBUG_OBJECTS) && in_nmi()))) {
			dref_call_release(ref, class, DREF_RELEASED_EXACT);
			return;
		}
		/* In an NMI, records cannot be freed, and debugobjects cannot be told */
		if ((mode & DREF_MODE_TAGS) == DREF_MODE_EXACT && !in_nmi()) {
			dref_release_now(ref);
			return;
		}
	}
	dref_release_later(ref);
}

/* ---- from the put to the work item ---- */

/* Count an object that was put on a list to be flushed, if a release() may have done that */
void dref_note_chained(void)
{
	if (in_task() && current_work())
		this_cpu_inc(chained);	/* after llist_add(); litmus: chain-follow */
}

/*
 * Returns a number that changes if a release() puts an object on a list.  Tells
 * dref_releases_flush_chains(), which follows chains of objects that hold the next one,
 * whether to continue.
 */
unsigned long dref_nr_chained(void)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(chained, cpu));
	smp_mb();	/* the number, then the lists; litmus: chain-follow */
	return sum;
}

/* Test whether the caller is a release() that a work item has called */
bool dref_in_queued_release(void)
{
	const struct work_struct *work = in_task() ? current_work() : NULL;
	struct dref_class_cpu __percpu *cpus;
	struct dref_class *class;
	bool found = false;
	int cpu;

	if (!work)
		return false;
	rcu_read_lock();
	list_for_each_entry_rcu(class, &dref_classes, node) {
		cpus = READ_ONCE(class->cpu);
		for_each_possible_cpu(cpu)
			found |= cpus && work == &per_cpu_ptr(cpus, cpu)->work.work;
	}
	rcu_read_unlock();
	return found;
}

static void dref_class_unpin_works(struct dref_class *class)
{
	/* Pairs with the acquire in dref_class_quiesce(); litmus: class-works */
	(void)atomic_dec_return_release(&class->works);
}

static struct workqueue_struct *dref_wq_of(struct dref_class *class)
{
	return READ_ONCE(class->flags) & DREF_SLEEP ? dref_sleep_wq : dref_wq;
}

/* Queue the work item that releases what is in @cpu, at once; takes over a pin on the class */
static void dref_queue_release_now(struct dref_class_cpu *cpu)
{
	if (mod_delayed_work(dref_wq_of(cpu->class), &cpu->work, 0))
		dref_class_unpin_works(cpu->class);	/* it was queued, and has a pin */
}

/* The same, but later if it has begun in this tick */
static void dref_queue_release(struct dref_class_cpu *cpu)
{
	unsigned long delay = time_after_eq(READ_ONCE(cpu->worked), jiffies);

	if (!queue_delayed_work(dref_wq_of(cpu->class), &cpu->work, delay))
		dref_class_unpin_works(cpu->class);	/* it is queued, and has a pin */
}

/* Have an irq_work queue the work item; called with preemption disabled */
static void dref_kick_release(struct dref_class_cpu *cpu)
{
	/* List, then kicked; pairs with the xchg in dref_releases_kick(); litmus: release-kick */
	if (atomic_xchg(&cpu->kicked, 1))
		return;
	atomic_inc(&cpu->class->works);
	if (llist_add(&cpu->kick, this_cpu_ptr(&kicked)))
		dref_irq_work_queue(this_cpu_ptr(&kick_irq_work));
}

/* Release @ref, which is dead, in a work item; any context */
void dref_release_later(struct dref *ref)
{
	bool exact = dref_mode_state(READ_ONCE(ref->mode)) == DREF_MODE_EXACT;
	struct dref_class_cpu __percpu *cpus;
	struct dref_class_cpu *cpu;

	/*
	 * An RCU section, for the class, as another task may release @ref at once.
	 * (litmus: class-works)
	 */
	preempt_disable();
	cpus = READ_ONCE(ref->class->cpu);
	cpu = this_cpu_ptr(cpus);
	/* Without cpus, a module has left the class behind, and @ref is leaked */
	if (cpus && llist_add(&ref->link, &cpu->dead.list))
		dref_kick_release(cpu);
	preempt_enable();
	if (exact)
		dref_note_chained();
}

/* Queue the work items of the lists that @cpu has begun; called on it, or when it is dead */
void dref_releases_kick(unsigned int cpu)
{
	struct dref_class_cpu *class_cpu, *next;

	llist_for_each_entry_safe(class_cpu, next, llist_del_all(per_cpu_ptr(&kicked, cpu)), kick) {
		/* Kicked, then list; an object added later kicks again; litmus: release-kick */
		atomic_xchg(&class_cpu->kicked, 0);
		dref_queue_release(class_cpu);
	}
}

static void dref_release_irq(struct irq_work *work)
{
	dref_releases_kick(smp_processor_id());
}

/* ---- the work item ---- */

static void dref_release_rcu(struct rcu_head *rcu)
{
	struct dref_class_cpu *cpu = container_of(rcu, struct dref_class_cpu, rcu);

	/* RCU is done with rcu; pairs with the acquire in dref_take_waited() */
	smp_store_release(&cpu->rcu_pending, false);
	dref_queue_release(cpu);
}

/* Returns the objects that have waited for RCU, and lets those that have died since wait */
static struct llist_node *dref_take_waited(struct dref_class_cpu *cpu)
{
	struct llist_node *waited = NULL;

	if (cpu->waiting && poll_state_synchronize_rcu(cpu->cookie)) {
		waited = cpu->waiting;
		cpu->waiting = NULL;
	}
	if (!cpu->waiting) {
		cpu->waiting = llist_del_all(&cpu->dead.list);
		/* A grace period that begins after all of these deaths; litmus: dead-rcu */
		cpu->cookie = get_state_synchronize_rcu();
	}
	/* Pairs with the release in dref_release_rcu() */
	if (cpu->waiting && !smp_load_acquire(&cpu->rcu_pending)) {
		WRITE_ONCE(cpu->rcu_pending, true);
		atomic_inc(&cpu->class->works);
		dref_call_rcu(&cpu->rcu, dref_release_rcu);
	}
	return waited;
}

/* Release all objects of a DREF_RCU class, as something waits for that */
static void dref_release_expedited(struct dref_class_cpu *cpu)
{
	struct llist_node *waiting = cpu->waiting;
	struct llist_node *dead = llist_del_all(&cpu->dead.list);

	cpu->waiting = NULL;
	if (!waiting && !dead)
		return;
	/* litmus: dead-rcu */
	synchronize_rcu_expedited();
	dref_release_list(waiting);
	dref_release_list(dead);
}

static void dref_release_work(struct work_struct *work)
{
	struct dref_class_cpu *cpu = container_of(work, struct dref_class_cpu, work.work);
	struct dref_class *class = cpu->class;
	unsigned int flags = READ_ONCE(class->flags);	/* delay_release changes one of them */
	unsigned long ticket = dref_worklist_begin(&cpu->dead);
	unsigned long chains = raw_cpu_read(chained);
	struct dref_class_cpu __percpu *cpus;

	WRITE_ONCE(cpu->worked, jiffies);
	if (flags & DREF_LATE)
		msleep(get_random_u32() % DREF_LATE_MS);
	if (!(flags & DREF_RCU))
		dref_release_list(llist_del_all(&cpu->dead.list));
	else if ((long)(READ_ONCE(cpu->dead.flushed) - READ_ONCE(class->wanted)) < 0)
		dref_release_expedited(cpu);
	else
		dref_release_list(dref_take_waited(cpu));
	if (!cpu->waiting)
		dref_worklist_end(&cpu->dead, ticket);
	/* If this task has changed its CPU, the rest of a chain waits for its tick */
	cpus = READ_ONCE(class->cpu);
	if (cpus && raw_cpu_read(chained) != chains) {
		atomic_inc(&class->works);
		dref_queue_release_now(raw_cpu_ptr(cpus));
	}
	dref_class_unpin_works(class);	/* the class may be freed now */
	dref_flush_wake();
}

/* ---- waiting for releases ---- */

/*
 * Have the work items of @class release what was dropped before @ticket.  The caller keeps
 * the class registered, or is in an RCU section and has found it in the list.
 */
static void dref_class_flush(struct dref_class *class, unsigned long ticket)
{
	struct dref_class_cpu __percpu *cpus = READ_ONCE(class->cpu);
	struct dref_class_cpu *class_cpu;
	int cpu;

	dref_ticket_raise(&class->wanted, ticket);
	for_each_possible_cpu(cpu) {
		class_cpu = per_cpu_ptr(cpus, cpu);
		if (!cpus || dref_worklist_flushed(&class_cpu->dead, ticket))
			continue;
		atomic_inc(&class->works);
		dref_queue_release_now(class_cpu);
	}
}

static bool dref_class_flushed(const struct dref_class *class, unsigned long ticket)
{
	struct dref_class_cpu __percpu *cpus = READ_ONCE(class->cpu);
	int cpu;

	for_each_possible_cpu(cpu) {
		if (cpus && !dref_worklist_flushed(&per_cpu_ptr(cpus, cpu)->dead, ticket))
			return false;
	}
	return true;
}

static bool dref_classes_flushed(unsigned long ticket)
{
	struct dref_class *class;
	bool flushed = true;

	rcu_read_lock();
	list_for_each_entry_rcu(class, &dref_classes, node) {
		/* Not a class that was registered since dref_releases_flush() looked */
		if ((long)(READ_ONCE(class->wanted) - ticket) >= 0)
			flushed = flushed && dref_class_flushed(class, ticket);
	}
	rcu_read_unlock();
	return flushed;
}

/*
 * Wait until the objects of @class, or if it is NULL of all classes, that are dead now have
 * been released.
 */
void dref_releases_flush(struct dref_class *class, unsigned int task_state)
{
	unsigned long ticket = dref_flush_ticket();
	struct dref_class *each;

	dref_lockdep_wait(class);
	if (class) {
		dref_class_flush(class, ticket);
		wait_event_state(dref_flush_wait, dref_class_flushed(class, ticket), task_state);
		return;
	}
	rcu_read_lock();
	list_for_each_entry_rcu(each, &dref_classes, node)
		dref_class_flush(each, ticket);
	rcu_read_unlock();
	wait_event_state(dref_flush_wait, dref_classes_flushed(ticket), task_state);
}

/* ---- set-up ---- */

/* Returns what @class has on each CPU, or NULL */
struct dref_class_cpu __percpu *dref_class_cpu_alloc(struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpus;
	struct dref_class_cpu *class_cpu;
	int cpu;

	cpus = alloc_percpu(struct dref_class_cpu);
	if (!cpus)
		return NULL;
	for_each_possible_cpu(cpu) {
		class_cpu = per_cpu_ptr(cpus, cpu);
		class_cpu->class = class;
		INIT_DELAYED_WORK(&class_cpu->work, dref_release_work);
		class_cpu->worked = jiffies - 1;
	}
	return cpus;
}

int dref_releases_init(void)
{
	int cpu;

	dref_wq = alloc_workqueue("dref", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!dref_wq)
		return -ENOMEM;
	dref_sleep_wq = alloc_workqueue("dref_sleep", WQ_UNBOUND, DREF_WQ_MAX_ACTIVE);
	if (!dref_sleep_wq) {
		destroy_workqueue(dref_wq);
		return -ENOMEM;
	}
	/* A static initialiser would not do: a module's per-CPU data is not relocated */
	for_each_possible_cpu(cpu)
		per_cpu(kick_irq_work, cpu) = IRQ_WORK_INIT_HARD(dref_release_irq);
	return 0;
}

void dref_releases_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(per_cpu_ptr(&kick_irq_work, cpu));
	destroy_workqueue(dref_sleep_wq);
	destroy_workqueue(dref_wq);
}
