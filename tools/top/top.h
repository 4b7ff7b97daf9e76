/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of dref-top know of each other.
 *
 *	main.c		options, and the loop: wait, look, show
 *	read.c		dref's files in debugfs: what is in them at one moment
 *	objects.c	the first few of many deferred objects
 *	rate.c		what has changed since the sample before
 *	sort.c		what comes first
 *	view.c		a sample as text, in blocks of lines
 *	screen.c	these blocks on a terminal, and its keys
 *	record.c	a sample for programs: a line of JSON
 *
 * A rate, or any other double, that nobody knows is NAN, and shown as "-".
 */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../stress/number.h"

#define NAME_SIZE	32	/* of a class, and of its flags in words */
#define FIRST_OBJECTS	64	/* so many are kept of each sample */
#define LATENCIES	32	/* from 0, 1, 2, 4, ... 2^30 microseconds on */

/* The lines of stats, in its order */
enum figure {
	EPOCH, PASSES, PASSES_EXPEDITED, DEFERRED, EXACT_LIVE, DYING, IMMORTAL,
	PROMOTIONS, DEMOTIONS, PROMOTIONS_FAILED, RELEASED_EXACT, RELEASED_DEFERRED,
	RESURRECTED, UNDERFLOWS, OVERFLOWS, SLOTS_TOTAL, SLOTS_USED, SLOT_BYTES,
	GP_NS_LAST, GP_NS_MAX, PASS_NS_LAST, PASS_NS_MAX, NR_STATS
};

/**
 * struct stat_line - a line of stats
 * @name: as it is called there
 * @counter: it only grows, and has a rate
 */
struct stat_line {
	const char	*name;
	bool		counter;
};

/**
 * struct stats - of dref, or of one class
 * @values: by enum figure
 * @known: which of them were there: a bit for each
 * @rates: how fast they grow, a second
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
 * struct object - a deferred object, as dref shows it
 * @id: who it is: a hashed pointer
 * @class: its class' name
 * @mode: deferred, demoting or dying
 * @refs: how many references there are, as far as can be told while others count
 * @gets: in its slot,
 * @puts: and these
 * @age_ms: since its promotion
 * @idle_passes: since somebody used it
 * @get_rate: gets a second,
 * @put_rate: and puts
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

/* All that was counted in slots on a CPU */
struct cpu {
	unsigned int	number;
	uint64_t	gets;
	uint64_t	puts;
	int64_t		net;
	double		get_rate;
	double		put_rate;
};

/**
 * struct sample - what dref says at one moment
 * @ns: when
 * @seconds: since the sample before; 0 if there is none to compare it with
 * @loaded: dref is there at all
 * @folder: its debugfs folder: another one after a reload
 * @stats: of all classes together
 * @max_deferred: how many objects may be deferred; NAN if that is unknown
 * @classes: sorted, as the following are
 * @nr_classes: how many there are
 * @objects: the first of them
 * @nr_objects: how many of these are kept
 * @has_objects: there was such a file at all
 * @cpus: what each of them has counted
 * @nr_cpus: how many there are
 * @has_cpus: there was such a file
 * @latency: objects released, by microseconds since the last put; see latency_below()
 * @latency_rates: a second
 * @has_latency: there was such a file
 * @junk: lines that made no sense
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

/* By what rows are sorted: see sort.c */
enum sort { BY_HEAT, BY_REFS, BY_AGE, BY_IDLE, BY_NAME, NR_SORTS };

struct options {
	const char	*debugfs;
	uint64_t	interval_ns;
	uint64_t	count;			/* looks; 0: no limit */
	char		class[NAME_SIZE];	/* "": all of them */
	enum sort	sort;
};

/* read.c */
extern const struct stat_line stat_lines[NR_STATS];
bool read_is_class(const char *name);
void read_check(const struct options *options);
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
	const char	*what;
};

extern const struct sort_key sort_keys[NR_SORTS];
bool sort_find(const char *name, enum sort *sort);
int sort_compare_objects(enum sort sort, const struct object *a, const struct object *b);
void sort_sample(enum sort sort, struct sample *sample);

/* view.c */
#define LINE_SIZE	256

/**
 * struct line - of text
 * @text: what it says
 * @head: it names the columns of what follows
 * @alarm: it should not be so
 */
struct line {
	char	text[LINE_SIZE];
	bool	head;
	bool	alarm;
};

/**
 * struct block - lines that are shown together
 * @lines: the first one may be a head
 * @nr: how many there are
 * @middle: the one to be seen where there is no room for all of them; 0: the first
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
void screen_close(void);
void screen_resize(void);
void screen_draw(const struct options *options, const struct sample *sample);
enum screen_answer { STAY, LOOK, QUIT };
enum screen_answer screen_keys(struct options *options, struct sample *sample);

/* record.c */
void record_open(const char *path);
void record_sample(const struct options *options, const struct sample *sample,
		   uint64_t begin_ns);

/* main.c */
void written(FILE *file, const char *name);

#endif /* TOP_H */
