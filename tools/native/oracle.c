// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: it keeps its own record of references, without asking dref.
 *
 * A thread that holds an object has a pointer to it in its hand, which it sets after
 * the get and clears before the put.  When an object is released, no hand may have a
 * pointer to it; and a thread that has just taken a reference must find the object
 * alive.  At the end, as many objects must have been released as were created, except
 * those that are immortal.
 *
 * A released object is freed after a grace period, because RCU lookups may still find
 * it, and until then nothing may write to its count.  If its class has waited for RCU
 * already, and the object is not published in a place, it is freed at once.  The memory of
 * an object of class_stable is not freed, as that of a SLAB_TYPESAFE_BY_RCU cache: a lookup
 * may find the next object there, and another thread may make it at once.  In tests
 * of a broken dref, objects are never freed: a thread that finds an object dead must
 * report that, and not crash.
 */
#include "test.h"

unsigned long oracle_created, oracle_released;

static struct object *hands[MAX_THREADS];

#define POISON	(LONG_MIN + 0x5eed)

static void object_free(struct object *object)
{
	if (!test_broken)
		kfree(object);
}

static void object_free_rcu(struct rcu_head *rcu)
{
	struct object *object = container_of(rcu, struct object, rcu);
	long count = atomic_long_read(&object->ref.count);

	check(count == POISON, "object %p: expected poison in its count, seen %ld", object,
	      count);
	object_free(object);
}

/* Returns false if the object is dead already */
static bool object_end(struct object *object)
{
	unsigned int thread, state = xchg(&object->state, OBJECT_DEAD);
	unsigned long marks = 0;

	if (state != OBJECT_ALIVE) {
		test_fail("object %p: expected a live one to be released, seen %#x", object,
			  state);
		return false;
	}
	for (thread = 0; thread < MAX_THREADS; thread++) {
		check(READ_ONCE(hands[thread]) != object,
		      "object %p: expected no thread to hold it at its release, seen thread %u",
		      object, thread);
		marks += object->marks[thread];
	}
	check(marks < LONG_MAX, "object %p: expected valid marks, seen %lu", object, marks);
	__atomic_add_fetch(&oracle_released, 1, __ATOMIC_RELAXED);
	return true;
}

static void object_release(struct dref *ref)
{
	struct object *object = container_of(ref, struct object, ref);

	if (!object_end(object))
		return;
	if (object->place)
		cmpxchg(object->place, object, NULL);
	atomic_long_set(&ref->count, POISON);
	if (ref->class == &class_rcu && !object->place)
		object_free(object);
	else
		call_rcu(&object->rcu, object_free_rcu);
}

/* Let the next thread that finds the memory make an object of it, without a grace period */
static void stable_release(struct dref *ref)
{
	struct object *object = container_of(ref, struct object, ref);

	if (object_end(object))
		smp_store_release(&object->claimed, false);	/* pairs with step_stable() */
}

struct dref_class class_plain = { .name = "plain", .release = object_release };
struct dref_class class_sleep = { .name = "sleep", .release = object_release,
				  .flags = DREF_SLEEP };
struct dref_class class_rcu = { .name = "rcu", .release = object_release,
				.flags = DREF_RCU };
struct dref_class class_exact = { .name = "exact", .release = object_release,
				  .flags = DREF_EXACT };

struct dref_class class_async = { .name = "async", .release = object_release,
				  .flags = DREF_ASYNC };
struct dref_class class_stable = { .name = "stable", .release = stable_release };

static struct dref_class * const classes[] = {
	&class_plain, &class_sleep, &class_rcu, &class_exact, &class_async, &class_stable,
};

/* Make an object in this memory */
void object_begin(struct object *object, struct dref_class *class)
{
	WRITE_ONCE(object->state, OBJECT_ALIVE);
	dref_init(&object->ref, class);
	__atomic_add_fetch(&oracle_created, 1, __ATOMIC_RELAXED);
}

struct object *object_new(struct dref_class *class)
{
	struct object *object = kzalloc(sizeof(*object), GFP_KERNEL);

	if (!object)
		shim_die("cannot create an object", ENOMEM);
	object_begin(object, class);
	return object;
}

void object_expect_alive(const struct object *object)
{
	unsigned int state = READ_ONCE(object->state);

	check(state == OBJECT_ALIVE, "object %p: expected to see a live one, seen %#x", object,
	      state);
}

/* @thread has taken a reference */
void object_hold(struct object *object, unsigned int thread)
{
	WRITE_ONCE(hands[thread], object);
	object_expect_alive(object);
	object->marks[thread]++;
}

void object_let_go(unsigned int thread)
{
	WRITE_ONCE(hands[thread], NULL);
}

void oracle_begin(void)
{
	int i, err;

	oracle_created = 0;
	oracle_released = 0;
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		err = dref_class_register(classes[i]);
		check(!err, "class %s: expected to be registered, seen %d", classes[i]->name, err);
	}
}

/* To be called when all references have been dropped and all other threads have ended */
void oracle_end(void)
{
	unsigned long immortal, released;
	int i, err;

	dref_barrier();
	dref_reconcile();	/* the slot of an immortal object is returned then */
	immortal = test_stat("immortal");
	released = READ_ONCE(oracle_released);
	check(oracle_created == released + immortal,
	      "expected %lu objects to be gone, seen %lu released and %lu immortal",
	      oracle_created, released, immortal);
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		err = dref_class_unregister(classes[i]);
		check(!err, "class %s: expected to be unregistered, seen %d",
		      classes[i]->name, err);
	}
	rcu_barrier();		/* until all objects are freed */
}
