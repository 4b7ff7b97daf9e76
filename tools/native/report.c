// SPDX-License-Identifier: GPL-2.0
/*
 * Report the results: a table for each scenario, the bounds, and JSON.
 *
 * A ratio compares two figures of the same run, which are measured within seconds of
 * each other, so a slow machine slows both down.  The median of these ratios is
 * compared with the bound.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <json-c/json.h>

#include "bench.h"

static const struct {
	const char *name;	/* in JSON */
	const char *title;	/* of the table */
} scenarios[NR_SCENARIOS] = {
	[ONE_OBJECT] = { "one_object", "get + put, one object for all threads" },
	[OWN_OBJECT] = { "own_object", "get + put, an object for each thread" },
	[LOOKUP] = { "lookup", "tryget under RCU + put, one object" },
	[HANDOVER] = { "handover", "get on one CPU + put on the next, one object" },
	[OBSERVED] = { "observed", "get + put, one object, while one thread reads it" },
	[LIVES] = { "lives", "create + destroy, never shared" },
};

/* A bound on the ratio of two figures */
static const struct bound {
	const char		*name;
	enum scenario		scenario;
	const struct counter	*const *counter;
	unsigned int		threads;
	const struct counter	*const *other;
	unsigned int		other_threads;
	double			most;
} bounds[] = {
	{ "deferred / percpu_ref, 1 thread", ONE_OBJECT, &deferred_row, 1,
	  &percpu_ref_row, 1, 0.35 },
	{ "deferred / refcount_t, 1 thread", ONE_OBJECT, &deferred_row, 1,
	  &refcount_row, 1, 0.5 },
	{ "deferred, 2 threads / 1 thread", ONE_OBJECT, &deferred_row, 2,
	  &deferred_row, 1, 1.1 },
	{ "deferred / refcount_t, 2 threads", ONE_OBJECT, &deferred_row, 2,
	  &refcount_row, 2, 0.1 },
	{ "as it comes / refcount_t, 1 thread", ONE_OBJECT, &plain_row, 1,
	  &refcount_row, 1, 0.15 },
	{ "exact / refcount_t, 1 thread", ONE_OBJECT, &exact_row, 1, &refcount_row, 1, 1.25 },
	{ "immortal / deferred, 1 thread", ONE_OBJECT, &immortal_row, 1, &deferred_row, 1, 1.0 },
	{ "create + destroy, dref / kref", LIVES, &exact_row, 1, &kref_row, 1, 1.3 },
	{ "create + destroy, dref / percpu_ref", LIVES, &exact_row, 1, &percpu_ref_row, 1, 0.05 },
};

static FILE *json_file;

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void sort_values(double *sorted, const double *values, unsigned int nr)
{
	memcpy(sorted, values, nr * sizeof(*values));
	qsort(sorted, nr, sizeof(*sorted), compare_doubles);
}

double median(const double *values, unsigned int nr)
{
	double sorted[MAX_RUNS];

	sort_values(sorted, values, nr);
	return nr % 2 ? sorted[nr / 2] : (sorted[nr / 2 - 1] + sorted[nr / 2]) / 2;
}

static const struct figure *find_figure(const struct figure *figures, size_t nr,
					enum scenario scenario,
					const struct counter *counter,
					unsigned int threads)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (figures[i].scenario == scenario && figures[i].counter == counter &&
		    figures[i].threads == threads)
			return &figures[i];
	}
	return NULL;
}

static double ratio(const struct figure *figure, const struct figure *other)
{
	double ratios[MAX_RUNS];
	unsigned int i;

	for (i = 0; i < figure->runs; i++)
		ratios[i] = figure->ns[i] / other->ns[i];
	return median(ratios, figure->runs);
}

/* ---- tables ---- */

static void print_scenario(const struct options *options, enum scenario scenario,
			   const struct figure *figures, size_t nr)
{
	const struct figure *figure, *first;
	double sorted[MAX_RUNS];
	unsigned int count;
	size_t i;

	if (scenario == OBSERVED && options->counts[options->nr_counts - 1] == 1)
		return;		/* this scenario needs two threads */
	printf("\n%s\n%-18s %7s %9s %20s %12s %7s\n", scenarios[scenario].title, "", "threads",
	       "ns", "min - max", "/ first row", "on CPU");
	for (count = 0; count < options->nr_counts; count++) {
		first = NULL;
		for (i = 0; i < nr_counters; i++) {
			figure = find_figure(figures, nr, scenario, &counters[i],
					     options->counts[count]);
			if (!figure)
				continue;
			if (!first)
				first = figure;
			sort_values(sorted, figure->ns, figure->runs);
			printf("%-18s %7u %9.2f %9.2f - %8.2f %12.3f %5.0f %%\n",
			       figure->counter->name, figure->threads,
			       median(figure->ns, figure->runs), sorted[0],
			       sorted[figure->runs - 1], ratio(figure, first),
			       100 * median(figure->on_cpu, figure->runs));
		}
	}
}

static double measured_ratio(const struct bound *bound, const struct figure *figures, size_t nr)
{
	const struct figure *figure, *other;

	figure = find_figure(figures, nr, bound->scenario, *bound->counter, bound->threads);
	other = find_figure(figures, nr, bound->scenario, *bound->other, bound->other_threads);
	return figure && other ? ratio(figure, other) : -1;
}

/* A bound has two decimals, and so has the ratio that is compared with it */
static bool bound_met(const struct bound *bound, double seen)
{
	return seen < bound->most + 0.005;
}

static void print_bounds(const struct figure *figures, size_t nr)
{
	double seen;
	size_t i;

	printf("\n%-40s | %5s | %s\n", "ratio", "bound", "measured");
	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		seen = measured_ratio(&bounds[i], figures, nr);
		printf("%-40s | %5.2f | ", bounds[i].name, bounds[i].most);
		if (seen < 0) {
			printf("not measured\n");
			continue;
		}
		printf("%.3f%s\n", seen, bound_met(&bounds[i], seen) ? "" : "  NOT MET");
	}
}

static bool bounds_met(const struct figure *figures, size_t nr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		if (!bound_met(&bounds[i], measured_ratio(&bounds[i], figures, nr)))
			return false;
	}
	return true;
}

static void print_figures(const struct options *options, const struct figure *figures, size_t nr)
{
	enum scenario scenario;

	printf("dref-native: ns of CPU time, median of %u runs of %u ms\n", options->runs,
	       options->ms);
	for (scenario = 0; scenario < NR_SCENARIOS; scenario++)
		print_scenario(options, scenario, figures, nr);
	print_bounds(figures, nr);
}

/* ---- JSON ---- */

void report_open(const struct options *options)
{
	if (options->json)
		json_file = strcmp(options->json, "-") ? create_output("json", options->json) :
			    stdout;
}

static void add_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static void add_double(struct json_object *to, const char *name, double value)
{
	json_object_object_add(to, name, json_object_new_double(value));
}

static struct json_object *array_of(const double *values, unsigned int nr)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < nr; i++)
		json_object_array_add(array, json_object_new_double(values[i]));
	return array;
}

static struct json_object *figure_object(const struct figure *figure)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "scenario", scenarios[figure->scenario].name);
	add_text(object, "counter", figure->counter->name);
	json_object_object_add(object, "threads", json_object_new_int(figure->threads));
	add_double(object, "ns", median(figure->ns, figure->runs));
	json_object_object_add(object, "ns_runs", array_of(figure->ns, figure->runs));
	json_object_object_add(object, "on_cpu", array_of(figure->on_cpu, figure->runs));
	return object;
}

static struct json_object *bound_object(const struct bound *bound, double seen)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "figure", bound->name);
	add_double(object, "bound", bound->most);
	if (seen >= 0)
		add_double(object, "seen", seen);
	else
		json_object_object_add(object, "seen", NULL);
	return object;
}

static struct json_object *report_object(const struct options *options)
{
	struct json_object *object = json_object_new_object();
	struct utsname name;

	uname(&name);
	add_text(object, "program", "dref-native");
	add_text(object, "kernel", name.release);
	add_text(object, "machine", name.machine);
	json_object_object_add(object, "cpus", json_object_new_int(options->nr_cpus));
	json_object_object_add(object, "runs", json_object_new_int(options->runs));
	return object;
}

static void write_object(const struct options *options, struct json_object *object)
{
	fprintf(json_file, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_SPACED |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	close_output(json_file, json_file == stdout ? "standard output" : options->json);
}

static void write_json(const struct options *options, const struct figure *figures, size_t nr)
{
	struct json_object *object = report_object(options);
	struct json_object *figures_array = json_object_new_array();
	struct json_object *bounds_array = json_object_new_array();
	double seen;
	size_t i;

	json_object_object_add(object, "ms", json_object_new_int(options->ms));
	for (i = 0; i < nr; i++)
		json_object_array_add(figures_array, figure_object(&figures[i]));
	json_object_object_add(object, "figures", figures_array);
	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		seen = measured_ratio(&bounds[i], figures, nr);
		json_object_array_add(bounds_array, bound_object(&bounds[i], seen));
	}
	json_object_object_add(object, "bounds", bounds_array);
	write_object(options, object);
}

/* Returns true if every bound that could be measured is met */
bool report(const struct options *options, const struct figure *figures, size_t nr)
{
	if (json_file != stdout)
		print_figures(options, figures, nr);
	if (json_file)
		write_json(options, figures, nr);
	return bounds_met(figures, nr);
}

/* ---- passes ---- */

static void print_passes(const struct passes *passes)
{
	const struct walk *walk;
	double ns;
	unsigned int i;

	printf("dref-native: passes, %u possible CPUs, ns, median of %u\n\n%-16s %7s %12s %14s\n",
	       num_possible_cpus(), passes->walks[0].runs, "objects", "caches", "ns a pass",
	       "ns an object");
	for (i = 0; i < passes->nr_walks; i++) {
		walk = &passes->walks[i];
		ns = median(walk->ns, walk->runs);
		printf("%-16u %7s %12.0f %14.1f\n", walk->objects, walk->caches, ns,
		       ns / walk->objects);
	}
	printf("\nns a promotion: %.0f\n",
	       median(passes->promotion.ns, passes->promotion.runs) / passes->promotion.objects);
}

static struct json_object *walk_object(const struct walk *walk)
{
	struct json_object *object = json_object_new_object();

	if (walk->caches)
		add_text(object, "caches", walk->caches);
	json_object_object_add(object, "objects", json_object_new_int(walk->objects));
	add_double(object, "ns", median(walk->ns, walk->runs));
	json_object_object_add(object, "ns_runs", array_of(walk->ns, walk->runs));
	return object;
}

static void write_passes(const struct options *options, const struct passes *passes)
{
	struct json_object *object = report_object(options);
	struct json_object *array = json_object_new_array();
	unsigned int i;

	json_object_object_add(object, "cpus_possible", json_object_new_int(num_possible_cpus()));
	for (i = 0; i < passes->nr_walks; i++)
		json_object_array_add(array, walk_object(&passes->walks[i]));
	json_object_object_add(object, "passes", array);
	json_object_object_add(object, "promotion", walk_object(&passes->promotion));
	write_object(options, object);
}

void report_passes(const struct options *options, const struct passes *passes)
{
	if (json_file != stdout)
		print_passes(passes);
	if (json_file)
		write_passes(options, passes);
}
