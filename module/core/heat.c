// SPDX-License-Identifier: GPL-2.0
/*
 * Heat: which exact objects are used most.
 *
 * The mode word of an exact object contains the dref_home word of one CPU, its home:
 * usually the CPU on which it was last counted.  An operation on another CPU sees that
 * mode differs from its own dref_home, and leaves the fast path.  It writes its own home
 * to mode, and adds one to the heat there; the cache line has just come from another CPU
 * anyway.
 *
 * An object that only one CPU uses can be hot, too: a deferred pair takes a tenth of the
 * time of an exact one.  So every 2048th exact put of a CPU, on average, is a sample, which
 * adds a quarter of promote_threshold to the heat of its object.  A countdown per CPU finds
 * it, at two instructions a put on x86-64.  It starts again at a random number, because a
 * loop over a few objects could always meet a fixed one at the same object.  (The biased
 * counts of CPython, PEP 703, are for such objects, and need to know their thread.)
 *
 * An object whose heat reaches promote_threshold within a heat window, a time of 1024 ms,
 * is hot, and is queued for promotion:
 *
 *	measured: starts again in each heat window
 *	    ^    |
 *	    |    '--- promote_threshold reached ---> DREF_MODE_QUEUED ---> deferred
 *	    |                                            |
 *	    |                                            | no slot available, or only
 *	    |                                            | the queue has a reference
 *	    '--- the window in mode has begun ------ DREF_MODE_COLD
 *
 * Short-lived objects do not pay for slots.  Two samples of a CPU are at least 1,025 puts
 * apart, unless a task is interrupted or moved in between, so an object that only one CPU
 * uses, and that dies within 3,000 exact puts of that CPU, is practically never promoted.  If
 * promote_threshold is below 4, samples add nothing.
 *
 * The heat of a queued or cold object is not measured.  Neither is that of an object
 * that has been killed, or whose class is tracked or DREF_EXACT.  An object of a
 * DREF_EXACT class gets a new home at most once per heat window.
 *
 * An object that got no slot is cold for 1, 2, 4 ... 64 heat windows; mode remembers how
 * often that has happened to this object.  Meanwhile it keeps its home, so that the CPU
 * that uses it most stays on the fast path.
 *
 * One cmpxchg changes home, window and heat together.  If it fails, mode has changed
 * at the same time, and this operation is not measured.
 */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>

#include "internal.h"

/*
 * The low half of the mode of an exact object whose home is this CPU.  Exported only
 * for the inline functions of dref.h.  Changes when tracking is enabled for a class, so
 * that the next operation on each exact object leaves the fast path (track.c).  Until
 * dref_homes_set() has run, all CPUs are taken for CPU 0.
 */
DEFINE_PER_CPU(u32, dref_home) = DREF_MODE_EXACT;
EXPORT_PER_CPU_SYMBOL_GPL(dref_home);

/* How many exact puts on this CPU it takes until one is a sample: dref_sample_due() */
DEFINE_PER_CPU(int, dref_countdown);
EXPORT_PER_CPU_SYMBOL_GPL(dref_countdown);

static DEFINE_PER_CPU(u32, dref_sample_seed);

/* Start this CPU's countdown again, anywhere from half to one and a half of the period */
void dref_sample_next(void)
{
	/* A linear congruential generator, with the constants of Numerical Recipes */
	u32 seed = raw_cpu_read(dref_sample_seed) * 1664525 + 1013904223;

	/* If an interrupt, or a move to another CPU, comes between, that is random, too */
	raw_cpu_write(dref_sample_seed, seed);
	raw_cpu_write(dref_countdown, BIT(DREF_SAMPLE_SHIFT) / 2 +
				      (seed >> (32 - DREF_SAMPLE_SHIFT)));
}

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

/* Heat windows of 1024 ms, numbered modulo 2^16, which wraps after 18 hours */
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
 * 2^16.  No cold period is longer than BIT(DREF_COLD_SHIFT_MAX) windows, so a larger
 * difference means that @window is in the past, or that the numbers have wrapped since.
 */
static bool dref_window_passed(unsigned long window)
{
	unsigned long left = (window - dref_window()) & DREF_WINDOW_MASK;

	return !left || left > BIT(DREF_COLD_SHIFT_MAX);
}

/*
 * Make this CPU the home of an exact object, and add to its heat: one if it has another
 * home, or more if it was @sampled.  Change neither if the object is queued, killed, tracked
 * or still cold; an object of a DREF_EXACT class gets only the home.  Returns the heat if
 * the object has become hot; the caller must then put it into the promotion queue.  Returns
 * 0 otherwise.  The caller holds a reference and is inside rcu_read_lock(), for the class.
 */
unsigned long dref_heat(struct dref *ref, unsigned long mode, bool sampled)
{
	unsigned long home = dref_home_mode(ref->class);
	unsigned int threshold = READ_ONCE(dref_promote_threshold);
	unsigned long heat = sampled ? threshold / DREF_SAMPLES_HOT : 0;
	unsigned long now = dref_window(), new;
	bool exact_only = READ_ONCE(ref->class->flags) & DREF_EXACT;

	if (!dref_mode_is_home(mode))
		heat = max(heat, 1UL);
	if (home & DREF_MODE_TRACKED)
		return 0;
	if (mode & DREF_MODE_TRACKED) {
		dref_untrack(ref, mode);
		return 0;
	}
	if (mode & (DREF_MODE_QUEUED | DREF_MODE_KILLED))
		return 0;
	/* With so high a count, the mode must stay off the fast path (internal.h) */
	if (mode & DREF_MODE_HIGH && atomic_long_read(&ref->count) >= DREF_COUNT_HIGH)
		return 0;
	if (mode & DREF_MODE_COLD) {
		if (!dref_window_passed(dref_mode_window(mode)))
			return 0;
	} else if (dref_mode_window(mode) == now) {
		if (exact_only)
			return 0;	/* one new home per heat window is enough */
		heat += mode >> DREF_MODE_HEAT_SHIFT;
	}

	new = home | (mode & DREF_MODE_AGAIN) | now << DREF_MODE_WINDOW_SHIFT;
	if (!exact_only)
		new |= heat >= threshold ? DREF_MODE_QUEUED : heat << DREF_MODE_HEAT_SHIFT;
	return try_cmpxchg(&ref->mode, &mode, new) && new & DREF_MODE_QUEUED ? heat : 0;
}

/*
 * Ignore the heat of an exact object for two heat windows, because the present one may be
 * about to end; or, if it was @refused a slot, for longer each time.  The object stays at
 * home where it is.  The caller holds a reference.
 */
void dref_cool(struct dref *ref, bool refused)
{
	const unsigned long kept = DREF_MODE_KILLED | DREF_MODE_TRACKED | DREF_MODE_HIGH |
				   DREF_MODE_CPU;
	unsigned long mode = READ_ONCE(ref->mode), again, until, home;

	rcu_read_lock();	/* for the class, as in dref_heat() */
	do {
		if ((mode & DREF_MODE_TAGS) != DREF_MODE_EXACT)
			break;
		again = (mode & DREF_MODE_AGAIN) >> DREF_MODE_AGAIN_SHIFT;
		until = dref_window() + (refused ? BIT(again) : 2);
		if (refused && again < DREF_COLD_SHIFT_MAX)
			again++;
		home = dref_home_mode(ref->class) & ~DREF_MODE_CPU;
	} while (!try_cmpxchg(&ref->mode, &mode,
			      (mode & kept) | home | DREF_MODE_COLD |
			      again << DREF_MODE_AGAIN_SHIFT |
			      (until & DREF_WINDOW_MASK) << DREF_MODE_WINDOW_SHIFT));
	rcu_read_unlock();
}

/* Keep an exact object off the fast path, as its count has become very high */
void dref_mark_high(struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);

	do {
		if ((mode & DREF_MODE_TAGS) != DREF_MODE_EXACT)
			break;
	} while (!try_cmpxchg(&ref->mode, &mode, mode | DREF_MODE_HIGH));
}
