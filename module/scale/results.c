// SPDX-License-Identifier: GPL-2.0
/*
 * Results: the median, the minimum, the maximum and the 90th percentile of the
 * runs of a point, one point per line.  Most are times; those of churn.c are also
 * numbers of objects and the like, so each line names its unit.
 *
 * Results are kept until the next session begins, and can be read while a
 * session runs.  The columns of the table are at least two spaces apart, so
 * that programs can read it, too; the JSON has one object per line.  The
 * memory of an object is computed, not measured.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/utsname.h>

#include "scale.h"

#define SCALE_PARTS	1000U	/* results are kept in thousandths of their unit */

const char * const scale_measure_names[] = {
	[SCALE_SCALING]		= "scaling",
	[SCALE_LIFE]		= "life",
	[SCALE_PROMOTION]	= "promotion",
	[SCALE_PASS]		= "pass",
	[SCALE_RELEASE]		= "release",
	[SCALE_CHURN]		= "churn",
};

/* The unit of the number in a result */
static const char * const number_units[] = {
	[SCALE_SCALING]		= "threads",
	[SCALE_LIFE]		= "threads",
	[SCALE_PROMOTION]	= "threads",
	[SCALE_PASS]		= "objects",
	[SCALE_RELEASE]		= "objects",
	[SCALE_CHURN]		= "threads",
};

/**
 * struct scale_result - the result of one point
 * @node: entry in results
 * @measure: the measure that the point belongs to
 * @counter: the counter that was measured
 * @operation: the operation that was measured
 * @number: number of threads or objects
 * @unit: unit of the values, as ns
 * @median: median of all runs, in thousandths of @unit
 * @min: minimum of all runs
 * @max: maximum of all runs
 * @p90: 90th percentile: nine of ten runs did not exceed it
 */
struct scale_result {
	struct list_head	node;
	enum scale_measure	measure;
	const char		*counter;
	const char		*operation;
	unsigned int		number;
	const char		*unit;
	u64			median;
	u64			min;
	u64			max;
	u64			p90;
};

static DEFINE_MUTEX(results_mutex);
static LIST_HEAD(results);

/* Add a run in which @times operations took @ns */
void scale_runs_add(struct scale_runs *runs, u64 ns, u64 times)
{
	if (times && runs->nr < SCALE_MAX_RUNS)
		runs->thousandths[runs->nr++] = div64_u64(ns * SCALE_PARTS, times);
}

/* Add a run whose result is @number of @unit */
void scale_runs_add_number(struct scale_runs *runs, const char *unit, u64 number)
{
	runs->unit = unit;
	scale_runs_add(runs, number, 1);
}

static int compare(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return left < right ? -1 : left > right;
}

/* Add a result from @runs, unless there are none; sorts @runs */
int scale_add_result(enum scale_measure measure, const char *counter, const char *operation,
		     unsigned int number, struct scale_runs *runs)
{
	struct scale_result *result;

	if (!runs->nr)
		return 0;
	result = kzalloc(sizeof(*result), GFP_KERNEL);
	if (!result)
		return -ENOMEM;
	sort(runs->thousandths, runs->nr, sizeof(*runs->thousandths), compare, NULL);
	result->measure = measure;
	result->counter = counter;
	result->operation = operation;
	result->number = number;
	result->unit = runs->unit ?: "ns";
	result->median = runs->thousandths[runs->nr / 2];
	result->min = runs->thousandths[0];
	result->max = runs->thousandths[runs->nr - 1];
	result->p90 = runs->thousandths[DIV_ROUND_UP(runs->nr * 9, 10) - 1];

	mutex_lock(&results_mutex);
	list_add_tail(&result->node, &results);
	mutex_unlock(&results_mutex);
	return 0;
}

void scale_results_clear(void)
{
	struct scale_result *result, *next;

	mutex_lock(&results_mutex);
	list_for_each_entry_safe(result, next, &results, node)
		kfree(result);
	INIT_LIST_HEAD(&results);
	mutex_unlock(&results_mutex);
}

static size_t memory_on_all_cpus(const struct scale_counter *counter)
{
	return counter->bytes + counter->bytes_per_cpu * num_possible_cpus();
}

/* ---- the table ---- */

/* Two digits after the decimal point; less than a hundredth of an instruction is noise */
static void show_value(struct seq_file *seq, const char *before, u64 thousandths)
{
	u64 hundredths = div_u64(thousandths + SCALE_PARTS / 200, SCALE_PARTS / 100);
	u32 rest;

	hundredths = div_u64_rem(hundredths, 100, &rest);
	seq_printf(seq, "%s%llu.%02u", before, hundredths, rest);
}

void scale_results_show(struct seq_file *seq)
{
	const struct scale_result *result;

	seq_puts(seq, "measured   counter          operation       number  median  min  max  p90  unit\n");
	mutex_lock(&results_mutex);
	list_for_each_entry(result, &results, node) {
		seq_printf(seq, "%-9s  %-15s  %-14s  %6u", scale_measure_names[result->measure],
			   result->counter, result->operation, result->number);
		show_value(seq, "  ", result->median);
		show_value(seq, "  ", result->min);
		show_value(seq, "  ", result->max);
		show_value(seq, "  ", result->p90);
		seq_printf(seq, "  %s\n", result->unit);
	}
	mutex_unlock(&results_mutex);
}

/* ---- JSON ---- */

static const char *preempt_mode(void)
{
	if (preempt_model_rt())
		return "rt";
	if (preempt_model_full())
		return "full";
	if (dref_preempt_model_lazy())
		return "lazy";
	return preempt_model_voluntary() ? "voluntary" : "none";
}

static void show_machine(struct seq_file *seq, const struct scale_session *session)
{
	seq_printf(seq, "{\"list\":\"machine\",\"kernel\":\"%s\",\"machine\":\"%s\",",
		   utsname()->release, utsname()->machine);
	seq_printf(seq, "\"cpus_online\":%u,\"cpus_possible\":%u,\"preempt\":\"%s\",",
		   num_online_cpus(), num_possible_cpus(), preempt_mode());
	seq_printf(seq, "\"cpus\":\"%*pbl\",\"runs\":%u,\"ops\":%u,",
		   cpumask_pr_args(&session->cpumask), session->runs, session->ops);
	seq_printf(seq, "\"duration\":%u,\"limit\":%u}\n", session->duration, session->limit);
}

static void show_memory(struct seq_file *seq)
{
	const struct scale_counter *counter;
	unsigned int i;

	for (i = 0; i < scale_nr_counters; i++) {
		counter = &scale_counters[i];
		if (!counter->bytes)
			continue;
		seq_printf(seq, "{\"list\":\"memory\",\"counter\":\"%s\",", counter->name);
		seq_printf(seq, "\"bytes\":%zu,\"bytes_per_cpu\":%zu,\"bytes_here\":%zu}\n",
			   counter->bytes, counter->bytes_per_cpu,
			   memory_on_all_cpus(counter));
	}
}

static void show_result_json(struct seq_file *seq, const struct scale_result *result)
{
	seq_printf(seq, "{\"list\":\"%s\",\"counter\":\"%s\",\"operation\":\"%s\",\"%s\":%u",
		   scale_measure_names[result->measure], result->counter, result->operation,
		   number_units[result->measure], result->number);
	seq_printf(seq, ",\"%s\":", result->unit);
	show_value(seq, "", result->median);
	show_value(seq, ",\"min\":", result->min);
	show_value(seq, ",\"max\":", result->max);
	show_value(seq, ",\"p90\":", result->p90);
	seq_puts(seq, "}\n");
}

void scale_results_show_json(struct seq_file *seq, const struct scale_session *session)
{
	const struct scale_result *result;

	show_machine(seq, session);
	mutex_lock(&results_mutex);
	list_for_each_entry(result, &results, node)
		show_result_json(seq, result);
	mutex_unlock(&results_mutex);
	show_memory(seq);
}
