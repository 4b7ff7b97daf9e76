// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, sleeping, mutexes, wait queues, parameters, and memory pressure.
 */
#include <stdarg.h>
#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

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

int kstrtouint(const char *text, unsigned int base, unsigned int *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, base);
	if (*text < '0' || *text > '9' || (*end && strcmp(end, "\n")))
		return -EINVAL;
	if (errno || value > UINT_MAX)
		return -ERANGE;
	*number = value;
	return 0;
}

void msleep(unsigned int ms)
{
	schedule_begin();
	usleep(ms * 1000);
	schedule_end();
}

long schedule_timeout(long timeout)
{
	schedule_begin();
	usleep(timeout * (USEC_PER_SEC / HZ));
	schedule_end();
	return 0;
}

void mutex_lock(struct mutex *mutex)
{
	if (!pthread_mutex_trylock(&mutex->lock))
		return;
	schedule_begin();
	pthread_mutex_lock(&mutex->lock);
	schedule_end();
}

u32 get_random_u32(void)
{
	u32 random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		shim_die("no random number", errno);
	return random;
}

void preempt_schedule(void)
{
	shim_die("nobody wants to preempt here", EINVAL);
}

/* ---- wait queues ---- */

void shim_wait_begin(wait_queue_head_t *queue)
{
	atomic_long_inc(&queue->sleepers);
}

void shim_wait_end(wait_queue_head_t *queue)
{
	atomic_long_dec(&queue->sleepers);
}

/* To be called before the condition is tested; returns the number of wakeups so far */
unsigned long shim_wait_prepare(wait_queue_head_t *queue)
{
	unsigned long wakeups = READ_ONCE(queue->wakeups);

	smp_mb();	/* sleepers and wakeups, then the condition; as in set_current_state() */
	return wakeups;
}

/*
 * Sleep until there are more than @wakeups, or until the time @until, unless that is 0.
 * Returns false if the time is over.
 */
bool shim_wait(wait_queue_head_t *queue, unsigned long wakeups, u64 until)
{
	struct timespec time = { until / NSEC_PER_SEC, until % NSEC_PER_SEC };
	int err = 0;

	schedule_begin();
	pthread_mutex_lock(&queue->lock);
	while (queue->wakeups == wakeups && !err)
		err = until ? pthread_cond_clockwait(&queue->woken, &queue->lock,
						     CLOCK_MONOTONIC, &time) :
			      pthread_cond_wait(&queue->woken, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
	schedule_end();
	return !err;
}

void wake_up_all(wait_queue_head_t *queue)
{
	pthread_mutex_lock(&queue->lock);
	WRITE_ONCE(queue->wakeups, queue->wakeups + 1);
	pthread_cond_broadcast(&queue->woken);
	pthread_mutex_unlock(&queue->lock);
}

/* ---- parameters ---- */

int param_set_bool(const char *value, const struct kernel_param *param)
{
	if (!strchr("yYnN10", *value))
		return -EINVAL;
	*(bool *)param->arg = strchr("yY1", *value);
	return 0;
}

int param_get_bool(char *value, const struct kernel_param *param)
{
	return sprintf(value, "%c\n", *(bool *)param->arg ? 'Y' : 'N');
}

int param_get_uint(char *value, const struct kernel_param *param)
{
	return sprintf(value, "%u\n", *(unsigned int *)param->arg);
}

/* ---- memory pressure ---- */

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
