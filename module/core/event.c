// SPDX-License-Identifier: GPL-2.0
/*
 * Event counters and release latency.
 *
 * Events are counted per class and CPU, and summed when they are read, so that no
 * operation on an object writes to a shared cache line for statistics.  They are not
 * only statistics: dref_class_live() computes from them whether a class has objects
 * (class.c).  When a class is unregistered, its events are added to
 * dref_events_retired, so that the sums of all classes never decrease.
 *
 * The time of the last put of a deferred object is not known, because a put leaves
 * nothing but a count.  It came after the last pass that saw a reference.  The time of
 * that pass is in the count of the dead object (dref_declare_dead()).  So the latency
 * counted here is an upper bound: the release followed the last put sooner than that.
 */
#include <linux/bitops.h>
#include <linux/ktime.h>

#include "internal.h"

/* Of classes that have been unregistered; under dref_classes_mutex */
unsigned long dref_events_retired[DREF_NR_EVENTS];

unsigned long dref_events(const struct dref_class *class, enum dref_event event)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(class->cpu, cpu)->events[event]);
	return sum;
}

/*
 * Returns the number of objects that have been created, and neither released, nor ended by
 * dref_exit(), nor made immortal.  A caller that acts on zero has made sure that no object
 * is created any more.  Then only the end of an object can be missed, and the result is at
 * worst too high.  For other callers, ends are summed before creations, so that the result
 * tends to be too high rather than too low.
 */
long dref_class_live(const struct dref_class *class)
{
	unsigned long ended, created = 0;
	int cpu;

	ended = dref_events(class, DREF_RELEASED_EXACT) +
		dref_events(class, DREF_RELEASED_DEFERRED) +
		dref_events(class, DREF_EXITED) +
		dref_events(class, DREF_IMMORTALIZED);
	for_each_possible_cpu(cpu)
		created += READ_ONCE(per_cpu_ptr(class->cpu, cpu)->created);
	return created - ended;
}

/* A histogram of release latencies, in powers of two of a microsecond */
DEFINE_PER_CPU(unsigned long [DREF_LATENCY_BUCKETS], dref_latency);

/* Returns the time since @ref, which is dead and was deferred, was last seen held */
u64 dref_latency_us(const struct dref *ref)
{
	u64 held = atomic_long_read(&ref->count) - DREF_COUNT_DEAD;

	return ktime_get_ns() / NSEC_PER_USEC - held;
}

void dref_count_latency(const struct dref *ref)
{
	u64 us = dref_latency_us(ref);

	this_cpu_inc(dref_latency[min(fls64(us), DREF_LATENCY_BUCKETS - 1)]);
}

void dref_events_retire(const struct dref_class *class)
{
	int event;

	for (event = 0; event < DREF_NR_EVENTS; event++)
		dref_events_retired[event] += dref_events(class, event);
}
