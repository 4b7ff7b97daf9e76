// SPDX-License-Identifier: GPL-2.0
/*
 * With objects, but none of them deferred, dref does nothing at all: no work
 * runs and no timer of its own is armed for 10 seconds.
 *
 * The kernel's tracing says which functions work items run, and dref's timers all
 * belong to work items, the longest of them for pass_max_ms. That such work would
 * be seen is seen first, with an object that is deferred.
 */
#include <sys/ioctl.h>

#include <linux/dref_stress.h>

#include "common.h"
#include "kselftest.h"

#define OBJECTS		1000
#define SECONDS		10

#define EVENT		TRACING "/events/workqueue/workqueue_execute_start/enable"

/* Tracing itself stays on, as others expect it to be */
static void set_tracing(const char *on)
{
	if (write_file(EVENT, on) || write_file(TRACING "/tracing_on", "1"))
		ksft_exit_fail_msg("cannot switch tracing: %s\n", strerror(errno));
}

/* How many work items of dref were run in @seconds */
static int work_items(int seconds)
{
	char line[1000];
	int fd, found = 0;
	FILE *file;

	fd = open(TRACING "/trace", O_WRONLY | O_TRUNC);	/* empties it */
	close(fd);
	set_tracing("1");
	sleep(seconds);
	set_tracing("0");
	file = fopen(TRACING "/trace", "r");
	if (!file)
		ksft_exit_fail_msg("cannot read the trace: %s\n", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		/* "... function dref_pass_work [dref]" */
		if (!strstr(line, "[dref]"))
			continue;
		if (!found++)
			ksft_print_msg("%s", line);
	}
	fclose(file);
	return found;
}

static long passes(void)
{
	return counter("passes") + counter("epoch");
}

/* Objects which are exact and stay so, or some of which a worker wants deferred */
static int session(bool deferred)
{
	struct dref_stress_setup setup = { .objects = OBJECTS, .workers = 1 };
	struct dref_stress_run run = { .scenario = DREF_STRESS_MANY, .ops = 100 };
	int fd = open(DREF_STRESS_DEVICE, O_RDWR);

	if (fd < 0)
		ksft_exit_fail_msg("cannot open " DREF_STRESS_DEVICE ": %s\n", strerror(errno));
	if (ioctl(fd, DREF_STRESS_SETUP, &setup) ||
	    (deferred && ioctl(fd, DREF_STRESS_RUN, &run)))
		ksft_exit_fail_msg("cannot set it up: %s\n", strerror(errno));
	return fd;
}

int main(void)
{
	long before;
	int fd, found, tries;

	ksft_print_header();
	if (geteuid())
		ksft_exit_skip("needs root\n");
	if (!load("dref") || !load("dref_stress"))
		ksft_exit_skip("needs dref.ko and dref_stress.ko\n");
	if (access(EVENT, W_OK))
		ksft_exit_skip("needs tracefs and CONFIG_EVENT_TRACING\n");

	/* slots of immortal objects, of earlier tests: they come back by themselves */
	for (tries = 0; tries < 100 && counter("slots_used") > 0; tries++)
		usleep(100000);
	if (counter("slots_used") > 0)
		ksft_exit_skip("others have deferred objects\n");
	ksft_set_plan(5);

	fd = session(true);
	ksft_test_result(counter("deferred") > 0, "an object is deferred\n");
	found = work_items(1);
	ksft_test_result(found > 0, "deferred: work runs, and is seen (%d in 1 s)\n", found);
	close(fd);	/* reconciles */

	fd = session(false);
	ksft_test_result(counter("exact_live") >= OBJECTS && !counter("deferred") &&
			 !counter("slots_used"), "%d objects, none of them deferred\n", OBJECTS);
	before = passes();
	found = work_items(SECONDS);
	ksft_test_result(!found, "no work in %d s\n", SECONDS);
	ksft_test_result(passes() == before, "no pass in %d s\n", SECONDS);
	close(fd);
	ksft_finished();
}
