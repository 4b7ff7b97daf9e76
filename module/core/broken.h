/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults on demand.
 *
 * Who trusts a test has seen it fail.  In a build that is made for this, and in
 * no other, lines on which dref's correctness rests can be broken while it runs
 * (broken.c), and dref-stress(8) must notice.  In every other build what is here
 * is a constant, and the compiler leaves nothing of it.
 */
#ifndef DREF_BROKEN_H
#define DREF_BROKEN_H

#include <linux/types.h>

struct dref;

enum dref_breakage {
	DREF_BREAK_NONE,
	DREF_BREAK_EARLY_RELEASE,	/* one reference is taken for none */
	DREF_BREAK_LATE_RELEASE,	/* the dead lie about for seconds */
	DREF_BREAK_DOUBLE_RELEASE,	/* release() is called twice */
	DREF_BREAK_LOST_PUT,		/* of an object that is dying */
	DREF_BREAK_SKIP_GRACE_PERIOD,	/* a pass does not wait */
	DREF_BREAK_GETS_BEFORE_PUTS,	/* the sums are taken in the wrong order */
	DREF_BREAK_NO_CMPXCHG,		/* death does not look who comes */
	DREF_BREAK_FREE_SLOT_EARLY,	/* a fold does not wait for Tasks RCU */
	DREF_BREAK_MISSED_RESURRECT,	/* a pass does not look a second time */
	DREF_BREAK_LOST_KILL,		/* a promotion forgets it */
	DREF_BREAK_SKIP_RCU,		/* DREF_RCU does not wait */
	DREF_BREAK_LATE_WRITE,		/* to the count, after release() */
	DREF_NR_BREAKAGES
};

#ifdef DREF_BROKEN

extern enum dref_breakage dref_breakage;

#define dref_broken(what)	(READ_ONCE(dref_breakage) == DREF_BREAK_##what)

bool dref_delay_release(struct dref *ref);
bool dref_should_fail_alloc(void);
void dref_broken_exit(void);

#else

#define dref_broken(what)	false

static inline bool dref_delay_release(struct dref *ref) { return false; }
static inline bool dref_should_fail_alloc(void) { return false; }
static inline void dref_broken_exit(void) { }

#endif /* DREF_BROKEN */

#endif /* DREF_BROKEN_H */
