// SPDX-License-Identifier: GPL-2.0
/*
 * Sorting: what each sort key means for an object, a class and a CPU.  The greatest
 * value comes first, and unknown values come last.  Equal rows are sorted by name.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

const struct sort_key sort_keys[NR_SORTS] = {
	[BY_HEAT] = { "heat", 'H', "busiest first" },
	[BY_REFS] = { "refs", 'R', "most references first; classes: most deferred objects" },
	[BY_AGE] = { "age", 'A', "longest time since the promotion first" },
	[BY_IDLE] = { "idle", 'I', "most passes since the last use first" },
	[BY_NAME] = { "name", 'N', "by name or number" },
};

bool sort_find(const char *name, enum sort *sort)
{
	int i;

	for (i = 0; i < NR_SORTS; i++) {
		if (strcmp(name, sort_keys[i].name))
			continue;
		*sort = i;
		return true;
	}
	return false;
}

/* The greater one first, and NAN last */
static int compare(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a < b) - (a > b);
}

static double object_rank(enum sort sort, const struct object *object)
{
	switch (sort) {
	case BY_HEAT:
		return object->get_rate + object->put_rate;
	case BY_REFS:
		return object->refs;
	case BY_AGE:
		return object->age_ms;
	case BY_IDLE:
		return object->idle_passes;
	default:
		return 0;
	}
}

int sort_compare_objects(enum sort sort, const struct object *a, const struct object *b)
{
	return compare(object_rank(sort, a), object_rank(sort, b)) ?:
	       (a->id > b->id) - (a->id < b->id);
}

static double class_rank(enum sort sort, const struct class *class)
{
	const double *rates = class->stats.rates;

	switch (sort) {
	case BY_HEAT:
		return rates[PROMOTIONS] + rates[DEMOTIONS] + rates[RELEASED_EXACT] +
		       rates[RELEASED_DEFERRED];
	case BY_REFS:
		return class->stats.values[DEFERRED];
	default:
		return 0;
	}
}

static double cpu_rank(enum sort sort, const struct cpu *cpu)
{
	switch (sort) {
	case BY_HEAT:
		return cpu->get_rate + cpu->put_rate;
	case BY_REFS:
		return cpu->net;
	default:
		return 0;
	}
}

static int compare_objects(const void *a, const void *b, void *sort)
{
	return sort_compare_objects(*(enum sort *)sort, a, b);
}

static int compare_classes(const void *_a, const void *_b, void *sort)
{
	const struct class *a = _a, *b = _b;

	return compare(class_rank(*(enum sort *)sort, a), class_rank(*(enum sort *)sort, b)) ?:
	       strcmp(a->name, b->name);
}

static int compare_cpus(const void *_a, const void *_b, void *sort)
{
	const struct cpu *a = _a, *b = _b;

	return compare(cpu_rank(*(enum sort *)sort, a), cpu_rank(*(enum sort *)sort, b)) ?:
	       (a->number > b->number) - (a->number < b->number);
}

void sort_sample(enum sort sort, struct sample *sample)
{
	qsort_r(sample->objects, sample->nr_objects, sizeof(*sample->objects),
		compare_objects, &sort);
	if (sample->classes)
		qsort_r(sample->classes, sample->nr_classes, sizeof(*sample->classes),
			compare_classes, &sort);
	if (sample->cpus)
		qsort_r(sample->cpus, sample->nr_cpus, sizeof(*sample->cpus),
			compare_cpus, &sort);
}
