// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/dref_stress answers any call correctly.
 *
 * A program that may open the device can make any call, from any number of threads, and
 * can get a signal or be killed at any moment.  This test makes some 100,000 calls whose
 * arguments are drawn at random, from two processes at a time, of the users root and
 * nobody, with several threads each.  The user nobody cannot open the device, so its process
 * has files that root has opened.
 *
 * Some files belong to one thread.  It knows the state of the session, and so it knows the
 * right answer.  Others are shared by all threads of both processes, which set up, work on,
 * finish, close and reopen the sessions of each other.  There fewer things are known:
 *
 *	the answer	is one that <linux/dref_stress.h> has for this call
 *	a number	that is out of range is refused, always
 *	memory		that is good causes no -EFAULT, bad memory causes nothing else
 *	an error	changes neither the argument nor the memory around it
 *	a success	has written values that are possible
 *	a report	contains no error of dref
 *
 * An argument is a row of fields.  A table has the range that the interface allows for each
 * field, and the range from which most values are drawn, which is small so that calls are
 * fast.  From this table the test makes good arguments and arguments with a field at or
 * beyond its limit, and judges both.  Other arguments are all random.
 *
 * Arguments lie where the next byte is a fault, or on a read-only page, or half
 * on a page that is not mapped, or at NULL, or at an address of the kernel.  One more thread
 * sends signals to the others.
 *
 * A second test kills such a process many times, at random moments.
 *
 * In the end nothing is left: no object, class, thread or user of the module, and, where the
 * kernel looks for leaks, no memory; and the kernel has not complained.
 *
 * All random values depend on the seed, which is printed and can be given in
 * DREF_FUZZ_SEED: each thread then makes the same calls again.  The results of calls that
 * several threads make at once can still differ.  DREF_FUZZ_CALLS is the number of calls,
 * for a machine on which all of them would take too long.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <linux/dref_stress.h>

#include "common.h"
#include "kselftest_harness.h"

#define NOBODY		65534
#define ROOT_THREADS	4U
#define NOBODY_THREADS	2U
#define CALLS		100800UL	/* of all threads together */
#define OWN_FILES	2U	/* of each thread */
#define SHARED_FILES	3U
#define KILLS		20
#define PATIENCE	10	/* seconds */
#define MESSAGES	20	/* that are worth reading */

#define MANY_OBJECTS	4096	/* for a set-up that shall be fast */
#define NEVER_LATE	0x40000000U
#define AREA		4096U	/* where arguments lie: the end of a page */

#define MODULE		"/sys/module/dref_stress"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define TAINT_BITS	(128 | 512)	/* an oops, a warning */

/* ---- the interface ---- */

enum answer { OK, INVAL, FAULT, NOTTY, NOMEM, INTR, NOENT, NR_ANSWERS };

static const struct {
	int		err;
	const char	*name;
} answers[NR_ANSWERS + 1] = {
	[OK]		= { 0, "ok" },
	[INVAL]		= { EINVAL, "EINVAL" },
	[FAULT]		= { EFAULT, "EFAULT" },
	[NOTTY]		= { ENOTTY, "ENOTTY" },
	[NOMEM]		= { ENOMEM, "ENOMEM" },
	[INTR]		= { EINTR, "EINTR" },
	[NOENT]		= { ENOENT, "ENOENT" },
	[NR_ANSWERS]	= { -1, "others" },
};

#define ALL_OF(answer)	(1U << (answer))
#define GOOD		(ALL_OF(OK) | ALL_OF(INVAL) | ALL_OF(FAULT))

/* Only a fatal signal interrupts SETUP and FINISH, so they never return -EINTR */
static const struct call {
	unsigned int	cmd;
	const char	*name;
	unsigned int	answers;	/* that it may give */
	unsigned int	weight;		/* of 1000 */
} calls[] = {
	{ DREF_STRESS_SETUP,	"setup",	GOOD | ALL_OF(NOMEM), 100 },
	{ DREF_STRESS_RUN,	"run",		GOOD | ALL_OF(INTR), 370 },
	{ DREF_STRESS_DROP,	"drop",		GOOD | ALL_OF(INTR) | ALL_OF(NOENT), 170 },
	{ DREF_STRESS_STATE,	"state",	GOOD | ALL_OF(INTR), 210 },
	{ DREF_STRESS_FINISH,	"finish",	GOOD, 4 },
	{ 0,			"unknown",	ALL_OF(NOTTY), 146 },
};

#define UNKNOWN		(&calls[ARRAY_SIZE(calls) - 1])

union argument {
	struct dref_stress_setup	setup;
	struct dref_stress_run		run;
	struct dref_stress_drop		drop;
	struct dref_stress_state	state;
	struct dref_stress_report	report;
	unsigned char			bytes[1024];
};

static const struct field {
	unsigned int	cmd;
	const char	*name;
	unsigned int	offset;
	unsigned int	size;
	__u64		min;	/* what is allowed */
	__u64		max;
	__u64		usual;	/* what is mostly asked for: from min to this */
} fields[] = {
#define FIELD(call, size, place, ...) \
	{ DREF_STRESS_ ## call, #place, offsetof(union argument, place), size, __VA_ARGS__ }
	FIELD(SETUP, 4, setup.objects, 1, DREF_STRESS_MAX_OBJECTS, 24),
	FIELD(SETUP, 4, setup.workers, 1, DREF_STRESS_MAX_WORKERS, 6),
	FIELD(SETUP, 4, setup.flags, 0, DREF_STRESS_ANY_CLASS, DREF_STRESS_ANY_CLASS),
	FIELD(SETUP, 4, setup.contexts, 0, 15, 15),
	FIELD(SETUP, 4, setup.scenario, 0, DREF_STRESS_MIX, DREF_STRESS_MIX),
	FIELD(SETUP, 4, setup.late_ms, 0, UINT_MAX, 0),
	FIELD(SETUP, 8, setup.seed, 0, ULLONG_MAX, ULLONG_MAX),
	FIELD(RUN, 4, run.worker, 0, DREF_STRESS_MAX_WORKERS - 1, 3),
	FIELD(RUN, 4, run.scenario, 0, DREF_STRESS_MIX, DREF_STRESS_MIX),
	FIELD(RUN, 4, run.ops, 0, DREF_STRESS_MAX_OPS, 40),
	FIELD(RUN, 4, run.flags, 0, DREF_STRESS_LET_GO, DREF_STRESS_LET_GO),
	FIELD(RUN, 8, run.seed, 0, ULLONG_MAX, ULLONG_MAX),
	FIELD(RUN, 4, run.reserved, 0, 0, 0),
	FIELD(DROP, 4, drop.place, 0, DREF_STRESS_MAX_OBJECTS - 1, 12),
	FIELD(DROP, 4, drop.kill, 0, 1, 1),
	FIELD(DROP, 8, drop.reserved, 0, 0, 0),
	FIELD(STATE, 4, state.object, 0, INT_MAX, 40),	/* or somewhat less */
	FIELD(FINISH, 8, report.reserved[0], 0, 0, 0),
	FIELD(FINISH, 8, report.reserved[1], 0, 0, 0),
	FIELD(FINISH, 8, report.reserved[2], 0, 0, 0),
	FIELD(FINISH, 8, report.reserved[3], 0, 0, 0),
};

#define FIELDS_END	(fields + ARRAY_SIZE(fields))

static __u64 field_get(const struct field *field, const union argument *arg)
{
	__u64 wide;
	__u32 narrow;

	memcpy(&wide, arg->bytes + field->offset, sizeof(wide));
	memcpy(&narrow, arg->bytes + field->offset, sizeof(narrow));
	return field->size == sizeof(wide) ? wide : narrow;
}

static void field_set(const struct field *field, union argument *arg, __u64 value)
{
	__u32 narrow = value;

	if (field->size == sizeof(value))
		memcpy(arg->bytes + field->offset, &value, sizeof(value));
	else
		memcpy(arg->bytes + field->offset, &narrow, sizeof(narrow));
}

static bool in_range(unsigned int cmd, const union argument *arg)
{
	const struct field *field;

	for (field = fields; field < FIELDS_END; field++) {
		if (field->cmd == cmd && (field_get(field, arg) < field->min ||
					  field_get(field, arg) > field->max))
			return false;
	}
	return true;
}

static const struct call *find_call(unsigned int cmd)
{
	const struct call *call = calls;

	while (call != UNKNOWN && call->cmd != cmd)
		call++;
	return call;
}

/* ---- memory, files, threads ---- */

/* From good to bad */
enum memory {
	TIGHT,		/* a page that is not there follows */
	LOOSE,		/* anywhere on a page */
	READ_ONLY,
	CUT_OFF,	/* half of it is on a page that is not there */
	NOTHING,	/* NULL, or nearly so */
	NOT_MAPPED,
	KERNEL,
	NR_MEMORY
};

static const char * const memory_names[NR_MEMORY] = {
	"tight", "loose", "read-only", "cut off", "NULL", "not mapped", "kernel's",
};

/*
 * @objects, @workers: known only if one thread owns the file; no objects: not set up.
 * @failed: an error of its session has been reported.
 */
struct file {
	int		fd;
	bool		own;
	unsigned int	objects;
	unsigned int	workers;
	bool		failed;
};

/* @shadow: the expected contents of @area.  @read_only is the same memory. */
struct fuzzer {
	pthread_t	thread;
	unsigned int	number;
	bool		root;
	__u64		random;
	unsigned long	done;
	unsigned long	calls;
	struct file	files[OWN_FILES + SHARED_FILES];
	unsigned char	*area;
	unsigned char	*read_only;
	unsigned char	shadow[AREA];
};

/* @arg: the argument before the call.  @size bytes of it matter, @there are mapped. */
struct attempt {
	const struct call	*call;
	unsigned int		cmd;
	struct file		*file;
	enum memory		memory;
	union argument		arg;
	size_t			size;
	size_t			there;
	size_t			offset;
	void			*pointer;
};

/* Of all processes */
static struct {
	unsigned long	seen[ARRAY_SIZE(calls)][NR_ANSWERS + 1];
	unsigned long	others;
	unsigned long	opened;
	unsigned int	complaints;
	time_t		begin;
} *all;

static __u64 seed;
static unsigned long nr_calls;
static int shared_fds[SHARED_FILES];
static unsigned int busy;	/* fuzzers of this process */

static void count_up(unsigned long *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" */
static __u64 draw(struct fuzzer *me)
{
	__u64 z = me->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Less than @end */
static unsigned int draw_below(struct fuzzer *me, unsigned int end)
{
	return ((draw(me) >> 32) * end) >> 32;
}

static bool one_in(struct fuzzer *me, unsigned int times)
{
	return !draw_below(me, times);
}

static const char *answer_name(int err)
{
	int i;

	for (i = 0; i < NR_ANSWERS; i++) {
		if (answers[i].err == -err)
			return answers[i].name;
	}
	return err < 0 ? strerror(-err) : "a number above 0";
}

/* Only so many messages are printed: one error can occur 100,000 times */
static bool may_complain(void)
{
	return __atomic_add_fetch(&all->complaints, 1, __ATOMIC_RELAXED) <= MESSAGES;
}

static void complain(const struct fuzzer *me, const struct attempt *it, int err,
		     const char *what)
{
	const struct file *file = it->file;
	const struct field *field;
	char text[1000] = "";
	size_t len = 0;

	if (!may_complain())
		return;
	for (field = fields; field < FIELDS_END; field++) {
		if (field->cmd == it->cmd)
			len += snprintf(text + len, sizeof(text) - len, " %s=%#llx,",
					field->name, field_get(field, &it->arg));
	}
	if (file->own)
		snprintf(text + len, sizeof(text) - len, " own file of %u objects, %u workers",
			 file->objects, file->workers);
	else
		snprintf(text + len, sizeof(text) - len, " shared file");
	ksft_print_msg("seed %llu, thread %u, call %lu: %s %#x,%s, %s memory: %s: %s\n",
		       seed, me->number, me->done, it->call->name, it->cmd, text,
		       memory_names[it->memory], answer_name(err), what);
}

static void complain_of(const struct fuzzer *me, const char *what, long seen)
{
	if (!may_complain())
		return;
	ksft_print_msg("seed %llu, thread %u, call %lu: %s: seen %ld, errno %d\n",
		       seed, me->number, me->done, what, seen, errno);
}

/* ---- the calls ---- */

static void noise(struct fuzzer *me, void *to, size_t size)
{
	__u64 random;
	size_t i;

	for (i = 0; i < size; i += sizeof(random)) {
		random = draw(me);
		memcpy(to + i, &random, i + 8 < size ? 8 : size - i);
	}
}

static __u64 draw_usual(struct fuzzer *me, const struct field *field)
{
	__u64 width = field->usual - field->min + 1, random = draw(me);

	return width ? field->min + random % width : random;
}

static __u64 draw_limit(struct fuzzer *me, const struct field *field)
{
	switch (draw_below(me, 8)) {
	case 0:		return 0;
	case 1:		return 1;
	case 2:		return field->min - 1;
	case 3:		return field->max;
	case 4:		return field->max + 1;
	case 5:		return 1ULL << 31;
	case 6:		return UINT_MAX;
	default:	return draw(me);
	}
}

/*
 * Some values are allowed, but not for this test: so many objects at a time that memory runs
 * out, and limits for a release that no machine can keep.
 */
static void make_bearable(struct dref_stress_setup *setup)
{
	if (setup->objects > MANY_OBJECTS)
		setup->contexts = UINT_MAX;	/* which is refused */
	if (setup->late_ms < NEVER_LATE)
		setup->late_ms = 0;
}

static void draw_argument(struct fuzzer *me, struct attempt *it)
{
	unsigned int how = draw_below(me, 8), nr = 0;
	const struct field *field, *own[ARRAY_SIZE(fields)];

	noise(me, &it->arg, it->size);
	if (how == 0 || it->call == UNKNOWN)
		return;
	for (field = fields; field < FIELDS_END; field++) {
		if (field->cmd != it->cmd)
			continue;
		field_set(field, &it->arg, draw_usual(me, field));
		own[nr++] = field;
	}
	if (it->cmd == DREF_STRESS_SETUP && !one_in(me, 20))
		it->arg.setup.contexts = 0;
	if (it->cmd == DREF_STRESS_SETUP && one_in(me, 30))
		it->arg.setup.objects = 1 + draw_below(me, MANY_OBJECTS);
	if (it->cmd == DREF_STRESS_SETUP && one_in(me, 4))
		it->arg.setup.late_ms = UINT_MAX - draw_below(me, 10);	/* 50 days */
	if (it->cmd == DREF_STRESS_RUN && one_in(me, 30))
		it->arg.run.ops = draw_below(me, 3000);
	if (how <= 2) {
		field = own[draw_below(me, nr)];
		field_set(field, &it->arg, draw_limit(me, field));
	}
	if (it->cmd == DREF_STRESS_SETUP)
		make_bearable(&it->arg.setup);
}

/*
 * A number that is almost that of a call.  A random number must not be one that the kernel
 * answers without the device: the types of those are all below 0xc0.
 */
static unsigned int draw_unknown(struct fuzzer *me)
{
	unsigned int cmd = calls[draw_below(me, ARRAY_SIZE(calls) - 1)].cmd;

	switch (draw_below(me, 5)) {
	case 0:		return cmd ^ (1 + draw_below(me, 255));
	case 1:		return cmd ^ (1U << (_IOC_TYPESHIFT + draw_below(me, 8)));
	case 2:		return cmd ^ (1 + draw_below(me, 16383)) << _IOC_SIZESHIFT;
	case 3:		return cmd ^ (1 + draw_below(me, 3)) << _IOC_DIRSHIFT;
	default:	return draw(me) | 0xc0 << _IOC_TYPESHIFT;
	}
}

static void draw_call(struct fuzzer *me, struct attempt *it)
{
	unsigned int weight = draw_below(me, 1000);
	const struct call *call = calls;

	while (weight >= call->weight)
		weight -= call++->weight;
	it->cmd = call == UNKNOWN ? draw_unknown(me) : call->cmd;
	it->call = find_call(it->cmd);
	it->size = _IOC_SIZE(it->cmd);
	if (it->call == UNKNOWN)
		it->size = draw_below(me, sizeof(it->arg));
}

/* Copy the argument to its place; the part that is mapped is also copied to the shadow */
static void draw_memory(struct fuzzer *me, struct attempt *it)
{
	it->memory = one_in(me, 5) ? draw_below(me, NR_MEMORY) : draw_below(me, 2);
	it->there = it->size;
	it->offset = AREA - it->size;
	if (it->memory == LOOSE)
		it->offset = draw_below(me, AREA - it->size + 1);
	if (it->memory == CUT_OFF) {
		it->there = draw_below(me, it->size);
		it->offset = AREA - it->there;
	}
	memcpy(me->shadow + it->offset, &it->arg, it->there);
	memcpy(me->area + it->offset, &it->arg, it->there);

	it->pointer = me->area + it->offset;
	if (it->memory == READ_ONLY)
		it->pointer = me->read_only + it->offset;
	else if (it->memory == NOTHING)
		it->pointer = (void *)(one_in(me, 2) ? 0 : draw(me) % 4096);
	else if (it->memory == NOT_MAPPED)
		it->pointer = me->area + AREA + draw_below(me, 2048);
	else if (it->memory == KERNEL)
		it->pointer = (void *)(one_in(me, 2) ? -1 - draw(me) % (1UL << 32) :
				       draw(me) | 1ULL << 63);
}

/* ---- the expected answers ---- */

#define ANYTHING	1

static bool writes_back(const struct attempt *it)
{
	return _IOC_DIR(it->cmd) & _IOC_READ;
}

/* The argument is in range, so it depends on the session */
static int expected_of_session(const struct attempt *it)
{
	const struct file *file = it->file;
	bool fits = file->objects;

	if (!file->own)
		return ANYTHING;
	switch (it->cmd) {
	case DREF_STRESS_SETUP:
		fits = !file->objects;
		break;
	case DREF_STRESS_RUN:
		fits = file->objects && it->arg.run.worker < file->workers;
		break;
	case DREF_STRESS_DROP:
		fits = it->arg.drop.place < file->objects;
		break;
	case DREF_STRESS_STATE:
		/* there are more numbers than places, and how many more is unknown */
		if (file->objects && it->arg.state.object >= file->objects)
			return ANYTHING;
		break;
	}
	return fits ? 0 : -EINVAL;
}

static int expected(const struct attempt *it)
{
	if (it->call == UNKNOWN)
		return -ENOTTY;
	if (it->memory > READ_ONLY)
		return -EFAULT;
	if (!in_range(it->cmd, &it->arg))
		return -EINVAL;
	return expected_of_session(it);
}

static bool is_expected(const struct attempt *it, int err)
{
	bool unwritable = it->memory == READ_ONLY && writes_back(it);
	int want = expected(it);

	switch (err) {
	case 0:
		return (want == 0 || want == ANYTHING) && !unwritable;
	case -EFAULT:
		return want == -EFAULT || (want != -EINVAL && want != -ENOTTY && unwritable);
	case -EINTR:
		return want != -EFAULT && want != -ENOTTY;
	case -ENOMEM:
	case -ENOENT:
		return want == 0 || want == ANYTHING;
	default:
		return want == err || want == ANYTHING;
	}
}

/* The fields that the caller has set are unchanged */
static bool is_as_said(const struct attempt *it, const union argument *after)
{
	const struct field *field;

	for (field = fields; field < FIELDS_END; field++) {
		if (field->cmd == it->cmd &&
		    field_get(field, after) != field_get(field, &it->arg))
			return false;
	}
	return true;
}

static const char *wrong_run(struct file *file, const struct dref_stress_run *run)
{
	bool known = file->failed;
	int i;

	file->failed = run->errors;
	if (file->failed && !known)
		return "the session has an error";
	for (i = DREF_STRESS_NR_COUNTS; i < DREF_STRESS_COUNTS_SIZE; i++) {
		if (run->counts[i])
			return "counts that do not exist";
	}
	return run->done > run->ops ? "more done than asked for" : NULL;
}

static const char *wrong_state(const struct dref_stress_state *state)
{
	if (state->flags & ~(DREF_STRESS_LIVE | DREF_STRESS_DEFERRED |
			     DREF_STRESS_DYING | DREF_STRESS_IMMORTAL))
		return "flags that do not exist";
	if (!(state->flags & DREF_STRESS_LIVE) && (state->flags || state->count))
		return "a count of nothing";
	return NULL;
}

static const char *wrong_report(const struct dref_stress_report *report)
{
	static __thread char text[DREF_STRESS_ERROR_SIZE + 100];

	if (report->errors || report->error[0])
		snprintf(text, sizeof(text), "%llu errors, the first one: %.*s",
			 report->errors, DREF_STRESS_ERROR_SIZE, report->error);
	else if (report->created != report->released + report->immortal)
		snprintf(text, sizeof(text), "%llu created, %llu released, %llu immortal",
			 report->created, report->released, report->immortal);
	else
		return NULL;
	return text;
}

static const char *wrong_answer(const struct attempt *it, const union argument *after)
{
	if (!is_as_said(it, after))
		return "it has changed what was said";
	switch (it->cmd) {
	case DREF_STRESS_RUN:
		return wrong_run(it->file, &after->run);
	case DREF_STRESS_STATE:
		return wrong_state(&after->state);
	case DREF_STRESS_FINISH:
		return wrong_report(&after->report);
	}
	return NULL;
}

/* Compare the area with the shadow, and copy it there */
static const char *wrong_memory(struct fuzzer *me)
{
	if (!memcmp(me->shadow, me->area, AREA))
		return NULL;
	memcpy(me->shadow, me->area, AREA);
	return "memory has changed";
}

static void check(struct fuzzer *me, struct attempt *it, int err)
{
	const char *wrong = NULL;
	union argument after;
	unsigned int i;

	for (i = 0; i < NR_ANSWERS && answers[i].err != -err; i++)
		;
	count_up(&all->seen[it->call - calls][i]);
	if (i == NR_ANSWERS || !(it->call->answers & ALL_OF(i)))
		complain(me, it, err, "this call never answers so");
	else if (!is_expected(it, err))
		complain(me, it, err, "not what was expected");

	if (!err && writes_back(it) && it->memory < READ_ONLY) {
		memcpy(&after, me->area + it->offset, it->size);
		memcpy(me->shadow + it->offset, &after, it->size);
		wrong = wrong_answer(it, &after);
	}
	wrong = wrong_memory(me) ?: wrong;
	if (wrong)
		complain(me, it, err, wrong);
}

/* A report that cannot be written ends the session too */
static void remember(struct attempt *it, int err)
{
	struct file *file = it->file;

	if (!file->own)
		return;
	if (it->cmd == DREF_STRESS_SETUP && !err) {
		file->objects = it->arg.setup.objects;
		file->workers = it->arg.setup.workers;
	}
	if (it->cmd == DREF_STRESS_FINISH &&
	    (!err || (err == -EFAULT && it->memory == READ_ONLY)))
		file->objects = 0;
}

/* ---- all operations ---- */

static struct file *draw_file(struct fuzzer *me)
{
	if (one_in(me, 2))
		return &me->files[draw_below(me, OWN_FILES)];
	return &me->files[OWN_FILES + draw_below(me, SHARED_FILES)];
}

static void fuzz_ioctl(struct fuzzer *me)
{
	struct attempt it;
	int err;

	it.file = draw_file(me);
	draw_call(me, &it);
	draw_argument(me, &it);
	draw_memory(me, &it);
	err = ioctl(it.file->fd, it.cmd, it.pointer);
	if (err < 0)
		err = -errno;
	check(me, &it, err);
	remember(&it, err);
}

static void fuzz_map(struct fuzzer *me, int fd)
{
	int flags = draw(me) & ~(MAP_ANONYMOUS | MAP_FIXED | MAP_FIXED_NOREPLACE);
	void *map;

	map = mmap(NULL, draw(me), draw(me), flags, fd, draw(me) & -4096);
	if (map != MAP_FAILED)
		complain_of(me, "mmap", (long)map);
}

/* Operations that the device does not have */
static void fuzz_other(struct fuzzer *me)
{
	struct pollfd poll_fd = { .fd = draw_file(me)->fd, .events = draw(me) };
	void *to = me->area + draw_below(me, AREA);
	long n = 0;

	switch (draw_below(me, 5)) {
	case 0:
		n = read(poll_fd.fd, to, draw(me));
		if (n != -1 || errno != EINVAL)
			complain_of(me, "read", n);
		break;
	case 1:
		n = write(poll_fd.fd, to, draw(me));
		if (n != -1 || errno != EINVAL)
			complain_of(me, "write", n);
		break;
	case 2:
		n = lseek(poll_fd.fd, draw(me), draw_below(me, 8));
		if (n != -1 || (errno != ESPIPE && errno != EINVAL))
			complain_of(me, "lseek", n);
		break;
	case 3:
		n = poll(&poll_fd, 1, 0);
		if (n < 0 && errno != EINTR)
			complain_of(me, "poll", n);
		break;
	case 4:
		fuzz_map(me, poll_fd.fd);
		break;
	}
	count_up(&all->others);
	if (wrong_memory(me))
		complain_of(me, "memory has changed", n);
}

/* Open another file in the place of @file, with the same number, which is never free */
static void fuzz_open(struct fuzzer *me, struct file *file)
{
	int fd = open(DREF_STRESS_DEVICE, O_RDWR);

	if (fd < 0) {
		if (errno != (me->root ? ENOMEM : EACCES))
			complain_of(me, "open", fd);
		return;
	}
	count_up(&all->opened);
	if (!me->root)
		complain_of(me, "nobody could open it", fd);
	if (dup2(fd, file->fd) != file->fd)
		complain_of(me, "dup2", fd);
	close(fd);
	file->objects = 0;
}

/* ---- threads and processes ---- */

/* Map a page twice, each time before a page that is not mapped */
static bool map_memory(struct fuzzer *me)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = memfd_create("fuzz", 0);
	char *map;

	map = mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || map == MAP_FAILED || ftruncate(fd, page) ||
	    mmap(map, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 fd, 0) == MAP_FAILED ||
	    mmap(map + 2 * page, page, PROT_READ, MAP_SHARED | MAP_FIXED,
		 fd, 0) == MAP_FAILED)
		return false;
	close(fd);
	me->area = (void *)(map + page - AREA);
	me->read_only = me->area + 2 * page;
	noise(me, me->area, AREA);
	memcpy(me->shadow, me->area, AREA);
	return true;
}

static void *fuzz(void *arg)
{
	struct fuzzer *me = arg;

	for (; me->done < me->calls; me->done++) {
		fuzz_ioctl(me);
		if (one_in(me, 50))
			fuzz_other(me);
		if (one_in(me, 700))
			fuzz_open(me, draw_file(me));
	}
	__atomic_fetch_sub(&busy, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Every few milliseconds send a signal to one of the threads */
static void disturb(struct fuzzer *fuzzers, unsigned int nr)
{
	struct fuzzer me = { .random = ~seed };

	while (__atomic_load_n(&busy, __ATOMIC_ACQUIRE)) {
		usleep(500 + draw_below(&me, 2000));
		pthread_kill(fuzzers[draw_below(&me, nr)].thread, SIGUSR1);
	}
}

static void ignore(int signal)
{
}

static bool become_nobody(void)
{
	return !setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY);
}

static bool init_fuzzer(struct fuzzer *me, bool root, unsigned long calls)
{
	unsigned int i;

	me->root = root;
	me->calls = calls;
	me->random = seed + (me->number + 1) * 0x632be59bd9b4e019ULL;
	for (i = 0; i < OWN_FILES; i++) {
		me->files[i].own = true;
		me->files[i].fd = open(DREF_STRESS_DEVICE, O_RDWR);
		if (me->files[i].fd < 0)
			return false;
	}
	for (i = 0; i < SHARED_FILES; i++)
		me->files[OWN_FILES + i].fd = shared_fds[i];
	return map_memory(me);
}

/* A process of @nr threads; @first: the number of the first one of them */
static void fuzz_process(bool root, unsigned int first, unsigned int nr,
			 unsigned long calls)
{
	static struct fuzzer fuzzers[ROOT_THREADS + NOBODY_THREADS];
	struct sigaction action = { .sa_handler = ignore };
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < nr; i++) {
		fuzzers[i].number = first + i;
		if (!init_fuzzer(&fuzzers[i], root, calls))
			_exit(2);
	}
	if (!root && !become_nobody())
		_exit(3);
	fuzz_open(&fuzzers[0], &fuzzers[0].files[0]);
	busy = nr;
	for (i = 0; i < nr; i++) {
		if (pthread_create(&fuzzers[i].thread, NULL, fuzz, &fuzzers[i]))
			_exit(4);
	}
	disturb(fuzzers, nr);
	for (i = 0; i < nr; i++)
		pthread_join(fuzzers[i].thread, NULL);
	_exit(0);
}

static pid_t start(bool root, unsigned int first, unsigned int nr, unsigned long calls)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child)
		fuzz_process(root, first, nr, calls);
	return child;
}

/* ---- leftovers ---- */

static long number_in(const char *path)
{
	char text[100];

	return read_file(path, text, sizeof(text)) < 0 ? -1 : atol(text);
}

/* Count the entries of @folder that have a file @name that begins with @text */
static int entries(const char *folder, const char *name, const char *text)
{
	DIR *dir = opendir(folder);
	char path[600], found[100];
	struct dirent *entry;
	int nr = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", folder, entry->d_name, name);
		nr += read_file(path, found, sizeof(found)) >= 0 &&
		      !strncmp(found, text, strlen(text));
	}
	if (dir)
		closedir(dir);
	return nr;
}

static struct traces {
	long	live;
	long	users;
	int	classes;
	int	threads;
	long	taint;
} before;

static struct traces look(void)
{
	struct traces traces = {
		.live = counter("exact_live") + counter("deferred"),
		.users = number_in(MODULE "/refcnt"),
		.classes = entries(DREF "/classes", "stats", ""),
		.threads = entries("/proc", "comm", "dref_stress/"),
		.taint = number_in("/proc/sys/kernel/tainted"),
	};

	return traces;
}

/* Processes that have been killed need a moment to close their files */
static struct traces look_until_quiet(void)
{
	struct traces now;
	int tries = 0;

	do {
		usleep(tries ? 100000 : 0);
		now = look();
	} while (tries++ < PATIENCE * 10 &&
		 (now.live != before.live || now.users != before.users ||
		  now.classes != before.classes || now.threads != before.threads));
	return now;
}

/* The memory that kmemleak finds in two scans */
static int leaks(void)
{
	char line[1000];
	int nr = 0;
	FILE *file;

	sleep(6);		/* kmemleak reports no younger memory */
	write_file(KMEMLEAK, "scan");
	sleep(6);
	write_file(KMEMLEAK, "scan");
	file = fopen(KMEMLEAK, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strstr(line, "dref"))
			continue;
		if (nr++ < MESSAGES)
			ksft_print_msg("%s", line);
	}
	if (file)
		fclose(file);
	return nr;
}

/* ---- the tests ---- */

FIXTURE(fuzz) {
};

FIXTURE_SETUP(fuzz)
{
	unsigned int i;

	TH_LOG("seed %llu, %lu calls", seed, nr_calls);
	memset(all, 0, sizeof(*all));
	all->begin = time(NULL);
	for (i = 0; i < SHARED_FILES; i++) {
		shared_fds[i] = open(DREF_STRESS_DEVICE, O_RDWR);
		ASSERT_LE(0, shared_fds[i]);
	}
}

FIXTURE_TEARDOWN(fuzz)
{
	struct traces after;
	unsigned int i;

	for (i = 0; i < SHARED_FILES; i++)
		close(shared_fds[i]);
	after = look_until_quiet();
	EXPECT_EQ(before.live, after.live);
	EXPECT_EQ(before.users, after.users);
	EXPECT_EQ(before.classes, after.classes);
	EXPECT_EQ(before.threads, after.threads);
	EXPECT_EQ(0, after.taint & ~before.taint & TAINT_BITS);
	EXPECT_EQ(0, all->complaints);
}

/* Print the table and return the sum */
static unsigned long total(void)
{
	unsigned long sum = 0;
	char text[300];
	unsigned int i, j;
	int len;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		len = 0;
		for (j = 0; j <= NR_ANSWERS; j++) {
			sum += all->seen[i][j];
			if (all->seen[i][j])
				len += snprintf(text + len, sizeof(text) - len, " %lu %s",
						all->seen[i][j], answers[j].name);
		}
		ksft_print_msg("%s:%s\n", calls[i].name, len ? text : " 0");
	}
	ksft_print_msg("%lu calls, %lu others, %lu files opened, %ld seconds\n", sum,
		       all->others, all->opened, (long)(time(NULL) - all->begin));
	return sum;
}

/* Each call has succeeded, was refused and has had a fault */
TEST_F_TIMEOUT(fuzz, root_and_nobody, 900)
{
	unsigned long each = nr_calls / (ROOT_THREADS + NOBODY_THREADS);
	pid_t root, nobody;
	unsigned int i, j;
	int status;

	root = start(true, 0, ROOT_THREADS, each);
	ASSERT_LT(0, root);
	nobody = start(false, ROOT_THREADS, NOBODY_THREADS, each);
	ASSERT_LT(0, nobody);
	ASSERT_EQ(root, waitpid(root, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(nobody, waitpid(nobody, &status, 0));
	EXPECT_EQ(0, status);

	EXPECT_EQ(each * (ROOT_THREADS + NOBODY_THREADS), total());
	if (nr_calls < CALLS)
		return;		/* too few to be sure of what follows */
	for (i = 0; i < ARRAY_SIZE(calls) - 1; i++) {
		for (j = OK; j <= FAULT; j++)
			EXPECT_LT(0, all->seen[i][j]);
	}
	EXPECT_LT(0, all->seen[1][INTR]);
	EXPECT_LT(0, all->seen[2][NOENT]);
}

TEST_F_TIMEOUT(fuzz, killed, 300)
{
	struct fuzzer me = { .random = seed };
	int status, i;
	pid_t child;

	for (i = 0; i < KILLS; i++) {
		child = start(true, 100 * (i + 1), ROOT_THREADS, ULONG_MAX);
		ASSERT_LT(0, child);
		usleep(draw_below(&me, 300000));
		EXPECT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(SIGKILL, status);
	}
	total();
}

FIXTURE(memory) {
};

FIXTURE_SETUP(memory)
{
}

FIXTURE_TEARDOWN(memory)
{
}

/* After all tests before it */
TEST_F_TIMEOUT(memory, no_leak, 300)
{
	if (access(KMEMLEAK, W_OK))
		SKIP(return, "this kernel does not look for leaks");
	EXPECT_EQ(0, leaks());
}

static __u64 number_from(const char *variable, __u64 otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	struct timespec now;

	if (geteuid() || !load("dref") || !load("dref_stress") ||
	    access(DREF "/stats", R_OK)) {
		ksft_print_header();
		ksft_exit_skip("needs root, debugfs, dref.ko and dref_stress.ko\n");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);	/* harness and threads leave by _exit() */
	before = look();
	clock_gettime(CLOCK_REALTIME, &now);
	seed = number_from("DREF_FUZZ_SEED", now.tv_sec * 1000000000ULL + now.tv_nsec);
	nr_calls = number_from("DREF_FUZZ_CALLS", CALLS);
	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	return test_harness_run(argc, argv);
}
