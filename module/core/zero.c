// SPDX-License-Identifier: GPL-2.0
/*
 * The last put.  Only an exact count shows zero to a put, because DREF_BIAS
 * keeps the count of an object with a slot far above it.  The put that gets
 * count to -1 owns the object: trygets refuse to go up from a negative count,
 * so nobody else can want it.  It leaves DREF_COUNT_DEAD behind so that whoever
 * comes late (and should not) is caught by the sign of what he finds, and it
 * does so with a cmpxchg so that one put too many, at the same time, is not
 * overlooked.  A put that finds no reference but its own sees that coming, and
 * goes from one reference to DREF_COUNT_DEAD in one step: one atomic in the life
 * of an object that was never shared.
 */
#include <linux/export.h>

#include "internal.h"

/* A put found the sign bit set: the last one, or one too many */
void dref_count_zero(struct dref *ref, unsigned long caller)
{
	/* Count, then mode: an object with a slot has a bias; litmus: zero-exact */
	unsigned long mode = READ_ONCE(ref->mode);
	long none = -1;

	if (mode & DREF_MODE_IMMORTAL)
		return;
	/* The put was fully ordered; litmus: put-release-exact */
	if (likely((mode & DREF_MODE_STATE) == DREF_MODE_EXACT &&
		   atomic_long_try_cmpxchg(&ref->count, &none, DREF_COUNT_DEAD)))
		dref_release(ref);
	else
		dref_saturate(ref, DREF_UNDERFLOW, "put below zero", caller);
}

/**
 * dref_put_zero - dref_put() has found the sign bit set: the last put, or a bug
 * @ref: the count, whose object may be gone on return
 *
 * For dref_put() only.
 *
 * Context: as release() and the class's flags allow.
 * Ordering: the caller's put was fully ordered, so release() sees what all
 * holders did.
 */
void dref_put_zero(struct dref *ref)
{
	dref_count_zero(ref, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dref_put_zero);
