// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: checks dref without any knowledge of how dref counts.
 *
 * Its record of references consists of the pointers in hands, queue and places
 * (hands.c explains in which order they change) and of the state of each object.
 * It reports these errors:
 *
 *	early		release() of an object to which a pointer exists; or a
 *			holder finds its object dead
 *	doubled		release() of an object that is dead already
 *	missing		no release() although all references were dropped and
 *			dref_barrier() has returned
 *	late		release() too long after the last put.  The caller sets the
 *			limit; the time that the machine itself takes is added.
 *	miscounted	at the end, when no worker is active, dref_read() differs
 *			from the number of pointers; or an object is immortal that
 *			no worker has made so, because dref has found a wrong sum;
 *			or a class without objects is busy
 *	revived		dref_tryget_live() succeeds after dref_kill(), or fails
 *			before it
 *	scribbled	the count of a dead object was written to
 *
 * An object goes through these steps from live to free memory:
 *
 *	release()	live -> dead, exactly once; no pointer to it may exist
 *	RCU		skipped if the class is DREF_RCU and the object could not be
 *			found any more.  Lookups that still use the object must find a
 *			dead count, not poison.
 *	burial		the count is poisoned, and the number is free for reuse
 *	graveyard	the last 256 dead objects: a second release() still finds
 *			"dead" there
 *	RCU, kfree()	after a check that the poison is intact
 *
 * The poison has the immortal bit of dref's mode word set.  If release() ran
 * before the grace period that DREF_RCU promises, a lookup therefore gets a
 * reference, checks the state, and reports the error.
 *
 * An object with an error is not freed while workers may still use it: it keeps
 * its number until the end.  After the first error the workers stop, and the
 * session keeps the description of that error.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/poison.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "stress.h"

/* Report an error of @object, or, if that is NULL, of something else */
void stress_error(struct stress_session *session, enum stress_error kind,
		  const struct stress_object *object, const char *format, ...)
{
	unsigned long flags;
	va_list args;
	size_t len;

	atomic_long_inc(&session->errors[kind]);

	raw_spin_lock_irqsave(&session->error_lock, flags);
	if (!session->failed) {
		len = object ? scnprintf(session->error, sizeof(session->error),
					 "object %u generation %u: ",
					 object->index, object->generation) : 0;
		va_start(args, format);
		vscnprintf(session->error + len, sizeof(session->error) - len,
			   format, args);
		va_end(args);
		WRITE_ONCE(session->failed, true);
	}
	raw_spin_unlock_irqrestore(&session->error_lock, flags);
}

u64 stress_errors(const struct stress_session *session)
{
	u64 errors = 0;
	int i;

	for (i = 0; i < STRESS_NR_ERRORS; i++)
		errors += atomic_long_read(&session->errors[i]);
	return errors;
}

/* Report that an object is dead although a place still holds its initial reference */
void stress_error_place_dead(struct stress_object *object)
{
	stress_error(object->session, STRESS_EARLY, object,
		     "place %d has a reference: expected state %#x (live), seen %#x",
		     object->place, STRESS_LIVE, READ_ONCE(object->state));
}

static void stress_error_saturated(struct stress_object *object)
{
	stress_error(object->session, STRESS_MISCOUNTED, object,
		     "expected to be counted, seen immortal: dref has saturated its count");
}

/*
 * Check an object that the worker holds.  Returns false, after an error report,
 * if it is dead.  Counts a promotion or demotion that dref has done since the
 * last check.
 */
bool stress_check_held(struct stress_worker *worker, struct stress_object *object)
{
	bool deferred;

	if (unlikely(!stress_is_live(object))) {
		stress_error(worker->session, STRESS_EARLY, object,
			     "worker %u has a reference: expected state %#x (live), seen %#x",
			     worker->number, STRESS_LIVE,
			     READ_ONCE(object->state));
		return false;
	}

	if (unlikely(dref_is_immortal(&object->ref))) {
		/* dref's flag, then ours; pairs with xchg() in stress_immortalize() */
		smp_rmb();
		if (!READ_ONCE(object->immortal))
			stress_error_saturated(object);
		return true;
	}
	deferred = dref_is_deferred(&object->ref);
	if (unlikely(deferred != READ_ONCE(object->seen_deferred)) &&
	    !dref_is_dying(&object->ref) &&
	    xchg(&object->seen_deferred, deferred) != deferred)
		worker->counts[deferred ? DREF_STRESS_PROMOTED :
					  DREF_STRESS_DEMOTED]++;
	return true;
}

/* Returns the number of pointers to @object, and in @who where the first one is */
static unsigned long stress_holders(const struct stress_object *object,
				    char *who, size_t size)
{
	struct stress_session *session = object->session;
	unsigned long holders = 0;
	unsigned int i, hand;

	for (i = 0; i < session->nr_workers; i++) {
		for (hand = 0; hand < STRESS_HANDS; hand++) {
			if (READ_ONCE(session->workers[i].hands[hand]) != object)
				continue;
			if (!holders++)
				scnprintf(who, size, "worker %u, hand %u", i, hand);
		}
	}
	for (i = 0; i < STRESS_QUEUE; i++) {
		if (READ_ONCE(session->queue[i]) == object && !holders++)
			scnprintf(who, size, "queue, slot %u", i);
	}
	if (object->place >= 0 && !stress_place_is_weak(session, object->place) &&
	    rcu_access_pointer(session->places[object->place]) == object &&
	    !holders++)
		scnprintf(who, size, "place %d", object->place);
	return holders;
}

/* Check and free the object that is the oldest in the graveyard */
static void stress_exhume(struct stress_object *object)
{
	const u8 *bad = memchr_inv(&object->ref, POISON_FREE, sizeof(object->ref));

	if (bad)
		stress_error(object->session, STRESS_SCRIBBLED, object,
			     "written to after its release: expected %#x at offset %td of its count, seen %#x",
			     POISON_FREE, bad - (u8 *)&object->ref, *bad);
	kfree_rcu(object, rcu);
}

static void stress_bury(struct stress_object *object)
{
	struct stress_session *session = object->session;
	unsigned int grave = atomic_inc_return(&session->buried);

	memset(&object->ref, POISON_FREE, sizeof(object->ref));
	/* pairs with the acquire in stress_free_entry() */
	smp_store_release(&session->entries[object->index].object, NULL);

	object = xchg(&session->graveyard[grave % STRESS_GRAVEYARD], object);
	if (object)
		stress_exhume(object);
}

static void stress_bury_rcu(struct rcu_head *rcu)
{
	stress_bury(container_of(rcu, struct stress_object, rcu));
}

/* Record the time from the last put of @object until now */
static void stress_record_latency(const struct stress_object *object)
{
	struct stress_session *session = object->session;
	unsigned long latency = jiffies - READ_ONCE(object->put_at);
	unsigned int ms = jiffies_to_msecs(latency);
	unsigned long limit = session->setup.late_ms;	/* the sum may exceed 32 bits */

	if (limit)
		limit += jiffies_to_msecs(stress_yardstick_allowance(&session->yardstick));
	atomic_long_inc(&session->latency[min(fls(ms), DREF_STRESS_LATENCIES - 1)]);
	if (latency > READ_ONCE(session->latency_max))
		WRITE_ONCE(session->latency_max, latency);	/* a race hardly matters */
	if (limit && ms > limit)
		stress_error(session, STRESS_LATE, object,
			     "released late: expected at most %lu ms after the last put, seen %u ms",
			     limit, ms);
}

/* If @object is in a weak place, remove it from there; returns whether it was */
static bool stress_unpublish_weak(struct stress_object *object)
{
	struct stress_session *session = object->session;

	if (object->place < 0 || !stress_place_is_weak(session, object->place))
		return false;
	cmpxchg(&session->places[object->place], RCU_INITIALIZER(object), NULL);
	return true;
}

/* The release() of all classes; dref calls it in any context but NMI */
void stress_release(struct dref *ref)
{
	struct stress_object *object = container_of(ref, struct stress_object, ref);
	struct stress_session *session = object->session;
	unsigned long holders;
	char who[32] = "";
	u32 state;

	/* state, then hands; pairs with smp_mb() in stress_fill_hand() */
	state = xchg(&object->state, STRESS_DEAD);
	if (WARN_ONCE((state != STRESS_LIVE && state != STRESS_DEAD) || !session,
		      "dref_stress: release of something that is not an object\n"))
		return;
	if (state == STRESS_DEAD) {
		stress_error(session, STRESS_DOUBLED, object,
			     "released twice: expected state %#x (live), seen %#x (dead)",
			     STRESS_LIVE, STRESS_DEAD);
		return;
	}

	WRITE_ONCE(session->entries[object->index].released_ns, ktime_get_ns());
	holders = stress_holders(object, who, sizeof(who));
	if (holders) {
		stress_error(session, STRESS_EARLY, object,
			     "released while held: expected 0 references, seen %lu (%s)",
			     holders, who);
		return;
	}

	atomic_long_inc(&session->released);
	if (object->alive)
		atomic_long_dec(object->alive);
	stress_record_latency(object);
	if (!stress_unpublish_weak(object) && ref->class->flags & DREF_RCU)
		stress_bury(object);
	else
		call_rcu(&object->rcu, stress_bury_rcu);
}

static void stress_count_holder(struct stress_object *object)
{
	if (object)
		object->holders++;
}

/* Count the pointers to each object */
static void stress_tally(struct stress_session *session)
{
	struct stress_object *object;
	unsigned int i, hand;

	for (i = 0; i < session->nr_entries; i++) {
		object = session->entries[i].object;
		if (object)
			object->holders = 0;
		cond_resched();
	}
	for (i = 0; i < session->nr_workers; i++) {
		for (hand = 0; hand < STRESS_HANDS; hand++)
			stress_count_holder(session->workers[i].hands[hand]);
		cond_resched();
	}
	for (i = 0; i < STRESS_QUEUE; i++)
		stress_count_holder(session->queue[i]);
	for (i = 0; i < stress_first_weak_place(session); i++) {
		object = rcu_access_pointer(session->places[i]);
		stress_count_holder(object);
	}
}

/* Work of dref, such as the end of a demotion, can make dref_read() wrong for a moment */
static bool stress_count_agrees(const struct stress_object *object)
{
	int tries;

	if (object->immortal)
		return dref_read(&object->ref) == DREF_IMMORTAL_COUNT;
	for (tries = 0; tries < 3; tries++) {
		if (dref_read(&object->ref) == object->holders)
			return true;
		if (object->session->failed)
			return false;	/* after an error, do not wait for more */
		dref_barrier();
	}
	return false;
}

/* Check dref_read() of all objects; no worker is active */
void stress_verify_counts(struct stress_session *session)
{
	struct stress_object *object;
	unsigned int i;

	if (session->failed)
		return;		/* after an error the record is incomplete */

	dref_barrier();		/* the promotion queue may hold references */
	rcu_barrier();
	stress_tally(session);
	for (i = 0; i < session->nr_entries; i++) {
		object = session->entries[i].object;
		/* objects without holders are left to stress_verify_objects() */
		if (object && stress_is_live(object) && object->holders &&
		    !stress_count_agrees(object))
			stress_error(session, STRESS_MISCOUNTED, object,
				     "expected %lu references, dref_read() says %ld",
				     object->holders, dref_read(&object->ref));
		cond_resched();
	}
}

/*
 * All references to the object were dropped, and dref has not released it.
 * dref may still use it, so it is leaked, like an object that dref itself has
 * found miscounted, and its class can be unregistered.
 */
static void stress_abandon(struct stress_object *object)
{
	stress_error(object->session, STRESS_MISSING, object,
		     "never released: expected 0 references, dref_read() says %ld, %s",
		     dref_read(&object->ref),
		     dref_is_dying(&object->ref) ? "dying" :
		     dref_is_deferred(&object->ref) ? "deferred" : "exact");
	dref_immortalize(&object->ref);
	if (object->alive)
		atomic_long_dec(object->alive);
	object->session = NULL;
}

static void stress_verify_object(struct stress_session *session,
				 struct stress_object *object,
				 struct dref_stress_report *report)
{
	bool immortal = dref_is_immortal(&object->ref);

	if (!stress_is_live(object)) {
		kfree(object);		/* released early */
		return;
	}
	if (immortal && object->immortal) {
		report->immortal++;
	} else if (immortal) {
		stress_error_saturated(object);
		report->saturated++;
	} else {
		stress_abandon(object);
		return;
	}
	/* since dref_barrier(), dref does not use it any more */
	kfree(object);
}

/* Check and free the objects that are left, after all releases and RCU callbacks */
void stress_verify_objects(struct stress_session *session,
			   struct dref_stress_report *report)
{
	unsigned int i;

	for (i = 0; i < session->nr_entries; i++) {
		report->created += session->entries[i].generation;
		if (session->entries[i].object)
			stress_verify_object(session, session->entries[i].object, report);
		cond_resched();
	}
	for (i = 0; i < STRESS_GRAVEYARD; i++) {
		if (session->graveyard[i])
			stress_exhume(session->graveyard[i]);
		session->graveyard[i] = NULL;
	}
}

void stress_report(const struct stress_session *session,
		   struct dref_stress_report *report)
{
	int i;

	report->released = atomic_long_read(&session->released);
	report->early = atomic_long_read(&session->errors[STRESS_EARLY]);
	report->doubled = atomic_long_read(&session->errors[STRESS_DOUBLED]);
	report->missing = atomic_long_read(&session->errors[STRESS_MISSING]);
	report->late = atomic_long_read(&session->errors[STRESS_LATE]);
	report->miscounted = atomic_long_read(&session->errors[STRESS_MISCOUNTED]);
	report->revived = atomic_long_read(&session->errors[STRESS_REVIVED]);
	report->scribbled = atomic_long_read(&session->errors[STRESS_SCRIBBLED]);
	report->errors = stress_errors(session);
	for (i = 0; i < DREF_STRESS_LATENCIES; i++)
		report->latency[i] = atomic_long_read(&session->latency[i]);
	report->yardstick_ms = jiffies_to_msecs(stress_yardstick_allowance(&session->yardstick));
	report->latency_max_ms = jiffies_to_msecs(session->latency_max);
	memcpy(report->error, session->error, sizeof(report->error));
}
