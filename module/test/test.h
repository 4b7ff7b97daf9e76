/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of dref_test.ko.
 *
 *	main.c		the list of tests, debugfs, cleaning up after a test
 *	classes.c	classes: registering them, and waiting for their objects
 *	contract.c	the contract of an object, one call at a time
 *	reuse.c		objects in memory that contains something else, or an older object
 *	release.c	when release() runs, and what it sees
 *	context.c	in which context release() runs
 *	faults.c	miscounting: most of these tests make the kernel warn
 *	odebug.c	mistakes that only a kernel with debugobjects detects
 *	concurrency.c	operations that race with each other and with passes
 *	hotplug.c	CPUs that go off line and come back
 *	trace.c		sequences of trace events for selftests/trace.sh
 *	probe.c		a get and a put for selftests/host/objdump.sh
 *	specimens.c	an object in each mode, for a debugger to inspect
 *	hands.c		objects that user space takes and drops
 *
 * leave.c is a module of its own, dref_test_leave.ko.
 *
 * A test creates classes, objects and threads, uses them, and states with
 * CHECK() what must hold.  It does not clean up.  When it returns, the runner
 * stops its threads, checks that each object has been released exactly once (or
 * is immortal), and unregisters its classes.
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
 * struct dref_test_case - a row in the list of tests
 * @name: name of the file in debugfs that runs the test
 * @run: the test
 * @needs: parameters of dref.ko that user space must set before the test, as in
 *	"pass_min_ms=1 demote_passes=1"
 * @expects: counters that the test changes, as in "underflows=1 warnings=1".
 *	in_kernel fails a test that changes underflows, overflows, warnings,
 *	odebug, exact_live or deferred and does not say so here.
 * @says: texts that the kernel log has after the test, as in "second kill|no class".
 *	A WARN_ONCE() does not warn in the second run of a test, but the log has it.
 */
struct dref_test_case {
	const char	*name;
	void		(*run)(struct dref_test *t);
	const char	*needs;
	const char	*expects;
	const char	*says;
};

/* Each of these arrays ends with an empty row */
extern const struct dref_test_case test_classes[];
extern const struct dref_test_case test_contract[];
extern const struct dref_test_case test_reuse[];
extern const struct dref_test_case test_releases[];
extern const struct dref_test_case test_contexts[];
extern const struct dref_test_case test_concurrency[];
extern const struct dref_test_case test_hotplug[];
extern const struct dref_test_case test_faults[];
extern const struct dref_test_case test_odebug[];
extern const struct dref_test_case test_traced[];

/* Values of @needs: no periodic pass during the test, as the next one is a minute away */
#define MANUAL_PASSES	"pass_max_ms=60000 pass_min_ms=60000"
/* Periodic passes follow each other as closely as possible */
#define QUICK_PASSES	"pass_min_ms=1 pass_max_ms=1"
/* An object is demoted as soon as possible */
#define QUICK_DEMOTION	QUICK_PASSES " demote_passes=1"
/* Objects are promoted and demoted as often as possible */
#define FLAPPING	QUICK_DEMOTION " promote_threshold=2"

/* Sets of flags that differ in how release() is called; the first one is 0 */
#define TEST_FLAGS	5
extern const unsigned int test_flags[TEST_FLAGS];

/**
 * struct dref_test - one run of one test
 * @name: name of the test
 * @over: the threads must return
 * @failed: a CHECK() has failed; @verdict describes it
 * @skipped: the test cannot run here; @note gives the reason
 * @verdict: description of the first failure
 * @note: what the test has measured, or why it was skipped
 * @nr_threads: number of threads in @threads
 * @lock: protects @classes and @objects
 * @classes: classes that the test has registered
 * @objects: objects that the test has created
 * @threads: threads that the test has created
 */
struct dref_test {
	const char		*name;
	bool			over;
	unsigned long		failed;
	bool			skipped;
	char			verdict[200];
	char			note[200];
	unsigned int		nr_threads;
	spinlock_t		lock;		/* classes, objects */
	struct list_head	classes;
	struct list_head	objects;
	struct list_head	threads;
};

/**
 * struct test_object - an object that counts its releases
 * @ref: its reference count
 * @released: number of calls of release(), at most one
 * @released_at: time of release()
 * @on_release: called by release(), or NULL
 * @t: the test that created the object
 * @node: entry in @t->objects
 * @rcu: used by test_object_free()
 *
 * The memory is freed when the test is over, or by test_object_free(), so a
 * test can look at an object that should not have been released.  The fields
 * after @rcu are scratch space for the tests.
 */
struct test_object {
	struct dref		ref;
	atomic_t		released;
	ktime_t			released_at;
	void			(*on_release)(struct test_object *obj);
	struct dref_test	*t;
	struct list_head	node;
	struct rcu_head		rcu;

	/* private: scratch space for the tests */
	struct test_object	*next;
	struct task_struct	*putter;
	unsigned long		cookie;
	bool			killed;
	unsigned int		data[8];
	atomic_t		turn;
};

/**
 * struct test_thread - a kernel thread of a test, bound to a CPU
 * @t: the test that created the thread
 * @nr: number of the thread within the test, from 0
 * @arg: the argument of test_thread()
 * @rnd: state of test_random(), with the same seed in each run
 * @irq: called in hard interrupt context on the thread's CPU, or NULL
 * @irq_period_us: the time from one call of @irq to the next is random, and at
 *	most about this long
 * @stall_ms: the longest stall or preemption
 * @stalls: number of stalls and preemptions so far
 * @preemptor: a thread that preempts this one, or NULL
 * @preempt: asks @preemptor to preempt
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
	/* private: used by the runner */
	struct hrtimer		timer;
	void			(*run)(struct test_thread *self);
	struct task_struct	*task;
	struct completion	done;
	struct list_head	node;
};

/*
 * CHECK() states what must hold, and evaluates to whether it does.  Only the
 * first failure of a test is recorded.
 */
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

/* These return NULL or false after a failure, which has then been recorded */
struct dref_class *test_class(struct dref_test *t, unsigned int flags);
struct test_object *test_object(struct dref_test *t, struct dref_class *class);
struct test_object *test_new(struct dref_test *t, struct dref_class *class,
			     bool deferred);
void test_object_free(struct test_object *obj);

/* contract.c: bring a new object into a mode, if need be with QUICK_DEMOTION */
enum test_mode { TEST_EXACT, TEST_DEFERRED, TEST_DEMOTING, TEST_DEMOTED, TEST_MODES };
extern const char * const test_mode_name[TEST_MODES];
bool test_bring_into_mode(struct dref_test *t, struct test_object *obj,
			  enum test_mode mode);

bool test_thread(struct dref_test *t, void (*run)(struct test_thread *self), void *arg);

/*
 * Run all threads.  test_run() stops them after duration_ms; test_run_beyond()
 * also waits until @count exceeds @least; test_run_once() waits until they
 * return.  Other tests call test_start() and test_stop().
 */
void test_run(struct dref_test *t);
void test_run_beyond(struct dref_test *t, const atomic_t *count, int least);
void test_run_once(struct dref_test *t);
void test_start(struct dref_test *t);
void test_stop(struct dref_test *t);

/* Call @irq on this thread's CPU at random intervals of at most about @period_us */
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
	return (READ_ONCE(obj->ref.mode) & DREF_MODE_TAGS) == DREF_MODE_EXACT;
}

/*
 * Test whether a quiet object has @references references.  dref_read() may
 * return a wrong number during a fold, but a quiet object is folded only once,
 * so the second read is right.
 */
static inline bool test_count_is(struct test_object *obj, long references)
{
	if (dref_read(&obj->ref) == references)
		return true;
	dref_barrier();
	return dref_read(&obj->ref) == references;
}

/* Wait up to @ms for @condition; evaluates to whether it holds */
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

/* Number of threads that keep the machine busy: one for each CPU, at least three */
static inline unsigned int test_parallel(void)
{
	return max(num_online_cpus(), 3U);
}

/* Number of threads for a test that stalls them: leaves one CPU to the passes */
static inline unsigned int test_all_but_one(void)
{
	return max(num_online_cpus() - 1, 1U);
}

#endif /* DREF_TEST_H */
