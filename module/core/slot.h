/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of the slot pool, for slot.c and for inspect/look.c.
 */
#ifndef DREF_SLOT_H
#define DREF_SLOT_H

#include <linux/sizes.h>
#include <linux/xarray.h>

#include "internal.h"

#define DREF_CHUNK_SLOTS	(SZ_4K / sizeof(struct dref_counts))

/* Slots whose counters share a cache line on each CPU, and are summed together */
#define DREF_LINE_SLOTS		4

struct dref_chunk {
	u32				number;
	struct list_head		node;	/* in one of the lists of chunks, see slot.c */
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
