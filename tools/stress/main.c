// SPDX-License-Identifier: GPL-2.0
/*
 * dref-stress: stress dref, and report whether it released every object correctly.
 *
 * dref_stress.ko takes and drops the references in the kernel.  Its oracle tracks
 * every reference without asking dref.  This program provides the threads, bound
 * to CPUs, that call into the module, and prints progress and results.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

#define DEFAULT_DURATION_NS	(10 * NSEC_PER_SEC)
#define DEFAULT_LATE_NS		(5 * NSEC_PER_SEC)
#define MAX_LATE_NS		(24 * 3600 * NSEC_PER_SEC)

static void print_options(void)
{
	unsigned int i;

	printf("Usage: dref-stress [OPTION]...\n"
	       "Stress deferred reference counts in the kernel, and verify every release.\n"
	       "Needs root and dref_stress.ko. Defaults are in parentheses.\n"
	       "\n"
	       "  -s, --scenario NAME  run this scenario; --list shows all of them (mix)\n"
	       "  -d, --duration TIME  run for TIME: 30, 30s, 5m, 2h (10s; no limit with --ops)\n"
	       "  -o, --ops N          stop after N steps, summed over all workers\n"
	       "  -c, --cpus LIST      bind the workers to these CPUs, as in 0-3,6 (all)\n"
	       "  -w, --workers N      number of workers (depends on the scenario)\n"
	       "  -n, --objects N      number of shared objects (depends on the scenario)\n"
	       "  -k, --class NAMES    class flags: any, plain or some of sleep,rcu,exact (any)\n"
	       "  -S, --seed N         seed of the random choices, as printed by an earlier run\n"
	       "      --late TIME      count a release later than TIME as an error (5s)\n"
	       "  -q, --quiet          print the result only, no progress\n"
	       "      --json FILE      write the result to FILE as JSON\n"
	       "      --csv FILE       write a line per second to FILE as CSV\n"
	       "\n"
	       "Disturbers:\n");
	for (i = 0; i < nr_disturbers; i++)
		printf("      --%-14s %s\n", disturber_name(i), disturber_description(i));
	printf("      --disturb        enable all disturbers that work on this machine\n"
	       "\n"
	       "Fault injection:\n"
	       "      --break FAULT    inject one of the faults that --list shows; needs a\n"
	       "                       dref.ko built by \"make stress-broken\"\n"
	       "\n"
	       "Instead of a stress run:\n"
	       "  -l, --life           follow one object from its creation to its release\n"
	       "                       (--class defaults to plain)\n"
	       "      --restore        restore the settings that a killed run has left changed\n"
	       "      --list           list the scenarios, the disturbers and the faults\n"
	       "  -h, --help           show this help\n"
	       "      --version        show the version\n"
	       "\n"
	       "Exit status: 0 no errors, 1 something failed, 2 wrong usage, no permission,\n"
	       "or no module, 3 no errors, but the run did not do all that was asked for.\n"
	       "Ctrl-C ends a run early; its result is still printed.\n");
}

/* The faults, each with the scenario that shows it best */
static const struct breakage {
	const char	*name;
	const char	*description;
	const char	*scenario;
} breakages[] = {
	{ "early-release", "a pass treats one remaining reference as zero", "mix" },
	{ "late-release", "dead objects are released a minute late", "mix" },
	{ "double-release", "release() is called twice", "mix" },
	{ "lost-put", "a put of a dying object is lost", "mix" },
	{ "skip-grace-period", "a pass does not wait for a grace period", "weak" },
	{ "gets-before-puts", "a pass sums the gets before the puts", "ring" },
	{ "no-cmpxchg", "an object dies even if it was just resurrected", "weak" },
	{ "free-slot-early", "a demotion frees its slot without waiting for Tasks RCU", "flap" },
	{ "missed-resurrect", "a pass does not recheck dying objects", "mix" },
	{ "lost-kill", "a promotion forgets that the object was killed", "kill" },
	{ "skip-rcu", "DREF_RCU objects are released without a grace period", "lookup" },
	{ "late-write", "dref writes to the count after release()", "mix" },
};

static int list_all(void)
{
	struct options options = { };
	const char *missing;
	unsigned int i;

	allowed_cpus(&options.cpus, &options.nr_cpus);
	printf("Scenarios:\n");
	for (i = 0; i < nr_scenarios; i++)
		printf("  %-18s %s\n", scenarios[i].name, scenarios[i].description);
	printf("\nDisturbers:\n");
	for (i = 0; i < nr_disturbers; i++) {
		missing = disturber_missing(i, &options);
		printf("  %-18s %s%s%s%s\n", disturber_name(i), disturber_description(i),
		       missing ? " (needs " : "", missing ?: "", missing ? ")" : "");
	}
	printf("\nFaults (--break):\n");
	for (i = 0; i < ARRAY_SIZE(breakages); i++)
		printf("  %-18s %s\n", breakages[i].name, breakages[i].description);
	return CLEAN;
}

static uint64_t number_argument(const char *option, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!parse_number(optarg, min, max, &value))
		die(REFUSED, "--%s %s: not a number from %llu to %llu", option, optarg,
		    (unsigned long long)min, (unsigned long long)max);
	return value;
}

static uint64_t time_argument(const char *option)
{
	uint64_t ns;

	if (!parse_duration(optarg, &ns))
		die(REFUSED, "--%s %s: not a time like 30s, 5m or 2h", option, optarg);
	return ns;
}

static const struct scenario *scenario_argument(void)
{
	const struct scenario *scenario = scenario_find(optarg);

	if (!scenario)
		die(REFUSED, "--scenario %s: no such scenario (see --list)", optarg);
	return scenario;
}

static const struct breakage *break_argument(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(breakages); i++) {
		if (!strcmp(optarg, breakages[i].name))
			return &breakages[i];
	}
	die(REFUSED, "--break %s: no such fault (see --list)", optarg);
}

static unsigned int class_argument(void)
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
			die(REFUSED, "--class %s: not plain, any, or a list of sleep,rcu,exact",
			    optarg);
		flags |= names[i].flag;
		text += len;
	} while (*text++);
	return flags;
}

/* Append one option per disturber to @longs */
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

/* Fill in the scenario's defaults, and refuse options that cannot work here */
static void apply_defaults(struct options *options)
{
	const struct scenario *scenario = options->scenario;
	const char *missing;
	unsigned int i;

	if (!options->objects)
		options->objects = scenario->objects;
	if (!options->workers) {
		options->workers = options->nr_cpus * (scenario->workers ?: 1);
		if (options->workers > DREF_STRESS_MAX_WORKERS)
			options->workers = DREF_STRESS_MAX_WORKERS;
	}
	for (i = 0; i < nr_disturbers; i++) {
		missing = disturber_missing(i, options);
		if (options->disturb && !missing)
			options->disturbers |= 1U << i;
		if (options->disturbers & 1U << i && missing)
			die(REFUSED, "--%s needs %s", disturber_name(i), missing);
	}
	if (options->breakage && access(DREF_PARAMETERS "break", W_OK))
		die(REFUSED, "--break %s needs a dref.ko built by \"make stress-broken\"",
		    options->breakage);
}

int main(int argc, char **argv)
{
	enum { LIST = 256, LATE, JSON, CSV, BREAK, DISTURB, RESTORE, VERSION, DISTURBER };
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
		{ "restore",	no_argument,		NULL, RESTORE },
		{ "list",	no_argument,		NULL, LIST },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, VERSION },
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

	program_begin();
	add_disturbers(longs, DISTURBER);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":s:d:o:c:w:n:k:S:qlh", longs, NULL)) >= 0) {
		switch (option) {
		case 's':
			options.scenario = scenario_argument();
			break;
		case 'd':
			options.duration_ns = time_argument("duration");
			break;
		case 'o':
			options.ops = number_argument("ops", 1, UINT64_MAX / 2);
			break;
		case 'c':
			if (!parse_cpus(optarg, &options.cpus, &options.nr_cpus))
				die(REFUSED, "--cpus %s: not a list of CPUs, like 0-3,6",
				    optarg);
			check_cpus(options.cpus, options.nr_cpus);
			break;
		case 'w':
			options.workers = number_argument("workers", 1, DREF_STRESS_MAX_WORKERS);
			break;
		case 'n':
			options.objects = number_argument("objects", 1, DREF_STRESS_MAX_OBJECTS);
			break;
		case 'k':
			options.class_flags = class_argument();
			class_chosen = true;
			break;
		case 'S':
			options.seed = number_argument("seed", 0, UINT64_MAX);
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'l':
			run = run_life;
			break;
		case LIST:
			return list_all();
		case RESTORE:
			return restore_changes();
		case VERSION:
			return print_version();
		case LATE:
			options.late_ns = time_argument("late");
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
			breakage = break_argument();
			break;
		case DISTURB:
			options.disturb = true;
			break;
		case 'h':
			print_options();
			return CLEAN;
		case ':':
			die(REFUSED, "%s needs a value (see --help)",
			    argv[optind - 1]);
		default:
			if (option >= DISTURBER) {
				options.disturbers |= 1U << (option - DISTURBER);
				break;
			}
			if (optopt && optopt < LIST)
				die(REFUSED, "-%c: unknown option (see --help)", optopt);
			die(REFUSED, "%s: unknown option (see --help)", argv[optind - 1]);
		}
	}
	if (optind < argc)
		die(REFUSED, "%s: unexpected argument (see --help)", argv[optind]);

	if (!options.cpus)
		allowed_cpus(&options.cpus, &options.nr_cpus);
	if (run != run_stress) {
		if (options.scenario || options.disturbers || options.disturb || breakage ||
		    options.json || options.csv)
			die(REFUSED, "--life takes no scenario, disturber, fault or file");
		options.scenario = scenario_find("shared");
	}
	if (breakage)
		options.breakage = breakage->name;
	if (!options.scenario)
		options.scenario = scenario_find(breakage ? breakage->scenario : "mix");
	apply_defaults(&options);
	if (!options.duration_ns && !options.ops)
		options.duration_ns = DEFAULT_DURATION_NS;
	/* nothing but dref delays the release of an object without class flags */
	if (run == run_life && !class_chosen)
		options.class_flags = 0;

	return run(&options);
}
