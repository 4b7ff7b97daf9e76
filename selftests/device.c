// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/dref_stress refuses bad arguments, and leaves no objects behind.
 */
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <linux/dref_stress.h>

#include "common.h"
#include "kselftest_harness.h"

#define NOBODY	65534

FIXTURE(device) {
	int	fd;
	long	live;
};

FIXTURE_SETUP(device)
{
	self->live = counter("exact_live") + counter("deferred");
	self->fd = open(DREF_STRESS_DEVICE, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
	EXPECT_EQ(self->live, counter("exact_live") + counter("deferred"));
}

/* 0 or -errno */
static int call(int fd, unsigned long cmd, const void *arg)
{
	return ioctl(fd, cmd, arg) ? -errno : 0;
}

static int setup(int fd, unsigned int objects, unsigned int workers, unsigned int flags)
{
	struct dref_stress_setup setup = {
		.objects = objects,
		.workers = workers,
		.flags = flags,
	};

	return call(fd, DREF_STRESS_SETUP, &setup);
}

static int drop(int fd, unsigned int place, unsigned int kill)
{
	struct dref_stress_drop drop = { place, kill };

	return call(fd, DREF_STRESS_DROP, &drop);
}

static int run(int fd, unsigned int worker, unsigned int scenario, unsigned int ops)
{
	struct dref_stress_run run = { .worker = worker, .scenario = scenario, .ops = ops };

	return call(fd, DREF_STRESS_RUN, &run);
}

static int finish(int fd, struct dref_stress_report *report)
{
	memset(report, 0, sizeof(*report));
	return call(fd, DREF_STRESS_FINISH, report);
}

/*
 * As many objects as one session can have, or as many as DREF_DEVICE_OBJECTS says:
 * emulated CPUs take minutes for all.
 */
static unsigned int many_objects(void)
{
	const char *number = getenv("DREF_DEVICE_OBJECTS");

	return number ? atoi(number) : DREF_STRESS_MAX_OBJECTS;
}

TEST_F_TIMEOUT(device, setup_in_range, 900)
{
	struct dref_stress_setup contexts = { .objects = 1, .workers = 1, .contexts = 0x10 };
	struct dref_stress_setup scenario = { .objects = 1, .workers = 1,
					      .scenario = DREF_STRESS_NR_SCENARIOS };
	struct dref_stress_report report;

	EXPECT_EQ(-EINVAL, setup(self->fd, 0, 1, 0));
	EXPECT_EQ(-EINVAL, setup(self->fd, 1, 0, 0));
	EXPECT_EQ(-EINVAL, setup(self->fd, DREF_STRESS_MAX_OBJECTS + 1, 1, 0));
	EXPECT_EQ(-EINVAL, setup(self->fd, 1, DREF_STRESS_MAX_WORKERS + 1, 0));
	EXPECT_EQ(-EINVAL, setup(self->fd, ~0U, ~0U, 0));
	EXPECT_EQ(-EINVAL, setup(self->fd, 1, 1, 0x10));
	EXPECT_EQ(-EINVAL, setup(self->fd, 1, 1, DREF_STRESS_ANY_CLASS | DREF_STRESS_RCU));
	EXPECT_EQ(-EINVAL, call(self->fd, DREF_STRESS_SETUP, &contexts));
	EXPECT_EQ(-EINVAL, call(self->fd, DREF_STRESS_SETUP, &scenario));
	EXPECT_EQ(0, setup(self->fd, many_objects(), DREF_STRESS_MAX_WORKERS, 0));
	EXPECT_EQ(-EINVAL, setup(self->fd, 1, 1, 0));	/* set up already */
	EXPECT_EQ(0, finish(self->fd, &report));
	EXPECT_EQ(many_objects(), report.created);
	EXPECT_EQ(many_objects(), report.released);
	EXPECT_EQ(0, report.errors);
}

TEST_F(device, order_of_calls)
{
	struct dref_stress_state state = { };
	struct dref_stress_report report;

	EXPECT_EQ(-EINVAL, run(self->fd, 0, DREF_STRESS_MIX, 1));
	EXPECT_EQ(-EINVAL, drop(self->fd, 0, 0));
	EXPECT_EQ(-EINVAL, call(self->fd, DREF_STRESS_STATE, &state));
	EXPECT_EQ(-EINVAL, finish(self->fd, &report));
	EXPECT_EQ(0, setup(self->fd, 3, 2, 0));
	EXPECT_EQ(0, finish(self->fd, &report));
	EXPECT_EQ(-EINVAL, finish(self->fd, &report));
	EXPECT_EQ(0, setup(self->fd, 1, 1, DREF_STRESS_SLEEP));	/* and again */
}

TEST_F(device, run_in_range)
{
	struct dref_stress_run flags = { .flags = 2 }, reserved = { .reserved = 1 };

	ASSERT_EQ(0, setup(self->fd, 4, 2, DREF_STRESS_ANY_CLASS));
	EXPECT_EQ(0, run(self->fd, 1, DREF_STRESS_MIX, 1000));
	EXPECT_EQ(0, run(self->fd, 1, DREF_STRESS_MIX, 0));
	EXPECT_EQ(-EINVAL, run(self->fd, 2, DREF_STRESS_MIX, 1));
	EXPECT_EQ(-EINVAL, run(self->fd, ~0U, DREF_STRESS_MIX, 1));
	EXPECT_EQ(-EINVAL, run(self->fd, 0, DREF_STRESS_NR_SCENARIOS, 1));
	EXPECT_EQ(-EINVAL, run(self->fd, 0, ~0U, 1));
	EXPECT_EQ(-EINVAL, run(self->fd, 0, 0, DREF_STRESS_MAX_OPS + 1));
	EXPECT_EQ(-EINVAL, call(self->fd, DREF_STRESS_RUN, &flags));
	EXPECT_EQ(-EINVAL, call(self->fd, DREF_STRESS_RUN, &reserved));
}

TEST_F(device, drop_in_range)
{
	struct dref_stress_drop reserved = { .reserved = 1 };
	struct dref_stress_report report;

	ASSERT_EQ(0, setup(self->fd, 2, 1, 0));
	EXPECT_EQ(-EINVAL, drop(self->fd, 2, 0));
	EXPECT_EQ(-EINVAL, drop(self->fd, ~0U, 0));
	EXPECT_EQ(-EINVAL, drop(self->fd, 0, 2));
	EXPECT_EQ(-EINVAL, call(self->fd, DREF_STRESS_DROP, &reserved));
	EXPECT_EQ(0, drop(self->fd, 0, 0));
	EXPECT_EQ(-ENOENT, drop(self->fd, 0, 0));
	EXPECT_EQ(0, drop(self->fd, 1, 1));
	EXPECT_EQ(-ENOENT, drop(self->fd, 1, 1));
	EXPECT_EQ(0, finish(self->fd, &report));
	EXPECT_EQ(2, report.released);
}

/* A plain object of one worker is exact, and the last put releases it */
TEST_F(device, state_says_what_happened)
{
	struct dref_stress_state state = { };

	ASSERT_EQ(0, setup(self->fd, 1, 1, 0));
	ASSERT_EQ(0, call(self->fd, DREF_STRESS_STATE, &state));
	EXPECT_EQ(DREF_STRESS_LIVE, state.flags);
	EXPECT_EQ(1, state.generation);
	EXPECT_EQ(1, state.count);
	EXPECT_LT(0, state.created_ns);
	EXPECT_EQ(0, state.dropped_ns);
	EXPECT_EQ(0, state.released_ns);
	ASSERT_EQ(0, drop(self->fd, 0, 0));
	ASSERT_EQ(0, call(self->fd, DREF_STRESS_STATE, &state));
	EXPECT_EQ(0, state.flags);
	EXPECT_EQ(0, state.count);
	EXPECT_LE(state.created_ns, state.dropped_ns);
	EXPECT_LE(state.dropped_ns, state.released_ns);
	EXPECT_LE(state.released_ns, state.now_ns);
	state.object = ~0U;
	EXPECT_EQ(-EINVAL, call(self->fd, DREF_STRESS_STATE, &state));
}

TEST_F(device, unknown_calls_and_bad_pointers)
{
	static const unsigned long calls[] = {
		DREF_STRESS_SETUP, DREF_STRESS_RUN, DREF_STRESS_DROP,
		DREF_STRESS_STATE, DREF_STRESS_FINISH,
	};
	char big[1024] = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_EQ(-EFAULT, call(self->fd, calls[i], NULL));
		EXPECT_EQ(-EFAULT, call(self->fd, calls[i], (void *)-4096L));
	}
	EXPECT_EQ(-ENOTTY, call(self->fd, _IO(DREF_STRESS_IOC, 0), big));
	EXPECT_EQ(-ENOTTY, call(self->fd, _IOWR(DREF_STRESS_IOC, 1, char[1000]), big));
	EXPECT_EQ(-ENOTTY, call(self->fd, _IO('T', 1), big));
	EXPECT_EQ(-ENOTTY, call(self->fd, 0, big));
}

TEST_F(device, root_only)
{
	struct stat st;
	int status;
	pid_t child;

	ASSERT_EQ(0, stat(DREF_STRESS_DEVICE, &st));
	EXPECT_EQ(S_IFCHR | 0600, st.st_mode);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(100);
		_exit(open(DREF_STRESS_DEVICE, O_RDWR) >= 0 || errno != EACCES);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

static void *finish_now(void *arg)
{
	static struct dref_stress_report report;

	usleep(100000);
	return (void *)(long)finish(*(int *)arg, &report);
}

/* The end of a session waits for batches that run, and later batches fail */
TEST_F_TIMEOUT(device, finish_against_run, 300)
{
	pthread_t thread;
	void *finished;
	int err = 0, i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, setup(self->fd, 8, 1, DREF_STRESS_ANY_CLASS));
		ASSERT_EQ(0, pthread_create(&thread, NULL, finish_now, &self->fd));
		while (!err)
			err = run(self->fd, 0, DREF_STRESS_MIX, 5000);
		EXPECT_EQ(-EINVAL, err);
		ASSERT_EQ(0, pthread_join(thread, &finished));
		EXPECT_EQ(NULL, finished);
		err = 0;
	}
}

int main(int argc, char **argv)
{
	if (geteuid() || !load("dref") || !load("dref_stress")) {
		ksft_print_header();
		ksft_exit_skip("needs root, dref.ko and dref_stress.ko\n");
	}
	return test_harness_run(argc, argv);
}
