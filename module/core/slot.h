/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the slot pool is laid out: for slot.c, and for those who only look at it.
 */
#ifndef DREF_SLOT_H
#define DREF_SLOT_H

#include <linux/sizes.h>
#include <linux/xarray.h>

#include "internal.h"

#define DREF_CHUNK_SLOTS	(SZ_4K / sizeof(struct dref_counts))

/* Neighbours whose counters share a cache line on each CPU, and are summed at once */
#define DREF_LINE_SLOTS		4

struct dref_chunk {
	u32				number;
	struct list_head		node;	/* in chunks, the fuller part first */
	struct dref_counts __percpu	*counts;
	struct list_head		free;
	unsigned int			used;
	struct rcu_head			rcu;
	struct dref_slot		slots[DREF_CHUNK_SLOTS];
};

extern spinlock_t dref_pool_lock;
extern struct xarray dref_chunks;	/* by number */
DECLARE_PER_CPU(struct dref_counts, dref_retired_counts);

#endif /* DREF_SLOT_H */
