/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wait queues (kernel.c).
 *
 * As in the kernel, the condition is tested without a lock, before the task sleeps and
 * after each wakeup.  A full barrier separates it from the store that makes the task a
 * sleeper, and pairs with the one in wq_has_sleeper().
 */
#ifndef SHIM_WAIT_H
#define SHIM_WAIT_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>

/**
 * struct wait_queue_head - where tasks sleep
 * @lock: protects @wakeups and @woken
 * @woken: signals a wakeup
 * @wakeups: number of wakeups; also read without @lock
 * @sleepers: number of tasks that sleep here, or are about to
 */
typedef struct wait_queue_head {
	pthread_mutex_t	lock;
	pthread_cond_t	woken;
	unsigned long	wakeups;
	atomic_long_t	sleepers;
} wait_queue_head_t;

#define DECLARE_WAIT_QUEUE_HEAD(name) \
	wait_queue_head_t name = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER }

void shim_wait_begin(wait_queue_head_t *queue);
unsigned long shim_wait_prepare(wait_queue_head_t *queue);
bool shim_wait(wait_queue_head_t *queue, unsigned long wakeups, u64 until);
void shim_wait_end(wait_queue_head_t *queue);
void wake_up_all(wait_queue_head_t *queue);

static inline bool wq_has_sleeper(wait_queue_head_t *queue)
{
	smp_mb();
	return atomic_long_read(&queue->sleepers);
}

/* Sleep until @condition is true, or until the time @until; returns @condition */
#define shim_wait_event(queue, condition, until, unlock, lock) ({	\
	bool __met, __left = true;					\
	const u64 __until = (until);					\
	unsigned long __wakeups;					\
									\
	shim_wait_begin(&(queue));					\
	for (;;) {							\
		__wakeups = shim_wait_prepare(&(queue));		\
		__met = (condition);					\
		if (__met || !__left)					\
			break;						\
		unlock;							\
		__left = shim_wait(&(queue), __wakeups, __until);	\
		lock;							\
	}								\
	shim_wait_end(&(queue));					\
	__met;								\
})

#define wait_event(queue, condition) do {				\
	if (!(condition))						\
		(void)shim_wait_event(queue, condition, 0, (void)0, (void)0); \
} while (0)

/* No task is ever frozen or killed */
#define wait_event_state(queue, condition, state) ({			\
	(void)(state);							\
	wait_event(queue, condition);					\
	0;								\
})

/* As in the kernel, 0 if the time is over and the condition is false */
#define wait_event_timeout(queue, condition, timeout)			\
	((condition) ||							\
	 shim_wait_event(queue, condition,				\
			 ktime_get_ns() + (timeout) * (NSEC_PER_SEC / HZ), \
			 (void)0, (void)0))

/* For percpu_ref, which holds @spinlock */
#define wait_event_lock_irq(queue, condition, spinlock) do {		\
	if (!(condition))						\
		(void)shim_wait_event(queue, condition, 0,		\
				      spin_unlock_irq(&(spinlock)),	\
				      spin_lock_irq(&(spinlock)));	\
} while (0)

#endif /* SHIM_WAIT_H */
