// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection, in a copy of the sources that "make stress-broken" makes and patches.
 *
 * The module parameters do nothing until they are written to:
 *
 *	break		the fault: which step of the algorithm is left out or wrong,
 *			see broken.h
 *	stall_one_in	of so many operations, one stalls between the load of mode
 *			and the increment of the slot
 *	stall_us	longest stall, in microseconds, in preemptible context; in
 *			other contexts a stall takes at most STALL_ATOMIC_US, but
 *			is STALL_ATOMIC_FACTOR times as frequent
 *	fail_one_in	of so many allocations of dref, one fails
 *
 * A stall is not a fault, as the algorithm tolerates any delay at that place.  It
 * makes rare interleavings frequent.
 */
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "../core/internal.h"

#define STALL_ATOMIC_US	4000U
#define STALL_ATOMIC_FACTOR	8	/* times as frequent */
#define STALL_MAX_US	1000000U
#define RELEASE_DELAY_MS	60000

enum dref_breakage dref_breakage;

static unsigned int stall_one_in;
module_param(stall_one_in, uint, 0600);
MODULE_PARM_DESC(stall_one_in, "Stall one in so many operations in the window; 0: none");

static unsigned int stall_us = 1000;
module_param(stall_us, uint, 0600);
MODULE_PARM_DESC(stall_us, "Stall for up to so many microseconds, a second at most");

static unsigned int fail_one_in;
module_param(fail_one_in, uint, 0600);
MODULE_PARM_DESC(fail_one_in, "Fail one in so many allocations; 0: none");

/* ---- break ---- */

static const char * const breakages[DREF_NR_BREAKAGES] = {
	[DREF_BREAK_NONE]		= "none",
	[DREF_BREAK_EARLY_RELEASE]	= "early-release",
	[DREF_BREAK_LATE_RELEASE]	= "late-release",
	[DREF_BREAK_DOUBLE_RELEASE]	= "double-release",
	[DREF_BREAK_LOST_PUT]		= "lost-put",
	[DREF_BREAK_SKIP_GRACE_PERIOD]	= "skip-grace-period",
	[DREF_BREAK_GETS_BEFORE_PUTS]	= "gets-before-puts",
	[DREF_BREAK_NO_CMPXCHG]		= "no-cmpxchg",
	[DREF_BREAK_FREE_SLOT_EARLY]	= "free-slot-early",
	[DREF_BREAK_MISSED_RESURRECT]	= "missed-resurrect",
	[DREF_BREAK_LOST_KILL]		= "lost-kill",
	[DREF_BREAK_SKIP_RCU]		= "skip-rcu",
	[DREF_BREAK_LATE_WRITE]		= "late-write",
};

static int dref_break_set(const char *value, const struct kernel_param *param)
{
	int what = sysfs_match_string(breakages, value);

	if (what < 0)
		return what;
	WRITE_ONCE(dref_breakage, what);
	return 0;
}

static int dref_break_get(char *value, const struct kernel_param *param)
{
	return sprintf(value, "%s\n", breakages[READ_ONCE(dref_breakage)]);
}

static const struct kernel_param_ops dref_break_ops = {
	.set = dref_break_set,
	.get = dref_break_get,
};

module_param_cb(break, &dref_break_ops, NULL, 0600);
MODULE_PARM_DESC(break, "Break the algorithm: see broken.h");

/* ---- the stall ---- */

/* xorshift32 (Marsaglia, 2003); any context, as a step that an NMI repeats is harmless */
static u32 dref_random(void)
{
	static DEFINE_PER_CPU(u32, state);
	u32 random = raw_cpu_read(state) ?: raw_smp_processor_id() + 1;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	raw_cpu_write(state, random);
	return random;
}

static bool dref_one_in(unsigned int many)
{
	return many && dref_random() % many == 0;
}

/**
 * dref_window_stall - spend time between the load of mode and the increment
 *
 * For dref_counts() only.
 *
 * Context: any.
 */
void dref_window_stall(void)
{
	unsigned int one_in = READ_ONCE(stall_one_in);
	unsigned int most_us = min(READ_ONCE(stall_us), STALL_MAX_US);
	u64 until;

	if (!preemptible()) {
		one_in = DIV_ROUND_UP(one_in, STALL_ATOMIC_FACTOR);
		most_us = min(most_us, STALL_ATOMIC_US);
	}
	if (likely(!dref_one_in(one_in)))
		return;
	until = ktime_get_mono_fast_ns() +
		dref_random() % (most_us + 1) * NSEC_PER_USEC;
	while (ktime_get_mono_fast_ns() < until)
		cpu_relax();
}
EXPORT_SYMBOL_GPL(dref_window_stall);

/* ---- allocations ---- */

bool dref_should_fail_alloc(void)
{
	return dref_one_in(READ_ONCE(fail_one_in));
}

/* ---- late releases ---- */

static void dref_delayed_release_work(struct work_struct *work);

static LLIST_HEAD(delayed);
static DECLARE_DELAYED_WORK(release_work, dref_delayed_release_work);

static void dref_delayed_release_work(struct work_struct *work)
{
	struct dref *ref, *next;

	llist_for_each_entry_safe(ref, next, llist_del_all(&delayed), link)
		dref_release(ref);
}

/* Returns true if the release of the dead object @ref has been delayed */
bool dref_delay_release(struct dref *ref)
{
	if (!dref_broken(LATE_RELEASE))
		return false;
	if (llist_add(&ref->link, &delayed))
		schedule_delayed_work(&release_work,
				      msecs_to_jiffies(RELEASE_DELAY_MS));
	return true;
}

void dref_broken_exit(void)
{
	flush_delayed_work(&release_work);
}
