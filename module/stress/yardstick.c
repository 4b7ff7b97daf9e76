// SPDX-License-Identifier: GPL-2.0
/*
 * The yardstick: measures how long grace periods and work items take on this
 * machine.
 *
 * dref releases objects after grace periods and in work items.  On a very busy
 * machine both can take seconds, which is no fault of dref.  So during a
 * session a work item, which has nothing to do with dref, runs after a grace
 * period and queues itself again.  The longest time that it took tells how much
 * time dref may take.  The round in progress counts as soon as it exceeds that.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/workqueue.h>

#include "../core/compat.h"
#include "stress.h"

/*
 * A release may take two passes, with two walks and a grace period each, a grace
 * period for DREF_RCU, and the work items before and after these.  Each may
 * take as long as the yardstick.
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
		;			/* the work may have queued itself once more */
}

/*
 * Returns the time in jiffies that dref may take because of the machine, beyond
 * the time that it takes by design; any context
 */
unsigned long stress_yardstick_allowance(const struct stress_yardstick *yardstick)
{
	/* begin, then jiffies: otherwise the round in progress might begin in the future */
	unsigned long begin = READ_ONCE(yardstick->begin);
	unsigned long now = jiffies - begin;

	return STRESS_YARDSTICKS * max(now, READ_ONCE(yardstick->longest));
}
