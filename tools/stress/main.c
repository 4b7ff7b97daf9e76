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

#include "stress.h"

#define DEFAULT_DURATION_NS	(10 * NSEC_PER_SEC)
#define DEFAULT_OBJECTS		64

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
	printf("Usage: dref-stress [OPTION]...\n"
	       "Stress deferred reference counts in the kernel, and verify every release.\n"
	       "Needs root and dref_stress.ko.\n"
	       "\n"
	       "  -s, --scenario NAME  what the workers do (mix); --list shows them\n"
	       "  -d, --duration TIME  how long: 30, 30s, 5m, 2h (10s; with --ops: no limit)\n"
	       "  -o, --ops N          stop after N steps in all\n"
	       "  -c, --cpus LIST      on which CPUs, as in 0-3,6 (all)\n"
	       "  -w, --workers N      how many (one for each CPU)\n"
	       "  -n, --objects N      how many are shared (%u)\n"
	       "  -k, --class NAMES    plain, or any of sleep,rcu,exact; or any (any)\n"
	       "  -S, --seed N         repeat the choices of an earlier run\n"
	       "  -q, --quiet          no progress, only the result\n"
	       "\n"
	       "Instead of a stress run:\n"
	       "  -l, --life           follow one object from its creation to its release\n"
	       "                       (its class: plain)\n"
	       "  -C, --cost           time a get and a put, beside refcount_t and percpu_ref\n"
	       "      --list           the scenarios\n"
	       "  -h, --help           this text\n"
	       "\n"
	       "Exit status: 0 all is well, 1 something failed, 2 wrong usage, or no module.\n"
	       "Ctrl-C ends a run early, with its result.\n",
	       DEFAULT_OBJECTS);
}

static void list_scenarios(void)
{
	size_t i;

	for (i = 0; i < DREF_STRESS_NR_SCENARIOS; i++)
		printf("%-10s %s\n", scenarios[i].name, scenarios[i].what);
}

static uint64_t number_given(const char *option, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!parse_number(optarg, min, max, &value))
		die(REFUSED, "--%s %s: not a number from %llu to %llu", option, optarg,
		    (unsigned long long)min, (unsigned long long)max);
	return value;
}

static unsigned int scenario_given(void)
{
	unsigned int i;

	for (i = 0; i < DREF_STRESS_NR_SCENARIOS; i++) {
		if (!strcmp(optarg, scenarios[i].name))
			return i;
	}
	die(REFUSED, "--scenario %s: there is none of this name (--list shows them)", optarg);
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

int main(int argc, char **argv)
{
	enum { LIST = 256 };
	static const struct option longs[] = {
		{ "scenario",	required_argument,	NULL, 's' },
		{ "duration",	required_argument,	NULL, 'd' },
		{ "ops",	required_argument,	NULL, 'o' },
		{ "cpus",	required_argument,	NULL, 'c' },
		{ "workers",	required_argument,	NULL, 'w' },
		{ "objects",	required_argument,	NULL, 'n' },
		{ "class",	required_argument,	NULL, 'k' },
		{ "seed",	required_argument,	NULL, 'S' },
		{ "quiet",	no_argument,		NULL, 'q' },
		{ "life",	no_argument,		NULL, 'l' },
		{ "cost",	no_argument,		NULL, 'C' },
		{ "list",	no_argument,		NULL, LIST },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	struct options options = {
		.scenario	= DREF_STRESS_MIX,
		.objects	= DEFAULT_OBJECTS,
		.class_flags	= DREF_STRESS_ANY_CLASS,
		.seed		= now_ns() / 1000 % 1000000000,
	};
	int (*run)(const struct options *options) = run_stress;
	bool class_chosen = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":s:d:o:c:w:n:k:S:qlCh", longs, NULL)) >= 0) {
		switch (option) {
		case 's':
			options.scenario = scenario_given();
			break;
		case 'd':
			if (!parse_duration(optarg, &options.duration_ns))
				die(REFUSED, "--duration %s: not a time like 30s, 5m or 2h",
				    optarg);
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
		case 'C':
			run = run_cost;
			break;
		case LIST:
			list_scenarios();
			return CLEAN;
		case 'h':
			print_options();
			return CLEAN;
		case ':':
			die(REFUSED, "%s needs a value (--help shows the options)",
			    argv[optind - 1]);
		default:
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
	if (!options.workers)
		options.workers = options.nr_cpus;
	if (!options.duration_ns && !options.ops)
		options.duration_ns = DEFAULT_DURATION_NS;
	/* what the last put of a plain object takes is dref's doing alone */
	if (run == run_life && !class_chosen)
		options.class_flags = 0;

	return run(&options);
}
