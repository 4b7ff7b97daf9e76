// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that are not counted any more: made immortal by request, or saturated
 * because somebody has miscounted.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <trace/events/dref.h>

#include "internal.h"

/* What immortal objects are counted in: the last word of one, the first of the other */
DEFINE_PER_CPU(struct dref_counts [2], dref_unread);
EXPORT_PER_CPU_SYMBOL_GPL(dref_unread);

/* Set DREF_MODE_IMMORTAL; false if it was set.  Killed stays killed. */
bool dref_make_immortal(struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);

	do {
		if (mode & DREF_MODE_IMMORTAL)
			return false;
	} while (!try_cmpxchg(&ref->mode, &mode,
			      DREF_MODE_UNREAD | (mode & DREF_MODE_KILLED)));

	/*
	 * If there was a slot, the next pass finds it orphaned and has it back
	 * after a Tasks RCU grace period (demote.c).
	 *
	 * An object ends once, and that is counted once.  Death is a cmpxchg of
	 * count, so this either keeps it from happening or comes after it, and
	 * then dref_release_now() or the pass counts.  (litmus: immortal-death)
	 */
	if (atomic_long_xchg(&ref->count, DREF_COUNT_IMMORTAL) >= -DREF_COUNT_LIMIT - 1) {
		trace_immortalize(ref);
		/* After mode: now the class may go; litmus: class-gone */
		dref_count_event(ref->class, DREF_IMMORTALIZED);
	}
	dref_track_forget(ref);
	return true;
}

/**
 * dref_immortalize - stop counting an object, for ever
 * @ref: a count on which the caller holds a reference
 *
 * The object will never be released.  Its users go on calling dref_get() and
 * dref_put(), which do nothing any more.  Cannot be undone.  The idea is that
 * of PEP 683.
 *
 * Context: any.
 */
void dref_immortalize(struct dref *ref)
{
	dref_make_immortal(ref);
}
EXPORT_SYMBOL_GPL(dref_immortalize);

/*
 * Somebody has miscounted.  What he did cannot be undone, but it can be kept
 * from becoming a use after free: the object is leaked, loudly, as refcount_t
 * saturates.
 */
void dref_saturate(struct dref *ref, enum dref_fault fault, const char *what,
		   unsigned long caller)
{
	struct dref_class *class = ref->class;

	/* An object that is immortal does not keep its class; RCU does (class.c) */
	rcu_read_lock();
	if (!dref_make_immortal(ref))
		goto unlock;

	if (fault == DREF_OVERFLOW) {
		dref_count_event(class, DREF_OVERFLOWS);
		trace_overflow(ref, class, what, caller);
	} else {
		dref_count_event(class, DREF_UNDERFLOWS);
		trace_underflow(ref, class, what, caller);
	}
	if (!test_and_set_bit(fault, &class->warned))
		WARN(1, "dref: class %s: %s, by %pS; the object is leaked\n",
		     class->name, what, (void *)caller);
unlock:
	rcu_read_unlock();
}
