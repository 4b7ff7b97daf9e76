// SPDX-License-Identifier: GPL-2.0
/*
 * dref_kill(): drop the initial reference, and have a pass look at the object soon.
 */
#include <linux/bug.h>
#include <linux/export.h>

#include "internal.h"

/**
 * dref_kill - drop the initial reference and say so
 * @ref: a count on which the caller holds the initial reference
 *
 * From now on dref_tryget_live() fails.  A deferred object is looked at soon,
 * not at the next pass that is due anyway.  Only a hint: an object which nobody
 * kills is found dead just as well.  To be called once; a second call is
 * refused with a warning and drops nothing.  Does nothing to an immortal object.
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
	if ((mode & DREF_MODE_STATE) != DREF_MODE_EXACT)
		dref_pass_kick();
}
EXPORT_SYMBOL_GPL(dref_kill);
