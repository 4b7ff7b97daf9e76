/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interfaces between the files of dref-native-test.
 *
 *	test.c			parses the options, runs the tests, and prints KTAP
 *	test_contract.c		tests the contract from a single thread
 *	test_races.c		tests all operations in several threads at a time
 *	oracle.c		keeps its own record of references, without asking dref
 */
#ifndef TEST_H
#define TEST_H

#include <pthread.h>

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "module/inspect/inspect.h"
#include "shim/shim.h"

#define MAX_THREADS	64
#define POLL_MS		5	/* between two checks of a condition */

struct test {
	const char	*name;
	void		(*run)(const struct test *test);
	const void	*data;
};

/* test.c */
extern unsigned int test_threads, test_ms;
extern unsigned long test_warnings;	/* number that the test expects */
extern bool test_broken;
bool test_failed(void);
__printf(1, 2) void test_fail(const char *format, ...);
unsigned long test_stat(const char *name);
void test_stall(unsigned int one_in, unsigned int us);

/* If @condition does not hold, fail the test with this message */
#define check(condition, ...) do {		\
	if (!(condition))			\
		test_fail(__VA_ARGS__);		\
} while (0)

/* module/broken/broken.c, module/core/class.c */
extern unsigned int * const shim_param_stall_one_in, * const shim_param_stall_us;
extern const struct kernel_param shim_param_break, shim_param_delay_release;

/* test_contract.c, test_races.c; an entry without a name ends each list */
extern const struct test contract_tests[], race_tests[];

/* oracle.c */

/**
 * struct object - an object of a client of dref
 * @ref: the count
 * @rcu: used to free the object
 * @state: OBJECT_ALIVE, or OBJECT_DEAD after its release
 * @claimed: a thread is about to drop the reference of the place; of class_stable, this
 *	memory contains an object
 * @killed: set when dref_kill() has returned
 * @place: where the object is published, or NULL
 * @marks: a word for each thread that has held the object, written without a lock;
 *	ThreadSanitizer reports a put that does not order this write before release()
 */
struct object {
	struct dref	ref;
	struct rcu_head	rcu;
	unsigned int	state;
	bool		claimed;
	bool		killed;
	struct object	**place;
	unsigned long	marks[MAX_THREADS];
};

#define OBJECT_ALIVE	0xa11fe000U
#define OBJECT_DEAD	0xdeadbeefU

extern struct dref_class class_plain, class_sleep, class_rcu, class_exact, class_async;
extern struct dref_class class_stable;
extern unsigned long oracle_created, oracle_released;

void oracle_begin(void);
void oracle_end(void);
struct object *object_new(struct dref_class *class);
void object_begin(struct object *object, struct dref_class *class);
void object_expect_alive(const struct object *object);
void object_hold(struct object *object, unsigned int thread);
void object_let_go(unsigned int thread);

static inline void object_put(struct object *object, unsigned int thread)
{
	object_let_go(thread);
	dref_put(&object->ref);
}

#endif /* TEST_H */
