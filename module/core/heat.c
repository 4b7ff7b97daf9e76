// SPDX-License-Identifier: GPL-2.0
/*
 * Heat: which exact objects are contended.
 *
 * The mode word of an exact object names the CPU on which it was last
 * counted.  An operation on another CPU does not match its own dref_home word,
 * comes off the fast path, and here writes its own CPU into mode; it has just
 * fetched the cache line anyway.  When that has happened promote_threshold
 * times within one window (some 256 jiffies), the object is hot.  An object that
 * one CPU uses exact_only gets here, and neither does one that lives for less than
 * promote_threshold hand-overs: deferral costs the short-lived nothing.
 */
#include <linux/export.h>
#include <linux/jiffies.h>

#include "internal.h"

/*
 * What mode says, in its low half, when this CPU was the last to count there.
 * For the inline functions of dref.h only; changes when a class comes to be
 * tracked, so that its exact objects leave the fast path (track.c).
 */
DEFINE_PER_CPU(u32, dref_home);
EXPORT_PER_CPU_SYMBOL_GPL(dref_home);

void dref_homes_set(unsigned int epoch)
{
	int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu(dref_home, cpu), epoch << DREF_MODE_EPOCH_SHIFT |
						    cpu << DREF_MODE_CPU_SHIFT |
						    DREF_MODE_EXACT);
}

/* What mode says, in its low half, of an exact object that is counted here */
unsigned long dref_home_mode(const struct dref_class *class)
{
	unsigned long home = raw_cpu_read(dref_home);

	/*
	 * Home, then tracked; pairs with synchronize_rcu() in dref_track_enable():
	 * in a new epoch it is seen which classes are tracked.  (litmus: track-epoch)
	 */
	smp_rmb();
	return READ_ONCE(class->tracked) ? home | DREF_MODE_TRACKED : home;
}

/* Windows of 256 jiffies, modulo 2^20: days */
#define DREF_WINDOW_MASK	((1UL << DREF_MODE_WINDOW_BITS) - 1)

static unsigned long dref_window(void)
{
	return jiffies / 256 & DREF_WINDOW_MASK;
}

static unsigned long dref_mode_window(unsigned long mode)
{
	return (mode >> DREF_MODE_WINDOW_SHIFT) & DREF_WINDOW_MASK;
}

/* What is further ahead than an object is ever cold is from before it wrapped */
static bool dref_window_passed(unsigned long window)
{
	unsigned long left = (window - dref_window()) & DREF_WINDOW_MASK;

	return !left || left > BIT(DREF_COLD_SHIFT_MAX);
}

/*
 * The caller found an exact object, in @mode, that was not at home on this CPU, and
 * holds a reference.  Returns the heat of an object that has become hot: the caller
 * puts it into the promotion queue.  Otherwise 0.  Inside rcu_read_lock().
 */
unsigned long dref_heat(struct dref *ref, unsigned long mode)
{
	unsigned long home = dref_home_mode(ref->class);
	unsigned long now = dref_window(), heat = 1, new;
	bool exact_only = ref->class->flags & DREF_EXACT;

	if (home & DREF_MODE_TRACKED)
		return 0;
	if (mode & DREF_MODE_TRACKED) {
		dref_untrack(ref, mode);
		return 0;
	}
	if (mode & (DREF_MODE_QUEUED | DREF_MODE_KILLED))
		return 0;
	if (mode & DREF_MODE_COLD) {
		if (!dref_window_passed(dref_mode_window(mode)) ||
		    atomic_long_read(&ref->count) >= DREF_COUNT_HIGH)
			return 0;
	} else if (dref_mode_window(mode) == now) {
		if (exact_only)
			return 0;	/* a new home, but one a window */
		heat += mode >> DREF_MODE_HEAT_SHIFT;
	}

	new = home | now << DREF_MODE_WINDOW_SHIFT;
	if (!exact_only)
		new |= heat >= READ_ONCE(dref_promote_threshold) ?
		       DREF_MODE_QUEUED : heat << DREF_MODE_HEAT_SHIFT;
	return try_cmpxchg(&ref->mode, &mode, new) && new & DREF_MODE_QUEUED ? heat : 0;
}

/* Take no heat from an exact object for @windows: the caller holds a reference */
void dref_cool(struct dref *ref, unsigned long windows)
{
	unsigned long mode, home, until;

	rcu_read_lock();	/* for the class, as in dref_heat() */
	mode = READ_ONCE(ref->mode);
	until = (dref_window() + windows) & DREF_WINDOW_MASK;
	do {
		if (mode & DREF_MODE_IMMORTAL ||
		    (mode & DREF_MODE_STATE) != DREF_MODE_EXACT)
			break;
		home = dref_home_mode(ref->class);
	} while (!try_cmpxchg(&ref->mode, &mode,
			      (mode & (DREF_MODE_KILLED | DREF_MODE_TRACKED)) |
			      home | DREF_MODE_COLD |
			      until << DREF_MODE_WINDOW_SHIFT));
	rcu_read_unlock();
}
