// SPDX-License-Identifier: GPL-2.0
/*
 * Lives: the time to create and to destroy an object.
 *
 * The object is never shared: it has its initial reference and no other.  Its
 * memory is allocated before and freed afterwards, so that the time is that of
 * the count alone: for a percpu_ref this includes an allocation on each CPU,
 * for a deferred dref a slot.  There are two times for each counter: the time
 * that the creating thread waits, and the time until the last of the objects
 * has been released, which matters for a counter that releases after a grace
 * period.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "scale.h"

#define SCALE_LIVES	1000U

union scale_life {
	refcount_t		refcount;
	struct kref		kref;
	struct percpu_ref	percpu_ref;
	struct dref		dref;
};

/* Number of live objects, plus one while the thread creates more */
static atomic_t nr_live;
static DECLARE_COMPLETION(all_gone);

static void object_gone(void)
{
	if (atomic_dec_and_test(&nr_live))
		complete(&all_gone);
}

static int refcount_create(union scale_life *life)
{
	refcount_set(&life->refcount, 1);
	return 0;
}

static void refcount_destroy(union scale_life *life)
{
	if (refcount_dec_and_test(&life->refcount))
		object_gone();
}

static int kref_create(union scale_life *life)
{
	kref_init(&life->kref);
	return 0;
}

static void kref_release(struct kref *kref)
{
	object_gone();
}

static void kref_destroy(union scale_life *life)
{
	kref_put(&life->kref, kref_release);
}

static void percpu_ref_release(struct percpu_ref *ref)
{
	percpu_ref_exit(ref);
	object_gone();
}

static int percpu_ref_create(union scale_life *life)
{
	int err;

	err = percpu_ref_init(&life->percpu_ref, percpu_ref_release, 0, GFP_KERNEL);
	if (err)
		object_gone();
	return err;
}

static void percpu_ref_destroy(union scale_life *life)
{
	percpu_ref_kill(&life->percpu_ref);
}

static void life_release(struct dref *ref)
{
	object_gone();
}

static DEFINE_DREF_CLASS(scale_class_life, "scale-life", life_release, 0);

static int exact_create(union scale_life *life)
{
	dref_init(&life->dref, &scale_class_life);
	return 0;
}

static void exact_destroy(union scale_life *life)
{
	dref_put(&life->dref);
}

static int deferred_create(union scale_life *life)
{
	int err;

	dref_init(&life->dref, &scale_class_life);
	err = dref_defer(&life->dref, GFP_KERNEL);
	if (err)
		dref_put(&life->dref);
	return err;
}

static void deferred_destroy(union scale_life *life)
{
	dref_kill(&life->dref);
}

/* If create() fails, it leaves no live object, and has called object_gone() */
static const struct scale_kind {
	const char	*name;
	int		(*create)(union scale_life *life);
	void		(*destroy)(union scale_life *life);
} kinds[] = {
	{ "refcount_t",		refcount_create,	refcount_destroy },
	{ "kref",		kref_create,		kref_destroy },
	{ "percpu_ref",		percpu_ref_create,	percpu_ref_destroy },
	{ "dref exact",		exact_create,		exact_destroy },
	{ "dref deferred",	deferred_create,	deferred_destroy },
};

int scale_lives_register(void)
{
	return dref_class_register(&scale_class_life);
}

void scale_lives_drain(void)
{
	dref_class_drain(&scale_class_life);
}

/**
 * struct scale_lives - a run of SCALE_LIVES objects by a team of one thread
 * @kind: the kind of the objects
 * @objects: memory for SCALE_LIVES objects
 * @err: error of create(), or 0
 * @work_ns: time to create and to destroy all objects
 * @gone_ns: the same, until the last object was released
 */
struct scale_lives {
	const struct scale_kind	*kind;
	union scale_life	*objects;
	int			err;
	u64			work_ns;
	u64			gone_ns;
};

static void lives_work(struct scale_thread *thread)
{
	struct scale_lives *run = thread->team->arg;
	unsigned int i;
	u64 start;

	atomic_set(&nr_live, 1);
	reinit_completion(&all_gone);
	start = ktime_get_ns();
	for (i = 0; i < SCALE_LIVES && !run->err; i++) {
		atomic_inc(&nr_live);
		run->err = run->kind->create(&run->objects[i]);
		if (!run->err)
			run->kind->destroy(&run->objects[i]);
	}
	run->work_ns = ktime_get_ns() - start;
	object_gone();
	wait_for_completion(&all_gone);
	run->gone_ns = ktime_get_ns() - start;
}

static int lives_run(struct scale_session *session, struct scale_lives *run)
{
	struct scale_team team = {
		.session	= session,
		.work		= lives_work,
		.arg		= run,
		.nr		= 1,
	};
	int err;

	run->objects = kvcalloc(SCALE_LIVES, sizeof(*run->objects), GFP_KERNEL);
	if (!run->objects)
		return -ENOMEM;
	err = scale_team_run(&team);
	scale_team_free(&team);
	dref_barrier();		/* after this, dref does not use the objects any more */
	kvfree(run->objects);
	return err ?: run->err;
}

static int lives_of(struct scale_session *session, const struct scale_kind *kind,
		    struct scale_runs *work, struct scale_runs *gone)
{
	struct scale_lives run = { .kind = kind };
	unsigned int i;
	int err = 0;

	scale_begin_point(session, "%s, created and destroyed", kind->name);
	for (i = 0; i <= session->runs && !scale_must_end(session); i++) {
		err = lives_run(session, &run);
		if (err)
			return err;
		if (!i)
			continue;	/* the first run is a warm-up */
		scale_runs_add(work, run.work_ns, SCALE_LIVES);
		scale_runs_add(gone, run.gone_ns, SCALE_LIVES);
	}
	err = scale_add_result(SCALE_LIFE, kind->name, "create+destroy", 1, work);
	return err ?: scale_add_result(SCALE_LIFE, kind->name, "until released", 1, gone);
}

int scale_lives(struct scale_session *session)
{
	struct scale_runs *runs;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(kinds) && !err && !scale_must_end(session); i++) {
		runs = kcalloc(2, sizeof(*runs), GFP_KERNEL);
		if (!runs)
			return -ENOMEM;
		err = lives_of(session, &kinds[i], &runs[0], &runs[1]);
		kfree(runs);
	}
	return err;
}

unsigned int scale_lives_points(const struct scale_session *session)
{
	return ARRAY_SIZE(kinds);
}
