// SPDX-License-Identifier: GPL-2.0
/*
 * The screen: displaying a sample on a terminal, and handling keys.
 *
 * From top to bottom, the screen has a title, a summary, the classes, the objects,
 * the CPUs beside the latencies, and a line of keys.  The three tables get a line each
 * in turn until none of them needs more, or no lines are left.  Lines and columns that
 * do not fit are cut off, on a terminal of any size.
 */
#define _GNU_SOURCE
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "top.h"

#define CPUS_WIDTH	38

enum { TABLES = 3 };

static SCREEN *screen;
static bool help;

/* Only the first call does something */
static void screen_close(void)
{
	if (screen)
		endwin();
	screen = NULL;
}

void screen_open(void)
{
	if (!isatty(STDOUT_FILENO))
		die(REFUSED, "standard output is not a terminal (use --once or --json)");
	before_message = screen_close;
	atexit(screen_close);
	/* newterm() accepts a terminal whose cursor cannot be moved, such as "dumb" */
	screen = newterm(NULL, stdout, stdin);
	if (!screen || !tigetstr("cup"))
		die(REFUSED, "cannot use the terminal \"%s\": set TERM, or use --once or --json",
		    getenv("TERM") ?: "");
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

/* Draw at most @nr lines of @block; returns the number of lines drawn */
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

/* Draw a line in reverse video across the whole width */
static void put_bar(int y, const char *text)
{
	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	mvaddnstr(y, 0, text, COLS);
	attrset(A_NORMAL);
}

/*
 * Give the tables a line each in turn.  A table that would show no more than its header
 * gets no line.
 */
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
	block_add(&block, "? h      show or hide this help");
	block_add(&block, "space    refresh now");
	block_add(&block, "c        show the next class only, then all classes again");
	block_add(&block, "s        sort by the next of these keys:");
	for (i = 0; i < NR_SORTS; i++)
		block_add(&block, "%c          %-6s %s", sort_keys[i].key, sort_keys[i].name,
			  sort_keys[i].description);
	block_add(&block, "%s", "");
	block_add(&block, "PROMO, DEMO   objects promoted to deferred, and demoted to exact");
	block_add(&block, "REL D, REL E  objects released while deferred, and while exact");
	block_add(&block, "REFS          approximate number of references to the object");
	block_add(&block, "GETS, PUTS    counted in slots, so of deferred objects only");
	block_add(&block, "AGE, IDLE     time since the promotion; passes since the last use");
	block_add(&block, "NET           gets minus puts; get and put may be on different CPUs");
	block_add(&block, "LATENCY       last put to release(): objects below this bound, but not");
	block_add(&block, "              below the bound in the line above");
	block_add(&block, "-             unknown: there is no earlier sample to compare with");
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

	snprintf(text, sizeof(text), "q quit  ? help  space refresh  s sort: %s  c class: %s",
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

/* Select the next class by name, or after the last one all classes */
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

static void select_sort_key(struct options *options, int key)
{
	int i;

	for (i = 0; i < NR_SORTS; i++) {
		if (key == sort_keys[i].key)
			options->sort = i;
	}
}

/* Handle all keys that have been pressed */
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
			answer = REFRESH;
			break;
		case 'c':
			next_class(options, sample);
			break;
		case 's':
			options->sort = (options->sort + 1) % NR_SORTS;
			break;
		default:
			select_sort_key(options, key);
		}
	}
	sort_sample(options->sort, sample);
	return answer;
}
