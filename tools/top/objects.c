// SPDX-License-Identifier: GPL-2.0
/*
 * The first few of many deferred objects.
 *
 * How hot an object is only shows in what it has counted since the sample before,
 * and any object may have become the hottest one.  So for each of them its two
 * counters are remembered, in a hash table, 32 bytes an object; all else is kept
 * of the first few only.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

#define SMALLEST	1024

/* What an object has counted */
struct count {
	uint64_t	id;
	uint64_t	gets;
	uint64_t	puts;
	bool		used;
};

/* Open addressing; the size is a power of two */
struct table {
	struct count	*counts;
	size_t		size;
	size_t		used;
};

static struct table before, now;
static double seconds;

static void table_init(struct table *table, size_t size)
{
	table->counts = calloc(size, sizeof(*table->counts));
	if (!table->counts)
		die(FAILED, "out of memory");
	table->size = size;
	table->used = 0;
}

/* Where @id is, or could be */
static struct count *table_find(const struct table *table, uint64_t id)
{
	uint64_t state = id;
	size_t i = random_of(&state);

	for (;; i++) {
		struct count *count = &table->counts[i & (table->size - 1)];

		if (!count->used || count->id == id)
			return count;
	}
}

static void table_grow(struct table *table)
{
	struct table old = *table;
	size_t i;

	table_init(table, old.size * 2);
	table->used = old.used;
	for (i = 0; i < old.size; i++) {
		if (old.counts[i].used)
			*table_find(table, old.counts[i].id) = old.counts[i];
	}
	free(old.counts);
}

static void table_add(struct table *table, const struct object *object)
{
	struct count *count = table_find(table, object->id);

	table->used += !count->used;
	*count = (struct count){ object->id, object->gets, object->puts, true };
	if (table->used > table->size / 4 * 3)
		table_grow(table);
}

/* The objects that are added from now on are those of @sample */
void objects_begin(const struct sample *sample)
{
	free(before.counts);
	before = now;
	table_init(&now, before.counts && before.used > SMALLEST ? before.size : SMALLEST);
	seconds = before.counts ? sample->seconds : 0;
}

/* Into the sorted array, if there is room or it is before the last one */
static void keep_first(enum sort sort, struct sample *sample, const struct object *object)
{
	struct object *objects = sample->objects;
	size_t i = sample->nr_objects;

	if (i == FIRST_OBJECTS && sort_compare_objects(sort, object, &objects[--i]) >= 0)
		return;
	sample->nr_objects = i + 1;
	for (; i && sort_compare_objects(sort, object, &objects[i - 1]) < 0; i--)
		objects[i] = objects[i - 1];
	objects[i] = *object;
}

void objects_add(const struct options *options, struct sample *sample, struct object *object)
{
	const struct count *count;

	object->get_rate = NAN;
	object->put_rate = NAN;
	count = seconds > 0 ? table_find(&before, object->id) : NULL;
	/* with counters that went backwards it is another one at the same place */
	if (count && count->used && object->gets >= count->gets && object->puts >= count->puts) {
		object->get_rate = rate_of(count->gets, object->gets, seconds);
		object->put_rate = rate_of(count->puts, object->puts, seconds);
	}
	table_add(&now, object);
	keep_first(options->sort, sample, object);
}
