// SPDX-License-Identifier: GPL-2.0
/*
 * Classes that come and go: each worker has one of its own, which it registers,
 * creates objects of, and tries to unregister while others still hold some.
 *
 * Only the worker creates objects of his class, so while he tries to unregister
 * it their number can only fall.  It is counted down a little before dref counts;
 * so a class that has none may be found busy, but not for long.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "stress.h"

#define STRESS_BUSY	(5 * HZ)	/* with no objects, and only in passing */

/* True if the worker has a class now; if it is a new one, then with these flags */
bool stress_class_come(struct stress_worker *worker, unsigned int flags)
{
	struct dref_class *class = &worker->class;

	if (worker->class_name[0])
		return true;
	snprintf(worker->class_name, sizeof(worker->class_name), "stress-%u-%u",
		 worker->session->number, worker->number);
	class->name = worker->class_name;
	class->release = stress_release;
	/* an immortal object of an earlier registration may be looked at */
	WRITE_ONCE(class->flags, flags);
	class->owner = THIS_MODULE;
	if (dref_class_register(class))
		worker->class_name[0] = '\0';
	return worker->class_name[0];
}

/* 0, or -EBUSY if objects of the class are alive */
static int stress_class_unregister(struct stress_worker *worker)
{
	unsigned long begin = jiffies, patience;
	long alive;
	int err;

	for (;;) {
		alive = atomic_long_read(&worker->class_alive);
		err = dref_class_unregister(&worker->class);
		patience = STRESS_BUSY + stress_yardstick(&worker->session->yardstick);
		if (err != -EBUSY || alive || time_after(jiffies, begin + patience))
			break;
		usleep_range(1000, 2000);
	}
	if (!err) {
		worker->class_name[0] = '\0';
		if (atomic_long_read(&worker->class_alive))
			stress_error(worker->session, STRESS_MISCOUNTED, NULL,
				     "class of worker %u unregistered: expected 0 objects, seen %ld",
				     worker->number, atomic_long_read(&worker->class_alive));
	} else if (!alive) {
		stress_error(worker->session, STRESS_MISCOUNTED, NULL,
			     "class of worker %u cannot be unregistered: expected 0, seen error %d with 0 objects",
			     worker->number, err);
	}
	return err;
}

/* One at a time: each takes passes, one after the other, and who waits is no stress */
void stress_class_go(struct stress_worker *worker)
{
	if (!mutex_trylock(&worker->session->class_mutex))
		return;
	if (!worker->class_name[0]) {
		worker->class_going = false;	/* it could not be registered */
	} else if (stress_class_unregister(worker)) {
		worker->counts[DREF_STRESS_CLASSES_BUSY]++;
	} else {
		worker->class_going = false;
		worker->counts[DREF_STRESS_CLASSES_GONE]++;
	}
	mutex_unlock(&worker->session->class_mutex);
}

/* Everything has been released.  -EBUSY if a class stays, and its worker must. */
int stress_classes_gone(struct stress_session *session)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < session->nr_workers; i++) {
		if (session->workers[i].class_name[0] &&
		    stress_class_unregister(&session->workers[i])) {
			pr_err("dref_stress: class %s cannot be unregistered, and is leaked\n",
			       session->workers[i].class_name);
			err = -EBUSY;
		}
	}
	return err;
}
