/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RCU and Tasks RCU, on top of liburcu (rcu.c).
 *
 * As in a preemptible kernel, rcu_read_lock() calls a function that is not inline.
 */
#ifndef SHIM_RCUPDATE_H
#define SHIM_RCUPDATE_H

#include <linux/atomic.h>

typedef void (*rcu_callback_t)(struct rcu_head *head);

void __rcu_read_lock(void);
void __rcu_read_unlock(void);
void synchronize_rcu(void);
void call_rcu(struct rcu_head *head, rcu_callback_t func);
#define call_rcu_hurry(head, func)	call_rcu(head, func)
void rcu_barrier(void);
void call_rcu_tasks(struct rcu_head *head, rcu_callback_t func);
void rcu_barrier_tasks(void);
unsigned long get_state_synchronize_rcu(void);
unsigned long start_poll_synchronize_rcu(void);
bool poll_state_synchronize_rcu(unsigned long cookie);

#define synchronize_rcu_expedited()	synchronize_rcu()
#define rcu_read_lock_held()		true
/* As without CONFIG_PROVE_RCU.  RCU watches each thread that is a CPU. */
#define RCU_LOCKDEP_WARN(bad, text)	((void)sizeof(bad))
#define rcu_is_watching()		true
#define rcu_assign_pointer(p, value)	smp_store_release(&(p), value)
#define ASSERT_EXCLUSIVE_ACCESS(var)	((void)(var))

static inline void rcu_read_lock(void)
{
	__rcu_read_lock();
}

static inline void rcu_read_unlock(void)
{
	__rcu_read_unlock();
}

#endif /* SHIM_RCUPDATE_H */
