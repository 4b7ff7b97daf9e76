// SPDX-License-Identifier: GPL-2.0
/*
 * The files classes/NAME/holders and classes/NAME/leaks in debugfs, and the log of leaks
 * when a class cannot be unregistered.
 *
 * holders lists all known objects of a tracked class and, for each, the stacks that took
 * its references.  leaks lists the objects that should have been released by now, by their
 * age, and says why they have not been.
 *
 * Both files walk over the objects that are known one by one: the deferred objects, by
 * the number of their slot (look.c), and then the tracked objects, by the number of their
 * record (track.c).
 *
 *	*pos	POS_HEAD	POS_DEFERRED + slot	POS_TRACKED + record	POS_TAIL
 *		header		deferred objects	tracked objects		the others
 *
 * An object that is demoted during the walk may be shown in both parts, and is not missed.
 * Objects that are neither deferred nor tracked can only be counted, at the end.  A reader
 * gets one object at a time, so it needs no memory, and gets and puts wait at most while
 * one object is looked at.
 *
 * Opening leaks runs a pass first, so that an object without references is dying by then,
 * and its release is due.  The reader does not wait for release(); a release() that hangs
 * is reported as "dying".
 */
#define pr_fmt(fmt) "dref: " fmt

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "../core/compat.h"
#include "track.h"

/* The parts of a walk, in *pos: the header, the deferred and tracked objects, the end */
#define POS_HEAD	0
#define POS_DEFERRED	1
#define POS_TRACKED	((loff_t)BIT_ULL(40))
#define POS_TAIL	((loff_t)BIT_ULL(62))

/* A tunable; see debugfs.c */
unsigned int dref_leak_age_s = 10;

#define LOG_OBJECTS	10	/* of a class, at a time */
#define LOG_STACKS	4	/* of an object */

struct dref_walk {
	const struct dref_class	*class;
	struct seq_file		*seq;		/* NULL: the log */
	bool			leaks;
	unsigned int		leak_age_s;
	loff_t			pos;		/* where the object in holders was found */
	struct dref_holders	holders;
};

static __printf(2, 3) void walk_print(const struct dref_walk *walk, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	if (walk->seq)
		seq_vprintf(walk->seq, fmt, args);
	else
		pr_warn("%pV", &vaf);
	va_end(args);
}

/* ---- the walk ---- */

static void walk_seek_tracked(struct dref_walk *walk, loff_t *pos)
{
	long number = dref_track_find(*pos - POS_TRACKED, walk->class, !walk->seq,
				      &walk->holders);

	*pos = number < 0 ? POS_TAIL : POS_TRACKED + number;
}

static void walk_seek_deferred(struct dref_walk *walk, loff_t *pos)
{
	struct dref_holders *holders = &walk->holders;
	struct dref_snapshot snap;
	long number = *pos - POS_DEFERRED;

	for (;; number++) {
		number = dref_slots_find(number, walk->class, &snap);
		if (number < 0 || walk->seq || dref_slot_first_report(number, snap.ref))
			break;
	}
	*pos = number < 0 ? POS_TRACKED : POS_DEFERRED + number;
	if (number < 0)
		return;
	holders->ref = snap.ref;
	holders->mode = snap.mode;
	holders->references = max_t(long, snap.count + snap.gets - snap.puts, 0);
	holders->recorded = 0;
	holders->others = 0;
	holders->since = snap.since;
	holders->stacks[0].n = 0;
}

/* Find the first entry at *pos or after it */
static bool walk_seek(struct dref_walk *walk, loff_t *pos)
{
	bool unlisted = !walk->leaks && !walk->class->tracked;

	if (*pos != POS_HEAD && unlisted)
		return false;
	if (*pos >= POS_DEFERRED && *pos < POS_TRACKED)
		walk_seek_deferred(walk, pos);
	if (*pos >= POS_TRACKED && *pos < POS_TAIL)
		walk_seek_tracked(walk, pos);
	walk->pos = *pos;
	return *pos <= POS_TAIL;
}

/* ---- printing an entry ---- */

static void walk_print_head(const struct dref_walk *walk)
{
	struct dref_track_stats stats;

	dref_track_stats(&stats);
	walk_print(walk, "tracked: %d\n", walk->class->tracked);
	walk_print(walk, "track_max: %u\n", stats.max);
	walk_print(walk, "objects: %u\n", stats.objects);
	walk_print(walk, "records: %u\n", stats.records);
	walk_print(walk, "dropped: %lu\n", stats.dropped);
	if (walk->leaks)
		walk_print(walk, "leak_age_s: %u\n", walk->leak_age_s);
}

static void walk_print_stack(const struct dref_walk *walk, const struct dref_stack *stack)
{
	unsigned long *entries;
	unsigned int i, nr = dref_stack_fetch(stack->stack, &entries);

	walk_print(walk, "  %lu since_ms %llu by %s[%d]\n", stack->n,
		   jiffies64_to_msecs(jiffies - stack->since), stack->comm, stack->pid);
	for (i = 0; i < nr; i++)
		walk_print(walk, "    %pS\n", (void *)entries[i]);
	if (!nr)
		walk_print(walk, "    stack unknown\n");
}

static void walk_print_holders(const struct dref_walk *walk)
{
	const struct dref_holders *holders = &walk->holders;
	unsigned int i, nr = walk->seq ? DREF_STACKS : LOG_STACKS;
	unsigned long others = holders->others;
	long before = holders->references - holders->recorded;
	struct dref_track_stats stats;

	for (i = 0; i < nr && holders->stacks[i].n; i++) {
		walk_print_stack(walk, &holders->stacks[i]);
		cond_resched();		/* finding the names of a stack takes long */
	}
	for (; i < DREF_STACKS && holders->stacks[i].n; i++)
		others += holders->stacks[i].n;
	if (others)
		walk_print(walk, "  %lu in other places\n", others);
	dref_track_stats(&stats);
	if (before > 0)
		walk_print(walk, "  %ld before tracking%s\n", before,
			   stats.dropped ? ", or dropped" : "");
}

/* Why has the object not been released?  A pass has just run. */
static const char *state_name(const struct dref_holders *holders)
{
	unsigned long state = dref_mode_state(holders->mode);

	if (holders->references)
		return "held";
	return state == DREF_MODE_EXACT || state == DREF_MODE_DYING ? "dying" :
								     "unreconciled";
}

static void walk_print_object(const struct dref_walk *walk)
{
	const struct dref_holders *holders = &walk->holders;
	unsigned long age = jiffies - holders->since;

	if (walk->leaks && age < walk->leak_age_s * HZ)
		return;
	walk_print(walk, "%p: %s%s references %ld recorded %lu age_ms %llu\n", holders->ref,
		   walk->leaks ? "" : "mode ",
		   walk->leaks ? state_name(holders) : dref_mode_name(holders->mode),
		   holders->references, holders->recorded, jiffies64_to_msecs(age));
	if (walk->class->tracked)
		walk_print_holders(walk);
}

static void walk_print_tail(const struct dref_walk *walk)
{
	long more = dref_class_live(walk->class) - atomic_long_read(&walk->class->deferred) -
		    dref_tracked_objects(walk->class);

	if (more > 0)
		walk_print(walk, "%ld more exact, not tracked\n", more);
}

static void walk_print_entry(const struct dref_walk *walk)
{
	if (walk->pos == POS_HEAD)
		walk_print_head(walk);
	else if (walk->pos == POS_TAIL)
		walk_print_tail(walk);
	else
		walk_print_object(walk);
}

/* ---- files in debugfs ---- */

static void *walk_start(struct seq_file *seq, loff_t *pos)
{
	struct dref_walk *walk = seq->private;

	dref_track_lock();
	return walk_seek(walk, pos) ? walk : NULL;
}

static void *walk_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	cond_resched();		/* seq_read() continues after entries that print nothing */
	return walk_seek(v, pos) ? v : NULL;
}

static void walk_stop(struct seq_file *seq, void *v)
{
	dref_track_unlock();
}

static int walk_show(struct seq_file *seq, void *v)
{
	walk_print_entry(v);
	return 0;
}

static const struct seq_operations walk_ops = {
	.start	= walk_start,
	.next	= walk_next,
	.stop	= walk_stop,
	.show	= walk_show,
};

static int walk_open(struct inode *inode, struct file *file, bool leaks)
{
	struct dref_walk *walk;

	walk = __seq_open_private(file, &walk_ops, sizeof(*walk));
	if (!walk)
		return -ENOMEM;
	walk->class = inode->i_private;
	walk->seq = file->private_data;
	walk->leaks = leaks;
	walk->leak_age_s = READ_ONCE(dref_leak_age_s);
	return 0;
}

static int holders_open(struct inode *inode, struct file *file)
{
	return walk_open(inode, file, false);
}

static int leaks_open(struct inode *inode, struct file *file)
{
	dref_pass_now();
	return walk_open(inode, file, true);
}

const struct file_operations dref_holders_fops = {
	.owner		= THIS_MODULE,
	.open		= holders_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

const struct file_operations dref_leaks_fops = {
	.owner		= THIS_MODULE,
	.open		= leaks_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

/* ---- the log ---- */

/*
 * Log the live objects of a class that could not be unregistered, whatever their age: each
 * object once, and at most LOG_OBJECTS at a time.
 */
void dref_leaks_log(const struct dref_class *class)
{
	static DEFINE_RATELIMIT_STATE(ratelimit, 5 * HZ, 10);
	struct dref_walk *walk;
	int printed = 0;
	loff_t pos;

	if (!__ratelimit(&ratelimit))
		return;
	walk = kzalloc(sizeof(*walk), GFP_KERNEL);
	if (!walk)
		return;
	walk->class = class;
	walk->leaks = true;
	dref_track_lock();
	for (pos = POS_DEFERRED; walk_seek(walk, &pos); pos++) {
		walk_print_entry(walk);
		if (pos < POS_TAIL && ++printed == LOG_OBJECTS)
			pos = POS_TAIL - 1;	/* the others next time */
	}
	dref_track_unlock();
	kfree(walk);
}
