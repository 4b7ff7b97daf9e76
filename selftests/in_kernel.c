// SPDX-License-Identifier: GPL-2.0
/*
 * Run the tests of dref_test.ko, each as one line of KTAP.
 *
 *	in_kernel [SUITE|TEST]...	only these
 *	in_kernel --except SUITE	all but these
 *	in_kernel --ms N ...		with N ms for a test that races, not 2000
 *
 * Each test is a file in debugfs, and reading it runs the test.  Its line in the list has
 *
 *	needs:		module parameters of dref.ko, which are restored afterwards
 *	expects:	the statistics that it changes, and by how much: "underflows=1", or
 *			"promotions>0".  "warnings" is the number of those in the kernel log,
 *			and "odebug" the number of reports of debugobjects.
 *	says:		what the kernel log then has, from this run or an earlier one, as some
 *			warnings come once only: "TEXT|TEXT..."
 *
 * A test may change underflows, overflows, warnings and odebug only if its line says so.
 */
#include "common.h"
#include "kselftest.h"

#define TESTS		"/sys/kernel/debug/dref_test"
#define PARAMETERS	"/sys/module/dref/parameters"
#define ODEBUG		"/sys/kernel/debug/debug_objects/stats"
#define MAX		200

struct test {
	char	suite[32];
	char	name[64];
	char	needs[200];
	char	expects[200];
	char	says[300];
};

static struct test tests[MAX];
static int nr_tests;

/* ---- parameters ---- */

/* Do @fn with each NAME=VALUE in @list: all successful? */
static bool with_settings(const char *list, bool (*fn)(const char *name, const char *value))
{
	char copy[200], *word, *save, *value;
	bool good = true;

	snprintf(copy, sizeof(copy), "%s", list);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		value = strchr(word, '=');
		if (!value)
			continue;
		*value++ = '\0';
		good &= fn(word, value);
	}
	return good;
}

static char saved[200];

static bool save_one(const char *name, const char *value)
{
	size_t len = strlen(saved);
	char path[300], was[50];

	snprintf(path, sizeof(path), PARAMETERS "/%s", name);
	if (read_file(path, was, sizeof(was)) < 0)
		return false;
	was[strcspn(was, "\n")] = '\0';
	snprintf(saved + len, sizeof(saved) - len, "%s=%s ", name, was);
	return true;
}

static bool set_one(const char *name, const char *value)
{
	char path[300];

	snprintf(path, sizeof(path), PARAMETERS "/%s", name);
	return !write_file(path, value);
}

/* One can be the limit of another, so the order can matter: two rounds are enough */
static bool set(const char *list)
{
	return with_settings(list, set_one) || with_settings(list, set_one);
}

/* ---- counters ---- */

struct counters {
	char	stats[4096];
	long	warnings;
	long	odebug;		/* -1 without CONFIG_DEBUG_OBJECTS */
};

static int kmsg = -1;

/* What the kernel log shall have after a test */
static struct said {
	const struct test	*test;
	char			text[64];
	bool			seen;
} said[MAX];

static int nr_said;

static void look_for_said(const char *record)
{
	struct said *one;

	for (one = said; one < said + nr_said; one++)
		one->seen |= !!strstr(record, one->text);
}

/* TEXT|TEXT... */
static bool add_said(const struct test *test)
{
	char copy[300], *text, *save;

	snprintf(copy, sizeof(copy), "%s", test->says);
	for (text = strtok_r(copy, "|", &save); text; text = strtok_r(NULL, "|", &save)) {
		if (nr_said == MAX || strlen(text) >= sizeof(said->text))
			return false;
		said[nr_said].test = test;
		strcpy(said[nr_said++].text, text);
	}
	return true;
}

static bool all_said(const struct test *test)
{
	const struct said *one;
	bool good = true;

	for (one = said; one < said + nr_said; one++) {
		if (one->test != test || one->seen)
			continue;
		ksft_print_msg("the kernel log does not have \"%s\"\n", one->text);
		good = false;
	}
	return good;
}

static long count_warnings(void)
{
	static long warnings;
	char record[8192];
	ssize_t n;

	while ((n = read(kmsg, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		if (n <= 0) {
			errno = 0;	/* it has overrun us: go on */
			continue;
		}
		record[n] = '\0';
		if (strstr(record, "WARNING: "))
			warnings++;
		look_for_said(record);
	}
	return warnings;
}

/* The line is "warnings      :NUMBER".  After five reports, debugobjects only counts them. */
static long count_odebug(void)
{
	char text[1000], *line;

	if (read_file(ODEBUG, text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "warnings");
	line = line ? strchr(line, ':') : NULL;
	return line ? atol(line + 1) : -1;
}

static void take(struct counters *counters)
{
	if (read_file(DREF "/stats", counters->stats, sizeof(counters->stats)) < 0)
		counters->stats[0] = '\0';
	counters->warnings = count_warnings();
	counters->odebug = count_odebug();
}

static long value_of(const struct counters *counters, const char *name)
{
	if (!strcmp(name, "warnings"))
		return counters->warnings;
	if (!strcmp(name, "odebug"))
		return counters->odebug;
	return counter_in(counters->stats, name);
}

static struct counters before, after;
static bool counted;	/* dref.ko was built with CONFIG_DREF_DEBUGFS */

/* NAME=N, NAME>N or NAME<N */
static bool moved_as_expected(const char *name, char op, long expected)
{
	long moved = value_of(&after, name) - value_of(&before, name);

	if (op == '=' ? moved == expected :
	    op == '>' ? moved > expected : moved < expected)
		return true;
	ksft_print_msg("%s moved by %ld, not %c%ld\n", name, moved, op, expected);
	return false;
}

/* Statistics that a test changes only if its line says so; the last two: no object is left */
static const char * const steady[] = {
	"warnings", "odebug", "underflows", "overflows", "exact_live", "deferred",
};

#define STEADY		((int)(sizeof(steady) / sizeof(*steady)))

/* dref.ko need not have been built with CONFIG_DREF_DEBUGFS for these */
static bool in_stats(const char *name)
{
	return strcmp(name, "warnings") && strcmp(name, "odebug");
}

static bool all_moved_as_expected(const char *expects)
{
	bool named[STEADY] = { false }, good = true;
	char copy[200], *word, *save, *op, which;
	int i;

	snprintf(copy, sizeof(copy), "%s", expects);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		op = strpbrk(word, "=><");
		if (!op)
			continue;
		which = *op;
		*op = '\0';
		for (i = 0; i < STEADY; i++)
			named[i] |= !strcmp(word, steady[i]);
		if (counted || !in_stats(word))
			good &= moved_as_expected(word, which, atol(op + 1));
	}
	for (i = 0; i < STEADY; i++)
		good &= named[i] || (!counted && in_stats(steady[i])) ||
			moved_as_expected(steady[i], '=', 0);
	return good;
}

/* ---- tests ---- */

static void run_test(const struct test *test)
{
	char path[300], answer[1024] = "", *line, *save, *verdict = "";
	bool good;

	snprintf(path, sizeof(path), TESTS "/run/%s", test->name);
	saved[0] = '\0';
	if (!with_settings(test->needs, save_one) || !set(test->needs)) {
		set(saved);
		ksft_test_result_fail("%s.%s: cannot set %s\n", test->suite, test->name,
				      test->needs);
		return;
	}
	take(&before);
	if (read_file(path, answer, sizeof(answer)) < 0)
		snprintf(answer, sizeof(answer), "cannot run it: %s", strerror(errno));
	take(&after);

	for (line = strtok_r(answer, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line == '#')
			ksft_print_msg("%s.%s: %s\n", test->suite, test->name, line + 2);
		else
			verdict = line;
	}
	if (!strncmp(verdict, "skip ", 5)) {
		ksft_test_result_skip("%s.%s: %s\n", test->suite, test->name, verdict + 5);
	} else {
		good = !strcmp(verdict, "ok");
		if (!good)
			ksft_print_msg("%s\n", verdict);
		good &= all_moved_as_expected(test->expects);
		good &= all_said(test);
		ksft_test_result(good, "%s.%s\n", test->suite, test->name);
	}
	if (!set(saved))
		ksft_print_msg("cannot restore %s\n", saved);
}

static bool named(const struct test *test, char **names)
{
	for (; *names; names++) {
		if (!strcmp(*names, test->name) || !strcmp(*names, test->suite))
			return true;
	}
	return false;
}

/* SUITE NAME needs: PARAMETER=VALUE... expects: COUNTER=N... says: TEXT|... */
static void read_list(bool except, char **names)
{
	char list[32768], *line, *save, *needs, *expects, *says;
	struct test *test;

	if (read_file(TESTS "/list", list, sizeof(list)) < 0)
		ksft_exit_skip("no " TESTS "/list\n");
	for (line = strtok_r(list, "\n", &save); line && nr_tests < MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		test = &tests[nr_tests];
		needs = strstr(line, " needs:");
		expects = strstr(line, " expects:");
		says = strstr(line, " says: ");
		if (!needs || !expects || !says ||
		    sscanf(line, "%31s %63s", test->suite, test->name) != 2)
			ksft_exit_fail_msg("cannot read the list: %s\n", line);
		*expects = '\0';
		*says = '\0';
		snprintf(test->needs, sizeof(test->needs), "%s", needs + strlen(" needs:"));
		snprintf(test->expects, sizeof(test->expects), "%s",
			 expects + strlen(" expects:"));
		snprintf(test->says, sizeof(test->says), "%s", says + strlen(" says: "));
		if (*names && named(test, names) == except)
			continue;
		nr_tests++;
		if (!add_said(test))
			ksft_exit_fail_msg("cannot keep what %s says\n", test->name);
	}
}

#define DURATION	"/sys/module/dref_test/parameters/duration_ms"

int main(int argc, char **argv)
{
	const char *duration = NULL;
	char duration_before[50];
	bool except;
	int i;

	if (argc > 2 && !strcmp(argv[1], "--ms")) {
		duration = argv[2];
		argv += 2;
		argc -= 2;
	}
	except = argc > 1 && !strcmp(argv[1], "--except");

	ksft_print_header();
	if (geteuid())
		ksft_exit_skip("needs root\n");
	if (access("/sys/kernel/debug", X_OK))
		ksft_exit_skip("needs debugfs\n");
	if (!load("dref") || !load("dref_test"))
		ksft_exit_skip("needs dref.ko and dref_test.ko\n");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg < 0)
		ksft_exit_skip("needs /dev/kmsg\n");

	counted = !access(DREF "/stats", R_OK);
	read_list(except, argv + 1 + except);
	if (!nr_tests)
		ksft_exit_skip("no such test\n");
	if (read_file(DURATION, duration_before, sizeof(duration_before)) < 0 ||
	    (duration && write_file(DURATION, duration)))
		ksft_exit_fail_msg("cannot set " DURATION "\n");
	ksft_set_plan(nr_tests);
	for (i = 0; i < nr_tests; i++)
		run_test(&tests[i]);
	write_file(DURATION, duration_before);
	ksft_finished();
}
