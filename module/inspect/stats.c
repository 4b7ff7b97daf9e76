// SPDX-License-Identifier: GPL-2.0
/*
 * The contents of "stats" and "latency" in debugfs.
 *
 * Events are counted per class and CPU (event.c), and summed here when a file is read.
 * "stats" of all classes together includes the events of unregistered classes, from
 * dref_events_retired, so its counters never decrease.  dref_classes_mutex makes sure
 * that a class that is unregistered meanwhile is counted once.
 *
 * The numbers are not taken at the same moment, so they need not add up.
 */
#include <linux/bitops.h>
#include <linux/string.h>

#include "inspect.h"

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

static void dref_show(struct seq_file *seq, const char *name, unsigned long value)
{
	seq_printf(seq, "%s: %lu\n", name, value);
}

/*
 * Show the counters that a class has, or that all classes have together.  Dying objects
 * are known to the passes only, and not by class, so @pass is NULL for a class.
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
	dref_show(seq, "exited", events[DREF_EXITED]);
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
	memcpy(events, dref_events_retired, sizeof(events));
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
	unsigned int flags = READ_ONCE(class->flags);
	int event;

	for (event = 0; event < DREF_NR_EVENTS; event++)
		events[event] = dref_events(class, event);

	seq_printf(seq, "flags:%s%s%s%s%s\n", flags ? "" : " none",
		   flags & DREF_SLEEP ? " sleep" : "",
		   flags & DREF_RCU ? " rcu" : "",
		   flags & DREF_EXACT ? " exact" : "",
		   flags & DREF_ASYNC ? " async" : "");
	dref_counters_show(seq, atomic_long_read(&class->deferred),
			   dref_class_live(class), NULL, events);
}
