// SPDX-License-Identifier: GPL-2.0
/*
 * dref_kill(): drop the initial reference, and have the object released sooner.
 * dref_exit(): take back dref_init().
 *
 * Killing marks the object as killed, which dref_tryget_live() tests, and drops a reference.
 * It does not change how the object is counted.  Every change of mode, promotion and
 * demotion included, keeps the mark.  (litmus: promote-kill)
 *
 * A killed object is off the fast path: no killed mode has DREF_MODE_DEFERRED set, or equals
 * a dref_home.  A deferred get or put then costs a function call, and still increments the
 * slot.  An exact object that has been killed gets no more heat.
 *
 * A deferred object would be found dead by the next periodic pass, pass_max_ms later at
 * worst.  dref_kill() asks for a pass after pass_min_ms instead.
 *
 * dref_exit() ends an object that was never published, as on the error path of the function
 * that creates it.  Only count is tested: it is 0 in an exact object with one reference, and
 * neither in one that has a slot, because of the bias, nor in one that waits in the promotion
 * queue, which has a reference.
 */
#include <linux/bug.h>
#include <linux/export.h>

#include "internal.h"

/**
 * dref_kill - drop the initial reference, and mark the object as killed
 * @ref: a count on which the caller holds the initial reference
 *
 * From now on dref_tryget_live() fails.  If the object is deferred, the next pass
 * comes soon.  Calling dref_kill() is optional: an object that is not killed is
 * released, too, a little later.
 *
 * Must be called at most once for an object: a second call issues a WARN and drops
 * nothing.  Does nothing if the object is immortal.
 *
 * Context and ordering: as dref_put().
 */
void dref_kill(struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode), state;

	do {
		state = dref_user_state(mode);
		if (state == DREF_MODE_UNCOUNTED)
			return;
		if (state == DREF_MODE_NONE) {
			dref_warn_no_object("kill", _RET_IP_);
			return;
		}
		if (WARN_ONCE(dref_mode_killed(mode),
			      "dref: class %s: second kill of an object, by %pS; ignored\n",
			      ref->class->name, (void *)dref_caller(_RET_IP_)))
			return;
	} while (!try_cmpxchg(&ref->mode, &mode, dref_mode_kill(mode)));

	dref_put(ref);
	/* the object may have been freed, so this is its state before the put */
	if (state != DREF_MODE_EXACT)
		dref_pass_kick();
}
EXPORT_SYMBOL_GPL(dref_kill);

/**
 * dref_exit - take back dref_init() of an object that has not been published
 * @ref: the count of an object that only the caller knows, with its initial reference
 *
 * For error paths.  The object ends without a call of release(), and the caller may free
 * it at once.  An object that other tasks have seen is ended by dref_put().
 *
 * If the object is deferred, waits to be promoted, or has other references, other tasks
 * must have seen it, or its creator has put it some thousand times.  dref_exit() then issues
 * a WARN and makes the object immortal, and it must not be freed.  Memory of a
 * SLAB_TYPESAFE_BY_RCU cache is visible from its dref_init() on, if it held an object before,
 * and is ended by dref_put().
 *
 * Context: any but NMI.  Ordering: none.
 *
 * Return: true if the object may be freed; false, if it must not, as it is immortal.
 */
bool dref_exit(struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);
	unsigned long state = dref_user_state(mode);
	struct dref_class *class;
	long own = 0;

	if (state == DREF_MODE_UNCOUNTED)
		return false;
	if (state == DREF_MODE_NONE) {
		dref_warn_no_object("exit", _RET_IP_);
		return false;
	}
	class = ref->class;
	if (!atomic_long_try_cmpxchg(&ref->count, &own, DREF_COUNT_DEAD)) {
		dref_saturate(ref, DREF_UNDERFLOW, "exit of an object in use", _RET_IP_);
		return false;
	}
	dref_debug_end(ref);
	if (dref_mode_tracked(mode))
		dref_track_forget(ref);
	/* Last, as in dref_call_release(); litmus: release-counted */
	dref_count_event(class, DREF_EXITED);
	return true;
}
EXPORT_SYMBOL_GPL(dref_exit);
