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
#include <sys/file.h>
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

/*
 * ---- changes that are undone at the end ----
 *
 * They are also written to a file, a line "PATH VALUE" each, with the value before the first
 * change.  A run that is killed leaves this file, from which --restore restores them.  The
 * file is locked during a run.
 */

#define CHANGES	"/run/dref-stress.changes"

static struct change {
	char	*path;
	char	*before;
} *changes;

static size_t nr_changes;
static pthread_mutex_t changes_mutex = PTHREAD_MUTEX_INITIALIZER;
static FILE *changes_file;

static bool is_undone(const struct change *change)
{
	char now[100];

	return read_line(change->path, now, sizeof(now)) && !strcmp(now, change->before);
}

/*
 * Undo the newest change first.  A second round is needed because one value may
 * limit the range of another.  If a change cannot be undone, the file is kept.
 */
void undo_changes(void)
{
	bool undone = true;
	int round;
	size_t i;

	pthread_mutex_lock(&changes_mutex);
	for (round = 0; round < 2; round++) {
		for (i = nr_changes; i--; )
			write_text(changes[i].path, changes[i].before);
	}
	for (i = 0; i < nr_changes; i++) {
		if (is_undone(&changes[i]))
			continue;
		undone = false;
		fprintf(stderr, "%s: cannot restore %s to %s\n", program_invocation_short_name,
			changes[i].path, changes[i].before);
	}
	if (nr_changes && changes_file && undone)
		unlink(CHANGES);
	nr_changes = 0;
	pthread_mutex_unlock(&changes_mutex);
}

/* Returns true if another process has locked the file: a run that has not ended */
static bool open_changes(const char *mode)
{
	changes_file = fopen(CHANGES, mode);
	return changes_file && flock(fileno(changes_file), LOCK_EX | LOCK_NB);
}

static bool add_change(const char *path, const char *before)
{
	struct change *more = reallocarray(changes, nr_changes + 1, sizeof(*changes));

	if (!more)
		return false;
	if (!changes)
		atexit(undo_changes);
	changes = more;
	changes[nr_changes].path = strdup(path);
	changes[nr_changes].before = strdup(before);
	if (!changes[nr_changes].path || !changes[nr_changes].before)
		return false;
	nr_changes++;
	return true;
}

/* Save the value that @path has before its first change */
static void save_original(const char *path)
{
	char before[100];
	size_t i;

	for (i = 0; i < nr_changes; i++) {
		if (!strcmp(changes[i].path, path))
			return;
	}
	if (!read_line(path, before, sizeof(before)) || !add_change(path, before))
		return;
	/* the first one */
	if (nr_changes == 1 && !open_changes("we") && !changes_file)
		fprintf(stderr, "%s: cannot write " CHANGES ": %s; a killed run restores nothing\n",
			program_invocation_short_name, strerror(errno));
	if (changes_file) {
		fprintf(changes_file, "%s %s\n", path, before);
		fflush(changes_file);
	}
}

/* Read what a killed run has left changed; what has been restored meanwhile is left out */
static void read_changes(void)
{
	char line[200], *value;

	while (fgets(line, sizeof(line), changes_file)) {
		line[strcspn(line, "\n")] = '\0';
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		if (add_change(line, value) && is_undone(&changes[nr_changes - 1]))
			nr_changes--;
	}
}

/* Refuse to take for normal what a killed run has left changed */
void check_changes(void)
{
	size_t left;

	if (open_changes("re") || !changes_file)
		return;
	read_changes();
	fclose(changes_file);
	changes_file = NULL;
	left = nr_changes;
	nr_changes = 0;
	if (left)
		die(REFUSED, "a killed run has left %s changed%s: type %s --restore, or remove %s",
		    changes[0].path, left > 1 ? ", and more" : "", program_invocation_short_name,
		    CHANGES);
}

/* --restore: returns the exit status */
int restore_changes(void)
{
	int status = CLEAN;
	size_t i, nr;

	if (open_changes("r+e"))
		die(REFUSED, "another dref-stress is running");
	if (!changes_file && errno != ENOENT)
		die(REFUSED, "cannot open " CHANGES ": %s", strerror(errno));
	if (changes_file)
		read_changes();
	nr = nr_changes;
	if (!nr)
		printf("nothing to restore\n");
	undo_changes();
	for (i = 0; i < nr; i++) {
		if (is_undone(&changes[i]))
			printf("restored %s to %s\n", changes[i].path, changes[i].before);
		else
			status = FAILED;
	}
	return status;
}

/*
 * Write @text to @path, and let undo_changes() restore the old text.  undo_changes() is
 * also called at exit, but not if a signal kills the program: --restore is for that.
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

	snprintf(path, sizeof(path), DREF_PARAMETERS "%s", name);
	return change_value(path, value);
}
