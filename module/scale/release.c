// SPDX-License-Identifier: GPL-2.0
/*
 * Releases: how long after its last put an object is released.
 *
 * The put that drops the last reference of an exact object releases it at once.
 * A put of a deferred object does not look for zero; a pass finds it later.
 * There is one row for each reason to run that pass:
 *
 *	periodic pass	the interval is over; it is short, as the last pass had
 *			found a dead object
 *	quiet pass	the interval is over; it is as long as it gets, as passes
 *			had found nothing for some time
 *	kill		dref_kill() instead of the last put, in such a quiet time
 *	reconcile	dref_reconcile() after the last put, in such a quiet time
 *	shrinker	memory pressure in such a quiet time: a write of "2" to
 *			drop_caches asks the kernel to shrink its slab caches
 *
 * There is one object at a time.  Each lives for a random time, so that last
 * puts are not synchronous with passes.  dref's tunables are not changed.
 *
 * The session runs in a work item, and since 7.3 a kernel thread has an empty root
 * folder.  So the task that begins the session opens drop_caches.
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

#define SCALE_RELEASES	2U	/* objects in each run */
#define SCALE_PATIENCE	(10 * HZ)

/**
 * struct scale_mortal - an object that will be released
 * @ref: its reference count
 * @released_ns: time of release()
 * @released: completed by release()
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

static DEFINE_DREF_CLASS(scale_class_release, "scale-release", mortal_release, 0);

int scale_releases_register(void)
{
	return dref_class_register(&scale_class_release);
}

void scale_releases_drain(void)
{
	dref_class_drain(&scale_class_release);
}

/* ---- ways to drop the last reference ---- */

/* The kernel exports no function that calls the shrinkers, but this file does */
#define SCALE_DROP_CACHES	"/proc/sys/vm/drop_caches"

/* Called by the task that begins the session; a failure matters only to drop_shrink() */
void scale_releases_open(struct scale_session *session)
{
	session->drop_caches = filp_open(SCALE_DROP_CACHES, O_WRONLY, 0);
}

void scale_releases_close(struct scale_session *session)
{
	if (!IS_ERR_OR_NULL(session->drop_caches))
		filp_close(session->drop_caches, NULL);
	session->drop_caches = NULL;
}

static int drop_put(struct scale_session *session, struct dref *ref)
{
	dref_put(ref);
	return 0;
}

static int drop_kill(struct scale_session *session, struct dref *ref)
{
	dref_kill(ref);
	return 0;
}

static int drop_reconcile(struct scale_session *session, struct dref *ref)
{
	dref_put(ref);
	dref_reconcile();
	return 0;
}

static int drop_shrink(struct scale_session *session, struct dref *ref)
{
	struct file *file = session->drop_caches;
	loff_t pos = 0;
	ssize_t len;

	dref_put(ref);
	len = IS_ERR(file) ? PTR_ERR(file) : kernel_write(file, "2\n", 2, &pos);
	if (len < 0)
		scale_add_note("error %zd of " SCALE_DROP_CACHES, len);
	return min_t(ssize_t, len, 0);
}

static const struct scale_trigger {
	const char	*counter;
	const char	*name;
	int		(*drop)(struct scale_session *session, struct dref *ref);
	bool		deferred;
	unsigned int	least_ms;	/* the object lives for at least this time, */
	unsigned int	spread_ms;	/* and a random part of this one longer */
} triggers[] = {
	{ "dref exact",		"last put",		drop_put },
	{ "dref deferred",	"periodic pass",	drop_put,	true,	0,	20 },
	{ "dref deferred",	"quiet pass",		drop_put,	true,	400,	200 },
	{ "dref deferred",	"kill",			drop_kill,	true,	400,	200 },
	{ "dref deferred",	"reconcile",		drop_reconcile,	true,	400,	200 },
	{ "dref deferred",	"shrinker",		drop_shrink,	true,	400,	200 },
};

/* ---- one object after the other ---- */

static void wait_lifetime(struct scale_session *session,
			  const struct scale_trigger *trigger)
{
	unsigned int ms = trigger->least_ms;
	unsigned long end;

	if (trigger->spread_ms)
		ms += get_random_u32() % trigger->spread_ms;
	end = jiffies + msecs_to_jiffies(ms);
	while (time_before(jiffies, end) && !scale_must_end(session))
		schedule_timeout_uninterruptible(min_t(long, end - jiffies, HZ / 10));
}

/* Returns false if the object is not released in time, or if the session must end */
static bool wait_for_release(struct scale_session *session, struct scale_mortal *mortal)
{
	unsigned long end = jiffies + SCALE_PATIENCE;

	while (!wait_for_completion_timeout(&mortal->released, HZ / 10)) {
		if (time_after(jiffies, end) || scale_must_end(session))
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
	wait_lifetime(session, trigger);
	start = ktime_get_ns();
	err = trigger->drop(session, &mortal->ref);
	if (!wait_for_release(session, mortal))
		dref_barrier();
	else if (!err && !scale_must_end(session))
		scale_runs_add(runs, mortal->released_ns - start, 1);
	return err;
}

static int release_by(struct scale_session *session, const struct scale_trigger *trigger,
		      struct scale_mortal *mortal, struct scale_runs *runs)
{
	unsigned int i, nr = min_t(unsigned int, session->runs * SCALE_RELEASES, SCALE_MAX_RUNS);
	int err = 0;

	scale_begin_point(session, "%s, released by %s", trigger->counter, trigger->name);
	for (i = 0; i < nr && !err && !scale_must_end(session); i++)
		err = release_one(session, trigger, mortal, runs);
	if (!err && runs->nr < i && !scale_must_end(session))
		scale_add_note("%s: %u of %u objects were not released in %u s", trigger->name,
			       i - runs->nr, i, SCALE_PATIENCE / HZ);
	return err ?: scale_add_result(SCALE_RELEASE, trigger->counter, trigger->name, runs->nr,
				   runs);
}

int scale_releases(struct scale_session *session)
{
	struct scale_mortal *mortal;
	struct scale_runs *runs;
	int i, err = 0;

	mortal = kzalloc(sizeof(*mortal), GFP_KERNEL);
	runs = kzalloc(sizeof(*runs), GFP_KERNEL);
	if (!mortal || !runs)
		err = -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(triggers) && !err && !scale_must_end(session); i++) {
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
