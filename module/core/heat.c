// SPDX-License-Identifier: GPL-2.0
/*
 * Heat: which exact objects are contended.
 *
 * The mode word of an exact object contains the dref_home word of one CPU, its home:
 * usually the CPU on which it was last counted.  An operation on another CPU sees that
 * mode differs from its own dref_home, and leaves the fast path.  It writes its own home
 * to mode, and adds one to the heat there; the cache line has just come from another CPU
 * anyway.  An object whose heat reaches promote_threshold within a heat window, a time of
 * 1024 ms, is hot, and is queued for promotion:
 *
 *	measured: starts at 1 again in each heat window
 *	    ^    |
 *	    |    '--- promote_threshold reached ---> DREF_MODE_QUEUED ---> deferred
 *	    |                                            |
 *	    |                                            | no slot available, or only
 *	    |                                            | the queue has a reference
 *	    '--- the window in mode has begun ------ DREF_MODE_COLD
 *
 * An object that only one CPU uses gets no heat.  An object that changes hands fewer
 * than promote_threshold times in its life is never promoted.  So short-lived
 * objects do not pay for slots.
 *
 * The heat of a queued or cold object is not measured.  Neither is that of an object
 * that has been killed, or whose class is tracked or DREF_EXACT.  An object of a
 * DREF_EXACT class gets a new home at most once per heat window.
 *
 * One cmpxchg changes home, window and heat together.  If it fails, mode has changed
 * at the same time, and this operation is not measured.
 */
#include <linux/export.h>
#include <linux/jiffies.h>

#include "internal.h"

/*
 * The low half of the mode of an exact object whose home is this CPU.  Exported only
 * for the inline functions of dref.h.  Changes when tracking is enabled for a class, so
 * that the next operation on each exact object leaves the fast path (track.c).  Until
 * dref_homes_set() has run, all CPUs are taken for CPU 0, and no object gets hot.
 */
DEFINE_PER_CPU(u32, dref_home) = DREF_MODE_EXACT;
EXPORT_PER_CPU_SYMBOL_GPL(dref_home);

/* Set the dref_home words of all CPUs, with @epoch as the tracking epoch */
void dref_homes_set(unsigned int epoch)
{
	int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu(dref_home, cpu), epoch << DREF_MODE_EPOCH_SHIFT |
						    cpu << DREF_MODE_CPU_SHIFT |
						    DREF_MODE_EXACT);
}

/* Returns the low half of mode for an exact object of @class, with this CPU as its home */
unsigned long dref_home_mode(const struct dref_class *class)
{
	unsigned long home = raw_cpu_read(dref_home);

	/*
	 * Home, then tracked; pairs with synchronize_rcu() in dref_track_enable().  If
	 * home already contains a new tracking epoch, this load finds that the class for
	 * which tracking was enabled with that epoch is tracked.
	 * (litmus: track-epoch)
	 */
	smp_rmb();
	return READ_ONCE(class->tracked) ? home | DREF_MODE_TRACKED : home;
}

/* Heat windows of 1024 ms, numbered modulo 2^20, which wraps after days */
#define DREF_WINDOW_MASK	((1UL << DREF_MODE_WINDOW_BITS) - 1)

static unsigned long dref_window(void)
{
	return jiffies_to_msecs(jiffies) / 1024 & DREF_WINDOW_MASK;
}

static unsigned long dref_mode_window(unsigned long mode)
{
	return (mode >> DREF_MODE_WINDOW_SHIFT) & DREF_WINDOW_MASK;
}

/*
 * Test whether @window, in which a cold period ends, has begun.  The difference is modulo
 * 2^20.  No cold period is longer than BIT(DREF_COLD_SHIFT_MAX) windows, so a larger
 * difference means that @window is in the past, or that the numbers have wrapped since.
 */
static bool dref_window_passed(unsigned long window)
{
	unsigned long left = (window - dref_window()) & DREF_WINDOW_MASK;

	return !left || left > BIT(DREF_COLD_SHIFT_MAX);
}

/*
 * Make this CPU the home of an exact object, and add one to its heat.  Change neither if
 * the object is queued, killed, tracked or still cold; an object of a DREF_EXACT class
 * gets only the home.  Returns the heat if the object has become hot; the caller must then
 * put it into the promotion queue.  Returns 0 otherwise.  The caller holds a reference and
 * is inside rcu_read_lock(), for the class.
 */
unsigned long dref_heat(struct dref *ref, unsigned long mode)
{
	unsigned long home = dref_home_mode(ref->class);
	unsigned long now = dref_window(), heat = 1, new;
	bool exact_only = READ_ONCE(ref->class->flags) & DREF_EXACT;

	if (home & DREF_MODE_TRACKED)
		return 0;
	if (mode & DREF_MODE_TRACKED) {
		dref_untrack(ref, mode);
		return 0;
	}
	if (mode & (DREF_MODE_QUEUED | DREF_MODE_KILLED))
		return 0;
	if (mode & DREF_MODE_COLD) {
		/* With so high a count, the mode must stay off the fast path (internal.h) */
		if (!dref_window_passed(dref_mode_window(mode)) ||
		    atomic_long_read(&ref->count) >= DREF_COUNT_HIGH)
			return 0;
	} else if (dref_mode_window(mode) == now) {
		if (exact_only)
			return 0;	/* one new home per heat window is enough */
		heat += mode >> DREF_MODE_HEAT_SHIFT;
	}

	new = home | now << DREF_MODE_WINDOW_SHIFT;
	if (!exact_only)
		new |= heat >= READ_ONCE(dref_promote_threshold) ?
		       DREF_MODE_QUEUED : heat << DREF_MODE_HEAT_SHIFT;
	return try_cmpxchg(&ref->mode, &mode, new) && new & DREF_MODE_QUEUED ? heat : 0;
}

/*
 * Ignore the heat of an exact object until @windows heat windows have begun; the caller
 * holds a reference.
 */
void dref_cool(struct dref *ref, unsigned long windows)
{
	unsigned long mode, home, until;

	rcu_read_lock();	/* for the class, as in dref_heat() */
	mode = READ_ONCE(ref->mode);
	until = (dref_window() + windows) & DREF_WINDOW_MASK;
	do {
		if ((mode & DREF_MODE_TAGS) != DREF_MODE_EXACT)
			break;
		home = dref_home_mode(ref->class);
	} while (!try_cmpxchg(&ref->mode, &mode,
			      (mode & (DREF_MODE_KILLED | DREF_MODE_TRACKED)) |
			      home | DREF_MODE_COLD |
			      until << DREF_MODE_WINDOW_SHIFT));
	rcu_read_unlock();
}
