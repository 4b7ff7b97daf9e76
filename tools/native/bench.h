/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of dref-native know of each other.
 *
 *	main.c		options
 *	rows.c		the counters and the loops over them: each one a row
 *	bench.c		threads on CPUs that run a loop for a while
 *	passes.c	passes over many objects, and their promotion
 *	report.c	tables, bounds, and the JSON file
 */
#ifndef BENCH_H
#define BENCH_H

#include <pthread.h>

#include <linux/dref.h>
#include <linux/kref.h>
#include <linux/percpu-refcount.h>

#define MAX_THREADS	512
#define MAX_COUNTS	32	/* different numbers of threads */
#define MAX_RUNS	99

/**
 * struct subject - what is counted, by whatever counter: nothing else on its lines
 * @refcount: for refcount_t
 * @kref: for kref
 * @percpu_ref: for percpu_ref
 * @gone: the percpu_ref has been released
 * @dref: for dref
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
 * struct counter - a way to count references
 * @name: for people and programs
 * @init: gives it a first reference
 * @exit: drops that, and waits until it is gone
 * @pairs: @n times get and put
 * @lookups: @n times tryget, under RCU, and put
 * @gets: @n times get; NULL: no handover
 * @puts: @n times put
 * @lives: @n times create and destroy an object of its own; NULL: not measured
 * @looks: @n times what a reader of debugfs does; NULL: not measured
 * @lives_wait: these wait for a grace period, so the clock on the wall counts
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
extern const struct counter *const borrow_row;
bool row_exists(enum scenario scenario, const struct counter *counter, unsigned int threads);
void rows_init(void);

struct options {
	unsigned int	counts[MAX_COUNTS];	/* of threads */
	unsigned int	nr_counts;
	unsigned int	cpus[MAX_THREADS];	/* that this process may use */
	unsigned int	nr_cpus;
	unsigned int	runs;
	unsigned int	ms;
	unsigned int	possible;		/* CPUs, in passes; 0: no passes */
	const char	*json;
};

/* One scenario, counter and number of threads; what each run has seen */
struct figure {
	enum scenario		scenario;
	const struct counter	*counter;
	unsigned int		threads;
	unsigned int		runs;
	double			ns[MAX_RUNS];
	double			on_cpu[MAX_RUNS];	/* share of the time */
};

#define NR_SIZES	3	/* 100, 1000 and 10000 objects */
#define NR_CACHES	3	/* warm, cold and hot: passes.c */
#define NR_PROMOTIONS	20	/* parts of a size, each of them timed */

/* Over so many objects, whose counters are in such caches */
struct walk {
	const char		*caches;
	unsigned int		objects;
	unsigned int		runs;
	double			ns[MAX_RUNS];
};

struct passes {
	struct walk		walks[NR_SIZES * NR_CACHES];
	unsigned int		nr_walks;
	struct walk		promotion;	/* of the last size */
};

/* bench.c */
void bind_to(unsigned int cpu);
void bench_figure(const struct options *options, struct figure *figure);

/* passes.c */
void walk_all(const struct options *options, struct passes *passes);

/* report.c */
double median(const double *values, unsigned int nr);
void report_open(const struct options *options);
bool report(const struct options *options, const struct figure *figures, size_t nr);
void report_passes(const struct options *options, const struct passes *passes);

/* main.c */
__printf(2, 3) __noreturn
void die(int status, const char *format, ...);

#endif /* BENCH_H */
