/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interfaces between the files of dref-native.
 *
 *	main.c		parses the options
 *	rows.c		has a row for each counter, with the loops that use it
 *	bench.c		runs a loop in threads, each on its own CPU, for some time
 *	passes.c	measures passes over many objects, and promotions
 *	report.c	prints tables and bounds, and writes the JSON file
 */
#ifndef BENCH_H
#define BENCH_H

#include <pthread.h>

#include <linux/dref.h>
#include <linux/kref.h>
#include <linux/percpu-refcount.h>

#include "../lib/cpus.h"
#include "../lib/program.h"

#define MAX_THREADS	512
#define MAX_COUNTS	32	/* of different numbers of threads */
#define MAX_RUNS	99

/**
 * struct subject - an object with a counter, on cache lines of its own
 * @refcount: the counter, if it is a refcount_t
 * @kref: the counter, if it is a kref
 * @percpu_ref: the counter, if it is a percpu_ref
 * @gone: the percpu_ref has been released
 * @dref: the counter, if it is a dref
 */
struct subject {
	union {
		refcount_t		refcount;
		struct kref		kref;
		struct dref		dref;
		struct {
			struct percpu_ref	percpu_ref;
			bool			gone;
		};
	};
} __aligned(128);

typedef void (*loop_t)(struct subject *subject, unsigned long n);

/**
 * struct counter - a way to count references, and the loops that measure it
 * @name: name in the tables and in JSON
 * @init: initialise the subject with one reference
 * @exit: drop this reference, and wait until the subject is released
 * @pairs: get and put, @n times
 * @lookups: tryget under RCU and put, @n times
 * @gets: get, @n times; NULL if hand-overs are not measured
 * @puts: put, @n times
 * @lives: create and destroy an object, @n times; NULL if not measured
 * @looks: read the object as debugfs does, @n times; NULL if not measured
 * @lives_wait: @lives waits for a grace period, so it is timed by the wall clock
 */
struct counter {
	const char	*name;
	void		(*init)(struct subject *subject);
	void		(*exit)(struct subject *subject);
	loop_t		pairs, lookups, gets, puts, lives, looks;
	bool		lives_wait;
};

enum scenario { ONE_OBJECT, OWN_OBJECT, LOOKUP, HANDOVER, OBSERVED, LIVES, NR_SCENARIOS };

extern const struct counter counters[];
extern const size_t nr_counters;
extern const struct counter *const refcount_row, *const kref_row, *const percpu_ref_row;
extern const struct counter *const exact_row, *const deferred_row, *const immortal_row;
extern const struct counter *const plain_row, *const borrow_row;
bool row_exists(enum scenario scenario, const struct counter *counter, unsigned int threads);
void rows_init(void);

struct options {
	unsigned int	counts[MAX_COUNTS];	/* numbers of threads */
	unsigned int	nr_counts;
	unsigned int	cpus[MAX_THREADS];	/* CPUs that this process may use */
	unsigned int	nr_cpus;
	unsigned int	runs;
	unsigned int	ms;
	unsigned int	possible;		/* CPUs, to measure passes; or 0 */
	const char	*json;
};

/* One scenario, counter and number of threads, with the results of all runs */
struct figure {
	enum scenario		scenario;
	const struct counter	*counter;
	unsigned int		threads;
	unsigned int		runs;
	double			ns[MAX_RUNS];
	double			on_cpu[MAX_RUNS];	/* share of time on a CPU */
};

#define NR_SIZES	3	/* 100, 1000 and 10000 objects */
#define NR_CACHES	3	/* warm, cold and hot: passes.c */
#define NR_PROMOTIONS	20	/* batches into which objects are divided, each timed */

/* Passes, or promotions, over a number of objects; and where their counters are cached */
struct walk {
	const char		*caches;
	unsigned int		objects;
	unsigned int		runs;
	double			ns[MAX_RUNS];
};

struct passes {
	struct walk		walks[NR_SIZES * NR_CACHES];
	unsigned int		nr_walks;
	struct walk		promotion;	/* batches of the largest size */
};

/* bench.c */
void bind_to(unsigned int cpu);
void bench_figure(const struct options *options, struct figure *figure);

/* passes.c */
void measure_passes(const struct options *options, struct passes *passes);

/* report.c */
double median(const double *values, unsigned int nr);
void report_open(const struct options *options);
bool report(const struct options *options, const struct figure *figures, size_t nr);
void report_passes(const struct options *options, const struct passes *passes);

#endif /* BENCH_H */
