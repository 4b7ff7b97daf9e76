// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that are not counted any more: made immortal by dref_immortalize(), or
 * saturated because of a bug in their users.
 *
 * Gets and puts of an immortal object increment dref_unread, which is never read.  Its
 * mode is the address of dref_unread, so that deferred and immortal objects share the
 * fast path (dref.h).
 *
 * An object may be made immortal at any time, also while it is dying.  Immortality changes
 * mode and then count; death is a cmpxchg of count.  So one of the two comes first, and
 * the end of the object is counted once:
 *
 *	dref_make_immortal()			dref_declare_dead()
 *
 *	mode = immortal
 *	xchg(count, DREF_COUNT_IMMORTALIZED)	cmpxchg(count, c, dead)
 *
 * If the xchg comes first, it returns the count of a live object, and dref_make_immortal()
 * counts the end.  The cmpxchg then fails.  If the cmpxchg comes first, the xchg returns
 * the count of a dead object, and dref_make_immortal() counts nothing.  The pass, or
 * dref_release_now(), then finds the object immortal, counts the end, and does not call
 * release().
 *
 * Operations in flight may still increment the slot that the object had.  The next pass
 * makes it an orphan, and a later pass gives it back, after a Tasks RCU grace period.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <trace/events/dref.h>

#include "internal.h"

/*
 * Gets of immortal objects increment the last word of the first element, and puts the first
 * word of the second, because DREF_MODE_IMMORTAL points 8 bytes into it, to differ from the
 * mode of a deferred object.
 */
DEFINE_PER_CPU(struct dref_counts [2], dref_unread);
EXPORT_PER_CPU_SYMBOL_GPL(dref_unread);

/* Immortal objects have one state, though their modes differ; all else is no object */
const u8 dref_mode_states[DREF_MODE_TAGS + 1] = {
	[DREF_MODE_EXACT]				= DREF_MODE_EXACT,
	[DREF_MODE_DEFERRED]				= DREF_MODE_DEFERRED,
	[DREF_MODE_KILLED_SLOT]				= DREF_MODE_DEFERRED,
	[DREF_MODE_DEMOTING]				= DREF_MODE_DEMOTING,
	[DREF_MODE_KILLED_SLOT | DREF_MODE_DEMOTING]	= DREF_MODE_DEMOTING,
	[DREF_MODE_DYING]				= DREF_MODE_DYING,
	[DREF_MODE_KILLED_SLOT | DREF_MODE_DYING]	= DREF_MODE_DYING,
	[DREF_MODE_UNCOUNTED]				= DREF_MODE_UNCOUNTED,
	/* the low bits of DREF_MODE_IMMORTAL on x86-64 */
	[DREF_MODE_DEFERRED + 8]			= DREF_MODE_UNCOUNTED,
};

/* An object that has been killed stays killed; false if the object was immortal */
bool dref_make_immortal(struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);

	do {
		if (dref_mode_immortal(mode))
			return false;
	} while (!try_cmpxchg(&ref->mode, &mode, dref_mode_change(mode, DREF_MODE_IMMORTAL)));

	/*
	 * If there was a slot, the next pass makes it an orphan, and a later pass gives it
	 * back, after a Tasks RCU grace period (tasks_gp.c).
	 *
	 * Death is a cmpxchg of count.  It fails after this xchg; or it has come before,
	 * and then dref_release_now() or the pass counts the end of the object.
	 * (litmus: immortal-death)
	 */
	if (atomic_long_xchg(&ref->count, DREF_COUNT_IMMORTALIZED) >= -DREF_COUNT_LIMIT - 1) {
		trace_immortalize(ref);
		/* After mode, because the class may be unregistered now; litmus: class-gone */
		dref_count_event(ref->class, DREF_IMMORTALIZED);
		dref_debug_end(ref);
	}
	dref_track_forget(ref);
	return true;
}

/**
 * dref_immortalize - stop counting an object, for ever
 * @ref: a count on which the caller holds a reference
 *
 * The object will never be released.  Its users continue to call dref_get()
 * and dref_put(), which have no effect any more.  This cannot be undone.  The idea is
 * that of PEP 683.
 *
 * Context: any.  Ordering: none.
 */
void dref_immortalize(struct dref *ref)
{
	if (dref_user_state(READ_ONCE(ref->mode)) == DREF_MODE_NONE)
		dref_warn_no_object("immortalize", _RET_IP_);
	else
		dref_make_immortal(ref);
}
EXPORT_SYMBOL_GPL(dref_immortalize);

/*
 * @what was called for memory in which there is no object; nothing there is touched.  Out of
 * line, so that there is one WARN_ONCE(), not one for each caller.
 */
noinline void dref_warn_no_object(const char *what, unsigned long caller)
{
	WARN_ONCE(1, "dref: %s of memory that was not initialised, by %pS; ignored\n", what,
		  (void *)dref_caller(caller));
}

/*
 * Make an object that has been miscounted immortal, with a WARN: it is leaked, as with a
 * saturated refcount_t.  The miscount cannot be corrected, but it must not become a use
 * after free.
 */
void dref_saturate(struct dref *ref, enum dref_fault fault, const char *what,
		   unsigned long caller)
{
	struct dref_class *class = ref->class;

	/* An immortal object does not pin its class, but this RCU section does (class.c) */
	rcu_read_lock();
	if (!dref_make_immortal(ref))
		goto unlock;

	caller = dref_caller(caller);
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
