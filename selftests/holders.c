// SPDX-License-Identifier: GPL-2.0
/*
 * classes/NAME/holders and classes/NAME/leaks show the holders of objects that are used
 * through dref_test.ko.
 *
 * A test expects a list of holders for each object, and compares ages with the clock.
 */
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"
#include "kselftest_harness.h"

#define TRACK_MAX	"/sys/module/dref/parameters/track_max"
#define TEXT		(4 << 20)
#define MANY		1500

/* The same in another task */
static int other_hands(const char *line)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(hands("%s", line) ? 1 : 0);
	return waitpid(child, &status, 0) == child && !status ? 0 : -EIO;
}

static int put(const char *name, const char *value)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", HANDS_CLASS, name);
	return write_file(path, value) ? -errno : 0;
}

static char *text_of(const char *name)
{
	static char text[TEXT];
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", HANDS_CLASS, name);
	return read_file(path, text, sizeof(text)) < 0 ? "" : text;
}

static long number_in(const char *name, const char *counter)
{
	return counter_in(text_of(name), counter);
}

/* ---- the files, line by line ---- */

#define PLACES	8

struct place {
	long		n;
	unsigned int	since_ms;
	char		by[40];
	char		stack[4096];
};

struct object {
	char		id[20];
	char		state[20];
	long		references;
	long		recorded;
	unsigned int	age_ms;
	long		before;
	int		nr;
	struct place	places[PLACES];
};

#define AN_OBJECT	"%19[^:]: %19s references %ld recorded %ld age_ms %u"
#define WITH_MODE	"%19[^:]: mode %19s references %ld recorded %ld age_ms %u"

/* Read the objects of a file, in its order; -1 if a line is not as documented */
static int objects_in(const char *name, struct object *objects, int max)
{
	char *line, *save, *text = text_of(name);
	struct object *object = NULL;
	struct place *place = NULL;
	struct object read;
	int nr = 0, end = 0;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct place here = { };

		memset(&read, 0, sizeof(read));
		if (sscanf(line, strcmp(name, "leaks") ? WITH_MODE : AN_OBJECT, read.id,
			   read.state, &read.references, &read.recorded, &read.age_ms) == 5) {
			if (nr == max)
				return -1;
			object = &objects[nr++];
			*object = read;
			place = NULL;
		} else if (line[0] != ' ') {
			/* "name: number", or the lines at the end */
			if (!strstr(line, ": ") && !strstr(line, " more exact, not tracked"))
				return -1;
		} else if (!strncmp(line, "    ", 4)) {
			if (!place)
				return -1;
			strcat(place->stack, line + 4);
			strcat(place->stack, "\n");
		} else if (sscanf(line, "  %ld before tracking%n", &here.n, &end) == 1 && end) {
			if (!object)
				return -1;
			object->before = here.n;
			end = 0;
		} else if (sscanf(line, "  %ld since_ms %u by %39s", &here.n, &here.since_ms,
				  here.by) == 3) {
			if (!object || object->nr == PLACES)
				return -1;
			place = &object->places[object->nr++];
			*place = here;
		} else {
			return -1;
		}
	}
	return nr;
}

/* The first line of a stack: the caller of dref */
static bool taken_by(const struct place *place, const char *function)
{
	size_t len = strlen(function);

	return !strncmp(place->stack, function, len) && place->stack[len] == '+' &&
	       strstr(place->stack, "hands_write+");
}

/* ---- tests ---- */

FIXTURE(holders) {
	struct object	object[PLACES];
	char		me[40];
	char		leak_age[30];
	char		track_max[30];
};

FIXTURE_SETUP(holders)
{
	char comm[20];

	read_file("/proc/self/comm", comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	snprintf(self->me, sizeof(self->me), "%s[%d]", comm, getpid());
	read_file(DREF "/leak_age_s", self->leak_age, sizeof(self->leak_age));
	read_file(TRACK_MAX, self->track_max, sizeof(self->track_max));
	ASSERT_EQ(0, hands("open"));
}

/* All objects are released, and no record is left */
FIXTURE_TEARDOWN(holders)
{
	write_file(DREF "/leak_age_s", self->leak_age);
	write_file(TRACK_MAX, self->track_max);
	EXPECT_EQ(0, hands("close"));
}

/* The class has one object, and it is as expected */
static void one(struct __test_metadata *_metadata, struct object *object, const char *state,
		long references, long recorded)
{
	ASSERT_EQ(1, objects_in(strcmp(state, "exact") ? "leaks" : "holders", object, 1));
	EXPECT_STREQ(state, object->state);
	EXPECT_EQ(references, object->references);
	EXPECT_EQ(recorded, object->recorded);
	EXPECT_EQ(references - recorded, object->before);
}

TEST_F(holders, off_by_default)
{
	struct stat st;

	EXPECT_STREQ("0\n", text_of("track"));
	ASSERT_EQ(0, stat(HANDS_CLASS "/track", &st));
	EXPECT_EQ(S_IFREG | 0600, st.st_mode);
	ASSERT_EQ(0, stat(HANDS_CLASS "/holders", &st));
	EXPECT_EQ(S_IFREG | 0400, st.st_mode);
	ASSERT_EQ(0, stat(HANDS_CLASS "/leaks", &st));
	EXPECT_EQ(S_IFREG | 0400, st.st_mode);
	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("here 0"));
	EXPECT_EQ(0, objects_in("holders", self->object, PLACES));
	EXPECT_EQ(0, number_in("holders", "tracked"));
	EXPECT_EQ(0, number_in("holders", "objects"));
	EXPECT_EQ(0, number_in("holders", "records"));
	EXPECT_EQ(0, number_in("holders", "dropped"));
	EXPECT_EQ(65536, number_in("holders", "track_max"));
	ASSERT_EQ(0, hands("put 0 2"));
}

TEST_F(holders, junk_is_refused)
{
	static const char * const junk[] = {
		"", "\n", " ", "2", "-1", "on", "y", "01x", "1 1", "0x1", "1.0",
		"11111111111111111111111111111111",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(junk); i++)
		EXPECT_EQ(-EINVAL, put("track", junk[i])) TH_LOG("number %d", i);
	EXPECT_STREQ("0\n", text_of("track"));
	EXPECT_EQ(0, put("track", "1\n"));
	EXPECT_EQ(0, put("track", "1"));
	EXPECT_STREQ("1\n", text_of("track"));
	EXPECT_EQ(-EINVAL, put("track", "x"));
	EXPECT_STREQ("1\n", text_of("track"));
	EXPECT_EQ(-EINVAL, put("holders", "1"));
	EXPECT_EQ(-EINVAL, put("leaks", "1"));
	EXPECT_EQ(0, put("track", "0"));
	EXPECT_STREQ("0\n", text_of("track"));
	EXPECT_EQ(-1, write_file(TRACK_MAX, "0"));
	EXPECT_EQ(-1, write_file(TRACK_MAX, "4194305"));
	EXPECT_EQ(-1, write_file(TRACK_MAX, "many"));
}

/* Places in the order of their references, the age of the oldest reference, and names */
TEST_F(holders, places_and_ages)
{
	struct object *o = self->object;
	struct timespec created, there;

	ASSERT_EQ(0, put("track", "1"));
	clock_gettime(AGE_CLOCK, &created);
	ASSERT_EQ(0, hands("create 0"));
	one(_metadata, o, "exact", 1, 1);
	ASSERT_EQ(1, o->nr);
	EXPECT_EQ(1, o->places[0].n);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_create")) TH_LOG("%s", o->places[0].stack);
	EXPECT_STREQ(self->me, o->places[0].by);

	wait_ms(300);
	clock_gettime(AGE_CLOCK, &there);
	ASSERT_EQ(0, hands("there 0 2"));
	wait_ms(300);
	ASSERT_EQ(0, hands("there 0"));
	ASSERT_EQ(0, hands("here 0"));
	ASSERT_EQ(0, hands("look-up 0"));
	ASSERT_EQ(0, hands("look-up 0"));
	one(_metadata, o, "exact", 7, 7);
	ASSERT_EQ(4, o->nr);
	EXPECT_EQ(3, o->places[0].n);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_take_there"));
	EXPECT_EQ(2, o->places[1].n);
	EXPECT_TRUE(taken_by(&o->places[1], "hands_look_up"));
	EXPECT_EQ(1, o->places[2].n);
	EXPECT_TRUE(taken_by(&o->places[2], "hands_create"));
	EXPECT_EQ(1, o->places[3].n);
	EXPECT_TRUE(taken_by(&o->places[3], "hands_take_here"));
	EXPECT_LE(280, o->places[0].since_ms);
	EXPECT_GE(elapsed_ms(AGE_CLOCK, &there) + 20, o->places[0].since_ms);
	EXPECT_LE(580, o->places[2].since_ms);
	EXPECT_GE(elapsed_ms(AGE_CLOCK, &created) + 20, o->places[2].since_ms);
	EXPECT_GE(o->places[2].since_ms + 20, o->age_ms);
	EXPECT_GE(elapsed_ms(AGE_CLOCK, &there) + 20 - 280, o->places[1].since_ms);

	/* a put ends the latest reference of its task first */
	ASSERT_EQ(0, hands("put 0 2"));
	one(_metadata, o, "exact", 5, 5);
	ASSERT_EQ(3, o->nr);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_take_there"));
	EXPECT_EQ(3, o->places[0].n);
	ASSERT_EQ(0, hands("put 0 4"));
	one(_metadata, o, "exact", 1, 1);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_create"));
	ASSERT_EQ(0, hands("put 0"));
	ASSERT_EQ(0, write_file(DREF "/reconcile", "1"));	/* all are released */
	EXPECT_EQ(0, objects_in("holders", o, PLACES));
	EXPECT_EQ(0, number_in("holders", "objects"));
	EXPECT_EQ(0, number_in("holders", "records"));
	EXPECT_EQ(0, number_in("holders", "dropped"));
}

/* An object with more records than a put or a reader takes at a time */
TEST_F_TIMEOUT(holders, many_records, 120)
{
	struct object *o = self->object;
	int i;

	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, hands("create 0"));
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, hands("here 0") || hands("there 0"));
	one(_metadata, o, "exact", 2001, 2001);
	ASSERT_EQ(3, o->nr);
	EXPECT_EQ(1000, o->places[0].n);
	EXPECT_EQ(1000, o->places[1].n);
	EXPECT_TRUE(taken_by(&o->places[2], "hands_create"));
	/* the latest ones of this task, and then the oldest ones */
	ASSERT_EQ(0, hands("put 0 1500"));
	one(_metadata, o, "exact", 501, 501);
	ASSERT_EQ(2, o->nr);
	EXPECT_EQ(501, o->places[0].n + o->places[1].n);
	EXPECT_EQ(501, number_in("holders", "records"));
	ASSERT_EQ(0, hands("put 0 500"));
	for (i = 0; i < 8; i++)		/* puts drop what is left to them, too */
		ASSERT_EQ(0, hands("here 0") || hands("put 0"));
	EXPECT_EQ(1, number_in("holders", "records"));
	ASSERT_EQ(0, hands("put 0"));
}

/* Records come and go, and objects are released, between the pieces that readers look at */
TEST_F_TIMEOUT(holders, read_while_in_use, 120)
{
	struct object *o = self->object;
	pid_t reader[2];
	int i, round;

	ASSERT_EQ(0, put("track", "1"));
	for (i = 0; i < ARRAY_SIZE(reader); i++) {
		reader[i] = fork();
		ASSERT_LE(0, reader[i]);
		while (!reader[i]) {
			if (objects_in(i ? "leaks" : "holders", o, PLACES) < 0)
				_exit(1);
		}
	}
	for (round = 0; round < 30; round++) {
		ASSERT_EQ(0, hands("create %d", round));
		for (i = 0; i < 100; i++)
			ASSERT_EQ(0, hands("here %d", round) || hands("there %d 7", round));
		ASSERT_EQ(0, hands("put %d 300", round));
		for (i = 0; i < 50; i++)
			ASSERT_EQ(0, hands("here %d", round) || hands("put %d", round));
		ASSERT_EQ(0, hands("put %d 501", round));
	}
	for (i = 0; i < ARRAY_SIZE(reader); i++) {
		EXPECT_EQ(0, waitpid(reader[i], NULL, WNOHANG));
		kill(reader[i], SIGKILL);
		waitpid(reader[i], NULL, 0);
	}
	ASSERT_EQ(0, write_file(DREF "/reconcile", "1"));
	EXPECT_EQ(0, number_in("holders", "records"));
	EXPECT_EQ(0, number_in("holders", "objects"));
}

/* Trace the functions of dref.ko and of hands.c: their return addresses are the tracer's then */
static int trace_graph(bool on)
{
	int err = write_file(TRACING "/current_tracer", "nop");

	close(open(TRACING "/set_ftrace_filter", O_WRONLY | O_TRUNC));
	if (on && !err)
		err = write_file(TRACING "/set_ftrace_filter", "dref_* hands_*") ||
		      write_file(TRACING "/current_tracer", "function_graph");
	return err;
}

static bool has_graph_tracer(void)
{
	char text[200];

	return read_file(TRACING "/available_tracers", text, sizeof(text)) > 0 &&
	       strstr(text, "function_graph");
}

TEST_F(holders, under_the_graph_tracer)
{
	struct object *o = self->object;

	if (!has_graph_tracer())
		SKIP(return, "needs the function graph tracer");
	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, trace_graph(true));
	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("there 0 3"));
	ASSERT_EQ(0, hands("here 0") || hands("here 0"));
	ASSERT_EQ(0, hands("look-up 0"));
	ASSERT_EQ(0, trace_graph(false));
	one(_metadata, o, "exact", 7, 7);
	ASSERT_EQ(4, o->nr);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_take_there")) TH_LOG("%s", o->places[0].stack);
	EXPECT_TRUE(taken_by(&o->places[1], "hands_take_here")) TH_LOG("%s", o->places[1].stack);
	EXPECT_TRUE(taken_by(&o->places[2], "hands_create") ||
		    taken_by(&o->places[3], "hands_create"));
	EXPECT_TRUE(taken_by(&o->places[2], "hands_look_up") ||
		    taken_by(&o->places[3], "hands_look_up"));
	ASSERT_EQ(0, hands("put 0 7"));
}

/* A put of another task ends a reference without a record first, then the oldest one */
TEST_F(holders, handed_over)
{
	struct object *o = self->object;

	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, hands("here 0"));
	ASSERT_EQ(0, hands("there 0 2"));
	one(_metadata, o, "exact", 4, 3);
	ASSERT_EQ(0, other_hands("put 0"));
	one(_metadata, o, "exact", 3, 3);
	ASSERT_EQ(2, o->nr);
	ASSERT_EQ(0, other_hands("put 0"));
	one(_metadata, o, "exact", 2, 2);
	ASSERT_EQ(1, o->nr);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_take_there"));
	ASSERT_EQ(0, other_hands("here 0"));
	one(_metadata, o, "exact", 3, 3);
	EXPECT_STREQ(self->me, o->places[0].by);
	EXPECT_STRNE(self->me, o->places[1].by);
	ASSERT_EQ(0, hands("put 0 3"));
}

/* An exact object is tracked from its next use on; its earlier references have no holder */
TEST_F(holders, before_tracking)
{
	struct object *o = self->object;

	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("here 0"));
	ASSERT_EQ(0, hands("create 1"));
	ASSERT_EQ(0, put("track", "1"));
	EXPECT_EQ(0, objects_in("holders", o, PLACES));
	EXPECT_NE(NULL, strstr(text_of("leaks"), "2 more exact, not tracked\n"));
	ASSERT_EQ(0, hands("there 0"));
	one(_metadata, o, "exact", 3, 1);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_take_there"));
	EXPECT_NE(NULL, strstr(text_of("leaks"), "\n1 more exact, not tracked\n"));
	ASSERT_EQ(0, hands("put 0"));
	one(_metadata, o, "exact", 2, 0);
	ASSERT_EQ(0, hands("put 0"));
	one(_metadata, o, "exact", 1, 0);
	ASSERT_EQ(0, hands("put 0"));
	ASSERT_EQ(0, hands("put 1"));
	EXPECT_EQ(NULL, strstr(text_of("leaks"), "not tracked\n"));
}

/* The same for a killed object, and for a lookup of one */
TEST_F(holders, killed)
{
	struct object *o = self->object;

	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("here 0"));
	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, hands("kill 0"));
	ASSERT_EQ(0, hands("look-up 0"));
	one(_metadata, o, "exact", 2, 1);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_look_up"));
	ASSERT_EQ(0, hands("put 0 2"));
}

/* Deferred objects become exact, after some time */
TEST_F_TIMEOUT(holders, deferred, 300)
{
	struct object *o = self->object;
	int i, nr;

	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("here 0"));
	ASSERT_EQ(0, hands("defer 0"));
	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(1, objects_in("holders", o, 1));
	EXPECT_EQ(2, o->references);
	EXPECT_EQ(2, o->before);
	for (i = 0; i < 2400 && strcmp(o->state, "exact"); i++) {
		if (!(i % 10))
			ASSERT_EQ(0, hands("there 0"));	/* no heat cancels it */
		usleep(100000);
		/* for a moment both files show it */
		nr = objects_in("holders", self->object, PLACES);
		ASSERT_TRUE(nr == 1 || nr == 2);
		o = &self->object[nr - 1];
	}
	o = self->object;
	ASSERT_EQ(1, objects_in("holders", o, 1));
	ASSERT_STREQ("exact", o->state);
	i = (i + 9) / 10;
	EXPECT_EQ(2 + i, o->references);
	EXPECT_EQ(0, o->recorded);
	EXPECT_EQ(-ENOSPC, hands("defer 0"));
	for (nr = 0; nr < 3; nr++)
		ASSERT_EQ(0, hands("here 0"));
	one(_metadata, o, "exact", 5 + i, 3);
	EXPECT_TRUE(taken_by(&o->places[0], "hands_take_here"));

	/* and it can be deferred again when it is no longer tracked */
	ASSERT_EQ(0, put("track", "0"));
	EXPECT_EQ(0, hands("defer 0"));
	EXPECT_NE(NULL, strstr(text_of("objects"), "mode deferred"));
	EXPECT_EQ(0, hands("put 0 %d", 5 + i));
}

TEST_F(holders, in_an_interrupt)
{
	struct object *o = self->object;

	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("irq 0"));
	ASSERT_EQ(0, hands("irq 0"));
	one(_metadata, o, "exact", 3, 3);
	EXPECT_EQ(2, o->places[0].n);
	EXPECT_STREQ("interrupt[0]", o->places[0].by);
	EXPECT_NE(NULL, strstr(o->places[0].stack, "hands_irq+")) {
		TH_LOG("%s", o->places[0].stack);
	}
	ASSERT_EQ(0, hands("put 0 3"));
}

TEST_F(holders, immortal_ones_are_forgotten)
{
	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("immortalize 0"));
	EXPECT_EQ(0, objects_in("holders", self->object, PLACES));
	EXPECT_EQ(0, number_in("holders", "records"));
}

/* Tracking goes off and on: no record is kept, and objects are tracked from their next use */
TEST_F(holders, off_and_on)
{
	struct object *o = self->object;
	int round;

	ASSERT_EQ(0, hands("create 0"));
	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, put("track", "1"));
		ASSERT_EQ(0, hands("here 0"));
		one(_metadata, o, "exact", 2 + round, 1);
		ASSERT_EQ(0, put("track", "0"));
		EXPECT_EQ(0, objects_in("holders", o, PLACES));
		EXPECT_EQ(0, number_in("holders", "records"));
		/* in half of the rounds it then returns to the fast path */
		if (round & 1)
			ASSERT_EQ(0, hands("here 0") || hands("put 0"));
	}
	ASSERT_EQ(0, hands("put 0 %d", round + 1));
}

/* Without room for more records, references are dropped from the records, and counted */
TEST_F(holders, no_room)
{
	struct object *o = self->object;
	int i;

	ASSERT_EQ(0, write_file(TRACK_MAX, "3"));
	ASSERT_EQ(0, put("track", "1"));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, hands("create %d", i));
	ASSERT_EQ(3, objects_in("holders", o, PLACES));
	EXPECT_EQ(3, number_in("holders", "track_max"));
	EXPECT_EQ(3, number_in("holders", "objects"));
	EXPECT_EQ(3, number_in("holders", "records"));
	EXPECT_EQ(2, number_in("holders", "dropped"));
	EXPECT_NE(NULL, strstr(text_of("leaks"), "2 more exact, not tracked\n"));
	ASSERT_EQ(0, hands("here 0"));
	EXPECT_EQ(3, number_in("holders", "dropped"));
	EXPECT_NE(NULL, strstr(text_of("holders"), "  1 before tracking, or dropped\n"));
	ASSERT_EQ(0, hands("put 0 2"));
	for (i = 1; i < 5; i++)
		ASSERT_EQ(0, hands("put %d", i));
	ASSERT_EQ(0, write_file(DREF "/reconcile", "1"));	/* all are released */
	EXPECT_EQ(0, objects_in("holders", o, PLACES));
	EXPECT_EQ(0, number_in("holders", "records"));
}

/* Each object is shown once, in whatever pieces the file is read */
TEST_F_TIMEOUT(holders, many_objects, 120)
{
	static struct object many[MANY];
	int i, nr, fd, len = 0, n;
	static char pieces[TEXT];

	ASSERT_EQ(0, put("track", "1"));
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, hands("create %d", i) || hands("there %d %d", i, i + 1));
	nr = objects_in("holders", many, MANY);
	ASSERT_EQ(MANY, nr);
	n = 0;
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(many[i].references, many[i].recorded);
		n += many[i].references - 2;
	}
	EXPECT_EQ(MANY * (MANY - 1) / 2, n);
	fd = open(HANDS_CLASS "/holders", O_RDONLY);
	ASSERT_LE(0, fd);
	while ((n = read(fd, pieces + len, 777)) > 0)
		len += n;
	close(fd);
	pieces[len] = '\0';
	for (n = 0, i = 0; (i = strcspn(pieces + n, "\n")); n += i + 1)
		nr -= !strncmp(pieces + n + 16, ": mode exact", 12);
	EXPECT_EQ(0, nr);
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, hands("put %d %d", i, i + 2));
	ASSERT_EQ(0, write_file(DREF "/reconcile", "1"));
	EXPECT_EQ(0, number_in("holders", "objects"));
}

TEST_F(holders, leaks_are_old)
{
	struct object *o = self->object;

	ASSERT_EQ(0, write_file(DREF "/leak_age_s", "2"));
	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("here 0"));
	ASSERT_EQ(0, hands("defer 0"));
	EXPECT_EQ(0, objects_in("leaks", o, PLACES));
	wait_ms(2100);
	ASSERT_EQ(1, objects_in("leaks", o, 1));
	EXPECT_STREQ("held", o->state);
	EXPECT_EQ(2, o->references);
	EXPECT_LE(2000, o->age_ms);
	ASSERT_EQ(0, write_file(DREF "/leak_age_s", "1000"));
	EXPECT_EQ(0, objects_in("leaks", o, PLACES));
	ASSERT_EQ(0, write_file(DREF "/leak_age_s", "0"));
	EXPECT_EQ(1, objects_in("leaks", o, PLACES));
	EXPECT_EQ(-1, write_file(DREF "/leak_age_s", "1000001"));
	ASSERT_EQ(0, hands("put 0 2"));
}

/* An object without references is shown while its release() hangs, or waits to begin */
TEST_F(holders, dying)
{
	struct object *o = self->object;

	ASSERT_EQ(0, write_file(DREF "/leak_age_s", "0"));
	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("create 1"));
	ASSERT_EQ(0, hands("hang"));
	ASSERT_EQ(0, hands("put 0"));
	sleep(1);
	ASSERT_EQ(0, hands("put 1"));
	sleep(1);
	/* the first object is in release(), the second waits for it */
	one(_metadata, o, "dying", 0, 0);
	ASSERT_EQ(0, hands("go-on"));
	ASSERT_EQ(0, write_file(DREF "/reconcile", "1"));
	EXPECT_EQ(0, objects_in("leaks", o, PLACES));
}

static int kmsg_since(int fd, char *text, size_t size)
{
	char record[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		len += snprintf(text + len, size - len, "%s", strchr(record, ';') + 1);
	}
	return len;
}

static int times(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* A class that cannot be unregistered logs its objects, each once, and ten at a time */
TEST_F(holders, in_the_log)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), i;
	static char text[65536];

	ASSERT_LE(0, fd);
	lseek(fd, 0, SEEK_END);
	ASSERT_EQ(0, put("track", "1"));
	ASSERT_EQ(0, hands("create 0"));
	ASSERT_EQ(0, hands("session 0"));
	EXPECT_EQ(-EBUSY, hands("close"));
	ASSERT_LT(0, kmsg_since(fd, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, ": held references 2 recorded 2 age_ms ")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "hands_take_here+"));
	EXPECT_NE(NULL, strstr(text, "hands_session+"));
	EXPECT_NE(NULL, strstr(text, self->me));
	EXPECT_EQ(-EBUSY, hands("close"));
	text[0] = '\0';
	kmsg_since(fd, text, sizeof(text));
	EXPECT_EQ(NULL, strstr(text, ": held references"));
	ASSERT_EQ(0, hands("create 1"));
	EXPECT_EQ(-EBUSY, hands("close"));
	kmsg_since(fd, text, sizeof(text));
	EXPECT_NE(NULL, strstr(text, ": held references 1"));
	EXPECT_EQ(NULL, strstr(text, "hands_session+"));
	for (i = 2; i < 14; i++)
		ASSERT_EQ(0, hands("create %d", i));
	EXPECT_EQ(-EBUSY, hands("close"));
	kmsg_since(fd, text, sizeof(text));
	EXPECT_EQ(10, times(text, ": held references 1"));
	EXPECT_EQ(-EBUSY, hands("close"));
	kmsg_since(fd, text, sizeof(text));
	EXPECT_EQ(2, times(text, ": held references 1"));
	close(fd);
	ASSERT_EQ(0, hands("put 0 2"));
	for (i = 1; i < 14; i++)
		ASSERT_EQ(0, hands("put %d", i));
}

/* A warning names the caller, whether its return address is there or not */
TEST_F(holders, in_a_warning)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), traced;
	static char text[65536];

	ASSERT_LE(0, fd);
	for (traced = 0; traced <= has_graph_tracer(); traced++) {
		lseek(fd, 0, SEEK_END);
		ASSERT_EQ(0, hands("create %d", traced));
		ASSERT_EQ(0, traced && trace_graph(true));
		EXPECT_EQ(0, hands("put %d 2", traced));
		ASSERT_EQ(0, traced && trace_graph(false));
		text[0] = '\0';
		kmsg_since(fd, text, sizeof(text));
		EXPECT_NE(NULL, strstr(text, "test-hands: put below zero, by hands_")) {
			TH_LOG("%s", text);
		}
		/* a class warns once */
		ASSERT_EQ(0, hands("close") || hands("open"));
	}
	close(fd);
}

/* The bytes of per-CPU memory that are charged to a memory cgroup, or -1 */
static long charged(const char *group)
{
	char path[200], text[8192], *line;

	snprintf(path, sizeof(path), "%s/memory.stat", group);
	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "\npercpu ");
	return line ? atol(line + strlen("\npercpu ")) : -1;
}

/* Move this process to a cgroup */
static int enter(const char *group)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	return write_file(path, "0");
}

/* Slots are there for all objects, and charged to no task's cgroup */
TEST_F(holders, slots_are_not_charged)
{
	char root[] = "/tmp/dref-cgroup-XXXXXX", group[100], path[100];
	int i, err;

	ASSERT_NE(NULL, mkdtemp(root));
	snprintf(group, sizeof(group), "%s/dref", root);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", root);
	err = mount("none", root, "cgroup2", 0, NULL) || write_file(path, "+memory") ||
	      mkdir(group, 0700);
	if (!err && !charged(group) && !enter(group)) {
		for (i = 0; i < 600; i++)	/* more than there can be in the pool */
			ASSERT_EQ(0, hands("create %d", i) || hands("defer %d", i));
		EXPECT_EQ(0, charged(group));
		for (i = 0; i < 600; i++)
			ASSERT_EQ(0, hands("put %d", i));
		ASSERT_EQ(0, enter(root));
	} else {
		err = 1;
	}
	rmdir(group);
	umount(root);
	rmdir(root);
	if (err)
		SKIP(return, "needs cgroups that account memory");
}

int main(int argc, char **argv)
{
	if (geteuid() || access("/sys/kernel/debug", X_OK) || !load("dref") ||
	    !load("dref_test") || !has_tracking()) {
		ksft_print_header();
		ksft_exit_skip("needs root, debugfs, dref.ko with tracking, and dref_test.ko\n");
	}
	return test_harness_run(argc, argv);
}
