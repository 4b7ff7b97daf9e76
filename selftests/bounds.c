// SPDX-License-Identifier: GPL-2.0
/*
 * What an operation or a reader of debugfs does at a time is bounded, however many records
 * an object has, and however many objects other classes have.
 *
 * Under "vm-run --icount", which sets DREF_ICOUNT, the clock advances by a nanosecond per
 * instruction, so a time is a number of instructions.  The longest time for which a reader
 * keeps the CPU is how late a real-time task wakes up meanwhile.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common.h"
#include "kselftest_harness.h"

#define RECORDS		30000
#define OBJECTS		4000
#define PERIOD_NS	50000L
#define NSEC_PER_SEC	1000000000L

/* Instructions: of a put or of a reader's longest section, and a slot of another class */
#define MANY		400000
#define A_FEW		40

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* Read a file to its end; returns how long that took, or -1 */
static long read_ns(const char *path)
{
	static char text[1 << 20];
	long begin = now_ns();

	return read_file(path, text, sizeof(text)) < 0 ? -1 : now_ns() - begin;
}

/* Wake up every PERIOD_NS, and keep the longest delay in *late */
static void measure_delays(long *late)
{
	struct sched_param param = { .sched_priority = 50 };
	long due = now_ns(), delay;
	struct timespec at;

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		return;
	for (;;) {
		due += PERIOD_NS;
		at = (struct timespec) { due / NSEC_PER_SEC, due % NSEC_PER_SEC };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		delay = now_ns() - due;
		if (delay > *late)
			*late = delay;
		due += delay > 0 ? delay : 0;
	}
}

/* Read a file; returns how late a real-time task was meanwhile, at worst, or -1 */
static long read_late_ns(const char *path)
{
	long *late = mmap(NULL, sizeof(*late), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0), result;
	pid_t child;

	if (late == MAP_FAILED)
		return -1;
	*late = -1;
	child = fork();
	if (!child)
		measure_delays(late);
	usleep(10000);
	*late = *late < 0 ? -1 : 0;
	result = read_ns(path);
	if (result >= 0)
		result = *late;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	munmap(late, sizeof(*late));
	return result;
}

FIXTURE(bounds) {
};

FIXTURE_SETUP(bounds)
{
	ASSERT_EQ(0, hands("open"));
}

/* All objects are released */
FIXTURE_TEARDOWN(bounds)
{
	EXPECT_EQ(0, hands("close"));
}

static void take_one_by_one(struct __test_metadata *_metadata)
{
	int i;

	ASSERT_EQ(0, write_file(HANDS_CLASS "/track", "1"));
	ASSERT_EQ(0, hands("create 0"));
	for (i = 1; i < RECORDS; i++)
		ASSERT_EQ(0, hands("here 0"));
}

/* One put drops references that have a record each */
TEST_F_TIMEOUT(bounds, put_of_many, 300)
{
	long begin;

	if (!has_tracking())
		SKIP(return, "needs a dref.ko with tracking");
	take_one_by_one(_metadata);
	begin = now_ns();
	EXPECT_EQ(0, hands("put 0 %d", RECORDS - 1));
	begin = now_ns() - begin;
	EXPECT_GT(MANY, begin);
	TH_LOG("%ld instructions", begin);
	ASSERT_EQ(0, hands("put 0"));
}

/* A reader of holders looks at an object that has many records */
TEST_F_TIMEOUT(bounds, reading_many_records, 300)
{
	long late;

	if (!has_tracking())
		SKIP(return, "needs a dref.ko with tracking");
	take_one_by_one(_metadata);
	late = read_late_ns(HANDS_CLASS "/holders");
	EXPECT_LE(0, late);
	EXPECT_GT(MANY, late);
	TH_LOG("at most %ld instructions at a time", late);
	ASSERT_EQ(0, hands("put 0 %d", RECORDS));
}

/* A reader of a class without objects looks at the slots of another class */
TEST_F_TIMEOUT(bounds, reading_past_other_classes, 300)
{
	long before, after;
	int i;

	load("dref_stress");	/* for its classes */
	read_ns(DREF "/classes/stress/objects");
	before = read_ns(DREF "/classes/stress/objects");
	ASSERT_LT(0, before);
	for (i = 0; i < OBJECTS; i++)
		ASSERT_EQ(0, hands("create %d", i) || hands("defer %d", i));
	after = read_ns(DREF "/classes/stress/objects");
	EXPECT_GT(A_FEW, (after - before) / OBJECTS);
	TH_LOG("%ld instructions for %d slots", after - before, OBJECTS);
	for (i = 0; i < OBJECTS; i++)
		ASSERT_EQ(0, hands("put %d", i));
}

int main(int argc, char **argv)
{
	if (geteuid() || !getenv("DREF_ICOUNT") || access("/sys/kernel/debug", X_OK) ||
	    !load("dref") || !load("dref_test")) {
		ksft_print_header();
		ksft_exit_skip("needs root, vm-run --icount, debugfs, dref.ko and dref_test.ko\n");
	}
	return test_harness_run(argc, argv);
}
