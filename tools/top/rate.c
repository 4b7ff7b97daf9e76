// SPDX-License-Identifier: GPL-2.0
/*
 * Rates: the difference between a counter in this sample and in the one before,
 * divided by the seconds between the two.  A counter goes backwards if its module was
 * reloaded or its class was registered again.  Its rate is then unknown, not negative.
 */
#include <math.h>
#include <string.h>

#include "top.h"

double rate_of(uint64_t before, uint64_t now, double seconds)
{
	return seconds > 0 && now >= before ? (now - before) / seconds : NAN;
}

static void rate_stats(const struct stats *before, struct stats *now, double seconds)
{
	unsigned int both = before ? before->known & now->known : 0;
	size_t i;

	for (i = 0; i < NR_STATS; i++) {
		now->rates[i] = NAN;
		if (both & 1U << i && stat_lines[i].counter)
			now->rates[i] = rate_of(before->values[i], now->values[i], seconds);
	}
}

static const struct class *find_class(const struct sample *sample, const char *name)
{
	size_t i;

	for (i = 0; i < sample->nr_classes; i++) {
		if (!strcmp(sample->classes[i].name, name))
			return &sample->classes[i];
	}
	return NULL;
}

static const struct cpu *find_cpu(const struct sample *sample, unsigned int number)
{
	size_t i;

	for (i = 0; i < sample->nr_cpus; i++) {
		if (sample->cpus[i].number == number)
			return &sample->cpus[i];
	}
	return NULL;
}

static void rate_cpu(const struct cpu *before, struct cpu *now, double seconds)
{
	now->get_rate = before ? rate_of(before->gets, now->gets, seconds) : NAN;
	now->put_rate = before ? rate_of(before->puts, now->puts, seconds) : NAN;
}

/* Compute all rates in @now except those of objects, which objects_add() has set */
void rate_sample(const struct sample *before, struct sample *now)
{
	double seconds = now->seconds;
	size_t i;

	if (!(seconds > 0))
		before = NULL;
	rate_stats(before ? &before->stats : NULL, &now->stats, seconds);
	for (i = 0; i < now->nr_classes; i++) {
		const char *name = now->classes[i].name;
		const struct class *class = before ? find_class(before, name) : NULL;

		rate_stats(class ? &class->stats : NULL, &now->classes[i].stats, seconds);
	}
	for (i = 0; i < now->nr_cpus; i++) {
		unsigned int number = now->cpus[i].number;

		rate_cpu(before ? find_cpu(before, number) : NULL, &now->cpus[i], seconds);
	}
	for (i = 0; i < LATENCIES; i++) {
		now->latency_rates[i] = before && before->has_latency ?
			rate_of(before->latency[i], now->latency[i], seconds) : NAN;
	}
}

/* Upper bound of the i-th bucket of the latency histogram, in microseconds */
double latency_below(size_t i)
{
	return i < LATENCIES - 1 ? (double)(1ULL << i) : INFINITY;
}

/* The least bound that @share of the objects are below; NAN if there are no objects */
double latency_percentile(const struct sample *sample, double share)
{
	double total = 0, sum = 0;
	size_t i;

	for (i = 0; i < LATENCIES; i++)
		total += sample->latency[i];
	for (i = 0; total && i < LATENCIES; i++) {
		sum += sample->latency[i];
		if (sum >= share * total)
			return latency_below(i);
	}
	return NAN;
}
