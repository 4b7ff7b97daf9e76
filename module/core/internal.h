/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of dref.ko know of each other.
 *
 *	event.c		events counted per class and CPU, which decide when a class may go
 *	heat.c		which exact objects are contended
 *	slot.c		the pool of per-CPU counters
 *	demote.c	the Tasks RCU grace periods after which a slot can be taken away
 *	immortal.c	objects that are not counted any more: by request, or saturated
 *	release.c	dead -> released: where and when release() is called
 *	zero.c		the last put
 *	reconcile.c	deferred -> dead, deferred -> exact: passes and their schedule
 *	promote.c	exact -> deferred: the promotion queue, dref_defer()
 *	count.c		gets, puts and trygets off the fast path
 *	kill.c		dref_kill()
 *	barrier.c	dref_reconcile(), dref_barrier()
 *	class.c		classes, registered and not
 *	main.c		the module
 *
 * A file calls only files above it in this table, so a get that becomes hot, a last
 * put and a pass are each followed in one direction (selftests/host/layers.sh).  Beside
 * them are trace.c, which makes the tracepoints, and broken.c, faults on demand in a
 * build made for that.  Inspection (module/inspect) looks at all of it; what the core
 * tells it is in hooks.h.
 *
 * Locks, outermost first: dref_classes_mutex; one of dref_pass_mutex (reconcile.c),
 * dref_promote_mutex (promote.c) and release_mutex (release.c), in none of which
 * another is taken; spinlocks, leaves all of them (dref_bias_lock, incoming_lock,
 * dref_pool_lock, published_lock).  dref_track_mutex (track.c) is inside dref_classes_mutex,
 * as a file that is removed waits for those who read it, with the spinlocks inside of
 * it; track.c's raw spinlocks are innermost of all.
 */
#ifndef DREF_INTERNAL_H
#define DREF_INTERNAL_H

#include <linux/bits.h>
#include <linux/dref.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "broken.h"
#include "hooks.h"

/*
 * The number line of count.  It holds the references less one:
 *
 *	LONG_MIN  DEAD   -LIMIT     -1  0             HIGH   BIAS     LIMIT   LONG_MAX
 *	    |------|--------|--------|--|--------------|------|---------|--------|
 *	         dead         bugs  none  1, 2, 3 ... references          overflow
 *
 * No put too many leads from life to death, because n is at most LIMIT, nor does
 * any from a count with a bias to the end of one without (dref_count_zero()).  Death
 * is DREF_COUNT_DEAD, plus, for an object that was deferred, when it was last seen
 * held, in microseconds.
 *
 * DREF_BIAS is added while a slot is attached, so that no put in flight can
 * see zero when the references that it balances are in the slot.  Whoever gets
 * above DREF_COUNT_HIGH did it with dref_get_many(): the object is taken off
 * the fast path, where every step is checked against DREF_COUNT_LIMIT.
 *
 * Nobody counts an immortal object.  Its count is one that no object can have
 * that is dying: a pass that is about to declare it dead must see a difference.
 */
#define DREF_BIAS		((long)BIT(61))
#define DREF_COUNT_DEAD		(-3 * DREF_BIAS)
#define DREF_COUNT_HIGH		((long)BIT(60))
#define DREF_COUNT_LIMIT	(LONG_MAX / 2)
#define DREF_COUNT_IMMORTAL	(DREF_BIAS + DREF_COUNT_HIGH)

/* The rest of the mode word in exact mode (see the drawing in dref.h) */
#define DREF_MODE_QUEUED	0x10UL	/* in the promotion queue, which holds a reference */
#define DREF_MODE_COLD		0x20UL	/* heat is not measured before window */
#define DREF_MODE_TRACKED	0x40UL	/* who holds it is recorded (track.c) */
#define DREF_MODE_CPU_SHIFT	8
#define DREF_MODE_EPOCH_SHIFT	24	/* how often a class has come to be tracked */
#define DREF_MODE_WINDOW_SHIFT	32
#define DREF_MODE_WINDOW_BITS	20
#define DREF_MODE_HEAT_SHIFT	52
#define DREF_MODE_HEAT_MAX	((1UL << 12) - 1)

/**
 * struct dref_slot - what the passes know of one deferred object
 * @counts: the slot itself, a pair of counters per CPU
 * @ref: the object it is attached to
 * @class: the object's class
 * @chunk: where the slot comes from
 * @node: in the free list of the chunk, or in one of the lists of the passes
 * @since: jiffies when it was attached
 * @held_ns: when the object was last seen to have references
 * @epoch: the last one that had begun when it was attached
 * @summed: the epoch that @puts and @gets are of
 * @puts: P, the sum of puts at the start of this pass
 * @gets: the sum of gets a little later
 * @activity: gets, puts and count as of the last periodic pass
 * @idle_passes: periodic passes without any activity
 * @demoting: put into DREF_MODE_DEMOTING by a pass, and not seen to have left it
 * @reported: it has been in the log (holders.c)
 * @tasks_gp: the Tasks RCU grace period after which no one increments @counts
 *	of a demoting or immortalized object any more
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
void dref_slot_show(struct dref_slot *slot, struct dref *ref);
void dref_slot_hide(struct dref_slot *slot);
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
enum dref_fault { DREF_UNDERFLOW, DREF_OVERFLOW };
bool dref_make_immortal(struct dref *ref);
void dref_saturate(struct dref *ref, enum dref_fault fault, const char *what,
		   unsigned long caller);

/* zero.c */
void dref_count_zero(struct dref *ref, unsigned long caller);

/* heat.c */
#define DREF_COLD_SHIFT_MAX	6U	/* the longest time without heat is 2^6 windows */

void dref_homes_set(unsigned int epoch);
unsigned long dref_home_mode(const struct dref_class *class);
unsigned long dref_heat(struct dref *ref, unsigned long mode);
void dref_cool(struct dref *ref, unsigned long windows);

/* promote.c */
void dref_promote_later(struct dref *ref, unsigned long heat);
void dref_cancel_demotion(struct dref *ref, unsigned long mode);
void dref_promotions_flush(void);
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
	unsigned long	released_last;	/* by the last dref_reconcile() */
};

void dref_pass_stats(struct dref_pass_stats *stats);

/**
 * struct dref_found - what passes have found
 * @epoch: the latest one that @old is about
 * @dead: dead objects
 * @old: those of them that were deferred by @epoch
 * @reconcile: dref_reconcile() asks: @dead goes to the statistics
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
bool dref_releases_flush_chains(void);
void dref_pass_now(void);

/* demote.c */
unsigned long dref_tasks_gp_next(void);
bool dref_tasks_gp_done(unsigned long gp);
void dref_tasks_gp_advance(void);
void dref_tasks_gp_exit(void);

/* release.c */

/**
 * struct dref_mutex - a mutex under which release() may be called
 * @mutex: the mutex
 * @holder: who has it, and must not wait for a release()
 */
struct dref_mutex {
	struct mutex		mutex;		/* see "Locks", above */
	struct task_struct	*holder;
};

#define DREF_MUTEX_INIT(name)	{ .mutex = __MUTEX_INITIALIZER((name).mutex) }

static inline void dref_mutex_lock(struct dref_mutex *lock)
{
	mutex_lock(&lock->mutex);
	WRITE_ONCE(lock->holder, current);
}

static inline void dref_mutex_unlock(struct dref_mutex *lock)
{
	WRITE_ONCE(lock->holder, NULL);
	mutex_unlock(&lock->mutex);
}

extern struct dref_mutex dref_pass_mutex;	/* for reconcile.c */
extern struct dref_mutex dref_promote_mutex;	/* for promote.c */
extern atomic_long_t dref_nr_chained;

void dref_release(struct dref *ref);
void dref_releases_flush(void);
void dref_note_chained(void);
bool dref_in_release(void);
void dref_class_release_work(struct work_struct *work);
void dref_class_release_sync(struct dref_class *class);
void dref_releases_init(void);
void dref_releases_exit(void);

/* class.c */
#define DREF_CLASS_NAME_SIZE	32	/* with its end */

extern struct mutex dref_classes_mutex;
extern struct list_head dref_classes;
int dref_classes_init(void);

/*
 * An object that has kept its class for having a slot does so no more.  Pairs with
 * the acquire in dref_class_remove(): what was done to the class is over.
 * (litmus: class-pin)
 */
static inline void dref_class_unpin(struct dref_class *class)
{
	(void)atomic_long_dec_return_release(&class->deferred);
}

void dref_classes_exit(void);

/* event.c */
enum dref_event {
	DREF_RELEASED_EXACT,
	DREF_RELEASED_DEFERRED,
	DREF_IMMORTALIZED,
	DREF_PROMOTIONS,
	DREF_PROMOTIONS_FAILED,
	DREF_DEMOTIONS,
	DREF_RESURRECTED,
	DREF_UNDERFLOWS,
	DREF_OVERFLOWS,
	DREF_NR_EVENTS
};

/* An object of a class that is gone should not be used, but may be */
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

struct dref_class_cpu __percpu *dref_class_cpu_alloc(void);
long dref_class_live(const struct dref_class *class);
extern unsigned long dref_events_retired[DREF_NR_EVENTS];
unsigned long dref_events(const struct dref_class *class, enum dref_event event);
void dref_events_retire(const struct dref_class *class);

/* @mode is that of an object whose holders are recorded */
static inline bool dref_mode_tracked(unsigned long mode)
{
	return dref_tracking_on() &&
	       (mode & (DREF_MODE_STATE | DREF_MODE_TRACKED)) ==
	       (DREF_MODE_EXACT | DREF_MODE_TRACKED);
}

/* main.c */
extern struct workqueue_struct *dref_wq;
extern unsigned int dref_pass_min_ms;
extern unsigned int dref_pass_max_ms;
extern unsigned int dref_promote_threshold;
extern unsigned int dref_demote_passes;
extern unsigned int dref_max_deferred;

#endif /* DREF_INTERNAL_H */
