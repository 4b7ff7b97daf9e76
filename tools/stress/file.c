// SPDX-License-Identifier: GPL-2.0
/*
 * Files of debugfs, sysfs and /proc: reading and writing them, and restoring
 * what was changed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

const char * const tunables[TUNABLES] = {
	"pass_min_ms", "pass_max_ms", "promote_threshold", "demote_passes", "max_deferred",
};

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

bool read_value(const char *path, uint64_t *value)
{
	char line[64];

	if (!read_line(path, line, sizeof(line)))
		return false;
	*value = strtoull(line, NULL, 10);
	return true;
}

/* ---- changes that are undone at the end ---- */

static struct change {
	char	*path;
	char	*before;
} *changes;

static size_t nr_changes;
static pthread_mutex_t changes_mutex = PTHREAD_MUTEX_INITIALIZER;

/*
 * Undo the newest change first.  A second round is needed because one value may
 * limit the range of another.
 */
void undo_changes(void)
{
	int round;
	size_t i;

	pthread_mutex_lock(&changes_mutex);
	for (round = 0; round < 2; round++) {
		for (i = nr_changes; i--; )
			write_text(changes[i].path, changes[i].before);
	}
	nr_changes = 0;
	pthread_mutex_unlock(&changes_mutex);
}

/* Save the value that @path has before its first change */
static void save_original(const char *path)
{
	char before[100];
	struct change *more;
	size_t i;

	for (i = 0; i < nr_changes; i++) {
		if (!strcmp(changes[i].path, path))
			return;
	}
	if (!read_line(path, before, sizeof(before)))
		return;
	more = reallocarray(changes, nr_changes + 1, sizeof(*changes));
	if (!more)
		return;
	if (!changes)
		atexit(undo_changes);
	changes = more;
	changes[nr_changes].path = strdup(path);
	changes[nr_changes].before = strdup(before);
	if (changes[nr_changes].path && changes[nr_changes].before)
		nr_changes++;
}

/*
 * Write @text to @path, and let undo_changes() restore the old text.  undo_changes() is
 * also called at exit, but not if a signal kills the program.
 */
bool change_text(const char *path, const char *text)
{
	pthread_mutex_lock(&changes_mutex);
	save_original(path);
	pthread_mutex_unlock(&changes_mutex);
	return write_text(path, text);
}

bool change_value(const char *path, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return change_text(path, text);
}

bool change_tunable(const char *name, uint64_t value)
{
	char path[100];

	snprintf(path, sizeof(path), DREF_DEBUGFS "%s", name);
	return change_value(path, value);
}
