// SPDX-License-Identifier: GPL-2.0
/*
 * The slot pool: per-CPU counter pairs for the objects that need them now.
 *
 * A slot is 16 bytes on every possible CPU.  Slots come in chunks of one 4 KiB
 * per-CPU allocation, so that neighbours share cache lines with slots of the
 * same CPU only, and a pass walks memory in order.  Chunks that have free slots
 * are kept with the partly used ones first, so that the others can run empty;
 * one empty chunk is kept, further ones are freed.
 *
 * Who gives a slot back has made sure that nobody can increment it any more:
 * the object is dead, or a Tasks RCU grace period has passed (demote.c).  A
 * dref_read() may still be summing it, inside rcu_read_lock().  He may read
 * another object's counters, which is as good as any answer, but not freed
 * memory: so chunks are freed after an RCU grace period.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "internal.h"

#define DREF_CHUNK_SLOTS	(SZ_4K / sizeof(struct dref_counts))

struct dref_chunk {
	struct list_head		node;	/* in chunks, the fuller part first */
	struct dref_counts __percpu	*counts;
	struct list_head		free;
	unsigned int			used;
	struct rcu_head			rcu;
	struct dref_slot		slots[DREF_CHUNK_SLOTS];
};

static DEFINE_SPINLOCK(pool_lock);
static LIST_HEAD(partial_chunks);	/* some slots free, at least one used */
static LIST_HEAD(full_chunks);
static struct dref_chunk *spare_chunk;	/* all slots free */
static unsigned long slots_used;
static unsigned long slots_total;

static struct dref_chunk *dref_chunk_alloc(gfp_t gfp)
{
	struct dref_chunk *chunk = NULL;
	int i;

	if (!dref_alloc_fails())
		chunk = kvzalloc(sizeof(*chunk), gfp);
	if (!chunk)
		return NULL;
	chunk->counts = __alloc_percpu_gfp(sizeof(*chunk->counts) * DREF_CHUNK_SLOTS,
					   __alignof__(*chunk->counts), gfp);
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

/* Have an empty chunk: the spare one, or a new one */
static int dref_chunk_add(gfp_t gfp)
{
	struct dref_chunk *chunk = dref_chunk_alloc(gfp);
	unsigned long flags;

	if (!chunk)
		return -ENOMEM;
	spin_lock_irqsave(&pool_lock, flags);
	list_add_tail(&chunk->node, &partial_chunks);
	slots_total += DREF_CHUNK_SLOTS;
	spin_unlock_irqrestore(&pool_lock, flags);
	return 0;
}

/* Take a free slot; NULL if there is none, -ENOSPC if the budget is used up */
static struct dref_slot *dref_slot_take(void)
{
	struct dref_slot *slot = NULL;
	struct dref_chunk *chunk;
	unsigned long flags;

	spin_lock_irqsave(&pool_lock, flags);
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
	slots_used++;
	if (++chunk->used == DREF_CHUNK_SLOTS)
		list_move(&chunk->node, &full_chunks);
unlock:
	spin_unlock_irqrestore(&pool_lock, flags);
	return slot;
}

/* A slot for @ref, all zero; -ENOSPC or -ENOMEM */
struct dref_slot *dref_slot_get(struct dref *ref, struct dref_class *class, gfp_t gfp)
{
	struct dref_slot *slot;
	int cpu;

	while (!(slot = dref_slot_take())) {
		if (dref_chunk_add(gfp))
			return ERR_PTR(-ENOMEM);
	}
	if (IS_ERR(slot))
		return slot;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(slot->counts, cpu), 0, sizeof(*slot->counts));
	slot->ref = ref;
	slot->class = class;
	slot->activity = 0;
	slot->idle_passes = 0;
	slot->demoting = false;
	return slot;
}

void dref_slot_put(struct dref_slot *slot)
{
	struct dref_chunk *chunk = slot->chunk, *empty = NULL;
	unsigned long flags;

	slot->ref = NULL;
	spin_lock_irqsave(&pool_lock, flags);
	list_add(&slot->node, &chunk->free);
	slots_used--;
	if (chunk->used-- == DREF_CHUNK_SLOTS)
		list_move(&chunk->node, &partial_chunks);
	if (!chunk->used) {
		list_del(&chunk->node);
		if (spare_chunk) {
			empty = chunk;
			slots_total -= DREF_CHUNK_SLOTS;
		} else {
			spare_chunk = chunk;
		}
	}
	spin_unlock_irqrestore(&pool_lock, flags);
	if (empty)
		call_rcu(&empty->rcu, dref_chunk_free_rcu);
}

/* Give the spare chunk back to the system */
void dref_slots_trim(void)
{
	struct dref_chunk *chunk;
	unsigned long flags;

	spin_lock_irqsave(&pool_lock, flags);
	chunk = spare_chunk;
	spare_chunk = NULL;
	if (chunk)
		slots_total -= DREF_CHUNK_SLOTS;
	spin_unlock_irqrestore(&pool_lock, flags);
	if (chunk)
		call_rcu(&chunk->rcu, dref_chunk_free_rcu);
}

/*
 * All possible CPUs, on line or not: what a CPU has counted stays where it is
 * when the CPU goes.
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

/* Nobody has a slot any more, and nobody will ask for one */
void dref_slots_exit(void)
{
	struct dref_chunk *chunk, *next;

	dref_slots_trim();
	rcu_barrier();
	list_splice_init(&full_chunks, &partial_chunks);
	list_for_each_entry_safe(chunk, next, &partial_chunks, node)
		dref_chunk_free(chunk);
}
