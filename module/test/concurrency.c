// SPDX-License-Identifier: GPL-2.0
/*
 * Everything against everything.
 *
 * The passes are given as little time as they take, expedited ones run back to
 * back, and interrupts last for longer than several passes: whoever was hit
 * between his load of mode and his increment finds the world changed.  Where a
 * test needs neighbours, it never has fewer than three: the errors that such an
 * algorithm can have begin there.
 *
 * An object's memory outlives the object, so that what should not happen can be
 * seen, instead of ending the test.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "test.h"

#define QUICK	 "pass_min_ms=1 pass_max_ms=1"
#define FLAPPING QUICK " promote_threshold=2 demote_passes=1"

static void reconcile(struct test_thread *self)
{
	while (test_goes_on(self->t))
		dref_reconcile();
}

/* Have @nr threads */
static bool threads(struct dref_test *t, unsigned int nr,
		    void (*run)(struct test_thread *self), void *arg)
{
	while (nr--) {
		if (!test_thread(t, run, arg))
			return false;
	}
	return true;
}

/* The same, interrupted: between two sums, or looking at a count and a verdict */
static void reconcile_stalled(struct test_thread *self)
{
	self->stall_ms = 10;
	test_interrupt(self, test_irq_stall, 500);
	reconcile(self);
}

/* ---- one reference, many CPUs ---- */

/*
 * A reference goes round a ring of CPUs: taken on the next one, then dropped on
 * the last.  There is always one, and never in the same counter for long, so
 * a pass that adds up in the wrong order, or too soon, finds none.
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

			/* even: a member's turn to get; odd: its turn to put */
			if (turn / 2 % ring->size != self->nr)
				continue;
			CHECK(self->t, !test_released(obj), "released while held");
			if (turn & 1) {
				dref_put(&obj->ref);
				/* the next to get is the one after the holder */
				turn = (turn / 2 + 2) % ring->size * 2;
			} else {
				dref_get(&obj->ref);
				/* the last holder is the one before */
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
		/* member 0 has it, and 1 is the next to get */
		atomic_set(&ring->obj[i]->turn, 1 * 2);
	}
	if (!threads(t, ring->size, hop, ring) ||
	    !test_thread(t, reconcile_stalled, NULL))
		goto out;
	test_run(t);
	for (i = 0; i < RING_OBJECTS; i++) {
		struct test_object *obj = ring->obj[i];

		CHECK(t, !test_released(obj), "released while held");
		/* between a get and the put that belongs to it there are two */
		dref_put_many(&obj->ref, atomic_read(&obj->turn) & 1 ? 2 : 1);
		dref_barrier();
		CHECK(t, test_released(obj), "let go, and not released");
	}
out:
	test_stop(t);
	kfree(ring);
}

/* ---- tryget against reconcile ---- */

/*
 * A table of objects that are found under RCU.  The initial reference goes while
 * the object can still be found, so that it dies and is resurrected all the time.
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

static void look_up(struct test_thread *self)
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
		/* so seldom that an object can die between two lookups */
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
		/* pairs with the release in kill() */
		was_killed = smp_load_acquire(&obj->killed);
		got = table->kill ? dref_tryget_live(&obj->ref) : dref_tryget(&obj->ref);
		if (!got) {
			rcu_read_unlock();
			continue;
		}
		CHECK(t, !was_released, "tryget of a released object");
		CHECK(t, !was_killed || !table->kill, "tryget_live after kill");
		rcu_read_unlock();

		/* after a stall in the tryget, leave a wrong release the time to run */
		if (stalls != READ_ONCE(self->stalls))
			schedule_timeout_uninterruptible(3);
		CHECK(t, !test_released(obj), "released while held");
		dref_get(&obj->ref);
		dref_put(&obj->ref);
		CHECK(t, !test_released(obj), "released while held");
		/* some of them while a pass is about to declare them dead */
		if (table->immortalize && !test_random(self, 4))
			dref_immortalize(&obj->ref);
		dref_put(&obj->ref);
		found++;
	}
	atomic_long_add(found, &table->found);
}

static void kill(struct test_object *obj)
{
	dref_kill(&obj->ref);
	/* pairs with the acquire in look_up() */
	smp_store_release(&obj->killed, true);
}

static void replace(struct test_thread *self)
{
	struct table *table = self->arg;
	struct test_object *old, *new;
	int i = 0;

	while (test_goes_on(self->t)) {
		i = (i + 1) % TABLE_SIZE;
		/* who looks up must have the time to find what is killed next */
		if (!i && table->kill)
			schedule_timeout_uninterruptible(1);
		old = rcu_dereference_protected(table->obj[i], true);
		if (old && !test_released(old) && !dref_is_immortal(&old->ref)) {
			/* found for one round, and not found from now on */
			if (table->kill && !old->killed)
				kill(old);
			continue;
		}
		new = test_new(self->t, table->class, test_random(self, 2));
		if (!new)
			return;
		rcu_assign_pointer(table->obj[i], new);
		if (old && test_released(old))
			test_object_free(old);
		atomic_inc(&table->replaced);
		/* From here on only those who look up keep it */
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
	    threads(t, how & STALL ? test_all_but_one() : test_parallel(), look_up, table) &&
	    test_thread(t, replace, table) &&
	    test_thread(t, how & STALL_PASS ? reconcile_stalled : reconcile, NULL))
		test_run_beyond(t, &table->replaced, TABLE_SIZE);
	test_stop(t);
	for (i = 0; i < TABLE_SIZE; i++) {
		obj = rcu_dereference_protected(table->obj[i], true);
		if (obj && table->kill && !obj->killed)
			kill(obj);
	}
	CHECK(t, atomic_read(&table->replaced) > TABLE_SIZE, "only %d objects",
	      atomic_read(&table->replaced));
	CHECK(t, atomic_long_read(&table->found), "nothing found");
	test_note(t, "%d objects, found %ld times", atomic_read(&table->replaced),
		  atomic_long_read(&table->found));
	kfree(table);
}

static void tryget_against_reconcile(struct dref_test *t)
{
	table_test(t, DREF_RCU, 0);
}

static void tryget_interrupted(struct dref_test *t)
{
	table_test(t, DREF_RCU, STALL);
}

static void tryget_against_stalled_pass(struct dref_test *t)
{
	table_test(t, DREF_RCU, STALL_PASS);
}

static void tryget_own_rcu(struct dref_test *t)
{
	table_test(t, 0, STALL);
}

static void tryget_live_against_kill(struct dref_test *t)
{
	table_test(t, DREF_RCU | DREF_SLEEP, BY_KILL | STALL);
}

/* Each object ends once, as dead or as immortal, or its class cannot go */
static void immortalize_against_reconcile(struct dref_test *t)
{
	table_test(t, DREF_RCU, STALL_PASS | IMMORTALIZE);
}

/* ---- tryget of an object that a mutex keeps, not RCU ---- */

#define KEPT_OBJECTS	64

struct kept {
	struct kept_place {
		struct mutex		mutex;	/* obj; held in its release() */
		struct test_object	*obj;
	} place[KEPT_OBJECTS];
	struct dref_class	*class;
	atomic_t		replaced;
};

/* The only one: a release() has nothing else to find it by */
static struct kept *kept;

static void leave_place(struct test_object *obj)
{
	struct kept_place *place = &kept->place[obj->cookie];

	mutex_lock(&place->mutex);
	WRITE_ONCE(place->obj, NULL);	/* fill_kept() looks without the mutex */
	mutex_unlock(&place->mutex);
}

static void look_up_kept(struct test_thread *self)
{
	struct dref_test *t = self->t;
	struct kept_place *place;
	struct test_object *obj;

	test_interrupt(self, test_irq_preempt, 10000);
	while (test_goes_on(t)) {
		place = &kept->place[test_random(self, KEPT_OBJECTS)];
		mutex_lock(&place->mutex);
		obj = place->obj;
		if (obj && !dref_tryget(&obj->ref))
			obj = NULL;
		mutex_unlock(&place->mutex);
		if (!obj)
			continue;
		CHECK(t, dref_read(&obj->ref) > 0, "has a reference to a dead object");
		CHECK(t, !test_released(obj), "released while held");
		dref_put(&obj->ref);
	}
}

static void fill_kept(struct test_thread *self)
{
	struct kept_place *place;
	struct test_object *obj;
	unsigned int i;

	for (i = 0; test_goes_on(self->t); i = (i + 1) % KEPT_OBJECTS) {
		if (!i)
			schedule_timeout_uninterruptible(1);
		place = &kept->place[i];
		if (READ_ONCE(place->obj))
			continue;
		obj = test_new(self->t, kept->class, true);
		if (!obj)
			return;
		obj->on_release = leave_place;
		obj->cookie = i;
		mutex_lock(&place->mutex);
		place->obj = obj;
		mutex_unlock(&place->mutex);
		dref_put(&obj->ref);
		atomic_inc(&kept->replaced);
	}
}

static void tryget_under_mutex(struct dref_test *t)
{
	int i;

	kept = kzalloc(sizeof(*kept), GFP_KERNEL);
	if (!CHECK(t, kept, "out of memory"))
		return;
	for (i = 0; i < KEPT_OBJECTS; i++)
		mutex_init(&kept->place[i].mutex);
	kept->class = test_class(t, DREF_SLEEP);
	if (kept->class && threads(t, test_all_but_one(), look_up_kept, NULL) &&
	    threads(t, 1, fill_kept, NULL) && test_thread(t, reconcile, NULL))
		test_run(t);
	test_stop(t);
	dref_barrier();
	test_note(t, "%d objects", atomic_read(&kept->replaced));
	kfree(kept);
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

/* Get what it does not hold, put what it holds */
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
	if (!threads(t, min_t(unsigned int, test_parallel(), ARRAY_SIZE(all->client)),
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
	CHECK(t, atomic_read(&all->softirqs), "no softirq ran");
	test_note(t, "%d hard interrupts, %d softirqs", atomic_read(&all->irqs),
		  atomic_read(&all->softirqs));
out:
	test_stop(t);
	kfree(all);
}

/* ---- promotion and demotion ---- */

static void get_and_put(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	do {
		dref_get(&obj->ref);
		dref_put(&obj->ref);
	} while (test_goes_on(self->t) && !dref_is_deferred(&obj->ref));
}

/* Nobody calls dref_defer() */
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
	if (!obj || !threads(t, test_parallel(), get_and_put, obj))
		return;
	dref_get_many(&obj->ref, 9);
	test_start(t);
	CHECK(t, test_soon(dref_is_deferred(&obj->ref), 30000), "contended for 30 s, and exact");
	test_stop(t);
	dref_barrier();		/* the queue has put its reference */
	CHECK(t, dref_read(&obj->ref) == 10, "count is %ld, not 10", dref_read(&obj->ref));
	dref_put_many(&obj->ref, 9);
	dref_barrier();
	CHECK(t, !test_released(obj), "released with one left");
	dref_put(&obj->ref);
}

static void get_and_put_on(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	while (test_goes_on(self->t)) {
		dref_get(&obj->ref);
		dref_get_many(&obj->ref, 2);
		dref_put_many(&obj->ref, 2);
		dref_put(&obj->ref);
	}
}

static void exact_class_stays_exact(struct dref_test *t)
{
	struct dref_class *class = test_class(t, DREF_EXACT);
	struct test_object *obj = test_new(t, class, false);

	if (!obj || !threads(t, test_parallel(), get_and_put_on, obj))
		return;
	test_start(t);
	CHECK(t, !test_soon(dref_is_deferred(&obj->ref), 1000), "promoted");
	test_stop(t);
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld, not 1", dref_read(&obj->ref));
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

/* One CPU alone makes nothing hot, nor do its arrival and who has the last reference */
static void one_cpu_stays_exact(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj = test_new(t, class, false);

	if (!obj || !test_thread(t, get_and_put_on, obj))
		return;
	test_start(t);
	CHECK(t, !test_soon(dref_is_deferred(&obj->ref), 1000), "promoted");
	test_stop(t);
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "the last put did not release at once");
}

/*
 * Objects go back and forth between exact and deferred, while each thread has
 * a number of references to each that only it knows.  They rest together, long
 * enough for Tasks RCU to see each thread sleep and for the objects to be folded.
 */
#define FLAPPERS	8
#define WORK_MS		150
#define REST_MS		450

static bool resting(void)
{
	return jiffies_to_msecs(jiffies) % (WORK_MS + REST_MS) >= WORK_MS;
}

static void work_stall(struct test_thread *self)
{
	if (!resting())
		test_irq_stall(self);
}

struct flapping {
	struct test_object	*obj[FLAPPERS];
	bool			defer;
	atomic_t		exact;	/* times that one was */
};

static void flap(struct test_thread *self)
{
	struct flapping *flapping = self->arg;
	unsigned int held[FLAPPERS] = { };
	struct dref_test *t = self->t;
	struct test_object *obj;
	unsigned int i, n;

	test_interrupt(self, work_stall, 60000);
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
	if (!threads(t, test_parallel() * per_cpu, flap, flapping))
		goto out;
	/* Objects that were deferred are demoted in the end */
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

static void contended_without_budget(struct dref_test *t)
{
	flapping_test(t, false, 2);
}

/*
 * A get that was on its way to the slot when its object was demoted.  Only one
 * thread uses an object at a time, so while it is interrupted or preempted the
 * object looks quiet; and slots that are free are soon in use again.
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

	/* demotion takes three passes, each of them a jiffy or two after the last */
	self->stall_ms = 20 * 1000 / HZ;
	test_interrupt(self, late->irq, 15000);
	while (test_goes_on(t)) {
		obj = test_new(t, late->class, true);
		if (!obj)
			return;
		until = jiffies + HZ / 2;
		while (time_before(jiffies, until) && test_goes_on(t)) {
			/* hardly anything but loads of mode and increments */
			for (n = 0; n < 64; n++) {
				dref_get(&obj->ref);
				dref_put(&obj->ref);
			}
		}
		CHECK(t, !test_released(obj), "released while held");
		CHECK(t, test_count_is(obj, 1), "count is %ld, not 1", dref_read(&obj->ref));
		dref_put(&obj->ref);
		dref_reconcile();
		CHECK(t, test_released(obj), "let go, and not released");
		if (test_released(obj))
			test_object_free(obj);
	}
}

static void demotion_against_interrupted_get(struct dref_test *t)
{
	struct late_gets late = { test_class(t, 0), test_irq_stall };

	if (late.class && threads(t, test_all_but_one(), late_get, &late))
		test_run(t);
	test_stop(t);
}

static void demotion_against_preempted_get(struct dref_test *t)
{
	struct late_gets late = { test_class(t, 0), test_irq_preempt };

	if (late.class && threads(t, test_all_but_one(), late_get, &late))
		test_run(t);
	test_stop(t);
}

/*
 * Several threads ask for the promotion of the same object at the same time,
 * when others have begun to use it.
 */
static void defer_now(struct test_thread *self)
{
	struct test_object **obj = self->arg;
	unsigned int n;
	int i;

	for (i = 0; i < 200; i++) {
		dref_get(&obj[i]->ref);
		/* all of them are on the same object */
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
	if (!threads(t, test_parallel(), defer_now, obj))
		goto out;
	test_run_once(t);
	dref_barrier();		/* the queue may have had references, too */
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

/* ---- immortalize ---- */

/*
 * What becomes immortal leaves a slot behind, which must not be given to another
 * object while somebody is on his way to it.
 */
struct immortals {
	struct dref_class	*class;
	struct test_object	*obj[2];	/* in use */
};

static void immortal_use(struct test_thread *self)
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

static void immortal_make(struct test_thread *self)
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

		/* it may well get the slot of a former immortal */
		mortal = test_new(t, immortals->class, true);
		if (!mortal)
			return;
		schedule_timeout_uninterruptible(2);
		CHECK(t, dref_read(&mortal->ref) == 1, "count is %ld, not 1",
		      dref_read(&mortal->ref));
		dref_put(&mortal->ref);
		dref_reconcile();
		CHECK(t, test_released(mortal), "let go, and not released");
		CHECK(t, !test_released(was), "released an immortal object");
		CHECK(t, dref_read(&was->ref) == DREF_IMMORTAL_COUNT, "count is %ld",
		      dref_read(&was->ref));
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
	if (threads(t, test_all_but_one(), immortal_use, immortals) &&
	    test_thread(t, immortal_make, immortals))
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

static void class_life(struct test_thread *self)
{
	static const unsigned int flags[] = { 0, DREF_RCU, DREF_SLEEP, DREF_EXACT };
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
		if (!CHECK(t, !err, "register: %d", err))
			break;
		for (i = 0; i < 32; i++) {
			dref_init(&ref[i], class);
			if (i & 1)
				dref_defer(&ref[i], GFP_KERNEL);
		}
		err = dref_class_unregister(class);
		CHECK(t, err == -EBUSY, "unregister with live objects: %d", err);
		for (i = 0; i < 32; i++)
			dref_put(&ref[i]);
		if (test_random(self, 2)) {
			dref_class_drain(class);
			continue;
		}
		err = dref_class_unregister(class);
		CHECK(t, !err, "unregister with no objects, flags %#x: %d", class->flags,
		      err);
		if (err)
			dref_class_drain(class);
	}
out:
	kfree(ref);
	kfree(class);
}

static void classes_come_and_go(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj = test_new(t, class, false);

	if (!obj)
		return;
	if (threads(t, test_parallel(), class_life, NULL) &&
	    threads(t, 2, get_and_put_on, obj))
		test_run(t);
	test_stop(t);
	dref_put(&obj->ref);
}

/* Others use the objects of a class until the moment it is drained */
static void put_some_time(struct test_thread *self)
{
	struct test_object **obj = self->arg;
	int i;

	for (i = 0; i < 64; i++) {
		if (test_random(self, 4) == 0)
			schedule_timeout_uninterruptible(1);
		dref_put(&obj[i]->ref);
	}
}

static void drain_under_use(struct dref_test *t)
{
	static const unsigned int flags[] = { 0, DREF_RCU, DREF_SLEEP };
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
		if (!threads(t, users, put_some_time, obj))
			goto out;
		test_start(t);
		while (dref_class_unregister(class) == -EBUSY)
			schedule_timeout_uninterruptible(1);
		for (i = 0, left = 0; i < 64; i++)
			left += !test_released(obj[i]);
		CHECK(t, !left, "unregistered with %d objects left", left);
		/* the runner wants to do it, too */
		CHECK(t, !dref_class_register(class), "cannot register again");
		test_stop(t);
	}
out:
	test_stop(t);
	kfree(obj);
}

const struct dref_test_case test_concurrency[] = {
	{ "hopping",			hopping, QUICK },
	{ "hopping_flapping",		hopping, FLAPPING },
	{ "tryget_against_reconcile",	tryget_against_reconcile, QUICK },
	{ "tryget_interrupted",		tryget_interrupted, FLAPPING },
	{ "tryget_against_stalled_pass",
					tryget_against_stalled_pass, QUICK },
	{ "tryget_own_rcu",		tryget_own_rcu, FLAPPING },
	{ "tryget_live_against_kill",	tryget_live_against_kill, FLAPPING },
	{ "immortalize_against_reconcile",
					immortalize_against_reconcile, FLAPPING },
	{ "tryget_under_mutex",		tryget_under_mutex, QUICK },
	{ "all_contexts",		all_contexts, FLAPPING },
	{ "contention_promotes",	contention_promotes },
	{ "exact_class_stays_exact",	exact_class_stays_exact, "promote_threshold=1" },
	{ "one_cpu_stays_exact",	one_cpu_stays_exact, "promote_threshold=3" },
	{ "flapping_by_contention",	flapping_by_contention, FLAPPING },
	{ "flapping_by_defer",		flapping_by_defer, FLAPPING, "demotions>0" },
	{ "contended_without_budget",	contended_without_budget, FLAPPING " max_deferred=2" },
	{ "demotion_against_interrupted_get",
					demotion_against_interrupted_get, FLAPPING },
	{ "demotion_against_preempted_get",
					demotion_against_preempted_get, FLAPPING },
	{ "defer_together",		defer_together, "demote_passes=1000000" },
	{ "immortalize_against_all",	immortalize_against_all, FLAPPING },
	{ "classes_come_and_go",	classes_come_and_go, FLAPPING },
	{ "drain_under_use",		drain_under_use },
	{ }
};
