// SPDX-License-Identifier: GPL-2.0
/*
 * The files of dref in debugfs.
 *
 * Every file has the documented mode and lines.  A write either succeeds, or fails with an
 * error and changes nothing.  Reading is safe while classes and objects come and go.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "common.h"
#include "kselftest_harness.h"

#define NOBODY	65534
/* Writes to each file, unless DREF_FUZZ_WRITES says another number */
#define FUZZES	10000

static const char * const all_files[] = {
	"stats", "reconcile", "pass_min_ms", "pass_max_ms", "promote_threshold",
	"demote_passes", "max_deferred", "leak_age_s", "cpus", "latency",
};

static bool is_read_only(const char *name)
{
	return !strcmp(name, "stats") || !strcmp(name, "cpus") || !strcmp(name, "latency");
}

static const char * const stats_names[] = {
	"epoch", "passes", "passes_expedited", "deferred", "exact_live", "dying",
	"immortal", "promotions", "demotions", "promotions_failed",
	"released_exact", "released_deferred", "exited", "resurrected", "underflows",
	"overflows", "slots_total", "slots_used", "slot_bytes", "gp_ns_last",
	"gp_ns_max", "pass_ns_last", "pass_ns_max",
};

static const char * const class_names[] = {
	"flags", "deferred", "exact_live", "immortal", "promotions", "demotions",
	"promotions_failed", "released_exact", "released_deferred", "exited",
	"resurrected", "underflows", "overflows",
};

static const char * const tunables[] = {
	"pass_min_ms", "pass_max_ms", "promote_threshold", "demote_passes",
	"max_deferred", "leak_age_s",
};

static const char * const class_files[] = {
	"stats", "objects", "leaks", "track", "holders",
};

#define UNTRACKED_FILES	3	/* the last two come with CONFIG_DREF_TRACKING */

/* The range of each tunable while the others have their defaults */
static const struct {
	const char *name, *smallest, *largest, *below, *above;
} ranges[] = {
	{ "pass_max_ms", "10", "60000", "9", "60001" },
	{ "pass_min_ms", "1", "60000", "0", "60001" },
	{ "promote_threshold", "1", "4095", "0", "4096" },
	{ "demote_passes", "1", "1000000", "0", "1000001" },
	{ "max_deferred", "0", "16777216", "-1", "16777217" },
	{ "leak_age_s", "0", "1000000", "-1", "1000001" },
};

static const char *path_of(const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), DREF "/%s", name);
	return path;
}

/* A pointer to no memory, hidden from the compiler */
static char *nowhere(void)
{
	char *pointer = (char *)8;

	asm("" : "+r" (pointer));
	return pointer;
}

/* 0 or -errno */
static int put(const char *name, const void *value, size_t len)
{
	int fd = open(path_of(name), O_WRONLY), err = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, value, len);
	if (n < 0)
		err = -errno;
	else if (n != (ssize_t)len)
		err = -EIO;
	close(fd);
	return err;
}

static int put_text(const char *name, const char *value)
{
	return put(name, value, strlen(value));
}

static long number(const char *name)
{
	char text[64], *end;
	long value;

	if (read_file(path_of(name), text, sizeof(text)) < 0)
		return -1;
	value = strtol(text, &end, 10);
	return end != text && !strcmp(end, "\n") ? value : -1;
}

FIXTURE(dref) {
	long	saved[ARRAY_SIZE(tunables)];
};

FIXTURE_SETUP(dref)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tunables); i++)
		self->saved[i] = number(tunables[i]);
}

FIXTURE_TEARDOWN(dref)
{
	char text[30];
	int i, round;

	/* one can be the limit of another, so this takes two rounds */
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(tunables); i++) {
			snprintf(text, sizeof(text), "%ld", self->saved[i]);
			put_text(tunables[i], text);
		}
	}
}

TEST_F(dref, files_and_modes)
{
	DIR *dir = opendir(DREF);
	struct dirent *entry;
	struct stat st;
	int i, found = 0;

	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			found++;
	}
	closedir(dir);
	for (i = 0; i < ARRAY_SIZE(all_files); i++) {
		ASSERT_EQ(0, stat(path_of(all_files[i]), &st)) {
			TH_LOG("no %s", all_files[i]);
		}
		EXPECT_EQ(S_IFREG | (is_read_only(all_files[i]) ? 0400 : 0600), st.st_mode) {
			TH_LOG("mode of %s", all_files[i]);
		}
		EXPECT_EQ(0, st.st_uid);
	}
	ASSERT_EQ(0, stat(path_of("classes"), &st));
	EXPECT_TRUE(S_ISDIR(st.st_mode));
	/* and no file that is not documented */
	EXPECT_EQ(ARRAY_SIZE(all_files) + 1, found);
}

/* "name: value" lines: these, in this order, and no others */
static void check_lines(struct __test_metadata *_metadata, const char *name,
			const char * const *names, int nr)
{
	char text[4096], *line, *save, *colon;
	int i = 0;

	ASSERT_LT(0, read_file(path_of(name), text, sizeof(text)));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		colon = strstr(line, ": ");
		ASSERT_NE(NULL, colon) TH_LOG("%s: %s", name, line);
		*colon = '\0';
		ASSERT_GT(nr, i) TH_LOG("%s: more lines: %s", name, line);
		EXPECT_STREQ(names[i], line);
		if (strcmp(line, "flags"))
			EXPECT_EQ(strlen(colon + 2), strspn(colon + 2, "0123456789")) {
				TH_LOG("%s: %s: %s", name, line, colon + 2);
			}
		i++;
	}
	EXPECT_EQ(nr, i);
}

TEST_F(dref, lines_of_stats)
{
	check_lines(_metadata, "stats", stats_names, ARRAY_SIZE(stats_names));
	check_lines(_metadata, "reconcile", (const char * const []){ "released" }, 1);
}

TEST_F(dref, lines_of_classes)
{
	char name[300];
	struct dirent *entry;
	int found = 0;
	DIR *dir;

	if (!load("dref_stress"))
		SKIP(return, "needs dref_stress.ko");
	dir = opendir(path_of("classes"));
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "classes/%s/stats", entry->d_name);
		check_lines(_metadata, name, class_names, ARRAY_SIZE(class_names));
		found++;
	}
	closedir(dir);
	EXPECT_LT(0, found);
}

/* A class has all documented files, and no others */
TEST_F(dref, files_of_classes)
{
	struct dirent *entry;
	char name[300];
	struct stat st;
	int i, found = 0, expected = UNTRACKED_FILES;
	DIR *dir;

	if (!load("dref_stress"))
		SKIP(return, "needs dref_stress.ko");
	dir = opendir(path_of("classes/stress"));
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir)))
		found += entry->d_name[0] != '.';
	closedir(dir);
	if (has_tracking())
		expected = ARRAY_SIZE(class_files);
	EXPECT_EQ(expected, found);
	for (i = 0; i < expected; i++) {
		snprintf(name, sizeof(name), "classes/stress/%s", class_files[i]);
		ASSERT_EQ(0, stat(path_of(name), &st)) TH_LOG("no %s", name);
		EXPECT_EQ(S_IFREG | (strcmp(class_files[i], "track") ? 0400 : 0600),
			  st.st_mode) TH_LOG("mode of %s", name);
		EXPECT_EQ(0, st.st_uid);
	}
}

TEST_F(dref, tunables_in_range)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const char *name = ranges[i].name;

		EXPECT_EQ(0, put_text(name, ranges[i].smallest)) TH_LOG("%s", name);
		EXPECT_EQ(atol(ranges[i].smallest), number(name));
		EXPECT_EQ(-EINVAL, put_text(name, ranges[i].below)) TH_LOG("%s", name);
		EXPECT_EQ(atol(ranges[i].smallest), number(name));
		EXPECT_EQ(0, put_text(name, ranges[i].largest)) TH_LOG("%s", name);
		EXPECT_EQ(atol(ranges[i].largest), number(name));
		EXPECT_EQ(-EINVAL, put_text(name, ranges[i].above)) TH_LOG("%s", name);
		EXPECT_EQ(atol(ranges[i].largest), number(name));
	}
	/* with a newline, as echo(1) writes it */
	EXPECT_EQ(0, put_text("demote_passes", "7\n"));
	EXPECT_EQ(7, number("demote_passes"));
}

/* The shortest time cannot be longer than the longest */
TEST_F(dref, tunables_in_order)
{
	ASSERT_EQ(0, put_text("pass_max_ms", "1000"));
	EXPECT_EQ(0, put_text("pass_min_ms", "1000"));
	EXPECT_EQ(-EINVAL, put_text("pass_min_ms", "1001"));
	EXPECT_EQ(-EINVAL, put_text("pass_max_ms", "999"));
	EXPECT_EQ(1000, number("pass_min_ms"));
	EXPECT_EQ(1000, number("pass_max_ms"));
}

/* The same number in a file of debugfs and in a module parameter; leak_age_s has none */
TEST_F(dref, tunables_are_parameters)
{
	char path[100], text[64];
	struct stat st;
	int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const char *name = ranges[i].name;

		snprintf(path, sizeof(path), "/sys/module/dref/parameters/%s", name);
		if (!strcmp(name, "leak_age_s")) {
			EXPECT_EQ(-1, stat(path, &st));
			continue;
		}
		ASSERT_EQ(0, stat(path, &st)) TH_LOG("no %s", path);
		EXPECT_EQ(S_IFREG | 0644, st.st_mode);
		ASSERT_LT(0, read_file(path, text, sizeof(text)));
		EXPECT_EQ(number(name), atol(text)) TH_LOG("%s", name);
		EXPECT_EQ(-1, write_file(path, ranges[i].below)) TH_LOG("%s", name);
		EXPECT_EQ(-1, write_file(path, ranges[i].above)) TH_LOG("%s", name);
		EXPECT_EQ(-1, write_file(path, "0x20")) TH_LOG("%s", name);
		EXPECT_EQ(atol(text), number(name)) TH_LOG("%s", name);
		EXPECT_EQ(0, write_file(path, ranges[i].largest)) TH_LOG("%s", name);
		EXPECT_EQ(atol(ranges[i].largest), number(name)) TH_LOG("%s", name);
	}
	ASSERT_EQ(0, put_text("pass_min_ms", "10"));
	ASSERT_EQ(0, put_text("pass_max_ms", "1000"));
	EXPECT_EQ(-1, write_file("/sys/module/dref/parameters/pass_min_ms", "1001"));
	EXPECT_EQ(-1, write_file("/sys/module/dref/parameters/pass_max_ms", "9"));
	EXPECT_EQ(10, number("pass_min_ms"));
	EXPECT_EQ(1000, number("pass_max_ms"));
}

TEST_F(dref, junk_is_refused)
{
	static const char * const junk[] = {
		"", "\n", " ", "-1", "+", "0x10", "1e3", "10 ", "10 10", "10\n10", "ten",
		"4294967296", "4294967295", "18446744073709551616", "10;", "10.5",
		"\xff\xfe", "%n%n%n%n",
		"99999999999999999999999999999999999999999999999999999999999999999999",
	};
	char zeros[8192];
	long was;
	int i, j;

	memset(zeros, '0', sizeof(zeros));
	for (i = 0; i < ARRAY_SIZE(tunables); i++) {
		was = number(tunables[i]);
		ASSERT_LE(0, was);
		for (j = 0; j < ARRAY_SIZE(junk); j++) {
			EXPECT_EQ(-EINVAL, put_text(tunables[i], junk[j])) {
				TH_LOG("%s: \"%s\"", tunables[i], junk[j]);
			}
		}
		EXPECT_EQ(-EINVAL, put(tunables[i], "1\0002", 3));
		EXPECT_EQ(-EINVAL, put(tunables[i], zeros, sizeof(zeros)));
		EXPECT_EQ(-EFAULT, put(tunables[i], nowhere(), 4));
		EXPECT_EQ(was, number(tunables[i])) TH_LOG("%s changed", tunables[i]);
	}
}

TEST_F(dref, stats_cannot_be_written)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(all_files); i++) {
		if (!is_read_only(all_files[i]))
			continue;
		EXPECT_EQ(-EINVAL, put_text(all_files[i], "0"));
		EXPECT_EQ(-EINVAL, put(all_files[i], nowhere(), 4));
	}
}

TEST_F(dref, reconcile_takes_anything)
{
	long passes = counter("passes_expedited");
	char junk[5000];
	int i;

	memset(junk, 0xa5, sizeof(junk));
	EXPECT_EQ(0, put_text("reconcile", "1"));
	EXPECT_EQ(0, put_text("reconcile", "\n"));
	EXPECT_EQ(0, put("reconcile", junk, sizeof(junk)));
	EXPECT_LE(passes + 3, counter("passes_expedited"));
	for (i = 0; i < 50; i++)
		EXPECT_EQ(0, put("reconcile", junk, i));
}

/* Paths below DREF of the files that can be written; in classes, one of each name */
static char *writable[100];
static int nr_writable;

static int note_writable(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *other;
	int i;

	if (type != FTW_F || !(st->st_mode & 0222))
		return 0;
	for (i = 0; i < nr_writable; i++) {
		other = strrchr(writable[i], '/');
		if (other && ftw->level > 1 && !strcmp(other, path + ftw->base - 1))
			return 0;
	}
	if (nr_writable == ARRAY_SIZE(writable))
		return 1;
	writable[nr_writable] = strdup(path + strlen(DREF "/"));
	return !writable[nr_writable++];
}

/* Random bytes, or characters that almost make a number, or that often make one */
static int draw_junk(char *junk, int size)
{
	int kind = random() % 3, len = random() % (kind ? size : 6), i;

	for (i = 0; i < len; i++)
		junk[i] = kind == 2 ? random() : "0123456789\0 -+\nx"[random() % (kind ? 16 : 11)];
	junk[len] = '\0';
	return len;
}

/* Was a value that was accepted just a number in its range, and is it there now? */
static bool taken(const char *name, const char *junk, int len, const char *now)
{
	char *end;
	long value = strtol(junk, &end, 10);
	int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (!strcmp(name, ranges[i].name))
			return end + (*end == '\n') == junk + len && atol(now) == value &&
			       value >= atol(ranges[i].smallest) &&
			       value <= atol(ranges[i].largest) &&
			       number("pass_min_ms") <= number("pass_max_ms");
	}
	return true;	/* not a tunable */
}

static void fuzz_file(struct __test_metadata *_metadata, const char *name)
{
	char junk[64], was[4096], before[4096], now[4096];
	int i, len, err, nr_taken = 0, fuzzes = FUZZES;

	if (getenv("DREF_FUZZ_WRITES"))
		fuzzes = atoi(getenv("DREF_FUZZ_WRITES"));

	ASSERT_LE(0, read_file(path_of(name), was, sizeof(was)));
	strcpy(before, was);
	for (i = 0; i < fuzzes; i++) {
		len = draw_junk(junk, sizeof(junk) - 1);
		err = put(name, junk, len);
		ASSERT_TRUE(!err || err == -EINVAL) TH_LOG("%s: %d", name, err);
		ASSERT_LE(0, read_file(path_of(name), now, sizeof(now)));
		ASSERT_TRUE(err ? !strcmp(before, now) : taken(name, junk, len, now)) {
			TH_LOG("%s: \"%s\" is %d: %s", name, junk, err, now);
		}
		nr_taken += !err;
		strcpy(before, now);
	}
	EXPECT_LT(0, nr_taken) TH_LOG("%s takes nothing", name);
	/* it still accepts its first value */
	EXPECT_EQ(0, put_text(name, was)) TH_LOG("%s", name);
	TH_LOG("%s: %d of %d taken", name, nr_taken, fuzzes);
}

/* Every file that can be written; and no write to one changes another */
TEST_F_TIMEOUT(dref, random_writes, 900)
{
	unsigned int seed = time(NULL);
	char was[100][64], now[64];
	int i, j;

	load("dref_stress");	/* for its classes' files */
	TH_LOG("seed %u", seed);
	srandom(seed);
	nr_writable = 0;
	ASSERT_EQ(0, nftw(DREF, note_writable, 10, FTW_PHYS));
	ASSERT_LE(ARRAY_SIZE(tunables) + 1, nr_writable);
	for (i = 0; i < nr_writable; i++)
		ASSERT_LE(0, read_file(path_of(writable[i]), was[i], sizeof(was[i])));
	for (i = 0; i < nr_writable; i++) {
		fuzz_file(_metadata, writable[i]);
		for (j = 0; j < nr_writable; j++) {
			if (!strcmp(writable[j], "reconcile"))
				continue;
			ASSERT_LE(0, read_file(path_of(writable[j]), now, sizeof(now)));
			ASSERT_STREQ(was[j], now) TH_LOG("%s moved %s", writable[i], writable[j]);
		}
	}
}

/* Reads in small pieces, from the middle, and of two descriptors at a time */
TEST_F(dref, reading_in_pieces)
{
	char whole[4096], pieces[4096];
	int len, fd, n, got = 0;

	/* none of these changes by itself */
	len = read_file(path_of("max_deferred"), whole, sizeof(whole));
	ASSERT_LT(0, len);
	fd = open(path_of("max_deferred"), O_RDONLY);
	ASSERT_LE(0, fd);
	while ((n = read(fd, pieces + got, 1)) > 0)
		got += n;
	EXPECT_EQ(len, got);
	EXPECT_EQ(0, memcmp(whole, pieces, len));
	EXPECT_EQ(1, lseek(fd, 1, SEEK_SET));
	EXPECT_EQ(len - 1, read(fd, pieces, sizeof(pieces)));
	EXPECT_EQ(0, memcmp(whole + 1, pieces, len - 1));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(-1, read(fd, nowhere(), 100));
	EXPECT_EQ(EFAULT, errno);
	close(fd);
}

TEST_F(dref, root_only)
{
	int i, status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(100);
		for (i = 0; i < ARRAY_SIZE(all_files); i++) {
			if (open(path_of(all_files[i]), O_RDONLY) >= 0 || errno != EACCES)
				_exit(i + 1);
		}
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* Read all files, again and again */
static void reader(void)
{
	unsigned int toggle = getpid();
	char name[300], text[4096];
	struct dirent *entry;
	DIR *dir;
	int i;

	for (;;) {
		for (i = 0; i < ARRAY_SIZE(all_files); i++)
			read_file(path_of(all_files[i]), text, sizeof(text));
		dir = opendir(path_of("classes"));
		while (dir && (entry = readdir(dir))) {
			for (i = 0; i < ARRAY_SIZE(class_files); i++) {
				snprintf(name, sizeof(name), "classes/%s/%s",
					 entry->d_name, class_files[i]);
				read_file(path_of(name), text, sizeof(text));
			}
			/* tracking is soon off again */
			snprintf(name, sizeof(name), "classes/%s/track", entry->d_name);
			put_text(name, toggle++ & 1 ? "1" : "0");
		}
		if (dir)
			closedir(dir);
	}
}

/* A reader that was killed leaves tracking on */
static void track_nothing(void)
{
	DIR *dir = opendir(path_of("classes"));
	struct dirent *entry;
	char name[300];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "classes/%s/track", entry->d_name);
		put_text(name, "0");
	}
	if (dir)
		closedir(dir);
}

TEST_F_TIMEOUT(dref, reading_while_classes_come_and_go, 300)
{
	char verdict[1024] = "";
	pid_t child[3];
	int i;

	if (!load("dref_test"))
		SKIP(return, "needs dref_test.ko");
	for (i = 0; i < 3; i++) {
		child[i] = fork();
		ASSERT_LE(0, child[i]);
		if (!child[i])
			reader();
	}
	read_file("/sys/kernel/debug/dref_test/run/classes_come_and_go", verdict,
		  sizeof(verdict));
	for (i = 0; i < 3; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	track_nothing();
	EXPECT_STREQ("ok\n", verdict);
}

/* Returns a page that does not come until userfaultfd *@fd is closed, or MAP_FAILED */
static void *page_that_does_not_come(int *fd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	size_t size = getpagesize();
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	reg.range.start = (unsigned long)page;
	reg.range.len = size;
	if (*fd < 0 || page == MAP_FAILED || ioctl(*fd, UFFDIO_API, &api) ||
	    ioctl(*fd, UFFDIO_REGISTER, &reg))
		return MAP_FAILED;
	return page;
}

struct hanging_read {
	int	fd;
	void	*page;
	ssize_t	got;	/* 0: the read has not returned */
};

static void *read_into_page(void *arg)
{
	struct hanging_read *hang = arg;

	hang->got = read(hang->fd, hang->page, getpagesize());
	return NULL;
}

/* A reader whose page does not come holds up the removal of its file, and nothing else */
TEST_F_TIMEOUT(dref, a_reader_that_hangs_hangs_no_other, 60)
{
	struct hanging_read hang;
	struct uffd_msg msg;
	char text[4096];
	pthread_t thread;
	int uffd, fd, i, status = 0;
	pid_t remover;

	if (!load("dref_stress"))
		SKIP(return, "needs dref_stress.ko");
	hang.page = page_that_does_not_come(&uffd);
	if (hang.page == MAP_FAILED)
		SKIP(return, "needs userfaultfd");
	fd = open(path_of("classes/stress/stats"), O_RDONLY);
	ASSERT_LE(0, fd);
	hang.fd = fd;
	hang.got = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_into_page, &hang));
	ASSERT_EQ(sizeof(msg), read(uffd, &msg, sizeof(msg)));	/* it waits for the page */
	remover = fork();
	ASSERT_LE(0, remover);
	if (!remover) {
		close(uffd);
		_exit(syscall(SYS_delete_module, "dref_stress", O_NONBLOCK) ? 1 : 0);
	}
	sleep(1);
	EXPECT_EQ(0, waitpid(remover, &status, WNOHANG)) {
		TH_LOG("the module was unloaded while its file was read: %#x", status);
	}
	for (i = 0; i < ARRAY_SIZE(all_files); i++)
		EXPECT_LT(0, read_file(path_of(all_files[i]), text, sizeof(text)));
	EXPECT_EQ(0, hang.got);
	close(uffd);		/* the page comes now */
	pthread_join(thread, NULL);
	EXPECT_LT(0, hang.got);
	close(fd);
	waitpid(remover, NULL, 0);
}

int main(int argc, char **argv)
{
	if (geteuid() || access("/sys/kernel/debug", X_OK) || !load("dref")) {
		ksft_print_header();
		ksft_exit_skip("needs root, debugfs and dref.ko\n");
	}
	return test_harness_run(argc, argv);
}
