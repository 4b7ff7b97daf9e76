/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of dref_stress.ko.
 *
 *	main.c		the device, and the checks of its arguments
 *	session.c	a session from set-up to end
 *	contexts.c	the module's own workers: threads and interrupts
 *	scenarios.c	the operations of a worker, one scenario per row
 *	hands.c		the operations that take, drop and move references
 *	classes.c	classes that workers register and unregister
 *	oracle.c	the record of all references, and the checks at release
 *	yardstick.c	how long grace periods and work items take on this machine
 *
 * A session has places, workers and a queue.  A place holds the initial
 * reference of the object that is published in it.  A weak place holds no
 * reference: its object lives as long as something else holds it.  A worker has
 * hands, each empty or with one reference.  The queue is a few slots through
 * which references go from one worker to another.
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

#define STRESS_HANDS		8	/* of a worker: one cache line */
#define STRESS_QUEUE		16	/* slots of the queue */
#define STRESS_DRAWS		6	/* random numbers for one step */
#define STRESS_GRAVEYARD	256	/* dead objects that are watched */
#define STRESS_FLAP_PLACES	48	/* used by the scenario "flap" only */
#define STRESS_WEAK_PLACES	64

/* Entries beside those for places and immortal objects: the larger of */
#define STRESS_MIN_ENTRIES	64	/* for each worker */
#define STRESS_EXTRA_ENTRIES	16384	/* for all workers together */

/* Objects made immortal: at first, more per second, and in all (enough for hours) */
#define STRESS_IMMORTALS	1024
#define STRESS_IMMORTALS_RATE	2
#define STRESS_MAX_IMMORTALS	65536

#define STRESS_CLASSES		8	/* one for each set of flags */

/* The state of an object; serves as its magic number, too */
#define STRESS_LIVE		0x11fe0b1eU
#define STRESS_DEAD		0xdead0b1eU

/**
 * struct stress_object - a counted object
 * @ref: its reference count
 * @state: STRESS_LIVE or STRESS_DEAD; anything else is not an object
 * @index: its number, the index in the session's entries
 * @generation: number of objects that have had @index, this one included
 * @place: the place where it is or was published, or -1
 * @seen_deferred: the last holder saw it deferred
 * @killing: dref_kill() has been called
 * @killed: dref_kill() has returned
 * @immortal: a worker calls, or has called, dref_immortalize()
 * @put_at: jiffies just before the last put
 * @holders: number of pointers to it, counted by stress_tally()
 * @alive: class_alive of the worker whose own class it has, or NULL
 * @session: the session that it belongs to
 * @rcu: for the grace periods before and after the graveyard
 *
 * The oracle's fields are on another cache line than @ref, so that the oracle
 * does not slow dref down.
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
 * @object: the object with this number, from its creation until its burial
 * @generation: number of objects that have had this number
 * @created_ns: time when the last of them was created
 * @dropped_ns: time when DREF_STRESS_DROP dropped it, or 0
 * @released_ns: time when it was released, or 0
 */
struct stress_entry {
	struct stress_object	*object;
	u32			generation;
	u64			created_ns;
	u64			dropped_ns;
	u64			released_ns;
};

/**
 * struct stress_worker - takes and drops references
 * @hands: an object with a reference, or NULL, in each; read by the oracle
 * @mutex: held during a batch
 * @session: the session that it belongs to
 * @rnd: state of its random numbers
 * @draws: random numbers of this step.  Each step draws the same number of them,
 *	used or not, so later choices do not depend on what this step finds.
 * @next_draw: index of the next one to use
 * @context: 0 for a task of user space, or DREF_STRESS_KTHREAD, ...
 * @counts: operations in this batch; in all, if it is one of the module's own
 * @number: its number in the session
 * @next_entry: where it looks for a free entry; each entry belongs to one worker
 * @next_slot: the next slot of the queue for the scenario "ring"
 * @class: a class of its own, for the scenario "classes"
 * @class_name: name of @class, empty while that is not registered
 * @class_going: it is about to unregister @class, and creates no objects in it
 * @class_alive: number of live objects in @class according to the oracle
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
 * struct stress_yardstick - measures how long a grace period and a work item take
 * @work: a work item that runs after a grace period
 * @begin: when @work was queued, in jiffies
 * @longest: the longest time that @work took, in jiffies
 * @stop: do not queue @work again
 */
struct stress_yardstick {
	struct rcu_work		work;
	unsigned long		begin;
	unsigned long		longest;
	bool			stop;
};

struct stress_cpu;

/**
 * struct stress_session - an open file of the device
 * @rwsem: taken for writing by set-up and end, for reading by all other calls
 * @setup: parameters of the session; @setup.objects is 0 before set-up
 * @number: its number, part of the names of classes
 * @places: where objects are published: @setup.objects places, then
 *	STRESS_FLAP_PLACES, then STRESS_WEAK_PLACES
 * @nr_places: number of @places
 * @workers: first the caller's workers, then the module's own
 * @nr_workers: number of @workers
 * @cpumask: CPUs on which the module has workers of its own
 * @cpus: threads and timers of the module's own workers
 * @nr_batches: number of batches in progress
 * @entries: one for each object that can exist at a time
 * @nr_entries: number of @entries
 * @queue: references on their way from worker to worker
 * @graveyard: the objects that died last, watched for writes
 * @buried: number of objects that have come to @graveyard
 * @released: number of objects released
 * @begin: when the session was set up, in jiffies
 * @immortals: number of objects made immortal by workers
 * @yardstick: measures grace periods and work items
 * @latency: number of objects by the time from their last put to release(): in
 *	element n, those below 2^n ms that are in no element before
 * @latency_max: the longest such time, in jiffies
 * @errors: number of errors of each kind
 * @failed: there has been an error
 * @class_mutex: serializes the workers that unregister their classes
 * @error_lock: protects @error
 * @error: description of the first error
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
	struct mutex			class_mutex;	/* held while unregistering a class */
	raw_spinlock_t			error_lock;	/* error; taken in hard interrupts, too */
	char				error[DREF_STRESS_ERROR_SIZE];
};

static inline bool stress_is_live(const struct stress_object *object)
{
	return READ_ONCE(object->state) == STRESS_LIVE;
}

/* The first setup.objects places are followed by those of "flap" and by the weak ones */
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
struct dref_class *stress_session_class(const struct stress_session *session,
					unsigned int index);

/* contexts.c */
unsigned int stress_contexts_nr_workers(struct stress_session *session);
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
bool stress_own_class_register(struct stress_worker *worker, unsigned int flags);
void stress_own_class_try_unregister(struct stress_worker *worker);
int stress_own_classes_unregister(struct stress_session *session);

/* oracle.c */
__printf(4, 5)
void stress_error(struct stress_session *session, enum stress_error kind,
		  const struct stress_object *object, const char *format, ...);
bool stress_check_held(struct stress_worker *worker, struct stress_object *object);
void stress_error_place_dead(struct stress_object *object);
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
unsigned long stress_yardstick_allowance(const struct stress_yardstick *yardstick);

#endif /* DREF_STRESS_H */
