// SPDX-License-Identifier: GPL-2.0
/*
 * RCU and Tasks RCU, on top of liburcu.
 *
 * RCU is the flavor "memb" of liburcu.  A reader writes to memory of its own, and a
 * grace period makes the kernel execute memory barriers on the CPUs of the readers.
 * As in a preemptible kernel, rcu_read_lock() and rcu_read_unlock() are functions of a
 * few instructions without a lock prefix.  Where preempt_disable() only changes a count
 * (shim/linux/percpu.h), a grace period also waits until it has seen the count of each CPU
 * at zero.  The barriers of liburcu make a count that was raised before them visible.
 *
 * Tasks RCU is the flavor "qsbr".  A thread reports that it is quiescent where a task
 * would switch voluntarily, which is in schedule() and around all calls that block.  It
 * never does so between the load of mode and the increment.
 *
 * Each flavor has a thread that waits for a grace period and then runs the callbacks
 * that were queued before.  Like a kernel, it waits some time before it begins a grace
 * period; without that, a test would find fewer races.  dref-native sets
 * shim_rcu_rest_us to 0.
 *
 * Grace periods are numbered in the order in which they begin.  A cookie is the number
 * of the last grace period that has begun.  A grace period with a higher number that
 * has ended is a full one.
 */
#include <linux/types.h>
#include <pthread.h>
#include <unistd.h>

#undef rcu_head			/* liburcu defines its own */
#ifndef __SANITIZE_THREAD__
#define _LGPL_SOURCE		/* liburcu is inlined into the functions below */
#endif
#include <urcu/urcu-memb.h>
#include <urcu/map/clear.h>
#include <urcu/urcu-qsbr.h>
#include <urcu/map/clear.h>
#undef rcu_assign_pointer	/* use the one in rcupdate.h */
#define rcu_head callback_head

#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "shim.h"
#include "tsan.h"

struct flavor {
	void		(*wait)(void);
	const unsigned int *rest_us;
	pthread_mutex_t	lock;
	pthread_cond_t	wanted;
	pthread_t	thread;
	struct rcu_head	*first;
	struct rcu_head	**last;
	bool		poll;		/* a grace period is wanted without a callback */
	bool		stop;
};

static void synchronize_rcu_tasks(void);

unsigned int shim_rcu_rest_us = 1000;
static const unsigned int tasks_rest_us = 5000;

static struct flavor rcu = {
	.wait		= synchronize_rcu,
	.rest_us	= &shim_rcu_rest_us,
	.lock		= PTHREAD_MUTEX_INITIALIZER,
	.wanted		= PTHREAD_COND_INITIALIZER,
	.last		= &rcu.first,
};

static struct flavor tasks = {
	.wait		= synchronize_rcu_tasks,
	.rest_us	= &tasks_rest_us,
	.lock		= PTHREAD_MUTEX_INITIALIZER,
	.wanted		= PTHREAD_COND_INITIALIZER,
	.last		= &tasks.first,
};

static atomic_long_t gp_begun, gp_over;

/* ---- readers, and tasks ---- */

void __rcu_read_lock(void)
{
	urcu_memb_read_lock();
	tsan_rcu_read_begin();
}

void __rcu_read_unlock(void)
{
	tsan_rcu_read_end();
	urcu_memb_read_unlock();
}

void shim_rcu_cpu_online(void)
{
	urcu_memb_register_thread();
	urcu_qsbr_register_thread();
}

void shim_rcu_cpu_offline(void)
{
	tsan_tasks_switch();
	urcu_qsbr_unregister_thread();
	urcu_memb_unregister_thread();
}

void schedule(void)
{
	tsan_tasks_switch();
	urcu_qsbr_quiescent_state();
}

/* schedule_begin() and schedule_end() enclose calls that block */
void schedule_begin(void)
{
	tsan_tasks_switch();
	urcu_qsbr_thread_offline();
}

void schedule_end(void)
{
	urcu_qsbr_thread_online();
}

/* ---- grace periods ---- */

/* Wait for the code that runs with preemption disabled, unless that is a reader of liburcu */
static void wait_for_preemption(void)
{
#ifdef CONFIG_X86_64
	int cpu;

	for_each_possible_cpu(cpu) {
		while (READ_ONCE(per_cpu(__preempt_count, cpu)) != PREEMPT_ENABLED)
			sched_yield();
	}
#endif
}

void synchronize_rcu(void)
{
	long gp = atomic_long_add_return(1, &gp_begun), over;

	tsan_gp_begin();
	schedule_begin();
	urcu_memb_synchronize_rcu();
	wait_for_preemption();
	schedule_end();
	tsan_gp_end();
	over = atomic_long_read(&gp_over);
	while (over < gp && !atomic_long_try_cmpxchg(&gp_over, &over, gp))
		;
}

static void synchronize_rcu_tasks(void)
{
	urcu_qsbr_synchronize_rcu();
	tsan_tasks_gp_end();
}

unsigned long get_state_synchronize_rcu(void)
{
	smp_mb();	/* order the caller's accesses before the next grace period */
	return atomic_long_read(&gp_begun);
}

bool poll_state_synchronize_rcu(unsigned long cookie)
{
	if ((unsigned long)atomic_long_read(&gp_over) <= cookie)
		return false;
	smp_mb();	/* order the caller's accesses after the grace period */
	tsan_gp_end();
	return true;
}

unsigned long start_poll_synchronize_rcu(void)
{
	unsigned long cookie = get_state_synchronize_rcu();

	pthread_mutex_lock(&rcu.lock);
	rcu.poll = true;
	pthread_cond_signal(&rcu.wanted);
	pthread_mutex_unlock(&rcu.lock);
	return cookie;
}

/* ---- callbacks ---- */

static void flavor_call(struct flavor *flavor, struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	head->next = NULL;
	pthread_mutex_lock(&flavor->lock);
	*flavor->last = head;
	flavor->last = &head->next;
	pthread_cond_signal(&flavor->wanted);
	pthread_mutex_unlock(&flavor->lock);
}

/*
 * Wait until a grace period is wanted, and take the callbacks that are queued.
 * Returns false if the thread is to stop.
 */
static bool flavor_take(struct flavor *flavor, struct rcu_head **head)
{
	bool wanted;

	schedule_begin();
	pthread_mutex_lock(&flavor->lock);
	while (!flavor->first && !flavor->poll && !flavor->stop)
		pthread_cond_wait(&flavor->wanted, &flavor->lock);
	wanted = flavor->first || flavor->poll;
	*head = flavor->first;
	flavor->first = NULL;
	flavor->last = &flavor->first;
	flavor->poll = false;
	pthread_mutex_unlock(&flavor->lock);
	if (wanted && *flavor->rest_us)
		usleep(*flavor->rest_us);
	schedule_end();
	return wanted;
}

static void flavor_run(void *arg)
{
	struct flavor *flavor = arg;
	struct rcu_head *head, *next;

	while (flavor_take(flavor, &head)) {
		flavor->wait();
		for (; head; head = next) {
			next = head->next;
			head->func(head);
		}
	}
}

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	flavor_call(&rcu, head, func);
}

void call_rcu_tasks(struct rcu_head *head, rcu_callback_t func)
{
	flavor_call(&tasks, head, func);
}

struct flavor_barrier {
	struct rcu_head	head;
	struct flavor	*flavor;
	pthread_cond_t	passed;
	bool		done;
};

static void flavor_passed(struct rcu_head *head)
{
	struct flavor_barrier *barrier = container_of(head, struct flavor_barrier, head);
	pthread_mutex_t *lock = &barrier->flavor->lock;

	pthread_mutex_lock(lock);
	barrier->done = true;
	pthread_cond_signal(&barrier->passed);
	pthread_mutex_unlock(lock);
}

/* Wait until all callbacks that were queued before have run */
static void flavor_barrier(struct flavor *flavor)
{
	struct flavor_barrier barrier = {
		.flavor = flavor,
		.passed = PTHREAD_COND_INITIALIZER,
	};

	flavor_call(flavor, &barrier.head, flavor_passed);
	schedule_begin();
	pthread_mutex_lock(&flavor->lock);
	while (!barrier.done)
		pthread_cond_wait(&barrier.passed, &flavor->lock);
	pthread_mutex_unlock(&flavor->lock);
	schedule_end();
}

void rcu_barrier(void)
{
	flavor_barrier(&rcu);
}

void rcu_barrier_tasks(void)
{
	flavor_barrier(&tasks);
}

static void flavor_stop(struct flavor *flavor)
{
	pthread_mutex_lock(&flavor->lock);
	flavor->stop = true;
	pthread_cond_signal(&flavor->wanted);
	pthread_mutex_unlock(&flavor->lock);
	schedule_begin();
	pthread_join(flavor->thread, NULL);
	schedule_end();
}

void shim_rcu_start(void)
{
	shim_thread(&rcu.thread, flavor_run, &rcu);
	shim_thread(&tasks.thread, flavor_run, &tasks);
}

void shim_rcu_stop(void)
{
	flavor_stop(&tasks);
	flavor_stop(&rcu);
}
