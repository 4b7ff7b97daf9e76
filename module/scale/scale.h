/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of dref_scale.ko.
 *
 *	main.c		parameters, debugfs, a session from beginning to end
 *	team.c		threads on CPUs of their own that begin together
 *	counters.c	the counters that are compared, one per row
 *	scaling.c	operations by 1, 2, 3 ... CPUs, one operation per row
 *	lives.c		time to create and to destroy objects
 *	promotion.c	time from first contention to a slot
 *	pass.c		passes over 10, 100, 1000 ... deferred objects
 *	release.c	time from the last put to release()
 *	churn.c		objects that all CPUs create and drop as fast as they can
 *	results.c	the results, as a table and as JSON
 *
 * There is one session at a time.  It measures points one after the other, each
 * in a number of runs, and keeps the median, the minimum, the maximum and the
 * 90th percentile of the runs.
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

/* What a session can measure */
enum scale_measure {
	SCALE_SCALING,
	SCALE_LIFE,
	SCALE_PROMOTION,
	SCALE_PASS,
	SCALE_RELEASE,
	SCALE_CHURN,
	SCALE_NR_MEASURES
};

/**
 * struct scale_session - measures everything that was requested
 * @measures: a bit for each enum scale_measure that was requested
 * @runs: number of runs for each point
 * @ops: number of operations of each thread in a run
 * @objects: the largest number of deferred objects, for passes
 * @duration: time of a run of churn.c, in milliseconds
 * @limit: number of objects not freed at which churn.c refuses to create more
 * @cpumask: CPUs of the threads: the first thread is on the first CPU, and so on
 * @nr_cpus: number of CPUs in @cpumask
 * @deadline: when the session gives up, in jiffies
 * @stop: user space has asked the session to stop
 * @late: the session has reached @deadline
 * @offline_cpu: number of a CPU that went off line, or -1
 * @drop_caches: the file drop_caches (release.c), an error, or NULL
 * @points: number of points to be measured
 * @point: number of points begun so far
 */
struct scale_session {
	unsigned int	measures;
	unsigned int	runs;
	unsigned int	ops;
	unsigned int	objects;
	unsigned int	duration;
	unsigned int	limit;
	struct cpumask	cpumask;
	unsigned int	nr_cpus;
	unsigned long	deadline;
	bool		stop;
	bool		late;
	int		offline_cpu;
	struct file	*drop_caches;
	unsigned int	points;
	unsigned int	point;
};

/* main.c */
extern struct dref_class scale_class;
bool scale_must_end(struct scale_session *session);
__printf(2, 3)
void scale_begin_point(struct scale_session *session, const char *format, ...);
__printf(1, 2)
void scale_add_note(const char *format, ...);

/**
 * struct scale_thread - a thread of a team
 * @team: the team
 * @prev: the thread that hands its references over to this one
 * @index: its number in the team
 * @cpu: the CPU that it is bound to
 * @held: references taken less references dropped; may be negative
 * @rounds: number of batches of references handed over
 * @ops: number of timed operations
 * @ns: time that operations have taken since the warm-up ended
 * @timed_ns: time that the @ops operations have taken
 * @begin_ns: when it began (promotion.c)
 * @end_ns: when it saw the object deferred (promotion.c), or 0
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

	unsigned long		rounds ____cacheline_aligned;	/* read by the next thread */
};

/**
 * struct scale_team - threads that run at the same time
 * @session: the session that they belong to
 * @work: the function that each thread calls
 * @arg: an argument for @work
 * @nr: number of threads
 * @threads: array of the threads
 * @started: number of threads that are ready to begin
 * @finished: number of threads that have done all timed operations
 * @gone: completed by each thread when it ends
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
unsigned int scale_next_nr_threads(const struct scale_session *session, unsigned int nr);

/*
 * One object for each counter: the count, and a word that others read, on one
 * cache line.  The members without a count are used in read-side sections.
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

/* Does one operation @times times */
typedef void (*scale_loop_t)(struct scale_objects *objects, unsigned long times);

/**
 * struct scale_counter - a counter that is compared with others
 * @name: its name in the results
 * @get_put: loop of a get and a put, or of a read-side section
 * @tryget_put: loop of a lookup under RCU and a put
 * @get: loop of a get
 * @put: loop of a put
 * @read: loop that reads another word of the object, without a reference
 * @bytes: memory of each object
 * @bytes_per_cpu: memory of each object on each possible CPU, in addition
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
void scale_releases_open(struct scale_session *session);
void scale_releases_close(struct scale_session *session);

/* churn.c */
int scale_churn_register(void);
void scale_churn_drain(void);

/* Each of these measures all points of one enum scale_measure; returns 0 or an error */
int scale_scaling(struct scale_session *session);
int scale_lives(struct scale_session *session);
int scale_promotions(struct scale_session *session);
int scale_passes(struct scale_session *session);
int scale_releases(struct scale_session *session);
int scale_churn(struct scale_session *session);

/* Each of these returns how many points that are */
unsigned int scale_scaling_points(const struct scale_session *session);
unsigned int scale_lives_points(const struct scale_session *session);
unsigned int scale_promotions_points(const struct scale_session *session);
unsigned int scale_passes_points(const struct scale_session *session);
unsigned int scale_releases_points(const struct scale_session *session);
unsigned int scale_churn_points(const struct scale_session *session);

/* results.c */
extern const char * const scale_measure_names[SCALE_NR_MEASURES];

/**
 * struct scale_runs - the runs of one point
 * @nr: number of runs so far
 * @unit: unit of the values, or NULL for ns
 * @thousandths: a value for each run, in thousandths of the unit: the time of one operation
 */
struct scale_runs {
	unsigned int	nr;
	const char	*unit;
	u64		thousandths[SCALE_MAX_RUNS];
};

void scale_runs_add(struct scale_runs *runs, u64 ns, u64 times);
void scale_runs_add_number(struct scale_runs *runs, const char *unit, u64 number);
int scale_add_result(enum scale_measure measure, const char *counter, const char *operation,
		     unsigned int number, struct scale_runs *runs);
void scale_results_clear(void);
void scale_results_show(struct seq_file *seq);
void scale_results_show_json(struct seq_file *seq, const struct scale_session *session);

#endif /* DREF_SCALE_H */
