// SPDX-License-Identifier: GPL-2.0
/*
 * The slot pool: per-CPU counters for the objects that need them now.
 *
 * A slot is a pair of counters, 16 bytes, on every possible CPU.  Slots are
 * allocated in chunks, each of which is one per-CPU allocation of 4 KiB, so that a
 * cache line holds counters of one CPU only, and a pass reads memory in order.
 * Slots are taken from the partly used chunk that was full most recently, so that the
 * other ones can become empty.  The pool keeps one empty chunk, and frees further ones.
 *
 *	free, all zero		in the free list of its chunk
 *	    |  dref_slot_get()
 *	    v
 *	attached		slot->ref is the object
 *	    |  the object dies, or Tasks RCU and RCU grace periods pass (tasks_gp.c)
 *	    v
 *	no operation can increment it
 *	    |  dref_slot_clear(), dref_slot_put()
 *	    v
 *	free, all zero
 *
 * Three functions look at slots that may change hands meanwhile:
 *
 * dref_read() may sum a slot that is given back meanwhile.  It may then read the
 * counters of another object, as its result may be outdated anyway, but it must
 * not read freed memory.  Therefore a chunk is freed after an RCU grace period:
 *
 *	dref_read()				dref_slot_put()
 *
 *	rcu_read_lock()
 *	mode is deferred, slot 7
 *						slot 7 is free, its chunk empty
 *						call_rcu(): free the chunk
 *	sum slot 7: any value, valid memory
 *	rcu_read_unlock()
 *						the chunk is freed
 *
 * dref_slots_find() (inspect/look.c) visits all slots in the order of their
 * chunks' numbers, without delaying other users.  slot->ref is cleared under
 * dref_pool_lock before the object can be released.  Therefore code outside the
 * passes may access the object of a slot only under dref_pool_lock.
 *
 * dref_slot_sum() sums the neighbours of a slot, too.  If a neighbour has no object,
 * nothing uses its sums.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "slot.h"

/* Held while a bias is added to a count or subtracted from it */
DEFINE_SPINLOCK(dref_bias_lock);

DEFINE_SPINLOCK(dref_pool_lock);
static LIST_HEAD(partial_chunks);	/* some slots are free, at least one is used */
static LIST_HEAD(full_chunks);
static struct dref_chunk *spare_chunk;	/* all of its slots are free */
DEFINE_XARRAY_FLAGS(dref_chunks, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_IRQ);
/* Written under dref_pool_lock, read without it */
static unsigned long slots_used;
static unsigned long slots_total;

static struct dref_chunk *dref_chunk_alloc(gfp_t gfp)
{
	struct dref_chunk *chunk = kvzalloc(sizeof(*chunk), gfp);
	int i;

	if (!chunk)
		return NULL;
	chunk->counts = __alloc_percpu_gfp(sizeof(*chunk->counts) * DREF_CHUNK_SLOTS,
					   sizeof(*chunk->counts) * DREF_LINE_SLOTS, gfp);
	if (!chunk->counts) {
		kvfree(chunk);
		return NULL;
	}
	INIT_LIST_HEAD(&chunk->free);
	for (i = 0; i < DREF_CHUNK_SLOTS; i++) {
		chunk->slots[i].chunk = chunk;
		chunk->slots[i].counts = chunk->counts + i;
		list_add_tail(&chunk->slots[i].node, &chunk->free);
	}
	return chunk;
}

static void dref_chunk_free(struct dref_chunk *chunk)
{
	free_percpu(chunk->counts);
	kvfree(chunk);
}

static void dref_chunk_free_rcu(struct rcu_head *rcu)
{
	dref_chunk_free(container_of(rcu, struct dref_chunk, rcu));
}

/* Free a chunk of which no slot is used, and which is in no list any more */
static void dref_chunk_retire(struct dref_chunk *chunk)
{
	unsigned long flags;

	xa_lock_irqsave(&dref_chunks, flags);
	__xa_erase(&dref_chunks, chunk->number);
	xa_unlock_irqrestore(&dref_chunks, flags);
	call_rcu(&chunk->rcu, dref_chunk_free_rcu);
}

/* Add a chunk to the pool */
static int dref_chunk_add(gfp_t gfp)
{
	struct dref_chunk *chunk = dref_chunk_alloc(gfp);
	unsigned long flags;
	int err;

	if (!chunk)
		return -ENOMEM;
	xa_lock_irqsave(&dref_chunks, flags);
	err = __xa_alloc(&dref_chunks, &chunk->number, chunk, xa_limit_31b, gfp);
	xa_unlock_irqrestore(&dref_chunks, flags);
	if (err) {
		dref_chunk_free(chunk);
		return -ENOMEM;
	}
	spin_lock_irqsave(&dref_pool_lock, flags);
	if (!spare_chunk) {
		spare_chunk = chunk;
		WRITE_ONCE(slots_total, slots_total + DREF_CHUNK_SLOTS);
		chunk = NULL;
	}
	spin_unlock_irqrestore(&dref_pool_lock, flags);
	if (chunk)
		dref_chunk_retire(chunk);	/* another task has added one */
	return 0;
}

/*
 * Take a free slot for @ref, and make @ref visible in it.  Returns NULL if there is no
 * free slot, -ENOSPC if max_deferred slots are in use.
 */
static struct dref_slot *dref_slot_take(struct dref *ref, struct dref_class *class)
{
	struct dref_slot *slot = NULL;
	struct dref_chunk *chunk;
	unsigned long flags;

	spin_lock_irqsave(&dref_pool_lock, flags);
	if (slots_used >= READ_ONCE(dref_max_deferred)) {
		slot = ERR_PTR(-ENOSPC);
		goto unlock;
	}
	if (list_empty(&partial_chunks) && spare_chunk) {
		list_add(&spare_chunk->node, &partial_chunks);
		spare_chunk = NULL;
	}
	chunk = list_first_entry_or_null(&partial_chunks, struct dref_chunk, node);
	if (!chunk)
		goto unlock;

	slot = list_first_entry(&chunk->free, struct dref_slot, node);
	list_del_init(&slot->node);
	WRITE_ONCE(slot->class, class);	/* inspection compares it before it takes the lock */
	slot->since = jiffies;
	slot->reported = false;
	WRITE_ONCE(slot->idle_passes, 0);
	WRITE_ONCE(slot->ref, ref);	/* dref_slot_sum() takes no lock */
	WRITE_ONCE(slots_used, slots_used + 1);
	if (++chunk->used == DREF_CHUNK_SLOTS)
		list_move(&chunk->node, &full_chunks);
unlock:
	spin_unlock_irqrestore(&dref_pool_lock, flags);
	return slot;
}

/* Returns a slot for @ref, all zero, or -ENOSPC or -ENOMEM */
struct dref_slot *dref_slot_get(struct dref *ref, struct dref_class *class, gfp_t gfp)
{
	struct dref_slot *slot;

	/*
	 * A chunk has slots for the objects of everybody, and outlives the object for which
	 * it is allocated.  So it is not charged to the memory cgroup of that object's task.
	 */
	gfp &= ~__GFP_ACCOUNT;
	while (!(slot = dref_slot_take(ref, class))) {
		if (dref_chunk_add(gfp))
			return ERR_PTR(-ENOMEM);
	}
	if (IS_ERR(slot))
		return slot;

	/* The slot is all zero, and is published like that; litmus: promote-zero */
	slot->held_ns = ktime_get_ns();
	slot->activity = 0;
	slot->demoting = false;
	return slot;
}

/* Set the object that inspection finds in @slot; NULL: none */
void dref_slot_set_ref(struct dref_slot *slot, struct dref *ref)
{
	unsigned long flags;

	spin_lock_irqsave(&dref_pool_lock, flags);
	WRITE_ONCE(slot->ref, ref);
	spin_unlock_irqrestore(&dref_pool_lock, flags);
}

/* Hide the object from inspection, as it may be released: it is not accessed any more */
void dref_slot_hide(struct dref_slot *slot)
{
	dref_slot_set_ref(slot, NULL);
}

/* What was counted in slots that have been given back, by CPU */
DEFINE_PER_CPU(struct dref_counts, dref_retired_counts);

/*
 * Clear a slot that no operation increments any more.  What it has counted is added
 * to dref_retired_counts, for dref_cpu_counts().  Called under pass_mutex.
 */
void dref_slot_clear(struct dref_slot *slot)
{
	struct dref_counts *counts, *retired;
	int cpu;

	for_each_possible_cpu(cpu) {
		counts = per_cpu_ptr(slot->counts, cpu);
		retired = per_cpu_ptr(&dref_retired_counts, cpu);
		WRITE_ONCE(retired->gets, retired->gets + counts->gets);
		WRITE_ONCE(retired->puts, retired->puts + counts->puts);
		WRITE_ONCE(counts->gets, 0);
		WRITE_ONCE(counts->puts, 0);
	}
}

/* Give back a slot, which is all zero, to the pool */
void dref_slot_put(struct dref_slot *slot)
{
	struct dref_chunk *chunk = slot->chunk, *empty = NULL;
	unsigned long flags;

	/* Clear first, then free; litmus: promote-zero */
	spin_lock_irqsave(&dref_pool_lock, flags);
	WRITE_ONCE(slot->ref, NULL);
	list_add(&slot->node, &chunk->free);
	WRITE_ONCE(slots_used, slots_used - 1);
	if (chunk->used-- == DREF_CHUNK_SLOTS)
		list_move(&chunk->node, &partial_chunks);
	if (!chunk->used) {
		list_del(&chunk->node);
		if (spare_chunk) {
			empty = chunk;
			WRITE_ONCE(slots_total, slots_total - DREF_CHUNK_SLOTS);
		} else {
			spare_chunk = chunk;
		}
	}
	spin_unlock_irqrestore(&dref_pool_lock, flags);
	/* litmus: chunk-free */
	if (empty)
		dref_chunk_retire(empty);
}

/* Free the spare chunk */
void dref_slots_trim(void)
{
	struct dref_chunk *chunk;
	unsigned long flags;

	spin_lock_irqsave(&dref_pool_lock, flags);
	chunk = spare_chunk;
	spare_chunk = NULL;
	if (chunk)
		WRITE_ONCE(slots_total, slots_total - DREF_CHUNK_SLOTS);
	spin_unlock_irqrestore(&dref_pool_lock, flags);
	/* litmus: chunk-free */
	if (chunk)
		dref_chunk_retire(chunk);
}

/*
 * Sums are taken over all possible CPUs, online or not: the counters of a CPU that
 * goes offline stay where they are.
 */
unsigned long dref_slot_gets(const struct dref_slot *slot)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(slot->counts, cpu)->gets);
	return sum;
}

unsigned long dref_slot_puts(const struct dref_slot *slot)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(slot->counts, cpu)->puts);
	return sum;
}

static __always_inline unsigned long dref_counted(const struct dref_counts *counts,
						  bool puts)
{
	return puts ? READ_ONCE(counts->puts) : READ_ONCE(counts->gets);
}

static __always_inline unsigned long *dref_sum_of(struct dref_slot *slot, bool puts)
{
	return puts ? &slot->puts : &slot->gets;
}

/*
 * Sum the puts, or the gets, of a slot and of its neighbours on the same cache lines.
 * cpumask_next() is a function call for each CPU, so all CPUs are tested instead.
 */
static __always_inline void dref_line_sum(struct dref_slot *slot, bool puts)
{
	unsigned long a = 0, b = 0, c = 0, d = 0;
	struct dref_counts *counts;
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (!cpu_possible(cpu))
			continue;
		counts = per_cpu_ptr(slot->counts, cpu);
		a += dref_counted(&counts[0], puts);
		b += dref_counted(&counts[1], puts);
		c += dref_counted(&counts[2], puts);
		d += dref_counted(&counts[3], puts);
	}
	*dref_sum_of(&slot[0], puts) = a;
	*dref_sum_of(&slot[1], puts) = b;
	*dref_sum_of(&slot[2], puts) = c;
	*dref_sum_of(&slot[3], puts) = d;
}

/*
 * Sum the puts, and then the gets, of @slot and of its neighbours, unless that has
 * been done in this @epoch.  A pass needs the sums of all of them, and so it reads each
 * cache line, and finds each CPU, once for four slots.
 *
 * The sums of a neighbour may be older than its mode when the pass gets there.  That
 * is safe: with an older P, the object rather seems to live, and no slot in the list
 * of the pass changes its object during a walk.
 */
void dref_slot_sum(struct dref_slot *slot, unsigned long epoch)
{
	unsigned int i;

	if (slot->summed == epoch)
		return;
	slot -= (slot - slot->chunk->slots) % DREF_LINE_SLOTS;
	for (i = 0; i < DREF_LINE_SLOTS; i++) {
		slot[i].summed = epoch;
		prefetch(READ_ONCE(slot[i].ref));
	}
	dref_line_sum(slot, true);
	dref_line_sum(slot, false);
}

unsigned long dref_slots_used(void)
{
	return READ_ONCE(slots_used);
}

unsigned long dref_slots_total(void)
{
	return READ_ONCE(slots_total);
}

size_t dref_slot_bytes(void)
{
	return dref_slots_total() * sizeof(struct dref_counts) * num_possible_cpus();
}

/* No slot is used any more, and none will be */
void dref_slots_exit(void)
{
	struct dref_chunk *chunk, *next;

	dref_slots_trim();
	rcu_barrier();
	list_splice_init(&full_chunks, &partial_chunks);
	list_for_each_entry_safe(chunk, next, &partial_chunks, node)
		dref_chunk_free(chunk);
	xa_destroy(&dref_chunks);
}
