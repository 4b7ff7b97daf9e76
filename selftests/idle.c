// SPDX-License-Identifier: GPL-2.0
/*
 * While objects exist and none is deferred, dref does nothing: for 10 seconds no work
 * item runs, and no timer of dref is armed.
 *
 * The kernel's tracing shows the functions of work items that run.  All timers of dref
 * belong to work items, and none is longer than pass_max_ms.  A deferred object first shows
 * that the test would see such work.
 */
#include <sys/ioctl.h>

#include <linux/dref_stress.h>

#include "common.h"
#include "kselftest.h"

#define OBJECTS		1000
#define SECONDS		10

#define EVENT		TRACING "/events/workqueue/workqueue_execute_start/enable"

/* Tracing itself stays on, as other tests expect it to be */
static void set_tracing(const char *on)
{
	if (write_file(EVENT, on) || write_file(TRACING "/tracing_on", "1"))
		ksft_exit_fail_msg("cannot switch tracing: %s\n", strerror(errno));
}

/* Count the work items of dref that run in @seconds */
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

/* Open a session whose objects stay exact, or in which a worker defers some of them */
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

	/* slots of immortal objects of earlier tests are returned by themselves */
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
