// SPDX-License-Identifier: GPL-2.0
/*
 * dref-top: show the activity of dref, live.
 *
 * dref-top samples dref's files in debugfs once per interval, and mostly shows the
 * differences between two samples.  dref may be unloaded and loaded meanwhile.
 *
 * Signals are blocked and read from a signalfd, so that one poll() waits for signals
 * and keys.  No signal handler is needed, and none can race with the program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "top.h"

#define DEFAULT_DEBUGFS		"/sys/kernel/debug"
#define DEFAULT_INTERVAL_NS	NSEC_PER_SEC
#define MIN_INTERVAL_NS		(10 * NSEC_PER_MSEC)
#define MAX_INTERVAL_NS		(24 * 3600 * NSEC_PER_SEC)

/* ---- the loop ---- */

enum show { SCREEN, ONCE, RECORDS };

struct loop {
	struct options	options;
	enum show	show;
	struct sample	*before;
	struct sample	*now;
	uint64_t	begin_ns;
	uint64_t	next_ns;	/* when the next sample is due */
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
		/* leave out what nohup(1) ignores: blocked, the signalfd would return it */
		if (!sigaction(wanted[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&signals, wanted[i]);
	}
	sigprocmask(SIG_BLOCK, &signals, NULL);
	loop->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (loop->signals < 0)
		die(FAILED, "cannot wait for signals: %s", strerror(errno));
}

/* Take a sample; the last one becomes the one to compare with */
static void take_sample(struct loop *loop)
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

/*
 * Handle signals and keys until the next sample is due or the user requests one.
 * Returns false if the program shall end.
 */
static bool wait_for_interval(struct loop *loop)
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
		/* round up, or this loop would busy-wait in the last millisecond */
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
	/* skip missed intervals, and start a new one after a requested sample */
	if (loop->next_ns <= now || answer == REFRESH)
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
			die(REFUSED, "dref is not loaded: %s/dref does not exist",
			    loop->options.debugfs);
		view_once(&loop->options, loop->now);
		check_output(stdout, "the snapshot");
		break;
	case RECORDS:
		record_sample(&loop->options, loop->now, loop->begin_ns);
	}
}

static void run(struct loop *loop)
{
	static struct sample samples[2];
	uint64_t intervals;

	loop->before = &samples[0];
	loop->now = &samples[1];
	open_signals(loop);
	take_sample(loop);
	loop->begin_ns = loop->now->ns;
	loop->next_ns = loop->begin_ns + loop->options.interval_ns;
	/* the first sample has no rates, but the screen should not stay empty */
	if (loop->show == SCREEN || (loop->show == ONCE && !loop->now->loaded))
		show(loop);
	for (intervals = 0; !loop->options.count || intervals < loop->options.count; intervals++) {
		if (!wait_for_interval(loop))
			break;
		take_sample(loop);
		show(loop);
	}
}

/* ---- options ---- */

static void print_options(void)
{
	int i;

	printf("Usage: dref-top [OPTION]...\n"
	       "Show the activity of dref, live, from its files in debugfs.\n"
	       "Needs root and dref.ko. Defaults are in parentheses.\n"
	       "\n"
	       "  -i, --interval TIME  time between two samples: 500ms, 2, 2s, 1m (1s)\n"
	       "  -c, --class NAME     show this class and its objects only (all)\n"
	       "  -s, --sort KEY       sort the tables by one of the keys below (heat)\n"
	       "  -n, --count N        stop after N intervals (no limit)\n"
	       "      --debugfs FOLDER mount point of debugfs (" DEFAULT_DEBUGFS ")\n"
	       "  -h, --help           show this help\n"
	       "      --version        show the version\n"
	       "\n"
	       "Instead of a full screen:\n"
	       "  -1, --once           print the activity of one interval as text\n"
	       "  -j, --json [FILE]    write a line of JSON per interval (standard output)\n"
	       "\n"
	       "Sort keys:\n");
	for (i = 0; i < NR_SORTS; i++)
		printf("  %-20s %s\n", sort_keys[i].name, sort_keys[i].description);
	printf("\n"
	       "On the screen, ? shows the keys, and q quits.\n"
	       "Exit status: 0 success, 1 something failed, 2 wrong usage, no permission,\n"
	       "no debugfs, no terminal, or dref is not loaded (--once only).\n");
}

static uint64_t number_argument(const char *option, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!parse_number(optarg, min, max, &value))
		die(REFUSED, "--%s %s: not a number from %llu to %llu", option, optarg,
		    (unsigned long long)min, (unsigned long long)max);
	return value;
}

static uint64_t interval_argument(void)
{
	uint64_t ns;

	if (!parse_duration(optarg, &ns))
		die(REFUSED, "--interval %s: not a time like 500ms, 2s or 1m", optarg);
	if (ns < MIN_INTERVAL_NS || ns > MAX_INTERVAL_NS)
		die(REFUSED, "--interval %s: not a time from 10ms to 24h", optarg);
	return ns;
}

static enum sort sort_argument(void)
{
	enum sort sort;

	if (!sort_find(optarg, &sort))
		die(REFUSED, "--sort %s: no such key (see --help)", optarg);
	return sort;
}

/* The optional argument of --json may follow as a word of its own */
static const char *file_argument(int argc, char **argv)
{
	if (optarg)
		return optarg;
	if (optind < argc && (argv[optind][0] != '-' || !argv[optind][1]))
		return argv[optind++];
	return "-";
}

int main(int argc, char **argv)
{
	enum { DEBUGFS = 256, VERSION };
	static const struct option longs[] = {
		{ "interval",	required_argument,	NULL, 'i' },
		{ "class",	required_argument,	NULL, 'c' },
		{ "sort",	required_argument,	NULL, 's' },
		{ "count",	required_argument,	NULL, 'n' },
		{ "debugfs",	required_argument,	NULL, DEBUGFS },
		{ "once",	no_argument,		NULL, '1' },
		{ "json",	optional_argument,	NULL, 'j' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, VERSION },
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

	program_begin();
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":i:c:s:n:1j::h", longs, NULL)) >= 0) {
		switch (option) {
		case 'i':
			options->interval_ns = interval_argument();
			break;
		case 'c':
			if (!is_class_name(optarg))
				die(REFUSED, "--class %s: not a valid class name", optarg);
			strcpy(options->class, optarg);
			break;
		case 's':
			options->sort = sort_argument();
			break;
		case 'n':
			options->count = number_argument("count", 1, UINT64_MAX);
			break;
		case DEBUGFS:
			options->debugfs = optarg;
			break;
		case '1':
			once = true;
			break;
		case 'j':
			json = file_argument(argc, argv);
			break;
		case 'h':
			print_options();
			return CLEAN;
		case VERSION:
			return print_version();
		case ':':
			die(REFUSED, "%s needs a value (see --help)",
			    argv[optind - 1]);
		default:
			if (optopt && optopt < DEBUGFS)
				die(REFUSED, "-%c: unknown option (see --help)", optopt);
			die(REFUSED, "%s: unknown option (see --help)", argv[optind - 1]);
		}
	}
	if (optind < argc)
		die(REFUSED, "%s: unexpected argument (see --help)", argv[optind]);
	if (once && (json || options->count))
		die(REFUSED, "--once cannot be combined with --json or --count");

	check_debugfs(options);
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
	return CLEAN;
}
