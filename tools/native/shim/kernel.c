// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, sleeping, mutexes, and memory pressure.
 */
#include <stdarg.h>
#include <pthread.h>
#include <unistd.h>

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/spinlock.h>

#include "shim.h"

__thread struct task_struct shim_task;

bool shim_silent;
static atomic_long_t warnings;

/* Print a diagnostic line of KTAP.  %pS becomes %p, as the C library lacks it. */
static void say(const char *format, va_list args)
{
	char known[256], text[512], *symbol;

	if (READ_ONCE(shim_silent))
		return;
	snprintf(known, sizeof(known), "%s", format);
	while ((symbol = strstr(known, "%pS")))
		memmove(symbol + 2, symbol + 3, strlen(symbol + 2));
	vsnprintf(text, sizeof(text), known, args);
	fprintf(stderr, "# %s", text);
}

void shim_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void shim_warn(const char *format, ...)
{
	va_list args;

	atomic_long_inc(&warnings);
	va_start(args, format);
	say(format, args);
	va_end(args);
}

unsigned long shim_warnings(void)
{
	return atomic_long_read(&warnings);
}

void shim_die(const char *what, int err)
{
	fprintf(stderr, "dref-native: %s: %s\n", what, strerror(err));
	exit(1);
}

int shim_match_string(const char * const *array, size_t nr, const char *string)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(array[i], string))
			return i;
	}
	return -EINVAL;
}

void msleep(unsigned int ms)
{
	schedule_begin();
	usleep(ms * 1000);
	schedule_end();
}

void mutex_lock(struct mutex *mutex)
{
	if (!pthread_mutex_trylock(&mutex->lock))
		return;
	schedule_begin();
	pthread_mutex_lock(&mutex->lock);
	schedule_end();
}

void preempt_schedule(void)
{
	shim_die("nobody wants to preempt here", EINVAL);
}

/* There is only one shrinker, and only shim_shrink() causes memory pressure */
static struct shrinker *shrinker;

int register_shrinker(struct shrinker *new, const char *name)
{
	shrinker = new;
	return 0;
}

void unregister_shrinker(struct shrinker *old)
{
	shrinker = NULL;
}

void shim_shrink(void)
{
	if (shrinker && shrinker->count_objects(shrinker, NULL))
		shrinker->scan_objects(shrinker, NULL);
}
