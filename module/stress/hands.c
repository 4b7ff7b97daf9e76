// SPDX-License-Identifier: GPL-2.0
/*
 * Hands: every way in which a reference comes and goes.
 *
 * A reference is a pointer that somebody may follow, and the oracle keeps no
 * other books: it is the hands, the queue and the places that it reads when an
 * object is released, and nobody may point to it then.  So each move here is a
 * call of dref and a change of pointers, and their order is what makes the
 * oracle right.  A pointer may be there only while its reference is:
 *
 *	get	pointer, then dref_get()	from another hand, which pins it
 *	tryget	dref_tryget(), then pointer	it may have been refused
 *	put	no pointer, then dref_put()	dref promises that what was done
 *						before the put is visible to
 *						release(): no false alarm, and
 *						one if dref breaks its promise
 *	move	no pointer here, then pointer there
 *
 * After a tryget and during a move there is a reference without a pointer for
 * an instant.  A release then goes unnoticed by the oracle's search, but not by
 * the holder: everybody who got hold of an object looks at its state, after a
 * full barrier that makes at least one of the two see the other:
 *
 *	holder				release()
 *	hand = object			state = dead
 *	smp_mb()			full barrier in xchg()
 *	state is live?			search hands for object
 *
 * and looks again before he puts it.
 *
 * The functions are called with the worker's mutex held, or where nobody else
 * can have the worker.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/slab.h>

#include "stress.h"

#define STRESS_TRIES	16	/* to find a free entry */

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

/* On PREEMPT_RT nothing can be allocated, nor a spinlock taken, in a hard interrupt */
static bool stress_may_allocate(const struct stress_worker *worker)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) ||
	       !(worker->context & (DREF_STRESS_HARDIRQ | DREF_STRESS_IRQ_WORK));
}

/*
 * A new object; the initial reference comes to @hand, which is empty.  It is of
 * @class, or if that is NULL of one of the session's first @nr_classes in turn.
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
		class = stress_class(session, (object->index + object->generation - 1) %
					      nr_classes);
	}
	dref_init(&object->ref, class);
	/* pairs with rcu_read_lock() in stress_session_state() */
	smp_store_release(&entry->object, object);

	WRITE_ONCE(worker->hands[hand], object);
	worker->counts[DREF_STRESS_CREATES]++;
	return true;
}

/* An object of the session's class, or of one of them */
bool stress_create(struct stress_worker *worker, unsigned int hand)
{
	return stress_create_of(worker, hand, NULL, STRESS_CLASSES);
}

/* One of a class that can be promoted, if there is a choice, and promoted */
bool stress_create_deferred(struct stress_worker *worker, unsigned int hand)
{
	if (!stress_create_of(worker, hand, NULL, DREF_STRESS_EXACT))
		return false;
	stress_defer(worker, hand);
	return true;
}

/* An object of the worker's own class */
bool stress_create_own(struct stress_worker *worker, unsigned int hand)
{
	return stress_create_of(worker, hand, &worker->class, 0);
}

/* Take another reference of what is in hand @from, to the empty @hand */
void stress_get(struct stress_worker *worker, unsigned int hand,
		unsigned int from)
{
	struct stress_object *object = worker->hands[from];

	if (!stress_see(worker, object))
		return;
	WRITE_ONCE(worker->hands[hand], object);
	dref_get(&object->ref);
	worker->counts[DREF_STRESS_GETS]++;
}

/* @hand, empty until now, has got hold of @object */
static void stress_take(struct stress_worker *worker, unsigned int hand,
			struct stress_object *object)
{
	WRITE_ONCE(worker->hands[hand], object);
	/* hand, then state; pairs with xchg() in stress_release() */
	smp_mb();
	if (!stress_see(worker, object))
		WRITE_ONCE(worker->hands[hand], NULL);
}

/* If the place has had a reference all the time, it was wrong to refuse another */
static void stress_refused(struct stress_worker *worker,
			   const struct stress_object *object, unsigned int place)
{
	struct stress_session *session = worker->session;

	smp_mb();	/* the answer, then whether it was right */
	if (!stress_place_is_weak(session, place) &&
	    rcu_access_pointer(session->places[place]) == object)
		stress_error(session, STRESS_EARLY, object,
			     "dref_tryget(): expected true, as place %u has a reference, seen false",
			     place);
}

/* Look up what is published in @place, to the empty @hand */
bool stress_tryget(struct stress_worker *worker, unsigned int hand,
		   unsigned int place)
{
	struct stress_object *object;

	rcu_read_lock();
	object = rcu_dereference(worker->session->places[place]);
	if (object && dref_tryget(&object->ref)) {
		worker->counts[DREF_STRESS_TRYGETS]++;
		stress_take(worker, hand, object);
	} else {
		worker->counts[DREF_STRESS_TRYGETS_FAILED]++;
		if (object)
			stress_refused(worker, object, place);
	}
	rcu_read_unlock();
	return worker->hands[hand];
}

/*
 * Ask for another reference of what is in hand @from, to the empty @hand.  It
 * must not be refused before somebody has begun to kill the object, and it must
 * be once he is done.
 */
void stress_tryget_live(struct stress_worker *worker, unsigned int hand,
			unsigned int from)
{
	struct stress_object *object = worker->hands[from];
	bool killed, live;

	if (!stress_see(worker, object))
		return;
	/* pairs with the releases in stress_drop() */
	killed = smp_load_acquire(&object->killed);
	live = dref_tryget_live(&object->ref);
	if (live) {
		worker->counts[DREF_STRESS_TRYGETS]++;
		stress_take(worker, hand, object);
	} else {
		worker->counts[DREF_STRESS_TRYGETS_FAILED]++;
	}

	/* the answer, then whether it was right; pairs with smp_mb() in stress_drop() */
	smp_mb();
	if (live && killed && !READ_ONCE(object->immortal))
		stress_error(worker->session, STRESS_REVIVED, object,
			     "dref_tryget_live(): expected false after dref_kill(), seen true");
	else if (!live && !READ_ONCE(object->killing))
		stress_error(worker->session, STRESS_REVIVED, object,
			     "dref_tryget_live(): expected true, as nobody calls dref_kill(), seen false");
}

/* Empty @hand; NULL if the object is not one that may be touched any more */
static struct stress_object *stress_open_hand(struct stress_worker *worker,
					      unsigned int hand)
{
	struct stress_object *object = worker->hands[hand];
	bool live = stress_see(worker, object);

	WRITE_ONCE(worker->hands[hand], NULL);
	return live ? object : NULL;
}

/* A put comes.  The last of them to come may not be the last one, but nearly so. */
static void stress_stamp(struct stress_object *object)
{
	unsigned long now = jiffies;

	if (READ_ONCE(object->put_at) != now)
		WRITE_ONCE(object->put_at, now);
}

void stress_put(struct stress_worker *worker, unsigned int hand)
{
	struct stress_object *object = stress_open_hand(worker, hand);

	if (!object)
		return;
	stress_stamp(object);
	dref_put(&object->ref);
	worker->counts[DREF_STRESS_PUTS]++;
}

/* Drop the initial reference, which nothing points to any more; @kill: and say so */
static void stress_drop(struct stress_object *object, bool kill)
{
	stress_stamp(object);
	if (!kill) {
		dref_put(&object->ref);
		return;
	}
	/* the object stays readable */
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
	struct stress_object *object = stress_open_hand(worker, hand);

	if (!object)
		return;
	stress_drop(object, true);
	worker->counts[DREF_STRESS_KILLS]++;
}

/* Promote what is in @hand, if dref can */
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

/* Whoever has it goes on getting and putting it */
void stress_immortalize(struct stress_worker *worker, unsigned int hand)
{
	struct stress_session *session = worker->session;
	struct stress_object *object = worker->hands[hand];
	unsigned long limit = STRESS_IMMORTALS +
		(jiffies - session->begin) / HZ * STRESS_IMMORTALS_RATE;

	/* it would stay there for ever, and nothing would happen in that place */
	if (object->place >= (int)stress_first_flap_place(session))
		return;
	if (atomic_inc_return(&session->immortals) > min(limit, STRESS_MAX_IMMORTALS + 0UL) ||
	    xchg(&object->immortal, true)) {
		atomic_dec(&session->immortals);
		return;
	}
	/* before dref: its class may be unregistered as soon as it knows */
	if (object->alive)
		atomic_long_dec(object->alive);
	dref_immortalize(&object->ref);
	worker->counts[DREF_STRESS_IMMORTALIZED]++;
	if (!dref_is_immortal(&object->ref))
		stress_error(worker->session, STRESS_MISCOUNTED, object,
			     "expected immortal after dref_immortalize(), seen counted");
}

/* Swap what is in @hand and what is in @slot of the queue, either may be empty */
void stress_exchange(struct stress_worker *worker, unsigned int hand,
		     unsigned int slot)
{
	struct stress_object *object = worker->hands[hand];

	if (object)
		worker->counts[DREF_STRESS_HANDOVERS]++;
	WRITE_ONCE(worker->hands[hand], NULL);
	object = xchg(&worker->session->queue[slot], object);
	if (object)
		stress_take(worker, hand, object);
}

/* Drop the initial reference that was in a place; false if the object is dead */
static bool stress_drop_published(struct stress_object *object, bool kill)
{
	if (!stress_is_live(object)) {
		stress_dropped_dead(object);
		return false;
	}
	stress_drop(object, kill);
	return true;
}

/* The new object in @hand, with its initial reference, replaces that in @place */
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
 * The object in @hand can be found in @place, which is weak, from now until it is
 * released.  Does nothing if another one is there.
 */
void stress_publish_weak(struct stress_worker *worker, unsigned int hand,
			 unsigned int place)
{
	struct stress_object *object = worker->hands[hand];

	object->place = place;
	if (cmpxchg(&worker->session->places[place], NULL, RCU_INITIALIZER(object)))
		object->place = -1;
}

/* Empty a place; false if it is empty */
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
