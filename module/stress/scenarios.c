// SPDX-License-Identifier: GPL-2.0
/*
 * Scenarios.  A scenario is a row of a table, and its function does one step.
 *
 * A step decides by the worker's random numbers what to do.  It may leave
 * objects in the worker's hands, where the next step finds them.  That step may
 * be one of any other scenario, so "mix" can draw a scenario for each step.
 * Steps that sleep are for tasks only; an interrupt does a step of "shared"
 * instead.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/prandom.h>

#include "stress.h"

#define STRESS_HOT_OBJECTS	4U	/* "shared": objects that all workers use */
#define STRESS_LOOKUPS		64	/* "lookup": lookups for each replacement */
#define STRESS_FLAP_OBJECTS	4	/* "flap": objects in use at a time, */
#define STRESS_FLAP_JIFFIES	(HZ / 3)	/* and for how long */
#define STRESS_HOT_SET		1024U	/* "many": objects in the hot set, */
#define STRESS_HOT_SET_MOVES	4	/* which moves by this many per jiffy */
#define STRESS_UNREGISTERS	2048	/* "classes": steps for each unregister */

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

static void stress_empty_hand(struct stress_worker *worker, unsigned int hand)
{
	if (worker->hands[hand])
		stress_put(worker, hand);
}

/* Gets and puts of a few objects that all workers share, as fast as possible */
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
 * Each object has one reference, which goes round the CPUs.  A worker takes the
 * reference that the previous worker has left in the queue, gets another one,
 * leaves that to the next worker, and puts the old one.  So a reference is taken
 * on one CPU and put on another: a pass that sums in the wrong order sees the
 * put and not the get.
 */
static void step_ring(struct stress_worker *worker)
{
	unsigned int slot = worker->next_slot++ % STRESS_QUEUE;
	unsigned int hand = stress_random_hand(worker);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty_hand(worker, hand);
	stress_empty_hand(worker, other);
	stress_exchange(worker, hand, slot);
	/* another worker may have emptied the slot just now: rarely create an object */
	if (!worker->hands[hand] && (stress_random(worker, STRESS_QUEUE) ||
				     !stress_create_deferred(worker, hand)))
		return;
	stress_get(worker, other, hand);
	stress_exchange(worker, other, slot);
	stress_empty_hand(worker, hand);
}

/* A reference that one worker takes is put by the worker that finds it in the queue */
static void step_handover(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);

	if (!worker->hands[hand] &&
	    !stress_tryget(worker, hand, stress_random_place(worker)))
		return;
	stress_exchange(worker, hand, slot);
	stress_empty_hand(worker, hand);
}

/* Lookups of objects that other workers are about to replace */
static void step_lookup(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int place = stress_random_place(worker);

	stress_empty_hand(worker, hand);
	if (stress_random(worker, STRESS_LOOKUPS))
		stress_tryget(worker, hand, place);
	else if (stress_create(worker, hand))
		stress_publish(worker, hand, place);
}

/*
 * Objects that can be found but are held only by workers that have just found
 * them.  Most of the time they have no reference: each pass finds them dying,
 * and each lookup resurrects one.
 */
static void step_weak(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int place = stress_first_weak_place(worker->session) +
			     stress_random(worker, STRESS_WEAK_PLACES);

	stress_empty_hand(worker, hand);
	if (!stress_tryget(worker, hand, place)) {
		if (!stress_create_deferred(worker, hand))
			return;
		stress_publish_weak(worker, hand, place);
	}
	if (stress_random(worker, 4))
		stress_empty_hand(worker, hand);
}

/* Short-lived objects: created, shared with another worker, and dropped by both */
static void step_churn(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty_hand(worker, hand);
	stress_empty_hand(worker, other);
	if (!stress_create(worker, hand))
		return;
	stress_get(worker, other, hand);
	stress_exchange(worker, other, slot);
	stress_empty_hand(worker, other);
	if (stress_random(worker, 2))
		stress_kill(worker, hand);
	else
		stress_put(worker, hand);
}

/* Kill objects that others hold, and call dref_tryget_live() for any that come along */
static void step_kill(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty_hand(worker, hand);
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
 * A few objects are in use, and a moment later a few others.  So promoted objects
 * go quiet and are demoted, while a get or put may still be on its way to their
 * slots.
 */
static void step_flap(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int turn = jiffies / STRESS_FLAP_JIFFIES * STRESS_FLAP_OBJECTS;
	unsigned int place = stress_first_flap_place(worker->session) +
		(turn + stress_random(worker, STRESS_FLAP_OBJECTS)) % STRESS_FLAP_PLACES;
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty_hand(worker, hand);
	if (!stress_tryget(worker, hand, place)) {
		if (stress_create_deferred(worker, hand))
			stress_publish(worker, hand, place);
		return;
	}
	if (!stress_random(worker, 8))
		stress_defer(worker, hand);
	if (stress_random(worker, 2))
		return;
	stress_empty_hand(worker, other);
	stress_get(worker, other, hand);
	stress_empty_hand(worker, hand);
}

/* A moving set of hot objects, some of which are deferred; at times any other object */
static void step_many(struct stress_worker *worker)
{
	unsigned int objects = worker->session->setup.objects;
	unsigned int hot = min(objects, STRESS_HOT_SET);
	unsigned int hand = stress_random_hand(worker);
	unsigned int first = jiffies * STRESS_HOT_SET_MOVES;
	unsigned int place = (first + stress_random(worker, hot)) % objects;

	stress_empty_hand(worker, hand);
	if (!stress_random(worker, 16))
		place = stress_random_place(worker);
	if (!stress_tryget(worker, hand, place))
		return;
	if (!stress_random(worker, 8))
		stress_defer(worker, hand);
}

/* Objects become immortal, in any mode, while others get and put them */
static void step_immortalize(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	stress_empty_hand(worker, hand);
	stress_empty_hand(worker, other);
	/* the queue may have an object of any class, in any mode, with any holders */
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
	/* return few immortal objects to the queue */
	if (!READ_ONCE(worker->hands[hand]->immortal) || !stress_random(worker, 4))
		stress_exchange(worker, other, slot);
}

/*
 * Objects of the worker's own class, which it tries to unregister while others
 * hold some.  From that moment it creates no more objects, helps to empty the
 * queue, and tries again until the class is gone.
 */
static void step_classes(struct stress_worker *worker)
{
	unsigned int hand = stress_random_hand(worker);
	unsigned int slot = stress_random(worker, STRESS_QUEUE);
	unsigned int flags;

	stress_empty_hand(worker, hand);
	if (worker->class_going) {
		stress_exchange(worker, hand, slot);
		if (!stress_random(worker, 64))
			stress_own_class_try_unregister(worker);
		return;
	}
	worker->class_going = !stress_random(worker, STRESS_UNREGISTERS);
	flags = stress_random(worker, 4) & (DREF_SLEEP | DREF_RCU);
	if (!stress_own_class_register(worker, flags) ||
	    !stress_create_own(worker, hand))
		return;
	if (stress_random(worker, 2))
		stress_defer(worker, hand);
	stress_exchange(worker, hand, slot);
}

static void step_mix(struct stress_worker *worker);

/**
 * struct stress_scenario - a scenario
 * @step: does one step
 * @weight: its share in "mix"
 * @sleeps: a step may sleep, so it is for tasks only
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

/* A step of any scenario that precedes "mix" in the table, by weight */
static void step_mix(struct stress_worker *worker)
{
	unsigned int total = 0, draw, i;

	for (i = 0; i < DREF_STRESS_MIX; i++)
		total += scenarios[i].weight;
	draw = stress_random(worker, total);
	for (i = 0; draw >= scenarios[i].weight; i++)
		draw -= scenarios[i].weight;
	stress_step(worker, i);		/* this draws new random numbers */
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
