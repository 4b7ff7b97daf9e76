/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Atomics and barriers, with the builtins of the compiler.  They compile to the same
 * code as the kernel's assembler: one instruction with a lock prefix, or a loop around
 * cmpxchg.  The ordering is that of the kernel: an operation that returns a value is
 * fully ordered unless its name says otherwise, an operation that returns no value is
 * unordered, and so is a cmpxchg that fails.
 */
#ifndef SHIM_ATOMIC_H
#define SHIM_ATOMIC_H

#include <linux/kernel.h>

#define smp_mb()			__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()			__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_acquire__after_ctrl_dep()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, value)	__atomic_store_n(p, value, __ATOMIC_RELEASE)

#define xchg(p, value)			__atomic_exchange_n(p, value, __ATOMIC_SEQ_CST)
#define shim_try_cmpxchg(p, old, new, order) \
	__atomic_compare_exchange_n(p, old, new, false, order, __ATOMIC_RELAXED)
#define try_cmpxchg(p, old, new)	shim_try_cmpxchg(p, old, new, __ATOMIC_SEQ_CST)
#define try_cmpxchg_release(p, old, new) shim_try_cmpxchg(p, old, new, __ATOMIC_RELEASE)
#define cmpxchg(p, old, new) ({			\
	typeof(*(p)) __old = (old);		\
						\
	try_cmpxchg(p, &__old, new);		\
	__old;					\
})

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }

/* For refcount_t and the core of dref */

static inline int atomic_read(const atomic_t *v)
{
	return READ_ONCE(v->counter);
}

static inline void atomic_set(atomic_t *v, int i)
{
	WRITE_ONCE(v->counter, i);
}

static inline void atomic_set_release(atomic_t *v, int i)
{
	smp_store_release(&v->counter, i);
}

static inline int atomic_read_acquire(const atomic_t *v)
{
	return smp_load_acquire(&v->counter);
}

static inline void atomic_inc(atomic_t *v)
{
	__atomic_fetch_add(&v->counter, 1, __ATOMIC_RELAXED);
}

static inline int atomic_dec_return_release(atomic_t *v)
{
	return __atomic_sub_fetch(&v->counter, 1, __ATOMIC_RELEASE);
}

static inline int atomic_xchg(atomic_t *v, int i)
{
	return xchg(&v->counter, i);
}

static inline int atomic_inc_return(atomic_t *v)
{
	return __atomic_add_fetch(&v->counter, 1, __ATOMIC_SEQ_CST);
}

static inline int atomic_fetch_add_relaxed(int i, atomic_t *v)
{
	return __atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);
}

static inline int atomic_fetch_sub_release(int i, atomic_t *v)
{
	return __atomic_fetch_sub(&v->counter, i, __ATOMIC_RELEASE);
}

static inline bool atomic_try_cmpxchg_relaxed(atomic_t *v, int *old, int new)
{
	return shim_try_cmpxchg(&v->counter, old, new, __ATOMIC_RELAXED);
}

static inline bool atomic_try_cmpxchg_acquire(atomic_t *v, int *old, int new)
{
	return shim_try_cmpxchg(&v->counter, old, new, __ATOMIC_ACQUIRE);
}

static inline bool atomic_try_cmpxchg_release(atomic_t *v, int *old, int new)
{
	return shim_try_cmpxchg(&v->counter, old, new, __ATOMIC_RELEASE);
}

/* For dref and percpu_ref */

static inline long atomic_long_read(const atomic_long_t *v)
{
	return READ_ONCE(v->counter);
}

static inline long atomic_long_read_acquire(const atomic_long_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);
}

static inline void atomic_long_set(atomic_long_t *v, long i)
{
	WRITE_ONCE(v->counter, i);
}

static inline void atomic_long_set_release(atomic_long_t *v, long i)
{
	smp_store_release(&v->counter, i);
}

static inline void atomic_long_add(long i, atomic_long_t *v)
{
	__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);
}

static inline void atomic_long_sub(long i, atomic_long_t *v)
{
	atomic_long_add(-i, v);
}

static inline void atomic_long_inc(atomic_long_t *v)
{
	atomic_long_add(1, v);
}

static inline void atomic_long_dec(atomic_long_t *v)
{
	atomic_long_add(-1, v);
}

static inline long atomic_long_add_return(long i, atomic_long_t *v)
{
	return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);
}

static inline long atomic_long_inc_return(atomic_long_t *v)
{
	return atomic_long_add_return(1, v);
}

static inline long atomic_long_dec_return_release(atomic_long_t *v)
{
	return __atomic_sub_fetch(&v->counter, 1, __ATOMIC_RELEASE);
}

static __always_inline bool atomic_long_add_negative(long i, atomic_long_t *v)
{
	return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST) < 0;
}

static inline bool atomic_long_sub_and_test(long i, atomic_long_t *v)
{
	return !__atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST);
}

static inline long atomic_long_xchg(atomic_long_t *v, long i)
{
	return xchg(&v->counter, i);
}

static inline bool atomic_long_try_cmpxchg(atomic_long_t *v, long *old, long new)
{
	return try_cmpxchg(&v->counter, old, new);
}

static inline bool atomic_long_add_unless(atomic_long_t *v, long i, long unless)
{
	long old = atomic_long_read(v);

	do {
		if (old == unless)
			return false;
	} while (!atomic_long_try_cmpxchg(v, &old, old + i));
	return true;
}

static inline bool atomic_long_inc_not_zero(atomic_long_t *v)
{
	return atomic_long_add_unless(v, 1, 0);
}

static inline bool atomic_long_inc_unless_negative(atomic_long_t *v)
{
	long old = atomic_long_read(v);

	do {
		if (unlikely(old < 0))
			return false;
	} while (!atomic_long_try_cmpxchg(v, &old, old + 1));
	return true;
}

#endif /* SHIM_ATOMIC_H */
