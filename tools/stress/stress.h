/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interfaces between the files of dref-stress:
 *
 *	main.c		command line options
 *	file.c		files of debugfs, sysfs and /proc
 *	session.c	/dev/dref_stress, and the threads and processes that use it
 *	progress.c	progress display, and waiting for the end of a run
 *	watch.c		samples of memory and of dref's statistics during a run
 *	scenario.c	table of scenarios: what the workers do
 *	disturb.c	table of disturbers: what makes the run harder
 *	run.c		the stress run and its summary
 *	record.c	the result for programs, as JSON and CSV
 *	life.c		--life: one object from its creation to its release
 *
 * What the programs share is in ../lib: number.c, cpus.c and program.c.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/dref_stress.h>

#include "../lib/cpus.h"
#include "../lib/number.h"
#include "../lib/program.h"

/**
 * struct scenario - a row of the table of scenarios
 * @name: argument of --scenario
 * @description: text for --list
 * @step: what a worker does in the kernel: enum dref_stress_scenario
 * @objects: default number of objects
 * @contexts: contexts in which the kernel module runs workers of its own:
 *	DREF_STRESS_KTHREAD, ...
 * @processes: every n-th worker is a sequence of processes, not a thread; 0: none
 * @workers: default number of workers per CPU; 0: one
 * @quick: set dref's tunables so that objects are promoted and demoted soon
 */
struct scenario {
	const char	*name;
	const char	*description;
	unsigned int	step;
	unsigned int	objects;
	unsigned int	contexts;
	unsigned int	processes;
	unsigned int	workers;
	bool		quick;
};

struct options {
	const struct scenario	*scenario;
	uint64_t		duration_ns;	/* 0: no limit */
	uint64_t		ops;		/* 0: no limit */
	unsigned int		*cpus;
	unsigned int		nr_cpus;
	unsigned int		workers;
	unsigned int		objects;
	unsigned int		class_flags;
	uint64_t		late_ns;
	uint64_t		seed;
	unsigned int		disturbers;	/* bitmap of rows in disturb.c */
	bool			disturb;	/* enable all that work here */
	const char		*breakage;	/* fault to inject, or NULL */
	const char		*json;
	const char		*csv;
	bool			quiet;
};

/**
 * struct worker - a thread, or a sequence of processes, that runs batches of steps
 * @session: the session it belongs to
 * @thread: the thread, or the thread that forks the processes
 * @number: number of this worker, from 0
 * @cpu: CPU it is bound to
 * @ops: number of steps to do
 * @batch: number of batches done so far
 * @steps: number of steps done so far; the main thread reads it
 * @counts: operations done so far, indexed by enum dref_stress_count
 */
struct worker {
	struct session	*session;
	pthread_t	thread;
	unsigned int	number;
	unsigned int	cpu;
	uint64_t	ops;
	uint64_t	batch;
	uint64_t	steps;
	uint64_t	counts[DREF_STRESS_COUNTS_SIZE];
};

/**
 * struct session - an open /dev/dref_stress and its workers
 * @options: command line options
 * @fd: file descriptor of the device
 * @step: what the workers do: enum dref_stress_scenario
 * @workers: array of options->workers workers, in shared memory
 * @stop: tells workers and disturbers to return
 * @paused: tells the workers not to begin another batch
 * @failing: make allocations of the workers fail, if the kernel has failslab
 * @errors: number of errors that the oracle had found at the end of the last batch
 * @failed_errno: errno of an ioctl that failed unexpectedly, or 0
 *
 * The session is in memory that all processes share.
 */
struct session {
	const struct options	*options;
	int			fd;
	unsigned int		step;
	struct worker		*workers;
	bool			stop;
	bool			paused;
	bool			failing;
	uint64_t		errors;
	int			failed_errno;
};

/**
 * struct sample - memory and dref's statistics at one moment
 * @ns: time since the start of the workers
 * @steps: steps of all workers so far
 * @errors: errors so far
 * @slab: unreclaimable slab memory of the whole machine, in bytes
 * @percpu: per-CPU memory of the whole machine, in bytes
 * @max_deferred: limit on the slots in use
 * @stats: dref's statistics, the fields that follow, could be read
 * @deferred: number of deferred objects, according to dref
 * @exact_live: number of exact objects, according to dref
 * @slots_used: slots in use
 * @passes: passes since dref.ko was loaded
 * @gp_ns: duration of the last grace period of a pass
 * @pass_ns: duration of the walks of the last pass
 */
struct sample {
	uint64_t	ns;
	uint64_t	steps;
	uint64_t	errors;
	uint64_t	slab;
	uint64_t	percpu;
	uint64_t	max_deferred;
	bool		stats;
	uint64_t	deferred;
	uint64_t	exact_live;
	uint64_t	slots_used;
	uint64_t	passes;
	uint64_t	gp_ns;
	uint64_t	pass_ns;
};

/**
 * struct watch - the samples of a run
 * @begin: sample taken before the first object was created
 * @end: sample taken after the last object was released
 * @most: maximum of each field
 * @last: last sample that was recorded
 * @samples: one sample per @interval_ns
 * @nr_samples: number of samples
 * @interval_ns: time between two samples: a second, more in a long run
 * @begin_ns: time when the workers were started
 * @fixed: no disturber changes max_deferred
 * @too_many: more slots were in use than max_deferred allows
 */
struct watch {
	struct sample	begin;
	struct sample	end;
	struct sample	most;
	struct sample	last;
	struct sample	*samples;
	size_t		nr_samples;
	uint64_t	interval_ns;
	uint64_t	begin_ns;
	bool		fixed;
	bool		too_many;
};

/**
 * struct result - the result of a run
 * @options: command line options
 * @session: the session
 * @ns: how long the workers ran
 * @steps: number of steps of all workers
 * @counts: operations of all workers and of the kernel module's own, indexed by
 *	enum dref_stress_count
 * @report: the oracle's report
 * @watch: samples taken during the run
 * @failure: description of an error that the oracle does not know of, or NULL
 * @not_done: what was asked for and did not happen, or an empty string
 * @interrupted: a signal ended the run
 * @verdict: PASS, FAIL or INCOMPLETE
 */
struct result {
	const struct options		*options;
	struct session			*session;
	uint64_t			ns;
	uint64_t			steps;
	uint64_t			counts[DREF_STRESS_COUNTS_SIZE];
	struct dref_stress_report	report;
	struct watch			watch;
	const char			*failure;
	char				not_done[300];
	bool				interrupted;
	const char			*verdict;
};

/* file.c */
#define DREF_DEBUGFS	"/sys/kernel/debug/dref/"
#define DREF_PARAMETERS	"/sys/module/dref/parameters/"
enum { TUNABLES = 5 };
extern const char * const tunables[TUNABLES];
bool write_text(const char *path, const char *text);
bool write_value(const char *path, uint64_t value);
bool read_line(const char *path, char *line, size_t size);
bool read_value(const char *path, uint64_t *value);
bool change_text(const char *path, const char *text);
bool change_value(const char *path, uint64_t value);
bool change_tunable(const char *name, uint64_t value);
void undo_changes(void);
void check_changes(void);
int restore_changes(void);

/* session.c */
void session_open(struct session **session, const struct options *options);
void session_setup(struct session *session, unsigned int objects, unsigned int flags);
void session_start(struct session *session, unsigned int step);
bool session_working(const struct session *session);
void session_stop(struct session *session);
const char *session_failure(const struct session *session);
void session_finish(struct session *session, struct dref_stress_report *report);
void session_close(struct session *session);
uint64_t session_steps(const struct session *session);
uint64_t session_count(const struct session *session, enum dref_stress_count kind);

/* progress.c */
void block_signals(void);
void unblock_signals(void);
bool wait_a_tick(void);
bool wait_for_workers(struct session *session,
		      void (*tick)(struct session *session, void *data), void *data);
__printf(1, 2)
void output(const char *format, ...);

/* watch.c */
void watch_begin(struct watch *watch, bool fixed);
void watch_start(struct watch *watch);
void watch_sample(struct watch *watch, const struct session *session);
void watch_end(struct watch *watch);
double watch_growth(uint64_t begin, uint64_t end);

/* scenario.c */
extern const struct scenario scenarios[];
extern const size_t nr_scenarios;
const struct scenario *scenario_find(const char *name);
const char *class_name(unsigned int flags, char *text, size_t size);

/* disturb.c */
extern const size_t nr_disturbers;
const char *disturber_name(unsigned int number);
const char *disturber_description(unsigned int number);
bool disturber_tunes(unsigned int number);
const char *disturber_missing(unsigned int number, const struct options *options);
uint64_t disturber_times(unsigned int number);
void disturb_start(struct session *session);
void disturb_stop(void);

/* run.c, life.c: both return the exit status */
int run_stress(const struct options *options);
int run_life(const struct options *options);

/* run.c */
int print_verdict(struct result *result);

/* record.c */
struct count_name {
	enum dref_stress_count	kind;
	const char		*name;
};

extern const struct count_name count_names[];
extern const size_t nr_count_names;
void record_open(const struct options *options);
void record_sample(const struct sample *sample, double rate);
void record_result(const struct result *result);

#endif /* STRESS_H */
