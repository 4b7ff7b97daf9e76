// SPDX-License-Identifier: GPL-2.0
/*
 * The blocks of a sample on a terminal, and its keys.
 *
 * From top to bottom: a title, dref as a whole, the classes, the objects, the CPUs
 * with the latencies beside them, and the keys.  The three tables get a line each
 * in turn until none of them wants more, or there are no more; what does not fit
 * is not shown, and no terminal is too small not to crash on.
 */
#define _GNU_SOURCE
#include <curses.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "top.h"

#define CPUS_WIDTH	38

enum { TABLES = 3 };

static SCREEN *screen;
static bool help;

void screen_open(void)
{
	if (!isatty(STDOUT_FILENO))
		die(REFUSED, "this is no terminal: --once and --json need none");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		die(REFUSED, "no such terminal is known: set TERM to another one");
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
}

/* As often as anybody likes */
void screen_close(void)
{
	if (screen)
		endwin();
	screen = NULL;
}

void screen_resize(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
}

/* ---- drawing ---- */

static void put_line(int y, int x, int width, const struct line *line)
{
	if (y >= LINES || x >= COLS)
		return;
	if (width > COLS - x)
		width = COLS - x;
	if (line->head)
		attron(A_BOLD | A_UNDERLINE);
	if (line->alarm)
		attron(A_BOLD | COLOR_PAIR(1));
	mvaddnstr(y, x, line->text, width);
	attrset(A_NORMAL);
}

/* No more than @nr lines of @block; returns how many */
static int put_block(int y, int x, int width, const struct block *block, int nr)
{
	int i, left_out = 0;

	if (nr > (int)block->nr)
		nr = block->nr;
	if ((int)block->middle > nr / 2)
		left_out = block->middle - nr / 2;
	if (left_out > (int)block->nr - nr)
		left_out = block->nr - nr;
	for (i = 0; i < nr; i++)
		put_line(y + i, x, width, &block->lines[i ? i + left_out : 0]);
	return nr;
}

/* All over the width, in reverse */
static void put_bar(int y, const char *text)
{
	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	mvaddnstr(y, 0, text, COLS);
	attrset(A_NORMAL);
}

/* A line each in turn, among as many tables as there is room for more than a head */
static void share_lines(int lines, const int *wanted, int *given)
{
	int i, tables = lines / 2 < TABLES ? lines / 2 : TABLES;
	bool more = true;

	memset(given, 0, TABLES * sizeof(*given));
	while (more && lines > 0) {
		more = false;
		for (i = 0; i < tables && lines > 0; i++) {
			if (given[i] >= wanted[i])
				continue;
			given[i]++;
			lines--;
			more = true;
		}
	}
}

static void draw_tables(int y, const struct options *options, const struct sample *sample)
{
	struct block classes = {}, objects = {}, cpus = {}, latency = {};
	int wanted[TABLES], given[TABLES];

	view_classes(&classes, options, sample, COLS);
	view_objects(&objects, options, sample, COLS);
	view_cpus(&cpus, sample);
	view_latency(&latency, sample, COLS - CPUS_WIDTH);

	wanted[0] = classes.nr;
	wanted[1] = objects.nr;
	wanted[2] = cpus.nr > latency.nr ? cpus.nr : latency.nr;
	share_lines(LINES - 1 - y, wanted, given);
	y += put_block(y, 0, COLS, &classes, given[0]);
	y += put_block(y, 0, COLS, &objects, given[1]);
	put_block(y, 0, CPUS_WIDTH - 2, &cpus, given[2]);
	put_block(y, CPUS_WIDTH, COLS - CPUS_WIDTH, &latency, given[2]);

	block_clear(&classes);
	block_clear(&objects);
	block_clear(&cpus);
	block_clear(&latency);
}

static void draw_help(void)
{
	struct block block = {};
	int i;

	block_add(&block, "q        quit");
	block_add(&block, "? h      this text, and back");
	block_add(&block, "space    look now");
	block_add(&block, "c        the next class alone, or all of them again");
	block_add(&block, "s        sort by the next of these:");
	for (i = 0; i < NR_SORTS; i++)
		block_add(&block, "%c          %-6s %s", sort_keys[i].key, sort_keys[i].name,
			  sort_keys[i].what);
	block_add(&block, "%s", "");
	block_add(&block, "PROMO, DEMO   objects that became deferred, and exact again");
	block_add(&block, "REL D, REL E  objects released while they were deferred, and exact");
	block_add(&block, "REFS          references to the object, as far as can be told");
	block_add(&block, "GETS, PUTS    counted in slots, that is, of deferred objects only");
	block_add(&block, "AGE, IDLE     since its promotion; passes since somebody used it");
	block_add(&block, "NET           gets less puts: what one CPU got another may put");
	block_add(&block, "LATENCY       from the last put to release(): less than this, but not");
	block_add(&block, "              less than the line above");
	block_add(&block, "-             nobody knows: there is nothing to compare with");
	put_block(2, 1, COLS, &block, block.nr);
	block_clear(&block);
}

static void draw_sample(const struct options *options, const struct sample *sample)
{
	struct block summary = {};
	int nr;

	if (!sample->loaded) {
		block_add(&summary, "dref is not loaded: waiting for it")->alarm = true;
		put_block(2, 1, COLS, &summary, 1);
	} else {
		view_summary(&summary, sample);
		nr = put_block(1, 0, COLS, &summary, summary.nr);
		draw_tables(1 + nr, options, sample);
	}
	block_clear(&summary);
}

static void draw_keys(const struct options *options)
{
	char text[LINE_SIZE];

	snprintf(text, sizeof(text), "q quit  ? help  space look now  s sort: %s  c class: %s",
		 sort_keys[options->sort].name, *options->class ? options->class : "all");
	put_bar(LINES - 1, text);
}

void screen_draw(const struct options *options, const struct sample *sample)
{
	struct block title = {};

	erase();
	if (help)
		draw_help();
	else
		draw_sample(options, sample);
	view_title(&title, options);
	put_bar(0, title.lines[0].text);
	block_clear(&title);
	if (LINES > 1)
		draw_keys(options);
	refresh();
}

/* ---- keys ---- */

/* The one that is after the present one, by name; after the last one, all */
static void next_class(struct options *options, const struct sample *sample)
{
	const char *next = NULL;
	size_t i;

	for (i = 0; i < sample->nr_classes; i++) {
		const char *name = sample->classes[i].name;

		if (strcmp(name, options->class) > 0 && (!next || strcmp(name, next) < 0))
			next = name;
	}
	strcpy(options->class, next ?: "");
}

static bool sort_key(struct options *options, int key)
{
	int i;

	for (i = 0; i < NR_SORTS; i++) {
		if (key != sort_keys[i].key)
			continue;
		options->sort = i;
		return true;
	}
	return false;
}

/* All that have been pressed */
enum screen_answer screen_keys(struct options *options, struct sample *sample)
{
	enum screen_answer answer = STAY;
	int key;

	while ((key = getch()) != ERR) {
		switch (key) {
		case 'q':
			return QUIT;
		case '?':
		case 'h':
			help = !help;
			break;
		case ' ':
			answer = LOOK;
			break;
		case 'c':
			next_class(options, sample);
			break;
		case 's':
			options->sort = (options->sort + 1) % NR_SORTS;
			break;
		default:
			sort_key(options, key);
		}
	}
	sort_sample(options->sort, sample);
	return answer;
}
