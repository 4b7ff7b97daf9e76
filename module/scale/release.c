// SPDX-License-Identifier: GPL-2.0
/*
 * Releases: how long after its last put an object is released, and by whose doing.
 *
 * The put that drops the last reference of an exact object releases it.  Nobody
 * looks for zero when a deferred one is put: a pass finds it, and a row says what
 * has brought that pass about.
 *
 *	periodic pass	nothing: it was due, soon after one that had found something
 *	quiet pass	nothing, and passes had found nothing for so long that they
 *			were as far apart as they get
 *	kill		dref_kill() in place of the put, in such a quiet time
 *	reconcile	dref_reconcile(), likewise
 *	shrinker	memory pressure, likewise: the kernel is told to drop what its
 *			slab caches can do without, as by "echo 2" into drop_caches
 *
 * Objects live one after the other, each for a time that is drawn by lot, so that
 * passes and last puts keep no step.  dref's tunables are as they are.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "scale.h"

#define SCALE_RELEASES	2U	/* objects, for each run */
#define SCALE_PATIENCE	(10 * HZ)

/**
 * struct scale_mortal - an object that will be released
 * @ref: its count
 * @released_ns: when that was
 * @released: completed then
 */
struct scale_mortal {
	struct dref		ref;
	u64			released_ns;
	struct completion	released;
};

static void mortal_release(struct dref *ref)
{
	struct scale_mortal *mortal = container_of(ref, struct scale_mortal, ref);

	mortal->released_ns = ktime_get_ns();
	complete(&mortal->released);
}

DEFINE_DREF_CLASS(scale_class_release, "scale-release", mortal_release, 0);

int scale_releases_register(void)
{
	return dref_class_register(&scale_class_release);
}

void scale_releases_drain(void)
{
	dref_class_drain(&scale_class_release);
}

/* ---- what releases ---- */

static int drop_put(struct dref *ref)
{
	dref_put(ref);
	return 0;
}

static int drop_kill(struct dref *ref)
{
	dref_kill(ref);
	return 0;
}

static int drop_reconcile(struct dref *ref)
{
	dref_put(ref);
	dref_reconcile();
	return 0;
}

/* What the kernel exports of its shrinkers is this file */
static int drop_shrink(struct dref *ref)
{
	struct file *file;
	loff_t pos = 0;
	ssize_t len;

	dref_put(ref);
	file = filp_open("/proc/sys/vm/drop_caches", O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_write(file, "2\n", 2, &pos);
	filp_close(file, NULL);
	return min_t(ssize_t, len, 0);
}

static const struct scale_trigger {
	const char	*counter;
	const char	*name;
	int		(*drop)(struct dref *ref);
	bool		deferred;
	unsigned int	least_ms;	/* how long it lives before */
	unsigned int	spread_ms;
} triggers[] = {
	{ "dref exact",		"last put",		drop_put },
	{ "dref deferred",	"periodic pass",	drop_put,	true,	0,	20 },
	{ "dref deferred",	"quiet pass",		drop_put,	true,	400,	200 },
	{ "dref deferred",	"kill",			drop_kill,	true,	400,	200 },
	{ "dref deferred",	"reconcile",		drop_reconcile,	true,	400,	200 },
	{ "dref deferred",	"shrinker",		drop_shrink,	true,	400,	200 },
};

/* ---- one object after the other ---- */

static void live(struct scale_session *session, const struct scale_trigger *trigger)
{
	unsigned int ms = trigger->least_ms;
	unsigned long end;

	if (trigger->spread_ms)
		ms += get_random_u32() % trigger->spread_ms;
	end = jiffies + msecs_to_jiffies(ms);
	while (time_before(jiffies, end) && !scale_over(session))
		schedule_timeout_uninterruptible(min_t(long, end - jiffies, HZ / 10));
}

/* Waits for that; false if it has not been released in time, or the session is over */
static bool released(struct scale_session *session, struct scale_mortal *mortal)
{
	unsigned long end = jiffies + SCALE_PATIENCE;

	while (!wait_for_completion_timeout(&mortal->released, HZ / 10)) {
		if (time_after(jiffies, end) || scale_over(session))
			return false;
	}
	return true;
}

static int release_one(struct scale_session *session, const struct scale_trigger *trigger,
		       struct scale_mortal *mortal, struct scale_runs *runs)
{
	u64 start;
	int err;

	init_completion(&mortal->released);
	dref_init(&mortal->ref, &scale_class_release);
	err = trigger->deferred ? dref_defer(&mortal->ref, GFP_KERNEL) : 0;
	if (err) {
		dref_put(&mortal->ref);
		return err;
	}
	live(session, trigger);
	start = ktime_get_ns();
	err = trigger->drop(&mortal->ref);
	if (!released(session, mortal))
		dref_barrier();
	else if (!err && !scale_over(session))
		scale_runs_add(runs, mortal->released_ns - start, 1);
	return err;
}

static int release_by(struct scale_session *session, const struct scale_trigger *trigger,
		      struct scale_mortal *mortal, struct scale_runs *runs)
{
	unsigned int i, nr = min_t(unsigned int, session->runs * SCALE_RELEASES, SCALE_MAX_RUNS);
	int err = 0;

	scale_begin(session, "%s, released by %s", trigger->counter, trigger->name);
	for (i = 0; i < nr && !err && !scale_over(session); i++)
		err = release_one(session, trigger, mortal, runs);
	if (!err && runs->nr < i && !scale_over(session))
		scale_note("%s: %u of %u objects were not released in %u s", trigger->name,
			   i - runs->nr, i, SCALE_PATIENCE / HZ);
	return err ?: scale_result(SCALE_RELEASE, trigger->counter, trigger->name, runs->nr,
				   runs);
}

int scale_releases(struct scale_session *session)
{
	struct scale_mortal *mortal;
	struct scale_runs *runs;
	int i, err = 0;

	mortal = kzalloc(sizeof(*mortal), GFP_KERNEL);
	runs = kmalloc(sizeof(*runs), GFP_KERNEL);
	if (!mortal || !runs)
		err = -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(triggers) && !err && !scale_over(session); i++) {
		runs->nr = 0;
		err = release_by(session, &triggers[i], mortal, runs);
	}
	kfree(runs);
	kfree(mortal);
	return err;
}

unsigned int scale_releases_points(const struct scale_session *session)
{
	return ARRAY_SIZE(triggers);
}
