/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of dref_test.ko share: a test, and what tests are made of.
 *
 *	main.c	the table, debugfs, what a test leaves behind
 *	contract.c	the contract, one call at a time
 *	release.c	when release() runs, and in which context
 *	faults.c	miscounting: each of these makes the kernel warn
 *	concurrency.c	everything against everything
 *	hotplug.c	CPUs that go off line and come back
 *	trace.c	what the tracepoints are to tell (selftests/trace.sh)
 *	probe.c	a get and a put to be disassembled
 *	specimens.c	objects in each mode, for a debugger to look at
 *	hands.c	objects that user space takes and drops
 *
 * A test asks for classes, objects and threads, does something with them and
 * says with CHECK() what must hold.  It gives nothing back: when it returns,
 * the runner stops its threads, sees to it that each object has been released
 * exactly once (or is immortal), and unregisters its classes.
 */
#ifndef DREF_TEST_H
#define DREF_TEST_H

#include <linux/completion.h>
#include <linux/dref.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct dref_test;
struct seq_file;

/**
 * struct dref_test_case - a row in the table of tests
 * @name: its name in debugfs
 * @run: the test
 * @needs: tunables to be set before, as in "pass_min_ms=1 demote_passes=1"
 * @expects: counters that it moves, as in "underflows=1 warnings=1"; whoever
 *	reads the list takes it for granted that others of these do not move
 */
struct dref_test_case {
	const char	*name;
	void		(*run)(struct dref_test *t);
	const char	*needs;
	const char	*expects;
};

/* Ended by an empty row each */
extern const struct dref_test_case test_contract[];
extern const struct dref_test_case test_releases[];
extern const struct dref_test_case test_concurrency[];
extern const struct dref_test_case test_hotplug[];
extern const struct dref_test_case test_faults[];
extern const struct dref_test_case test_traced[];

/**
 * struct dref_test - one run of one test
 * @name: of the test
 * @over: threads shall return
 * @failed: a CHECK() has failed; @verdict says which
 * @skipped: it cannot run here; @note says why
 * @verdict: the first failure
 * @note: what the test has to say besides
 * @nr_threads: how many threads it has
 * @lock: protects the lists
 * @classes: that it has registered
 * @objects: that it has created
 * @threads: that it has
 */
struct dref_test {
	const char		*name;
	bool			over;
	unsigned long		failed;
	bool			skipped;
	char			verdict[200];
	char			note[200];
	unsigned int		nr_threads;
	spinlock_t		lock;		/* the lists */
	struct list_head	classes;
	struct list_head	objects;
	struct list_head	threads;
};

/**
 * struct test_object - an object that knows whether it has been released
 * @ref: its count
 * @released: how often release() was called; never more than once
 * @released_at: when
 * @on_release: what release() does besides, or NULL
 * @t: whose it is
 * @node: in the list of its test
 * @rcu: for test_object_free()
 *
 * The memory stays until the test is over, or until test_object_free(), so a
 * test can look at an object that should not have been released.  The rest is
 * for the tests to use.
 */
struct test_object {
	struct dref		ref;
	atomic_t		released;
	ktime_t			released_at;
	void			(*on_release)(struct test_object *obj);
	struct dref_test	*t;
	struct list_head	node;
	struct rcu_head		rcu;

	/* private: the tests' */
	struct test_object	*next;
	struct task_struct	*putter;
	unsigned long		cookie;
	bool			killed;
	unsigned int		data[8];
	atomic_t		turn;
};

/**
 * struct test_thread - a kernel thread of a test, bound to a CPU
 * @t: whose it is
 * @nr: 0, 1, 2 ... within the test
 * @arg: what the test gave it
 * @rnd: random numbers, the same ones in each run
 * @irq: called in hard interrupt context on this thread's CPU
 * @irq_period_us: how often, at least
 * @stall_ms: how long a stall or a preemption takes at most
 * @stalls: how many there have been
 * @preemptor: the thread that preempts this one, if any
 * @preempt: it shall
 */
struct test_thread {
	struct dref_test	*t;
	unsigned int		nr;
	void			*arg;
	struct rnd_state	rnd;
	void			(*irq)(struct test_thread *self);
	unsigned int		irq_period_us;
	unsigned int		stall_ms;
	unsigned int		stalls;
	struct task_struct	*preemptor;
	bool			preempt;
	/* private: the runner's */
	struct hrtimer		timer;
	void			(*run)(struct test_thread *self);
	struct task_struct	*task;
	struct completion	done;
	struct list_head	node;
};

/* Say what must hold.  Only the first failure of a test is kept. */
#define CHECK(t, condition, fmt, ...)					\
({									\
	bool __holds = (condition);					\
									\
	if (unlikely(!__holds))						\
		test_fail(t, __FILE__, __LINE__, fmt, ##__VA_ARGS__);	\
	likely(__holds);						\
})

__printf(4, 5)
void test_fail(struct dref_test *t, const char *file, int line, const char *fmt, ...);
__printf(2, 3)
void test_skip(struct dref_test *t, const char *fmt, ...);
__printf(2, 3)
void test_note(struct dref_test *t, const char *fmt, ...);

/* NULL after a failure, which is then on record */
struct dref_class *test_class(struct dref_test *t, unsigned int flags);
struct test_object *test_object(struct dref_test *t, struct dref_class *class);
struct test_object *test_new(struct dref_test *t, struct dref_class *class,
			     bool deferred);
void test_object_free(struct test_object *obj);
bool test_thread(struct dref_test *t, void (*run)(struct test_thread *self), void *arg);

/* Have all threads run: for the usual time, until they return, or as you like */
void test_run(struct dref_test *t);
void test_run_beyond(struct dref_test *t, const atomic_t *count, int least);
void test_run_once(struct dref_test *t);
void test_start(struct dref_test *t);
void test_stop(struct dref_test *t);

/* Interrupt this thread every now and then: @irq, at most @period_us apart */
void test_interrupt(struct test_thread *self, void (*irq)(struct test_thread *self),
		    unsigned int period_us);
void test_irq_stall(struct test_thread *self);
void test_irq_preempt(struct test_thread *self);

/* specimens.c */
int test_specimens_show(struct seq_file *seq, void *unused);
void test_specimens_exit(void);

static inline struct test_object *to_object(struct dref *ref)
{
	return container_of(ref, struct test_object, ref);
}

static inline bool test_released(const struct test_object *obj)
{
	return atomic_read_acquire(&obj->released);
}

static inline bool test_goes_on(struct dref_test *t)
{
	cond_resched();
	return !READ_ONCE(t->over) && !READ_ONCE(t->failed);
}

static inline unsigned int test_random(struct test_thread *self, unsigned int below)
{
	return prandom_u32_state(&self->rnd) % below;
}

static inline bool test_is_exact(const struct test_object *obj)
{
	return (READ_ONCE(obj->ref.mode) & DREF_MODE_STATE) == DREF_MODE_EXACT;
}

/* A read that meets a fold may be wrong; what is quiet is folded once */
static inline bool test_counts(struct test_object *obj, long references)
{
	if (dref_read(&obj->ref) == references)
		return true;
	dref_barrier();
	return dref_read(&obj->ref) == references;
}

/* Wait up to @ms for @condition; does it hold? */
#define test_soon(condition, ms)					\
({									\
	unsigned long __until = jiffies + msecs_to_jiffies(ms);		\
	bool __holds, __late;						\
									\
	for (;;) {							\
		__late = time_after_eq(jiffies, __until);		\
		__holds = (condition);					\
		if (__holds || __late)					\
			break;						\
		schedule_timeout_uninterruptible(1);			\
	}								\
	__holds;							\
})

/* probe.c */
void dref_probe_get(struct dref *ref);
void dref_probe_put(struct dref *ref);

/* hands.c */
struct dentry;
void test_hands_init(struct dentry *dir);
void test_hands_exit(void);

/* As many threads as fit the machine, and never less than three */
static inline unsigned int test_parallel(void)
{
	return max(num_online_cpus(), 3U);
}

/* For threads that are stalled most of the time: leave a CPU to the passes */
static inline unsigned int test_all_but_one(void)
{
	return max(num_online_cpus() - 1, 1U);
}

#endif /* DREF_TEST_H */
