// SPDX-License-Identifier: GPL-2.0
/*
 * Writing a sample as a line of JSON, for programs.  dref-top(8) documents the fields;
 * those of stats have the same names as in debugfs.  Unknown values are null.
 */
#define _GNU_SOURCE
#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <json-c/json.h>

#include "top.h"

static FILE *record_file;
static const char *record_name;

/* @path: file to write to; "-" is standard output */
void record_open(const char *path)
{
	bool standard = !strcmp(path, "-");

	record_file = standard ? stdout : create_output("json", path);
	record_name = standard ? "the records" : path;
}

static void add_number(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_signed(struct json_object *to, const char *name, int64_t value)
{
	json_object_object_add(to, name, json_object_new_int64(value));
}

static void add_text(struct json_object *to, const char *name, const char *value)
{
	json_object_object_add(to, name, json_object_new_string(value));
}

static void add_double(struct json_object *to, const char *name, double value, int digits)
{
	char text[400];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	json_object_object_add(to, name, isfinite(value) ?
			       json_object_new_double_s(value, text) : NULL);
}

static void add_stats(struct json_object *to, const struct stats *stats)
{
	struct json_object *values = json_object_new_object();
	struct json_object *rates = json_object_new_object();
	size_t i;

	for (i = 0; i < NR_STATS; i++) {
		if (!(stats->known & 1U << i))
			continue;
		add_number(values, stat_lines[i].name, stats->values[i]);
		if (stat_lines[i].counter)
			add_double(rates, stat_lines[i].name, stats->rates[i], 3);
	}
	json_object_object_add(to, "stats", values);
	json_object_object_add(to, "per_second", rates);
}

static struct json_object *classes_array(const struct options *options,
					 const struct sample *sample)
{
	struct json_object *array = json_object_new_array(), *object;
	size_t i;

	for (i = 0; i < sample->nr_classes; i++) {
		const struct class *class = &sample->classes[i];

		if (*options->class && strcmp(options->class, class->name))
			continue;
		object = json_object_new_object();
		add_text(object, "name", class->name);
		add_text(object, "flags", class->flags);
		add_stats(object, &class->stats);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *objects_array(const struct sample *sample)
{
	struct json_object *array, *object;
	char id[20];
	size_t i;

	if (!sample->has_objects)
		return NULL;
	array = json_object_new_array();
	for (i = 0; i < sample->nr_objects; i++) {
		const struct object *from = &sample->objects[i];

		object = json_object_new_object();
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)from->id);
		add_text(object, "id", id);
		add_text(object, "class", from->class);
		add_text(object, "mode", from->mode);
		add_signed(object, "references", from->refs);
		add_number(object, "gets", from->gets);
		add_number(object, "puts", from->puts);
		add_double(object, "gets_per_second", from->get_rate, 3);
		add_double(object, "puts_per_second", from->put_rate, 3);
		add_number(object, "age_ms", from->age_ms);
		add_number(object, "idle_passes", from->idle_passes);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *cpus_array(const struct sample *sample)
{
	struct json_object *array, *object;
	size_t i;

	if (!sample->has_cpus)
		return NULL;
	array = json_object_new_array();
	for (i = 0; i < sample->nr_cpus; i++) {
		const struct cpu *from = &sample->cpus[i];

		object = json_object_new_object();
		add_number(object, "cpu", from->number);
		add_number(object, "gets", from->gets);
		add_number(object, "puts", from->puts);
		add_signed(object, "net", from->net);
		add_double(object, "gets_per_second", from->get_rate, 3);
		add_double(object, "puts_per_second", from->put_rate, 3);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *latency_object(const struct sample *sample)
{
	struct json_object *object, *histogram, *bucket;
	size_t i;

	if (!sample->has_latency)
		return NULL;
	object = json_object_new_object();
	histogram = json_object_new_array();
	for (i = 0; i < LATENCIES; i++) {
		bucket = json_object_new_object();
		/* the last bucket has no upper bound */
		add_double(bucket, "below_us", latency_below(i), 0);
		add_number(bucket, "objects", sample->latency[i]);
		add_double(bucket, "objects_per_second", sample->latency_rates[i], 3);
		json_object_array_add(histogram, bucket);
	}
	json_object_object_add(object, "histogram", histogram);
	add_double(object, "p50_below_us", latency_percentile(sample, 0.5), 0);
	add_double(object, "p90_below_us", latency_percentile(sample, 0.9), 0);
	add_double(object, "p99_below_us", latency_percentile(sample, 0.99), 0);
	return object;
}

static void add_time(struct json_object *to)
{
	time_t now = time(NULL);
	char text[32];

	strftime(text, sizeof(text), "%FT%TZ", gmtime(&now));
	add_text(to, "time", text);
}

/* @begin_ns: time of the first sample */
void record_sample(const struct options *options, const struct sample *sample,
		   uint64_t begin_ns)
{
	struct json_object *object = json_object_new_object();
	struct utsname name;

	uname(&name);
	add_text(object, "program", "dref-top");
	add_text(object, "kernel", name.release);
	add_text(object, "machine", name.machine);
	add_time(object);
	add_double(object, "seconds", (double)(sample->ns - begin_ns) / NSEC_PER_SEC, 3);
	json_object_object_add(object, "loaded", json_object_new_boolean(sample->loaded));
	if (sample->loaded) {
		add_double(object, "interval_s", sample->seconds > 0 ? sample->seconds : NAN, 6);
		add_double(object, "max_deferred", sample->max_deferred, 0);
		add_stats(object, &sample->stats);
		json_object_object_add(object, "classes", classes_array(options, sample));
		json_object_object_add(object, "objects", objects_array(sample));
		json_object_object_add(object, "cpus", cpus_array(sample));
		json_object_object_add(object, "latency", latency_object(sample));
		add_number(object, "junk", sample->junk);
	}
	fprintf(record_file, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_SPACED |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	check_output(record_file, record_name);
}
