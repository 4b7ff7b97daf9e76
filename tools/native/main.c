// SPDX-License-Identifier: GPL-2.0
/*
 * dref-native: measure the cost of dref and of other reference counts on real CPUs,
 * without a kernel module.
 *
 * The fast path of dref.h, the core of dref.ko, and the kernel's refcount_t, kref and
 * percpu_ref are compiled for user space.  The files in shim/ take the place of the
 * rest of the kernel.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include <linux/module.h>

#include "bench.h"
#include "shim/shim.h"

#define DEFAULT_RUNS	7
#define DEFAULT_MS	30

static void print_help(void)
{
	printf("Usage: dref-native [OPTION]...\n"
	       "Measure the cost of references that are counted by dref, refcount_t, kref and\n"
	       "percpu_ref, on the CPUs of this machine, in user space. Needs no privilege and no\n"
	       "kernel module.\n"
	       "\n"
	       "  -t, --threads LIST  numbers of threads, as in 1,2,8, each on a CPU of its own\n"
	       "                      (default: 1, 2, 4 and so on, and the number of CPUs)\n"
	       "  -r, --runs N        number of runs, whose median is the result (default: %u)\n"
	       "  -m, --ms N          time to measure a figure in a run, in milliseconds\n"
	       "                      (default: %u)\n"
	       "  -p, --passes CPUS   measure only passes over many objects, and promotions, with\n"
	       "                      this number of possible CPUs, which need not exist: from %u\n"
	       "                      to %u\n"
	       "      --json FILE     write the result to FILE as JSON; if FILE is -, write it to\n"
	       "                      standard output in place of the tables\n"
	       "  -h, --help          show this help\n"
	       "      --version       show the version\n"
	       "\n"
	       "Exit status: 0 on success, 1 if a bound is not met or something failed, 2 if the\n"
	       "usage is wrong.\n", DEFAULT_RUNS, DEFAULT_MS, SHIM_CPUS + 1, MAX_THREADS);
}

static void get_cpus(struct options *options)
{
	unsigned int *cpus, nr;

	allowed_cpus(&cpus, &nr);
	options->nr_cpus = nr < MAX_THREADS ? nr : MAX_THREADS;
	memcpy(options->cpus, cpus, options->nr_cpus * sizeof(*cpus));
	free(cpus);
}

/* Parse a number at the start of *text, and advance *text past it */
static bool parse_prefix(const char **text, unsigned int most, unsigned int *number)
{
	unsigned long value;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	value = strtoul(*text, &end, 10);
	*text = end;
	*number = value;
	return !errno && value && value <= most;
}

static unsigned int parse_number(const char *option, unsigned int least, unsigned int most)
{
	const char *text = optarg;
	unsigned int number;

	if (!parse_prefix(&text, most, &number) || *text || number < least)
		die(2, "--%s %s: not a number from %u to %u", option, optarg, least, most);
	return number;
}

/* The numbers must ascend, so that each occurs once */
static void parse_threads(struct options *options)
{
	const char *text = optarg;
	unsigned int count, last = 0;

	options->nr_counts = 0;
	do {
		if (!parse_prefix(&text, options->nr_cpus, &count) || count <= last ||
		    options->nr_counts == MAX_COUNTS || (*text && *text != ','))
			die(2, "--threads %s: not an ascending list of numbers from 1 to %u",
			    optarg, options->nr_cpus);
		options->counts[options->nr_counts++] = count;
		last = count;
	} while (*text++);
}

static void set_default_threads(struct options *options)
{
	unsigned int count;

	for (count = 1; count < options->nr_cpus; count *= 2)
		options->counts[options->nr_counts++] = count;
	options->counts[options->nr_counts++] = options->nr_cpus;
}

static size_t list_figures(const struct options *options, struct figure *figures)
{
	enum scenario scenario;
	unsigned int count;
	size_t nr = 0, i;

	for (scenario = 0; scenario < NR_SCENARIOS; scenario++) {
		for (count = 0; count < options->nr_counts; count++) {
			for (i = 0; i < nr_counters; i++) {
				if (!row_exists(scenario, &counters[i], options->counts[count]))
					continue;
				figures[nr++] = (struct figure) {
					.scenario = scenario,
					.counter = &counters[i],
					.threads = options->counts[count],
				};
			}
		}
	}
	return nr;
}

/* Measure run by run, so that figures that are compared are from nearly the same time */
static bool run(const struct options *options)
{
	struct figure *figures = calloc(NR_SCENARIOS * options->nr_counts * nr_counters,
					sizeof(*figures));
	unsigned int run;
	size_t nr, i;
	bool met;

	if (!figures)
		die(1, "out of memory");
	nr = list_figures(options, figures);
	for (run = 0; run < options->runs; run++) {
		for (i = 0; i < nr; i++)
			bench_figure(options, &figures[i]);
	}
	met = report(options, figures, nr);
	free(figures);
	return met;
}

static bool run_passes(const struct options *options)
{
	static struct passes passes;

	measure_passes(options, &passes);
	report_passes(options, &passes);
	return true;
}

int main(int argc, char **argv)
{
	enum { JSON = 256, VERSION };
	static const struct option longs[] = {
		{ "threads",	required_argument,	NULL, 't' },
		{ "runs",	required_argument,	NULL, 'r' },
		{ "ms",		required_argument,	NULL, 'm' },
		{ "passes",	required_argument,	NULL, 'p' },
		{ "json",	required_argument,	NULL, JSON },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, VERSION },
		{ }
	};
	struct options options = { .runs = DEFAULT_RUNS, .ms = DEFAULT_MS };
	int option;

	program_begin();
	get_cpus(&options);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":t:r:m:p:h", longs, NULL)) >= 0) {
		switch (option) {
		case 't':
			parse_threads(&options);
			break;
		case 'r':
			options.runs = parse_number("runs", 1, MAX_RUNS);
			break;
		case 'm':
			options.ms = parse_number("ms", 1, 60000);
			break;
		case 'p':
			options.possible = parse_number("passes", SHIM_CPUS + 1, MAX_THREADS);
			break;
		case JSON:
			options.json = optarg;
			break;
		case 'h':
			print_help();
			return 0;
		case VERSION:
			return print_version();
		case ':':
			die(2, "%s needs a value (see --help)", argv[optind - 1]);
		default:
			if (optopt && optopt < JSON)
				die(2, "-%c: no such option (see --help)", optopt);
			die(2, "%s: no such option (see --help)", argv[optind - 1]);
		}
	}
	if (optind < argc)
		die(2, "%s: not an option (see --help)", argv[optind]);
	if (!options.nr_counts)
		set_default_threads(&options);
	report_open(&options);

	/* The grace periods that percpu_ref waits for are then as short as possible */
	shim_rcu_rest_us = 0;
	if (options.possible) {
		/* All threads inherit this, and any of them may run a pass */
		bind_to(options.cpus[0]);
		shim_boot(options.possible - SHIM_CPUS);
	} else {
		shim_boot(options.counts[options.nr_counts - 1] + 1);
	}
	if (shim_module_init())
		die(1, "cannot load dref");
	if (options.possible)
		return run_passes(&options) ? 0 : 1;
	rows_init();
	return run(&options) ? 0 : 1;
}
