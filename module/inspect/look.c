// SPDX-License-Identifier: GPL-2.0
/*
 * Taking snapshots of slots, and of the objects that have one, while they are in use.
 *
 * A reader visits one slot at a time, by its number: the number of the chunk, and the
 * index in it (slot.c).  So it needs no memory for a list, and no get, put or pass waits
 * for it, however many objects there are.  RCU keeps the chunk; the RCU section ends with
 * the chunk, or with the snapshot of one object.
 *
 * The object itself may be released at any time.  It is accessed under dref_pool_lock
 * only, because slot->ref is cleared under that lock before the object is released.
 * Summing the counters takes too long for a spinlock, so the slot may get another object
 * meanwhile.  Therefore the lock is taken twice:
 *
 *	sum of puts
 *	under dref_pool_lock: ref, mode, count
 *	sum of gets
 *	under dref_pool_lock: the same ref, attached at the same time?
 *
 * If not, there is no snapshot.  The order puts, count, gets is that of a pass
 * (reconcile.c), so that a snapshot never shows too few references.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "../core/slot.h"
#include "inspect.h"

/*
 * Take a snapshot of the object in @slot; returns false if it has none, or one of another
 * class.
 */
static bool dref_slot_snapshot(const struct dref_slot *slot, const struct dref_class *class,
			       struct dref_snapshot *snap)
{
	unsigned long flags, puts = dref_slot_puts(slot);

	spin_lock_irqsave(&dref_pool_lock, flags);
	snap->ref = slot->class == class ? slot->ref : NULL;
	if (snap->ref) {
		snap->since = slot->since;
		snap->idle_passes = READ_ONCE(slot->idle_passes);
		snap->mode = READ_ONCE(snap->ref->mode);
		snap->count = atomic_long_read(&snap->ref->count);
	}
	spin_unlock_irqrestore(&dref_pool_lock, flags);
	/* The object is just getting its slot, or is about to lose it */
	if (!snap->ref || dref_mode_immortal(snap->mode) || snap->count < 0 ||
	    dref_mode_state(snap->mode) == DREF_MODE_EXACT)
		return false;

	snap->count += 1 - DREF_BIAS;
	snap->puts = puts;
	snap->gets = dref_slot_gets(slot);
	spin_lock_irqsave(&dref_pool_lock, flags);
	if (slot->ref != snap->ref || slot->since != snap->since)
		snap->ref = NULL;
	spin_unlock_irqrestore(&dref_pool_lock, flags);
	return snap->ref;
}

/*
 * Returns the index of the first slot of @chunk, from @i on, that seems to have an object of
 * @class; DREF_CHUNK_SLOTS if there is none.  Sums nothing, as most slots may be of other
 * classes.
 */
static unsigned int dref_chunk_find(const struct dref_chunk *chunk, unsigned int i,
				    const struct dref_class *class)
{
	const struct dref_slot *slot;

	for (; i < DREF_CHUNK_SLOTS; i++) {
		slot = &chunk->slots[i];
		if (READ_ONCE(slot->ref) && READ_ONCE(slot->class) == class)
			break;
	}
	return i;
}

/*
 * Take a snapshot of the first object of @class whose slot has @number or a higher one.
 * Returns that number, or -1.  A caller that continues from there to the end sees every
 * object that is deferred during that time.  May sleep: an RCU section compares the slots
 * of one chunk at most, and sums one slot.
 */
long dref_slots_find(unsigned long number, const struct dref_class *class,
		     struct dref_snapshot *snap)
{
	struct dref_chunk *chunk;
	unsigned long index;
	unsigned int i = 0;
	bool found = false;

	do {
		index = number / DREF_CHUNK_SLOTS;
		rcu_read_lock();	/* keeps the chunk */
		chunk = xa_find(&dref_chunks, &index, ULONG_MAX, XA_PRESENT);
		if (chunk) {
			number = max(number, index * DREF_CHUNK_SLOTS);
			i = dref_chunk_find(chunk, number % DREF_CHUNK_SLOTS, class);
			number = index * DREF_CHUNK_SLOTS + i;
			found = i < DREF_CHUNK_SLOTS &&
				dref_slot_snapshot(&chunk->slots[i], class, snap);
		}
		rcu_read_unlock();
		if (found)
			return number;
		/* After the last slot of a chunk, number is that of the next chunk's first */
		number += i < DREF_CHUNK_SLOTS;
		cond_resched();
	} while (chunk);
	return -1;
}

/* Returns true, once, if @ref is still in the slot with this number */
bool dref_slot_first_report(unsigned long number, const struct dref *ref)
{
	unsigned long flags, index = number / DREF_CHUNK_SLOTS;
	struct dref_chunk *chunk;
	struct dref_slot *slot;
	bool report = false;

	rcu_read_lock();	/* keeps the chunk */
	chunk = xa_find(&dref_chunks, &index, index, XA_PRESENT);
	if (chunk) {
		slot = &chunk->slots[number % DREF_CHUNK_SLOTS];
		spin_lock_irqsave(&dref_pool_lock, flags);
		report = slot->ref == ref && !slot->reported;
		slot->reported |= report;
		spin_unlock_irqrestore(&dref_pool_lock, flags);
	}
	rcu_read_unlock();
	return report;
}

static void dref_counts_add(struct dref_counts *sum, const struct dref_counts *counts,
			    unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		sum->gets += READ_ONCE(counts[i].gets);
		sum->puts += READ_ONCE(counts[i].puts);
	}
}

/*
 * Returns what @cpu has counted in slots since the module was loaded.  A slot that is
 * given back meanwhile may be missed, or be counted twice.  May sleep: an RCU section sums
 * one chunk.
 */
struct dref_counts dref_cpu_counts(int cpu)
{
	struct dref_counts sum = { };
	struct dref_chunk *chunk;
	unsigned long number = 0;

	dref_counts_add(&sum, per_cpu_ptr(&dref_retired_counts, cpu), 1);
	do {
		rcu_read_lock();	/* keeps the chunk */
		chunk = xa_find(&dref_chunks, &number, ULONG_MAX, XA_PRESENT);
		if (chunk)
			dref_counts_add(&sum, per_cpu_ptr(chunk->counts, cpu), DREF_CHUNK_SLOTS);
		rcu_read_unlock();
		number++;
		cond_resched();
	} while (chunk);
	return sum;
}
