// SPDX-License-Identifier: GPL-2.0
/*
 * The counters that are compared.  A counter is a row, and each of its operations
 * is a function with a loop.
 *
 * Each loop is a function of its own, so that the compiler treats all counters
 * alike, and inlines what it inlines in any other caller.  A loop does only
 * what a user of the counter must do: a tryget, for example, is inside the RCU
 * read-side section in which the user has found the object.
 *
 * Each counter shares a cache line with a word of "the object", and with nothing
 * else.  Reads of that word while other CPUs count show what it costs to be on
 * the same line.
 *
 * Read-side sections are not counts.  They are listed because they can often
 * replace a get and a put.  "dref borrow" is an RCU read-side section with a
 * read of the object: the way to use a dref object without counting.
 */
#include <linux/bug.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "scale.h"
#include "../core/internal.h"

/* No loop drops the initial reference, so no counter must become zero */
static noinline void scale_unexpected_zero(void)
{
	WARN_ONCE(1, "dref_scale: a count came to zero\n");
}

/* ---- the loops ---- */

#define SCALE_LOOP(name, operation)					\
static noinline void loop_##name(struct scale_objects *o, unsigned long times) \
{									\
	do {								\
		operation;						\
	} while (--times);						\
}

#define SCALE_LOOKUP(name, tryget, put)					\
static noinline void loop_##name(struct scale_objects *o, unsigned long times) \
{									\
	bool got;							\
									\
	do {								\
		rcu_read_lock();					\
		got = tryget;						\
		rcu_read_unlock();					\
		if (likely(got))					\
			put;						\
		else							\
			scale_unexpected_zero();				\
	} while (--times);						\
}

static __always_inline void scale_read(const unsigned long *word)
{
	(void)READ_ONCE(*word);
}

static __always_inline void scale_refcount_put(refcount_t *count)
{
	if (refcount_dec_and_test(count))
		scale_unexpected_zero();
}

SCALE_LOOP(refcount_get_put,
	   refcount_inc(&o->refcount.count); scale_refcount_put(&o->refcount.count))
SCALE_LOOKUP(refcount_tryget_put,
	     refcount_inc_not_zero(&o->refcount.count), scale_refcount_put(&o->refcount.count))
SCALE_LOOP(refcount_get, refcount_inc(&o->refcount.count))
SCALE_LOOP(refcount_put, scale_refcount_put(&o->refcount.count))
SCALE_LOOP(refcount_read, scale_read(&o->refcount.word))

static void scale_kref_zero(struct kref *kref)
{
	scale_unexpected_zero();
}

SCALE_LOOP(kref_get_put, kref_get(&o->kref.count); kref_put(&o->kref.count, scale_kref_zero))
SCALE_LOOKUP(kref_tryget_put,
	     kref_get_unless_zero(&o->kref.count), kref_put(&o->kref.count, scale_kref_zero))
SCALE_LOOP(kref_get, kref_get(&o->kref.count))
SCALE_LOOP(kref_put, kref_put(&o->kref.count, scale_kref_zero))
SCALE_LOOP(kref_read, scale_read(&o->kref.word))

SCALE_LOOP(percpu_get_put, percpu_ref_get(&o->percpu.count); percpu_ref_put(&o->percpu.count))
SCALE_LOOKUP(percpu_tryget_put,
	     percpu_ref_tryget(&o->percpu.count), percpu_ref_put(&o->percpu.count))
SCALE_LOOP(percpu_get, percpu_ref_get(&o->percpu.count))
SCALE_LOOP(percpu_put, percpu_ref_put(&o->percpu.count))
SCALE_LOOP(percpu_read, scale_read(&o->percpu.word))

/* These have no other get than a tryget */
#ifdef DREF_HAVE_RCUREF
static __always_inline void scale_rcuref_get(rcuref_t *count)
{
	if (!rcuref_get(count))
		scale_unexpected_zero();
}

static __always_inline void scale_rcuref_put(rcuref_t *count)
{
	if (rcuref_put(count))
		scale_unexpected_zero();
}

SCALE_LOOP(rcuref_get_put,
	   scale_rcuref_get(&o->rcuref.count); scale_rcuref_put(&o->rcuref.count))
SCALE_LOOKUP(rcuref_tryget_put,
	     rcuref_get(&o->rcuref.count), scale_rcuref_put(&o->rcuref.count))
SCALE_LOOP(rcuref_get, scale_rcuref_get(&o->rcuref.count))
SCALE_LOOP(rcuref_put, scale_rcuref_put(&o->rcuref.count))
SCALE_LOOP(rcuref_read, scale_read(&o->rcuref.word))
#endif

#ifdef DREF_HAVE_FILE_REF
static __always_inline void scale_file_ref_get(file_ref_t *count)
{
	if (!file_ref_get(count))
		scale_unexpected_zero();
}

static __always_inline void scale_file_ref_put(file_ref_t *count)
{
	if (file_ref_put(count))
		scale_unexpected_zero();
}

SCALE_LOOP(file_get_put,
	   scale_file_ref_get(&o->file.count); scale_file_ref_put(&o->file.count))
SCALE_LOOKUP(file_tryget_put, file_ref_get(&o->file.count), scale_file_ref_put(&o->file.count))
SCALE_LOOP(file_get, scale_file_ref_get(&o->file.count))
SCALE_LOOP(file_put, scale_file_ref_put(&o->file.count))
SCALE_LOOP(file_read, scale_read(&o->file.word))
#endif

SCALE_LOOP(exact_get_put, dref_get(&o->exact.count); dref_put(&o->exact.count))
SCALE_LOOKUP(exact_tryget_put, dref_tryget(&o->exact.count), dref_put(&o->exact.count))
SCALE_LOOP(exact_get, dref_get(&o->exact.count))
SCALE_LOOP(exact_put, dref_put(&o->exact.count))
SCALE_LOOP(exact_read, scale_read(&o->exact.word))

SCALE_LOOP(deferred_get_put, dref_get(&o->deferred.count); dref_put(&o->deferred.count))
SCALE_LOOKUP(deferred_tryget_put,
	     dref_tryget(&o->deferred.count), dref_put(&o->deferred.count))
SCALE_LOOP(deferred_get, dref_get(&o->deferred.count))
SCALE_LOOP(deferred_put, dref_put(&o->deferred.count))
SCALE_LOOP(deferred_read, scale_read(&o->deferred.word))

SCALE_LOOP(immortal_get_put, dref_get(&o->immortal.count); dref_put(&o->immortal.count))
SCALE_LOOKUP(immortal_tryget_put,
	     dref_tryget(&o->immortal.count), dref_put(&o->immortal.count))
SCALE_LOOP(immortal_get, dref_get(&o->immortal.count))
SCALE_LOOP(immortal_put, dref_put(&o->immortal.count))
SCALE_LOOP(immortal_read, scale_read(&o->immortal.word))

SCALE_LOOP(alone, barrier())
SCALE_LOOP(read, scale_read(&o->word))
SCALE_LOOP(rcu_section, rcu_read_lock(); rcu_read_unlock())
SCALE_LOOP(borrow_section, rcu_read_lock(); scale_read(&o->word); rcu_read_unlock())
SCALE_LOOP(srcu_section, srcu_read_unlock(&o->srcu, srcu_read_lock(&o->srcu)))
/* On PREEMPT_RT this lock may sleep, and the loops run with interrupts off */
#ifndef CONFIG_PREEMPT_RT
SCALE_LOOP(rwlock_section, read_lock(&o->rwlock.lock); read_unlock(&o->rwlock.lock))
SCALE_LOOP(rwlock_read, scale_read(&o->rwlock.word))
#endif

/* ---- the rows ---- */

#define SCALE_LOOPS(name)						\
	.get_put	= loop_##name##_get_put,			\
	.tryget_put	= loop_##name##_tryget_put,			\
	.get		= loop_##name##_get,				\
	.put		= loop_##name##_put,				\
	.read		= loop_##name##_read

const struct scale_counter scale_counters[] = {
	{ "loop alone", .get_put = loop_alone, .read = loop_read },
	{ "refcount_t", SCALE_LOOPS(refcount), .bytes = sizeof(refcount_t) },
	{ "kref", SCALE_LOOPS(kref), .bytes = sizeof(struct kref) },
	{ "percpu_ref", SCALE_LOOPS(percpu),
	  .bytes = sizeof(struct percpu_ref) + sizeof(struct percpu_ref_data),
	  .bytes_per_cpu = sizeof(unsigned long) },
#ifdef DREF_HAVE_RCUREF
	{ "rcuref_t", SCALE_LOOPS(rcuref), .bytes = sizeof(rcuref_t) },
#endif
#ifdef DREF_HAVE_FILE_REF
	{ "file_ref_t", SCALE_LOOPS(file), .bytes = sizeof(file_ref_t) },
#endif
	{ "rcu_read_lock", .get_put = loop_rcu_section },
	{ "srcu_read_lock", .get_put = loop_srcu_section },
#ifndef CONFIG_PREEMPT_RT
	{ "rwlock_t", .get_put = loop_rwlock_section, .read = loop_rwlock_read,
	  .bytes = sizeof(rwlock_t) },
#endif
	{ "dref exact", SCALE_LOOPS(exact), .bytes = sizeof(struct dref) },
	{ "dref deferred", SCALE_LOOPS(deferred),
	  .bytes = sizeof(struct dref) + sizeof(struct dref_slot),
	  .bytes_per_cpu = sizeof(struct dref_counts) },
	{ "dref immortal", SCALE_LOOPS(immortal), .bytes = sizeof(struct dref) },
	{ "dref borrow", .get_put = loop_borrow_section, .bytes = sizeof(struct dref) },
};

const unsigned int scale_nr_counters = ARRAY_SIZE(scale_counters);

/* ---- the objects ---- */

/* scale_objects_free() waits for this with dref_barrier(), and frees the memory */
static void scale_release(struct dref *ref)
{
}

static DEFINE_DREF_CLASS(scale_class_exact, "scale-exact", scale_release, DREF_EXACT);

struct dref_class scale_class = {
	.name		= "scale",
	.release	= scale_release,
	.owner		= THIS_MODULE,
};

int scale_counters_register(void)
{
	int err;

	err = dref_class_register(&scale_class);
	if (err)
		return err;
	err = dref_class_register(&scale_class_exact);
	if (err)
		dref_class_unregister(&scale_class);
	return err;
}

void scale_counters_drain(void)
{
	dref_class_drain(&scale_class_exact);
	dref_class_drain(&scale_class);
}

static void scale_percpu_ref_release(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct scale_objects, percpu.count)->percpu_gone);
}

struct scale_objects *scale_objects_new(void)
{
	struct scale_objects *objects = kzalloc(sizeof(*objects), GFP_KERNEL);

	if (!objects)
		return NULL;
	if (init_srcu_struct(&objects->srcu))
		goto free;
	if (percpu_ref_init(&objects->percpu.count, scale_percpu_ref_release, 0,
			    GFP_KERNEL))
		goto cleanup_srcu;
	init_completion(&objects->percpu_gone);
	refcount_set(&objects->refcount.count, 1);
	kref_init(&objects->kref.count);
#ifdef DREF_HAVE_RCUREF
	rcuref_init(&objects->rcuref.count, 1);
#endif
#ifdef DREF_HAVE_FILE_REF
	file_ref_init(&objects->file.count, 1);
#endif
	rwlock_init(&objects->rwlock.lock);
	dref_init(&objects->exact.count, &scale_class_exact);
	dref_init(&objects->deferred.count, &scale_class);
	objects->immortal.count = (struct dref)DREF_INIT_IMMORTAL(NULL);
	return objects;

cleanup_srcu:
	cleanup_srcu_struct(&objects->srcu);
free:
	kfree(objects);
	return NULL;
}

void scale_objects_free(struct scale_objects *objects)
{
	percpu_ref_kill(&objects->percpu.count);
	wait_for_completion(&objects->percpu_gone);
	percpu_ref_exit(&objects->percpu.count);
	cleanup_srcu_struct(&objects->srcu);

	dref_put(&objects->exact.count);
	dref_put(&objects->deferred.count);
	dref_barrier();
	kfree(objects);
}
