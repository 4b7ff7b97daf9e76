// SPDX-License-Identifier: GPL-2.0
/*
 * Scenarios: a scenario is a row, and its function is one step of it.
 *
 * A step draws what it does from the worker's random numbers and leaves the
 * worker with something in some of its hands, which the next step, of whatever
 * scenario, finds there.  So all steps go together, and "mix" is just that.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>

#include "dref_stress.h"

#define STRESS_HOT_OBJECTS	4U	/* that all workers share */
#define STRESS_LOOKUPS		64	/* for each object that is replaced */

static unsigned int stress_random(struct stress_worker *worker, unsigned int end)
{
	u32 draw = worker->draws[worker->next_draw++ % STRESS_DRAWS];

	return reciprocal_scale(draw, end);
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
	unsigned int hand = stress_random(worker, STRESS_HANDS);
	unsigned int other = (hand + 1) % STRESS_HANDS;

	if (worker->hands[hand])
		stress_put(worker, hand);
	else if (worker->hands[other])
		stress_get(worker, hand, other);
	else
		stress_tryget(worker, hand, stress_random(worker, hot));
}

/* Once around all places, a few objects in hand: get the next, put the last */
static void step_ring(struct stress_worker *worker)
{
	unsigned int place = worker->next_place++ % worker->session->setup.objects;
	unsigned int hand = place % STRESS_HANDS;

	stress_empty(worker, hand);
	stress_tryget(worker, hand, place);
}

/* A reference that was taken here is put wherever the queue takes it */
static void step_handover(struct stress_worker *worker)
{
	unsigned int hand = stress_random(worker, STRESS_HANDS);
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
	unsigned int hand = stress_random(worker, STRESS_HANDS);
	unsigned int place = stress_random_place(worker);

	stress_empty(worker, hand);
	if (stress_random(worker, STRESS_LOOKUPS))
		stress_tryget(worker, hand, place);
	else if (stress_create(worker, hand))
		stress_publish(worker, hand, place);
}

/* A short life: created, shared with one other worker, and dropped by both */
static void step_churn(struct stress_worker *worker)
{
	unsigned int hand = stress_random(worker, STRESS_HANDS);
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

static void step_mix(struct stress_worker *worker);

static void (* const scenarios[])(struct stress_worker *worker) = {
	[DREF_STRESS_SHARED]	= step_shared,
	[DREF_STRESS_RING]	= step_ring,
	[DREF_STRESS_HANDOVER]	= step_handover,
	[DREF_STRESS_LOOKUP]	= step_lookup,
	[DREF_STRESS_CHURN]	= step_churn,
	[DREF_STRESS_MIX]	= step_mix,
};

/* Every scenario before this one in the table */
static void step_mix(struct stress_worker *worker)
{
	scenarios[stress_random(worker, DREF_STRESS_MIX)](worker);
}

void stress_step(struct stress_worker *worker, unsigned int scenario)
{
	prandom_bytes_state(&worker->rnd, worker->draws, sizeof(worker->draws));
	worker->next_draw = 0;
	scenarios[array_index_nospec(scenario, ARRAY_SIZE(scenarios))](worker);
}
