// SPDX-License-Identifier: GPL-2.0
/*
 * Scenarios: a scenario is a row, and its function is one step of it.
 *
 * A step draws what it does from the worker's random numbers and leaves the
 * worker with something in some of its hands, which the next step, of whatever
 * scenario, finds there.  So all steps go together, and "mix" is just that.
 * Steps that sleep are for tasks only; in an interrupt "shared" takes their place.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/prandom.h>

#include "stress.h"

#define STRESS_HOT_OBJECTS	4U	/* that all workers share */
#define STRESS_LOOKUPS		64	/* for each object that is replaced */
#define STRESS_FLAP_OBJECTS	4	/* in use at a time, for */
#define STRESS_FLAP_JIFFIES	(HZ / 3)
#define STRESS_HOT_SET		1024U	/* of "many", which moves on by */
#define STRESS_HOT_SET_MOVES	4	/* so many objects in a jiffy */
#define STRESS_UNREGISTERS	2048	/* one in so many steps */

static unsigned int stress_random(struct stress_worker *worker, unsigned int end)
{
	u32 draw = worker->draws[worker->next_draw++ % STRESS_DRAWS];

	return reciprocal_scale(draw, end);
}

static unsigned int stress_random_hand(struct stress_worker *worker)
{
	return stress_random(worker, STRESS_HANDS);
}

static unsigned int stress_random_place(struct stress_worker *worker)
{
	return stress_random(worker, worker->session->setup.objects);
}

static void stress_empty(struct stress_worker *worker, unsigned int hand)
{
	if (worker->hands[hand])
		stress_put(worker, hand);
}

/* Gets and puts of what the worker holds, as fast as it goes, all on few objects */
static void step_shared(struct stress_worker *worker)
{
	unsigned int hot = min(worker->session->setup.objects, STRESS_HOT_OBJECTS);
	unsigned int hand = stress_random_hand(worker);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	if (worker->hands[hand])
		stress_put(worker, hand);
	else if (worker->hands[other])
		stress_get(worker, hand, other);
	else
		stress_tryget(worker, hand, stress_random(worker, hot));
}

/*
 * Objects of which there is one reference, and that on its way round the CPUs:
 * take what the last one has put into the queue, get a new reference, leave that
 * to the next one, and put the one that was there.  A sum that is taken in the
 * wrong order sees a put and not the get before it, each on another CPU.
 */
static void step_ring(struct stress_worker *worker)
{
	unsigned int slot = worker->next_slot++ % STRESS_QUEUE;
	unsigned int hand = stress_random_hand(worker);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty(worker, hand);
	stress_empty(worker, other);
	stress_exchange(worker, hand, slot);
	/* an empty slot may only be one that another worker has just emptied */
	if (!worker->hands[hand] && (stress_random(worker, STRESS_QUEUE) ||
				     !stress_create_deferred(worker, hand)))
		return;
	stress_get(worker, other, hand);
	stress_exchange(worker, other, slot);
	stress_empty(worker, hand);
}

/* A reference that was taken here is put wherever the queue takes it */
static void step_handover(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);

	if (!worker->hands[hand] &&
	    !stress_tryget(worker, hand, stress_random_place(worker)))
		return;
	stress_exchange(worker, hand, slot);
	stress_empty(worker, hand);
}

/* Find objects that others are about to replace */
static void step_lookup(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int place = stress_random_place(worker);

	stress_empty(worker, hand);
	if (stress_random(worker, STRESS_LOOKUPS))
		stress_tryget(worker, hand, place);
	else if (stress_create(worker, hand))
		stress_publish(worker, hand, place);
}

/*
 * Objects that can be found, and that nobody holds but who has just found them:
 * most of the time they have no reference, every pass finds them dying, and
 * every lookup resurrects one.
 */
static void step_weak(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int place = stress_first_weak_place(worker->session) +
			     stress_random(worker, STRESS_WEAK_PLACES);

	stress_empty(worker, hand);
	if (!stress_tryget(worker, hand, place)) {
		if (!stress_create_deferred(worker, hand))
			return;
		stress_publish_weak(worker, hand, place);
	}
	if (stress_random(worker, 4))
		stress_empty(worker, hand);
}

/* A short life: created, shared with one other worker, and dropped by both */
static void step_churn(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty(worker, hand);
	stress_empty(worker, other);
	if (!stress_create(worker, hand))
		return;
	stress_get(worker, other, hand);
	stress_exchange(worker, other, slot);
	stress_empty(worker, other);
	if (stress_random(worker, 2))
		stress_kill(worker, hand);
	else
		stress_put(worker, hand);
}

/* Kill what others hold, and ask for a live reference of whatever comes */
static void step_kill(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty(worker, hand);
	if (worker->hands[other]) {
		if (!stress_random(worker, 4))
			stress_defer(worker, other);
		stress_tryget_live(worker, hand, other);
		stress_exchange(worker, other, slot);
		return;
	}
	if (!stress_create(worker, hand))
		return;
	if (stress_random(worker, 2))
		stress_defer(worker, hand);
	stress_get(worker, other, hand);
	stress_kill(worker, hand);
}

/*
 * A few objects in use, and a moment later a few others, so that what was promoted
 * goes quiet and is demoted while somebody may still be on his way to its slot.
 */
static void step_flap(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int turn = jiffies / STRESS_FLAP_JIFFIES * STRESS_FLAP_OBJECTS;
	unsigned int place = stress_first_flap_place(worker->session) +
		(turn + stress_random(worker, STRESS_FLAP_OBJECTS)) % STRESS_FLAP_PLACES;
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty(worker, hand);
	if (!stress_tryget(worker, hand, place)) {
		if (stress_create_deferred(worker, hand))
			stress_publish(worker, hand, place);
		return;
	}
	if (!stress_random(worker, 8))
		stress_defer(worker, hand);
	if (stress_random(worker, 2))
		return;
	stress_empty(worker, other);
	stress_get(worker, other, hand);
	stress_empty(worker, hand);
}

/* A hot set that wanders, and wants to be deferred; now and then one of the others */
static void step_many(struct stress_worker *worker)
{
	unsigned int objects = worker->session->setup.objects;
	unsigned int hot = min(objects, STRESS_HOT_SET);
	unsigned int hand = stress_random_hand(worker);
	unsigned int first = jiffies * STRESS_HOT_SET_MOVES;
	unsigned int place = (first + stress_random(worker, hot)) % objects;

	stress_empty(worker, hand);
	if (!stress_random(worker, 16))
		place = stress_random_place(worker);
	if (!stress_tryget(worker, hand, place))
		return;
	if (!stress_random(worker, 8))
		stress_defer(worker, hand);
}

/* Make an object immortal in any mode, while others get and put it */
static void step_immortalize(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty(worker, hand);
	stress_empty(worker, other);
	/* whatever is in the queue: of any class, in any mode, held by anybody */
	stress_exchange(worker, hand, slot);
	if (!worker->hands[hand]) {
		if (!stress_create(worker, hand))
			return;
		if (stress_random(worker, 2))
			stress_defer(worker, hand);
	}
	stress_get(worker, other, hand);
	if (!stress_random(worker, 64))
		stress_immortalize(worker, hand);
	/* few of those that come back to the queue shall be immortal */
	if (!READ_ONCE(worker->hands[hand]->immortal) || !stress_random(worker, 4))
		stress_exchange(worker, other, slot);
}

/*
 * Objects of a class that its worker wants to unregister while others hold them:
 * he creates no more then, helps to empty the queue, and tries.
 */
static void step_classes(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);

	stress_empty(worker, hand);
	if (worker->class_going) {
		stress_exchange(worker, hand, slot);
		if (!stress_random(worker, 64))
			stress_class_go(worker);
		return;
	}
	worker->class_going = !stress_random(worker, STRESS_UNREGISTERS);
	if (!stress_class_come(worker, stress_random(worker, 4) & (DREF_SLEEP | DREF_RCU)) ||
	    !stress_create_own(worker, hand))
		return;
	if (stress_random(worker, 2))
		stress_defer(worker, hand);
	stress_exchange(worker, hand, slot);
}

static void step_mix(struct stress_worker *worker);

/**
 * struct stress_scenario - a row
 * @step: one step
 * @weight: its share in "mix"
 * @sleeps: it is for tasks only
 */
struct stress_scenario {
	void		(*step)(struct stress_worker *worker);
	unsigned int	weight;
	bool		sleeps;
};

static const struct stress_scenario scenarios[] = {
	[DREF_STRESS_SHARED]	= { step_shared,	6 },
	[DREF_STRESS_RING]	= { step_ring,		6 },
	[DREF_STRESS_HANDOVER]	= { step_handover,	6 },
	[DREF_STRESS_LOOKUP]	= { step_lookup,	6 },
	[DREF_STRESS_WEAK]	= { step_weak,		12 },
	[DREF_STRESS_CHURN]	= { step_churn,		6 },
	[DREF_STRESS_KILL]	= { step_kill,		4 },
	[DREF_STRESS_FLAP]	= { step_flap,		12 },
	[DREF_STRESS_MANY]	= { step_many,		4 },
	[DREF_STRESS_IMMORTALIZE] = { step_immortalize,	1 },
	[DREF_STRESS_CLASSES]	= { step_classes,	1,	.sleeps = true },
	[DREF_STRESS_MIX]	= { step_mix },
};

/* Every scenario before this one in the table */
static void step_mix(struct stress_worker *worker)
{
	unsigned int total = 0, draw, i;

	for (i = 0; i < DREF_STRESS_MIX; i++)
		total += scenarios[i].weight;
	draw = stress_random(worker, total);
	for (i = 0; draw >= scenarios[i].weight; i++)
		draw -= scenarios[i].weight;
	stress_step(worker, i);		/* which makes draws of its own */
}

void stress_step(struct stress_worker *worker, unsigned int scenario)
{
	const struct stress_scenario *row;

	row = &scenarios[array_index_nospec(scenario, ARRAY_SIZE(scenarios))];
	if (row->sleeps && worker->context & ~DREF_STRESS_KTHREAD)
		row = &scenarios[DREF_STRESS_SHARED];
	prandom_bytes_state(&worker->rnd, worker->draws, sizeof(worker->draws));
	worker->next_draw = 0;
	row->step(worker);
}
