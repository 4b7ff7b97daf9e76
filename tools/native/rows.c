// SPDX-License-Identifier: GPL-2.0
/*
 * A row for each counter, with the loops that use it.
 *
 * Each loop is a function of its own, so that the compiler treats all of them alike.
 * refcount_t, kref and percpu_ref are the kernel's own headers and sources, on top of
 * the atomics, the per-CPU operations and the rcu_read_lock() of the shim.  A lookup
 * is inside rcu_read_lock() for every counter, because none could do without.
 *
 * A life is the same for kref and dref: allocate an object, initialise its count, drop
 * the reference, and free the object in release().  A percpu_ref must be killed and
 * waits for a grace period, and its memory may only be freed after its release
 * function has run; here the loop waits for that.
 */
#include <unistd.h>

#include <linux/module.h>
#include <linux/slab.h>

#include "module/inspect/inspect.h"
#include "bench.h"
#include "shim/shim.h"

#define LOOP(name, ...)							\
static noinline void name(struct subject *subject, unsigned long n)	\
{									\
	do {								\
		__VA_ARGS__;						\
	} while (--n);							\
}

#define LOOKUP_LOOP(name, tryget, put)					\
static noinline void name(struct subject *subject, unsigned long n)	\
{									\
	bool got;							\
									\
	do {								\
		rcu_read_lock();					\
		got = tryget;						\
		rcu_read_unlock();					\
		if (got)						\
			put;						\
	} while (--n);							\
}

/* ---- the loop alone, and a use without counting ---- */

static void no_op(struct subject *subject)
{
}

LOOP(empty_pairs, barrier())

static __always_inline void empty_live(void)
{
	void *object = kmalloc(96, GFP_KERNEL);

	asm volatile("" : "+r" (object));	/* keep the compiler from dropping the object */
	kfree(object);
}

LOOP(empty_lives, empty_live())

/* Read the object under RCU, without counting */
static __always_inline void borrow(const struct subject *subject)
{
	rcu_read_lock();
	READ_ONCE(subject->refcount.refs.counter);
	rcu_read_unlock();
}

LOOP(borrow_pairs, borrow(subject))

/* ---- refcount_t ---- */

static void refcount_begin(struct subject *subject)
{
	refcount_set(&subject->refcount, 1);
}

/* This is never the last reference, as the subject has one of its own */
static __always_inline void refcount_drop(struct subject *subject)
{
	if (refcount_dec_and_test(&subject->refcount))
		abort();
}

LOOP(refcount_pairs, refcount_inc(&subject->refcount); refcount_drop(subject))
LOOKUP_LOOP(refcount_lookups, refcount_inc_not_zero(&subject->refcount), refcount_drop(subject))
LOOP(refcount_gets, refcount_inc(&subject->refcount))
LOOP(refcount_puts, refcount_drop(subject))

/* Format a line as a file in debugfs would have it */
static char line[200];

static void refcount_look(const struct subject *subject)
{
	snprintf(line, sizeof(line), "%p: count %u\n", subject, refcount_read(&subject->refcount));
}

LOOP(refcount_looks, refcount_look(subject))

/* ---- kref ---- */

struct kref_object {
	char		payload[64];
	struct kref	kref;
	char		rest[28];
};

static void kref_abort(struct kref *kref)
{
	abort();
}

static void kref_free(struct kref *kref)
{
	kfree(container_of(kref, struct kref_object, kref));
}

static void kref_begin(struct subject *subject)
{
	kref_init(&subject->kref);
}

LOOP(kref_pairs, kref_get(&subject->kref); kref_put(&subject->kref, kref_abort))
LOOKUP_LOOP(kref_lookups, kref_get_unless_zero(&subject->kref),
	    kref_put(&subject->kref, kref_abort))
LOOP(kref_gets, kref_get(&subject->kref))
LOOP(kref_puts, kref_put(&subject->kref, kref_abort))

static __always_inline void kref_live(void)
{
	struct kref_object *object = kmalloc(sizeof(*object), GFP_KERNEL);

	kref_init(&object->kref);
	kref_put(&object->kref, kref_free);
}

LOOP(kref_lives, kref_live())

/* ---- percpu_ref ---- */

static pthread_mutex_t gone_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gone = PTHREAD_COND_INITIALIZER;

static void percpu_ref_gone(struct percpu_ref *ref)
{
	pthread_mutex_lock(&gone_lock);
	container_of(ref, struct subject, percpu_ref)->gone = true;
	pthread_cond_broadcast(&gone);
	pthread_mutex_unlock(&gone_lock);
}

static void percpu_ref_begin(struct subject *subject)
{
	subject->gone = false;
	if (percpu_ref_init(&subject->percpu_ref, percpu_ref_gone, 0, GFP_KERNEL))
		die(1, "out of memory");
}

static void percpu_ref_end(struct subject *subject)
{
	percpu_ref_kill(&subject->percpu_ref);
	pthread_mutex_lock(&gone_lock);
	while (!subject->gone)
		pthread_cond_wait(&gone, &gone_lock);
	pthread_mutex_unlock(&gone_lock);
	percpu_ref_exit(&subject->percpu_ref);
}

LOOP(percpu_ref_pairs, percpu_ref_get(&subject->percpu_ref); percpu_ref_put(&subject->percpu_ref))
LOOKUP_LOOP(percpu_ref_lookups, percpu_ref_tryget(&subject->percpu_ref),
	    percpu_ref_put(&subject->percpu_ref))
LOOP(percpu_ref_gets, percpu_ref_get(&subject->percpu_ref))
LOOP(percpu_ref_puts, percpu_ref_put(&subject->percpu_ref))

static void percpu_ref_live(void)
{
	struct subject *object = aligned_alloc(__alignof__(*object), sizeof(*object));

	percpu_ref_begin(object);
	percpu_ref_end(object);
	free(object);
}

LOOP(percpu_ref_lives, percpu_ref_live())

/* ---- dref ---- */

struct dref_object {
	char		payload[64];
	struct dref	dref;
};

static void subject_release(struct dref *ref)
{
}

static void object_release(struct dref *ref)
{
	kfree(container_of(ref, struct dref_object, dref));
}

static DEFINE_DREF_CLASS(class_subject, "subject", subject_release, 0);
static DEFINE_DREF_CLASS(class_exact, "exact", subject_release, DREF_EXACT);
static DEFINE_DREF_CLASS(class_object, "object", object_release, 0);

static void exact_begin(struct subject *subject)
{
	dref_init(&subject->dref, &class_exact);
}

/*
 * The object of a class without flags, after it was used for a second, or until it is
 * deferred, about a million times a second.
 */
static void plain_begin(struct subject *subject)
{
	u64 start = ktime_get_ns(), us, pairs = 0;

	dref_init(&subject->dref, &class_subject);
	do {
		usleep(1000);
		us = (ktime_get_ns() - start) / 1000;
		for (; pairs < us; pairs++) {
			dref_get(&subject->dref);
			dref_put(&subject->dref);
		}
	} while (us < USEC_PER_SEC && !dref_is_deferred(&subject->dref));
}

static void deferred_begin(struct subject *subject)
{
	dref_init(&subject->dref, &class_subject);
	if (dref_defer(&subject->dref, GFP_KERNEL))
		die(1, "out of memory");
}

static void immortal_begin(struct subject *subject)
{
	dref_init(&subject->dref, &class_subject);
	dref_immortalize(&subject->dref);
}

static void dref_end(struct subject *subject)
{
	dref_put(&subject->dref);
	dref_barrier();
}

LOOP(exact_pairs, dref_get(&subject->dref); dref_put(&subject->dref))
LOOP(plain_pairs, dref_get(&subject->dref); dref_put(&subject->dref))
LOOP(deferred_pairs, dref_get(&subject->dref); dref_put(&subject->dref))
LOOP(immortal_pairs, dref_get(&subject->dref); dref_put(&subject->dref))
LOOKUP_LOOP(dref_lookups, dref_tryget(&subject->dref), dref_put(&subject->dref))
LOOP(dref_gets, dref_get(&subject->dref))
LOOP(dref_puts, dref_put(&subject->dref))

/* As classes/NAME/objects of debugfs does (look.c) */
static void dref_look(void)
{
	struct dref_snapshot seen;

	if (dref_slots_find(0, &class_subject, &seen) >= 0)
		snprintf(line, sizeof(line), "%p: count %ld gets %lu puts %lu idle_passes %u\n",
			 seen.ref, seen.count, seen.gets, seen.puts, seen.idle_passes);
}

LOOP(dref_looks, dref_look())

static __always_inline void dref_live(void)
{
	struct dref_object *object = kmalloc(sizeof(*object), GFP_KERNEL);

	dref_init(&object->dref, &class_object);
	dref_put(&object->dref);
}

LOOP(dref_lives, dref_live())

/* ---- rows ---- */

const struct counter counters[] = {
	{ "refcount_t", refcount_begin, no_op, refcount_pairs, refcount_lookups,
	  refcount_gets, refcount_puts, .looks = refcount_looks },
	{ "kref", kref_begin, no_op, kref_pairs, kref_lookups, kref_gets, kref_puts,
	  kref_lives },
	{ "percpu_ref", percpu_ref_begin, percpu_ref_end, percpu_ref_pairs, percpu_ref_lookups,
	  percpu_ref_gets, percpu_ref_puts, percpu_ref_lives, .lives_wait = true },
	{ "dref, exact", exact_begin, dref_end, exact_pairs, dref_lookups, dref_gets,
	  dref_puts, dref_lives },
	{ "dref, deferred", deferred_begin, dref_end, deferred_pairs, dref_lookups, dref_gets,
	  dref_puts, .looks = dref_looks },
	{ "dref, immortal", immortal_begin, dref_end, immortal_pairs, dref_lookups, dref_gets,
	  dref_puts },
	{ "dref, as it comes", plain_begin, dref_end, plain_pairs },
	{ "borrow", no_op, no_op, borrow_pairs },
	{ "the loop alone", no_op, no_op, empty_pairs, .lives = empty_lives },
};

const size_t nr_counters = ARRAY_SIZE(counters);
const struct counter *const refcount_row = &counters[0], *const kref_row = &counters[1];
const struct counter *const percpu_ref_row = &counters[2], *const exact_row = &counters[3];
const struct counter *const deferred_row = &counters[4], *const immortal_row = &counters[5];
const struct counter *const plain_row = &counters[6], *const borrow_row = &counters[7];

bool row_exists(enum scenario scenario, const struct counter *counter, unsigned int threads)
{
	switch (scenario) {
	case LOOKUP:
		return counter->lookups;
	case HANDOVER:
		return counter->gets;
	case OBSERVED:
		return counter->looks && threads > 1;
	case LIVES:
		return counter->lives;
	default:
		return true;
	}
}

void rows_init(void)
{
	if (dref_class_register(&class_subject) || dref_class_register(&class_exact) ||
	    dref_class_register(&class_object))
		die(1, "cannot register a class");
}
