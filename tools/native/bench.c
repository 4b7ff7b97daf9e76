// SPDX-License-Identifier: GPL-2.0
/*
 * Run a loop in threads, each bound to a CPU, for some time.
 *
 * The cost of a pair is CPU time divided by the number of pairs.  Other programs on
 * the machine do not add to it, as a thread that waits for its CPU uses no CPU time.
 * Threads that contend for a cache line must be on their CPUs at the same time, so
 * each figure comes with the share of the time during which they were.  Only loops
 * that wait for a grace period are timed by the wall clock.
 *
 * In the scenario OBSERVED, the last thread reads the object as fast as it can, and
 * the other threads count.
 *
 * In a hand-over, a thread gets a batch of references and tells its neighbour, which
 * puts them.  Each reference is therefore taken on one CPU and dropped on another.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <linux/jiffies.h>

#include "bench.h"
#include "shim/shim.h"

#define CHUNK		1000UL	/* pairs between two checks of the phase */
#define BATCH		100UL	/* references handed over at a time */
#define LOOKS		10UL	/* reads of the object between two checks of the phase */

enum phase { WARM_UP, MEASURE, STOP };

struct bench {
	const struct figure	*figure;
	const struct options	*options;
	enum phase		phase;
	pthread_barrier_t	ready;	/* for the members */
	pthread_barrier_t	begin;	/* and for the thread that sets the phase */
	struct subject		*shared;
	struct member		*members;
};

struct member {
	pthread_t		thread;
	struct bench		*bench;
	unsigned int		number;
	struct subject		*subject;
	unsigned long		given;	/* batches handed over to the next member */
	unsigned long		pairs;
	double			cpu_ns, wall_ns;
} __aligned(128);

static double clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

void bind_to(unsigned int cpu)
{
	if (!bind_to_cpu(cpu))
		die(1, "cannot run on CPU %u: %s", cpu, strerror(errno));
}

static struct subject *subject_new(const struct counter *counter)
{
	struct subject *subject = aligned_alloc(__alignof__(*subject), sizeof(*subject));

	if (!subject)
		die(1, "out of memory");
	memset(subject, 0, sizeof(*subject));
	counter->init(subject);
	return subject;
}

static enum phase phase_of(const struct member *member)
{
	return READ_ONCE(member->bench->phase);
}

static void hand_over(struct member *member)
{
	const struct counter *counter = member->bench->figure->counter;
	unsigned int left = member->number ?: member->bench->figure->threads;
	struct member *giver = &member->bench->members[left - 1];

	counter->gets(member->subject, BATCH);
	/* Pairs with the acquire in hand_over() of the next member */
	smp_store_release(&member->given, member->given + 1);
	/*
	 * Acquire: the gets of the giver come before the puts below.  In the phase STOP
	 * the giver may have ended.  The count stays balanced, as each member puts as many
	 * references as it gets.
	 */
	while (smp_load_acquire(&giver->given) < member->given) {
		if (phase_of(member) == STOP)
			break;
		cpu_relax();
	}
	counter->puts(member->subject, BATCH);
}

static bool is_observer(const struct member *member)
{
	const struct figure *figure = member->bench->figure;

	return figure->scenario == OBSERVED && member->number == figure->threads - 1;
}

static unsigned long run_chunk(struct member *member)
{
	const struct figure *figure = member->bench->figure;
	const struct counter *counter = figure->counter;

	if (is_observer(member)) {
		counter->looks(member->subject, LOOKS);
		return 0;
	}
	switch (figure->scenario) {
	case HANDOVER:
		hand_over(member);
		return BATCH;
	case LOOKUP:
		counter->lookups(member->subject, CHUNK);
		return CHUNK;
	case LIVES:
		counter->lives(member->subject, counter->lives_wait ? 1 : CHUNK);
		return counter->lives_wait ? 1 : CHUNK;
	default:
		counter->pairs(member->subject, CHUNK);
		return CHUNK;
	}
}

static void member_run(void *arg)
{
	struct member *member = arg;
	struct bench *bench = member->bench;
	const struct counter *counter = bench->figure->counter;
	bool own = bench->figure->scenario == OWN_OBJECT;

	bind_to(bench->options->cpus[member->number]);
	/* The first member creates it, so that an exact object is at home on its CPU */
	if (!member->number)
		bench->shared = subject_new(counter);
	pthread_barrier_wait(&bench->ready);
	member->subject = own && member->number ? subject_new(counter) : bench->shared;
	pthread_barrier_wait(&bench->begin);

	while (phase_of(member) == WARM_UP)
		run_chunk(member);
	member->cpu_ns = -clock_ns(CLOCK_THREAD_CPUTIME_ID);
	member->wall_ns = -clock_ns(CLOCK_MONOTONIC);
	while (phase_of(member) == MEASURE)
		member->pairs += run_chunk(member);
	member->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
	member->wall_ns += clock_ns(CLOCK_MONOTONIC);

	pthread_barrier_wait(&bench->ready);
	if (member->subject != bench->shared || !member->number) {
		counter->exit(member->subject);
		free(member->subject);
	}
}

static void set_phase_after(struct bench *bench, unsigned int us, enum phase phase)
{
	usleep(us);
	WRITE_ONCE(bench->phase, phase);
}

static void measure(struct bench *bench, double *ns, double *on_cpu)
{
	const struct figure *figure = bench->figure;
	bool wall = figure->scenario == LIVES && figure->counter->lives_wait;
	double cpu_ns = 0, wall_ns = 0, observer_ns = 0;
	unsigned long pairs = 0;
	unsigned int i;

	for (i = 0; i < figure->threads; i++) {
		bench->members[i].bench = bench;
		bench->members[i].number = i;
		shim_thread(&bench->members[i].thread, member_run, &bench->members[i]);
	}
	schedule_begin();
	pthread_barrier_wait(&bench->begin);
	set_phase_after(bench, bench->options->ms * 1000 / 4, MEASURE);
	set_phase_after(bench, bench->options->ms * 1000, STOP);
	for (i = 0; i < figure->threads; i++)
		pthread_join(bench->members[i].thread, NULL);
	schedule_end();
	for (i = 0; i < figure->threads; i++) {
		if (is_observer(&bench->members[i]))
			observer_ns = bench->members[i].cpu_ns;
		pairs += bench->members[i].pairs;
		cpu_ns += bench->members[i].cpu_ns;
		wall_ns += bench->members[i].wall_ns;
	}
	/* A thread that never was on its CPU has measured nothing: the caller repeats */
	*ns = pairs ? (wall ? wall_ns : cpu_ns - observer_ns) / pairs : 0;
	*on_cpu = wall_ns ? cpu_ns / wall_ns : 0;
}

/* Measure another run of @figure */
void bench_figure(const struct options *options, struct figure *figure)
{
	struct bench bench = { .figure = figure, .options = options };
	double ns = 0, on_cpu = 0;

	while (!ns) {
		bench.phase = WARM_UP;
		bench.members = aligned_alloc(__alignof__(struct member),
					      figure->threads * sizeof(struct member));
		if (!bench.members)
			die(1, "out of memory");
		memset(bench.members, 0, figure->threads * sizeof(struct member));
		pthread_barrier_init(&bench.ready, NULL, figure->threads);
		pthread_barrier_init(&bench.begin, NULL, figure->threads + 1);
		measure(&bench, &ns, &on_cpu);
		pthread_barrier_destroy(&bench.ready);
		pthread_barrier_destroy(&bench.begin);
		free(bench.members);
	}
	figure->ns[figure->runs] = ns;
	figure->on_cpu[figure->runs++] = on_cpu;
}
