// SPDX-License-Identifier: GPL-2.0
/*
 * Taking snapshots of slots, and of the objects that have one, while they are in use.
 *
 * A reader visits one slot at a time, by its number: the number of the chunk, and the
 * index in it (slot.c).  So it needs no memory for a list, and no get, put or pass waits
 * for it, however many objects there are.  RCU keeps the chunk.
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

/* Take a snapshot of the object in @slot; returns false if it has none */
static bool dref_slot_snapshot(const struct dref_slot *slot, struct dref_snapshot *snap)
{
	unsigned long flags, puts;

	if (!READ_ONCE(slot->ref))
		return false;
	puts = dref_slot_puts(slot);
	spin_lock_irqsave(&dref_pool_lock, flags);
	snap->ref = slot->ref;
	if (snap->ref) {
		snap->class = slot->class;
		snap->since = slot->since;
		snap->idle_passes = READ_ONCE(slot->idle_passes);
		snap->mode = READ_ONCE(snap->ref->mode);
		snap->count = atomic_long_read(&snap->ref->count);
	}
	spin_unlock_irqrestore(&dref_pool_lock, flags);
	/* The object is just getting its slot, or is about to lose it */
	if (!snap->ref || snap->mode & DREF_MODE_IMMORTAL || snap->count < 0 ||
	    (snap->mode & DREF_MODE_STATE) == DREF_MODE_EXACT)
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
 * Take a snapshot of the first object of @class whose slot has @number or a higher one.
 * Returns that number, or -1.  A caller that continues from there to the end sees every
 * object that is deferred during that time.  May sleep.
 */
long dref_slots_find(unsigned long number, const struct dref_class *class,
		     struct dref_snapshot *snap)
{
	unsigned long wanted = number / DREF_CHUNK_SLOTS, index = wanted;
	unsigned int i = number % DREF_CHUNK_SLOTS;
	struct dref_chunk *chunk;
	bool found = false;

	do {
		rcu_read_lock();	/* keeps the chunk */
		chunk = xa_find(&dref_chunks, &index, ULONG_MAX, XA_PRESENT);
		if (index != wanted)
			i = 0;
		while (chunk && !found && i < DREF_CHUNK_SLOTS)
			found = dref_slot_snapshot(&chunk->slots[i++], snap) &&
				snap->class == class;
		rcu_read_unlock();
		if (found)
			return index * DREF_CHUNK_SLOTS + i - 1;
		wanted = ++index;
		i = 0;
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

/*
 * Returns what @cpu has counted in slots since the module was loaded.  A slot that is
 * given back meanwhile may be missed, or be counted twice.
 */
struct dref_counts dref_cpu_counts(int cpu)
{
	struct dref_counts sum, *counts = per_cpu_ptr(&dref_retired_counts, cpu);
	struct dref_chunk *chunk;
	unsigned long number;
	int i;

	sum.gets = READ_ONCE(counts->gets);
	sum.puts = READ_ONCE(counts->puts);
	rcu_read_lock();
	xa_for_each(&dref_chunks, number, chunk) {
		counts = per_cpu_ptr(chunk->counts, cpu);
		for (i = 0; i < DREF_CHUNK_SLOTS; i++) {
			sum.gets += READ_ONCE(counts[i].gets);
			sum.puts += READ_ONCE(counts[i].puts);
		}
	}
	rcu_read_unlock();
	return sum;
}
