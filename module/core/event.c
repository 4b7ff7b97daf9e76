// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: events are counted per class and CPU, and summed when somebody
 * reads them, so that no operation on an object ever pays for a shared write.
 * What a class has counted is kept when the class goes.
 */
#include <linux/bitops.h>
#include <linux/ktime.h>

#include "internal.h"

/* Of the classes that are gone; under dref_classes_mutex */
unsigned long dref_events_retired[DREF_NR_EVENTS];

struct dref_class_cpu __percpu *dref_class_cpu_alloc(void)
{
	struct dref_class_cpu *cpu;

	if (dref_should_fail_alloc())
		return NULL;
	return __alloc_percpu(struct_size(cpu, events, DREF_NR_EVENTS),
			      __alignof__(*cpu));
}

unsigned long dref_events(const struct dref_class *class, enum dref_event event)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(class->cpu, cpu)->events[event]);
	return sum;
}

/*
 * Objects created and not released or immortalized.  Whoever draws conclusions
 * from zero has seen to it that all of them are created, so that only the ends
 * can be missed, and the answer is at worst too high.  Else the ends are summed
 * first, so that an object is rather counted for too long than not at all.
 */
long dref_class_live(const struct dref_class *class)
{
	unsigned long ended, created = 0;
	int cpu;

	ended = dref_events(class, DREF_RELEASED_EXACT) +
		dref_events(class, DREF_RELEASED_DEFERRED) +
		dref_events(class, DREF_IMMORTALIZED);
	for_each_possible_cpu(cpu)
		created += READ_ONCE(per_cpu_ptr(class->cpu, cpu)->created);
	return created - ended;
}

/*
 * Release latency.  Nobody knows when the last put of a deferred object was, as
 * gets and puts leave nothing but a count.  It was after the last time that a pass
 * saw a reference, which is in what is left of count, so what is counted here is
 * a bound: no release was later than that.
 */
DEFINE_PER_CPU(unsigned long [DREF_LATENCY_BUCKETS], dref_latency);

/* @ref was deferred, is dead, and is about to be released */
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
