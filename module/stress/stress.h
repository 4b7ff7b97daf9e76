/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of dref_stress.ko know of each other.
 *
 *	main.c	the device: what user space may ask
 *	session.c	a session from its set-up to its end
 *	contexts.c	the module's own workers: threads and interrupts
 *	scenarios.c	what workers do: a scenario is a row
 *	hands.c	every way in which a reference comes and goes
 *	classes.c	classes that come and go
 *	oracle.c	who holds what, and what must be true at release
 *	yardstick.c	how long the machine itself takes
 *
 * A session has places, workers and a queue.  A place holds the initial
 * reference of the object that is published there, or, if it is weak, none: then
 * the object lives as long as somebody else holds it.  A worker has hands, each
 * with a reference or empty.  The queue is a few slots through which references
 * go from one worker to another.
 */
#ifndef DREF_STRESS_H
#define DREF_STRESS_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/dref.h>
#include <linux/dref_stress.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#define STRESS_HANDS		8	/* a cache line of them */
#define STRESS_QUEUE		16
#define STRESS_DRAWS		6	/* random numbers for one step */
#define STRESS_GRAVEYARD	256
#define STRESS_MIN_ENTRIES	64	/* for each worker, beside those */
#define STRESS_EXTRA_ENTRIES	16384	/* for all of them, if that is more */
#define STRESS_IMMORTALS	1024	/* at once, and then so many a second, */
#define STRESS_IMMORTALS_RATE	2
#define STRESS_MAX_IMMORTALS	65536	/* in all: enough for hours */
#define STRESS_FLAP_PLACES	48	/* that "flap" has for itself */
#define STRESS_WEAK_PLACES	64

#define STRESS_CLASSES		8	/* every set of flags */

/* The state of an object: also its magic number */
#define STRESS_LIVE		0x11fe0b1eU
#define STRESS_DEAD		0xdead0b1eU

/**
 * struct stress_object - what is counted
 * @ref: the count
 * @state: STRESS_LIVE, STRESS_DEAD, or not one of our objects
 * @index: its number: where it is in the session's entries
 * @generation: how many objects have had that number
 * @place: the place where it is or was published; -1: none
 * @seen_deferred: how the last holder found it
 * @killing: dref_kill() has been called,
 * @killed: and has returned
 * @immortal: a worker has made it so
 * @put_at: jiffies just before the last put
 * @holders: for the oracle's tally
 * @alive: how many objects its class has, if that comes and goes
 * @session: whose it is
 * @rcu: for the grace periods on its way to the graveyard and out of it
 *
 * What the oracle reads and writes is on another cache line than what dref does.
 */
struct stress_object {
	struct dref		ref;

	u32			state ____cacheline_aligned;
	u32			index;
	u32			generation;
	int			place;
	bool			seen_deferred;
	bool			killing;
	bool			killed;
	bool			immortal;
	unsigned long		put_at;
	unsigned long		holders;
	atomic_long_t		*alive;
	struct stress_session	*session;
	struct rcu_head		rcu;
};

/**
 * struct stress_entry - one number that an object can have
 * @object: who has it now: from creation until it is buried
 * @generation: how many have had it
 * @created_ns: when the last one was created,
 * @dropped_ns: dropped by DREF_STRESS_DROP,
 * @released_ns: and released; or 0
 */
struct stress_entry {
	struct stress_object	*object;
	u32			generation;
	u64			created_ns;
	u64			dropped_ns;
	u64			released_ns;
};

/**
 * struct stress_worker - who takes and drops references
 * @hands: one reference each; read by the oracle
 * @mutex: held through a batch
 * @session: whose it is
 * @rnd: where its choices come from
 * @draws: those of this step: as many in each, whatever it needs, so that the
 *	next one does not depend on what happened in this
 * @next_draw: the next of them
 * @context: 0: a task of user space; or one of DREF_STRESS_KTHREAD, ...
 * @counts: what it has done: in this batch, or the module's own: ever
 * @number: its own
 * @next_entry: where it looks for a free entry: every entry is one worker's
 * @next_slot: where the ring goes on
 * @class: one of its own, which comes and goes,
 * @class_name: its name; empty while it is not registered
 * @class_going: he wants to unregister it
 * @class_alive: how many objects of it are alive, by the oracle's books
 */
struct stress_worker {
	struct stress_object	*hands[STRESS_HANDS] ____cacheline_aligned;

	struct mutex		mutex ____cacheline_aligned; /* a batch */
	struct stress_session	*session;
	struct rnd_state	rnd;
	u32			draws[STRESS_DRAWS];
	unsigned int		next_draw;
	unsigned int		context;
	u64			counts[DREF_STRESS_NR_COUNTS];
	unsigned int		number;
	unsigned int		next_entry;
	unsigned int		next_slot;

	struct dref_class	class;
	char			class_name[32];
	bool			class_going;
	atomic_long_t		class_alive;
};

enum stress_error {
	STRESS_EARLY,
	STRESS_DOUBLED,
	STRESS_MISSING,
	STRESS_LATE,
	STRESS_MISCOUNTED,
	STRESS_REVIVED,
	STRESS_SCRIBBLED,
	STRESS_NR_ERRORS
};

/**
 * struct stress_yardstick - how long a grace period and a work item take
 * @work: waits for one and is one
 * @begin: when it was queued, in jiffies
 * @longest: that it took
 * @stop: it shall not be queued again
 */
struct stress_yardstick {
	struct rcu_work		work;
	unsigned long		begin;
	unsigned long		longest;
	bool			stop;
};

struct stress_cpu;

/**
 * struct stress_session - what an open file is
 * @rwsem: for writing: set-up and end; for reading: everything between
 * @setup: as asked for; no objects: not set up
 * @number: its own, for the names of classes
 * @places: where objects are published: those asked for, and STRESS_FLAP_PLACES
 *	and STRESS_WEAK_PLACES more
 * @nr_places: how many
 * @workers: an array: first the caller's, then the module's own
 * @nr_workers: how many
 * @cpumask: where the module has workers of its own
 * @cpus: what drives the module's own workers
 * @nr_batches: in progress now
 * @entries: all objects there can be at a time
 * @nr_entries: how many
 * @queue: references on their way from worker to worker
 * @graveyard: the last to have died, watched for writes
 * @buried: how many have come to the graveyard
 * @released: how many have been released
 * @begin: when it was set up, in jiffies
 * @immortals: how many have been made immortal
 * @yardstick: what may be expected of the machine
 * @latency: how many were released how long after their last put
 * @latency_max: the longest, in jiffies
 * @errors: how many, of each kind
 * @failed: there has been one
 * @class_mutex: one worker at a time unregisters his class
 * @error_lock: protects @error
 * @error: the first one in words
 */
struct stress_session {
	struct rw_semaphore		rwsem;
	struct dref_stress_setup	setup;
	unsigned int			number;
	struct stress_object __rcu	**places;
	unsigned int			nr_places;
	struct stress_worker		*workers;
	unsigned int			nr_workers;
	struct cpumask			cpumask;
	struct stress_cpu		*cpus;
	atomic_t			nr_batches;
	struct stress_entry		*entries;
	unsigned int			nr_entries;
	struct stress_object		*queue[STRESS_QUEUE];

	struct stress_object		*graveyard[STRESS_GRAVEYARD];
	atomic_t			buried ____cacheline_aligned;
	atomic_long_t			released;
	unsigned long			begin;
	atomic_t			immortals;
	struct stress_yardstick		yardstick;
	atomic_long_t			latency[DREF_STRESS_LATENCIES];
	unsigned long			latency_max;
	atomic_long_t			errors[STRESS_NR_ERRORS];
	bool				failed;
	struct mutex			class_mutex;	/* unregistering a class */
	raw_spinlock_t			error_lock;	/* error; in hard interrupts, too */
	char				error[DREF_STRESS_ERROR_SIZE];
};

static inline bool stress_is_live(const struct stress_object *object)
{
	return READ_ONCE(object->state) == STRESS_LIVE;
}

/* In the places asked for comes no one else's objects, then flap's, then weak ones */
static inline unsigned int stress_first_flap_place(const struct stress_session *session)
{
	return session->setup.objects;
}

static inline unsigned int stress_first_weak_place(const struct stress_session *session)
{
	return session->setup.objects + STRESS_FLAP_PLACES;
}

static inline bool stress_place_is_weak(const struct stress_session *session, int place)
{
	return place >= (int)stress_first_weak_place(session);
}

/* session.c */
int stress_classes_register(void);
void stress_classes_drain(void);
struct stress_session *stress_session_new(void);
void stress_session_free(struct stress_session *session);
int stress_session_setup(struct stress_session *session,
			 const struct dref_stress_setup *setup);
int stress_session_run(struct stress_session *session,
		       struct dref_stress_run *run);
int stress_session_drop(struct stress_session *session,
			const struct dref_stress_drop *drop);
int stress_session_state(struct stress_session *session,
			 struct dref_stress_state *state);
int stress_session_finish(struct stress_session *session,
			  struct dref_stress_report *report);
struct dref_class *stress_class(const struct stress_session *session,
				unsigned int index);

/* contexts.c */
unsigned int stress_contexts_workers(struct stress_session *session);
int stress_contexts_start(struct stress_session *session);
void stress_contexts_stop(struct stress_session *session,
			  struct dref_stress_report *report);

/* scenarios.c */
void stress_step(struct stress_worker *worker, unsigned int scenario);

/* hands.c */
bool stress_create(struct stress_worker *worker, unsigned int hand);
bool stress_create_deferred(struct stress_worker *worker, unsigned int hand);
bool stress_create_own(struct stress_worker *worker, unsigned int hand);
void stress_get(struct stress_worker *worker, unsigned int hand,
		unsigned int from);
bool stress_tryget(struct stress_worker *worker, unsigned int hand,
		   unsigned int place);
void stress_tryget_live(struct stress_worker *worker, unsigned int hand,
			unsigned int from);
void stress_put(struct stress_worker *worker, unsigned int hand);
void stress_kill(struct stress_worker *worker, unsigned int hand);
void stress_defer(struct stress_worker *worker, unsigned int hand);
void stress_immortalize(struct stress_worker *worker, unsigned int hand);
void stress_exchange(struct stress_worker *worker, unsigned int hand,
		     unsigned int slot);
void stress_publish(struct stress_worker *worker, unsigned int hand,
		    unsigned int place);
void stress_publish_weak(struct stress_worker *worker, unsigned int hand,
			 unsigned int place);
bool stress_unpublish(struct stress_session *session, unsigned int place,
		      bool kill);

/* classes.c */
bool stress_class_come(struct stress_worker *worker, unsigned int flags);
void stress_class_go(struct stress_worker *worker);
int stress_classes_gone(struct stress_session *session);

/* oracle.c */
__printf(4, 5)
void stress_error(struct stress_session *session, enum stress_error kind,
		  const struct stress_object *object, const char *format, ...);
bool stress_see(struct stress_worker *worker, struct stress_object *object);
void stress_dropped_dead(struct stress_object *object);
void stress_release(struct dref *ref);
u64 stress_errors(const struct stress_session *session);
void stress_verify_counts(struct stress_session *session);
void stress_verify_objects(struct stress_session *session,
			   struct dref_stress_report *report);
void stress_report(const struct stress_session *session,
		   struct dref_stress_report *report);

/* yardstick.c */
void stress_yardstick_start(struct stress_yardstick *yardstick);
void stress_yardstick_stop(struct stress_yardstick *yardstick);
unsigned long stress_yardstick(const struct stress_yardstick *yardstick);

#endif /* DREF_STRESS_H */
