// SPDX-License-Identifier: GPL-2.0
/*
 * dref_scale.ko: measures the cost of reference counts, dref's and others.
 *
 * Like the kernel's refscale, it runs the same loops over each counter, on 1, 2,
 * 3 ... CPUs.  It also measures parts that only dref has, such as passes.  Module
 * parameters select what to measure.  Root finds these files in
 * /sys/kernel/debug/dref_scale:
 *
 *	run		a write of 1 begins a session, a write of 0 stops it; a read
 *			returns the state and the progress
 *	results		a table of the results
 *	json		the results and the memory of each counter, for programs: one
 *			JSON object per line
 *
 * dref-scale(8) uses these files, and computes ratios.  A session runs in a work
 * item, and ends after the parameter "seconds" at the latest.  When the module is
 * unloaded, the session ends within one batch of operations.
 */
#define pr_fmt(fmt) "dref_scale: " fmt

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "scale.h"

/* ---- parameters: a value out of range is refused, and changes nothing ---- */

struct scale_range {
	unsigned int	value;
	unsigned int	min;
	unsigned int	max;
};

static int set_in_range(const char *text, const struct kernel_param *param)
{
	struct scale_range *range = param->arg;
	unsigned int value;

	if (kstrtouint(text, 10, &value) || value < range->min || value > range->max)
		return -EINVAL;
	range->value = value;
	return 0;
}

static int get_in_range(char *text, const struct kernel_param *param)
{
	const struct scale_range *range = param->arg;

	return sysfs_emit(text, "%u\n", range->value);
}

static const struct kernel_param_ops range_ops = {
	.set = set_in_range,
	.get = get_in_range,
};

static struct scale_range runs = { 5, 1, SCALE_MAX_RUNS };
module_param_cb(runs, &range_ops, &runs, 0600);
MODULE_PARM_DESC(runs, "number of runs for each point, 1..101 (5)");

static struct scale_range ops = { 100000, 1000, 1000000 };
module_param_cb(ops, &range_ops, &ops, 0600);
MODULE_PARM_DESC(ops, "number of operations of each thread in a run, 1000..1000000 (100000)");

static struct scale_range objects = { 10000, 10, 1000000 };
module_param_cb(objects, &range_ops, &objects, 0600);
MODULE_PARM_DESC(objects, "largest number of objects for passes, 10..1000000 (10000)");

static struct scale_range duration = { 1000, 10, 3600000 };
module_param_cb(duration, &range_ops, &duration, 0600);
MODULE_PARM_DESC(duration, "time of a run of churn in ms, 10..3600000 (1000)");

static struct scale_range limit = { 1000000, 1000, 100000000 };
module_param_cb(limit, &range_ops, &limit, 0600);
MODULE_PARM_DESC(limit,
		 "objects not freed at which churn creates no more, 1000..100000000 (1000000)");

static struct scale_range seconds = { 600, 1, 86400 };
module_param_cb(seconds, &range_ops, &seconds, 0600);
MODULE_PARM_DESC(seconds, "time limit of a session in seconds, 1..86400 (600)");

static struct cpumask cpus;	/* if empty, all CPUs on line */

static int set_cpus(const char *text, const struct kernel_param *param)
{
	struct cpumask *mask;
	int err = -EINVAL;

	mask = kzalloc(sizeof(*mask), GFP_KERNEL);
	if (!mask)
		return -ENOMEM;
	if (!cpulist_parse(text, mask) && cpumask_subset(mask, cpu_possible_mask)) {
		cpumask_copy(&cpus, mask);
		err = 0;
	}
	kfree(mask);
	return err;
}

static int get_cpus(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%*pbl\n", cpumask_pr_args(&cpus));
}

static const struct kernel_param_ops cpus_ops = {
	.set = set_cpus,
	.get = get_cpus,
};

module_param_cb(cpus, &cpus_ops, NULL, 0600);
MODULE_PARM_DESC(cpus, "CPUs to use, as in 0-3,6 (all CPUs on line)");

static unsigned int measures = BIT(SCALE_NR_MEASURES) - 1;

static int set_measures(const char *text, const struct kernel_param *param)
{
	unsigned int i, chosen = 0;
	size_t len;

	do {
		len = strcspn(text, ",\n");
		for (i = 0; i < SCALE_NR_MEASURES; i++) {
			if (len == strlen(scale_measure_names[i]) &&
			    !strncmp(text, scale_measure_names[i], len))
				break;
		}
		if (i == SCALE_NR_MEASURES)
			return -EINVAL;
		chosen |= BIT(i);
		text += len;
	} while (*text++ == ',');
	measures = chosen;
	return 0;
}

static int get_measures(char *text, const struct kernel_param *param)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < SCALE_NR_MEASURES; i++) {
		if (measures & BIT(i))
			len += sysfs_emit_at(text, len, "%s%s", len ? "," : "",
					     scale_measure_names[i]);
	}
	return len + sysfs_emit_at(text, len, "\n");
}

static const struct kernel_param_ops measures_ops = {
	.set = set_measures,
	.get = get_measures,
};

module_param_cb(measure, &measures_ops, NULL, 0600);
MODULE_PARM_DESC(measure, "what to measure: some of scaling,life,promotion,pass,release,churn (all)");

/* ---- a session ---- */

static const struct {
	int		(*measure)(struct scale_session *session);
	unsigned int	(*points)(const struct scale_session *session);
} measurers[] = {
	[SCALE_SCALING]		= { scale_scaling, scale_scaling_points },
	[SCALE_LIFE]		= { scale_lives, scale_lives_points },
	[SCALE_PROMOTION]	= { scale_promotions, scale_promotions_points },
	[SCALE_PASS]		= { scale_passes, scale_passes_points },
	[SCALE_RELEASE]		= { scale_releases, scale_releases_points },
	[SCALE_CHURN]		= { scale_churn, scale_churn_points },
};

static void scale_session_work(struct work_struct *work);

static struct scale_session session = { .offline_cpu = -1 };
static DECLARE_WORK(session_work, scale_session_work);
static DEFINE_MUTEX(session_mutex);	/* held to begin or stop a session */

/* The state that user space reads, protected by state_mutex */
static DEFINE_MUTEX(state_mutex);
static const char *state = "idle";
static char now[80];
static char note[100];

/* Test whether the session must end; every loop of a measurement calls this */
bool scale_must_end(struct scale_session *session)
{
	if (time_after(jiffies, session->deadline))
		WRITE_ONCE(session->late, true);
	return READ_ONCE(session->stop) || READ_ONCE(session->late) ||
	       READ_ONCE(session->offline_cpu) >= 0;
}

/* Begin the next point; @format describes it */
void scale_begin_point(struct scale_session *session, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	mutex_lock(&state_mutex);
	session->point++;
	vsnprintf(now, sizeof(now), format, args);
	mutex_unlock(&state_mutex);
	va_end(args);
}

/* Add a remark on the results for user space; only the first one is kept */
void scale_add_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	mutex_lock(&state_mutex);
	if (!note[0])
		vsnprintf(note, sizeof(note), format, args);
	mutex_unlock(&state_mutex);
	va_end(args);
}

static void scale_set_state(const char *new)
{
	mutex_lock(&state_mutex);
	state = new;
	now[0] = '\0';
	mutex_unlock(&state_mutex);
}

static const char *scale_session_end(int err)
{
	if (session.offline_cpu >= 0)
		scale_add_note("CPU %d went off line", session.offline_cpu);
	else if (session.late)
		scale_add_note("out of time");
	else if (err == -ENOSPC)
		scale_add_note("dref's max_deferred allows no more objects to be deferred");
	else if (err)
		scale_add_note("error %d", err);
	else
		return session.stop ? "stopped" : "done";
	return "failed";
}

static void scale_session_work(struct work_struct *work)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < SCALE_NR_MEASURES && !err && !scale_must_end(&session); i++) {
		if (session.measures & BIT(i))
			err = measurers[i].measure(&session);
	}
	scale_releases_close(&session);
	scale_set_state(scale_session_end(err));
}

/* Set up a session with the current parameters */
static void scale_session_setup(void)
{
	unsigned int i;

	kernel_param_lock(THIS_MODULE);
	session = (struct scale_session) {
		.measures	= measures,
		.runs		= runs.value,
		.ops		= ops.value,
		.objects	= objects.value,
		.duration	= duration.value,
		.limit		= limit.value,
		.deadline	= jiffies + seconds.value * HZ,
		.offline_cpu	= -1,
	};
	cpumask_copy(&session.cpumask, cpumask_empty(&cpus) ? cpu_online_mask : &cpus);
	kernel_param_unlock(THIS_MODULE);
	session.nr_cpus = cpumask_weight(&session.cpumask);
	for (i = 0; i < SCALE_NR_MEASURES; i++) {
		if (session.measures & BIT(i))
			session.points += measurers[i].points(&session);
	}
}

/*
 * Returns 0, -EBUSY if a session is running, or -EINVAL if a CPU of the new
 * session is off line.
 */
static int scale_session_begin(void)
{
	int err = 0;

	mutex_lock(&session_mutex);
	if (work_busy(&session_work)) {
		err = -EBUSY;
		goto unlock;
	}
	scale_results_clear();
	note[0] = '\0';
	scale_session_setup();
	if (!cpumask_subset(&session.cpumask, cpu_online_mask)) {
		err = -EINVAL;
		scale_set_state("idle");
		goto unlock;
	}
	if (session.measures & BIT(SCALE_RELEASE))
		scale_releases_open(&session);
	scale_set_state("running");
	queue_work(dref_unbound_wq, &session_work);
unlock:
	mutex_unlock(&session_mutex);
	return err;
}

static void scale_session_stop(void)
{
	mutex_lock(&session_mutex);
	WRITE_ONCE(session.stop, true);
	flush_work(&session_work);
	mutex_unlock(&session_mutex);
}

/* ---- debugfs ---- */

static struct dentry *scale_dir;

static int run_show(struct seq_file *seq, void *unused)
{
	mutex_lock(&state_mutex);
	seq_printf(seq, "state: %s\npoint: %u\npoints: %u\n", state, session.point,
		   session.points);
	if (now[0])
		seq_printf(seq, "now: %s\n", now);
	if (note[0])
		seq_printf(seq, "note: %s\n", note);
	mutex_unlock(&state_mutex);
	return 0;
}

static int run_open(struct inode *inode, struct file *file)
{
	return single_open(file, run_show, NULL);
}

static ssize_t run_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char text[4] = "";
	int err = 0;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	if (sysfs_streq(text, "1"))
		err = scale_session_begin();
	else if (sysfs_streq(text, "0"))
		scale_session_stop();
	else
		err = -EINVAL;
	return err ?: len;
}

static const struct file_operations run_fops = {
	.owner		= THIS_MODULE,
	.open		= run_open,
	.read		= seq_read,
	.write		= run_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int results_show(struct seq_file *seq, void *unused)
{
	scale_results_show(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(results);

static int json_show(struct seq_file *seq, void *unused)
{
	scale_results_show_json(seq, &session);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(json);

static int __init scale_module_init(void)
{
	int err;

	err = scale_counters_register();
	if (err)
		return err;
	err = scale_lives_register();
	if (err)
		goto drain_counters;
	err = scale_releases_register();
	if (err)
		goto drain_lives;
	err = scale_churn_register();
	if (err)
		goto drain_releases;
	scale_dir = debugfs_create_dir("dref_scale", NULL);
	debugfs_create_file("run", 0600, scale_dir, NULL, &run_fops);
	debugfs_create_file("results", 0400, scale_dir, NULL, &results_fops);
	debugfs_create_file("json", 0400, scale_dir, NULL, &json_fops);
	return 0;

drain_releases:
	scale_releases_drain();
drain_lives:
	scale_lives_drain();
drain_counters:
	scale_counters_drain();
	return err;
}

static void __exit scale_module_exit(void)
{
	debugfs_remove(scale_dir);
	scale_session_stop();
	scale_results_clear();
	scale_churn_drain();
	scale_releases_drain();
	scale_lives_drain();
	scale_counters_drain();
	rcu_barrier();		/* the release() of a percpu_ref may still be running */
}

module_init(scale_module_init);
module_exit(scale_module_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The dref developers");
MODULE_DESCRIPTION("Cost of reference counts, on one CPU and on many");
MODULE_VERSION(DREF_VERSION);
