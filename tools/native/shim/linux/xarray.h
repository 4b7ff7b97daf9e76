/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A minimal xarray: a short array of pointers.
 */
#ifndef SHIM_XARRAY_H
#define SHIM_XARRAY_H

#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#define SHIM_XARRAY_SIZE	4096U

struct xarray {
	spinlock_t	lock;	/* for changes */
	void		*entries[SHIM_XARRAY_SIZE];
};

#define DEFINE_XARRAY_FLAGS(name, flags) \
	struct xarray name = { .lock = { PTHREAD_MUTEX_INITIALIZER } }

#define XA_PRESENT	0
#define xa_limit_31b	0

#define xa_lock_irqsave(xa, flags)	spin_lock_irqsave(&(xa)->lock, flags)
#define xa_unlock_irqrestore(xa, flags)	spin_unlock_irqrestore(&(xa)->lock, flags)

static inline int __xa_alloc(struct xarray *xa, u32 *index, void *entry, int limit, gfp_t gfp)
{
	for (*index = 0; *index < SHIM_XARRAY_SIZE; ++*index) {
		if (!xa->entries[*index]) {
			smp_store_release(&xa->entries[*index], entry);
			return 0;
		}
	}
	return -EBUSY;
}

static inline void __xa_erase(struct xarray *xa, unsigned long index)
{
	WRITE_ONCE(xa->entries[index], NULL);
}

static inline void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, int mark)
{
	void *entry = NULL;

	while (*index < SHIM_XARRAY_SIZE && !(entry = READ_ONCE(xa->entries[*index])))
		++*index;
	return entry;
}

#define xa_for_each(xa, index, entry) \
	for ((index) = 0; ((entry) = xa_find(xa, &(index), ULONG_MAX, XA_PRESENT)); (index)++)

static inline void xa_destroy(struct xarray *xa)
{
	memset(xa->entries, 0, sizeof(xa->entries));
}

#endif /* SHIM_XARRAY_H */
