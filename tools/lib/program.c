// SPDX-License-Identifier: GPL-2.0
/*
 * How a program begins and ends, and the files that it writes.
 *
 * A program may be started without standard streams, with a limit on the size of files,
 * or with an output that cannot be written.  Its text must not end up in another file
 * then, and its exit status must not be 0 if its output is not complete.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

void (*before_message)(void);

static bool dying;

/* Called last at exit.  After die() there is a message already, and a status that says so. */
static void close_stdout(void)
{
	const char *reason = ferror(stdout) ? "a write has failed" : NULL;

	if (fclose(stdout))
		reason = strerror(errno);
	if (!reason || dying)
		return;
	fprintf(stderr, "%s: cannot write standard output: %s\n", program_invocation_short_name,
		reason);
	_exit(FAILED);
}

/*
 * Must be called first.  Without this, a file opened by a program that was started with a
 * standard stream closed would take the place of the stream.
 */
void program_begin(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	/* a write beyond the limit on the size of files then fails with EFBIG */
	signal(SIGXFSZ, SIG_IGN);
	atexit(close_stdout);
}

int print_version(void)
{
	printf("%s %s\n", program_invocation_short_name, DREF_VERSION);
	return CLEAN;
}

/* Print a message with the name of the program, and exit */
void die(int status, const char *format, ...)
{
	va_list args;

	dying = true;
	if (before_message)
		before_message();
	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

/* Create the file that @option names */
FILE *create_output(const char *option, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		die(REFUSED, "--%s %s: %s", option, path, strerror(errno));
	return file;
}

/* Flush @file, and die after a write error, as on a full disk */
void check_output(FILE *file, const char *name)
{
	if (fflush(file) || ferror(file))
		die(FAILED, "cannot write %s: %s", name, strerror(errno));
}

/* Flush and close @file likewise; standard output stays open until the end */
void close_output(FILE *file, const char *name)
{
	check_output(file, name);
	if (file != stdout && fclose(file))
		die(FAILED, "cannot write %s: %s", name, strerror(errno));
}
