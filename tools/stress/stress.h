/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of dref-stress know of each other.
 *
 *	main.c		options
 *	number.c	numbers, times and lists of CPUs, read and written
 *	session.c	/dev/dref_stress, and the threads that call in
 *	progress.c	how far a run has come
 *	run.c		the stress run: scenarios under an oracle
 *	life.c		one object from its creation to its release
 *	cost.c		what a get and a put take, side by side
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include <linux/dref_stress.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

/* What the program exits with */
enum { CLEAN = 0, FAILED = 1, REFUSED = 2 };

struct options {
	unsigned int	scenario;
	uint64_t	duration_ns;	/* 0: no limit */
	uint64_t	ops;		/* 0: no limit */
	unsigned int	*cpus;
	unsigned int	nr_cpus;
	unsigned int	workers;
	unsigned int	objects;
	unsigned int	class_flags;
	uint64_t	seed;
	bool		quiet;
};

/**
 * struct worker - a thread, bound to a CPU, that does batches of steps
 * @session: whose it is
 * @thread: the thread
 * @number: its own, from 0
 * @cpu: which it is bound to
 * @ops: how many steps it shall do
 * @steps: so far; read by the main thread
 * @counts: so far, by enum dref_stress_count
 */
struct worker {
	struct session	*session;
	pthread_t	thread;
	unsigned int	number;
	unsigned int	cpu;
	uint64_t	ops;
	uint64_t	steps;
	uint64_t	counts[DREF_STRESS_COUNTS_SIZE];
};

/**
 * struct session - the open device
 * @options: what the user wants
 * @fd: the device
 * @scenario: what the workers do
 * @workers: as many as in the options
 * @stop: the workers shall return
 * @errors: how many the oracle has seen, as of the last batch
 * @broken: a call failed that should not: errno
 */
struct session {
	const struct options	*options;
	int			fd;
	unsigned int		scenario;
	struct worker		*workers;
	bool			stop;
	uint64_t		errors;
	int			broken;
};

/* main.c */
__printf(2, 3)
noreturn void die(int status, const char *format, ...);

/* number.c */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
bool parse_duration(const char *text, uint64_t *ns);
bool parse_cpus(const char *text, unsigned int **cpus, unsigned int *nr);
void allowed_cpus(unsigned int **cpus, unsigned int *nr);
const char *format_cpus(const unsigned int *cpus, unsigned int nr, char *text, size_t size);
const char *format_rate(double rate, char *text, size_t size);
uint64_t now_ns(void);

/* session.c */
void session_open(struct session *session, const struct options *options);
void session_setup(struct session *session, unsigned int objects, unsigned int flags);
void session_start(struct session *session, unsigned int scenario);
bool session_working(const struct session *session);
void session_stop(struct session *session);
void session_finish(struct session *session, struct dref_stress_report *report);
uint64_t session_steps(const struct session *session);
uint64_t session_count(const struct session *session, enum dref_stress_count what);
void bind_to_cpu(unsigned int cpu);

/* progress.c */
void block_signals(void);
void unblock_signals(void);
bool wait_a_tick(void);
bool show_progress(struct session *session, void (*look)(struct session *session));
__printf(1, 2)
void say(const char *format, ...);

/* run.c, life.c, cost.c: each returns what the program exits with */
int run_stress(const struct options *options);
int run_life(const struct options *options);
int run_cost(const struct options *options);
int verdict(const struct dref_stress_report *report, const char *failure,
	    bool interrupted);

/* run.c */
struct scenario {
	const char	*name;
	const char	*what;
};

extern const struct scenario scenarios[DREF_STRESS_NR_SCENARIOS];
const char *class_name(unsigned int flags, char *text, size_t size);

#endif /* STRESS_H */
