// SPDX-License-Identifier: GPL-2.0
/*
 * Churn: do releases keep pace with CPUs that create and drop objects?
 *
 * A thread on each CPU creates objects and drops their only reference, as fast as it can,
 * for a given time.  All rows allocate the same number of bytes with the same function and
 * the same flags.  They differ in the function that frees the object:
 *
 *	kref, kfree		the last put
 *	kref, call_rcu		a callback of call_rcu()
 *	kref, kfree_rcu		kfree_rcu()
 *	dref			release(), which the last put calls
 *	dref DREF_ASYNC		release(), which a work item calls
 *	dref DREF_SLEEP		release(), which a work item calls that may sleep
 *	dref DREF_RCU		release(), which a work item calls after a grace period
 *
 * An object that is not freed yet takes memory, whether it has references, is dead, or
 * waits for a grace period.  If releases do not keep pace, there are ever more of them, so
 * creations are refused while there are too many.  A refused thread waits for a clock tick,
 * which leaves the CPU to releases.
 *
 * Each CPU counts what it creates and frees, so that counting costs the same in each row.
 * Another thread sums these numbers every other millisecond, and keeps the highest
 * difference.  kfree_rcu() calls no function when it frees an object, so the number of its
 * objects is estimated from their memory.  Each row measures that memory as the growth of
 * unreclaimable slabs of the whole machine, which includes free objects that the allocator
 * keeps.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>		/* vmstat.h needs it */
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "scale.h"

#define CHURN_BATCH	64U	/* objects between two looks at the clock */
#define CHURN_BYTES	64U	/* allocated for each object */
#define CHURN_PATIENCE	(10 * HZ)

/* A failed allocation is a refused creation, and does not call the OOM killer */
#define CHURN_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/**
 * struct churn_object - an object that is created and dropped
 * @kref: its count, in rows of kref
 * @dref: its count, in rows of dref
 * @rcu: for call_rcu() and kfree_rcu()
 */
struct churn_object {
	union {
		struct kref	kref;
		struct dref	dref;
	};
	struct rcu_head		rcu;
};

/**
 * struct churn_counts - what one CPU has counted; the numbers only grow
 * @created: number of objects created
 * @freed: number of objects freed, except by kfree_rcu()
 * @refused: number of creations refused
 */
struct churn_counts {
	unsigned long	created;
	unsigned long	freed;
	unsigned long	refused;
};

static DEFINE_PER_CPU(struct churn_counts, churn_counts);

static __always_inline struct churn_object *churn_create(void)
{
	struct churn_object *object = kmalloc(CHURN_BYTES, CHURN_GFP);

	BUILD_BUG_ON(sizeof(*object) > CHURN_BYTES);
	if (likely(object))
		this_cpu_inc(churn_counts.created);
	return object;
}

static __always_inline void churn_free(struct churn_object *object)
{
	this_cpu_inc(churn_counts.freed);
	kfree(object);
}

/* ---- the rows: how the last put frees the object ---- */

static void churn_kref_free(struct kref *kref)
{
	churn_free(container_of(kref, struct churn_object, kref));
}

static void churn_rcu_free(struct rcu_head *rcu)
{
	churn_free(container_of(rcu, struct churn_object, rcu));
}

static void churn_kref_call_rcu(struct kref *kref)
{
	call_rcu(&container_of(kref, struct churn_object, kref)->rcu, churn_rcu_free);
}

static void churn_kref_kfree_rcu(struct kref *kref)
{
	struct churn_object *object = container_of(kref, struct churn_object, kref);

	kfree_rcu(object, rcu);
}

static void churn_release(struct dref *ref)
{
	churn_free(container_of(ref, struct churn_object, dref));
}

static DEFINE_DREF_CLASS(churn_class, "scale-churn", churn_release, 0);
static DEFINE_DREF_CLASS(churn_class_async, "scale-churn-async", churn_release, DREF_ASYNC);
static DEFINE_DREF_CLASS(churn_class_sleep, "scale-churn-sleep", churn_release, DREF_SLEEP);
static DEFINE_DREF_CLASS(churn_class_rcu, "scale-churn-rcu", churn_release, DREF_RCU);

static struct dref_class *const churn_classes[] = {
	&churn_class, &churn_class_async, &churn_class_sleep, &churn_class_rcu,
};

/*
 * Create and drop CHURN_BATCH objects; return how many could be created.  Each row has a
 * function of its own, so that the compiler treats all rows alike.
 */
#define CHURN_LOOP(name, init, put)					\
static noinline unsigned int churn_##name(void)				\
{									\
	struct churn_object *object;					\
	unsigned int i;							\
									\
	for (i = 0; i < CHURN_BATCH; i++) {				\
		object = churn_create();				\
		if (unlikely(!object))					\
			break;						\
		init;							\
		put;							\
	}								\
	return i;							\
}

#define CHURN_KREF(name, release)					\
	CHURN_LOOP(name, kref_init(&object->kref), kref_put(&object->kref, release))
#define CHURN_DREF(name, class)						\
	CHURN_LOOP(name, dref_init(&object->dref, class), dref_put(&object->dref))

CHURN_KREF(kref, churn_kref_free)
CHURN_KREF(call_rcu, churn_kref_call_rcu)
CHURN_KREF(kfree_rcu, churn_kref_kfree_rcu)
CHURN_DREF(dref, &churn_class)
CHURN_DREF(async, &churn_class_async)
CHURN_DREF(sleep, &churn_class_sleep)
CHURN_DREF(rcu, &churn_class_rcu)

static void wait_rcu(struct dref_class *class)
{
	rcu_barrier();
}

/**
 * struct churn_kind - a row
 * @name: its name in the results
 * @batch: creates and drops CHURN_BATCH objects
 * @wait: waits until all objects are freed; NULL if they are, or if no function does that
 * @class: argument of @wait
 * @uncounted: no function of this module is called when an object is freed
 */
struct churn_kind {
	const char		*name;
	unsigned int		(*batch)(void);
	void			(*wait)(struct dref_class *class);
	struct dref_class	*class;
	bool			uncounted;
};

static const struct churn_kind kinds[] = {
	{ "kref, kfree",	churn_kref },
	{ "kref, call_rcu",	churn_call_rcu,	wait_rcu },
	{ "kref, kfree_rcu",	churn_kfree_rcu, .uncounted = true },
	{ "dref",		churn_dref,	dref_class_barrier,	&churn_class },
	{ "dref DREF_ASYNC",	churn_async,	dref_class_barrier,	&churn_class_async },
	{ "dref DREF_SLEEP",	churn_sleep,	dref_class_barrier,	&churn_class_sleep },
	{ "dref DREF_RCU",	churn_rcu,	dref_class_barrier,	&churn_class_rcu },
};

int scale_churn_register(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(churn_classes); i++) {
		err = dref_class_register(churn_classes[i]);
		if (err)
			goto unregister;
	}
	return 0;

unregister:
	while (i--)
		dref_class_unregister(churn_classes[i]);
	return err;
}

void scale_churn_drain(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(churn_classes); i++)
		dref_class_drain(churn_classes[i]);
}

/* ---- a run ---- */

/**
 * struct churn_run - a run of one row
 * @session: the session
 * @kind: the row
 * @before: what all CPUs had counted before
 * @memory_before: memory of all unreclaimable slabs before, in bytes
 * @peak: highest number of objects that were not freed
 * @peak_memory: highest growth of the memory of slabs, in bytes
 * @full: creations are to be refused
 */
struct churn_run {
	struct scale_session	*session;
	const struct churn_kind	*kind;
	struct churn_counts	before;
	unsigned long		memory_before;
	unsigned long		peak;
	unsigned long		peak_memory;
	bool			full ____cacheline_aligned;
};

/* What all CPUs have counted; an object that is freed meanwhile counts as not freed */
static struct churn_counts churn_sum(void)
{
	struct churn_counts sum = {};
	int cpu;

	for_each_possible_cpu(cpu)
		sum.freed += READ_ONCE(per_cpu(churn_counts, cpu).freed);
	smp_rmb();	/* freed, then created: the difference is not too low */
	for_each_possible_cpu(cpu) {
		sum.created += READ_ONCE(per_cpu(churn_counts, cpu).created);
		sum.refused += READ_ONCE(per_cpu(churn_counts, cpu).refused);
	}
	return sum;
}

static unsigned long churn_memory(void)
{
	return global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B) * PAGE_SIZE;
}

static unsigned long churn_memory_grown(const struct churn_run *run)
{
	return max_t(long, churn_memory() - run->memory_before, 0);
}

/* Returns the number of objects that are not freed, at least 0 in spite of late reads */
static unsigned long churn_unfreed(const struct churn_run *run)
{
	struct churn_counts sum = churn_sum();

	sum.created -= run->before.created;
	sum.freed -= run->before.freed;
	return max_t(long, sum.created - sum.freed, 0);
}

static void churn_look(struct churn_run *run)
{
	unsigned long memory = churn_memory_grown(run);
	unsigned long unfreed = run->kind->uncounted ? memory / CHURN_BYTES : churn_unfreed(run);

	run->peak = max(run->peak, unfreed);
	run->peak_memory = max(run->peak_memory, memory);
	WRITE_ONCE(run->full, unfreed >= run->session->limit);
}

/* Its priority lets this thread look in time when all CPUs are busy */
static int churn_watch(void *arg)
{
	struct churn_run *run = arg;

	sched_set_fifo_low(current);
	while (!kthread_should_stop()) {
		churn_look(run);
		usleep_range(1000, 2000);
	}
	return 0;
}

static bool churn_must_end(struct scale_thread *thread)
{
	bool moved;

	preempt_disable();
	moved = scale_thread_moved(thread);
	preempt_enable();
	return moved || scale_must_end(thread->team->session);
}

static void churn_work(struct scale_thread *thread)
{
	struct churn_run *run = thread->team->arg;
	unsigned long end;

	scale_team_start(thread);
	thread->begin_ns = ktime_get_ns();
	end = jiffies + msecs_to_jiffies(run->session->duration);
	while (time_before(jiffies, end) && !churn_must_end(thread)) {
		if (READ_ONCE(run->full) || run->kind->batch() < CHURN_BATCH) {
			this_cpu_inc(churn_counts.refused);
			schedule_timeout_uninterruptible(1);
		}
		cond_resched();
	}
	thread->end_ns = ktime_get_ns();
}

/* From the first begin to the last end */
static u64 churn_ns(const struct scale_team *team)
{
	const struct scale_thread *thread;
	u64 begin = U64_MAX, end = 0;

	for (thread = team->threads; thread < team->threads + team->nr; thread++) {
		begin = min(begin, thread->begin_ns);
		end = max(end, thread->end_ns);
	}
	return end - begin;
}

/*
 * A module can call no function that waits for kfree_rcu().  So wait until most memory is
 * free, as the next run is to begin with little that is not.
 */
static void churn_settle(struct churn_run *run)
{
	unsigned long end = jiffies + CHURN_PATIENCE, most = max(run->peak_memory / 8, SZ_1M + 0UL);

	while (churn_memory_grown(run) > most && time_before(jiffies, end) &&
	       !scale_must_end(run->session))
		schedule_timeout_uninterruptible(HZ / 50 + 1);
}

/* Wait until all objects of the run are freed; returns the time that takes */
static u64 churn_wait(struct churn_run *run)
{
	const struct churn_kind *kind = run->kind;
	u64 start = ktime_get_ns();

	if (kind->wait)
		kind->wait(kind->class);
	return ktime_get_ns() - start;
}

/**
 * struct churn_results - all runs of a row
 * @create: time for each object that is created and dropped, by all CPUs together
 * @peak: see struct churn_run
 * @memory: the same, in KiB
 * @refused: number of creations refused
 * @gone: time until all objects are freed, after the threads have ended
 */
struct churn_results {
	struct scale_runs	create;
	struct scale_runs	peak;
	struct scale_runs	memory;
	struct scale_runs	refused;
	struct scale_runs	gone;
};

static int churn_run(struct churn_run *run, struct churn_results *results)
{
	struct scale_team team = {
		.session	= run->session,
		.work		= churn_work,
		.arg		= run,
		.nr		= run->session->nr_cpus,
	};
	struct task_struct *watch;
	struct churn_counts sum;
	u64 gone_ns;
	int err;

	run->before = churn_sum();
	run->memory_before = churn_memory();
	run->peak = 0;
	run->peak_memory = 0;
	run->full = false;
	watch = kthread_run(churn_watch, run, "dref_scale/churn");
	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = scale_team_run(&team);
	gone_ns = churn_wait(run);
	kthread_stop(watch);
	sum = churn_sum();
	if (!run->kind->uncounted && churn_unfreed(run)) {
		scale_add_note("%s: %lu objects were not freed", run->kind->name,
			       churn_unfreed(run));
		err = err ?: -EIO;
	}
	if (!err && !scale_must_end(run->session)) {
		scale_runs_add(&results->create, churn_ns(&team),
			       sum.created - run->before.created);
		scale_runs_add_number(&results->refused, "refusals",
				      sum.refused - run->before.refused);
		scale_runs_add_number(&results->memory, "KiB", run->peak_memory / SZ_1K);
		if (!run->kind->uncounted)
			scale_runs_add_number(&results->peak, "objects", run->peak);
		if (run->kind->wait)
			scale_runs_add(&results->gone, gone_ns, 1);
	}
	scale_team_free(&team);
	if (run->kind->uncounted)
		churn_settle(run);
	return err;
}

/* ---- the rows, one after the other ---- */

static int churn_add_results(const char *name, unsigned int nr, struct churn_results *results)
{
	int err;

	err = scale_add_result(SCALE_CHURN, name, "create+drop", nr, &results->create);
	err = err ?: scale_add_result(SCALE_CHURN, name, "peak", nr, &results->peak);
	err = err ?: scale_add_result(SCALE_CHURN, name, "peak memory", nr, &results->memory);
	err = err ?: scale_add_result(SCALE_CHURN, name, "refused", nr, &results->refused);
	return err ?: scale_add_result(SCALE_CHURN, name, "until freed", nr, &results->gone);
}

static int churn_of(struct scale_session *session, const struct churn_kind *kind)
{
	struct churn_run *run = kzalloc(sizeof(*run), GFP_KERNEL);
	struct churn_results *results = kvzalloc(sizeof(*results), GFP_KERNEL);
	unsigned int i;
	int err = 0;

	if (!run || !results) {
		err = -ENOMEM;
		goto free;
	}
	scale_begin_point(session, "%s, churn by %u threads", kind->name, session->nr_cpus);
	run->session = session;
	run->kind = kind;
	for (i = 0; i < session->runs && !err && !scale_must_end(session); i++)
		err = churn_run(run, results);
	if (!err)
		err = churn_add_results(kind->name, session->nr_cpus, results);
free:
	kvfree(results);
	kfree(run);
	return err;
}

int scale_churn(struct scale_session *session)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(kinds) && !err && !scale_must_end(session); i++)
		err = churn_of(session, &kinds[i]);
	return err;
}

unsigned int scale_churn_points(const struct scale_session *session)
{
	return ARRAY_SIZE(kinds);
}
