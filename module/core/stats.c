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
static unsigned long retired[DREF_NR_EVENTS];

struct dref_class_cpu __percpu *dref_class_cpu_alloc(void)
{
	struct dref_class_cpu *cpu;

	if (dref_alloc_fails())
		return NULL;
	return __alloc_percpu(struct_size(cpu, events, DREF_NR_EVENTS),
			      __alignof__(*cpu));
}

static unsigned long dref_events(const struct dref_class *class,
				 enum dref_event event)
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
#define DREF_LATENCY_BUCKETS	32	/* 0, 1, 2-3, 4-7 ... microseconds */

static DEFINE_PER_CPU(unsigned long [DREF_LATENCY_BUCKETS], dref_latency);

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

void dref_latency_show(struct seq_file *seq)
{
	unsigned long sum;
	int i, cpu;

	for (i = 0; i < DREF_LATENCY_BUCKETS; i++) {
		sum = 0;
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu(dref_latency[i], cpu));
		seq_printf(seq, "%lu: %lu\n", i ? BIT(i - 1) : 0, sum);
	}
}

void dref_stats_retire(const struct dref_class *class)
{
	int event;

	for (event = 0; event < DREF_NR_EVENTS; event++)
		retired[event] += dref_events(class, event);
}

static void dref_show(struct seq_file *seq, const char *name, unsigned long value)
{
	seq_printf(seq, "%s: %lu\n", name, value);
}

/*
 * The counters that a class has of its own and that all classes have together.
 * Of objects that are dying only the passes know, and not by class.
 */
static void dref_counters_show(struct seq_file *seq, unsigned long deferred,
			       long live, const struct dref_pass_stats *pass,
			       const unsigned long *events)
{
	dref_show(seq, "deferred", deferred);
	dref_show(seq, "exact_live", max(live - (long)deferred, 0L));
	if (pass)
		dref_show(seq, "dying", pass->dying);
	dref_show(seq, "immortal", events[DREF_IMMORTALIZED]);
	dref_show(seq, "promotions", events[DREF_PROMOTIONS]);
	dref_show(seq, "demotions", events[DREF_DEMOTIONS]);
	dref_show(seq, "promotions_failed", events[DREF_PROMOTIONS_FAILED]);
	dref_show(seq, "released_exact", events[DREF_RELEASED_EXACT]);
	dref_show(seq, "released_deferred", events[DREF_RELEASED_DEFERRED]);
	dref_show(seq, "resurrected", events[DREF_RESURRECTED]);
	dref_show(seq, "underflows", events[DREF_UNDERFLOWS]);
	dref_show(seq, "overflows", events[DREF_OVERFLOWS]);
}

void dref_stats_show(struct seq_file *seq)
{
	unsigned long events[DREF_NR_EVENTS], deferred = 0;
	struct dref_pass_stats pass;
	struct dref_class *class;
	long live = 0;
	int event;

	mutex_lock(&dref_classes_mutex);
	memcpy(events, retired, sizeof(events));
	list_for_each_entry(class, &dref_classes, node) {
		deferred += atomic_long_read(&class->deferred);
		live += dref_class_live(class);
		for (event = 0; event < DREF_NR_EVENTS; event++)
			events[event] += dref_events(class, event);
	}
	mutex_unlock(&dref_classes_mutex);
	dref_pass_stats(&pass);

	dref_show(seq, "epoch", pass.epoch);
	dref_show(seq, "passes", pass.passes);
	dref_show(seq, "passes_expedited", pass.passes_expedited);
	dref_counters_show(seq, deferred, live, &pass, events);
	dref_show(seq, "slots_total", dref_slots_total());
	dref_show(seq, "slots_used", dref_slots_used());
	dref_show(seq, "slot_bytes", dref_slot_bytes());
	dref_show(seq, "gp_ns_last", pass.gp_ns_last);
	dref_show(seq, "gp_ns_max", pass.gp_ns_max);
	dref_show(seq, "pass_ns_last", pass.pass_ns_last);
	dref_show(seq, "pass_ns_max", pass.pass_ns_max);
}

/* The caller keeps @class registered */
void dref_class_stats_show(struct seq_file *seq, const struct dref_class *class)
{
	unsigned long events[DREF_NR_EVENTS];
	unsigned int flags = class->flags;
	int event;

	for (event = 0; event < DREF_NR_EVENTS; event++)
		events[event] = dref_events(class, event);

	seq_printf(seq, "flags:%s%s%s%s\n", flags ? "" : " none",
		   flags & DREF_SLEEP ? " sleep" : "",
		   flags & DREF_RCU ? " rcu" : "",
		   flags & DREF_EXACT ? " exact" : "");
	dref_counters_show(seq, atomic_long_read(&class->deferred),
			   dref_class_live(class), NULL, events);
}
