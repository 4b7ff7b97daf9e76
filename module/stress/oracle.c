// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: what must be true, whatever dref thinks.
 *
 * It knows nothing of how dref counts.  Its books are the pointers in hands,
 * queue and places (hands.c says in which order they change) and
 * the state of each object.  It reports
 *
 *	early		release() of an object to which somebody has a pointer, and
 *			every holder who finds that his object is dead
 *	doubled		release() of an object that is dead
 *	missing		no release() though everything has been dropped and
 *			dref_barrier() has returned
 *	late		release() a long time after the last put: how long is
 *			too long is the caller's choice, on top of what the
 *			machine itself takes
 *	miscounted	at the end, when nobody is active, dref_read() is not the
 *			number of pointers; or the object is immortal, which
 *			nobody has asked for: dref has found a wrong sum; or a
 *			class without objects is busy
 *	revived		dref_tryget_live() succeeds after dref_kill(), or fails
 *			before
 *	scribbled	a dead object's count was written to
 *
 * From live to free memory, an object goes this way:
 *
 *	release()	live -> dead, exactly once; nobody must point to it
 *	RCU		unless the class is DREF_RCU, and the object was not to be
 *			found any more: lookups that still look at it must find
 *			a dead count, not poison
 *	burial		the count is poisoned, its number is free for another
 *	graveyard	the last 256 dead: a second release() still finds "dead"
 *	RCU, kfree()	after a look whether the poison is as it was
 *
 * The poison has the immortal bit set in dref's mode word.  If release() came
 * before the grace period that DREF_RCU promises, a lookup will therefore get
 * its reference, look at the state, and raise the alarm.
 *
 * An object that has shown an error is never freed under those who may still use
 * it: it keeps its number until the end.  After the first error the workers
 * stop, and its description is kept.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/poison.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "stress.h"

/* @object is what it is about; or NULL */
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

/* The initial reference is to be dropped, and the object is dead */
void stress_dropped_dead(struct stress_object *object)
{
	stress_error(object->session, STRESS_EARLY, object,
		     "place %d has a reference: expected state %#x (live), seen %#x",
		     object->place, STRESS_LIVE, READ_ONCE(object->state));
}

static void stress_saturated(struct stress_object *object)
{
	stress_error(object->session, STRESS_MISCOUNTED, object,
		     "expected it to be counted, seen immortal: dref has saturated its count");
}

/* A holder looks at his object: is it alive, and how is it counted? */
bool stress_see(struct stress_worker *worker, struct stress_object *object)
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
		/* dref's word, then ours; pairs with xchg() in stress_immortalize() */
		smp_rmb();
		if (!READ_ONCE(object->immortal))
			stress_saturated(object);
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

/* Who points to @object?  The first one found is named in @who. */
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

/* An object has been in the graveyard for long enough */
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

/* How long has nobody held @object? */
static void stress_measure(const struct stress_object *object)
{
	struct stress_session *session = object->session;
	unsigned long latency = jiffies - READ_ONCE(object->put_at);
	unsigned int ms = jiffies_to_msecs(latency);
	unsigned long limit = session->setup.late_ms;	/* and more: not in 32 bits */

	if (limit)
		limit += jiffies_to_msecs(stress_yardstick(&session->yardstick));
	atomic_long_inc(&session->latency[min(fls(ms), DREF_STRESS_LATENCIES - 1)]);
	if (latency > READ_ONCE(session->latency_max))
		WRITE_ONCE(session->latency_max, latency);	/* near enough */
	if (limit && ms > limit)
		stress_error(session, STRESS_LATE, object,
			     "released late: expected at most %lu ms after the last put, seen %u ms",
			     limit, ms);
}

/* An object that is published without a reference: it cannot be found any more */
static bool stress_unpublish_weak(struct stress_object *object)
{
	struct stress_session *session = object->session;

	if (object->place < 0 || !stress_place_is_weak(session, object->place))
		return false;
	cmpxchg(&session->places[object->place], RCU_INITIALIZER(object), NULL);
	return true;
}

/* Called by dref, in any context but NMI, when it has found no reference */
void stress_release(struct dref *ref)
{
	struct stress_object *object = container_of(ref, struct stress_object, ref);
	struct stress_session *session = object->session;
	unsigned long holders;
	char who[32] = "";
	u32 state;

	/* state, then hands; pairs with smp_mb() in stress_take() */
	state = xchg(&object->state, STRESS_DEAD);
	if (WARN_ONCE((state != STRESS_LIVE && state != STRESS_DEAD) || !session,
		      "dref_stress: release of something that is no object\n"))
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
	stress_measure(object);
	if (!stress_unpublish_weak(object) && ref->class->flags & DREF_RCU)
		stress_bury(object);
	else
		call_rcu(&object->rcu, stress_bury_rcu);
}

static void stress_count(struct stress_object *object)
{
	if (object)
		object->holders++;
}

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
			stress_count(session->workers[i].hands[hand]);
		cond_resched();
	}
	for (i = 0; i < STRESS_QUEUE; i++)
		stress_count(session->queue[i]);
	for (i = 0; i < stress_first_weak_place(session); i++) {
		object = rcu_access_pointer(session->places[i]);
		stress_count(object);
	}
}

/* dref's own work, such as the end of a demotion, can make a sum wrong in passing */
static bool stress_count_agrees(const struct stress_object *object)
{
	int tries;

	if (object->immortal)
		return dref_read(&object->ref) == DREF_IMMORTAL_COUNT;
	for (tries = 0; tries < 3; tries++) {
		if (dref_read(&object->ref) == object->holders)
			return true;
		if (object->session->failed)
			return false;	/* one error is enough to wait for */
		dref_barrier();
	}
	return false;
}

/* Nobody is active: dref must know how many references there are */
void stress_verify_counts(struct stress_session *session)
{
	struct stress_object *object;
	unsigned int i;

	if (session->failed)
		return;		/* after an error the books do not add up */

	dref_barrier();		/* promotion holds references for a while */
	rcu_barrier();
	stress_tally(session);
	for (i = 0; i < session->nr_entries; i++) {
		object = session->entries[i].object;
		/* an object without holders is missing: that is for the end */
		if (object && stress_is_live(object) && object->holders &&
		    !stress_count_agrees(object))
			stress_error(session, STRESS_MISCOUNTED, object,
				     "expected %lu references, dref_read() says %ld",
				     object->holders, dref_read(&object->ref));
		cond_resched();
	}
}

/*
 * An object that everybody has dropped and dref has not released.  What dref
 * may still do with it is not known, so like a miscounted object of dref's own
 * it is leaked: its class can go without it.
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
		stress_saturated(object);
		report->saturated++;
	} else {
		stress_abandon(object);
		return;
	}
	/* dref_barrier() has made dref forget it */
	kfree(object);
}

/* Every object that is to be released has been, and nothing is on its way */
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
	report->yardstick_ms = jiffies_to_msecs(stress_yardstick(&session->yardstick));
	report->latency_max_ms = jiffies_to_msecs(session->latency_max);
	memcpy(report->error, session->error, sizeof(report->error));
}
