// SPDX-License-Identifier: GPL-2.0
/*
 * Formatting a sample as text, in blocks of lines.  The screen arranges the blocks, and
 * --once prints them.  They fit into 80 columns unless the names of the classes are
 * long.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

#define ONCE_WIDTH	78
#define ONCE_ROWS	20	/* maximum number of objects, and of CPUs */
#define CELL		16

/* Width of the tables without the name of the class */
#define CLASSES_REST	62
#define OBJECTS_REST	65

/* ---- numbers ---- */

/* A buffer for a number; the calls for one line get different buffers */
static char *new_cell(void)
{
	static char cells[16][CELL];
	static unsigned int next;

	return cells[next++ % ARRAY_SIZE(cells)];
}

static const char *rate_text(double rate)
{
	return isnan(rate) ? "-" : format_rate(rate, new_cell(), CELL);
}

/* All digits of a number below a million, else three digits and a unit prefix */
static const char *count_text(double count)
{
	char *text = new_cell();

	if (isnan(count))
		return "-";
	if (fabs(count) < 1e6) {
		snprintf(text, CELL, "%.0f", count);
		return text;
	}
	text[0] = '-';
	format_rate(fabs(count), text + 1, CELL - 1);
	return count < 0 ? text : text + 1;
}

static const char *time_text(double ns)
{
	static const struct {
		double		ns;
		const char	*name;
	} units[] = {
		{ 24 * 3600e9, "d" }, { 3600e9, "h" }, { 60e9, "min" }, { 1e9, "s" },
		{ 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" },
	};
	size_t unit = 0;
	char *text = new_cell();

	if (isnan(ns))
		return "-";
	if (isinf(ns))
		return "any";
	while (unit < ARRAY_SIZE(units) - 1 && ns < units[unit].ns)
		unit++;
	ns /= units[unit].ns;
	snprintf(text, CELL, "%.*f %s", ns < 9.995 && ns > 0 ? 2 : ns < 99.95 && ns > 0 ? 1 : 0,
		 ns, units[unit].name);
	return text;
}

static const char *bytes_text(double bytes)
{
	char *text = new_cell();

	if (isnan(bytes))
		return "-";
	snprintf(text, CELL, "%.2f MiB", bytes / (1 << 20));
	return text;
}

static double value_of(const struct stats *stats, enum figure stat)
{
	return stats->known & 1U << stat ? stats->values[stat] : NAN;
}

/* ---- blocks ---- */

void block_clear(struct block *block)
{
	free(block->lines);
	*block = (struct block){};
}

struct line *block_add(struct block *block, const char *format, ...)
{
	struct line *line;
	va_list args;

	block->lines = reallocarray(block->lines, block->nr + 1, sizeof(*line));
	if (!block->lines)
		die(FAILED, "out of memory");
	line = &block->lines[block->nr++];
	line->head = false;
	line->alarm = false;
	va_start(args, format);
	vsnprintf(line->text, sizeof(line->text), format, args);
	va_end(args);
	return line;
}

void view_title(struct block *block, const struct options *options)
{
	struct utsname name;
	char date[32];
	time_t now = time(NULL);

	uname(&name);
	strftime(date, sizeof(date), "%F %T", localtime(&now));
	block_add(block, "dref-top  %s  Linux %s  %ld CPUs  every %s", date, name.release,
		  sysconf(_SC_NPROCESSORS_CONF), time_text(options->interval_ns));
}

/* ---- summary ---- */

static void add_latency(struct block *block, const struct sample *sample)
{
	double half = latency_percentile(sample, 0.5);

	if (!sample->has_latency)
		block_add(block, "latency     not available in this dref");
	else if (isnan(half))
		block_add(block, "latency     no deferred object was released yet");
	else
		block_add(block, "latency     50 %% < %-9s 90 %% < %-9s 99 %% < %-9s all < %s",
			  time_text(half * 1e3),
			  time_text(latency_percentile(sample, 0.9) * 1e3),
			  time_text(latency_percentile(sample, 0.99) * 1e3),
			  time_text(latency_percentile(sample, 1) * 1e3));
}

static void add_errors(struct block *block, const struct sample *sample)
{
	const struct stats *stats = &sample->stats;
	struct line *line;

	line = block_add(block, "saturated   underflows %s, overflows %s",
			 count_text(value_of(stats, UNDERFLOWS)),
			 count_text(value_of(stats, OVERFLOWS)));
	line->alarm = stats->values[UNDERFLOWS] || stats->values[OVERFLOWS];
	if (sample->junk) {
		line = block_add(block, "%llu lines could not be parsed and were ignored",
				 (unsigned long long)sample->junk);
		line->alarm = true;
	}
}

void view_summary(struct block *block, const struct sample *sample)
{
	const struct stats *stats = &sample->stats;
	const double *rates = stats->rates;

	block_add(block, "passes      %8s/s   expedited %8s/s   epoch %s",
		  rate_text(rates[PASSES]), rate_text(rates[PASSES_EXPEDITED]),
		  count_text(value_of(stats, EPOCH)));
	block_add(block, "pass time   last %s, max %s; grace period last %s, max %s",
		  time_text(value_of(stats, PASS_NS_LAST)),
		  time_text(value_of(stats, PASS_NS_MAX)),
		  time_text(value_of(stats, GP_NS_LAST)), time_text(value_of(stats, GP_NS_MAX)));
	block_add(block, "objects     %8s deferred   %8s exact   %6s dying   %6s immortal",
		  count_text(value_of(stats, DEFERRED)), count_text(value_of(stats, EXACT_LIVE)),
		  count_text(value_of(stats, DYING)), count_text(value_of(stats, IMMORTAL)));
	block_add(block, "slots       %8s used of %s in %s, max_deferred %s",
		  count_text(value_of(stats, SLOTS_USED)),
		  count_text(value_of(stats, SLOTS_TOTAL)),
		  bytes_text(value_of(stats, SLOT_BYTES)), count_text(sample->max_deferred));
	block_add(block, "per second  %8s promoted   %8s failed  %8s demoted",
		  rate_text(rates[PROMOTIONS]), rate_text(rates[PROMOTIONS_FAILED]),
		  rate_text(rates[DEMOTIONS]));
	block_add(block, "  released  %8s deferred   %8s exact   %8s resurrected",
		  rate_text(rates[RELEASED_DEFERRED]), rate_text(rates[RELEASED_EXACT]),
		  rate_text(rates[RESURRECTED]));
	add_latency(block, sample);
	add_errors(block, sample);
}

/* ---- tables ---- */

/* Does @class pass the filter?  The filter may be newer than the sample. */
static bool is_shown(const struct options *options, const char *class)
{
	return !*options->class || !strcmp(options->class, class);
}

/* The width of the longest name, but at most @most */
static int class_width(const struct sample *sample, int most)
{
	int width = 5;
	size_t i;

	for (i = 0; i < sample->nr_classes; i++) {
		int len = strlen(sample->classes[i].name);

		width = len > width ? len : width;
	}
	return width > most && most > 0 ? most : width;
}

void view_classes(struct block *block, const struct options *options,
		  const struct sample *sample, unsigned int width)
{
	int name = class_width(sample, (int)width - CLASSES_REST);
	size_t i, shown = 0;

	block_add(block, "%-*s %9s %7s %7s %7s %7s %7s  %s", name, "CLASS", "DEFERRED",
		  "EXACT", "PROMO/s", "DEMO/s", "REL D/s", "REL E/s", "FLAGS")->head = true;
	for (i = 0; i < sample->nr_classes; i++) {
		const struct class *class = &sample->classes[i];
		const struct stats *stats = &class->stats;

		if (!is_shown(options, class->name))
			continue;
		shown++;
		block_add(block, "%-*.*s %9s %7s %7s %7s %7s %7s  %s", name, name, class->name,
			  count_text(value_of(stats, DEFERRED)),
			  count_text(value_of(stats, EXACT_LIVE)),
			  rate_text(stats->rates[PROMOTIONS]),
			  rate_text(stats->rates[DEMOTIONS]),
			  rate_text(stats->rates[RELEASED_DEFERRED]),
			  rate_text(stats->rates[RELEASED_EXACT]), class->flags);
	}
	if (!shown)
		block_add(block, "no class %s%sis registered", options->class,
			  *options->class ? " " : "");
}

void view_objects(struct block *block, const struct options *options,
		  const struct sample *sample, unsigned int width)
{
	int name = class_width(sample, (int)width - OBJECTS_REST);
	size_t i;

	block_add(block, "%-16s %-*s %-8s %7s %7s %7s %8s %5s", "OBJECT", name, "CLASS",
		  "MODE", "REFS", "GETS/s", "PUTS/s", "AGE", "IDLE")->head = true;
	if (!sample->has_objects)
		block_add(block, "this dref does not list its objects");
	else if (!sample->nr_objects)
		block_add(block, "no object is deferred");
	for (i = 0; i < sample->nr_objects; i++) {
		const struct object *object = &sample->objects[i];

		if (!is_shown(options, object->class))
			continue;
		block_add(block, "%016llx %-*.*s %-8s %7s %7s %7s %8s %5s",
			  (unsigned long long)object->id, name, name, object->class, object->mode,
			  count_text(object->refs), rate_text(object->get_rate),
			  rate_text(object->put_rate), time_text(object->age_ms * 1e6),
			  count_text(object->idle_passes));
	}
}

void view_cpus(struct block *block, const struct sample *sample)
{
	size_t i;

	block_add(block, "%-7s %8s %8s %9s", "CPU", "GETS/s", "PUTS/s", "NET")->head = true;
	if (!sample->has_cpus)
		block_add(block, "this dref has no figures per CPU");
	for (i = 0; i < sample->nr_cpus; i++) {
		const struct cpu *cpu = &sample->cpus[i];

		block_add(block, "%-7u %8s %8s %9s", cpu->number, rate_text(cpu->get_rate),
			  rate_text(cpu->put_rate), count_text(cpu->net));
	}
}

/* Show the buckets from the first that is not empty to the last */
void view_latency(struct block *block, const struct sample *sample, unsigned int width)
{
	const uint64_t *latency = sample->latency;
	size_t i, first = LATENCIES, last = 0;
	uint64_t most = 0;
	char bar[LINE_SIZE];

	memset(bar, '#', sizeof(bar));
	width = width > 28 ? width - 28 : 0;
	if (width > sizeof(bar) - 1)
		width = sizeof(bar) - 1;
	block_add(block, "%9s %8s %7s", "LATENCY", "OBJECTS", "/s")->head = true;
	for (i = 0; i < LATENCIES; i++) {
		if (latency[i] && first == LATENCIES)
			first = i;
		if (latency[i])
			last = i;
		if (latency[i] > most)
			most = latency[i];
	}
	if (!sample->has_latency)
		block_add(block, "  this dref has no histogram");
	else if (!most)
		block_add(block, "  no deferred object was released yet");
	for (i = first; i <= last; i++) {
		if (latency[i] == most)
			block->middle = block->nr;
		block_add(block, "%9s %8s %7s  %.*s", time_text(latency_below(i) * 1e3),
			  count_text(latency[i]), rate_text(sample->latency_rates[i]),
			  (int)((double)latency[i] / most * width + 0.5), bar);
	}
}

/* ---- --once ---- */

/* Print at most @rows lines after the header, and an empty line */
static void print_block(struct block *block, size_t rows)
{
	size_t i, len;

	for (i = 0; i < block->nr && i <= rows; i++) {
		const char *text = block->lines[i].text;

		for (len = strlen(text); len && text[len - 1] == ' '; len--)
			;
		printf("%.*s\n", (int)len, text);
	}
	if (i < block->nr)
		printf("... %zu more not shown\n", block->nr - i);
	putchar('\n');
	block_clear(block);
}

void view_once(const struct options *options, const struct sample *sample)
{
	struct block block = {};

	view_title(&block, options);
	view_summary(&block, sample);
	print_block(&block, SIZE_MAX);
	view_classes(&block, options, sample, LINE_SIZE);
	print_block(&block, SIZE_MAX);
	view_objects(&block, options, sample, LINE_SIZE);
	print_block(&block, ONCE_ROWS);
	view_cpus(&block, sample);
	print_block(&block, ONCE_ROWS);
	view_latency(&block, sample, ONCE_WIDTH);
	print_block(&block, SIZE_MAX);
}
