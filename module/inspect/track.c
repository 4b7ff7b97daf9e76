// SPDX-License-Identifier: GPL-2.0
/*
 * Tracking: records who holds an object.  For a tracked class, the stack of every get is
 * kept until its reference is dropped.
 *
 * Cost
 * ----
 *
 * Objects of other classes do not pay.  A tracked object is exact, and has
 * DREF_MODE_TRACKED in its mode.  No dref_home word has that bit, so all gets, puts and
 * trygets of the object fail the compare of the fast path, and go to count.c.  There, a load
 * of dref_tracking tells whether any class is tracked.  It is no static key: to switch one
 * interrupts all CPUs, also those that are to be left alone.  dref_init() reads
 * class->created, which is NULL while the class is tracked, and calls dref_init_slow().
 *
 * Enabling
 * --------
 *
 * The exact objects that a class already has are in no list, and on the fast path.  But
 * each CPU's dref_home contains the tracking epoch, which is also in the mode of every
 * object counted there.  (It has 8 bits, and is not the epoch of a pass.)  With the next
 * tracking epoch, all exact objects, of all classes, fail the compare once (cold ones, as
 * long as they are cold).  An operation that fails it looks at the class, and marks the
 * object if the class is tracked:
 *
 *	dref_track_enable()			operation
 *
 *	dref_tracking = true
 *	synchronize_rcu()
 *	class->tracked = true
 *	class->created = NULL
 *	synchronize_rcu()
 *	dref_home = next epoch, on all CPUs
 *						load dref_home: next epoch
 *						barrier (see below)
 *						load class->tracked: true, or
 *						  class->created: NULL
 *
 * In dref_home_mode() the barrier is smp_rmb() (litmus: track-epoch).
 *
 * dref_init() has only a compiler barrier between its two loads.  If it is not preempted
 * between them, they are in effect an RCU read-side section.  So either it ends before the
 * grace period does, and dref_init() loads the old epoch, or it begins after the grace
 * period has begun, and dref_init() loads NULL from created.  If it is preempted, the context
 * switch is a barrier.  (litmus: track-init)
 *
 * An operation that loads the old epoch writes it to mode, so that the object fails the
 * compare the next time.  The epoch wraps: an object that is not used while tracking is
 * enabled for 255 other classes, and then for its own, is missed.
 *
 * Deferred objects of a tracked class are demoted by the passes, and not promoted again.
 * The fold marks them as tracked.  That takes a Tasks RCU grace period, which can be long;
 * until then their holders are not known.  A promotion under way either does not attach a
 * slot, because it sees that the object is tracked, or it attaches the slot before that,
 * and the next pass demotes the object.
 *
 * Recording
 * ---------
 *
 * Records are kept in a hash table of objects.  Each of its locks guards many chains.  A
 * tracked operation changes count and the records in one critical section.  So the
 * difference between the two is the number of references without a record, whatever is in
 * flight.  These are the references taken before tracking was enabled, those of operations
 * that had passed the compare by then, and those for which there was no room.
 *
 * A put is assumed to drop the reference that the same task took last.  If that task took
 * none of the latest DREF_PUT_SEARCH, the put may drop any other: first those without a
 * record, as they are the oldest, and then the oldest record.
 *
 * There may be more records than references for a while: because of an NMI, of an operation
 * that had passed the compare, or of a put of many references.  Puts and readers drop that
 * excess, the oldest records first.
 *
 * In an NMI no lock is taken.  An operation there is not recorded, but counted as dropped.
 * A tracked object that dies in an NMI is released by a work item, because its records must
 * be freed before release() is called.  If it becomes immortal in an NMI, a work item frees
 * the records.
 *
 * Memory is bounded: there is room for track_max objects, and as many records.  It is
 * allocated when tracking is enabled for the first class, with a hash table of that size.
 * When it is used up, gets are not recorded, but counted as dropped.  The kernel's stack
 * depot keeps each different stack for ever.
 *
 * Bounds
 * ------
 *
 * A lock is held with interrupts off, and one object may have track_max records.  So no
 * critical section walks over all records of an object, or all objects of a lock:
 *
 *	put			searches DREF_PUT_SEARCH records, and drops up to DREF_PIECE
 *				of the excess; the rest is left to the next put or reader
 *	a reader		looks at DREF_PIECE records in a section
 *	release, immortality	give all records back in one list_splice()
 *	disabling		looks at one object in a section, by its number
 *
 * A put does not drop the rest in further sections of its own: its caller may have disabled
 * interrupts, and once count is changed the object may be released.
 *
 * Between two sections a reader keeps its place by a cursor, an element of the list that is
 * no record.  If the object is freed meanwhile, dref_object_free() takes the cursor away,
 * and the reader gives up.  All readers hold dref_track_mutex, so one cursor is enough.
 *
 * A record that counts all references which one task took in one place would also keep
 * most lists short.  But if another task drops one of them, the age of the oldest one that is
 * left is lost, and there may be any number of tasks.
 *
 * Lifetime
 * --------
 *
 * While a record is found under the lock of its chain, its object exists.  An object that
 * has records is exact and has DREF_MODE_TRACKED: that is tested under the lock before the
 * first record is made, and the bit is cleared together with the last record.  So
 * release.c has no record to free if the bit is not set.
 *
 * There is one exception: dref_fold() has a record made before the object is exact.  The
 * object exists until the fold is over.  If tracking of its class is disabled meanwhile, the
 * record may outlive the object until all records of the class are freed.  Until then
 * dref_track_mutex keeps readers out.
 *
 * Disabling clears class->tracked, waits until the critical sections that saw it set are
 * over, and frees all records.  Each object returns to the fast path on its next use, when
 * dref_untrack() clears DREF_MODE_TRACKED.  The hash table goes with the last class.  A
 * critical section may still search it then, so it is freed after a grace period, for which
 * a section with interrupts off is an RCU reader.
 */
#define pr_fmt(fmt) "dref: " fmt

#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <trace/events/dref.h>

#include "../core/compat.h"
#include "track.h"

#define DREF_LOCKS		1024	/* a power of two */
#define DREF_STACK_DEPTH	16
#define DREF_PUT_SEARCH		256	/* records that a put searches for its own */
#define DREF_PIECE		64	/* other records that one critical section walks over */

/* References that were taken by one call */
struct dref_hold {
	struct list_head	node;	/* in the object's list, the newest first; or free */
	depot_stack_handle_t	stack;
	pid_t			pid;	/* 0: an interrupt */
	char			comm[TASK_COMM_LEN];
	unsigned long		n;
	unsigned long		since;
};

struct dref_tracked {
	struct hlist_node	node;	/* in its chain, or free */
	struct dref		*ref;	/* NULL: free */
	struct dref_class	*class;
	struct list_head	holds;
	unsigned int		nr_holds;
	unsigned long		recorded;	/* references in holds */
	unsigned long		since;
	bool			reported;
};

struct dref_table {
	u32			mask;	/* number of chains, a power of two, minus one */
	struct hlist_head	chains[];
};

/* A class is tracked, or will be after a grace period; read by every slow get and put */
bool dref_tracking __read_mostly;
DEFINE_MUTEX(dref_track_mutex);	/* for enabling, disabling and reading */

/* Of the chains whose numbers are equal modulo DREF_LOCKS */
static raw_spinlock_t chain_locks[DREF_LOCKS];

/* Allocated while a class is tracked, which is tested under a chain's lock */
static struct dref_table __rcu *table;
static struct dref_tracked *objects;
static struct dref_hold *holds;
static unsigned int max_tracked;	/* of each; 0: not allocated */
static unsigned int nr_classes;

/* Free objects and records; pool_lock is taken inside a chain's lock */
static DEFINE_RAW_SPINLOCK(pool_lock);
static HLIST_HEAD(free_objects);
static LIST_HEAD(free_holds);
static unsigned int nr_objects, nr_holds;
static atomic_long_t nr_dropped;

/*
 * Where the reader is in the records of an object, under the lock of the object's chain:
 * an element of the list that has no references, and the pid of no task.
 */
static struct {
	struct dref_tracked	*object;	/* NULL: none */
	struct dref_hold	place;
} cursor = {
	.place.pid	= -1,
};

static unsigned int track_max = 65536;

static int track_max_set(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, 1, 1U << 22);
}

static const struct kernel_param_ops track_max_ops = {
	.set = track_max_set,
	.get = param_get_uint,
};
module_param_cb(track_max, &track_max_ops, &track_max, 0644);
MODULE_PARM_DESC(track_max, "objects, and gets, that are tracked at a time; read when the first class is (65536)");

static char *track[32];
static unsigned int nr_track;
module_param_array(track, charp, &nr_track, 0444);
MODULE_PARM_DESC(track, "names of classes to be tracked from their registration on");

static void dref_sweep_work(struct work_struct *work);
static void dref_sweep_irq(struct irq_work *work);

static DECLARE_WORK(sweep_work, dref_sweep_work);
static struct irq_work sweep_irq_work = IRQ_WORK_INIT_HARD(dref_sweep_irq);

static u32 dref_hash(const struct dref *ref)
{
	return hash_ptr(ref, 32);
}

/* Returns the lock of the chain of @ref, which does not depend on the size of the table */
static raw_spinlock_t *dref_chain_lock(const struct dref *ref)
{
	return &chain_locks[dref_hash(ref) % DREF_LOCKS];
}

/* Returns the chain of @ref, under its lock; NULL if no class is tracked */
static struct hlist_head *dref_chain(const struct dref *ref)
{
	struct dref_table *hash = rcu_dereference_sched(table);

	return hash ? &hash->chains[dref_hash(ref) & hash->mask] : NULL;
}

/* ---- records, under the lock of their chain ---- */

static void dref_hold_free(struct dref_tracked *object, struct dref_hold *hold)
{
	object->nr_holds--;
	raw_spin_lock(&pool_lock);
	list_move(&hold->node, &free_holds);
	WRITE_ONCE(nr_holds, nr_holds - 1);
	raw_spin_unlock(&pool_lock);
}

/* Take up to @n references from a record; returns how many */
static unsigned long dref_hold_drop(struct dref_tracked *object,
				    struct dref_hold *hold, unsigned long n)
{
	n = min(n, hold->n);
	hold->n -= n;
	object->recorded -= n;
	if (!hold->n)
		dref_hold_free(object, hold);
	return n;
}

static struct dref_tracked *dref_object_find(const struct dref *ref)
{
	const struct hlist_head *chain = dref_chain(ref);
	struct dref_tracked *object;

	if (!chain)
		return NULL;
	hlist_for_each_entry(object, chain, node) {
		if (object->ref == ref)
			return object;
	}
	return NULL;
}

/*
 * Test whether references to @ref may be recorded: it is exact and tracked.  That changes
 * under the chain's lock only.  If the caller has a reference, the object is not released
 * before the caller gives the lock back, even if that reference is dropped meanwhile.  The
 * object may become immortal, but interrupts are off, so its class still exists (class.c).
 */
static bool dref_recordable(const struct dref *ref)
{
	return dref_mode_tracked(READ_ONCE(ref->mode)) && READ_ONCE(ref->class->tracked);
}

static struct dref_tracked *dref_object_add(struct dref *ref)
{
	struct hlist_head *chain = dref_chain(ref);
	struct dref_tracked *object = NULL;

	raw_spin_lock(&pool_lock);
	if (chain && !hlist_empty(&free_objects)) {
		object = hlist_entry(free_objects.first, struct dref_tracked, node);
		hlist_del(&object->node);
		WRITE_ONCE(nr_objects, nr_objects + 1);
	}
	raw_spin_unlock(&pool_lock);
	if (!object) {
		atomic_long_inc(&nr_dropped);
		return NULL;
	}
	WRITE_ONCE(object->class, ref->class);
	object->nr_holds = 0;
	object->recorded = 0;
	object->since = jiffies;
	object->reported = false;
	WRITE_ONCE(object->ref, ref);
	hlist_add_head(&object->node, chain);
	return object;
}

/* Returns the record of @ref, new if there is none; NULL if it cannot be recorded */
static struct dref_tracked *dref_object_find_or_add(struct dref *ref)
{
	struct dref_tracked *object = dref_object_find(ref);

	return object || !dref_recordable(ref) ? object : dref_object_add(ref);
}

/* Let a reader begin with the newest record of @object */
static void dref_cursor_set(struct dref_tracked *object)
{
	list_add(&cursor.place.node, &object->holds);
	WRITE_ONCE(cursor.object, object);
}

static void dref_cursor_remove(void)
{
	list_del(&cursor.place.node);
	WRITE_ONCE(cursor.object, NULL);
}

static void dref_object_free(struct dref_tracked *object)
{
	if (READ_ONCE(cursor.object) == object)
		dref_cursor_remove();
	hlist_del(&object->node);
	WRITE_ONCE(object->ref, NULL);
	raw_spin_lock(&pool_lock);
	list_splice_init(&object->holds, &free_holds);
	WRITE_ONCE(nr_holds, nr_holds - object->nr_holds);
	hlist_add_head(&object->node, &free_objects);
	WRITE_ONCE(nr_objects, nr_objects - 1);
	raw_spin_unlock(&pool_lock);
}

static struct dref_hold *dref_hold_alloc(void)
{
	struct dref_hold *hold;

	raw_spin_lock(&pool_lock);
	hold = list_first_entry_or_null(&free_holds, struct dref_hold, node);
	if (hold) {
		list_del(&hold->node);
		WRITE_ONCE(nr_holds, nr_holds + 1);
	}
	raw_spin_unlock(&pool_lock);
	return hold;
}

/* Identifies a holder; all interrupts are one */
static pid_t dref_holder_pid(void)
{
	return in_task() ? current->pid : 0;
}

/* Record @n references that the caller has taken */
static void dref_record(struct dref *ref, unsigned long n, depot_stack_handle_t stack)
{
	struct dref_tracked *object = dref_object_find_or_add(ref);
	struct dref_hold *hold = object ? dref_hold_alloc() : NULL;

	if (object && !hold)
		atomic_long_inc(&nr_dropped);
	if (!hold)
		return;
	hold->stack = stack;
	hold->pid = dref_holder_pid();
	if (hold->pid)
		strscpy(hold->comm, current->comm, sizeof(hold->comm));
	else
		strscpy(hold->comm, "interrupt", sizeof(hold->comm));
	hold->n = n;
	hold->since = jiffies;
	list_add(&hold->node, &object->holds);
	object->nr_holds++;
	object->recorded += n;
}

/* Drop up to @n of the latest references that the caller has taken */
static void dref_unrecord(struct dref_tracked *object, unsigned long n)
{
	struct dref_hold *hold, *next;
	unsigned int look = DREF_PUT_SEARCH;
	pid_t pid = dref_holder_pid();

	list_for_each_entry_safe(hold, next, &object->holds, node) {
		if (!n || !look--)
			break;
		if (hold->pid == pid)
			n -= dref_hold_drop(object, hold, n);
	}
}

/*
 * Drop the oldest records, up to DREF_PIECE of them, while they have more references than
 * there are with this @count.  Returns true if more is to be dropped.
 */
static bool dref_unrecord_excess(struct dref_tracked *object, long count)
{
	unsigned long references = max(count + 1, 0L);
	struct dref_hold *hold, *next;
	unsigned int look = DREF_PIECE;

	list_for_each_entry_safe_reverse(hold, next, &object->holds, node) {
		if (object->recorded <= references || !look--)
			break;
		if (hold != &cursor.place)
			dref_hold_drop(object, hold, object->recorded - references);
	}
	return object->recorded > references;
}

/* ---- operations ---- */

/* Save the stack from @caller on; the functions of dref that it called are left out */
static depot_stack_handle_t dref_caller_stack(unsigned long caller)
{
	unsigned long entries[DREF_STACK_DEPTH + 4];
	unsigned int nr, first;

	nr = dref_stack_trace(entries, ARRAY_SIZE(entries));
	first = dref_caller_index(entries, nr, caller);
	if (first == nr) {
		entries[0] = caller;
		first = 0;
		nr = 1;
	}
	return dref_stack_save(entries + first, min(nr - first, DREF_STACK_DEPTH + 0U));
}

/*
 * Mark an exact object, whose mode is @mode, as tracked if its class is.  Returns the mode
 * that it has now.
 */
unsigned long __dref_track_mode(struct dref *ref, unsigned long mode)
{
	if ((mode & (DREF_MODE_TAGS | DREF_MODE_TRACKED)) != DREF_MODE_EXACT ||
	    atomic_long_read(&ref->count) < 0 || !dref_is_tracked(ref))
		return mode;
	if (!try_cmpxchg(&ref->mode, &mode, mode | DREF_MODE_TRACKED))
		return mode;
	return mode | DREF_MODE_TRACKED;
}

/* Make @ref, which is tracked in @mode, untracked if its class is not tracked any more */
void dref_untrack(struct dref *ref, unsigned long mode)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	struct dref_tracked *object;
	unsigned long flags;

	if (in_nmi())
		return;
	raw_spin_lock_irqsave(lock, flags);
	if (!dref_is_immortal(ref) && !READ_ONCE(ref->class->tracked)) {
		object = dref_object_find(ref);
		if (object)
			dref_object_free(object);
		cmpxchg(&ref->mode, mode, mode & ~DREF_MODE_TRACKED);
	}
	raw_spin_unlock_irqrestore(lock, flags);
}

/* Record the first reference of a new object, which only the caller knows */
void __dref_track_init(struct dref *ref, unsigned long caller)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	depot_stack_handle_t stack;
	unsigned long flags;

	if (in_nmi()) {
		atomic_long_inc(&nr_dropped);
		return;
	}
	stack = dref_caller_stack(caller);
	raw_spin_lock_irqsave(lock, flags);
	dref_record(ref, 1, stack);
	raw_spin_unlock_irqrestore(lock, flags);
}

/* Take @n references and record them; returns count, as atomic_long_add_return() does */
long dref_track_get(struct dref *ref, unsigned long n, unsigned long caller)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	depot_stack_handle_t stack;
	unsigned long flags;
	long count;

	if (in_nmi()) {
		atomic_long_inc(&nr_dropped);
		return atomic_long_add_return(n, &ref->count);
	}
	stack = dref_caller_stack(caller);
	raw_spin_lock_irqsave(lock, flags);
	count = atomic_long_add_return(n, &ref->count);
	if (count >= (long)n) {
		dref_record(ref, n, stack);
		if (dref_recordable(ref))
			trace_get(ref, n, count + 1);
	}
	raw_spin_unlock_irqrestore(lock, flags);
	return count;
}

/* Drop @n references and their records; returns true if count is negative then */
bool dref_track_put(struct dref *ref, unsigned long n)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	struct dref_tracked *object;
	unsigned long flags;
	bool recordable;
	long count;

	if (in_nmi()) {
		atomic_long_inc(&nr_dropped);
		return atomic_long_sub_return(n, &ref->count) < 0;
	}
	raw_spin_lock_irqsave(lock, flags);
	object = dref_object_find_or_add(ref);
	/* A recordable object exists until the unlock, even if this put is the last */
	recordable = dref_recordable(ref);
	count = atomic_long_sub_return(n, &ref->count);
	if (object) {
		dref_unrecord(object, n);
		dref_unrecord_excess(object, count);
	}
	if (recordable)
		trace_put(ref, n, count + 1);
	raw_spin_unlock_irqrestore(lock, flags);
	return count < 0;
}

/* Take a reference and record it, unless count is negative; returns true if it did */
bool dref_track_tryget(struct dref *ref, unsigned long caller)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	depot_stack_handle_t stack;
	unsigned long flags;
	bool got;

	if (in_nmi()) {
		atomic_long_inc(&nr_dropped);
		return atomic_long_inc_unless_negative(&ref->count);
	}
	stack = dref_caller_stack(caller);
	raw_spin_lock_irqsave(lock, flags);
	got = atomic_long_inc_unless_negative(&ref->count);
	if (got) {
		dref_record(ref, 1, stack);
		if (dref_recordable(ref))
			trace_get(ref, 1, atomic_long_read(&ref->count) + 1);
	}
	raw_spin_unlock_irqrestore(lock, flags);
	return got;
}

/*
 * Make a record for @ref, which is about to become exact and tracked.  It may be released
 * as soon as it is.  If it does not become exact, dref_fold() calls dref_track_forget().
 */
void __dref_track_adopt(struct dref *ref)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	unsigned long flags;

	raw_spin_lock_irqsave(lock, flags);
	if (dref_is_tracked(ref) && !dref_object_find(ref))
		dref_object_add(ref);
	raw_spin_unlock_irqrestore(lock, flags);
}

/* Free the records of @ref, which is about to be released or has become immortal */
void __dref_track_forget(struct dref *ref)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	struct dref_tracked *object;
	unsigned long flags;

	if (in_nmi()) {
		dref_irq_work_queue(&sweep_irq_work);
		return;
	}
	raw_spin_lock_irqsave(lock, flags);
	object = dref_object_find(ref);
	if (object)
		dref_object_free(object);
	raw_spin_unlock_irqrestore(lock, flags);
}

/* ---- all objects ---- */

/* Free the records of @class, or if it is NULL, of all objects that are immortal */
static void dref_forget_objects(const struct dref_class *class)
{
	struct dref_tracked *object;
	raw_spinlock_t *lock;
	unsigned long flags;
	struct dref *ref;

	for (object = objects; object < objects + max_tracked; object++) {
		cond_resched();
		ref = READ_ONCE(object->ref);
		if (!ref)
			continue;
		lock = dref_chain_lock(ref);
		raw_spin_lock_irqsave(lock, flags);
		/* Before that, the record may have been freed, and used for another object */
		if (object->ref == ref &&
		    (class ? object->class == class : dref_is_immortal(ref)))
			dref_object_free(object);
		raw_spin_unlock_irqrestore(lock, flags);
	}
}

static void dref_sweep_work(struct work_struct *work)
{
	mutex_lock(&dref_track_mutex);
	dref_forget_objects(NULL);
	mutex_unlock(&dref_track_mutex);
}

void dref_track_sweep(void)
{
	queue_work(dref_unbound_wq, &sweep_work);
}

static void dref_sweep_irq(struct irq_work *work)
{
	dref_track_sweep();
}

bool __dref_is_tracked(const struct dref *ref)
{
	bool tracked;

	rcu_read_lock();	/* for the class, as in dref_heat() */
	tracked = !dref_is_immortal(ref) && READ_ONCE(ref->class->tracked);
	rcu_read_unlock();
	return tracked;
}

/* ---- enabling and disabling, under dref_track_mutex ---- */

static void dref_records_free(void)
{
	struct dref_table *hash;

	hash = rcu_replace_pointer(table, NULL, lockdep_is_held(&dref_track_mutex));
	/* An operation on an object that was tracked may be searching the table */
	synchronize_rcu();
	INIT_HLIST_HEAD(&free_objects);
	INIT_LIST_HEAD(&free_holds);
	kvfree(hash);
	kvfree(objects);
	kvfree(holds);
	objects = NULL;
	holds = NULL;
	max_tracked = 0;
}

/* A chain for each object that there is room for, and at least one for each lock */
static int dref_table_alloc(void)
{
	size_t nr = max_t(size_t, roundup_pow_of_two(max_tracked), DREF_LOCKS);
	struct dref_table *hash;

	hash = kvzalloc(struct_size(hash, chains, nr), GFP_KERNEL);
	if (!hash)
		return -ENOMEM;
	hash->mask = nr - 1;
	rcu_assign_pointer(table, hash);
	return 0;
}

static int dref_records_alloc(void)
{
	unsigned int i;

	max_tracked = READ_ONCE(track_max);
	objects = kvcalloc(max_tracked, sizeof(*objects), GFP_KERNEL);
	holds = kvcalloc(max_tracked, sizeof(*holds), GFP_KERNEL);
	if (!objects || !holds || stack_depot_init() || dref_table_alloc()) {
		dref_records_free();
		return -ENOMEM;
	}
	for (i = max_tracked; i--; ) {
		INIT_LIST_HEAD(&objects[i].holds);
		hlist_add_head(&objects[i].node, &free_objects);
		list_add(&holds[i].node, &free_holds);
		if (!(i % 4096))
			cond_resched();
	}
	atomic_long_set(&nr_dropped, 0);
	return 0;
}

static int dref_track_enable(struct dref_class *class)
{
	static u8 epoch;	/* the tracking epoch */
	int err;

	if (class->tracked)
		return 0;
	if (!nr_classes) {
		err = dref_records_alloc();
		if (err)
			return err;
		WRITE_ONCE(dref_tracking, true);
		/*
		 * On, then tracked, in the same way as tracked and home below.
		 * (litmus: track-init)
		 */
		synchronize_rcu();
	}
	nr_classes++;
	WRITE_ONCE(class->tracked, true);
	if (!class->open)
		return 0;	/* it has no objects yet */
	WRITE_ONCE(class->created, NULL);
	/*
	 * Tracked and created, then home; pairs with smp_rmb() in dref_home_mode() and
	 * with the order of loads in dref_init().  (litmus: track-epoch, track-init)
	 */
	synchronize_rcu();
	dref_homes_set(++epoch);
	dref_pass_kick();
	return 0;
}

static void dref_track_disable(struct dref_class *class)
{
	if (!class->tracked)
		return;
	dref_class_open(class);
	WRITE_ONCE(class->tracked, false);
	/* Critical sections that saw class->tracked, and may add an object, are over then */
	synchronize_rcu();
	dref_forget_objects(class);
	if (--nr_classes)
		return;
	WRITE_ONCE(dref_tracking, false);
	dref_records_free();
}

/**
 * dref_track_start - record who holds the objects of a class, from now on
 * @class: a registered class
 *
 * Context: task, may sleep.
 *
 * Return: 0, also if the class is tracked already; -ENOMEM.
 */
int dref_track_start(struct dref_class *class)
{
	int err;

	mutex_lock(&dref_track_mutex);
	err = dref_track_enable(class);
	mutex_unlock(&dref_track_mutex);
	return err;
}

/* Stop tracking a class, which may be unregistered already */
void dref_track_stop(struct dref_class *class)
{
	mutex_lock(&dref_track_mutex);
	dref_track_disable(class);
	mutex_unlock(&dref_track_mutex);
}

/* Track a new class if the parameter track names it; after this it can have objects */
void dref_track_register(struct dref_class *class)
{
	unsigned int i;

	mutex_lock(&dref_track_mutex);
	for (i = 0; i < nr_track; i++) {
		if (!strcmp(track[i], class->name) && dref_track_enable(class))
			pr_warn("class %s: no memory to track it\n", class->name);
	}
	if (!class->tracked)
		dref_class_open(class);
	class->open = true;
	mutex_unlock(&dref_track_mutex);
}

void dref_tracks_init(void)
{
	int i;

	for (i = 0; i < DREF_LOCKS; i++)
		raw_spin_lock_init(&chain_locks[i]);
}

void dref_tracks_exit(void)
{
	irq_work_sync(&sweep_irq_work);
	flush_work(&sweep_work);
}

/* ---- reading, under dref_track_mutex ---- */

void dref_track_stats(struct dref_track_stats *stats)
{
	stats->max = max_tracked ?: READ_ONCE(track_max);
	stats->objects = READ_ONCE(nr_objects);
	stats->records = READ_ONCE(nr_holds);
	stats->dropped = atomic_long_read(&nr_dropped);
}

unsigned int dref_tracked_objects(const struct dref_class *class)
{
	unsigned int i, nr = 0;

	if (!class->tracked)
		return 0;
	for (i = 0; i < max_tracked; i++) {
		nr += READ_ONCE(objects[i].ref) && READ_ONCE(objects[i].class) == class;
		cond_resched();
	}
	return nr;
}

/* Returns the group of @stack, or an empty one; NULL if there are too many groups */
static struct dref_stack *dref_stack_group(struct dref_holders *holders,
					   depot_stack_handle_t stack)
{
	u32 i, at = hash_32(stack, ilog2(DREF_STACKS));

	for (i = 0; i < DREF_STACKS; i++) {
		struct dref_stack *group = &holders->stacks[(at + i) % DREF_STACKS];

		if (!group->n || group->stack == stack)
			return group;
	}
	return NULL;
}

static int dref_stack_compare(const void *a, const void *b)
{
	const struct dref_stack *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return time_before(x->since, y->since) ? -1 : time_after(x->since, y->since);
}

/* Add a record, which is older than those before, to its group, and name the group after it */
static void dref_holders_add(struct dref_holders *holders, const struct dref_hold *hold)
{
	struct dref_stack *group = dref_stack_group(holders, hold->stack);

	if (!group) {
		holders->others += hold->n;
		return;
	}
	group->stack = hold->stack;
	group->n += hold->n;
	group->since = hold->since;
	group->pid = hold->pid;
	memcpy(group->comm, hold->comm, sizeof(group->comm));
}

/*
 * Group records of @object by stack: up to DREF_PIECE of them, from the cursor on, the
 * newest first.  Returns true if there are more, and the cursor is before them.
 */
static bool dref_holders_gather(struct dref_holders *holders,
				const struct dref_tracked *object)
{
	struct dref_hold *hold = &cursor.place;
	unsigned int look = DREF_PIECE;

	list_for_each_entry_continue(hold, &object->holds, node) {
		if (!look--) {
			list_move_tail(&cursor.place.node, &hold->node);
			return true;
		}
		dref_holders_add(holders, hold);
	}
	return false;
}

/* End a critical section, and begin another; returns false if @object was freed meanwhile */
static bool dref_cursor_pause(const struct dref_tracked *object, raw_spinlock_t *lock,
			      unsigned long *flags)
	__must_hold(lock)
{
	raw_spin_unlock_irqrestore(lock, *flags);
	cond_resched();
	raw_spin_lock_irqsave(lock, *flags);
	return cursor.object == object;
}

/*
 * Describe @ref in @holders, if @object is its record.  Its numbers are of one moment; if it
 * has many records and is in use, its places are of a little later.
 */
static bool dref_holders_fill(struct dref_tracked *object, struct dref *ref,
			      const struct dref_class *class, bool report,
			      struct dref_holders *holders)
{
	raw_spinlock_t *lock = dref_chain_lock(ref);
	unsigned long flags;
	bool found;

	memset(holders, 0, sizeof(*holders));
	raw_spin_lock_irqsave(lock, flags);
	found = object->ref == ref && object->class == class &&
		!(report && object->reported);
	if (found)
		dref_cursor_set(object);
	while (found && dref_unrecord_excess(object, atomic_long_read(&ref->count)))
		found = dref_cursor_pause(object, lock, &flags);
	if (found) {
		object->reported |= report;
		holders->ref = ref;
		holders->mode = READ_ONCE(ref->mode);
		holders->references = dref_read(ref);
		holders->recorded = object->recorded;
		holders->since = object->since;
	}
	while (found && dref_holders_gather(holders, object))
		found = dref_cursor_pause(object, lock, &flags);
	if (found)
		dref_cursor_remove();
	raw_spin_unlock_irqrestore(lock, flags);
	if (found)
		sort(holders->stacks, DREF_STACKS, sizeof(holders->stacks[0]),
		     dref_stack_compare, NULL);
	return found;
}

/*
 * Find the first tracked object of @class that has @number or a higher one, and describe it
 * in @holders.  If @report, find only objects that have not been reported before.  Returns
 * the number, or -1.
 */
long dref_track_find(unsigned long number, const struct dref_class *class, bool report,
		     struct dref_holders *holders)
{
	struct dref *ref;

	for (; class->tracked && number < max_tracked; number++) {
		ref = READ_ONCE(objects[number].ref);
		if (ref && READ_ONCE(objects[number].class) == class &&
		    dref_holders_fill(&objects[number], ref, class, report, holders))
			return number;
		cond_resched();
	}
	return -1;
}
