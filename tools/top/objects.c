// SPDX-License-Identifier: GPL-2.0
/*
 * Selection of the first few of many deferred objects, in sort order.
 *
 * The heat of an object is the difference between its counters in this sample and in
 * the one before, and any object may have become the hottest.  A hash table therefore
 * keeps the two counters of every object, at 32 bytes per object.  All other fields
 * are kept for the first few objects only.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

#define SMALLEST	1024

/* The counters of an object */
struct count {
	uint64_t	id;
	uint64_t	gets;
	uint64_t	puts;
	bool		used;
};

/* A hash table with open addressing; the size is a power of two */
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

/* Find the entry of @id, or the free entry for it */
static struct count *table_find(const struct table *table, uint64_t id)
{
	uint64_t state = id;
	size_t i = next_random(&state);

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

/* Begin a new @sample, to which objects_add() adds objects */
void objects_begin(const struct sample *sample)
{
	free(before.counts);
	before = now;
	table_init(&now, before.counts && before.used > SMALLEST ? before.size : SMALLEST);
	seconds = before.counts ? sample->seconds : 0;
}

/* Insert @object into the sorted array, unless it comes after FIRST_OBJECTS others */
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
	/* if a counter went backwards, this is another object at the same address */
	if (count && count->used && object->gets >= count->gets && object->puts >= count->puts) {
		object->get_rate = rate_of(count->gets, object->gets, seconds);
		object->put_rate = rate_of(count->puts, object->puts, seconds);
	}
	table_add(&now, object);
	keep_first(options->sort, sample, object);
}
