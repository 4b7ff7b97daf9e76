/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that the C tests share: modules, files of debugfs, counters.
 */
#ifndef DREF_SELFTESTS_COMMON_H
#define DREF_SELFTESTS_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DREF	"/sys/kernel/debug/dref"
#define TRACING	"/sys/kernel/tracing"

/* Write each line at once: scripts/check measures the time between two results. */
static inline __attribute__((constructor)) void write_lines_at_once(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Read a file, up to @size - 1 bytes of it: the number of bytes, or -1 */
static inline int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY), len = 0, n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = '\0';
	return n < 0 ? -1 : len;
}

static inline int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), n;

	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -1 : 0;
}

/* The clock of the tick, as jiffies: ages stand still while the CPU of the tick stalls */
#define AGE_CLOCK	CLOCK_MONOTONIC_COARSE

static inline unsigned int elapsed_ms(clockid_t clock, const struct timespec *since)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

/* Wait until every age has grown by @ms */
static inline void wait_ms(unsigned int ms)
{
	struct timespec begin;

	clock_gettime(AGE_CLOCK, &begin);
	while (elapsed_ms(AGE_CLOCK, &begin) < ms)
		usleep(5000);
}

/* Load a module from modprobe's folders or from the source tree: is it loaded now? */
static inline bool load(const char *name)
{
	char command[300], path[100];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	snprintf(command, sizeof(command),
		 "modprobe -q %s 2>/dev/null || insmod $(find ../module ../../../module -name %s.ko 2>/dev/null)",
		 name, name);
	return !access(path, F_OK) || !system(command);
}

#define HANDS		"/sys/kernel/debug/dref_test/hands"
#define HANDS_CLASS	DREF "/classes/test-hands"

/* Have dref_test.ko create, take or drop objects (module/test/hands.c); 0 or -errno */
static inline int hands(const char *fmt, ...)
{
	char line[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	return write_file(HANDS, line) ? -errno : 0;
}

/* Test whether dref.ko, which is loaded, was built with CONFIG_DREF_TRACKING */
static inline bool has_tracking(void)
{
	return !access("/sys/module/dref/parameters/track_max", F_OK);
}

/* The number in the line "name: number", or -1 */
static inline long counter_in(const char *text, const char *name)
{
	const char *line = text;
	size_t len = strlen(name);

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':')
			return atol(line + len + 1);
	}
	return -1;
}

static inline long counter(const char *name)
{
	char stats[4096];

	if (read_file(DREF "/stats", stats, sizeof(stats)) < 0)
		return -1;
	return counter_in(stats, name);
}

#endif /* DREF_SELFTESTS_COMMON_H */
