// SPDX-License-Identifier: GPL-2.0
/*
 * dref-native: what dref and its peers cost on real CPUs, without a kernel module.
 *
 * The fast path of dref.h and the core of dref.ko are compiled for user space, and
 * so are the kernel's refcount_t, kref and percpu_ref; see shim/ for what stands in
 * for the rest of the kernel.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>

#include <linux/module.h>

#include "bench.h"
#include "shim/shim.h"

#define DEFAULT_RUNS	7
#define DEFAULT_MS	30

void die(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("dref-native: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static void print_options(void)
{
	printf("Usage: dref-native [OPTION]...\n"
	       "Measure what references cost, counted by dref, refcount_t, kref and percpu_ref,\n"
	       "on the CPUs of this machine, in user space. Needs no privilege and no module.\n"
	       "\n"
	       "  -t, --threads LIST  how many threads, as in 1,2,8, each on a CPU of its own\n"
	       "                      (1, 2, 4 and so on, and as many as there are CPUs)\n"
	       "  -r, --runs N        the median of so many runs counts (%u)\n"
	       "  -m, --ms N          how long a figure is measured in a run (%u)\n"
	       "  -p, --passes CPUS   measure passes over many objects and promotions, and nothing\n"
	       "                      else, where so many CPUs are possible: %u to %u, which need\n"
	       "                      not be there\n"
	       "      --json FILE     the result, for programs; -: to standard output, which\n"
	       "                      then has no tables\n"
	       "  -h, --help          this text\n"
	       "\n"
	       "Exit status: 0 all is well, 1 a bound is not met or something failed, 2 wrong\n"
	       "usage.\n", DEFAULT_RUNS, DEFAULT_MS, SHIM_CPUS + 1, MAX_THREADS);
}

static void find_cpus(struct options *options)
{
	unsigned int cpu;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die(1, "cannot tell which CPUs there are: %s", strerror(errno));
	for (cpu = 0; cpu < CPU_SETSIZE && options->nr_cpus < MAX_THREADS; cpu++) {
		if (CPU_ISSET(cpu, &set))
			options->cpus[options->nr_cpus++] = cpu;
	}
}

/* The number at the start of *text, which then is after it */
static bool take_number(const char **text, unsigned int most, unsigned int *number)
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

static unsigned int number_given(const char *option, unsigned int least, unsigned int most)
{
	const char *text = optarg;
	unsigned int number;

	if (!take_number(&text, most, &number) || *text || number < least)
		die(2, "--%s %s: not a number from %u to %u", option, optarg, least, most);
	return number;
}

/* In ascending order, so that none is there twice */
static void threads_given(struct options *options)
{
	const char *text = optarg;
	unsigned int count, last = 0;

	options->nr_counts = 0;
	do {
		if (!take_number(&text, options->nr_cpus, &count) || count <= last ||
		    options->nr_counts == MAX_COUNTS || (*text && *text != ','))
			die(2, "--threads %s: not a list of numbers that rises, from 1 to %u",
			    optarg, options->nr_cpus);
		options->counts[options->nr_counts++] = count;
		last = count;
	} while (*text++);
}

static void default_threads(struct options *options)
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

/* Run by run, so that figures that are compared are measured at nearly the same time */
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

	walk_all(options, &passes);
	report_passes(options, &passes);
	return true;
}

int main(int argc, char **argv)
{
	enum { JSON = 256 };
	static const struct option longs[] = {
		{ "threads",	required_argument,	NULL, 't' },
		{ "runs",	required_argument,	NULL, 'r' },
		{ "ms",		required_argument,	NULL, 'm' },
		{ "passes",	required_argument,	NULL, 'p' },
		{ "json",	required_argument,	NULL, JSON },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	struct options options = { .runs = DEFAULT_RUNS, .ms = DEFAULT_MS };
	int option;

	find_cpus(&options);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":t:r:m:p:h", longs, NULL)) >= 0) {
		switch (option) {
		case 't':
			threads_given(&options);
			break;
		case 'r':
			options.runs = number_given("runs", 1, MAX_RUNS);
			break;
		case 'm':
			options.ms = number_given("ms", 1, 60000);
			break;
		case 'p':
			options.possible = number_given("passes", SHIM_CPUS + 1, MAX_THREADS);
			break;
		case JSON:
			options.json = optarg;
			break;
		case 'h':
			print_options();
			return 0;
		case ':':
			die(2, "%s needs a value (--help shows the options)", argv[optind - 1]);
		default:
			if (optopt && optopt < JSON)
				die(2, "-%c: no such option (--help shows them)", optopt);
			die(2, "%s: no such option (--help shows them)", argv[optind - 1]);
		}
	}
	if (optind < argc)
		die(2, "%s: not an option (--help shows them)", argv[optind]);
	if (!options.nr_counts)
		default_threads(&options);
	report_open(&options);

	/* what percpu_ref waits for is then as short as can be */
	shim_rcu_rest_us = 0;
	if (options.possible) {
		bind_to(options.cpus[0]);	/* whoever it is that makes a pass */
		shim_boot(options.possible - SHIM_CPUS);
	} else {
		shim_boot(options.counts[options.nr_counts - 1] + 1);
	}
	if (shim_module_init())
		die(1, "dref cannot be loaded");
	if (options.possible)
		return run_passes(&options) ? 0 : 1;
	rows_init();
	return run(&options) ? 0 : 1;
}
