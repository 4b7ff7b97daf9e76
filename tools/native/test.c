// SPDX-License-Identifier: GPL-2.0
/*
 * dref-native-test: test the core of dref.ko with real threads, in user space.
 *
 * The tests take seconds, need no virtual machine, and run with the sanitizers, which
 * find errors that a kernel does not show.  Each test is a process of its own, in which
 * dref is loaded and unloaded.  A test fails at the first unexpected result, and
 * reports it in one line; a warning of dref that the test does not expect is such a
 * result.
 *
 * In the build with faults on demand, --break selects a fault, and then a test is
 * expected to fail.  The exit status has its usual meaning: it is 1 if a test failed.
 */
#include <getopt.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/jiffies.h>

#include "test.h"

unsigned int test_threads = 4, test_ms = 400;
unsigned long test_warnings;
bool test_broken;

static bool failed;

bool test_failed(void)
{
	return READ_ONCE(failed);
}

/* Report only the first failure */
void test_fail(const char *format, ...)
{
	va_list args;

	if (__atomic_exchange_n(&failed, true, __ATOMIC_SEQ_CST))
		return;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

/* Get one of the values that dref shows in debugfs, in stats */
unsigned long test_stat(const char *name)
{
	size_t size, len = strlen(name);
	unsigned long value = 0;
	struct seq_file seq;
	char *text, *line;

	seq.file = open_memstream(&text, &size);
	if (!seq.file)
		shim_die("cannot read statistics", errno);
	dref_stats_show(&seq);
	fclose(seq.file);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strncmp(line, name, len) && line[len] == ':')
			value = strtoul(line + len + 1, NULL, 10);
	}
	free(text);
	return value;
}

/* Make dref promote and demote objects within the short time of a test */
static void set_tunables(void)
{
	dref_pass_min_ms = 1;
	dref_pass_max_ms = 8;
	dref_promote_threshold = 4;
	dref_demote_passes = 2;
	test_stall(2000, 3000);
}

/* The slot of an immortal object is returned by a pass, after Tasks RCU */
static void expect_no_slot(void)
{
	int i;

	for (i = 0; i < 10000 / POLL_MS && dref_slots_used(); i++)
		msleep(POLL_MS);
	check(!dref_slots_used(), "expected all slots to be free, seen %lu in use",
	      dref_slots_used());
}

/* Run @test; the caller is a process of its own */
static bool run_test(const struct test *test)
{
	unsigned long warnings;
	int err;

	/* A test that hangs has failed */
	alarm(60 + test_ms / 1000);
	set_tunables();
	shim_boot(test_threads + 1);
	err = shim_module_init();
	check(!err, "expected dref to be loaded, seen %d", err);
	test->run(test);
	warnings = shim_warnings();
	check(warnings == test_warnings, "expected %lu warnings, seen %lu", test_warnings,
	      warnings);
	/* After a failure the state of dref is undefined, so do not unload it */
	if (failed)
		return false;
	expect_no_slot();
	shim_module_exit();
	shim_halt();
	return !failed;
}

static bool run_in_process(const struct test *test)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		shim_die("cannot start a process", errno);
	if (!pid)
		exit(run_test(test) ? 0 : 1);
	if (waitpid(pid, &status, 0) < 0)
		shim_die("cannot wait for a test", errno);
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	return !status;
}

static void print_help(void)
{
	printf("Usage: dref-native-test [OPTION]... [TEST]...\n"
	       "Run the named tests of the core of dref, or all of them.\n"
	       "\n"
	       "  -t, --threads N   number of threads in tests of races (default: 4)\n"
	       "  -m, --ms N        duration of a test of races, in milliseconds (default: 400)\n"
	       "  -b, --break WHAT  break dref with a fault of module/broken/broken.c; only the test\n"
	       "                    in build/broken can do that\n"
	       "  -l, --list        list the names of the tests\n"
	       "  -h, --help        show this help\n"
	       "\n"
	       "Exit status: 0 if all tests passed, 1 if a test failed, 2 if the usage is wrong.\n");
}

__printf(1, 2) __noreturn
static void usage_error(const char *format, ...)
{
	va_list args;

	fputs("dref-native-test: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see --help)\n", stderr);
	exit(2);
}

static unsigned int parse_number(const char *option, unsigned int most)
{
	char *end;
	unsigned long value = strtoul(optarg, &end, 10);

	if (optarg[0] < '0' || optarg[0] > '9' || *end || !value || value > most)
		usage_error("--%s %s: not a number from 1 to %u", option, optarg, most);
	return value;
}

#ifdef DREF_BROKEN

/*
 * Let one in @one_in operations stall for up to @us between the load of mode and the
 * increment.  This is not a fault: the algorithm must tolerate such a delay.
 */
void test_stall(unsigned int one_in, unsigned int us)
{
	WRITE_ONCE(*shim_param_stall_one_in, one_in);
	WRITE_ONCE(*shim_param_stall_us, us);
}

static void parse_break(void)
{
	if (shim_param_break.ops->set(optarg, &shim_param_break))
		usage_error("--break %s: no such fault", optarg);
	test_broken = strcmp(optarg, "none");
}

#else

void test_stall(unsigned int one_in, unsigned int us)
{
}

static void parse_break(void)
{
	usage_error("--break %s: only the test in build/broken can break dref", optarg);
}

#endif /* DREF_BROKEN */

static const struct test *const test_lists[] = { contract_tests, race_tests };

static void list_tests(void)
{
	const struct test *test;
	int i;

	for (i = 0; i < ARRAY_SIZE(test_lists); i++) {
		for (test = test_lists[i]; test->name; test++)
			printf("%s\n", test->name);
	}
}

static bool test_exists(const char *name)
{
	const struct test *test;
	int i;

	for (i = 0; i < ARRAY_SIZE(test_lists); i++) {
		for (test = test_lists[i]; test->name; test++) {
			if (!strcmp(test->name, name))
				return true;
		}
	}
	return false;
}

static bool is_selected(const struct test *test, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++) {
		if (!strcmp(test->name, *names))
			return true;
	}
	return false;
}

static bool run_tests(char **names)
{
	const struct test *test;
	unsigned int number = 0;
	bool passed = true, passes;
	int i;

	printf("TAP version 13\n");
	for (i = 0; i < ARRAY_SIZE(test_lists); i++) {
		for (test = test_lists[i]; test->name; test++) {
			if (!is_selected(test, names))
				continue;
			fflush(stdout);
			passes = run_in_process(test);
			passed = passed && passes;
			printf("%sok %u %s\n", passes ? "" : "not ", ++number, test->name);
		}
	}
	printf("1..%u\n", number);
	return passed;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "threads",	required_argument,	NULL, 't' },
		{ "ms",		required_argument,	NULL, 'm' },
		{ "break",	required_argument,	NULL, 'b' },
		{ "list",	no_argument,		NULL, 'l' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	int option, i;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":t:m:b:lh", longs, NULL)) >= 0) {
		switch (option) {
		case 't':
			test_threads = parse_number("threads", MAX_THREADS);
			break;
		case 'm':
			test_ms = parse_number("ms", 3600000);
			break;
		case 'b':
			parse_break();
			break;
		case 'l':
			list_tests();
			return 0;
		case 'h':
			print_help();
			return 0;
		case ':':
			usage_error("%s needs a value", argv[optind - 1]);
		default:
			usage_error("%s: no such option", argv[optind - 1]);
		}
	}
	for (i = optind; i < argc; i++) {
		if (!test_exists(argv[i]))
			usage_error("%s: no such test", argv[i]);
	}
	return run_tests(argv + optind) ? 0 : 1;
}
