/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of dref.ko.
 *
 *	event.c		events per class and CPU; they tell when a class has no objects
 *	caller.c	the code that has called dref, for WARNs and for holders
 *	worklist.c	lock-less lists of objects, and waiting until a list was emptied
 *	heat.c		measures which exact objects are used most
 *	slot.c		the pool of per-CPU counters
 *	tasks_gp.c	the Tasks RCU grace periods after which a slot is free
 *	immortal.c	objects that are no longer counted: by request, or saturated
 *	release.c	dead -> released: where and when release() is called
 *	zero.c		count is below zero: the last put of an exact object, or underflow
 *	reconcile.c	deferred -> dead, deferred -> exact: passes and their schedule
 *	promote.c	exact -> deferred: the promotion queue, dref_defer()
 *	count.c		gets, puts and trygets off the fast path
 *	end.c		dref_kill(), dref_exit()
 *	barrier.c	dref_reconcile(), dref_barrier()
 *	class.c		registering and unregistering classes
 *	tunables.c	the tunables, which are module parameters
 *	main.c		the module
 *
 * A file calls only files above it in this table, except through the inline
 * functions of dref.h, so that a get that makes an object hot, a last put and a pass
 * can each be followed in one direction (selftests/host/layers.sh).  One file is not in
 * the table: trace.c defines the tracepoints.  Inspection (module/inspect) reads all of it;
 * hooks.h declares what the core calls there.
 *
 * Locks, outermost first:
 *
 *	dref_classes_mutex, pass_mutex, dref_track_mutex
 *				never one of these inside another, and none while
 *				something waits for a release()
 *	  dref_bias_lock, incoming_lock, dref_pool_lock, published_lock
 *				spinlocks, never one of these inside another
 *	    the raw spinlocks of track.c
 */
#ifndef DREF_INTERNAL_H
#define DREF_INTERNAL_H

#include <linux/bits.h>
#include <linux/dref.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poison.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "hooks.h"

/*
 * The number line of count, which holds the number of references minus one, and
 * DREF_BIAS while the object has a slot:
 *
 *	LONG_MIN  DEAD   -LIMIT     -1  0             HIGH   BIAS     LIMIT   LONG_MAX
 *	    |------|--------|--------|--|--------------|------|---------|--------|
 *	         dead         bugs  none  1, 2, 3 ...      has a slot    overflow
 *	                                  references
 *
 * The bias keeps a put in flight from reaching zero when the references that it
 * balances are counted in the slot.  count is then about DREF_BIAS, and the slot's
 * share of the references may be negative or positive.
 *
 * A put drops at most DREF_COUNT_LIMIT references.  So if it drops more than there
 * are, the count of a live object falls to the range "bugs", and never to "dead".
 * If such a put takes a biased count to -1, dref_count_zero() does not mistake it for
 * the last put, because the object is not exact.
 *
 * The count of a dead object is DREF_COUNT_DEAD.  If the object was deferred, the
 * time when it was last seen held is added, in microseconds.
 *
 * A count without bias gets above DREF_COUNT_HIGH only by dref_get_many().
 * dref_mark_high() then sets DREF_MODE_HIGH, so that mode equals no dref_home word, and
 * the object keeps it while its count is that high.  So each further get and tryget
 * leaves the fast path, and compares count with DREF_COUNT_LIMIT.  dref_read() takes
 * the count of an exact object above DREF_COUNT_HIGH for a biased one, unless it has
 * DREF_MODE_HIGH.
 *
 * An immortal object is not counted.  If it has become immortal, its count is
 * DREF_COUNT_IMMORTALIZED.  No dying object can have that count, so the cmpxchg with
 * which a pass declares an object dead fails.  The count of an object that was
 * immortal from the beginning is DREF_IMMORTAL_COUNT.
 */
#define DREF_BIAS		((long)BIT(61))
#define DREF_COUNT_DEAD		(-3 * DREF_BIAS)
#define DREF_COUNT_HIGH		((long)BIT(60))
#define DREF_COUNT_LIMIT	(LONG_MAX / 2)
#define DREF_COUNT_IMMORTALIZED	(DREF_BIAS + DREF_COUNT_HIGH)

/* The state of an object, by the tags in its mode (immortal.c) */
extern const u8 dref_mode_states[DREF_MODE_TAGS + 1];

/* The other fields of the mode word in exact mode; dref.h has a drawing */
#define DREF_MODE_QUEUED	0x10UL	/* found hot: heat is not measured any more */
#define DREF_MODE_HIGH		0x20UL	/* count was above DREF_COUNT_HIGH */
#define DREF_MODE_TRACKED	0x40UL	/* holders are recorded (track.c) */
#define DREF_MODE_CPU_SHIFT	8
#define DREF_MODE_CPU_BITS	14
#define DREF_MODE_CPU		GENMASK(DREF_MODE_CPU_SHIFT + DREF_MODE_CPU_BITS - 1, \
					DREF_MODE_CPU_SHIFT)
#define DREF_MODE_EPOCH_SHIFT	24	/* tracking epoch: how often tracking was enabled */
#define DREF_MODE_COLD		BIT(32)	/* heat is ignored until the window in mode */
#define DREF_MODE_AGAIN_SHIFT	33	/* how often the object got no slot */
#define DREF_MODE_AGAIN		GENMASK(35, DREF_MODE_AGAIN_SHIFT)
#define DREF_MODE_WINDOW_SHIFT	36	/* heat window: a time of 1024 ms (heat.c) */
#define DREF_MODE_WINDOW_BITS	16
#define DREF_MODE_HEAT_SHIFT	52
#define DREF_MODE_HEAT_MAX	((1UL << 12) - 1)

/*
 * Returns the state in @mode, whether the object has been killed or not: exact, deferred,
 * demoting, dying, DREF_MODE_UNCOUNTED for every immortal object, or DREF_MODE_NONE for a
 * word that dref has not written.
 */
static inline unsigned long dref_mode_state(unsigned long mode)
{
	return dref_mode_states[mode & DREF_MODE_TAGS];
}

/* As dref_mode_state(), for a user's memory, which the kernel may have poisoned */
static inline unsigned long dref_user_state(unsigned long mode)
{
	const unsigned long bytes = ~0UL / 0xff;

	return mode == bytes * POISON_INUSE || mode == bytes * POISON_FREE ?
	       DREF_MODE_NONE : dref_mode_state(mode);
}

static inline bool dref_mode_killed(unsigned long mode)
{
	switch (mode & DREF_MODE_TAGS) {
	case DREF_MODE_EXACT:
	case DREF_MODE_UNCOUNTED:
		return mode & DREF_MODE_KILLED;
	default:
		return (mode & (DREF_MODE_KILLED_SLOT | DREF_MODE_DEFERRED)) ==
		       DREF_MODE_KILLED_SLOT;
	}
}

/* Returns what @mode is after a kill */
static inline unsigned long dref_mode_kill(unsigned long mode)
{
	if (dref_mode_immortal(mode))
		return DREF_MODE_UNCOUNTED | DREF_MODE_KILLED;
	if ((mode & DREF_MODE_TAGS) == DREF_MODE_EXACT)
		return mode | DREF_MODE_KILLED;
	return (mode & ~DREF_MODE_DEFERRED) | DREF_MODE_KILLED_SLOT;
}

/* Returns @to, a new mode for an object whose mode is @mode: it stays killed if it is */
static inline unsigned long dref_mode_change(unsigned long mode, unsigned long to)
{
	return dref_mode_killed(mode) ? dref_mode_kill(to) : to;
}

/**
 * struct dref_slot - what the passes know of one deferred object
 * @counts: the counters, a pair on each CPU
 * @ref: the object to which the slot is attached
 * @class: class of the object
 * @chunk: the allocation of many slots that contains this one (slot.c)
 * @node: links the slot into the chunk's free list, or into a list of the passes
 * @since: jiffies when the slot was attached
 * @held_ns: time when the object was last seen to have references
 * @epoch: the last epoch that had begun when the slot was attached
 * @summed: the epoch in which @puts and @gets were summed
 * @puts: P, the sum of puts in the first half of the pass @summed (reconcile.c)
 * @gets: the sum of gets shortly after that, which is not G
 * @activity: gets, puts and count, combined, in the last periodic pass
 * @idle_passes: number of periodic passes since the last activity
 * @demoting: set when a pass makes the object demoting, and cleared when a pass finds
 *	it deferred again; the state to which a dying object returns
 * @reported: dref_leaks_log() has logged the object (holders.c)
 * @tasks_gp: number of the Tasks RCU grace period after which @counts of a
 *	demoting or immortal object is not incremented any more
 */
struct dref_slot {
	struct dref_counts __percpu	*counts;
	struct dref			*ref;
	struct dref_class		*class;
	struct dref_chunk		*chunk;
	struct list_head		node;
	unsigned long			since;
	u64				held_ns;
	unsigned long			epoch;
	unsigned long			summed;
	unsigned long			puts;
	unsigned long			gets;
	unsigned long			activity;
	unsigned int			idle_passes;
	bool				demoting;
	bool				reported;
	unsigned long			tasks_gp;
};

/* slot.c */
struct dref_slot *dref_slot_get(struct dref *ref, struct dref_class *class, gfp_t gfp);
void dref_slot_put(struct dref_slot *slot);
void dref_slot_set_ref(struct dref_slot *slot, struct dref *ref);
void dref_slot_hide(struct dref_slot *slot);	/* from inspection (look.c) */
void dref_slot_clear(struct dref_slot *slot);
unsigned long dref_slot_gets(const struct dref_slot *slot);
unsigned long dref_slot_puts(const struct dref_slot *slot);
void dref_slot_sum(struct dref_slot *slot, unsigned long epoch);
void dref_slots_trim(void);
void dref_slots_exit(void);
unsigned long dref_slots_used(void);
unsigned long dref_slots_total(void);
size_t dref_slot_bytes(void);
extern spinlock_t dref_bias_lock;

/* immortal.c */

/* How an object was miscounted; dref_saturate() counts an event for each of these */
enum dref_fault { DREF_UNDERFLOW, DREF_OVERFLOW };
bool dref_make_immortal(struct dref *ref);
void dref_warn_no_object(const char *what, unsigned long caller);
void dref_saturate(struct dref *ref, enum dref_fault fault, const char *what,
		   unsigned long caller);

/* zero.c */
bool dref_count_zero(struct dref *ref, unsigned long caller);

/* heat.c */
#define DREF_SAMPLE_SHIFT	11	/* one in 2^11 exact puts is a sample */
#define DREF_SAMPLES_HOT	4	/* each adds this part of promote_threshold */
#define DREF_COLD_SHIFT_MAX	6U	/* an object is cold for up to 2^6 heat windows */

void dref_homes_set(unsigned int epoch);
unsigned long dref_home_mode(const struct dref_class *class);
void dref_sample_next(void);
unsigned long dref_heat(struct dref *ref, unsigned long mode, bool sampled);
void dref_cool(struct dref *ref, bool refused);
void dref_mark_high(struct dref *ref);

/* promote.c */
void dref_promote_later(struct dref *ref, unsigned long heat);
void dref_cancel_demotion(struct dref *ref, unsigned long mode);
void dref_promotions_flush(void);
void dref_promotions_kick(void);
bool dref_in_promotion(void);
void dref_promotions_exit(void);

/* reconcile.c */
void dref_pass_add(struct dref_slot *slot);
void dref_pass_kick(void);
void dref_pass_forget(const struct module *owner);
int dref_reconcile_init(void);
void dref_reconcile_exit(void);

struct dref_pass_stats {
	unsigned long	epoch;
	unsigned long	passes;
	unsigned long	passes_expedited;
	unsigned long	dying;
	u64		gp_ns_last;
	u64		gp_ns_max;
	u64		pass_ns_last;
	u64		pass_ns_max;
	/* objects found dead by the last dref_reconcile(), which released them */
	unsigned long	released_last;
};

void dref_pass_stats(struct dref_pass_stats *stats);

/**
 * struct dref_found - the dead objects that one or several passes have found
 * @epoch: input: an object whose slot was attached in this epoch or before is old
 * @dead: number of dead objects
 * @old: number of old ones among them
 * @reconcile: dref_reconcile() runs the passes, and the statistics keep @dead
 */
struct dref_found {
	unsigned long	epoch;
	unsigned long	dead;
	unsigned long	old;
	bool		reconcile;
};

void dref_pass_expedited(struct dref_found *found);
unsigned long dref_pass_epoch(void);

/* barrier.c */
bool dref_in_release(void);
void dref_pass_now(void);
void dref_class_reconcile(struct dref_class *class, unsigned int task_state);

/* tasks_gp.c */
unsigned long dref_tasks_gp_next(void);
bool dref_tasks_gp_done(unsigned long gp);
void dref_tasks_gp_advance(void);
void dref_tasks_gp_exit(void);

/* event.c */

/* Events, counted per class and CPU.  The first four are the ends of an object. */
enum dref_event {
	DREF_RELEASED_EXACT,
	DREF_RELEASED_DEFERRED,
	DREF_EXITED,
	DREF_IMMORTALIZED,
	DREF_PROMOTIONS,
	DREF_PROMOTIONS_FAILED,
	DREF_DEMOTIONS,
	DREF_RESURRECTED,
	DREF_UNDERFLOWS,
	DREF_OVERFLOWS,
	DREF_NR_EVENTS
};

/* worklist.c */

/**
 * struct dref_worklist - a lock-less list of objects that a work item empties
 * @list: the objects
 * @held: the work item has taken objects, and has not dealt with all of them yet
 * @flushed: the last ticket for which the list has been flushed (worklist.c)
 */
struct dref_worklist {
	struct llist_head	list;
	bool			held;
	unsigned long		flushed;
};

unsigned long dref_worklist_begin(struct dref_worklist *worklist);
void dref_worklist_end(struct dref_worklist *worklist, unsigned long ticket);
unsigned long dref_flush_ticket(void);
void dref_ticket_raise(unsigned long *number, unsigned long ticket);
bool dref_worklist_flushed(struct dref_worklist *worklist, unsigned long ticket);
void dref_flush_wake(void);
extern wait_queue_head_t dref_flush_wait;
void dref_irq_work_queue(struct irq_work *work);

/* release.c */

/* Private flag of a class: release() comes late, to find bugs (the parameter delay_release) */
#define DREF_LATE	0x10000U

/**
 * struct dref_class_cpu - what one CPU has counted and dropped of a class
 * @created: number of objects initialised; class->created points to it
 * @events: the other events
 * @class: the class
 * @dead: dead objects that this CPU has dropped
 * @work: releases them
 * @worked: when @work began to run last, in jiffies
 * @kicked: @kick is in the CPU's list, and an irq_work is to queue the work item
 * @kick: links this into that list
 * @waiting: objects of a DREF_RCU class that wait for the grace period @cookie
 * @cookie: a grace period that began after the deaths of @waiting
 * @rcu: queues the work item after a grace period
 * @rcu_pending: @rcu has been given to RCU
 */
struct dref_class_cpu {
	unsigned long		created;
	unsigned long		events[DREF_NR_EVENTS];
	struct dref_class	*class;
	struct dref_worklist	dead;
	struct delayed_work	work;
	unsigned long		worked;
	atomic_t		kicked;
	struct llist_node	kick;
	struct llist_node	*waiting;
	unsigned long		cookie;
	struct rcu_head		rcu;
	bool			rcu_pending;
};

void dref_release(struct dref *ref);
void dref_release_later(struct dref *ref);
void dref_releases_flush(struct dref_class *class, unsigned int task_state);
void dref_releases_kick(unsigned int cpu);
void dref_note_chained(void);
unsigned long dref_nr_chained(void);
bool dref_in_queued_release(void);
extern struct workqueue_struct *dref_wq;
struct dref_class_cpu __percpu *dref_class_cpu_alloc(struct dref_class *class);
int dref_releases_init(void);
void dref_releases_exit(void);

/* class.c */
#define DREF_CLASS_NAME_SIZE	32	/* including the terminating NUL */

extern struct mutex dref_classes_mutex;
extern struct list_head dref_classes;
int dref_classes_prepare(void);
int dref_classes_init(void);

/*
 * Drop a pin on a class: an attached slot has one, which dref_class_pin() took.  Pairs
 * with the acquire in dref_class_remove(): all accesses to the class come before this.
 * (litmus: class-pin)
 */
static inline void dref_class_unpin(struct dref_class *class)
{
	(void)atomic_long_dec_return_release(&class->deferred);
}

void dref_classes_exit(void);

/* Count an event, unless @class is unregistered: a bug may let an object outlive that */
static inline void dref_count_event(struct dref_class *class, enum dref_event event)
{
	struct dref_class_cpu __percpu *cpu = READ_ONCE(class->cpu);

	if (likely(cpu))
		this_cpu_inc(cpu->events[event]);
}

#define DREF_LATENCY_BUCKETS	32	/* 0, 1, 2-3, 4-7 ... microseconds */

DECLARE_PER_CPU(unsigned long [DREF_LATENCY_BUCKETS], dref_latency);
u64 dref_latency_us(const struct dref *ref);
void dref_count_latency(const struct dref *ref);

long dref_class_live(const struct dref_class *class);
extern unsigned long dref_events_retired[DREF_NR_EVENTS];
unsigned long dref_events(const struct dref_class *class, enum dref_event event);
void dref_events_retire(const struct dref_class *class);

/* Test whether @mode is that of an object whose holders are recorded */
static inline bool dref_mode_tracked(unsigned long mode)
{
	return unlikely((mode & (DREF_MODE_TAGS | DREF_MODE_TRACKED)) ==
			(DREF_MODE_EXACT | DREF_MODE_TRACKED)) && dref_tracking_on();
}

/* caller.c */
unsigned int dref_caller_index(const unsigned long *entries, unsigned int nr,
			       unsigned long caller);
unsigned long dref_caller(unsigned long caller);

/* tunables.c; see tunables.h */
void dref_tunables_init(void);
extern unsigned int dref_pass_min_ms;
extern unsigned int dref_pass_max_ms;
extern unsigned int dref_promote_threshold;
extern unsigned int dref_demote_passes;
extern unsigned int dref_max_deferred;

#endif /* DREF_INTERNAL_H */
