// SPDX-License-Identifier: GPL-2.0
/*
 * The result of a run for programs: a JSON object, and a CSV line per second.
 *
 * dref-stress(8) documents the fields.  The files are opened before the run begins,
 * so that a file that cannot be written is reported at once.
 */
#include <sys/utsname.h>

#include <json-c/json.h>

#include "stress.h"

const struct count_name count_names[] = {
	{ DREF_STRESS_GETS,		"gets" },
	{ DREF_STRESS_PUTS,		"puts" },
	{ DREF_STRESS_TRYGETS,		"trygets" },
	{ DREF_STRESS_TRYGETS_FAILED,	"trygets_refused" },
	{ DREF_STRESS_KILLS,		"kills" },
	{ DREF_STRESS_HANDOVERS,	"handovers" },
	{ DREF_STRESS_CREATES,		"creates" },
	{ DREF_STRESS_CREATES_REFUSED,	"creates_refused" },
	{ DREF_STRESS_DEFERS,		"defers" },
	{ DREF_STRESS_DEFERS_REFUSED,	"defers_refused" },
	{ DREF_STRESS_IMMORTALIZED,	"immortalized" },
	{ DREF_STRESS_CLASSES_GONE,	"classes_unregistered" },
	{ DREF_STRESS_CLASSES_BUSY,	"classes_busy" },
	{ DREF_STRESS_PROMOTED,		"seen_deferred" },
	{ DREF_STRESS_DEMOTED,		"seen_exact" },
};

const size_t nr_count_names = ARRAY_SIZE(count_names);

/* @stats: the field is one of dref's statistics, which need debugfs */
static const struct sample_field {
	const char	*name;
	size_t		offset;
	bool		stats;
} sample_fields[] = {
	{ "steps",		offsetof(struct sample, steps), false },
	{ "errors",		offsetof(struct sample, errors), false },
	{ "deferred",		offsetof(struct sample, deferred), true },
	{ "exact_live",		offsetof(struct sample, exact_live), true },
	{ "slots_used",		offsetof(struct sample, slots_used), true },
	{ "max_deferred",	offsetof(struct sample, max_deferred), false },
	{ "passes",		offsetof(struct sample, passes), true },
	{ "gp_ns",		offsetof(struct sample, gp_ns), true },
	{ "pass_ns",		offsetof(struct sample, pass_ns), true },
	{ "slab_bytes",		offsetof(struct sample, slab), false },
	{ "percpu_bytes",	offsetof(struct sample, percpu), false },
};

static FILE *json_file, *csv_file;

static bool field_known(const struct sample *sample, size_t i)
{
	return sample->stats || !sample_fields[i].stats;
}

static uint64_t field_value(const struct sample *sample, size_t i)
{
	return *(const uint64_t *)((const char *)sample + sample_fields[i].offset);
}

void record_open(const struct options *options)
{
	size_t i;

	if (options->json)
		json_file = create_output("json", options->json);
	if (!options->csv)
		return;
	csv_file = create_output("csv", options->csv);
	fprintf(csv_file, "seconds,steps_per_second");
	for (i = 0; i < ARRAY_SIZE(sample_fields); i++)
		fprintf(csv_file, ",%s", sample_fields[i].name);
	fprintf(csv_file, "\n");
}

/* @rate: steps per second since the last sample */
void record_sample(const struct sample *sample, double rate)
{
	size_t i;

	if (!csv_file)
		return;
	fprintf(csv_file, "%.3f,%.0f", (double)sample->ns / NSEC_PER_SEC, rate);
	for (i = 0; i < ARRAY_SIZE(sample_fields); i++) {
		fputc(',', csv_file);
		if (field_known(sample, i))
			fprintf(csv_file, "%llu", (unsigned long long)field_value(sample, i));
	}
	fprintf(csv_file, "\n");
	fflush(csv_file);	/* visible at once, and not lost if the machine crashes */
}

static void add_number(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *name, const char *value)
{
	json_object_object_add(to, name, value ? json_object_new_string(value) : NULL);
}

static void add_seconds(struct json_object *to, const char *name, uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)ns / NSEC_PER_SEC);
	json_object_object_add(to, name,
			       json_object_new_double_s((double)ns / NSEC_PER_SEC, text));
}

static struct json_object *options_object(const struct options *options)
{
	struct json_object *object = json_object_new_object();
	struct json_object *cpus = json_object_new_array();
	char class[40];
	unsigned int i;

	add_text(object, "scenario", options->scenario->name);
	add_number(object, "objects", options->objects);
	add_text(object, "class", class_name(options->class_flags, class, sizeof(class)));
	add_number(object, "workers", options->workers);
	for (i = 0; i < options->nr_cpus; i++)
		json_object_array_add(cpus, json_object_new_int(options->cpus[i]));
	json_object_object_add(object, "cpus", cpus);
	add_seconds(object, "duration_s", options->duration_ns);
	add_number(object, "ops", options->ops);
	add_seconds(object, "late_s", options->late_ns);
	add_number(object, "seed", options->seed);
	add_text(object, "break", options->breakage);
	return object;
}

static struct json_object *counts_object(const uint64_t *counts)
{
	struct json_object *object = json_object_new_object();
	size_t i;

	for (i = 0; i < nr_count_names; i++)
		add_number(object, count_names[i].name, counts[count_names[i].kind]);
	return object;
}

static struct json_object *disturbers_object(const struct options *options)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < nr_disturbers; i++) {
		if (options->disturbers & 1U << i)
			add_number(object, disturber_name(i), disturber_times(i));
		else if (options->disturb)
			add_text(object, disturber_name(i), NULL);
	}
	return object;
}

static struct json_object *objects_object(const struct dref_stress_report *report)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "created", report->created);
	add_number(object, "released", report->released);
	add_number(object, "immortal", report->immortal);
	add_number(object, "saturated", report->saturated);
	add_number(object, "held", report->held);
	return object;
}

static struct json_object *errors_object(const struct dref_stress_report *report)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "total", report->errors);
	add_number(object, "early", report->early);
	add_number(object, "doubled", report->doubled);
	add_number(object, "missing", report->missing);
	add_number(object, "late", report->late);
	add_number(object, "miscounted", report->miscounted);
	add_number(object, "revived", report->revived);
	add_number(object, "scribbled", report->scribbled);
	return object;
}

static struct json_object *latency_object(const struct dref_stress_report *report)
{
	struct json_object *object = json_object_new_object();
	struct json_object *histogram = json_object_new_array(), *bucket;
	unsigned int i;

	for (i = 0; i < DREF_STRESS_LATENCIES; i++) {
		bucket = json_object_new_object();
		/* the last bucket has no upper bound */
		if (i < DREF_STRESS_LATENCIES - 1)
			add_number(bucket, "below_ms", 1ULL << i);
		else
			add_text(bucket, "below_ms", NULL);
		add_number(bucket, "objects", report->latency[i]);
		json_object_array_add(histogram, bucket);
	}
	json_object_object_add(object, "histogram", histogram);
	add_number(object, "max_ms", report->latency_max_ms);
	add_number(object, "yardstick_ms", report->yardstick_ms);
	return object;
}

static struct json_object *sample_object(const struct sample *sample)
{
	struct json_object *object = json_object_new_object();
	size_t i;

	add_seconds(object, "seconds", sample->ns);
	for (i = 0; i < ARRAY_SIZE(sample_fields); i++) {
		if (field_known(sample, i))
			add_number(object, sample_fields[i].name, field_value(sample, i));
		else
			add_text(object, sample_fields[i].name, NULL);
	}
	return object;
}

static struct json_object *samples_array(const struct watch *watch)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < watch->nr_samples; i++)
		json_object_array_add(array, sample_object(&watch->samples[i]));
	return array;
}

static struct json_object *result_object(const struct result *result)
{
	struct json_object *object = json_object_new_object();
	struct utsname name;

	uname(&name);
	add_text(object, "program", "dref-stress");
	add_text(object, "kernel", name.release);
	add_text(object, "machine", name.machine);
	json_object_object_add(object, "options", options_object(result->options));
	add_text(object, "result", result->verdict);
	json_object_object_add(object, "interrupted",
			       json_object_new_boolean(result->interrupted));
	add_text(object, "first_error", result->report.error[0] ? result->report.error :
							     result->failure);
	add_text(object, "not_done", result->not_done[0] ? result->not_done : NULL);
	json_object_object_add(object, "errors", errors_object(&result->report));
	add_seconds(object, "elapsed_s", result->ns);
	add_number(object, "steps", result->steps);
	add_number(object, "kernel_steps", result->report.kernel_steps);
	json_object_object_add(object, "counts", counts_object(result->counts));
	json_object_object_add(object, "objects", objects_object(&result->report));
	add_number(object, "settle_ns", result->report.settle_ns);
	json_object_object_add(object, "latency", latency_object(&result->report));
	json_object_object_add(object, "disturbers", disturbers_object(result->options));
	json_object_object_add(object, "begin", sample_object(&result->watch.begin));
	json_object_object_add(object, "most", sample_object(&result->watch.most));
	json_object_object_add(object, "end", sample_object(&result->watch.end));
	json_object_object_add(object, "samples", samples_array(&result->watch));
	return object;
}

void record_result(const struct result *result)
{
	struct json_object *object;

	if (csv_file)
		close_output(csv_file, result->options->csv);
	if (!json_file)
		return;
	object = result_object(result);
	fprintf(json_file, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_SPACED |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	close_output(json_file, result->options->json);
}
