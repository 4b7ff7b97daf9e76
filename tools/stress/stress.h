/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of dref-stress know of each other.
 *
 *	main.c		options
 *	number.c	numbers, times and lists of CPUs, read and written; shared
 *			with dref-top: number.h
 *	file.c		what the kernel has in files: debugfs, sysfs, /proc
 *	session.c	/dev/dref_stress, and the threads and processes that call in
 *	progress.c	how far a run has come
 *	watch.c		memory and dref's own figures, seen from outside
 *	scenario.c	what the workers do: a scenario is a row
 *	disturb.c	what makes it harder: a disturber is a row
 *	run.c		the stress run: scenarios under an oracle
 *	record.c	its result for programs: JSON and CSV
 *	life.c		one object from its creation to its release
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/dref_stress.h>

#include "number.h"

/**
 * struct scenario - a row of what there is to be done
 * @name: as --scenario takes it
 * @what: in words
 * @step: what the workers do in the kernel: enum dref_stress_scenario
 * @objects: how many, if the user does not say
 * @contexts: where the kernel module has workers of its own: DREF_STRESS_KTHREAD, ...
 * @processes: one in so many workers is a process, which comes and goes; 0: none
 * @workers: for each CPU, if the user does not say
 * @quick: with tunables by which objects are soon promoted and soon demoted
 */
struct scenario {
	const char	*name;
	const char	*what;
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
	unsigned int		disturbers;	/* a bit for each row */
	bool			disturb;	/* all of them that work here */
	const char		*broken;	/* NULL: not */
	const char		*json;
	const char		*csv;
	bool			quiet;
};

/**
 * struct worker - who does batches of steps: a thread, or one process after another
 * @session: whose it is
 * @thread: the thread, or the one that starts the processes
 * @number: its own, from 0
 * @cpu: which it is bound to
 * @ops: how many steps it shall do
 * @batch: how many batches it has done
 * @steps: so far; read by the main thread
 * @counts: so far, by enum dref_stress_count
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
 * struct session - the open device
 * @options: what the user wants
 * @fd: the device
 * @step: what the workers do
 * @workers: as many as in the options; processes share it
 * @stop: the workers shall return
 * @paused: they shall not begin another batch
 * @failing: their allocations shall fail, where the kernel can do that
 * @errors: how many the oracle has seen, as of the last batch
 * @broken: a call failed that should not: errno
 *
 * It is in memory that the processes share.
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
	int			broken;
};

/**
 * struct sample - what is seen from outside at one moment
 * @ns: since the start
 * @steps: of the workers so far
 * @errors: so far
 * @slab: unreclaimable slab memory of the machine, in bytes,
 * @percpu: and its per-CPU memory
 * @deferred: objects that are deferred,
 * @exact_live: and exact, as dref says
 * @slots_used: slots in use
 * @max_deferred: how many may be
 * @passes: so far, since dref.ko was loaded
 * @gp_ns: the last grace period of a pass,
 * @pass_ns: and how long its walks took
 */
struct sample {
	uint64_t	ns;
	uint64_t	steps;
	uint64_t	errors;
	uint64_t	slab;
	uint64_t	percpu;
	uint64_t	deferred;
	uint64_t	exact_live;
	uint64_t	slots_used;
	uint64_t	max_deferred;
	uint64_t	passes;
	uint64_t	gp_ns;
	uint64_t	pass_ns;
};

/**
 * struct watch - what has been seen
 * @begin: before there was any object,
 * @end: and when all of them were gone
 * @most: the greatest of each figure
 * @last: the last sample that was recorded
 * @samples: one for each second or more
 * @nr_samples: how many
 * @interval_ns: between two of them
 * @begin_ns: when the workers began
 * @fixed: max_deferred stays as it is
 * @too_many: slots were in use that it does not allow
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
 * struct result - all that a run has found
 * @options: what was asked for
 * @session: who has done it
 * @ns: how long it took
 * @steps: how many there were
 * @counts: what was done in them, by enum dref_stress_count, the kernel's included
 * @report: what the oracle says
 * @watch: what was seen from outside
 * @failure: an error that the oracle does not know of, or NULL
 * @interrupted: a signal has ended it
 * @clean: all is well
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
	bool				interrupted;
	bool				clean;
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
uint64_t session_count(const struct session *session, enum dref_stress_count what);
void bind_to_cpu(unsigned int cpu);

/* progress.c */
void block_signals(void);
void unblock_signals(void);
bool wait_a_tick(void);
bool show_progress(struct session *session, void (*look)(struct session *session, void *data),
		   void *data);
__printf(1, 2)
void say(const char *format, ...);

/* watch.c */
void watch_begin(struct watch *watch, bool fixed);
void watch_start(struct watch *watch);
void watch_look(struct watch *watch, const struct session *session);
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
const char *disturber_what(unsigned int number);
bool disturber_tunes(unsigned int number);
const char *disturber_missing(unsigned int number);
uint64_t disturber_times(unsigned int number);
void disturb_start(struct session *session);
void disturb_stop(void);

/* run.c, life.c: each returns what the program exits with */
int run_stress(const struct options *options);
int run_life(const struct options *options);

/* run.c */
int verdict(struct result *result);

/* record.c */
struct count_name {
	enum dref_stress_count	what;
	const char		*name;
};

extern const struct count_name count_names[];
extern const size_t nr_count_names;
void record_open(const struct options *options);
void record_sample(const struct sample *sample, double rate);
void record_result(const struct result *result);

#endif /* STRESS_H */
