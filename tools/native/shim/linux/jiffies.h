/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Time: jiffies at Debian's 250 Hz, clocks, and delays.
 */
#ifndef SHIM_JIFFIES_H
#define SHIM_JIFFIES_H

#include <sched.h>
#include <time.h>

#include <linux/kernel.h>

#define HZ			250
#define NSEC_PER_SEC		1000000000UL
#define NSEC_PER_MSEC		1000000UL
#define NSEC_PER_USEC		1000UL
#define USEC_PER_SEC		1000000UL

static inline u64 ktime_get_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

#define ktime_get_mono_fast_ns()	ktime_get_ns()
#define jiffies			((unsigned long)(ktime_get_ns() / (NSEC_PER_SEC / HZ)))
#define time_before(a, b)	((long)((a) - (b)) < 0)
#define time_after_eq(a, b)	(!time_before(a, b))

static inline unsigned int jiffies_to_msecs(unsigned long j)
{
	return j * (1000 / HZ);
}

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return DIV_ROUND_UP((unsigned long)ms * HZ, 1000);
}

#ifdef __x86_64__
#define cpu_relax()		__builtin_ia32_pause()
#else
#define cpu_relax()		barrier()
#endif

/* Yield while waiting, so that other threads run meanwhile on a busy machine */
static inline void udelay(unsigned long us)
{
	u64 until = ktime_get_ns() + us * NSEC_PER_USEC;

	while (ktime_get_ns() < until)
		sched_yield();
}

void msleep(unsigned int ms);

/* Needed to compile compat.h only */
enum hrtimer_restart { HRTIMER_NORESTART };
enum hrtimer_mode { HRTIMER_MODE_REL };

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
};

#define hrtimer_init(timer, clock, mode) ((void)(timer), (void)(clock), (void)(mode))

#endif /* SHIM_JIFFIES_H */
