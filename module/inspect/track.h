/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by track.c, which records holders, and holders.c, which shows them.
 */
#ifndef DREF_TRACK_H
#define DREF_TRACK_H

#include <linux/stackdepot.h>

#include "inspect.h"

#define DREF_STACKS	128	/* number of different stacks that are told apart, for one object */

/**
 * struct dref_stack - references that were taken in one place
 * @stack: the stack; 0: unknown
 * @n: number of references that are still held
 * @since: jiffies when the oldest of them was taken
 * @pid: task that took it; 0: an interrupt
 * @comm: name of that task at that time
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
 * @ref: the object; it may have been freed, so use its address only
 * @mode: its mode word
 * @references: number of references, as dref_read() returns it
 * @recorded: number of those that are in @stacks and @others
 * @since: jiffies when the object was initialised, or first seen
 * @others: references whose stacks did not fit into @stacks
 * @stacks: the stacks, that with most references first; the rest is empty
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
 * struct dref_track_stats - the room that tracking has, and how much is used
 * @max: room for objects, and for records
 * @objects: number of tracked objects
 * @records: number of records
 * @dropped: number of gets and puts that could not be recorded
 */
struct dref_track_stats {
	unsigned int	max;
	unsigned int	objects;
	unsigned int	records;
	unsigned long	dropped;
};

#ifdef CONFIG_DREF_TRACKING

extern struct mutex dref_track_mutex;

/* Held while reading: tracking of a class is not switched, and no record is freed */
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
