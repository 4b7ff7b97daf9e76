/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory allocation with malloc() of the C library.
 */
#ifndef SHIM_SLAB_H
#define SHIM_SLAB_H

#include <linux/kernel.h>

#define GFP_KERNEL	0U
#define GFP_NOWAIT	0U
#define __GFP_NOWARN	0U
#define __GFP_ACCOUNT	0U

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	return malloc(size);
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return calloc(1, size);
}

#define kvzalloc(size, gfp)	kzalloc(size, gfp)
#define kfree(ptr)		free(ptr)
#define kvfree(ptr)		free(ptr)

#endif /* SHIM_SLAB_H */
