/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ThreadSanitizer cannot see.
 *
 * RCU is in a library that is not instrumented, so TSan has to be told what a
 * grace period orders: what a reader did before the end of his section comes
 * before the end of each grace period that waits for him, and what was done
 * before a grace period began comes before what a reader does who begins later.
 * The first is told a little too generously: a reader who began after the grace
 * period did is waited for by luck, and TSan believes that it was by right.
 */
#ifndef SHIM_TSAN_H
#define SHIM_TSAN_H

#ifdef __SANITIZE_THREAD__

void __tsan_acquire(void *address);
void __tsan_release(void *address);

/* Their addresses are all that matters */
extern char tsan_gp_begun, tsan_readers, tsan_tasks;

#else

#define __tsan_acquire(address)	((void)0)
#define __tsan_release(address)	((void)0)

#endif /* __SANITIZE_THREAD__ */

#define tsan_gp_begin()		__tsan_release(&tsan_gp_begun)
#define tsan_gp_end()		__tsan_acquire(&tsan_readers)
#define tsan_rcu_read_begin()	__tsan_acquire(&tsan_gp_begun)
#define tsan_rcu_read_end()	__tsan_release(&tsan_readers)
/* Tasks RCU: a voluntary switch, and a grace period that waited for all of them */
#define tsan_tasks_switch()	__tsan_release(&tsan_tasks)
#define tsan_tasks_gp_end()	__tsan_acquire(&tsan_tasks)

#endif /* SHIM_TSAN_H */
