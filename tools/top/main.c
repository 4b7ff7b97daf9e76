// SPDX-License-Identifier: GPL-2.0
/*
 * dref-top: what dref does, while it does it.
 *
 * Everything comes from dref's files in debugfs, looked at again and again; what
 * is shown of two looks are mostly differences.  dref may come and go meanwhile.
 *
 * Signals are blocked and come through a file descriptor, so that they and the
 * keys are waited for in one place, and there is no handler and nothing to race.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "top.h"

#define DEFAULT_DEBUGFS		"/sys/kernel/debug"
#define DEFAULT_INTERVAL_NS	NSEC_PER_SEC
#define MIN_INTERVAL_NS		(10 * NSEC_PER_MSEC)
#define MAX_INTERVAL_NS		(24 * 3600 * NSEC_PER_SEC)

void die(int status, const char *format, ...)
{
	va_list args;

	screen_close();
	fflush(stdout);
	fputs("dref-top: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

/* What nobody can read was not written: a full disk is no success */
void written(FILE *file, const char *name)
{
	if (fflush(file) || ferror(file))
		die(FAILED, "cannot write %s: %s", name, strerror(errno));
}

/* ---- the loop ---- */

enum show { SCREEN, ONCE, RECORDS };

struct loop {
	struct options	options;
	enum show	show;
	struct sample	*before;
	struct sample	*now;
	uint64_t	begin_ns;
	uint64_t	next_ns;	/* the next look is due */
	int		signals;
};

static void open_signals(struct loop *loop)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	struct sigaction action;
	sigset_t signals;
	size_t i;

	sigemptyset(&signals);
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		/* blocked, it would be seen though nohup(1) has it ignored */
		if (!sigaction(wanted[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&signals, wanted[i]);
	}
	sigprocmask(SIG_BLOCK, &signals, NULL);
	loop->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (loop->signals < 0)
		die(FAILED, "cannot wait for signals: %s", strerror(errno));
}

/* The one before is what this one is compared with */
static void look(struct loop *loop)
{
	struct sample *old = loop->before;

	loop->before = loop->now;
	loop->now = old;
	read_free(old);
	read_sample(&loop->options, loop->before, loop->now);
}

static enum screen_answer take_signal(struct loop *loop)
{
	struct signalfd_siginfo info;

	if (read(loop->signals, &info, sizeof(info)) != sizeof(info) ||
	    info.ssi_signo != SIGWINCH)
		return QUIT;
	if (loop->show == SCREEN)
		screen_resize();
	return STAY;
}

/* Until the next look is due or wanted; false if somebody wants an end */
static bool wait_for_look(struct loop *loop)
{
	enum { SIGNALS, KEYS, NR_FDS };
	struct pollfd fds[NR_FDS] = {
		[SIGNALS] = { .fd = loop->signals, .events = POLLIN },
		[KEYS] = { .fd = -1, .events = POLLIN },
	};
	enum screen_answer answer = STAY;
	uint64_t now;

	if (loop->show == SCREEN && isatty(STDIN_FILENO))
		fds[KEYS].fd = STDIN_FILENO;
	while (answer == STAY && (now = now_ns()) < loop->next_ns) {
		/* rounded up, or the last millisecond is spent on looking at the clock */
		uint64_t ms = (loop->next_ns - now) / NSEC_PER_MSEC + 1;

		if (poll(fds, NR_FDS, ms) <= 0)
			continue;
		if (fds[SIGNALS].revents)
			answer = take_signal(loop);
		if (fds[KEYS].revents & POLLIN && answer == STAY)
			answer = screen_keys(&loop->options, loop->now);
		else if (fds[KEYS].revents)
			answer = QUIT;
		if (loop->show == SCREEN && answer == STAY)
			screen_draw(&loop->options, loop->now);
	}
	now = now_ns();
	loop->next_ns += loop->options.interval_ns;
	/* after a pause, or a look that took long, or one that somebody wanted */
	if (loop->next_ns <= now || answer == LOOK)
		loop->next_ns = now + loop->options.interval_ns;
	return answer != QUIT;
}

static void show(struct loop *loop)
{
	switch (loop->show) {
	case SCREEN:
		screen_draw(&loop->options, loop->now);
		break;
	case ONCE:
		if (!loop->now->loaded)
			die(REFUSED, "dref is not loaded: no %s/dref", loop->options.debugfs);
		view_once(&loop->options, loop->now);
		written(stdout, "the snapshot");
		break;
	case RECORDS:
		record_sample(&loop->options, loop->now, loop->begin_ns);
	}
}

static void run(struct loop *loop)
{
	static struct sample samples[2];
	uint64_t looks;

	loop->before = &samples[0];
	loop->now = &samples[1];
	open_signals(loop);
	look(loop);
	loop->begin_ns = loop->now->ns;
	loop->next_ns = loop->begin_ns + loop->options.interval_ns;
	/* it has no rates yet, but a person wants to see something */
	if (loop->show == SCREEN || (loop->show == ONCE && !loop->now->loaded))
		show(loop);
	for (looks = 0; !loop->options.count || looks < loop->options.count; looks++) {
		if (!wait_for_look(loop))
			break;
		look(loop);
		show(loop);
	}
}

/* ---- options ---- */

static void print_options(void)
{
	int i;

	printf("Usage: dref-top [OPTION]...\n"
	       "Show what dref does, from its files in debugfs. Needs root and dref.ko.\n"
	       "\n"
	       "  -i, --interval TIME  between two looks: 500ms, 2, 2s, 1m (1s)\n"
	       "  -c, --class NAME     only this class and its objects\n"
	       "  -s, --sort KEY       by what, one of those below (heat)\n"
	       "  -n, --count N        end after N intervals (no limit)\n"
	       "      --debugfs FOLDER where debugfs is mounted (" DEFAULT_DEBUGFS ")\n"
	       "  -h, --help           this text\n"
	       "\n"
	       "Instead of a full screen:\n"
	       "  -1, --once           two looks, and what has changed between them, as text\n"
	       "  -j, --json [FILE]    a line of JSON for each interval\n"
	       "\n"
	       "Keys to sort by:\n");
	for (i = 0; i < NR_SORTS; i++)
		printf("  %-20s %s\n", sort_keys[i].name, sort_keys[i].what);
	printf("\n"
	       "On the screen ? shows the keys, and q quits.\n"
	       "Exit status: 0 all is well, 1 something failed, 2 wrong usage, no debugfs,\n"
	       "no permission, or with --once no dref.\n");
}

static uint64_t number_given(const char *option, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!parse_number(optarg, min, max, &value))
		die(REFUSED, "--%s %s: not a number from %llu to %llu", option, optarg,
		    (unsigned long long)min, (unsigned long long)max);
	return value;
}

static uint64_t interval_given(void)
{
	uint64_t ns;

	if (!parse_duration(optarg, &ns))
		die(REFUSED, "--interval %s: not a time like 500ms, 2s or 1m", optarg);
	if (ns < MIN_INTERVAL_NS || ns > MAX_INTERVAL_NS)
		die(REFUSED, "--interval %s: not from 10ms to 24h", optarg);
	return ns;
}

static enum sort sort_given(void)
{
	enum sort sort;

	if (!sort_find(optarg, &sort))
		die(REFUSED, "--sort %s: there is no such key (--help shows them)", optarg);
	return sort;
}

/* The value of --json can be a word of its own, or be missing */
static const char *file_given(int argc, char **argv)
{
	if (optarg)
		return optarg;
	if (optind < argc && (argv[optind][0] != '-' || !argv[optind][1]))
		return argv[optind++];
	return "-";
}

int main(int argc, char **argv)
{
	enum { DEBUGFS = 256 };
	static const struct option longs[] = {
		{ "interval",	required_argument,	NULL, 'i' },
		{ "class",	required_argument,	NULL, 'c' },
		{ "sort",	required_argument,	NULL, 's' },
		{ "count",	required_argument,	NULL, 'n' },
		{ "debugfs",	required_argument,	NULL, DEBUGFS },
		{ "once",	no_argument,		NULL, '1' },
		{ "json",	optional_argument,	NULL, 'j' },
		{ "help",	no_argument,		NULL, 'h' },
		{}
	};
	struct loop loop = {
		.options = {
			.debugfs	= DEFAULT_DEBUGFS,
			.interval_ns	= DEFAULT_INTERVAL_NS,
		},
	};
	struct options *options = &loop.options;
	const char *json = NULL;
	bool once = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":i:c:s:n:1j::h", longs, NULL)) >= 0) {
		switch (option) {
		case 'i':
			options->interval_ns = interval_given();
			break;
		case 'c':
			if (!read_is_class(optarg))
				die(REFUSED, "--class %s: no class can have this name", optarg);
			strcpy(options->class, optarg);
			break;
		case 's':
			options->sort = sort_given();
			break;
		case 'n':
			options->count = number_given("count", 1, UINT64_MAX);
			break;
		case DEBUGFS:
			options->debugfs = optarg;
			break;
		case '1':
			once = true;
			break;
		case 'j':
			json = file_given(argc, argv);
			break;
		case 'h':
			print_options();
			return CLEAN;
		case ':':
			die(REFUSED, "%s needs a value (--help shows the options)",
			    argv[optind - 1]);
		default:
			if (optopt && optopt < DEBUGFS)
				die(REFUSED, "-%c: no such option (--help shows them)", optopt);
			die(REFUSED, "%s: no such option (--help shows them)",
			    argv[optind - 1]);
		}
	}
	if (optind < argc)
		die(REFUSED, "%s: not an option (--help shows them)", argv[optind]);
	if (once && (json || options->count))
		die(REFUSED, "--once takes neither --json nor --count");

	read_check(options);
	if (once) {
		loop.show = ONCE;
		options->count = 1;
	} else if (json) {
		loop.show = RECORDS;
		record_open(json);
	} else {
		screen_open();
	}
	run(&loop);
	screen_close();
	return CLEAN;
}
