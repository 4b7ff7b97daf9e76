/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What track.c, which records, and holders.c, which shows, know of each other.
 */
#ifndef DREF_TRACK_H
#define DREF_TRACK_H

#include <linux/stackdepot.h>

#include "inspect.h"

#define DREF_STACKS	128	/* different ones of one object that are told apart */

/**
 * struct dref_stack - what was taken in one place
 * @stack: where; 0: unknown
 * @n: references that are still there
 * @since: jiffies when the oldest of them was taken
 * @pid: by whom; 0: in an interrupt
 * @comm: his name then
 */
struct dref_stack {
	depot_stack_handle_t	stack;
	unsigned long		n;
	unsigned long		since;
	pid_t			pid;
	char			comm[TASK_COMM_LEN];
};

/**
 * struct dref_holders - what is known of a tracked object
 * @ref: the object, which may be gone by now: for its address only
 * @mode: its mode word
 * @references: as dref_read() says
 * @recorded: those of them that are in @stacks and @others
 * @since: jiffies when it was initialised, or first seen
 * @others: references of stacks that there was no room for
 * @stacks: those with most references first; the rest is empty
 */
struct dref_holders {
	const struct dref	*ref;
	unsigned long		mode;
	long			references;
	unsigned long		recorded;
	unsigned long		since;
	unsigned long		others;
	struct dref_stack	stacks[DREF_STACKS];
};

/**
 * struct dref_track_stats - what tracking has room for
 * @max: objects, and records
 * @objects: that are tracked
 * @records: that there are
 * @dropped: gets and puts that were not recorded
 */
struct dref_track_stats {
	unsigned int	max;
	unsigned int	objects;
	unsigned int	records;
	unsigned long	dropped;
};

#ifdef CONFIG_DREF_TRACKING

extern struct mutex dref_track_mutex;

/* Around looking: no class is switched on or off, and no record is freed */
static inline void dref_track_lock(void)
{
	mutex_lock(&dref_track_mutex);
}

static inline void dref_track_unlock(void)
{
	mutex_unlock(&dref_track_mutex);
}

int dref_track_start(struct dref_class *class);
void dref_track_stats(struct dref_track_stats *stats);
unsigned int dref_tracked_objects(const struct dref_class *class);
long dref_track_find(unsigned long number, const struct dref_class *class, bool report,
		     struct dref_holders *holders);

#else

static inline void dref_track_lock(void) { }
static inline void dref_track_unlock(void) { }

static inline int dref_track_start(struct dref_class *class)
{
	return -EOPNOTSUPP;
}

static inline void dref_track_stats(struct dref_track_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
}

static inline unsigned int dref_tracked_objects(const struct dref_class *class)
{
	return 0;
}

static inline long dref_track_find(unsigned long number, const struct dref_class *class,
				   bool report, struct dref_holders *holders)
{
	return -1;
}

#endif /* CONFIG_DREF_TRACKING */

#endif /* DREF_TRACK_H */
