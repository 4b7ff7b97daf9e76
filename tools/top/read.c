// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a sample from dref's files in debugfs.
 *
 * All files consist of lines of text.  A file may be missing, because this build of
 * dref does not have it, or because a kernel that is locked down refuses to open files of
 * debugfs that can be written; a line that cannot be parsed is counted and ignored; and an
 * unknown name comes from a newer dref.  None of these is an error.  dref can be
 * unloaded and loaded again between any two lines.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "top.h"

#define DEBUGFS	"/sys/kernel/debug"

const struct stat_line stat_lines[NR_STATS] = {
	[EPOCH]			= { "epoch", true },
	[PASSES]		= { "passes", true },
	[PASSES_EXPEDITED]	= { "passes_expedited", true },
	[DEFERRED]		= { "deferred", false },
	[EXACT_LIVE]		= { "exact_live", false },
	[DYING]			= { "dying", false },
	[IMMORTAL]		= { "immortal", true },
	[PROMOTIONS]		= { "promotions", true },
	[DEMOTIONS]		= { "demotions", true },
	[PROMOTIONS_FAILED]	= { "promotions_failed", true },
	[RELEASED_EXACT]	= { "released_exact", true },
	[RELEASED_DEFERRED]	= { "released_deferred", true },
	[EXITED]		= { "exited", true },
	[RESURRECTED]		= { "resurrected", true },
	[UNDERFLOWS]		= { "underflows", true },
	[OVERFLOWS]		= { "overflows", true },
	[SLOTS_TOTAL]		= { "slots_total", false },
	[SLOTS_USED]		= { "slots_used", false },
	[SLOT_BYTES]		= { "slot_bytes", false },
	[GP_NS_LAST]		= { "gp_ns_last", false },
	[GP_NS_MAX]		= { "gp_ns_max", false },
	[PASS_NS_LAST]		= { "pass_ns_last", false },
	[PASS_NS_MAX]		= { "pass_ns_max", false },
};

/* ---- files and lines ---- */

/* Give up if later attempts would fail, too, or if the file is not what is missing */
static void check_error(const char *path)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		if (geteuid())
			die(REFUSED, "cannot read %s: you must be root", path);
		break;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		die(FAILED, "cannot read %s: %s", path, strerror(errno));
	}
}

__printf(1, 2)
static FILE *open_file(const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	file = fopen(path, "re");
	if (!file)
		check_error(path);
	return file;
}

/* Read a line, without its newline; valid until the next call */
static const char *next_line(FILE *file)
{
	static char *line;
	static size_t size;
	ssize_t len = getline(&line, &size, file);

	if (len < 0)
		return NULL;
	if (line[len - 1] == '\n')
		line[len - 1] = '\0';
	return line;
}

static bool take_text(const char **text, const char *expected)
{
	size_t len = strlen(expected);

	if (strncmp(*text, expected, len))
		return false;
	*text += len;
	return true;
}

static bool take_signed(const char **text, int64_t *value)
{
	bool negative = take_text(text, "-");
	uint64_t number;

	if (!take_number(text, &number) || number > INT64_MAX)
		return false;
	*value = negative ? -(int64_t)number : (int64_t)number;
	return true;
}

/* Take "NAME N", with optional spaces before it */
static bool take_named(const char **text, const char *name, uint64_t *value)
{
	*text += strspn(*text, " ");
	return take_text(text, name) && take_text(text, " ") && take_number(text, value);
}

/* End of the known fields; a newer dref may append more, after a space */
static bool at_field_end(const char *text)
{
	return !*text || *text == ' ';
}

/* Take a word; only letters and _- are allowed, to keep control codes off terminals */
static bool take_word(const char **text, char *word, size_t size)
{
	size_t len = strspn(*text, "abcdefghijklmnopqrstuvwxyz_-");

	if (!len || len >= size)
		return false;
	memcpy(word, *text, len);
	word[len] = '\0';
	*text += len;
	return true;
}

/* ---- stats ---- */

static bool parse_flags(const char *text, char *flags)
{
	char word[NAME_SIZE];
	size_t len = 0;

	while (take_text(&text, " ") && take_word(&text, word, sizeof(word)) &&
	       len + strlen(word) + 1 < NAME_SIZE)
		len += sprintf(flags + len, "%s%s", len ? " " : "", word);
	return !*text;
}

static bool parse_stat(const char *line, struct stats *stats, char *flags)
{
	const char *colon = strchr(line, ':');
	uint64_t value;
	size_t i;

	if (!colon)
		return false;
	if (flags && take_text(&line, "flags:"))
		return parse_flags(line, flags);
	for (i = 0; i < NR_STATS; i++) {
		if (strlen(stat_lines[i].name) != (size_t)(colon - line) ||
		    strncmp(line, stat_lines[i].name, colon - line))
			continue;
		if (colon[1] != ' ' || !parse_number(colon + 2, 0, UINT64_MAX, &value))
			return false;
		stats->values[i] = value;
		stats->known |= 1U << i;
	}
	return true;
}

/* @flags: buffer for the flags of a class, or NULL */
static void read_stats(FILE *file, struct sample *sample, struct stats *stats, char *flags)
{
	const char *line;

	if (!file)
		return;
	while ((line = next_line(file))) {
		if (!parse_stat(line, stats, flags))
			sample->junk++;
	}
	fclose(file);
}

static void read_max_deferred(FILE *file, struct sample *sample)
{
	const char *line;
	uint64_t value;

	sample->max_deferred = NAN;
	if (!file)
		return;
	line = next_line(file);
	if (line && parse_number(line, 0, UINT64_MAX, &value))
		sample->max_deferred = value;
	else
		sample->junk++;
	fclose(file);
}

/* ---- objects ---- */

static bool take_id(const char **text, uint64_t *id)
{
	char *end;

	if (strspn(*text, "0123456789abcdef") != 16)
		return false;
	*id = strtoull(*text, &end, 16);
	*text = end;
	return true;
}

/* ID: mode MODE count C gets G puts P age_ms A idle_passes I */
static bool parse_object(const char *line, struct object *object)
{
	int64_t count;

	if (!take_id(&line, &object->id) || !take_text(&line, ": mode ") ||
	    !take_word(&line, object->mode, sizeof(object->mode)) ||
	    !take_text(&line, " count ") || !take_signed(&line, &count) ||
	    !take_named(&line, "gets", &object->gets) ||
	    !take_named(&line, "puts", &object->puts) ||
	    !take_named(&line, "age_ms", &object->age_ms) ||
	    !take_named(&line, "idle_passes", &object->idle_passes) || !at_field_end(line))
		return false;
	/* modulo 2^64, as in the kernel */
	object->refs = count + object->gets - object->puts;
	return true;
}

/* Read one line at a time, as there may be very many objects */
static void read_objects(const struct options *options, struct sample *sample,
			 const char *class)
{
	struct object object = {};
	const char *line;
	FILE *file;

	file = open_file("%s/dref/classes/%s/objects", options->debugfs, class);
	if (!file)
		return;
	sample->has_objects = true;
	strcpy(object.class, class);
	while ((line = next_line(file))) {
		if (parse_object(line, &object))
			objects_add(options, sample, &object);
		else
			sample->junk++;
	}
	fclose(file);
}

/* ---- classes ---- */

/* Is @name a name that dref_class_register() accepts? */
bool is_class_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < NAME_SIZE &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static void *grow_array(void *array, size_t nr, size_t size)
{
	array = reallocarray(array, nr + 1, size);
	if (!array)
		die(FAILED, "out of memory");
	memset((char *)array + nr * size, 0, size);
	return array;
}

static void read_class(const struct options *options, struct sample *sample, const char *name)
{
	struct class *class;
	FILE *file;

	sample->classes = grow_array(sample->classes, sample->nr_classes, sizeof(*class));
	class = &sample->classes[sample->nr_classes++];
	strcpy(class->name, name);
	file = open_file("%s/dref/classes/%s/stats", options->debugfs, name);
	read_stats(file, sample, &class->stats, class->flags);
	if (!*options->class || !strcmp(options->class, name))
		read_objects(options, sample, name);
}

static void read_classes(const struct options *options, struct sample *sample)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/dref/classes", options->debugfs);
	folder = opendir(path);
	if (!folder) {
		check_error(path);
		return;
	}
	while ((entry = readdir(folder))) {
		if (is_class_name(entry->d_name))
			read_class(options, sample, entry->d_name);
	}
	closedir(folder);
}

/* ---- cpus and latency ---- */

/* cpuN: gets G puts P net D */
static bool parse_cpu(const char *line, struct cpu *cpu)
{
	uint64_t number;

	if (!take_text(&line, "cpu") || !take_number(&line, &number) || number > UINT32_MAX ||
	    !take_text(&line, ":") || !take_named(&line, "gets", &cpu->gets) ||
	    !take_named(&line, "puts", &cpu->puts) || !take_text(&line, " net ") ||
	    !take_signed(&line, &cpu->net) || !at_field_end(line))
		return false;
	cpu->number = number;
	return true;
}

static void read_cpus(FILE *file, struct sample *sample)
{
	const char *line;
	struct cpu cpu;

	if (!file)
		return;
	sample->has_cpus = true;
	while ((line = next_line(file))) {
		if (!parse_cpu(line, &cpu)) {
			sample->junk++;
			continue;
		}
		sample->cpus = grow_array(sample->cpus, sample->nr_cpus, sizeof(cpu));
		sample->cpus[sample->nr_cpus++] = cpu;
	}
	fclose(file);
}

/* US: N, where US is 0 or a power of two */
static bool parse_latency(const char *line, uint64_t *latency)
{
	uint64_t us, objects;
	size_t i;

	if (!take_number(&line, &us) || !take_text(&line, ": ") ||
	    !parse_number(line, 0, UINT64_MAX, &objects))
		return false;
	for (i = 0; i < LATENCIES; i++) {
		if (us != (i ? 1ULL << (i - 1) : 0))
			continue;
		latency[i] = objects;
		return true;
	}
	return false;
}

static void read_latency(FILE *file, struct sample *sample)
{
	const char *line;

	if (!file)
		return;
	sample->has_latency = true;
	while ((line = next_line(file))) {
		if (!parse_latency(line, sample->latency))
			sample->junk++;
	}
	fclose(file);
}

/* ---- the sample ---- */

/* Die if dref's files cannot be read, now or after dref is loaded */
void check_debugfs(const struct options *options)
{
	struct statfs fs;
	struct stat status;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.", options->debugfs);
	if (stat(path, &status)) {
		check_error(path);
		die(REFUSED, "cannot access %s: %s", options->debugfs, strerror(errno));
	}
	/* any other folder may hold a copy of the files */
	if (!strcmp(options->debugfs, DEBUGFS) && !statfs(DEBUGFS, &fs) &&
	    fs.f_type != DEBUGFS_MAGIC)
		die(REFUSED, "debugfs is not mounted: mount -t debugfs none " DEBUGFS
		    " (not possible if the kernel was booted with debugfs=off)");
	snprintf(path, sizeof(path), "%s/dref/stats", options->debugfs);
	if (access(path, R_OK) && errno != ENOENT) {
		check_error(path);
		die(REFUSED, "cannot read %s: %s", path, strerror(errno));
	}
}

/* Fill the empty @sample; rates are relative to @before */
void read_sample(const struct options *options, const struct sample *before,
		 struct sample *sample)
{
	const char *debugfs = options->debugfs;
	struct stat status;
	char path[PATH_MAX];

	memset(sample, 0, sizeof(*sample));
	sample->ns = now_ns();
	snprintf(path, sizeof(path), "%s/dref", debugfs);
	if (stat(path, &status)) {
		check_error(path);
		return;
	}
	sample->loaded = true;
	sample->folder = status.st_ino;
	if (before && before->loaded && before->folder == sample->folder)
		sample->seconds = (double)(sample->ns - before->ns) / NSEC_PER_SEC;
	objects_begin(sample);

	read_stats(open_file("%s/dref/stats", debugfs), sample, &sample->stats, NULL);
	read_max_deferred(open_file("%s/dref/max_deferred", debugfs), sample);
	read_classes(options, sample);
	read_cpus(open_file("%s/dref/cpus", debugfs), sample);
	read_latency(open_file("%s/dref/latency", debugfs), sample);

	rate_sample(before, sample);
	sort_sample(options->sort, sample);
}

void read_free(struct sample *sample)
{
	free(sample->classes);
	free(sample->cpus);
	memset(sample, 0, sizeof(*sample));
}
