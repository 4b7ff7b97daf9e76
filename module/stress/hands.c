// SPDX-License-Identifier: GPL-2.0
/*
 * Hands: the operations that take, drop and move references.
 *
 * The hands of the workers, the queue and the places contain pointers to
 * objects.  Each pointer stands for one reference, and the oracle has no other
 * record of references: when an object is released, the oracle searches these
 * pointers, and none may point to the object.  So each operation here calls
 * dref and changes pointers, and the order of the two makes the oracle right.
 * A pointer may exist only while its reference does:
 *
 *	get	set the pointer, then dref_get(); another hand pins the object
 *	tryget	dref_tryget(), then set the pointer, as dref may refuse
 *	put	clear the pointer, then dref_put().  dref promises that release()
 *		sees all writes before the put, so the oracle raises no false
 *		alarm, and raises one if dref breaks that promise.
 *	move	clear the pointer here, then set it there
 *
 * After a tryget and during a move a reference has no pointer for an instant.
 * The oracle's search then misses it, but the holder does not miss the release:
 * a worker that has got hold of an object checks its state, after a full barrier
 * which ensures that at least one of the two sees the other:
 *
 *	holder				release()
 *	hand = object			state = dead
 *	smp_mb()			full barrier in xchg()
 *	state is live?			search hands for object
 *
 * The holder checks the state again before it puts the object.
 *
 * The functions are called with the worker's mutex held, or where no other
 * thread can use the worker.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/slab.h>

#include "stress.h"

#define STRESS_TRIES	16	/* attempts to find a free entry */

static struct stress_entry *stress_free_entry(struct stress_worker *worker)
{
	struct stress_session *session = worker->session;
	struct stress_entry *entry;
	int i;

	for (i = 0; i < STRESS_TRIES; i++) {
		entry = &session->entries[worker->next_entry];
		worker->next_entry += session->nr_workers;
		if (worker->next_entry >= session->nr_entries)
			worker->next_entry = worker->number;
		/* pairs with the release in stress_bury() */
		if (!smp_load_acquire(&entry->object))
			return entry;
	}
	return NULL;
}

static gfp_t stress_gfp(const struct stress_worker *worker)
{
	if (!worker->context || worker->context == DREF_STRESS_KTHREAD)
		return GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	return GFP_NOWAIT | __GFP_NOWARN;
}

/* On PREEMPT_RT a hard interrupt must neither allocate memory nor take a spinlock */
static bool stress_may_allocate(const struct stress_worker *worker)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) ||
	       !(worker->context & (DREF_STRESS_HARDIRQ | DREF_STRESS_IRQ_WORK));
}

/*
 * Create an object; its initial reference goes to @hand, which is empty.  The
 * class is @class or, if that is NULL, one of the first @nr_classes of the
 * session in turn.
 */
static bool stress_create_of(struct stress_worker *worker, unsigned int hand,
			     struct dref_class *class, unsigned int nr_classes)
{
	struct stress_session *session = worker->session;
	struct stress_object *object = NULL;
	struct stress_entry *entry = NULL;

	if (stress_may_allocate(worker))
		entry = stress_free_entry(worker);
	if (entry)
		object = kzalloc(sizeof(*object), stress_gfp(worker));
	if (!object) {
		worker->counts[DREF_STRESS_CREATES_REFUSED]++;
		return false;
	}

	WRITE_ONCE(entry->generation, entry->generation + 1);
	WRITE_ONCE(entry->created_ns, ktime_get_ns());
	WRITE_ONCE(entry->dropped_ns, 0);
	WRITE_ONCE(entry->released_ns, 0);
	object->state = STRESS_LIVE;
	object->index = entry - session->entries;
	object->generation = entry->generation;
	object->place = -1;
	object->put_at = jiffies;
	object->session = session;
	if (class) {
		object->alive = &worker->class_alive;
		atomic_long_inc(object->alive);
	} else {
		class = stress_session_class(session, (object->index + object->generation - 1) %
					      nr_classes);
	}
	dref_init(&object->ref, class);
	/* pairs with rcu_read_lock() in stress_session_state() */
	smp_store_release(&entry->object, object);

	WRITE_ONCE(worker->hands[hand], object);
	worker->counts[DREF_STRESS_CREATES]++;
	return true;
}

/* Create an object of the session's class, or of one of its classes */
bool stress_create(struct stress_worker *worker, unsigned int hand)
{
	return stress_create_of(worker, hand, NULL, STRESS_CLASSES);
}

/* Create an object and promote it; of a class that can be promoted, if there is a choice */
bool stress_create_deferred(struct stress_worker *worker, unsigned int hand)
{
	if (!stress_create_of(worker, hand, NULL, DREF_STRESS_EXACT))
		return false;
	stress_defer(worker, hand);
	return true;
}

/* Create an object of the worker's own class */
bool stress_create_own(struct stress_worker *worker, unsigned int hand)
{
	return stress_create_of(worker, hand, &worker->class, 0);
}

/* Get the object in hand @from, into the empty @hand */
void stress_get(struct stress_worker *worker, unsigned int hand,
		unsigned int from)
{
	struct stress_object *object = worker->hands[from];

	if (!stress_check_held(worker, object))
		return;
	WRITE_ONCE(worker->hands[hand], object);
	dref_get(&object->ref);
	worker->counts[DREF_STRESS_GETS]++;
}

/* Put @object, of which the worker has got hold, into the empty @hand */
static void stress_fill_hand(struct stress_worker *worker, unsigned int hand,
			     struct stress_object *object)
{
	WRITE_ONCE(worker->hands[hand], object);
	/* hand, then state; pairs with xchg() in stress_release() */
	smp_mb();
	if (!stress_check_held(worker, object))
		WRITE_ONCE(worker->hands[hand], NULL);
}

/* Report a dref_tryget() that failed although the place still holds a reference */
static void stress_check_refusal(struct stress_worker *worker,
				 const struct stress_object *object, unsigned int place)
{
	struct stress_session *session = worker->session;

	smp_mb();	/* dref's answer, then the check of it */
	if (!stress_place_is_weak(session, place) &&
	    rcu_access_pointer(session->places[place]) == object)
		stress_error(session, STRESS_EARLY, object,
			     "dref_tryget(): expected true, as place %u has a reference, seen false",
			     place);
}

/* Look up the object published in @place, and take it into the empty @hand */
bool stress_tryget(struct stress_worker *worker, unsigned int hand,
		   unsigned int place)
{
	struct stress_object *object;

	rcu_read_lock();
	object = rcu_dereference(worker->session->places[place]);
	if (object && dref_tryget(&object->ref)) {
		worker->counts[DREF_STRESS_TRYGETS]++;
		stress_fill_hand(worker, hand, object);
	} else {
		worker->counts[DREF_STRESS_TRYGETS_FAILED]++;
		if (object)
			stress_check_refusal(worker, object, place);
	}
	rcu_read_unlock();
	return worker->hands[hand];
}

/*
 * Call dref_tryget_live() for the object in hand @from, and take it into the
 * empty @hand.  The call must succeed if no dref_kill() of the object has begun,
 * and must fail if one has returned.
 */
void stress_tryget_live(struct stress_worker *worker, unsigned int hand,
			unsigned int from)
{
	struct stress_object *object = worker->hands[from];
	bool killed, live;

	if (!stress_check_held(worker, object))
		return;
	/* pairs with the releases in stress_drop() */
	killed = smp_load_acquire(&object->killed);
	live = dref_tryget_live(&object->ref);
	if (live) {
		worker->counts[DREF_STRESS_TRYGETS]++;
		stress_fill_hand(worker, hand, object);
	} else {
		worker->counts[DREF_STRESS_TRYGETS_FAILED]++;
	}

	/* dref's answer, then the check of it; pairs with smp_mb() in stress_drop() */
	smp_mb();
	if (live && killed && !READ_ONCE(object->immortal))
		stress_error(worker->session, STRESS_REVIVED, object,
			     "dref_tryget_live(): expected false after dref_kill(), seen true");
	else if (!live && !READ_ONCE(object->killing))
		stress_error(worker->session, STRESS_REVIVED, object,
			     "dref_tryget_live(): expected true without dref_kill(), seen false");
}

/* Clear @hand and return its object, or NULL if that is dead and must not be used */
static struct stress_object *stress_clear_hand(struct stress_worker *worker,
					       unsigned int hand)
{
	struct stress_object *object = worker->hands[hand];
	bool live = stress_check_held(worker, object);

	WRITE_ONCE(worker->hands[hand], NULL);
	return live ? object : NULL;
}

/*
 * Record the time of a put that is about to follow.  The last one recorded may
 * not be the last put, but is close to it.
 */
static void stress_stamp_put(struct stress_object *object)
{
	unsigned long now = jiffies;

	if (READ_ONCE(object->put_at) != now)
		WRITE_ONCE(object->put_at, now);
}

void stress_put(struct stress_worker *worker, unsigned int hand)
{
	struct stress_object *object = stress_clear_hand(worker, hand);

	if (!object)
		return;
	stress_stamp_put(object);
	dref_put(&object->ref);
	worker->counts[DREF_STRESS_PUTS]++;
}

/* Drop the initial reference, which has no pointer any more; with dref_kill() if @kill */
static void stress_drop(struct stress_object *object, bool kill)
{
	stress_stamp_put(object);
	if (!kill) {
		dref_put(&object->ref);
		return;
	}
	/* keeps the object readable after dref_kill() */
	rcu_read_lock();
	WRITE_ONCE(object->killing, true);
	/* pairs with smp_mb() in stress_tryget_live() */
	smp_mb();
	dref_kill(&object->ref);
	/* pairs with the acquire in stress_tryget_live() */
	smp_store_release(&object->killed, true);
	rcu_read_unlock();
}

/* Drop the initial reference of an object that is not published */
void stress_kill(struct stress_worker *worker, unsigned int hand)
{
	struct stress_object *object = stress_clear_hand(worker, hand);

	if (!object)
		return;
	stress_drop(object, true);
	worker->counts[DREF_STRESS_KILLS]++;
}

/* Promote the object in @hand, if dref can */
void stress_defer(struct stress_worker *worker, unsigned int hand)
{
	struct stress_object *object = worker->hands[hand];
	int err;

	/* dref_defer() is for tasks and softirqs */
	if (worker->context & (DREF_STRESS_HARDIRQ | DREF_STRESS_IRQ_WORK) ||
	    READ_ONCE(object->immortal) ||
	    READ_ONCE(object->ref.class->flags) & DREF_EXACT)
		return;
	err = dref_defer(&object->ref, stress_gfp(worker));
	if (!err)
		worker->counts[DREF_STRESS_DEFERS]++;
	else if (err == -ENOMEM || err == -ENOSPC)
		worker->counts[DREF_STRESS_DEFERS_REFUSED]++;
	else
		stress_error(worker->session, STRESS_MISCOUNTED, object,
			     "dref_defer(): expected 0, -ENOMEM or -ENOSPC, seen %d", err);
}

/* Make the object in @hand immortal; its other holders go on getting and putting it */
void stress_immortalize(struct stress_worker *worker, unsigned int hand)
{
	struct stress_session *session = worker->session;
	struct stress_object *object = worker->hands[hand];
	unsigned long limit = STRESS_IMMORTALS +
		(jiffies - session->begin) / HZ * STRESS_IMMORTALS_RATE;

	/* in a place of "flap" or a weak one it would stay for ever, and nothing happen there */
	if (object->place >= (int)stress_first_flap_place(session))
		return;
	if (atomic_inc_return(&session->immortals) > min(limit, STRESS_MAX_IMMORTALS + 0UL) ||
	    xchg(&object->immortal, true)) {
		atomic_dec(&session->immortals);
		return;
	}
	/* before dref_immortalize(), after which the class may be unregistered */
	if (object->alive)
		atomic_long_dec(object->alive);
	dref_immortalize(&object->ref);
	worker->counts[DREF_STRESS_IMMORTALIZED]++;
	if (!dref_is_immortal(&object->ref))
		stress_error(worker->session, STRESS_MISCOUNTED, object,
			     "expected immortal after dref_immortalize(), seen counted");
}

/* Swap the contents of @hand and of @slot in the queue; either may be empty */
void stress_exchange(struct stress_worker *worker, unsigned int hand,
		     unsigned int slot)
{
	struct stress_object *object = worker->hands[hand];

	if (object)
		worker->counts[DREF_STRESS_HANDOVERS]++;
	WRITE_ONCE(worker->hands[hand], NULL);
	object = xchg(&worker->session->queue[slot], object);
	if (object)
		stress_fill_hand(worker, hand, object);
}

/* Drop the initial reference that a place held; returns false if the object is dead */
static bool stress_drop_published(struct stress_object *object, bool kill)
{
	if (!stress_is_live(object)) {
		stress_error_place_dead(object);
		return false;
	}
	stress_drop(object, kill);
	return true;
}

/* Replace the object in @place by the new object in @hand, with its initial reference */
void stress_publish(struct stress_worker *worker, unsigned int hand,
		    unsigned int place)
{
	struct stress_object *object = worker->hands[hand];

	object->place = place;
	WRITE_ONCE(worker->hands[hand], NULL);
	object = unrcu_pointer(xchg(&worker->session->places[place],
				    RCU_INITIALIZER(object)));
	if (object && stress_drop_published(object, true))
		worker->counts[DREF_STRESS_KILLS]++;
}

/*
 * Publish the object in @hand in the weak @place, where it can be found until it
 * is released.  Does nothing if the place has another object.
 */
void stress_publish_weak(struct stress_worker *worker, unsigned int hand,
			 unsigned int place)
{
	struct stress_object *object = worker->hands[hand];

	object->place = place;
	if (cmpxchg(&worker->session->places[place], NULL, RCU_INITIALIZER(object)))
		object->place = -1;
}

/* Empty a place; returns false if it was empty */
bool stress_unpublish(struct stress_session *session, unsigned int place,
		      bool kill)
{
	struct stress_object *object;

	object = unrcu_pointer(xchg(&session->places[place], NULL));
	if (!object)
		return false;
	if (stress_place_is_weak(session, place))
		return true;
	WRITE_ONCE(session->entries[object->index].dropped_ns, ktime_get_ns());
	stress_drop_published(object, kill);
	return true;
}
