// SPDX-License-Identifier: GPL-2.0
/*
 * in_time_namespace SECONDS COMMAND...: run the command in a time namespace whose monotonic
 * clock is ahead by so many seconds, or behind if they are negative.  For other tests.
 *
 * The exit status is that of the command, or KSFT_SKIP if the kernel has no time namespaces.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KSFT_SKIP	4
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x80
#endif

int main(int argc, char **argv)
{
	char offset[40];
	int fd, status;

	if (argc < 3)
		errx(2, "usage: in_time_namespace SECONDS COMMAND...");
	if (unshare(CLONE_NEWTIME)) {
		warn("no time namespace");
		return KSFT_SKIP;
	}
	snprintf(offset, sizeof(offset), "monotonic %s 0\n", argv[1]);
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	if (fd < 0 || write(fd, offset, strlen(offset)) < 0)
		err(1, "/proc/self/timens_offsets");
	close(fd);
	/* children are in the namespace, this process is not */
	if (!fork()) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
