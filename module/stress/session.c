// SPDX-License-Identifier: GPL-2.0
/*
 * A session: its classes, set-up, batches and end.
 *
 * Batches of different workers run at the same time.  Each holds its worker's
 * mutex and the read side of the session's semaphore.  Set-up and end hold the
 * write side, so at the end every reference is in a hand, in the queue or in a
 * place.  The end goes through these steps:
 *
 *	- stop the module's own workers
 *	- wait until dref has settled, and compare its counts with the oracle's
 *	- drop the references in all hands, in the queue and in all places
 *	- dref_barrier(): now every object must have been released
 *	- rcu_barrier(): no object is on its way to the graveyard any more
 *	- verify and free the objects that are left
 *	- unregister the classes that workers have registered
 *
 * Closing the file does the same, without a report.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "stress.h"

#define STRESS_STEPS_PER_CHECK	64	/* checks for signals, lets other tasks run */

static DEFINE_DREF_CLASS(class_plain, "stress", stress_release, 0);
static DEFINE_DREF_CLASS(class_sleep, "stress-sleep", stress_release, DREF_SLEEP);
static DEFINE_DREF_CLASS(class_rcu, "stress-rcu", stress_release, DREF_RCU);
static DEFINE_DREF_CLASS(class_sleep_rcu, "stress-sleep-rcu", stress_release,
			 DREF_SLEEP | DREF_RCU);
static DEFINE_DREF_CLASS(class_exact, "stress-exact", stress_release, DREF_EXACT);
static DEFINE_DREF_CLASS(class_sleep_exact, "stress-sleep-exact", stress_release,
			 DREF_SLEEP | DREF_EXACT);
static DEFINE_DREF_CLASS(class_rcu_exact, "stress-rcu-exact", stress_release,
			 DREF_RCU | DREF_EXACT);
static DEFINE_DREF_CLASS(class_sleep_rcu_exact, "stress-sleep-rcu-exact",
			 stress_release, DREF_SLEEP | DREF_RCU | DREF_EXACT);

/* Indexed by flags */
static struct dref_class * const classes[STRESS_CLASSES] = {
	[0]				= &class_plain,
	[DREF_STRESS_SLEEP]		= &class_sleep,
	[DREF_STRESS_RCU]		= &class_rcu,
	[DREF_STRESS_SLEEP | DREF_STRESS_RCU] = &class_sleep_rcu,
	[DREF_STRESS_EXACT]		= &class_exact,
	[DREF_STRESS_SLEEP | DREF_STRESS_EXACT] = &class_sleep_exact,
	[DREF_STRESS_RCU | DREF_STRESS_EXACT] = &class_rcu_exact,
	[DREF_STRESS_SLEEP | DREF_STRESS_RCU | DREF_STRESS_EXACT] =
					  &class_sleep_rcu_exact,
};

int stress_classes_register(void)
{
	int i, err;

	for (i = 0; i < STRESS_CLASSES; i++) {
		err = dref_class_register(classes[i]);
		if (err)
			goto unregister;
	}
	return 0;

unregister:
	while (i--)
		dref_class_unregister(classes[i]);
	return err;
}

void stress_classes_drain(void)
{
	int i;

	for (i = 0; i < STRESS_CLASSES; i++)
		dref_class_drain(classes[i]);
}

/* Returns the class of an object; @index chooses one if the session uses all of them */
struct dref_class *stress_session_class(const struct stress_session *session,
					unsigned int index)
{
	unsigned int flags = session->setup.flags;

	if (flags == DREF_STRESS_ANY_CLASS)
		flags = index % STRESS_CLASSES;
	return classes[flags];
}

struct stress_session *stress_session_new(void)
{
	struct stress_session *session;

	session = kvzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return NULL;
	init_rwsem(&session->rwsem);
	mutex_init(&session->class_mutex);
	raw_spin_lock_init(&session->error_lock);
	return session;
}

static void stress_empty_hands(struct stress_worker *worker)
{
	unsigned int hand;

	for (hand = 0; hand < STRESS_HANDS; hand++) {
		if (worker->hands[hand])
			stress_put(worker, hand);
	}
}

/* Drop all references; returns how many the workers and the queue had */
static u64 stress_drop_all(struct stress_session *session)
{
	u64 held = 0;
	unsigned int i, hand;

	for (i = 0; i < session->nr_workers; i++) {
		for (hand = 0; hand < STRESS_HANDS; hand++)
			held += !!session->workers[i].hands[hand];
		stress_empty_hands(&session->workers[i]);
	}
	for (i = 0; i < STRESS_QUEUE; i++) {
		/* use an empty hand of the first worker */
		stress_exchange(&session->workers[0], 0, i);
		held += !!session->workers[0].hands[0];
		stress_empty_hands(&session->workers[0]);
	}
	/* dref_kill() is only a hint: use dref_put() for half of the objects */
	for (i = 0; i < session->nr_places; i++) {
		stress_unpublish(session, i, i % 2);
		cond_resched();
	}
	return held;
}

static void stress_session_clear(struct stress_session *session)
{
	kvfree(session->places);
	kvfree(session->workers);
	kvfree(session->entries);
	session->places = NULL;
	session->workers = NULL;
	session->entries = NULL;
	session->setup.objects = 0;
}

static void stress_session_end(struct stress_session *session,
			       struct dref_stress_report *report)
{
	u64 start;

	memset(report, 0, sizeof(*report));
	stress_contexts_stop(session, report);
	stress_verify_counts(session);
	report->held = stress_drop_all(session);

	start = ktime_get_ns();
	dref_barrier();
	report->settle_ns = ktime_get_ns() - start;
	rcu_barrier();

	stress_verify_objects(session, report);
	if (stress_own_classes_unregister(session))
		session->workers = NULL;	/* leaked, as dref still knows their classes */
	stress_yardstick_stop(&session->yardstick);
	stress_report(session, report);
	stress_session_clear(session);
}

static int stress_session_alloc(struct stress_session *session)
{
	const struct dref_stress_setup *setup = &session->setup;
	struct stress_worker *worker;
	unsigned int i;

	session->nr_workers = setup->workers + stress_contexts_nr_workers(session);
	session->nr_places = setup->objects + STRESS_FLAP_PLACES + STRESS_WEAK_PLACES;
	session->nr_entries = 2 * setup->objects + STRESS_MAX_IMMORTALS +
			      max_t(unsigned int, STRESS_EXTRA_ENTRIES,
				    STRESS_MIN_ENTRIES * session->nr_workers);
	session->places = kvcalloc(session->nr_places, sizeof(*session->places),
				   GFP_KERNEL_ACCOUNT);
	session->workers = kvcalloc(session->nr_workers, sizeof(*session->workers),
				    GFP_KERNEL_ACCOUNT);
	session->entries = kvcalloc(session->nr_entries,
				    sizeof(*session->entries),
				    GFP_KERNEL_ACCOUNT);
	if (!session->places || !session->workers || !session->entries) {
		stress_session_clear(session);
		return -ENOMEM;
	}

	for (i = 0; i < session->nr_workers; i++) {
		worker = &session->workers[i];
		mutex_init(&worker->mutex);
		worker->session = session;
		worker->number = i;
		worker->next_entry = i;
		worker->next_slot = i;
	}
	return 0;
}

/* Create object i in place i; the workers take turns, as each has entries of its own */
static int stress_session_fill(struct stress_session *session)
{
	struct stress_worker *worker;
	unsigned int i;

	for (i = 0; i < session->setup.objects; i++) {
		worker = &session->workers[i % session->nr_workers];
		if (!stress_create(worker, 0))
			return -ENOMEM;
		stress_publish(worker, 0, i);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Reset the results of an earlier session on this file */
static void stress_session_reset(struct stress_session *session)
{
	int i;

	atomic_set(&session->buried, 0);
	atomic_long_set(&session->released, 0);
	session->begin = jiffies;
	atomic_set(&session->immortals, 0);
	for (i = 0; i < DREF_STRESS_LATENCIES; i++)
		atomic_long_set(&session->latency[i], 0);
	session->latency_max = 0;
	for (i = 0; i < STRESS_NR_ERRORS; i++)
		atomic_long_set(&session->errors[i], 0);
	session->failed = false;
	session->error[0] = '\0';
}

int stress_session_setup(struct stress_session *session,
			 const struct dref_stress_setup *setup)
{
	static atomic_t sessions;
	struct dref_stress_report report;
	int err = -EINVAL;

	if (down_write_killable(&session->rwsem))
		return -EINTR;
	if (session->setup.objects)
		goto unlock;

	session->setup = *setup;
	session->number = atomic_inc_return(&sessions);
	stress_session_reset(session);
	err = stress_session_alloc(session);
	if (!err) {
		stress_yardstick_start(&session->yardstick);
		err = stress_session_fill(session) ?: stress_contexts_start(session);
		if (err)
			stress_session_end(session, &report);
	}
unlock:
	up_write(&session->rwsem);
	return err;
}

static int stress_run_batch(struct stress_worker *worker, struct dref_stress_run *run)
{
	struct stress_session *session = worker->session;

	memset(worker->counts, 0, sizeof(worker->counts));
	prandom_seed_state(&worker->rnd, run->seed);

	for (run->done = 0; run->done < run->ops; run->done++) {
		if (run->done % STRESS_STEPS_PER_CHECK == 0) {
			if (signal_pending(current))
				break;
			/* demotion must not have to wait for the end of the batch */
			cond_resched_tasks_rcu_qs();
		}
		if (READ_ONCE(session->failed))
			break;
		stress_step(worker, run->scenario);
	}
	if (run->ops && !run->done && signal_pending(current))
		return -EINTR;
	if (run->flags & DREF_STRESS_LET_GO)
		stress_empty_hands(worker);

	run->errors = stress_errors(session);
	memset(run->counts, 0, sizeof(run->counts));
	memcpy(run->counts, worker->counts, sizeof(worker->counts));
	return 0;
}

int stress_session_run(struct stress_session *session,
		       struct dref_stress_run *run)
{
	struct stress_worker *worker;
	int err = -EINVAL;

	if (down_read_interruptible(&session->rwsem))
		return -EINTR;
	if (!session->setup.objects || run->worker >= session->setup.workers)
		goto unlock;

	worker = &session->workers[array_index_nospec(run->worker,
						      session->setup.workers)];
	err = mutex_lock_interruptible(&worker->mutex);
	if (err)
		goto unlock;
	atomic_inc(&session->nr_batches);
	err = stress_run_batch(worker, run);
	atomic_dec(&session->nr_batches);
	mutex_unlock(&worker->mutex);
unlock:
	up_read(&session->rwsem);
	return err;
}

int stress_session_drop(struct stress_session *session,
			const struct dref_stress_drop *drop)
{
	unsigned int place;
	int err = -EINVAL;

	if (down_read_interruptible(&session->rwsem))
		return -EINTR;
	if (!session->setup.objects || drop->place >= session->setup.objects)
		goto unlock;

	place = array_index_nospec(drop->place, session->setup.objects);
	err = stress_unpublish(session, place, drop->kill) ? 0 : -ENOENT;
unlock:
	up_read(&session->rwsem);
	return err;
}

/* Read the state of @object, which may be released and buried meanwhile */
static void stress_read_state(struct stress_object *object,
			      struct dref_stress_state *state)
{
	u32 flags = DREF_STRESS_LIVE;
	s64 count;

	if (dref_is_deferred(&object->ref))
		flags |= DREF_STRESS_DEFERRED;
	if (dref_is_dying(&object->ref))
		flags |= DREF_STRESS_DYING;
	if (dref_is_immortal(&object->ref))
		flags |= DREF_STRESS_IMMORTAL;
	count = dref_read(&object->ref);

	/* if the object is still live, the values read above are no poison */
	smp_rmb();
	if (!stress_is_live(object))
		return;
	state->flags = flags;
	state->count = count;
}

int stress_session_state(struct stress_session *session,
			 struct dref_stress_state *state)
{
	struct stress_object *object;
	struct stress_entry *entry;
	int err = -EINVAL;

	if (down_read_interruptible(&session->rwsem))
		return -EINTR;
	if (!session->setup.objects || state->object >= session->nr_entries)
		goto unlock;

	entry = &session->entries[array_index_nospec(state->object,
						     session->nr_entries)];
	state->flags = 0;
	state->count = 0;
	rcu_read_lock();
	object = READ_ONCE(entry->object);
	if (object)
		stress_read_state(object, state);
	rcu_read_unlock();
	state->generation = READ_ONCE(entry->generation);
	state->created_ns = READ_ONCE(entry->created_ns);
	state->dropped_ns = READ_ONCE(entry->dropped_ns);
	state->released_ns = READ_ONCE(entry->released_ns);
	state->now_ns = ktime_get_ns();
	err = 0;
unlock:
	up_read(&session->rwsem);
	return err;
}

int stress_session_finish(struct stress_session *session,
			  struct dref_stress_report *report)
{
	int err = -EINVAL;

	if (down_write_killable(&session->rwsem))
		return -EINTR;
	if (session->setup.objects) {
		stress_session_end(session, report);
		err = 0;
	}
	up_write(&session->rwsem);
	return err;
}

/* The file is closed, so no other thread uses the session */
void stress_session_free(struct stress_session *session)
{
	struct dref_stress_report report;

	if (session->setup.objects)
		stress_session_end(session, &report);
	kvfree(session);
}
