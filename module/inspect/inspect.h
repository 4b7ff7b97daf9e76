/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of module/inspect.
 *
 *	debugfs.c	the files in debugfs
 *	stats.c		counters and gauges
 *	look.c		takes snapshots of deferred objects, one at a time
 *	objects.c	the files that show these snapshots
 *	holders.c	the files that show holders and leaks
 *	track.c		records who holds an object (CONFIG_DREF_TRACKING)
 *	debugger.c	constants for debuggers
 */
#ifndef DREF_INSPECT_H
#define DREF_INSPECT_H

#include <linux/seq_file.h>

#include "../core/internal.h"

/* stats.c */
void dref_stats_show(struct seq_file *seq);
void dref_class_stats_show(struct seq_file *seq, const struct dref_class *class);
void dref_latency_show(struct seq_file *seq);

/* look.c */

/**
 * struct dref_snapshot - a deferred object at some moment
 * @ref: the object; it may have been freed, so use its address only
 * @mode: its mode word
 * @count: references counted in count
 * @gets: gets counted in the slot
 * @puts: puts counted in the slot
 * @since: jiffies when the object was promoted
 * @idle_passes: as in struct dref_slot
 */
struct dref_snapshot {
	const struct dref	*ref;
	unsigned long		mode;
	long			count;
	unsigned long		gets;
	unsigned long		puts;
	unsigned long		since;
	unsigned int		idle_passes;
};

long dref_slots_find(unsigned long number, const struct dref_class *class,
		     struct dref_snapshot *snap);
bool dref_slot_first_report(unsigned long number, const struct dref *ref);

struct dref_counts dref_cpu_counts(int cpu);

/* objects.c */
const char *dref_mode_name(unsigned long mode);
extern const struct file_operations dref_objects_fops;
extern const struct file_operations dref_cpus_fops;

/* holders.c */
extern unsigned int dref_leak_age_s;
extern const struct file_operations dref_holders_fops;
extern const struct file_operations dref_leaks_fops;

#endif /* DREF_INSPECT_H */
