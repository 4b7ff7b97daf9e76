/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of dref_scale.ko know of each other.
 *
 *	main.c	parameters, debugfs, a session from begin to end
 *	team.c	threads on CPUs of their own that begin together
 *	counters.c	the competitors: a counter is a row
 *	scaling.c	operations by more and more CPUs: one is a row
 *	lives.c	objects from creation to release
 *	promotion.c	from first contention to a slot
 *	pass.c	passes over more and more deferred objects
 *	release.c	from the last put to release()
 *	results.c	what has been measured, as a table and as JSON
 *
 * There is one session at a time.  It measures one thing after the other, each
 * some times over, and keeps the median, the least, the most, and what nine of ten
 * did not exceed.
 */
#ifndef DREF_SCALE_H
#define DREF_SCALE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/dref.h>
#include <linux/kref.h>
#include <linux/percpu-refcount.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#include "../core/compat.h"

#define SCALE_MAX_RUNS		101

/* What can be measured, and what a result belongs to */
enum scale_measure {
	SCALE_SCALING,
	SCALE_LIFE,
	SCALE_PROMOTION,
	SCALE_PASS,
	SCALE_RELEASE,
	SCALE_NR_MEASURES
};

/**
 * struct scale_session - one run of everything that was asked for
 * @measures: a bit for each enum scale_measure
 * @runs: how often each thing is measured
 * @ops: how many operations each thread does in a run
 * @objects: up to how many of them are deferred, for passes
 * @cpumask: where the threads are: the first on the first CPU, and so on
 * @nr_cpus: how many CPUs that are
 * @deadline: when it gives up, in jiffies
 * @stop: somebody has asked it to end
 * @late: it has come to the deadline
 * @gone: a CPU that went off line; -1: none
 * @points: how many things there are to be measured,
 * @point: and how many have been begun
 */
struct scale_session {
	unsigned int	measures;
	unsigned int	runs;
	unsigned int	ops;
	unsigned int	objects;
	struct cpumask	cpumask;
	unsigned int	nr_cpus;
	unsigned long	deadline;
	bool		stop;
	bool		late;
	int		gone;
	unsigned int	points;
	unsigned int	point;
};

/* main.c */
extern struct dref_class scale_class;
bool scale_over(struct scale_session *session);
__printf(2, 3)
void scale_begin(struct scale_session *session, const char *format, ...);
__printf(1, 2)
void scale_note(const char *format, ...);

/**
 * struct scale_thread - one of a team
 * @team: the others
 * @prev: who hands his references over to this one
 * @index: its number
 * @cpu: where it is bound to
 * @held: references taken less references dropped: may be negative, too
 * @rounds: how many batches of references it has handed over
 * @ops: operations that have been timed
 * @ns: time of its operations since it was last set to zero
 * @timed_ns: time of those @ops
 * @begin_ns: when it began,
 * @end_ns: and saw what it was waiting for
 */
struct scale_thread {
	struct scale_team	*team ____cacheline_aligned;
	struct scale_thread	*prev;
	unsigned int		index;
	unsigned int		cpu;
	long			held;
	u64			ops;
	u64			ns;
	u64			timed_ns;
	u64			begin_ns;
	u64			end_ns;

	unsigned long		rounds ____cacheline_aligned;	/* read by the next one */
};

/**
 * struct scale_team - threads that do something at a time
 * @session: whose they are
 * @work: what each of them does
 * @arg: for @work
 * @nr: how many they are
 * @threads: an array of them
 * @started: how many have come to scale_team_start(),
 * @finished: and how many have done what is timed
 * @gone: completed by each when it ends
 */
struct scale_team {
	struct scale_session	*session;
	void			(*work)(struct scale_thread *thread);
	void			*arg;
	unsigned int		nr;
	struct scale_thread	*threads;
	atomic_t		started;
	atomic_t		finished;
	struct completion	gone;
};

/* team.c */
int scale_team_run(struct scale_team *team);
void scale_team_free(struct scale_team *team);
void scale_team_start(struct scale_thread *thread);
bool scale_thread_moved(struct scale_thread *thread);
unsigned int scale_more_threads(const struct scale_session *session, unsigned int nr);

/*
 * One object for each counter: the count, and a word that others read, on one cache
 * line.  What has no count is used in a read-side section.
 */
struct scale_objects {
	struct { refcount_t count; unsigned long word; } refcount ____cacheline_aligned;
	struct { struct kref count; unsigned long word; } kref ____cacheline_aligned;
	struct { struct percpu_ref count; unsigned long word; } percpu ____cacheline_aligned;
#ifdef DREF_HAVE_RCUREF
	struct { rcuref_t count; unsigned long word; } rcuref ____cacheline_aligned;
#endif
#ifdef DREF_HAVE_FILE_REF
	struct { file_ref_t count; unsigned long word; } file ____cacheline_aligned;
#endif
	struct { rwlock_t lock; unsigned long word; } rwlock ____cacheline_aligned;
	struct { struct dref count; unsigned long word; } exact ____cacheline_aligned;
	struct { struct dref count; unsigned long word; } deferred ____cacheline_aligned;
	struct { struct dref count; unsigned long word; } immortal ____cacheline_aligned;
	unsigned long word ____cacheline_aligned;
	struct srcu_struct srcu;
	struct completion percpu_gone;
};

/* One operation, so many times */
typedef void (*scale_loop_t)(struct scale_objects *objects, unsigned long times);

/**
 * struct scale_counter - what is compared
 * @name: its name
 * @get_put: a get and a put, or a read-side section
 * @tryget_put: a look-up under RCU, and a put
 * @get: takes references only,
 * @put: and drops them
 * @read: reads another word of the object, and takes no reference
 * @bytes: of memory, for each object,
 * @bytes_per_cpu: and on each possible CPU
 *
 * A loop that makes no sense for the counter is NULL.
 */
struct scale_counter {
	const char	*name;
	scale_loop_t	get_put;
	scale_loop_t	tryget_put;
	scale_loop_t	get;
	scale_loop_t	put;
	scale_loop_t	read;
	size_t		bytes;
	size_t		bytes_per_cpu;
};

/* counters.c */
extern const struct scale_counter scale_counters[];
extern const unsigned int scale_nr_counters;
int scale_counters_register(void);
void scale_counters_drain(void);
struct scale_objects *scale_objects_new(void);
void scale_objects_free(struct scale_objects *objects);

/* lives.c */
int scale_lives_register(void);
void scale_lives_drain(void);

/* release.c */
int scale_releases_register(void);
void scale_releases_drain(void);

/* What measures one thing: all of its points; 0, or why it could not go on */
int scale_scaling(struct scale_session *session);
int scale_lives(struct scale_session *session);
int scale_promotions(struct scale_session *session);
int scale_passes(struct scale_session *session);
int scale_releases(struct scale_session *session);

/* and how many points that will be */
unsigned int scale_scaling_points(const struct scale_session *session);
unsigned int scale_lives_points(const struct scale_session *session);
unsigned int scale_promotions_points(const struct scale_session *session);
unsigned int scale_passes_points(const struct scale_session *session);
unsigned int scale_releases_points(const struct scale_session *session);

/* results.c */
extern const char * const scale_measure_names[SCALE_NR_MEASURES];

/**
 * struct scale_runs - what was measured, run by run
 * @nr: how often so far
 * @ps: how long it took, in picoseconds
 */
struct scale_runs {
	unsigned int	nr;
	u64		ps[SCALE_MAX_RUNS];
};

void scale_runs_add(struct scale_runs *runs, u64 ns, u64 times);
int scale_result(enum scale_measure measure, const char *counter, const char *operation,
		 unsigned int number, struct scale_runs *runs);
void scale_results_clear(void);
void scale_results_show(struct seq_file *seq);
void scale_results_show_json(struct seq_file *seq, const struct scale_session *session);

#endif /* DREF_SCALE_H */
