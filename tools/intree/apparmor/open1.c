// SPDX-License-Identifier: GPL-2.0
/*
 * open1: open and close a file again and again, each process its own, as the test open1 of
 * will-it-scale does.
 *
 *	open1 PROCESSES MILLISECONDS [PROFILE]
 *
 * With PROFILE, the processes are confined by this profile of AppArmor. Prints the number of
 * files that were opened and closed in a second by all, and the nanoseconds that one takes.
 * In a virtual machine whose clock counts instructions, nanoseconds are instructions.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES	4096

/* Each process has a cache line of its own. */
struct process {
	uint64_t ns, files;
	char pad[112];
};

struct shared {
	int ready, go;
	char pad[120];
	struct process processes[];
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* The profile that this process has from now on, of which open1 may write only this once */
static int confine(const char *profile)
{
	char text[256];
	int file = open("/proc/self/attr/current", O_WRONLY), length, failed;

	length = snprintf(text, sizeof(text), "changeprofile %s", profile);
	failed = file < 0 || write(file, text, length) != length;
	if (file >= 0)
		close(file);
	return failed;
}

static int open_and_close(struct shared *shared, struct process *self, uint64_t ns)
{
	char name[] = "/tmp/open1.XXXXXX";
	int file = mkstemp(name), i;
	uint64_t begin, end;

	if (file < 0)
		return 1;
	close(file);
	__atomic_fetch_add(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE))
		usleep(100);
	begin = now();
	do {
		for (i = 0; i < 100; i++) {
			file = open(name, O_RDWR);
			if (file < 0)
				return 1;
			close(file);
		}
		self->files += 100;
		end = now();
	} while (end - begin < ns);
	self->ns = end - begin;
	unlink(name);
	return 0;
}

int main(int argc, char **argv)
{
	int processes = argc > 2 ? atoi(argv[1]) : 0, ms = argc > 2 ? atoi(argv[2]) : 0;
	struct shared *shared;
	int status, failed = 0, i;
	double rate = 0, ns = 0;

	if (argc > 4 || processes < 1 || processes > MAX_PROCESSES || ms < 1) {
		fprintf(stderr, "Usage: open1 PROCESSES MILLISECONDS [PROFILE]\n");
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared) + processes * sizeof(shared->processes[0]),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("open1");
		return 1;
	}
	if (argc == 4 && confine(argv[3])) {
		fprintf(stderr, "open1: cannot change to the profile %s\n", argv[3]);
		return 1;
	}
	for (i = 0; i < processes; i++)
		if (fork() == 0)
			_exit(open_and_close(shared, &shared->processes[i], ms * 1000000ull));
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < processes) {
		if (waitpid(-1, &status, WNOHANG) > 0)
			return 1;
		usleep(1000);
	}
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	while (wait(&status) > 0)
		failed |= status;
	for (i = 0; i < processes; i++) {
		rate += 1e9 * shared->processes[i].files / shared->processes[i].ns;
		ns += (double)shared->processes[i].ns / shared->processes[i].files / processes;
	}
	printf("%d processes: %.0f files/s, %.0f ns each\n", processes, rate, ns);
	return failed != 0;
}
