// SPDX-License-Identifier: GPL-2.0
/*
 * dref_kill(): drop the initial reference, and have the object released sooner.
 *
 * Killing sets DREF_MODE_KILLED, which dref_tryget_live() tests, and drops a reference.  It
 * does not change how the object is counted.  Every change of mode, promotion and
 * demotion included, keeps the bit (litmus test promote-kill).
 *
 * A killed object is off the fast path: the bit is one of DREF_MODE_SLOW, and makes an
 * exact mode differ from every dref_home.  A deferred get or put then costs a function
 * call, and still increments the slot.  An exact object that has been killed gets no
 * more heat.
 *
 * A deferred object would be found dead by the next periodic pass, pass_max_ms later at
 * worst.  dref_kill() asks for a pass after pass_min_ms instead.
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
 * Context: any.  Ordering: as dref_put().
 */
void dref_kill(struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);

	do {
		if (mode & DREF_MODE_IMMORTAL)
			return;
		if (WARN_ONCE(mode & DREF_MODE_KILLED,
			      "dref: class %s: second kill of an object, by %pS; ignored\n",
			      ref->class->name, (void *)_RET_IP_))
			return;
	} while (!try_cmpxchg(&ref->mode, &mode, mode | DREF_MODE_KILLED));

	dref_put(ref);
	/* the object may have been freed, so this is its mode before the put */
	if ((mode & DREF_MODE_STATE) != DREF_MODE_EXACT)
		dref_pass_kick();
}
EXPORT_SYMBOL_GPL(dref_kill);
