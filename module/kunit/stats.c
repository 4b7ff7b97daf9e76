// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of statistics: sums over CPUs and classes, the events kept from a retired
 * class, and the latency of releases.  The tests set the clock of the latency.
 */
#include "kunit.h"

#include <linux/ktime.h>

static u64 kunit_now_ns;
#define ktime_get_ns() kunit_now_ns
#include "../core/event.c"
#include "../inspect/stats.c"

unsigned long kunit_events(const struct dref_class *class, enum dref_event event)
{
	return dref_events(class, event);
}

/* Prepare @seq for the output of a file in debugfs; returns its buffer */
static const char *init_output(struct kunit *test, struct seq_file *seq)
{
	memset(seq, 0, sizeof(*seq));
	seq->size = PAGE_SIZE;
	seq->buf = kunit_kzalloc(test, seq->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq->buf);
	return seq->buf;
}

/* Returns the value of a line "name: value", or -1 if there is none */
static long value_of(const char *text, const char *name)
{
	size_t len = strlen(name);
	unsigned long value;

	for (; text && *text; text = strchr(text, '\n'), text += !!text) {
		if (!strncmp(text, name, len) && text[len] == ':' &&
		    sscanf(text + len, ": %lu", &value) == 1)
			return value;
	}
	return -1;
}

/* Count events on all possible CPUs, a different number on each; returns their sum */
static unsigned long count_on_all_cpus(struct dref_class *class, enum dref_event event,
				       unsigned long some)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu_ptr(class->cpu, cpu)->events[event] += some * (cpu + 1);
		sum += some * (cpu + 1);
	}
	return sum;
}

static void add_created(struct dref_class *class, unsigned long nr)
{
	per_cpu_ptr(class->cpu, cpumask_last(cpu_possible_mask))->created += nr;
}

static void events_are_summed_over_all_cpus(struct kunit *test)
{
	struct dref_class *class = &kunit_class.class;
	unsigned long sums[DREF_NR_EVENTS];
	int event, cpu;

	for (event = 0; event < DREF_NR_EVENTS; event++)
		sums[event] = count_on_all_cpus(class, event, event + 1);
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		dref_count_event(class, DREF_PROMOTIONS);
		sums[DREF_PROMOTIONS]++;
	}
	for (event = 0; event < DREF_NR_EVENTS; event++)
		KUNIT_EXPECT_EQ_MSG(test, dref_events(class, event), sums[event],
				    "event %d", event);
}

/* Only the ends of objects are subtracted from the objects created */
static void live_is_created_less_ended(struct kunit *test)
{
	static const bool ends[DREF_NR_EVENTS] = {
		[DREF_RELEASED_EXACT] = true,
		[DREF_RELEASED_DEFERRED] = true,
		[DREF_EXITED] = true,
		[DREF_IMMORTALIZED] = true,
	};
	struct dref_class *class = &kunit_class.class;
	long live = 100000;
	int event;

	add_created(class, live);
	KUNIT_EXPECT_EQ(test, dref_class_live(class), live);
	for (event = 0; event < DREF_NR_EVENTS; event++) {
		live -= count_on_all_cpus(class, event, 10) * ends[event];
		KUNIT_EXPECT_EQ_MSG(test, dref_class_live(class), live, "event %d", event);
	}
}

static void a_class_shows_its_statistics(struct kunit *test)
{
	struct dref_class *class = &kunit_class.class;
	struct seq_file seq;
	const char *text = init_output(test, &seq);
	unsigned long released, promotions;

	class->flags = DREF_SLEEP | DREF_EXACT;
	add_created(class, 5000);
	released = count_on_all_cpus(class, DREF_RELEASED_EXACT, 3);
	promotions = count_on_all_cpus(class, DREF_PROMOTIONS, 7);
	atomic_long_set(&class->deferred, 11);
	dref_class_stats_show(&seq, class);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "flags: sleep exact\n"));
	KUNIT_EXPECT_EQ(test, value_of(text, "deferred"), 11L);
	KUNIT_EXPECT_EQ(test, value_of(text, "exact_live"), (long)(5000 - released - 11));
	KUNIT_EXPECT_EQ(test, value_of(text, "released_exact"), (long)released);
	KUNIT_EXPECT_EQ(test, value_of(text, "released_deferred"), 0L);
	KUNIT_EXPECT_EQ(test, value_of(text, "promotions"), (long)promotions);
	KUNIT_EXPECT_EQ(test, value_of(text, "promotions_failed"), 0L);

	/* if more objects are deferred than live, exact_live is 0 and not negative */
	atomic_long_set(&class->deferred, 6000);
	text = init_output(test, &seq);
	dref_class_stats_show(&seq, class);
	KUNIT_EXPECT_EQ(test, value_of(text, "exact_live"), 0L);
	atomic_long_set(&class->deferred, 0);
}

/* The statistics of all classes include a class before and after it is retired */
static void events_of_a_retired_class_are_kept(struct kunit *test)
{
	static const char * const kept[] = {
		"promotions", "demotions", "promotions_failed", "released_exact",
		"released_deferred", "exited", "immortal", "resurrected", "underflows",
		"overflows"
	};
	static struct dref_class other = { .name = "other" };
	long before[ARRAY_SIZE(kept)], both[ARRAY_SIZE(kept)];
	struct dref_class *class = &kunit_class.class;
	struct seq_file seq;
	const char *text;
	int event, i;

	for (event = 0; event < DREF_NR_EVENTS; event++)
		dref_events_retired[event] = 3;		/* from a class retired before */
	text = init_output(test, &seq);
	dref_stats_show(&seq);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		before[i] = value_of(text, kept[i]);

	other.cpu = alloc_percpu(struct dref_class_cpu);
	KUNIT_ASSERT_NOT_NULL(test, (__force void *)other.cpu);
	list_add(&other.node, &dref_classes);
	add_created(class, 500000);
	for (event = 0; event < DREF_NR_EVENTS; event++) {
		count_on_all_cpus(class, event, 100 + event);
		count_on_all_cpus(&other, event, 7);
	}
	text = init_output(test, &seq);
	dref_stats_show(&seq);
	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		both[i] = value_of(text, kept[i]);
		KUNIT_EXPECT_GT_MSG(test, both[i], before[i], "%s", kept[i]);
	}

	dref_events_retire(&other);
	list_del(&other.node);
	free_percpu(other.cpu);
	text = init_output(test, &seq);
	dref_stats_show(&seq);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		KUNIT_EXPECT_EQ_MSG(test, value_of(text, kept[i]), both[i], "%s", kept[i]);
	memset(dref_events_retired, 0, sizeof(dref_events_retired));
}

/* An event of an object whose class is unregistered is not counted */
static void events_without_a_class_are_dropped(struct kunit *test)
{
	struct dref_class gone = { .name = "gone" };

	dref_count_event(&gone, DREF_UNDERFLOWS);
	KUNIT_EXPECT_EQ(test, kunit_events(&kunit_class.class, DREF_UNDERFLOWS), 0UL);
}

/* Both ends of each bucket: they are powers of two, and the last bucket has no end */
static void latency_buckets_are_powers_of_two(struct kunit *test)
{
	static const struct {
		u64		us;
		unsigned int	bucket;
	} rows[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 2 }, { 4, 3 }, { 7, 3 }, { 8, 4 },
		{ 1023, 10 }, { 1024, 11 }, { BIT(29), 30 }, { BIT(30) - 1, 30 },
		{ BIT(30), 31 }, { BIT(31), 31 }, { BIT(40), 31 },
	};
	unsigned long before[DREF_LATENCY_BUCKETS];
	const u64 held_us = 1000000;
	struct dref ref = { };
	int i, bucket, cpu;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (bucket = 0; bucket < DREF_LATENCY_BUCKETS; bucket++) {
			before[bucket] = 0;
			for_each_possible_cpu(cpu)
				before[bucket] += per_cpu(dref_latency[bucket], cpu);
		}
		atomic_long_set(&ref.count, DREF_COUNT_DEAD + held_us);
		kunit_now_ns = (held_us + rows[i].us) * NSEC_PER_USEC + 999;
		dref_count_latency(&ref);
		for (bucket = 0; bucket < DREF_LATENCY_BUCKETS; bucket++) {
			for_each_possible_cpu(cpu)
				before[bucket] -= per_cpu(dref_latency[bucket], cpu);
			KUNIT_EXPECT_EQ_MSG(test, -before[bucket],
					    (unsigned long)(bucket == rows[i].bucket),
					    "%llu us, bucket %d", rows[i].us, bucket);
		}
	}
}

/* Each bucket is shown in one line, named by its lower bound */
static void latency_is_shown_by_lower_bounds(struct kunit *test)
{
	struct seq_file seq;
	const char *text = init_output(test, &seq);
	unsigned int lines = 0;
	struct dref ref = { };
	long before;

	dref_latency_show(&seq);
	before = value_of(text, "512");
	atomic_long_set(&ref.count, DREF_COUNT_DEAD);
	kunit_now_ns = 1000 * NSEC_PER_USEC;
	dref_count_latency(&ref);
	text = init_output(test, &seq);
	dref_latency_show(&seq);
	KUNIT_EXPECT_EQ(test, value_of(text, "512"), before + 1);
	KUNIT_EXPECT_GE(test, value_of(text, "0"), 0L);
	KUNIT_EXPECT_GE(test, value_of(text, "1073741824"), 0L);
	while ((text = strchr(text, '\n'))) {
		text++;
		lines++;
	}
	KUNIT_EXPECT_EQ(test, lines, DREF_LATENCY_BUCKETS);
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE(events_are_summed_over_all_cpus),
	KUNIT_CASE(live_is_created_less_ended),
	KUNIT_CASE(a_class_shows_its_statistics),
	KUNIT_CASE(events_of_a_retired_class_are_kept),
	KUNIT_CASE(events_without_a_class_are_dropped),
	KUNIT_CASE(latency_buckets_are_powers_of_two),
	KUNIT_CASE(latency_is_shown_by_lower_bounds),
	{ }
};

KUNIT_CORE_SUITE("dref_stats", stats_cases);
