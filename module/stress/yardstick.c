// SPDX-License-Identifier: GPL-2.0
/*
 * The yardstick: how long the machine itself takes.
 *
 * dref releases an object after grace periods and in work items.  On a machine
 * that is busy enough both can take seconds, and that is nobody's fault.  So while
 * a session lasts, one work item after the other waits for a grace period, with
 * nothing of dref in it, and the longest time that one took says what may be
 * expected.  The one that is under way counts as soon as it takes longer.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/workqueue.h>

#include "../core/compat.h"
#include "stress.h"

/*
 * Two passes, of two walks and a grace period each, one grace period for DREF_RCU,
 * and the work items before and after: each of them may take as long as the other.
 */
#define STRESS_YARDSTICKS	10

static void stress_yardstick_work(struct work_struct *work)
{
	struct stress_yardstick *yardstick =
		container_of(to_rcu_work(work), struct stress_yardstick, work);
	unsigned long took = jiffies - yardstick->begin;

	if (took > yardstick->longest)
		WRITE_ONCE(yardstick->longest, took);
	if (READ_ONCE(yardstick->stop))
		return;
	WRITE_ONCE(yardstick->begin, jiffies);
	queue_rcu_work(dref_unbound_wq, &yardstick->work);
}

void stress_yardstick_start(struct stress_yardstick *yardstick)
{
	memset(yardstick, 0, sizeof(*yardstick));
	yardstick->begin = jiffies;
	INIT_RCU_WORK(&yardstick->work, stress_yardstick_work);
	queue_rcu_work(dref_unbound_wq, &yardstick->work);
}

void stress_yardstick_stop(struct stress_yardstick *yardstick)
{
	WRITE_ONCE(yardstick->stop, true);
	while (flush_rcu_work(&yardstick->work))
		;			/* it may have queued itself once more */
}

/* What dref may take on top of what it takes by choice, in jiffies; any context */
unsigned long stress_yardstick(const struct stress_yardstick *yardstick)
{
	/* in this order, or the one under way might begin in the future */
	unsigned long begin = READ_ONCE(yardstick->begin);
	unsigned long now = jiffies - begin;

	return STRESS_YARDSTICKS * max(now, READ_ONCE(yardstick->longest));
}
