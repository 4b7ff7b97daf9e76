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
#include <linux/ktime.h>
#include <linux/slab.h>

#include "dref_stress.h"

#define STRESS_TRIES	16	/* to find a free entry */

static struct stress_entry *stress_free_entry(struct stress_worker *worker)
{
	struct stress_session *session = worker->session;
	struct stress_entry *entry;
	int i;

	for (i = 0; i < STRESS_TRIES; i++) {
		entry = &session->entries[worker->next_entry];
		worker->next_entry += session->setup.workers;
		if (worker->next_entry >= session->nr_entries)
			worker->next_entry = worker->number;
		/* pairs with the release in stress_bury() */
		if (!smp_load_acquire(&entry->object))
			return entry;
	}
	return NULL;
}

/* A new object; the initial reference comes to @hand, which is empty */
bool stress_create(struct stress_worker *worker, unsigned int hand)
{
	struct stress_session *session = worker->session;
	struct stress_entry *entry = stress_free_entry(worker);
	struct stress_object *object = NULL;

	if (entry)
		object = kzalloc(sizeof(*object), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
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
	object->session = session;
	dref_init(&object->ref,
		  stress_class(session, object->index + object->generation - 1));
	/* pairs with rcu_read_lock() in stress_session_state() */
	smp_store_release(&entry->object, object);

	WRITE_ONCE(worker->hands[hand], object);
	worker->counts[DREF_STRESS_CREATES]++;
	return true;
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

/* Look up what is published in @place, to the empty @hand */
bool stress_tryget(struct stress_worker *worker, unsigned int hand,
		   unsigned int place)
{
	struct stress_object *object;

	rcu_read_lock();
	object = rcu_dereference(worker->session->places[place]);
	if (object && !dref_tryget(&object->ref))
		object = NULL;
	rcu_read_unlock();

	if (!object) {
		worker->counts[DREF_STRESS_TRYGETS_FAILED]++;
		return false;
	}
	worker->counts[DREF_STRESS_TRYGETS]++;
	stress_take(worker, hand, object);
	return worker->hands[hand];
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

void stress_put(struct stress_worker *worker, unsigned int hand)
{
	struct stress_object *object = stress_open_hand(worker, hand);

	if (!object)
		return;
	dref_put(&object->ref);
	worker->counts[DREF_STRESS_PUTS]++;
}

/* Drop the initial reference of an object that is not published */
void stress_kill(struct stress_worker *worker, unsigned int hand)
{
	struct stress_object *object = stress_open_hand(worker, hand);

	if (!object)
		return;
	dref_kill(&object->ref);
	worker->counts[DREF_STRESS_KILLS]++;
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
static bool stress_drop(struct stress_object *object, bool kill)
{
	if (!stress_is_live(object)) {
		stress_dropped_dead(object);
		return false;
	}
	if (kill)
		dref_kill(&object->ref);
	else
		dref_put(&object->ref);
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
	if (object && stress_drop(object, true))
		worker->counts[DREF_STRESS_KILLS]++;
}

/* Empty a place; false if it is empty */
bool stress_unpublish(struct stress_session *session, unsigned int place,
		      bool kill)
{
	struct stress_object *object;

	object = unrcu_pointer(xchg(&session->places[place], NULL));
	if (!object)
		return false;
	WRITE_ONCE(session->entries[object->index].dropped_ns, ktime_get_ns());
	stress_drop(object, kill);
	return true;
}
