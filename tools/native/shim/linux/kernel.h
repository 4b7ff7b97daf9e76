/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Basic definitions of the kernel: attributes, READ_ONCE(), ERR_PTR(), bits, min() and
 * max(), and messages.  The kernel has them in many small headers; the Makefile makes
 * each of those include this file.
 *
 * READ_ONCE() and WRITE_ONCE() are relaxed atomics.  They compile to the same plain
 * loads and stores, and ThreadSanitizer knows that they may race.  It does not know
 * address dependencies, which provide order after a READ_ONCE() in the kernel, so under
 * ThreadSanitizer READ_ONCE() is stronger than relaxed.  As a result, ThreadSanitizer
 * does not notice that an acquire is missing.
 */
#ifndef SHIM_KERNEL_H
#define SHIM_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define noinline		__attribute__((noinline))
#define __noreturn		__attribute__((noreturn))
#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define __aligned(x)		__attribute__((aligned(x)))
#define ____cacheline_aligned	__aligned(64)
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define __must_check		__attribute__((warn_unused_result))
#define __signed_wrap
#define __maybe_unused		__attribute__((unused))
#define __cond_lock(x, c)	(c)
#define __acquires(x)
#define __cond_acquires(x)
#define __used			__attribute__((used))
#define __init
#define __exit

/* As in the kernel, an option is 1 or is not defined */
#define IS_ENABLED(...)		shim_is_one(__VA_ARGS__)
#define shim_is_one(value)	shim_is_one_(shim_arg_##value)
#define shim_is_one_(arg)	shim_second(arg 1, 0)
#define shim_second(first, second, ...)	second
#define shim_arg_1		0,

#define __ADDRESSABLE(sym) \
	static const void * const __used __addressable_##sym = &(sym)

#define EXPORT_SYMBOL(name)		_Static_assert(1, #name)
#define EXPORT_SYMBOL_GPL(name)		_Static_assert(1, #name)
#define EXPORT_PER_CPU_SYMBOL_GPL(name)	_Static_assert(1, #name)
#define BUILD_BUG_ON(bad)		_Static_assert(!(bad), #bad)

#undef static_assert
#define static_assert(expr, ...)	_Static_assert(expr, "" __VA_ARGS__)
#define __same_type(a, b)	__builtin_types_compatible_p(typeof(a), typeof(b))

#ifdef __SANITIZE_THREAD__
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_CONSUME)
#else
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#endif
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define barrier()		asm volatile("" : : : "memory")

#define _RET_IP_		((unsigned long)__builtin_return_address(0))
#define _THIS_IP_		({ __label__ __here; __here: (unsigned long)&&__here; })

#define min(a, b) ({ typeof(a) __a = (a); typeof(b) __b = (b); __a < __b ? __a : __b; })
#define max(a, b) ({ typeof(a) __a = (a); typeof(b) __b = (b); __a > __b ? __a : __b; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(x, low, high)	min(max(x, low), high)
#define DIV_ROUND_UP(n, by)	(((n) + (by) - 1) / (by))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define struct_size(p, member, n) (sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define SZ_4K			4096
#define BITS_PER_LONG		64
#define BIT(nr)			(1UL << (nr))
#define GENMASK(high, low)	(BIT((high) + 1) - BIT(low))
#define fls64(x)		((x) ? 64 - __builtin_clzll(x) : 0)

static inline size_t str_has_prefix(const char *string, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(string, prefix, len) ? 0 : len;
}

int kstrtouint(const char *text, unsigned int base, unsigned int *number);	/* kernel.c */

#define MAX_ERRNO		4095

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

static inline int PTR_ERR_OR_ZERO(const void *ptr)
{
	return IS_ERR(ptr) ? PTR_ERR(ptr) : 0;
}

u32 get_random_u32(void);	/* kernel.c */

static inline bool test_and_set_bit(int nr, unsigned long *word)
{
	return __atomic_fetch_or(word, BIT(nr), __ATOMIC_SEQ_CST) & BIT(nr);
}

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif

/* kernel.c: print a message unless shim_silent is set; shim_warn() also counts it */
__printf(1, 2) void shim_say(const char *format, ...);
__printf(1, 2) void shim_warn(const char *format, ...);

#define pr_err(fmt, ...)	shim_say(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)	shim_say(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...)	shim_say(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...)	((void)0)
#define pr_warn_ratelimited	pr_warn
#define pr_notice_ratelimited	pr_notice

typedef u32 depot_stack_handle_t;

#define WARN(bad, fmt, ...) ({				\
	bool __bad = (bad);				\
	if (unlikely(__bad))				\
		shim_warn(fmt, ##__VA_ARGS__);		\
	unlikely(__bad);				\
})
#define WARN_ONCE(bad, fmt, ...) ({			\
	static bool __warned;				\
	bool __bad_once = (bad);			\
							\
	if (unlikely(__bad_once))			\
		WARN(!__atomic_exchange_n(&__warned, true, __ATOMIC_RELAXED), \
		     fmt, ##__VA_ARGS__);		\
	unlikely(__bad_once);				\
})
#define WARN_ON_ONCE(bad)		WARN_ONCE(bad, "%s\n", #bad)
#define mem_dump_obj(object)		((void)(object))
#define BUG_ON(bad) do {				\
	if (unlikely(bad))				\
		abort();				\
} while (0)

#include <linux/container_of.h>

#endif /* SHIM_KERNEL_H */
