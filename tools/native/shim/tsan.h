/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Annotations of RCU for ThreadSanitizer.
 *
 * RCU is in a library that is not instrumented, so these macros tell TSan what a grace
 * period orders.  The accesses of a reader happen before the end of each grace period
 * that waits for the reader's section.  Accesses before the beginning of a grace period
 * happen before the sections that begin after that.
 *
 * The first rule is slightly too strong here.  If a reader begins after a grace period
 * has begun, and happens to end before the grace period ends, TSan assumes an order
 * that RCU does not guarantee.
 */
#ifndef SHIM_TSAN_H
#define SHIM_TSAN_H

#ifdef __SANITIZE_THREAD__

void __tsan_acquire(void *address);
void __tsan_release(void *address);

/* Only their addresses are used */
extern char tsan_gp_begun, tsan_readers, tsan_tasks;

#else

#define __tsan_acquire(address)	((void)0)
#define __tsan_release(address)	((void)0)

#endif /* __SANITIZE_THREAD__ */

#define tsan_gp_begin()		__tsan_release(&tsan_gp_begun)
#define tsan_gp_end()		__tsan_acquire(&tsan_readers)
#define tsan_rcu_read_begin()	__tsan_acquire(&tsan_gp_begun)
#define tsan_rcu_read_end()	__tsan_release(&tsan_readers)
/* Tasks RCU: a voluntary switch, and the end of a grace period that waits for them */
#define tsan_tasks_switch()	__tsan_release(&tsan_tasks)
#define tsan_tasks_gp_end()	__tsan_acquire(&tsan_tasks)

#endif /* SHIM_TSAN_H */
