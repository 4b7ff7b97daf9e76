// SPDX-License-Identifier: GPL-2.0
/*
 * Looking at the slots, and at the objects that have one, while everything goes on.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "../core/slot.h"
#include "inspect.h"

/*
 * Look at the object in @slot, if it has one.  What was read without the lock is
 * of this object only if the slot still has it in the end.
 */
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
	/* neither on its way to the slot nor on its way out */
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
 * Find the first object of @class whose slot has @number, or a higher one, and
 * look at it.  Returns the number, or -1.  Who goes on from there until the end
 * sees all objects that are deferred meanwhile, and holds up nobody: gets, puts and
 * passes know nothing of it.  May sleep.
 */
long dref_slots_find(unsigned long number, const struct dref_class *class,
		     struct dref_snapshot *snap)
{
	unsigned long wanted = number / DREF_CHUNK_SLOTS, index = wanted;
	unsigned int i = number % DREF_CHUNK_SLOTS;
	struct dref_chunk *chunk;
	bool found = false;

	do {
		rcu_read_lock();	/* for the chunk */
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

/* Is @ref still in the slot with this number, and not reported? It is, then. */
bool dref_slot_first_report(unsigned long number, const struct dref *ref)
{
	unsigned long flags, index = number / DREF_CHUNK_SLOTS;
	struct dref_chunk *chunk;
	struct dref_slot *slot;
	bool report = false;

	rcu_read_lock();	/* for the chunk */
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
 * What @cpu has counted in slots since the module was loaded.  A slot that is
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
