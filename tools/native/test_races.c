// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of races: several threads perform all operations at a time.
 *
 * A scenario is a row, whose function is one step of a thread.  All threads take steps
 * until the time is up or a check has failed.  In most scenarios another thread only
 * runs expedited passes, with memory pressure now and then.  At the end, the places
 * are emptied, and the oracle checks the number of releases.
 *
 * A place is a pointer to an object, which all threads can read.  In "weak" and "stable" a
 * place has no reference, so each lookup resurrects its object; in the other scenarios with
 * objects in places, a place has a reference.
 */
#include <sched.h>

#include <linux/jiffies.h>

#include "test.h"

#define PATIENCE_NS	(50 * NSEC_PER_SEC)	/* for a machine that stalls */
#define MAX_PLACES	256
#define LINGER_US	200	/* delay in some lookups */

struct worker {
	pthread_t	thread;
	unsigned int	number;
	u64		random;
	const struct scenario *scenario;
};

struct scenario {
	void		(*step)(struct worker *worker);
	unsigned int	places;
	bool		filled;		/* each place has an object with a reference */
	bool		passes;		/* run expedited passes all the time */
	const char	*seen;		/* event that dref must have counted */
};

static struct object *places[MAX_PLACES];
static bool stop;

/* xorshift64 (Marsaglia, 2003) */
static unsigned int draw(struct worker *worker, unsigned int below)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return (worker->random >> 32) % below;
}

static struct object **draw_place(struct worker *worker)
{
	return &places[draw(worker, worker->scenario->places)];
}

static struct dref_class *draw_class(struct worker *worker)
{
	struct dref_class * const classes[] = {
		&class_plain, &class_sleep, &class_rcu, &class_async,
	};

	return classes[draw(worker, ARRAY_SIZE(classes))];
}

static bool lookup(struct object *object)
{
	return object && dref_tryget(&object->ref);
}

/* ---- steps ---- */

/* All objects live as long as the test, and become hot */
static void step_shared(struct worker *worker)
{
	struct object *object = *draw_place(worker);

	dref_get(&object->ref);
	object_hold(object, worker->number);
	object_put(object, worker->number);
}

/* Take over the only reference of an object, take another one, and put the first */
static void step_ring(struct worker *worker)
{
	struct object *object = xchg(draw_place(worker), NULL);

	while (object) {
		object_hold(object, worker->number);
		dref_defer(&object->ref, GFP_KERNEL);
		dref_get(&object->ref);
		dref_put(&object->ref);
		object_let_go(worker->number);
		/* If this displaces an object, continue with that one */
		object = xchg(draw_place(worker), object);
	}
}

static void create_weak(struct worker *worker, struct object **place, struct object *old)
{
	struct object *object = object_new(draw_class(worker));

	object_hold(object, worker->number);
	object->place = place;
	if (draw(worker, 4))
		dref_defer(&object->ref, GFP_KERNEL);
	cmpxchg(place, old, object);
	object_put(object, worker->number);
}

/* Places hold no reference: a lookup resurrects the object, or finds it dead */
static void step_weak(struct worker *worker)
{
	struct object **place = draw_place(worker), *object;
	bool got;

	rcu_read_lock();
	object = READ_ONCE(*place);
	if (object && !draw(worker, 4))
		dref_read(&object->ref);	/* its slot may be taken away meanwhile */
	got = lookup(object);
	rcu_read_unlock();
	if (!got) {
		create_weak(worker, place, object);
		return;
	}
	object_hold(object, worker->number);
	udelay(draw(worker, 16));	/* so that a pass may run between lookup and put */
	object_put(object, worker->number);
}

/* Objects rest until they are demoted, and are then promoted again */
static void step_flap(struct worker *worker)
{
	struct object *object = *draw_place(worker);

	test_stall(50, 60000);	/* longer than a demotion takes */
	dref_get(&object->ref);
	object_hold(object, worker->number);
	if (draw(worker, 4))
		dref_defer(&object->ref, GFP_KERNEL);
	object_put(object, worker->number);
	msleep(draw(worker, 2));
}

/* Kill the object, which drops the reference of the place, and publish a new one */
static void replace(struct worker *worker, struct object **place, struct object *object)
{
	if (xchg(&object->claimed, true))
		return;
	dref_kill(&object->ref);
	/* Killed first; pairs with the acquire in step_churn() */
	smp_store_release(&object->killed, true);
	/* Initialised first; pairs with the acquire in step_churn() */
	smp_store_release(place, object_new(draw_class(worker)));
}

/* Replace objects all the time: tryget_live() must fail for objects that are killed */
static void step_churn(struct worker *worker)
{
	struct object **place = draw_place(worker), *object;
	bool live, killed;

	rcu_read_lock();
	object = smp_load_acquire(place);		/* pairs with replace() */
	if (!draw(worker, 64))
		udelay(LINGER_US);
	killed = smp_load_acquire(&object->killed);	/* pairs with replace() */
	live = dref_tryget_live(&object->ref);
	if (!live && !lookup(object)) {
		/* It is dead, but release() of DREF_RCU waits for this section */
		if (object->ref.class == &class_rcu)
			object_expect_alive(object);
		rcu_read_unlock();
		return;
	}
	rcu_read_unlock();
	check(!live || !killed, "object %p: expected no tryget_live after the kill, seen one",
	      object);
	object_hold(object, worker->number);
	if (!draw(worker, 8))
		dref_defer(&object->ref, GFP_KERNEL);
	if (!draw(worker, 4))
		replace(worker, place, object);
	object_put(object, worker->number);
}

/*
 * Memory that always is that of some object: each lookup takes what is there, and finds it
 * complete, also while another thread makes it.
 */
static void step_stable(struct worker *worker)
{
	struct object **place = draw_place(worker);
	struct object *object = READ_ONCE(*place);

	if (!object) {
		object = kzalloc(sizeof(*object), GFP_KERNEL);
		if (cmpxchg(place, NULL, object))
			kfree(object);
		return;
	}
	if (!lookup(object)) {
		if (xchg(&object->claimed, true))	/* pairs with stable_release() */
			return;		/* it dies, or another thread makes one */
		object_begin(object, &class_stable);
	}
	object_hold(object, worker->number);
	check(object->ref.class == &class_stable, "object %p: expected its class, seen %p",
	      object, object->ref.class);
	if (!draw(worker, 4))
		dref_defer(&object->ref, GFP_KERNEL);
	udelay(draw(worker, 4));
	object_put(object, worker->number);
}

/* Make some objects immortal while other threads use them */
static void step_immortal(struct worker *worker)
{
	struct object *object = *draw_place(worker);

	dref_get(&object->ref);
	object_hold(object, worker->number);
	if (!draw(worker, 4))
		dref_defer(&object->ref, GFP_KERNEL);
	if (!draw(worker, 1000))
		dref_immortalize(&object->ref);
	object_put(object, worker->number);
}

/* Each thread registers and unregisters a class of its own, again and again */
static void own_release(struct dref *ref)
{
	kfree(container_of(ref, struct object, ref));
}

static void step_classes(struct worker *worker)
{
	struct dref_class *class = kzalloc(sizeof(*class), GFP_KERNEL);
	struct object *objects[8];
	char name[16];
	int i, err;

	snprintf(name, sizeof(name), "own%u", worker->number);
	class->name = name;
	class->release = own_release;
	class->flags = draw(worker, 2 * DREF_ASYNC);
	err = dref_class_register(class);
	check(!err, "class %s: expected to be registered, seen %d", name, err);
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = kzalloc(sizeof(*objects[i]), GFP_KERNEL);
		dref_init(&objects[i]->ref, class);
		if (draw(worker, 2))
			dref_defer(&objects[i]->ref, GFP_KERNEL);
	}
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		dref_put(&objects[i]->ref);
	err = dref_class_unregister(class);
	check(!err, "class %s: expected to be unregistered, seen %d", name, err);
	kfree(class);		/* nothing may access it any more */
}

/* ---- threads ---- */

static bool is_running(void)
{
	return !READ_ONCE(stop) && !test_failed();
}

static void worker_run(void *arg)
{
	struct worker *worker = arg;

	while (is_running()) {
		worker->scenario->step(worker);
		schedule();
		if (!draw(worker, 64))
			sched_yield();
	}
}

static void passes_run(void *arg)
{
	unsigned int i = 0;

	while (is_running()) {
		dref_reconcile();
		if (!(++i % 8))
			shim_shrink();
		msleep(POLL_MS / 5);
	}
}

static void fill_places(const struct scenario *scenario)
{
	unsigned int i;

	for (i = 0; i < scenario->places; i++)
		places[i] = scenario->filled ? object_new(&class_plain) : NULL;
}

/* During a fold by a pass, dref_read() may return another number for a moment */
static void expect_one(const struct object *object)
{
	long count = 0;
	int i;

	for (i = 0; i < 100 && count != 1; i++) {
		count = dref_read(&object->ref);
		if (count != 1)
			msleep(POLL_MS);
	}
	check(count == 1, "object %p: expected 1 reference, seen %ld", object, count);
}

/* Drop the references of the places; note the immortal objects, which are to be freed */
static void empty_places(const struct scenario *scenario, struct object **immortals)
{
	struct object *object;
	unsigned int i;

	for (i = 0; i < scenario->places; i++) {
		immortals[i] = NULL;
		if (!scenario->filled)
			continue;	/* a release may still clear the place */
		object = places[i];
		if (dref_is_immortal(&object->ref))
			immortals[i] = object;
		else
			expect_one(object);
		dref_put(&object->ref);
	}
}

/* Test whether the event that a scenario must cause has not been counted yet */
static bool event_missing(const char *seen, unsigned long before)
{
	return seen && test_stat(seen) == before;
}

static void run_scenario(const struct test *test)
{
	const struct scenario *scenario = test->data;
	struct worker workers[MAX_THREADS + 1];
	struct object *immortals[MAX_PLACES];
	unsigned long before;
	u64 until = ktime_get_ns() + test_ms * NSEC_PER_MSEC;
	u64 give_up = until + PATIENCE_NS;
	unsigned int i, nr = test_threads;

	oracle_begin();
	before = scenario->seen ? test_stat(scenario->seen) : 0;
	fill_places(scenario);
	WRITE_ONCE(stop, false);
	for (i = 0; i < nr; i++) {
		workers[i].number = i;
		workers[i].random = (i + 1) * 0x9e3779b97f4a7c15UL;
		workers[i].scenario = scenario;
		shim_thread(&workers[i].thread, worker_run, &workers[i]);
	}
	if (scenario->passes)
		shim_thread(&workers[nr++].thread, passes_run, NULL);
	while (is_running() &&
	       (ktime_get_ns() < until ||
		(ktime_get_ns() < give_up && event_missing(scenario->seen, before))))
		msleep(POLL_MS);
	WRITE_ONCE(stop, true);
	schedule_begin();
	for (i = 0; i < nr; i++)
		pthread_join(workers[i].thread, NULL);
	schedule_end();
	if (test_failed())
		return;
	check(!scenario->seen || test_stat(scenario->seen) > before,
	      "expected some %s, seen none", scenario->seen);
	empty_places(scenario, immortals);
	oracle_end();
	for (i = 0; i < scenario->places; i++)
		kfree(immortals[i]);
}

#define SCENARIO(...) (&(const struct scenario) { __VA_ARGS__ })

const struct test race_tests[] = {
	{ "shared", run_scenario, SCENARIO(step_shared, 8, true, true, "promotions") },
	{ "ring", run_scenario, SCENARIO(step_ring, 16, true, true, NULL) },
	{ "weak", run_scenario, SCENARIO(step_weak, 8, false, true, "resurrected") },
	{ "flap", run_scenario, SCENARIO(step_flap, 64, true, false, "demotions") },
	{ "churn", run_scenario, SCENARIO(step_churn, 16, true, true, "released_deferred") },
	{ "stable", run_scenario, SCENARIO(step_stable, 8, false, true, NULL) },
	{ "immortals", run_scenario, SCENARIO(step_immortal, 64, true, true, "immortal") },
	{ "own_classes", run_scenario, SCENARIO(step_classes, 1, false, false, NULL) },
	{ }
};
