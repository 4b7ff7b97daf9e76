// SPDX-License-Identifier: GPL-2.0
/*
 * The progress display.  On a terminal it is one line that is rewritten; elsewhere a
 * new line is printed every now and then, which suits a log.
 *
 * The main thread waits here for the end of the run and for signals.  All threads
 * have the signals blocked, so no signal handler is needed, and none can race with
 * the program.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define TICK_MS		100
#define LINES		10	/* printed during a run, approximately */
#define LINE_MAX_NS	(60 * NSEC_PER_SEC)
#define BAR		16	/* width; the whole line fits into 80 columns */

static sigset_t signals;
static bool bar_shown;

/* Must be called before the first change and before the first thread */
void block_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action;
	size_t i;

	sigemptyset(&signals);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		/* leave out what nohup(1) ignores: blocked, sigtimedwait() would return it */
		if (!sigaction(ends[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&signals, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &signals, NULL);
	/* SIGPIPE must not prevent undo_changes() */
	signal(SIGPIPE, SIG_IGN);
}

/* From here on, signals terminate the program as usual */
void unblock_signals(void)
{
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

/* Wait for one tick; returns true if a signal asks the program to end */
bool wait_a_tick(void)
{
	struct timespec tick = { .tv_nsec = TICK_MS * NSEC_PER_MSEC };

	return sigtimedwait(&signals, NULL, &tick) > 0;
}

/* Is standard output a terminal on which a line can be rewritten? */
static bool on_terminal(void)
{
	const char *term = getenv("TERM");
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
	return terminal;
}

static unsigned int columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* Print to standard output, after erasing the progress bar */
void output(const char *format, ...)
{
	va_list args;

	if (bar_shown)
		printf("\r\033[K");
	bar_shown = false;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

/* The fraction of the time or of the steps that is done, whichever is greater */
static double fraction_done(const struct options *options, uint64_t ns, uint64_t steps)
{
	double by_time = 0, by_steps = 0;

	if (options->duration_ns)
		by_time = (double)ns / options->duration_ns;
	if (options->ops)
		by_steps = (double)steps / options->ops;
	if (by_time < by_steps)
		by_time = by_steps;
	return by_time < 1 ? by_time : 1;
}

static void show_progress(const struct session *session, uint64_t ns)
{
	uint64_t steps = session_steps(session);
	double done = fraction_done(session->options, ns, steps);
	double seconds = (double)ns / NSEC_PER_SEC;
	char bar[BAR + 1], line[200], total[20], rate[20];
	int filled = done * BAR + 0.5;

	snprintf(line, sizeof(line), "%5.1f s, %s steps, %s/s, ETA %.0f s, %llu errors",
		 seconds, format_rate(steps, total, sizeof(total)),
		 format_rate(seconds > 0 ? steps / seconds : 0, rate, sizeof(rate)),
		 done > 0 ? seconds / done - seconds : 0,
		 (unsigned long long)__atomic_load_n(&session->errors, __ATOMIC_RELAXED));
	if (!on_terminal()) {
		output("%3.0f %%  %s\n", done * 100, line);
		return;
	}
	memset(bar, '.', BAR);
	memset(bar, '#', filled);
	bar[BAR] = '\0';
	printf("\r\033[K");
	if (columns() > BAR + strlen(line) + 9)
		printf("[%s] %3.0f %%  %s", bar, done * 100, line);
	else if (columns() > 10)
		printf("%3.0f %%  %.*s", done * 100, (int)columns() - 8, line);
	fflush(stdout);
	bar_shown = true;
}

/*
 * Wait until the workers have done all steps, the time is over, an error is found, a
 * signal arrives or nobody reads the output any more.  Calls @tick with @data at every
 * tick.  Returns true if a signal or the output has ended the wait.
 */
bool wait_for_workers(struct session *session,
		      void (*tick)(struct session *session, void *data), void *data)
{
	const struct options *options = session->options;
	uint64_t begin = now_ns(), pause, ns, next;
	bool interrupted = false;

	pause = options->duration_ns / LINES;
	if (!options->duration_ns || pause > LINE_MAX_NS)
		pause = LINE_MAX_NS;
	if (pause < NSEC_PER_SEC)
		pause = NSEC_PER_SEC;
	if (on_terminal())
		pause = 0;
	next = pause;
	while (session_working(session) && !interrupted) {
		interrupted = wait_a_tick() || ferror(stdout);
		ns = now_ns() - begin;
		if (tick)
			tick(session, data);
		if (options->duration_ns && ns >= options->duration_ns)
			break;
		if (!options->quiet && ns >= next) {
			show_progress(session, ns);
			next += pause;
		}
	}
	if (!options->quiet)
		show_progress(session, now_ns() - begin);
	if (bar_shown)
		printf("\n");		/* keep the last bar */
	bar_shown = false;
	return interrupted;
}
