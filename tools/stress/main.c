// SPDX-License-Identifier: GPL-2.0
/*
 * dref-stress: use dref as hard as possible, and say whether it has held.
 *
 * The references are taken and dropped in the kernel, by dref_stress.ko, whose
 * oracle knows who holds what without asking dref.  This program is its hands:
 * threads bound to CPUs that call in, and what a person wants to see of it.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

#define DEFAULT_DURATION_NS	(10 * NSEC_PER_SEC)
#define DEFAULT_LATE_NS		(5 * NSEC_PER_SEC)
#define MAX_LATE_NS		(24 * 3600 * NSEC_PER_SEC)

void die(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("dref-stress: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static void print_options(void)
{
	unsigned int i;

	printf("Usage: dref-stress [OPTION]...\n"
	       "Stress deferred reference counts in the kernel, and verify every release.\n"
	       "Needs root and dref_stress.ko.\n"
	       "\n"
	       "  -s, --scenario NAME  what the workers do (mix); --list shows them\n"
	       "  -d, --duration TIME  how long: 30, 30s, 5m, 2h (10s; with --ops: no limit)\n"
	       "  -o, --ops N          stop after N steps in all\n"
	       "  -c, --cpus LIST      on which CPUs, as in 0-3,6 (all)\n"
	       "  -w, --workers N      how many (as the scenario has it)\n"
	       "  -n, --objects N      how many are shared (as the scenario has it)\n"
	       "  -k, --class NAMES    plain, or some of sleep,rcu,exact; or any (any)\n"
	       "  -S, --seed N         repeat the choices of an earlier run\n"
	       "      --late TIME      later than this after the last put is an error (5s)\n"
	       "  -q, --quiet          no progress, only the result\n"
	       "      --json FILE      the result, for programs\n"
	       "      --csv FILE       a line for each second\n"
	       "\n"
	       "Disturbers:\n");
	for (i = 0; i < nr_disturbers; i++)
		printf("      --%-14s %s\n", disturber_name(i), disturber_what(i));
	printf("      --disturb        all of these that work here\n"
	       "\n"
	       "Proof that it can fail:\n"
	       "      --break WHAT     break the algorithm of a dref.ko that was made by\n"
	       "                       \"make stress-broken\"; --list shows how\n"
	       "\n"
	       "Instead of a stress run:\n"
	       "  -l, --life           follow one object from its creation to its release\n"
	       "                       (its class: plain)\n"
	       "      --list           the scenarios, the disturbers and what can be broken\n"
	       "  -h, --help           this text\n"
	       "\n"
	       "Exit status: 0 all is well, 1 something failed, 2 wrong usage, or no module.\n"
	       "Ctrl-C ends a run early, with its result.\n");
}

/* And the scenario that shows it */
static const struct breakage {
	const char	*name;
	const char	*what;
	const char	*scenario;
} breaks[] = {
	{ "early-release", "a pass takes one reference for none", "mix" },
	{ "late-release", "the dead lie about for a minute", "mix" },
	{ "double-release", "release() is called twice", "mix" },
	{ "lost-put", "a put of an object that is dying gets lost", "mix" },
	{ "skip-grace-period", "a pass does not wait for a grace period", "weak" },
	{ "gets-before-puts", "a pass takes its sums in the wrong order", "ring" },
	{ "no-cmpxchg", "death does not look whether somebody has got in", "weak" },
	{ "free-slot-early", "a demotion does not wait for Tasks RCU", "flap" },
	{ "missed-resurrect", "a pass does not look a second time", "mix" },
	{ "lost-kill", "a promotion forgets that an object has been killed", "kill" },
	{ "skip-rcu", "DREF_RCU does not wait for a grace period", "lookup" },
	{ "late-write", "dref writes to the count after release()", "mix" },
};

static void list_all(void)
{
	const char *missing;
	unsigned int i;

	printf("Scenarios:\n");
	for (i = 0; i < nr_scenarios; i++)
		printf("  %-18s %s\n", scenarios[i].name, scenarios[i].what);
	printf("\nDisturbers:\n");
	for (i = 0; i < nr_disturbers; i++) {
		missing = disturber_missing(i);
		printf("  %-18s %s%s%s%s\n", disturber_name(i), disturber_what(i),
		       missing ? " (needs " : "", missing ?: "", missing ? ")" : "");
	}
	printf("\nWhat --break can break:\n");
	for (i = 0; i < ARRAY_SIZE(breaks); i++)
		printf("  %-18s %s\n", breaks[i].name, breaks[i].what);
}

static uint64_t number_given(const char *option, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!parse_number(optarg, min, max, &value))
		die(REFUSED, "--%s %s: not a number from %llu to %llu", option, optarg,
		    (unsigned long long)min, (unsigned long long)max);
	return value;
}

static uint64_t time_given(const char *option)
{
	uint64_t ns;

	if (!parse_duration(optarg, &ns))
		die(REFUSED, "--%s %s: not a time like 30s, 5m or 2h", option, optarg);
	return ns;
}

static const struct scenario *scenario_given(void)
{
	const struct scenario *scenario = scenario_find(optarg);

	if (!scenario)
		die(REFUSED, "--scenario %s: there is none of this name (--list shows them)",
		    optarg);
	return scenario;
}

static const struct breakage *break_given(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(breaks); i++) {
		if (!strcmp(optarg, breaks[i].name))
			return &breaks[i];
	}
	die(REFUSED, "--break %s: there is nothing of this name (--list shows it)", optarg);
}

static unsigned int class_given(void)
{
	static const struct {
		const char	*name;
		unsigned int	flag;
	} names[] = {
		{ "sleep", DREF_STRESS_SLEEP },
		{ "rcu", DREF_STRESS_RCU },
		{ "exact", DREF_STRESS_EXACT },
	};
	const char *text = optarg;
	unsigned int flags = 0;
	size_t i, len;

	if (!strcmp(text, "plain"))
		return 0;
	if (!strcmp(text, "any"))
		return DREF_STRESS_ANY_CLASS;
	do {
		len = strcspn(text, ",");
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			if (len == strlen(names[i].name) && !strncmp(text, names[i].name, len))
				break;
		}
		if (i == ARRAY_SIZE(names))
			die(REFUSED, "--class %s: neither plain nor any nor of sleep,rcu,exact",
			    optarg);
		flags |= names[i].flag;
		text += len;
	} while (*text++);
	return flags;
}

/* One option for each disturber, after the others */
static void add_disturbers(struct option *longs, int first)
{
	unsigned int i;

	while (longs->name)
		longs++;
	for (i = 0; i < nr_disturbers; i++) {
		longs[i].name = disturber_name(i);
		longs[i].val = first + i;
	}
}

/* What the user has not said is the scenario's, and what he has must be possible */
static void complete(struct options *options)
{
	const struct scenario *scenario = options->scenario;
	unsigned int i;

	if (!options->objects)
		options->objects = scenario->objects;
	if (!options->workers) {
		options->workers = options->nr_cpus * (scenario->workers ?: 1);
		if (options->workers > DREF_STRESS_MAX_WORKERS)
			options->workers = DREF_STRESS_MAX_WORKERS;
	}
	for (i = 0; i < nr_disturbers; i++) {
		if (options->disturb && !disturber_missing(i))
			options->disturbers |= 1U << i;
		if (options->disturbers & 1U << i && disturber_missing(i))
			die(REFUSED, "--%s needs %s", disturber_name(i), disturber_missing(i));
	}
	if (options->broken && access(DREF_PARAMETERS "break", W_OK))
		die(REFUSED, "--break %s needs a dref.ko made by \"make stress-broken\"",
		    options->broken);
}

int main(int argc, char **argv)
{
	enum { LIST = 256, LATE, JSON, CSV, BREAK, DISTURB, DISTURBER };
	static struct option longs[32] = {
		{ "scenario",	required_argument,	NULL, 's' },
		{ "duration",	required_argument,	NULL, 'd' },
		{ "ops",	required_argument,	NULL, 'o' },
		{ "cpus",	required_argument,	NULL, 'c' },
		{ "workers",	required_argument,	NULL, 'w' },
		{ "objects",	required_argument,	NULL, 'n' },
		{ "class",	required_argument,	NULL, 'k' },
		{ "seed",	required_argument,	NULL, 'S' },
		{ "late",	required_argument,	NULL, LATE },
		{ "quiet",	no_argument,		NULL, 'q' },
		{ "json",	required_argument,	NULL, JSON },
		{ "csv",	required_argument,	NULL, CSV },
		{ "disturb",	no_argument,		NULL, DISTURB },
		{ "break",	required_argument,	NULL, BREAK },
		{ "life",	no_argument,		NULL, 'l' },
		{ "list",	no_argument,		NULL, LIST },
		{ "help",	no_argument,		NULL, 'h' },
	};
	struct options options = {
		.class_flags	= DREF_STRESS_ANY_CLASS,
		.late_ns	= DEFAULT_LATE_NS,
		.seed		= now_ns() / 1000 % 1000000000,
	};
	int (*run)(const struct options *options) = run_stress;
	const struct breakage *breakage = NULL;
	bool class_chosen = false;
	int option;

	add_disturbers(longs, DISTURBER);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":s:d:o:c:w:n:k:S:qlh", longs, NULL)) >= 0) {
		switch (option) {
		case 's':
			options.scenario = scenario_given();
			break;
		case 'd':
			options.duration_ns = time_given("duration");
			break;
		case 'o':
			options.ops = number_given("ops", 1, UINT64_MAX / 2);
			break;
		case 'c':
			if (!parse_cpus(optarg, &options.cpus, &options.nr_cpus))
				die(REFUSED, "--cpus %s: not a list of CPUs, like 0-3,6",
				    optarg);
			break;
		case 'w':
			options.workers = number_given("workers", 1, DREF_STRESS_MAX_WORKERS);
			break;
		case 'n':
			options.objects = number_given("objects", 1, DREF_STRESS_MAX_OBJECTS);
			break;
		case 'k':
			options.class_flags = class_given();
			class_chosen = true;
			break;
		case 'S':
			options.seed = number_given("seed", 0, UINT64_MAX);
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'l':
			run = run_life;
			break;
		case LIST:
			list_all();
			return CLEAN;
		case LATE:
			options.late_ns = time_given("late");
			if (options.late_ns > MAX_LATE_NS)
				die(REFUSED, "--late %s: more than a day", optarg);
			break;
		case JSON:
			options.json = optarg;
			break;
		case CSV:
			options.csv = optarg;
			break;
		case BREAK:
			breakage = break_given();
			break;
		case DISTURB:
			options.disturb = true;
			break;
		case 'h':
			print_options();
			return CLEAN;
		case ':':
			die(REFUSED, "%s needs a value (--help shows the options)",
			    argv[optind - 1]);
		default:
			if (option >= DISTURBER) {
				options.disturbers |= 1U << (option - DISTURBER);
				break;
			}
			if (optopt && optopt < LIST)
				die(REFUSED, "-%c: no such option (--help shows them)", optopt);
			die(REFUSED, "%s: no such option (--help shows them)",
			    argv[optind - 1]);
		}
	}
	if (optind < argc)
		die(REFUSED, "%s: not an option (--help shows them)", argv[optind]);

	if (!options.cpus)
		allowed_cpus(&options.cpus, &options.nr_cpus);
	if (run != run_stress) {
		if (options.scenario || options.disturbers || options.disturb || breakage ||
		    options.json || options.csv)
			die(REFUSED, "--life takes no scenario, disturber or file");
		options.scenario = scenario_find("shared");
	}
	if (breakage)
		options.broken = breakage->name;
	if (!options.scenario)
		options.scenario = scenario_find(breakage ? breakage->scenario : "mix");
	complete(&options);
	if (!options.duration_ns && !options.ops)
		options.duration_ns = DEFAULT_DURATION_NS;
	/* what the last put of a plain object takes is dref's doing alone */
	if (run == run_life && !class_chosen)
		options.class_flags = 0;

	return run(&options);
}
