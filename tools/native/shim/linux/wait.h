/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wait queues, as far as percpu_ref needs them: it calls wait_event_lock_irq() with its
 * lock held.
 */
#ifndef SHIM_WAIT_H
#define SHIM_WAIT_H

#include <linux/spinlock.h>

typedef struct {
	pthread_cond_t cond;
} wait_queue_head_t;

#define DECLARE_WAIT_QUEUE_HEAD(name) \
	wait_queue_head_t name = { PTHREAD_COND_INITIALIZER }

#define wake_up_all(queue)	pthread_cond_broadcast(&(queue)->cond)
#define wait_event_lock_irq(queue, condition, spinlock) do {		\
	while (!(condition))						\
		pthread_cond_wait(&(queue).cond, &(spinlock).lock);	\
} while (0)
/* Needed to compile percpu-refcount.c only: dref-native never waits for a switch */
#define wait_event(queue, condition) do {	\
	if (!(condition))			\
		abort();			\
} while (0)

#endif /* SHIM_WAIT_H */
