/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interfaces between the files of dref-top:
 *
 *	main.c		options, and the main loop: wait, take a sample, show it
 *	read.c		reading a sample from dref's files in debugfs
 *	objects.c	selecting the first few of many deferred objects
 *	rate.c		rates of change since the sample before
 *	sort.c		sort keys
 *	view.c		formatting a sample as text, in blocks of lines
 *	screen.c	displaying these blocks on a terminal, and handling keys
 *	record.c	writing a sample as a line of JSON
 *
 * A rate or any other double that is unknown is NAN, and shown as "-".
 */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../lib/number.h"
#include "../lib/program.h"

#define NAME_SIZE	32	/* of the name of a class, and of its flags as text */
#define FIRST_OBJECTS	64	/* number of objects kept per sample */
#define LATENCIES	32	/* buckets that begin at 0, 1, 2, 4, ... 2^30 microseconds */

/* The lines of debugfs' stats, in the same order */
enum figure {
	EPOCH, PASSES, PASSES_EXPEDITED, DEFERRED, EXACT_LIVE, DYING, IMMORTAL,
	PROMOTIONS, DEMOTIONS, PROMOTIONS_FAILED, RELEASED_EXACT, RELEASED_DEFERRED, EXITED,
	RESURRECTED, UNDERFLOWS, OVERFLOWS, SLOTS_TOTAL, SLOTS_USED, SLOT_BYTES,
	GP_NS_LAST, GP_NS_MAX, PASS_NS_LAST, PASS_NS_MAX, NR_STATS
};

/**
 * struct stat_line - a line of debugfs' stats
 * @name: name of the figure in that line
 * @counter: the figure only grows, so a rate makes sense
 */
struct stat_line {
	const char	*name;
	bool		counter;
};

/**
 * struct stats - statistics of dref as a whole, or of one class
 * @values: values, indexed by enum figure
 * @known: bitmap of the figures that were present
 * @rates: growth of the values per second
 */
struct stats {
	uint64_t	values[NR_STATS];
	unsigned int	known;
	double		rates[NR_STATS];
};

struct class {
	char		name[NAME_SIZE];
	char		flags[NAME_SIZE];
	struct stats	stats;
};

/**
 * struct object - a deferred object, as shown by debugfs
 * @id: hashed pointer that identifies the object
 * @class: name of its class
 * @mode: deferred, demoting or dying
 * @refs: approximate number of references, as the counters are read while they change
 * @gets: gets counted in its slot
 * @puts: puts counted in its slot
 * @age_ms: time since its promotion
 * @idle_passes: number of passes since its last use
 * @get_rate: gets per second
 * @put_rate: puts per second
 */
struct object {
	uint64_t	id;
	char		class[NAME_SIZE];
	char		mode[12];
	int64_t		refs;
	uint64_t	gets;
	uint64_t	puts;
	uint64_t	age_ms;
	uint64_t	idle_passes;
	double		get_rate;
	double		put_rate;
};

/* The sum of what all slots have counted on one CPU */
struct cpu {
	unsigned int	number;
	uint64_t	gets;
	uint64_t	puts;
	int64_t		net;
	double		get_rate;
	double		put_rate;
};

/**
 * struct sample - the content of dref's debugfs files at one moment
 * @ns: time when the sample was taken
 * @seconds: time since the sample before; 0 if there is none to compare with
 * @loaded: dref is loaded
 * @folder: inode number of its debugfs folder, which changes when dref is reloaded
 * @stats: statistics of all classes together
 * @max_deferred: limit on deferred objects; NAN if unknown
 * @classes: array of classes, sorted like the arrays that follow
 * @nr_classes: number of classes
 * @objects: the first objects in sort order
 * @nr_objects: number of entries in @objects
 * @has_objects: a file with objects was present
 * @cpus: array of CPUs
 * @nr_cpus: number of CPUs
 * @has_cpus: the file with figures per CPU was present
 * @latency: histogram of the time from the last put to release(), in objects;
 *	latency_below() returns the upper bounds of its buckets
 * @latency_rates: growth of @latency per second
 * @has_latency: the file with the histogram was present
 * @junk: number of lines that could not be parsed
 */
struct sample {
	uint64_t	ns;
	double		seconds;
	bool		loaded;
	ino_t		folder;
	struct stats	stats;
	double		max_deferred;
	struct class	*classes;
	size_t		nr_classes;
	struct object	objects[FIRST_OBJECTS];
	size_t		nr_objects;
	bool		has_objects;
	struct cpu	*cpus;
	size_t		nr_cpus;
	bool		has_cpus;
	uint64_t	latency[LATENCIES];
	double		latency_rates[LATENCIES];
	bool		has_latency;
	uint64_t	junk;
};

/* Sort keys of the tables: see sort.c */
enum sort { BY_HEAT, BY_REFS, BY_AGE, BY_IDLE, BY_NAME, NR_SORTS };

struct options {
	const char	*debugfs;
	uint64_t	interval_ns;
	uint64_t	count;			/* number of intervals; 0: no limit */
	char		class[NAME_SIZE];	/* "": all classes */
	enum sort	sort;
};

/* read.c */
extern const struct stat_line stat_lines[NR_STATS];
bool is_class_name(const char *name);
void check_debugfs(const struct options *options);
void read_sample(const struct options *options, const struct sample *before,
		 struct sample *sample);
void read_free(struct sample *sample);

/* objects.c */
void objects_begin(const struct sample *sample);
void objects_add(const struct options *options, struct sample *sample, struct object *object);

/* rate.c */
double rate_of(uint64_t before, uint64_t now, double seconds);
void rate_sample(const struct sample *before, struct sample *now);
double latency_below(size_t i);
double latency_percentile(const struct sample *sample, double share);

/* sort.c */
struct sort_key {
	const char	*name;
	char		key;
	const char	*description;
};

extern const struct sort_key sort_keys[NR_SORTS];
bool sort_find(const char *name, enum sort *sort);
int sort_compare_objects(enum sort sort, const struct object *a, const struct object *b);
void sort_sample(enum sort sort, struct sample *sample);

/* view.c */
#define LINE_SIZE	256

/**
 * struct line - a line of text
 * @text: the text
 * @head: the line is the header of a table
 * @alarm: the line reports a problem, and is highlighted
 */
struct line {
	char	text[LINE_SIZE];
	bool	head;
	bool	alarm;
};

/**
 * struct block - lines that are shown together
 * @lines: array of lines, of which the first may be a header
 * @nr: number of lines
 * @middle: index of the line to centre on if not all lines fit; 0: show the first ones
 */
struct block {
	struct line	*lines;
	size_t		nr;
	size_t		middle;
};

void block_clear(struct block *block);
__printf(2, 3)
struct line *block_add(struct block *block, const char *format, ...);
void view_title(struct block *block, const struct options *options);
void view_summary(struct block *block, const struct sample *sample);
void view_classes(struct block *block, const struct options *options,
		  const struct sample *sample, unsigned int width);
void view_objects(struct block *block, const struct options *options,
		  const struct sample *sample, unsigned int width);
void view_cpus(struct block *block, const struct sample *sample);
void view_latency(struct block *block, const struct sample *sample, unsigned int width);
void view_once(const struct options *options, const struct sample *sample);

/* screen.c */
void screen_open(void);
void screen_resize(void);
void screen_draw(const struct options *options, const struct sample *sample);
enum screen_answer { STAY, REFRESH, QUIT };
enum screen_answer screen_keys(struct options *options, struct sample *sample);

/* record.c */
void record_open(const char *path);
void record_sample(const struct options *options, const struct sample *sample,
		   uint64_t begin_ns);

#endif /* TOP_H */
