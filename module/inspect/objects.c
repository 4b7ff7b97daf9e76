// SPDX-License-Identifier: GPL-2.0
/*
 * The files classes/NAME/objects and cpus in debugfs: deferred objects, one by one, and
 * the CPUs that count them.
 *
 * There may be a hundred thousand objects, of which thousands come and go every second.
 * A reader takes a snapshot of one at a time (look.c).  So it needs no memory, and no
 * get, put or pass waits for it.  An object that is deferred all the time is shown
 * once.  Its count, gets and puts are not from the same moment, but are read in the
 * order of a pass, so that they never show too few references.
 */
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>

#include "inspect.h"

/* *pos is the number of a slot */
static void *objects_seek(struct seq_file *seq, loff_t *pos)
{
	struct dref_snapshot *snap = seq->private;
	long number = dref_slots_find(*pos, file_inode(seq->file)->i_private, snap);

	if (number < 0)
		return NULL;
	*pos = number;
	return snap;
}

static void *objects_start(struct seq_file *seq, loff_t *pos)
{
	return objects_seek(seq, pos);
}

static void *objects_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return objects_seek(seq, pos);
}

static void objects_stop(struct seq_file *seq, void *v)
{
}

const char *dref_mode_name(unsigned long mode)
{
	switch (dref_mode_state(mode)) {
	case DREF_MODE_DEFERRED:	return "deferred";
	case DREF_MODE_DEMOTING:	return "demoting";
	case DREF_MODE_DYING:		return "dying";
	default:			return "exact";
	}
}

static int objects_show(struct seq_file *seq, void *v)
{
	const struct dref_snapshot *snap = v;

	seq_printf(seq, "%p: mode %s count %ld gets %lu puts %lu age_ms %llu idle_passes %u\n",
		   snap->ref, dref_mode_name(snap->mode), snap->count, snap->gets, snap->puts,
		   jiffies64_to_msecs(jiffies - snap->since), snap->idle_passes);
	return 0;
}

static const struct seq_operations objects_ops = {
	.start	= objects_start,
	.next	= objects_next,
	.stop	= objects_stop,
	.show	= objects_show,
};

static int objects_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &objects_ops, sizeof(struct dref_snapshot));
}

const struct file_operations dref_objects_fops = {
	.owner		= THIS_MODULE,
	.open		= objects_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

/* *pos is the number of a possible CPU */
static void *cpus_start(struct seq_file *seq, loff_t *pos)
{
	unsigned int cpu = cpumask_next(*pos - 1, cpu_possible_mask);

	if (cpu >= nr_cpu_ids)
		return NULL;
	*pos = cpu;
	return pos;
}

static void *cpus_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return cpus_start(seq, pos);
}

static int cpus_show(struct seq_file *seq, void *v)
{
	int cpu = *(loff_t *)v;
	struct dref_counts counts = dref_cpu_counts(cpu);

	seq_printf(seq, "cpu%d: gets %lu puts %lu net %ld\n", cpu, counts.gets,
		   counts.puts, (long)(counts.gets - counts.puts));
	return 0;
}

static const struct seq_operations cpus_ops = {
	.start	= cpus_start,
	.next	= cpus_next,
	.stop	= objects_stop,
	.show	= cpus_show,
};

static int cpus_open(struct inode *inode, struct file *file)
{
	return seq_open(file, &cpus_ops);
}

const struct file_operations dref_cpus_fops = {
	.owner		= THIS_MODULE,
	.open		= cpus_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release,
};
