// SPDX-License-Identifier: GPL-2.0
/*
 * count has fallen below zero: by the last put of an exact object, by a fold that took the
 * last reference (reconcile.c), or by one put too many.
 *
 * A put that finds its own reference to be the only one does not come here: dref_put()
 * calls dref_put_last() (count.c), which changes count from 0 to DREF_COUNT_DEAD with one
 * cmpxchg.  So there is one atomic operation in the life of an object that was never
 * shared.
 *
 * Only an exact object dies by a put: while it has a slot, DREF_BIAS keeps count far
 * above zero, and the passes look for zero instead (reconcile.c).
 *
 *	count		0		one reference
 *			| put
 *			v
 *			-1		none: trygets fail, the put owns the object
 *			| cmpxchg in dref_count_zero()
 *			v
 *			DREF_COUNT_DEAD	release() is called, or queued
 *
 * The put that takes count to -1 owns the object, because a tryget does not raise a
 * negative count.  DREF_COUNT_DEAD is negative, so a later tryget fails, and a later get
 * or put, which is a bug, is noticed.  A cmpxchg stores it, so that one put too many is
 * noticed even if it comes between the two steps:
 *
 *	CPU 0: last put				CPU 1: one put too many
 *
 *	count: 0 -> -1
 *						count: -1 -> -2
 *	cmpxchg(-1, dead) fails: saturate	cmpxchg(-1, dead) fails: saturate
 *
 * The object is leaked, and not freed: dref_saturate() issues a WARN and makes it
 * immortal.
 */
#include <linux/export.h>

#include "internal.h"

/*
 * Handle a count that a put or a fold took below zero.  Returns true if the object is dead,
 * and the caller must release it.
 */
bool dref_count_zero(struct dref *ref, unsigned long caller)
{
	/* Count, then mode: an object with a slot has a bias; litmus: zero-exact */
	unsigned long mode = READ_ONCE(ref->mode);
	long none = -1;

	if (dref_mode_immortal(mode))
		return false;
	/* The put was fully ordered; litmus: put-release-exact */
	if (likely((mode & DREF_MODE_TAGS) == DREF_MODE_EXACT &&
		   atomic_long_try_cmpxchg(&ref->count, &none, DREF_COUNT_DEAD)))
		return true;
	dref_saturate(ref, DREF_UNDERFLOW, "put below zero", caller);
	return false;
}

/**
 * dref_put_zero - handle a put that took count below zero: the last one, or a bug
 * @ref: the count; the object may have been freed on return
 *
 * For dref_put() only.
 *
 * Context: as release() and the flags of the class allow.
 * Ordering: the caller's put was fully ordered, so release() sees what all holders
 * did.
 */
void dref_put_zero(struct dref *ref)
{
	if (dref_count_zero(ref, _RET_IP_))
		dref_release(ref);
}
EXPORT_SYMBOL_GPL(dref_put_zero);
