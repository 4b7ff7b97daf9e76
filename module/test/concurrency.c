// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of operations that race with each other, with passes, with promotion
 * and with demotion.
 *
 * Periodic passes follow each other as closely as possible, expedited passes run
 * back to back, and interrupts last longer than several passes.  So an operation
 * that is interrupted between its load of mode and its increment finds that mode
 * has changed in between.  A test that needs concurrent threads has at least
 * three, because errors of such an algorithm begin to show with three.
 *
 * The memory of an object stays after its release, so a test detects a wrong
 * release instead of crashing.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "test.h"

static void reconcile(struct test_thread *self)
{
	while (test_goes_on(self->t)) {
		dref_reconcile();
		/* on one CPU, let the others find objects before the next pass */
		if (num_online_cpus() == 1)
			schedule_timeout_uninterruptible(1);
	}
}

/* Create @nr threads */
static bool create_threads(struct dref_test *t, unsigned int nr,
			   void (*run)(struct test_thread *self), void *arg)
{
	while (nr--) {
		if (!test_thread(t, run, arg))
			return false;
	}
	return true;
}

/*
 * Reconcile, with stalls wherever interrupts hit the pass: between its two
 * sums, or between reading count and declaring the object dead.
 */
static void reconcile_stalled(struct test_thread *self)
{
	self->stall_ms = 10;
	test_interrupt(self, test_irq_stall, 500);
	reconcile(self);
}

/* ---- one reference, many CPUs ---- */

/*
 * A reference goes round a ring of CPUs: the next CPU takes one, then the
 * previous one drops its own.  The object always has a reference, but never in
 * the same counter for long, so a pass that sums in the wrong order, or too
 * soon, finds zero and releases a held object.
 */
#define RING_OBJECTS	128

struct ring {
	struct test_object	*obj[RING_OBJECTS];
	unsigned int		size;
};

static void hop(struct test_thread *self)
{
	struct ring *ring = self->arg;
	int i;

	do {
		for (i = 0; i < RING_OBJECTS; i++) {
			struct test_object *obj = ring->obj[i];
			int turn = atomic_read_acquire(&obj->turn);

			/* it is the turn of thread turn / 2, to get if even, to put if odd */
			if (turn / 2 % ring->size != self->nr)
				continue;
			CHECK(self->t, !test_released(obj), "released while held");
			if (turn & 1) {
				dref_put(&obj->ref);
				/* the thread after the holder gets */
				turn = (turn / 2 + 2) % ring->size * 2;
			} else {
				dref_get(&obj->ref);
				/* the thread before this one, the old holder, puts */
				turn = (turn / 2 + ring->size - 1) % ring->size * 2 + 1;
			}
			atomic_set_release(&obj->turn, turn);
		}
	} while (test_goes_on(self->t));
}

static void hopping(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL);
	int i;

	if (!CHECK(t, ring, "out of memory"))
		return;
	ring->size = test_parallel();
	for (i = 0; i < RING_OBJECTS; i++) {
		ring->obj[i] = test_new(t, class, i & 1);
		if (!ring->obj[i])
			goto out;
		/* thread 0 has the reference, thread 1 gets next */
		atomic_set(&ring->obj[i]->turn, 1 * 2);
	}
	if (!create_threads(t, ring->size, hop, ring) ||
	    !test_thread(t, reconcile_stalled, NULL))
		goto out;
	test_run(t);
	for (i = 0; i < RING_OBJECTS; i++) {
		struct test_object *obj = ring->obj[i];

		CHECK(t, !test_released(obj), "released while held");
		/* two references between the get of one thread and the put of the other */
		dref_put_many(&obj->ref, atomic_read(&obj->turn) & 1 ? 2 : 1);
		dref_barrier();
		CHECK(t, test_released(obj), "dropped but not released");
	}
out:
	test_stop(t);
	kfree(ring);
}

/* ---- tryget against reconcile ---- */

/*
 * A table of objects that are found under RCU.  Each object loses its initial
 * reference while it can still be found.  So passes see objects dying all the
 * time, and lookups resurrect them.  No lookup may get an object that has been
 * released, and no object may be released while a lookup holds it.
 */
#define TABLE_SIZE	128

struct table {
	struct test_object __rcu	*obj[TABLE_SIZE];
	struct dref_class		*class;
	bool				kill;
	bool				stall;
	bool				immortalize;
	atomic_long_t			found;
	atomic_t			replaced;
};

static void look_up_objects(struct test_thread *self)
{
	struct table *table = self->arg;
	struct dref_test *t = self->t;
	struct test_object *obj;
	bool was_released, was_killed, got;
	unsigned int stalls = 0;
	unsigned long found = 0;

	if (table->stall)
		test_interrupt(self, test_irq_stall, 20000);
	while (test_goes_on(t)) {
		/* rarely enough for objects to die between two lookups */
		if (!table->stall)
			udelay(test_random(self, 10));
		rcu_read_lock();
		obj = rcu_dereference(table->obj[test_random(self, TABLE_SIZE)]);
		if (!obj) {
			rcu_read_unlock();
			continue;
		}
		stalls = READ_ONCE(self->stalls);
		was_released = test_released(obj);
		/* pairs with the release in kill_object() */
		was_killed = smp_load_acquire(&obj->killed);
		got = table->kill ? dref_tryget_live(&obj->ref) : dref_tryget(&obj->ref);
		if (!got) {
			rcu_read_unlock();
			continue;
		}
		CHECK(t, !was_released, "tryget of a released object succeeded");
		CHECK(t, !was_killed || !table->kill, "tryget_live succeeded after kill");
		rcu_read_unlock();

		/* after a stall in the tryget, give a wrong release time to run */
		if (stalls != READ_ONCE(self->stalls))
			schedule_timeout_uninterruptible(3);
		CHECK(t, !test_released(obj), "released while held");
		dref_get(&obj->ref);
		dref_put(&obj->ref);
		CHECK(t, !test_released(obj), "released while held");
		/* at times this happens while a pass is about to declare the object dead */
		if (table->immortalize && !test_random(self, 4))
			dref_immortalize(&obj->ref);
		dref_put(&obj->ref);
		if (!found++)
			atomic_long_inc(&table->found);	/* replace_objects() waits for one */
	}
	if (found)
		atomic_long_add(found - 1, &table->found);
}

static void kill_object(struct test_object *obj)
{
	dref_kill(&obj->ref);
	/* pairs with the acquire in look_up_objects() */
	smp_store_release(&obj->killed, true);
}

static void replace_objects(struct test_thread *self)
{
	struct table *table = self->arg;
	struct test_object *old, *new;
	int i = 0;

	while (test_goes_on(self->t)) {
		i = (i + 1) % TABLE_SIZE;
		/* give lookups time to find the objects that are killed next */
		if (!i && table->kill)
			schedule_timeout_uninterruptible(1);
		old = rcu_dereference_protected(table->obj[i], true);
		if (old && !test_released(old) && !dref_is_immortal(&old->ref)) {
			/* it could be found for one round; tryget_live fails from now on */
			if (table->kill && !old->killed)
				kill_object(old);
			continue;
		}
		new = test_new(self->t, table->class, test_random(self, 2));
		if (!new)
			return;
		rcu_assign_pointer(table->obj[i], new);
		if (old && test_released(old))
			test_object_free(old);
		/* On one CPU it may take a while until a lookup has its turn */
		if (atomic_long_read(&table->found))
			atomic_inc(&table->replaced);
		/* from here on only lookups hold it */
		if (!table->kill)
			dref_put(&new->ref);
	}
}

enum { BY_KILL = 1, STALL = 2, STALL_PASS = 4, IMMORTALIZE = 8 };

static void table_test(struct dref_test *t, unsigned int flags, unsigned int how)
{
	struct table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	struct test_object *obj;
	int i;

	if (!CHECK(t, table, "out of memory"))
		return;
	table->class = test_class(t, flags);
	table->kill = how & BY_KILL;
	table->stall = how & STALL;
	table->immortalize = how & IMMORTALIZE;
	if (table->class &&
	    create_threads(t, how & STALL ? test_all_but_one() : test_parallel(),
			   look_up_objects, table) &&
	    test_thread(t, replace_objects, table) &&
	    test_thread(t, how & STALL_PASS ? reconcile_stalled : reconcile, NULL))
		test_run_beyond(t, &table->replaced, TABLE_SIZE);
	test_stop(t);
	for (i = 0; i < TABLE_SIZE; i++) {
		obj = rcu_dereference_protected(table->obj[i], true);
		if (obj && table->kill && !obj->killed)
			kill_object(obj);
	}
	CHECK(t, atomic_read(&table->replaced) > TABLE_SIZE, "only %d objects were created",
	      atomic_read(&table->replaced));
	CHECK(t, atomic_long_read(&table->found), "no lookup found an object");
	test_note(t, "%d objects, found %ld times", atomic_read(&table->replaced),
		  atomic_long_read(&table->found));
	kfree(table);
}

static void tryget_against_reconcile(struct dref_test *t)
{
	table_test(t, DREF_RCU, 0);
}

/* Lookups are stalled: between the load of mode and the increment, for example */
static void tryget_interrupted(struct dref_test *t)
{
	table_test(t, DREF_RCU, STALL);
}

/* Passes are stalled: before they declare an object dead, for example */
static void tryget_against_stalled_pass(struct dref_test *t)
{
	table_test(t, DREF_RCU, STALL_PASS);
}

/* The class is not DREF_RCU: the object itself is freed by RCU after its release */
static void tryget_own_rcu(struct dref_test *t)
{
	table_test(t, 0, STALL);
}

/* dref_tryget_live() must fail after dref_kill() has returned */
static void tryget_live_against_kill(struct dref_test *t)
{
	table_test(t, DREF_RCU | DREF_SLEEP, BY_KILL | STALL);
}

/*
 * Each object ends once, dead or immortal.  If both were counted, or none, the
 * class could not be unregistered.
 */
static void immortalize_against_reconcile(struct dref_test *t)
{
	table_test(t, DREF_RCU, STALL_PASS | IMMORTALIZE);
}

/* ---- tryget of an object that a mutex pins, not RCU ---- */

#define PINNED_OBJECTS	64

struct pinned {
	struct pinned_place {
		struct mutex		mutex;	/* protects obj; release() takes it */
		struct test_object	*obj;
	} place[PINNED_OBJECTS];
	struct dref_class	*class;
	atomic_t		replaced;
};

/* A global pointer, as release() has no other way to find it */
static struct pinned *pinned;

static void leave_place(struct test_object *obj)
{
	struct pinned_place *place = &pinned->place[obj->cookie];

	mutex_lock(&place->mutex);
	WRITE_ONCE(place->obj, NULL);	/* fill_pinned() reads it without the mutex */
	mutex_unlock(&place->mutex);
}

static void look_up_pinned(struct test_thread *self)
{
	struct dref_test *t = self->t;
	struct pinned_place *place;
	struct test_object *obj;

	test_interrupt(self, test_irq_preempt, 10000);
	while (test_goes_on(t)) {
		place = &pinned->place[test_random(self, PINNED_OBJECTS)];
		mutex_lock(&place->mutex);
		obj = place->obj;
		if (obj && !dref_tryget(&obj->ref))
			obj = NULL;
		mutex_unlock(&place->mutex);
		if (!obj)
			continue;
		CHECK(t, dref_read(&obj->ref) > 0, "tryget of a dead object succeeded");
		CHECK(t, !test_released(obj), "released while held");
		dref_put(&obj->ref);
	}
}

static void fill_pinned(struct test_thread *self)
{
	struct pinned_place *place;
	struct test_object *obj;
	unsigned int i;

	for (i = 0; test_goes_on(self->t); i = (i + 1) % PINNED_OBJECTS) {
		if (!i)
			schedule_timeout_uninterruptible(1);
		place = &pinned->place[i];
		if (READ_ONCE(place->obj))
			continue;
		obj = test_new(self->t, pinned->class, true);
		if (!obj)
			return;
		obj->on_release = leave_place;
		obj->cookie = i;
		mutex_lock(&place->mutex);
		place->obj = obj;
		mutex_unlock(&place->mutex);
		dref_put(&obj->ref);
		atomic_inc(&pinned->replaced);
	}
}

/*
 * Lookups hold a mutex that release() takes before the object is freed, and are
 * preempted.  The grace period of a pass does not wait for a mutex, so
 * dref_tryget() must be an RCU read-side section of its own.
 */
static void tryget_under_mutex(struct dref_test *t)
{
	int i;

	pinned = kzalloc(sizeof(*pinned), GFP_KERNEL);
	if (!CHECK(t, pinned, "out of memory"))
		return;
	for (i = 0; i < PINNED_OBJECTS; i++)
		mutex_init(&pinned->place[i].mutex);
	pinned->class = test_class(t, DREF_SLEEP);
	if (pinned->class && create_threads(t, test_all_but_one(), look_up_pinned, NULL) &&
	    create_threads(t, 1, fill_pinned, NULL) && test_thread(t, reconcile, NULL))
		test_run(t);
	test_stop(t);
	dref_barrier();
	test_note(t, "%d objects", atomic_read(&pinned->replaced));
	kfree(pinned);
}

/* ---- all contexts at once ---- */

struct contexts {
	struct test_object	*obj[4];
	struct client {
		struct contexts		*all;
		unsigned int		irq_holds;	/* bits */
		unsigned int		softirq_holds;
		struct tasklet_struct	tasklet;
		struct test_thread	*self;
	} client[16];
	atomic_t		irqs;
	atomic_t		softirqs;
};

/* Get each object that is not held, and put each one that is; @holds has a bit for each */
static void flip(struct contexts *all, unsigned int *holds)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(all->obj); i++) {
		if (*holds & BIT(i))
			dref_put(&all->obj[i]->ref);
		else
			dref_get(&all->obj[i]->ref);
		*holds ^= BIT(i);
	}
}

static void flip_softirq(struct tasklet_struct *tasklet)
{
	struct client *client = from_tasklet(client, tasklet, tasklet);

	flip(client->all, &client->softirq_holds);
	atomic_inc(&client->all->softirqs);
}

static void flip_irq(struct test_thread *self)
{
	struct contexts *all = self->arg;
	struct client *client = &all->client[self->nr % ARRAY_SIZE(all->client)];

	flip(all, &client->irq_holds);
	atomic_inc(&all->irqs);
	tasklet_schedule(&client->tasklet);
}

static void flip_task(struct test_thread *self)
{
	struct contexts *all = self->arg;
	struct client *client = &all->client[self->nr % ARRAY_SIZE(all->client)];
	unsigned int holds = 0;

	test_interrupt(self, flip_irq, 300);
	while (test_goes_on(self->t))
		flip(all, &holds);
	hrtimer_cancel(&self->timer);
	tasklet_kill(&client->tasklet);
	if (holds)
		flip(all, &holds);
	if (client->irq_holds)
		flip(all, &client->irq_holds);
	if (client->softirq_holds)
		flip(all, &client->softirq_holds);
}

/* Tasks, softirqs and hard interrupts get and put the same objects; no count is lost */
static void all_contexts(struct dref_test *t)
{
	struct contexts *all = kzalloc(sizeof(*all), GFP_KERNEL);
	struct dref_class *class = test_class(t, 0);
	int i;

	if (!CHECK(t, all, "out of memory"))
		return;
	for (i = 0; i < ARRAY_SIZE(all->obj); i++) {
		all->obj[i] = test_new(t, class, i & 1);
		if (!all->obj[i])
			goto out;
	}
	for (i = 0; i < ARRAY_SIZE(all->client); i++) {
		all->client[i].all = all;
		tasklet_setup(&all->client[i].tasklet, flip_softirq);
	}
	if (!create_threads(t, min_t(unsigned int, test_parallel(), ARRAY_SIZE(all->client)),
			    flip_task, all) ||
	    !test_thread(t, reconcile, NULL))
		goto out;
	test_run(t);
	for (i = 0; i < ARRAY_SIZE(all->obj); i++) {
		CHECK(t, !test_released(all->obj[i]), "released while held");
		CHECK(t, dref_read(&all->obj[i]->ref) == 1, "count is %ld, not 1",
		      dref_read(&all->obj[i]->ref));
		dref_put(&all->obj[i]->ref);
	}
	CHECK(t, atomic_read(&all->softirqs), "no softirq has run");
	test_note(t, "%d hard interrupts, %d softirqs", atomic_read(&all->irqs),
		  atomic_read(&all->softirqs));
out:
	test_stop(t);
	kfree(all);
}

/* ---- promotion and demotion ---- */

static void get_and_put_until_deferred(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	do {
		dref_get(&obj->ref);
		dref_put(&obj->ref);
	} while (test_goes_on(self->t) && !dref_is_deferred(&obj->ref));
}

/* Contention alone promotes an object, without dref_defer(), and loses no reference */
static void contention_promotes(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj = test_new(t, class, false);

	if (num_online_cpus() < 2) {
		if (obj)
			dref_put(&obj->ref);
		test_skip(t, "needs two CPUs");
		return;
	}
	if (!obj || !create_threads(t, test_parallel(), get_and_put_until_deferred, obj))
		return;
	dref_get_many(&obj->ref, 9);
	test_start(t);
	CHECK(t, test_soon(dref_is_deferred(&obj->ref), 30000),
	      "still exact after 30 s of contention");
	test_stop(t);
	dref_barrier();		/* now the promotion queue has put its reference */
	CHECK(t, dref_read(&obj->ref) == 10, "count is %ld, not 10", dref_read(&obj->ref));
	dref_put_many(&obj->ref, 9);
	dref_barrier();
	CHECK(t, !test_released(obj), "released with one left");
	dref_put(&obj->ref);
}

static void get_and_put(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	while (test_goes_on(self->t)) {
		dref_get(&obj->ref);
		dref_get_many(&obj->ref, 2);
		dref_put_many(&obj->ref, 2);
		dref_put(&obj->ref);
	}
}

/* Contention does not promote an object of a DREF_EXACT class */
static void exact_class_stays_exact(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_EXACT);
	struct test_object *obj = test_new(t, class, false);

	if (!obj || !create_threads(t, test_parallel(), get_and_put, obj))
		return;
	test_start(t);
	CHECK(t, !test_soon(dref_is_deferred(&obj->ref), 1000), "promoted");
	test_stop(t);
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld, not 1", dref_read(&obj->ref));
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

/* An object that a single CPU uses all the time becomes hot by its rate */
static void one_cpu_becomes_hot(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj = test_new(t, class, false);

	if (!obj || !test_thread(t, get_and_put, obj))
		return;
	test_start(t);
	CHECK(t, test_soon(dref_is_deferred(&obj->ref), 10000), "not promoted");
	test_stop(t);
	dref_put(&obj->ref);
}

/* So does one that a single CPU finds by dref_tryget(), and one of two that take turns */
static void tryget_and_put_both(struct test_thread *self)
{
	struct test_object **obj = self->arg;
	int i;

	while (!READ_ONCE(self->t->over)) {
		for (i = 0; i < 2; i++) {
			CHECK(self->t, dref_tryget(&obj[i]->ref), "tryget failed");
			dref_put(&obj[i]->ref);
		}
		cond_resched();
	}
}

static void two_of_one_cpu_become_hot(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj[2] = {
		test_new(t, class, false), test_new(t, class, false),
	};

	if (!obj[0] || !obj[1] || !test_thread(t, tryget_and_put_both, obj))
		return;
	test_start(t);
	CHECK(t, test_soon(dref_is_deferred(&obj[0]->ref) && dref_is_deferred(&obj[1]->ref),
			   10000), "deferred: %d and %d", dref_is_deferred(&obj[0]->ref),
	      dref_is_deferred(&obj[1]->ref));
	test_stop(t);
	dref_put(&obj[0]->ref);
	dref_put(&obj[1]->ref);
}

/* Objects that live for less than it takes to become hot get no slot, though they are many */
static void live_shortly(struct test_thread *self)
{
	struct dref_test *t = self->t;
	struct test_object *obj;
	int i, pairs, found = 0;

	for (i = 0; i < 1000; i++) {
		obj = test_object(t, self->arg);
		if (!obj)
			return;
		for (pairs = 0; pairs < 1000; pairs++) {
			dref_get(&obj->ref);
			dref_put(&obj->ref);
		}
		found += dref_is_deferred(&obj->ref);
		dref_put(&obj->ref);
		if (!CHECK(t, !found && test_released(obj), "an object was promoted"))
			return;
		test_object_free(obj);
		cond_resched();
	}
}

static void short_lives_stay_exact(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);

	if (class && test_thread(t, live_shortly, class))
		test_run_once(t);
}

/*
 * Objects go back and forth between exact and deferred, while each thread holds
 * a number of references to each of them.  In the end each object must have the
 * one reference that is left.  From time to time all threads rest, long enough
 * for Tasks RCU to see each of them sleep and for passes to fold the objects.
 */
#define FLAPPERS	8
#define WORK_MS		150
#define REST_MS		450

static bool resting(void)
{
	return jiffies_to_msecs(jiffies) % (WORK_MS + REST_MS) >= WORK_MS;
}

static void stall_unless_resting(struct test_thread *self)
{
	if (!resting())
		test_irq_stall(self);
}

struct flapping {
	struct test_object	*obj[FLAPPERS];
	bool			defer;
	atomic_t		exact;	/* how often an object was found exact */
};

static void flap(struct test_thread *self)
{
	struct flapping *flapping = self->arg;
	unsigned int held[FLAPPERS] = { };
	struct dref_test *t = self->t;
	struct test_object *obj;
	unsigned int i, n;

	test_interrupt(self, stall_unless_resting, 60000);
	while (test_goes_on(t)) {
		if (resting()) {
			schedule_timeout_uninterruptible(1 + test_random(self, 4));
			continue;
		}
		i = test_random(self, FLAPPERS);
		obj = flapping->obj[i];
		for (n = test_random(self, 500); n; n--) {
			dref_get(&obj->ref);
			CHECK(t, !test_released(obj), "released while held");
			dref_put(&obj->ref);
		}
		if (test_is_exact(obj))
			atomic_inc(&flapping->exact);
		switch (test_random(self, 6)) {
		case 0:
			dref_get(&obj->ref);
			held[i]++;
			break;
		case 1:
			dref_get_many(&obj->ref, 3);
			held[i] += 3;
			break;
		case 2:
			if (held[i]) {
				dref_put_many(&obj->ref, held[i]);
				held[i] = 0;
			}
			break;
		case 3:
			if (flapping->defer)
				dref_defer(&obj->ref, GFP_KERNEL);
			break;
		default:
			schedule_timeout_uninterruptible(test_random(self, 4));
		}
	}
	for (i = 0; i < FLAPPERS; i++)
		dref_put_many(&flapping->obj[i]->ref, held[i]);
}

static void flapping_test(struct dref_test *t, bool defer, unsigned int per_cpu)
{
	struct flapping *flapping = kzalloc(sizeof(*flapping), GFP_KERNEL);
	struct dref_class *class = test_class(t, 0);
	int i;

	if (!CHECK(t, flapping, "out of memory"))
		return;
	flapping->defer = defer;
	for (i = 0; i < FLAPPERS; i++) {
		flapping->obj[i] = test_new(t, class, defer);
		if (!flapping->obj[i])
			goto out;
	}
	if (!create_threads(t, test_parallel() * per_cpu, flap, flapping))
		goto out;
	/* objects that dref_defer() promoted must have been demoted at least once */
	test_run_beyond(t, &flapping->exact, 0);
	for (i = 0; i < FLAPPERS; i++) {
		struct test_object *obj = flapping->obj[i];

		dref_barrier();
		CHECK(t, !test_released(obj), "released while held");
		CHECK(t, test_count_is(obj, 1), "count is %ld, not 1", dref_read(&obj->ref));
		dref_put(&obj->ref);
	}
out:
	test_stop(t);
	kfree(flapping);
}

static void flapping_by_contention(struct dref_test *t)
{
	flapping_test(t, false, 1);
}

static void flapping_by_defer(struct dref_test *t)
{
	flapping_test(t, true, 4);
}

/* Most objects get no slot, as max_deferred is less than their number */
static void contended_without_budget(struct dref_test *t)
{
	flapping_test(t, false, 2);
}

/*
 * A get is stalled between its load of mode and its increment, and meanwhile its
 * object is demoted.  Each object has one user, so while that is interrupted or
 * preempted the object looks quiet.  A free slot is soon used again: if the fold
 * did not wait for the get, the get would be lost and another object would leak.
 */
struct late_gets {
	struct dref_class	*class;
	void			(*irq)(struct test_thread *self);
};

static void late_get(struct test_thread *self)
{
	struct late_gets *late = self->arg;
	struct dref_test *t = self->t;
	struct test_object *obj;
	unsigned long until;
	int n;

	/* a demotion takes three passes, each a jiffy or two after the previous one */
	self->stall_ms = 20 * 1000 / HZ;
	test_interrupt(self, late->irq, 15000);
	while (test_goes_on(t)) {
		obj = test_new(t, late->class, true);
		if (!obj)
			return;
		until = jiffies + HZ / 2;
		while (time_before(jiffies, until) && test_goes_on(t)) {
			/* little else than loads of mode and increments */
			for (n = 0; n < 64; n++) {
				dref_get(&obj->ref);
				dref_put(&obj->ref);
			}
		}
		CHECK(t, !test_released(obj), "released while held");
		CHECK(t, test_count_is(obj, 1), "count is %ld, not 1", dref_read(&obj->ref));
		dref_put(&obj->ref);
		dref_reconcile();
		CHECK(t, test_released(obj), "dropped but not released");
		if (test_released(obj))
			test_object_free(obj);
	}
}

static void demotion_against_interrupted_get(struct dref_test *t)
{
	struct late_gets late = { test_class(t, 0), test_irq_stall };

	if (late.class && create_threads(t, test_all_but_one(), late_get, &late))
		test_run(t);
	test_stop(t);
}

static void demotion_against_preempted_get(struct dref_test *t)
{
	struct late_gets late = { test_class(t, 0), test_irq_preempt };

	if (late.class && create_threads(t, test_all_but_one(), late_get, &late))
		test_run(t);
	test_stop(t);
}

/*
 * Several threads call dref_defer() for the same object at the same time, while
 * others use it already.  All succeed, and no reference is lost.
 */
static void defer_with_others(struct test_thread *self)
{
	struct test_object **obj = self->arg;
	unsigned int n;
	int i;

	for (i = 0; i < 200; i++) {
		dref_get(&obj[i]->ref);
		/* wait until all threads have reached this object */
		atomic_inc(&obj[i]->turn);
		while (atomic_read(&obj[i]->turn) < test_parallel() &&
		       test_goes_on(self->t))
			cpu_relax();
		for (n = test_random(self, 100); n; n--) {
			dref_get(&obj[i]->ref);
			dref_put(&obj[i]->ref);
		}
		CHECK(self->t, !dref_defer(&obj[i]->ref, GFP_KERNEL), "cannot defer");
		dref_get(&obj[i]->ref);
		dref_put_many(&obj[i]->ref, 2);
	}
}

static void defer_together(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object **obj = kcalloc(200, sizeof(*obj), GFP_KERNEL);
	int i;

	if (!CHECK(t, obj, "out of memory"))
		return;
	for (i = 0; i < 200; i++) {
		obj[i] = test_new(t, class, false);
		if (!obj[i])
			goto out;
	}
	if (!create_threads(t, test_parallel(), defer_with_others, obj))
		goto out;
	test_run_once(t);
	dref_barrier();		/* the promotion queue may have held references, too */
	for (i = 0; i < 200; i++) {
		CHECK(t, dref_is_deferred(&obj[i]->ref), "object %d is not deferred", i);
		CHECK(t, dref_read(&obj[i]->ref) == 1, "count is %ld, not 1",
		      dref_read(&obj[i]->ref));
		dref_put(&obj[i]->ref);
	}
out:
	test_stop(t);
	kfree(obj);
}

/*
 * Threads take and drop huge numbers of references, while passes sum the counters of the
 * slot at different times.  Between the sum of the puts and that of the gets each thread
 * does so many times.  If such numbers were counted in the slot, a few of them would look
 * like an overflow.
 */
struct huge {
	struct test_object	*obj;
	unsigned long		n;
};

static void get_and_put_huge(struct test_thread *self)
{
	struct huge *huge = self->arg;

	while (test_goes_on(self->t)) {
		dref_get_many(&huge->obj->ref, huge->n);
		dref_put_many(&huge->obj->ref, huge->n);
		dref_get_many(&huge->obj->ref, DREF_SLOT_MANY);
		dref_put_many(&huge->obj->ref, DREF_SLOT_MANY);
	}
}

static void huge_numbers(struct dref_test *t, unsigned int threads, unsigned long n)
{
	struct huge huge = { test_new(t, test_class(t, 0), true), n };

	if (!huge.obj)
		return;
	if (create_threads(t, threads, get_and_put_huge, &huge) &&
	    test_thread(t, reconcile_stalled, NULL))
		test_run(t);
	test_stop(t);
	CHECK(t, !dref_is_immortal(&huge.obj->ref), "saturated");
	CHECK(t, !test_released(huge.obj), "released while held");
	CHECK(t, test_count_is(huge.obj, 1), "count is %ld, not 1", dref_read(&huge.obj->ref));
	dref_put(&huge.obj->ref);
}

static void many_together(struct dref_test *t)
{
	huge_numbers(t, test_parallel(), INT_MAX);
}

/* Two threads do not exceed the limit, which is 2^62 */
static void half_of_the_most_together(struct dref_test *t)
{
	huge_numbers(t, 2, BIT(60));
}

/* ---- immortalize ---- */

/*
 * An object that is immortalized leaves a slot behind.  A get or put may have
 * loaded the address of that slot, and not have incremented it yet: until it has,
 * no other object may get the slot.
 */
struct immortals {
	struct dref_class	*class;
	struct test_object	*obj[2];	/* used by all threads */
};

static void use_objects(struct test_thread *self)
{
	struct immortals *immortals = self->arg;
	struct dref_test *t = self->t;
	struct test_object *obj;
	int i;

	test_interrupt(self, test_irq_stall, 30000);
	while (test_goes_on(t)) {
		obj = READ_ONCE(immortals->obj[test_random(self, 2)]);
		for (i = 0; i < 300; i++) {
			dref_get(&obj->ref);
			dref_put(&obj->ref);
		}
		CHECK(t, !test_released(obj), "released while held");
	}
}

static void immortalize_objects(struct test_thread *self)
{
	struct immortals *immortals = self->arg;
	struct dref_test *t = self->t;
	struct test_object *was, *mortal, *next;
	unsigned int i;

	for (i = 0; test_goes_on(t); i = !i) {
		next = test_new(t, immortals->class, test_random(self, 2));
		if (!next)
			return;
		was = immortals->obj[i];
		dref_immortalize(&was->ref);
		WRITE_ONCE(immortals->obj[i], next);

		/* this object may get the slot of one that was immortalized */
		mortal = test_new(t, immortals->class, true);
		if (!mortal)
			return;
		schedule_timeout_uninterruptible(2);
		CHECK(t, dref_read(&mortal->ref) == 1, "count is %ld, not 1",
		      dref_read(&mortal->ref));
		dref_put(&mortal->ref);
		dref_reconcile();
		CHECK(t, test_released(mortal), "dropped but not released");
		CHECK(t, !test_released(was), "an immortal object was released");
		CHECK(t, dref_read(&was->ref) == DREF_IMMORTAL_COUNT,
		      "count of an immortal object is %ld", dref_read(&was->ref));
	}
}

static void immortalize_against_all(struct dref_test *t)
{
	struct immortals *immortals = kzalloc(sizeof(*immortals), GFP_KERNEL);
	int i;

	if (!CHECK(t, immortals, "out of memory"))
		return;
	immortals->class = test_class(t, 0);
	for (i = 0; i < 2; i++) {
		immortals->obj[i] = test_new(t, immortals->class, true);
		if (!immortals->obj[i])
			goto out;
	}
	if (create_threads(t, test_all_but_one(), use_objects, immortals) &&
	    test_thread(t, immortalize_objects, immortals))
		test_run(t);
	test_stop(t);
	for (i = 0; i < 2; i++)
		dref_put(&immortals->obj[i]->ref);
out:
	kfree(immortals);
}

/* ---- classes come and go ---- */

static void release_nothing(struct dref *ref)
{
}

static void register_and_unregister(struct test_thread *self)
{
	static const unsigned int flags[] = {
		0, DREF_RCU, DREF_SLEEP, DREF_EXACT, DREF_ASYNC,
	};
	struct dref_test *t = self->t;
	struct dref_class *class;
	struct dref *ref;
	char name[32];
	int i, err;

	class = kzalloc(sizeof(*class), GFP_KERNEL);
	ref = kcalloc(32, sizeof(*ref), GFP_KERNEL);
	if (!CHECK(t, class && ref, "out of memory"))
		goto out;
	snprintf(name, sizeof(name), "test-life-%u", self->nr);
	class->name = name;
	class->release = release_nothing;
	while (test_goes_on(t)) {
		class->flags = flags[test_random(self, ARRAY_SIZE(flags))];
		err = dref_class_register(class);
		if (!CHECK(t, !err, "register returned %d", err))
			break;
		for (i = 0; i < 32; i++) {
			dref_init(&ref[i], class);
			if (i & 1)
				dref_defer(&ref[i], GFP_KERNEL);
		}
		err = dref_class_unregister(class);
		CHECK(t, err == -EBUSY, "unregister with live objects returned %d", err);
		for (i = 0; i < 32; i++)
			dref_put(&ref[i]);
		if (test_random(self, 2)) {
			dref_class_drain(class);
			continue;
		}
		err = dref_class_unregister(class);
		CHECK(t, !err, "flags %#x: unregister without objects returned %d", class->flags,
		      err);
		if (err)
			dref_class_drain(class);
	}
out:
	kfree(ref);
	kfree(class);
}

/* Many threads register and unregister classes, while others use objects of another */
static void classes_come_and_go(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj = test_new(t, class, false);

	if (!obj)
		return;
	if (create_threads(t, test_parallel(), register_and_unregister, NULL) &&
	    create_threads(t, 2, get_and_put, obj))
		test_run(t);
	test_stop(t);
	dref_put(&obj->ref);
}

static void put_with_pauses(struct test_thread *self)
{
	struct test_object **obj = self->arg;
	int i;

	for (i = 0; i < 64; i++) {
		if (test_random(self, 4) == 0)
			schedule_timeout_uninterruptible(1);
		dref_put(&obj[i]->ref);
	}
}

/* dref_class_unregister() fails until other threads have put all objects of the class */
static void drain_under_use(struct dref_test *t)
{
	static const unsigned int flags[] = { 0, DREF_RCU, DREF_SLEEP, DREF_ASYNC };
	struct test_object **obj = kcalloc(64, sizeof(*obj), GFP_KERNEL);
	unsigned int users = test_parallel();
	struct dref_class *class;
	int i, j, left;

	if (!CHECK(t, obj, "out of memory"))
		return;
	for (j = 0; j < ARRAY_SIZE(flags) && !t->failed; j++) {
		class = test_class(t, flags[j]);
		for (i = 0; i < 64; i++) {
			obj[i] = test_new(t, class, i & 1);
			if (!obj[i])
				goto out;
			dref_get_many(&obj[i]->ref, users - 1);
		}
		if (!create_threads(t, users, put_with_pauses, obj))
			goto out;
		test_start(t);
		while (dref_class_unregister(class) == -EBUSY)
			schedule_timeout_uninterruptible(1);
		for (i = 0, left = 0; i < 64; i++)
			left += !test_released(obj[i]);
		CHECK(t, !left, "unregistered with %d objects left", left);
		/* the runner will unregister it again */
		CHECK(t, !dref_class_register(class), "cannot register again");
		test_stop(t);
	}
out:
	test_stop(t);
	kfree(obj);
}

const struct dref_test_case test_concurrency[] = {
	{ "hopping",			hopping, QUICK_PASSES },
	{ "hopping_flapping",		hopping, FLAPPING },
	{ "tryget_against_reconcile",	tryget_against_reconcile, QUICK_PASSES },
	{ "tryget_interrupted",		tryget_interrupted, FLAPPING },
	{ "tryget_against_stalled_pass",
					tryget_against_stalled_pass, QUICK_PASSES },
	{ "tryget_own_rcu",		tryget_own_rcu, FLAPPING },
	{ "tryget_live_against_kill",	tryget_live_against_kill, FLAPPING },
	{ "immortalize_against_reconcile",
					immortalize_against_reconcile, FLAPPING },
	{ "tryget_under_mutex",		tryget_under_mutex, QUICK_PASSES },
	{ "all_contexts",		all_contexts, FLAPPING },
	{ "contention_promotes",	contention_promotes },
	{ "exact_class_stays_exact",	exact_class_stays_exact, "promote_threshold=1" },
	{ "one_cpu_becomes_hot",	one_cpu_becomes_hot, "", "promotions=1" },
	{ "two_of_one_cpu_become_hot",	two_of_one_cpu_become_hot, "", "promotions=2" },
	{ "short_lives_stay_exact",	short_lives_stay_exact, "", "promotions=0" },
	{ "flapping_by_contention",	flapping_by_contention, FLAPPING },
	{ "flapping_by_defer",		flapping_by_defer, FLAPPING, "demotions>0" },
	{ "contended_without_budget",	contended_without_budget, FLAPPING " max_deferred=2" },
	{ "demotion_against_interrupted_get",
					demotion_against_interrupted_get, FLAPPING },
	{ "demotion_against_preempted_get",
					demotion_against_preempted_get, FLAPPING },
	{ "defer_together",		defer_together, "demote_passes=1000000" },
	{ "many_together",		many_together, QUICK_PASSES },
	{ "half_of_the_most_together",	half_of_the_most_together, QUICK_PASSES },
	{ "immortalize_against_all",	immortalize_against_all, FLAPPING },
	{ "classes_come_and_go",	classes_come_and_go, FLAPPING },
	{ "drain_under_use",		drain_under_use },
	{ }
};
