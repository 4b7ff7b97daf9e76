// SPDX-License-Identifier: GPL-2.0
/*
 * The files in /sys/kernel/debug/dref, for root only:
 *
 *	stats			counters and gauges of all classes together
 *	cpus			what each CPU has counted in slots
 *	latency			histogram of the releases of deferred objects
 *	classes/NAME/stats	counters and gauges of one class, and its flags
 *	classes/NAME/objects	its deferred objects, one per line
 *	classes/NAME/track	1: record who holds its objects; 0: do not
 *	classes/NAME/holders	who holds its objects, as far as recorded
 *	classes/NAME/leaks	its objects that are still there after a pass and are
 *				older than leak_age_s, and why
 *	reconcile		write anything: call dref_reconcile(); read: how many
 *				objects the last one released
 *	pass_min_ms		shortest interval between periodic passes
 *	pass_max_ms		longest interval between periodic passes
 *	promote_threshold	heat in a heat window that makes an object hot
 *	demote_passes		periodic passes without activity before demotion
 *	max_deferred		how many objects may have a slot at a time
 *	leak_age_s		least age of the objects in leaks
 *
 * Values are "name: value" lines in decimal.  A tunable takes a number in its
 * range; any other write fails with -EINVAL and changes nothing.  All tunables but
 * leak_age_s are module parameters, too (core/tunables.c).
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../core/tunables.h"
#include "track.h"

static struct dentry *dref_dir;
static struct dentry *classes_dir;

static int stats_show(struct seq_file *seq, void *unused)
{
	dref_stats_show(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int latency_show(struct seq_file *seq, void *unused)
{
	dref_latency_show(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(latency);

static int class_stats_show(struct seq_file *seq, void *unused)
{
	dref_class_stats_show(seq, seq->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(class_stats);

static int reconcile_show(struct seq_file *seq, void *unused)
{
	struct dref_pass_stats pass;

	dref_pass_stats(&pass);
	seq_printf(seq, "released: %lu\n", pass.released_last);
	return 0;
}

static int reconcile_open(struct inode *inode, struct file *file)
{
	return single_open(file, reconcile_show, NULL);
}

static ssize_t reconcile_write(struct file *file, const char __user *buf,
			       size_t len, loff_t *pos)
{
	dref_reconcile();
	return len;
}

static const struct file_operations reconcile_fops = {
	.owner		= THIS_MODULE,
	.open		= reconcile_open,
	.read		= seq_read,
	.write		= reconcile_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static const struct dref_tunable leak_age_s = {
	"leak_age_s", &dref_leak_age_s, 0, 1000000
};

static int tunable_show(struct seq_file *seq, void *unused)
{
	const struct dref_tunable *tunable = seq->private;

	seq_printf(seq, "%u\n", READ_ONCE(*tunable->value));
	return 0;
}

static int tunable_open(struct inode *inode, struct file *file)
{
	return single_open(file, tunable_show, inode->i_private);
}

/* Everything that is written must be one number */
static int number_from_user(const char __user *buf, size_t len, unsigned int *value)
{
	char text[16];

	/* kstrtouint_from_user() would ignore all but the first few characters */
	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = '\0';
	return strlen(text) == len && !kstrtouint(text, 10, value) ? 0 : -EINVAL;
}

static ssize_t tunable_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	unsigned int value;
	int err = number_from_user(buf, len, &value);

	if (!err)
		err = dref_tunable_set(seq->private, value);
	return err ?: len;
}

static const struct file_operations tunable_fops = {
	.owner		= THIS_MODULE,
	.open		= tunable_open,
	.read		= seq_read,
	.write		= tunable_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int track_show(struct seq_file *seq, void *unused)
{
	const struct dref_class *class = seq->private;

	seq_printf(seq, "%d\n", READ_ONCE(class->tracked));
	return 0;
}

static int track_open(struct inode *inode, struct file *file)
{
	return single_open(file, track_show, inode->i_private);
}

static ssize_t track_write(struct file *file, const char __user *buf,
			   size_t len, loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	unsigned int value;
	int err = number_from_user(buf, len, &value);

	if (!err && value > 1)
		err = -EINVAL;
	if (!err && value)
		err = dref_track_start(seq->private);
	else if (!err)
		dref_track_stop(seq->private);
	return err ?: len;
}

static const struct file_operations track_fops = {
	.owner		= THIS_MODULE,
	.open		= track_open,
	.read		= seq_read,
	.write		= track_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static void tunable_create(const struct dref_tunable *tunable)
{
	debugfs_create_file(tunable->name, 0600, dref_dir, (void *)tunable, &tunable_fops);
}

static void dref_debugfs_add_to(struct dentry *parent, struct dref_class *class)
{
	class->dir = debugfs_create_dir(class->name, parent);
	debugfs_create_file("stats", 0400, class->dir, class, &class_stats_fops);
	debugfs_create_file("objects", 0400, class->dir, class, &dref_objects_fops);
	debugfs_create_file("leaks", 0400, class->dir, class, &dref_leaks_fops);
	if (!IS_ENABLED(CONFIG_DREF_TRACKING))
		return;
	debugfs_create_file("track", 0600, class->dir, class, &track_fops);
	debugfs_create_file("holders", 0400, class->dir, class, &dref_holders_fops);
}

/* Add the folder of @class, which is in the list of classes */
void dref_debugfs_add(struct dref_class *class)
{
	/* Pairs with the release in dref_debugfs_add_early() */
	struct dentry *parent = smp_load_acquire(&classes_dir);

	if (parent && !class->dir)
		dref_debugfs_add_to(parent, class);
}

/*
 * Add the folders of the classes that were registered before debugfs existed, which is
 * possible if dref is built in.  If a class is being registered meanwhile, its
 * dref_debugfs_add() finds classes_dir empty, or the folder of the class.
 */
static void dref_debugfs_add_early(struct dentry *parent)
{
	struct dref_class *class;

	mutex_lock(&dref_classes_mutex);
	list_for_each_entry(class, &dref_classes, node) {
		if (!class->going)
			dref_debugfs_add_to(parent, class);
	}
	/* The folders, then their parent; pairs with the acquire in dref_debugfs_add() */
	smp_store_release(&classes_dir, parent);
	mutex_unlock(&dref_classes_mutex);
}

void dref_debugfs_remove(struct dref_class *class)
{
	debugfs_remove(class->dir);	/* waits for readers */
	class->dir = NULL;
}

void dref_debugfs_init(void)
{
	int i;

	dref_dir = debugfs_create_dir("dref", NULL);
	dref_debugfs_add_early(debugfs_create_dir("classes", dref_dir));
	debugfs_create_file("stats", 0400, dref_dir, NULL, &stats_fops);
	debugfs_create_file("cpus", 0400, dref_dir, NULL, &dref_cpus_fops);
	debugfs_create_file("latency", 0400, dref_dir, NULL, &latency_fops);
	debugfs_create_file("reconcile", 0600, dref_dir, NULL, &reconcile_fops);
	for (i = 0; i < DREF_NR_TUNABLES; i++)
		tunable_create(&dref_tunables[i]);
	tunable_create(&leak_age_s);
}

void dref_debugfs_exit(void)
{
	debugfs_remove(dref_dir);
}
