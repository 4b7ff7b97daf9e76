// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel has in files: one value, or "name: value" lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

const char * const tunables[TUNABLES] = {
	"pass_min_ms", "pass_max_ms", "promote_threshold", "demote_passes", "max_deferred",
};

static uint64_t saved[TUNABLES];
static bool have_saved;

bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = -1;

	if (fd < 0)
		return false;
	do {
		len = write(fd, text, strlen(text));
	} while (len < 0 && errno == EINTR);
	close(fd);
	return len >= 0;
}

bool write_value(const char *path, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_text(path, text);
}

bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool got;

	if (!file)
		return false;
	got = fgets(line, size, file);
	fclose(file);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

/* 0 if there is none */
uint64_t read_value(const char *path)
{
	char line[64];

	return read_line(path, line, sizeof(line)) ? strtoull(line, NULL, 10) : 0;
}

static void tunable_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, DREF_DEBUGFS "%s", name);
}

bool tunable_write(const char *name, uint64_t value)
{
	char path[100];

	tunable_path(name, path, sizeof(path));
	return write_value(path, value);
}

void tunables_save(void)
{
	char path[100];
	size_t i;

	for (i = 0; i < TUNABLES; i++) {
		tunable_path(tunables[i], path, sizeof(path));
		have_saved = !access(path, W_OK);
		saved[i] = read_value(path);
		if (!have_saved)
			return;
	}
}

void tunables_restore(void)
{
	size_t i;

	if (!have_saved)
		return;
	/* pass_min_ms is at most pass_max_ms: so lower it first */
	tunable_write("pass_min_ms", 1);
	for (i = TUNABLES; i--; )
		tunable_write(tunables[i], saved[i]);
}
