/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks.  All of them are mutexes of the C library: a thread that spins would only keep
 * the CPU from the holder of the lock, and there are no interrupts that take a lock.
 * For Tasks RCU, a task that waits for a lock has switched voluntarily.
 */
#ifndef SHIM_SPINLOCK_H
#define SHIM_SPINLOCK_H

#include <pthread.h>

#include <linux/kernel.h>

struct mutex {
	pthread_mutex_t lock;
};

typedef struct mutex spinlock_t;

#define __MUTEX_INITIALIZER(name)	{ PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_MUTEX(name)	struct mutex name = __MUTEX_INITIALIZER(name)
#define DEFINE_SPINLOCK(name)	DEFINE_MUTEX(name)

void mutex_lock(struct mutex *mutex);

static inline void mutex_unlock(struct mutex *mutex)
{
	pthread_mutex_unlock(&mutex->lock);
}

#define lockdep_assert_held(lock)	((void)(lock))
#define spin_lock(lock)			mutex_lock(lock)
#define spin_unlock(lock)		mutex_unlock(lock)
#define spin_lock_irq(lock)		mutex_lock(lock)
#define spin_unlock_irq(lock)		mutex_unlock(lock)
#define spin_lock_irqsave(lock, flags)	((flags) = 0, mutex_lock(lock))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), mutex_unlock(lock))

#endif /* SHIM_SPINLOCK_H */
