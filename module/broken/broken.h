/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection.
 *
 * A test that has never failed proves little.  "make stress-broken" applies broken.patch
 * to a copy of the sources.  A module built from it can break single steps of the algorithm
 * at run time (broken.c), and dref-stress(8) must notice.  Everything that is not in this
 * folder is without faults.
 */
#ifndef DREF_BROKEN_H
#define DREF_BROKEN_H

#include <linux/types.h>

struct dref;

enum dref_breakage {
	DREF_BREAK_NONE,
	DREF_BREAK_EARLY_RELEASE,	/* a pass takes one reference for none */
	DREF_BREAK_LATE_RELEASE,	/* a dead object is released a minute later */
	DREF_BREAK_DOUBLE_RELEASE,	/* release() is called twice */
	DREF_BREAK_LOST_PUT,		/* a put of a dying object does nothing */
	DREF_BREAK_SKIP_GRACE_PERIOD,	/* a pass does not wait for RCU */
	DREF_BREAK_GETS_BEFORE_PUTS,	/* a pass sums gets before puts */
	DREF_BREAK_NO_CMPXCHG,		/* death overwrites count without a cmpxchg */
	DREF_BREAK_FREE_SLOT_EARLY,	/* a fold does not wait for Tasks RCU */
	DREF_BREAK_MISSED_RESURRECT,	/* a pass does not look a second time */
	DREF_BREAK_LOST_KILL,		/* a promotion drops DREF_MODE_KILLED */
	DREF_BREAK_SKIP_RCU,		/* a DREF_RCU release does not wait for RCU */
	DREF_BREAK_LATE_WRITE,		/* count is written after release() */
	DREF_NR_BREAKAGES
};

extern enum dref_breakage dref_breakage;

/* Test whether this fault is injected now */
#define dref_broken(what)	(READ_ONCE(dref_breakage) == DREF_BREAK_##what)

bool dref_delay_release(struct dref *ref);
bool dref_should_fail_alloc(void);
void dref_broken_exit(void);

#endif /* DREF_BROKEN_H */
