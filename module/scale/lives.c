// SPDX-License-Identifier: GPL-2.0
/*
 * Lives: what it costs to create an object and to destroy it again.
 *
 * The object is never shared: it has its first reference and no other.  Its memory
 * is there before and stays afterwards, so that what is timed is the count's own
 * doing, which for a percpu_ref is an allocation on every CPU, and for a deferred
 * dref a slot.  There are two times for each: what the creator waits for, and what
 * it takes until the last of some objects has been released, for a count whose
 * release comes after a grace period.
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

/* All that are alive, and one for who creates them */
static atomic_t lives;
static DECLARE_COMPLETION(lives_gone);

static void life_gone(void)
{
	if (atomic_dec_and_test(&lives))
		complete(&lives_gone);
}

static int refcount_create(union scale_life *life)
{
	refcount_set(&life->refcount, 1);
	return 0;
}

static void refcount_destroy(union scale_life *life)
{
	if (refcount_dec_and_test(&life->refcount))
		life_gone();
}

static int kref_create(union scale_life *life)
{
	kref_init(&life->kref);
	return 0;
}

static void kref_release(struct kref *kref)
{
	life_gone();
}

static void kref_destroy(union scale_life *life)
{
	kref_put(&life->kref, kref_release);
}

static void percpu_ref_release(struct percpu_ref *ref)
{
	percpu_ref_exit(ref);
	life_gone();
}

static int percpu_ref_create(union scale_life *life)
{
	int err;

	err = percpu_ref_init(&life->percpu_ref, percpu_ref_release, 0, GFP_KERNEL);
	if (err)
		life_gone();
	return err;
}

static void percpu_ref_destroy(union scale_life *life)
{
	percpu_ref_kill(&life->percpu_ref);
}

static void life_release(struct dref *ref)
{
	life_gone();
}

DEFINE_DREF_CLASS(scale_class_life, "scale-life", life_release, 0);

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

/* A create() that fails leaves nothing that lives, and has said so */
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
 * struct scale_lives - what a team of one does
 * @kind: of which kind the objects are
 * @objects: SCALE_LIVES of them
 * @err: why not all of them have lived
 * @work_ns: time to create and to destroy them
 * @gone_ns: the same, until the last one was released
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
	struct scale_lives *them = thread->team->arg;
	unsigned int i;
	u64 start;

	atomic_set(&lives, 1);
	reinit_completion(&lives_gone);
	start = ktime_get_ns();
	for (i = 0; i < SCALE_LIVES && !them->err; i++) {
		atomic_inc(&lives);
		them->err = them->kind->create(&them->objects[i]);
		if (!them->err)
			them->kind->destroy(&them->objects[i]);
	}
	them->work_ns = ktime_get_ns() - start;
	life_gone();
	wait_for_completion(&lives_gone);
	them->gone_ns = ktime_get_ns() - start;
}

static int lives_run(struct scale_session *session, struct scale_lives *them)
{
	struct scale_team team = {
		.session	= session,
		.work		= lives_work,
		.arg		= them,
		.nr		= 1,
	};
	int err;

	them->objects = kvcalloc(SCALE_LIVES, sizeof(*them->objects), GFP_KERNEL);
	if (!them->objects)
		return -ENOMEM;
	err = scale_team_run(&team);
	scale_team_free(&team);
	dref_barrier();		/* nobody looks at the objects any more */
	kvfree(them->objects);
	return err ?: them->err;
}

static int lives_of(struct scale_session *session, const struct scale_kind *kind,
		    struct scale_runs *work, struct scale_runs *gone)
{
	struct scale_lives them = { .kind = kind };
	unsigned int i;
	int err = 0;

	scale_begin(session, "%s, created and destroyed", kind->name);
	for (i = 0; i <= session->runs && !scale_over(session); i++) {
		err = lives_run(session, &them);
		if (err)
			return err;
		if (!i)
			continue;	/* that was to warm up */
		scale_runs_add(work, them.work_ns, SCALE_LIVES);
		scale_runs_add(gone, them.gone_ns, SCALE_LIVES);
	}
	err = scale_result(SCALE_LIFE, kind->name, "create+destroy", 1, work);
	return err ?: scale_result(SCALE_LIFE, kind->name, "until released", 1, gone);
}

int scale_lives(struct scale_session *session)
{
	struct scale_runs *runs;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(kinds) && !err && !scale_over(session); i++) {
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
