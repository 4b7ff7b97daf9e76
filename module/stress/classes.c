// SPDX-License-Identifier: GPL-2.0
/*
 * Classes that workers register and unregister.  Each worker has a class of its
 * own: it registers the class, creates objects in it, and tries to unregister it
 * while other workers still hold some of them.
 *
 * Only that worker creates objects in the class.  So while it tries to
 * unregister the class, the number of objects can only fall.  The oracle
 * decrements that number a little before dref does, so dref may report a class
 * without objects as busy, but not for long.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "stress.h"

#define STRESS_BUSY	(5 * HZ)	/* how long a class without objects may be busy */

/*
 * Register the worker's own class, unless it is registered already; @flags are
 * those of a new registration.  Returns true if the class is registered now.
 */
bool stress_own_class_register(struct stress_worker *worker, unsigned int flags)
{
	struct dref_class *class = &worker->class;

	if (worker->class_name[0])
		return true;
	snprintf(worker->class_name, sizeof(worker->class_name), "stress-%u-%u",
		 worker->session->number, worker->number);
	class->name = worker->class_name;
	class->release = stress_release;
	/* others may read the flags of an immortal object from an earlier registration */
	WRITE_ONCE(class->flags, flags);
	class->owner = THIS_MODULE;
	if (dref_class_register(class))
		worker->class_name[0] = '\0';
	return worker->class_name[0];
}

/* Returns 0, or -EBUSY if objects of the class are alive */
static int stress_own_class_unregister(struct stress_worker *worker)
{
	unsigned long begin = jiffies, patience;
	long alive;
	int err;

	for (;;) {
		alive = atomic_long_read(&worker->class_alive);
		err = dref_class_unregister(&worker->class);
		patience = STRESS_BUSY + stress_yardstick_allowance(&worker->session->yardstick);
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

/*
 * Try to unregister the worker's own class.  Only one worker at a time does
 * that, as each attempt takes passes, and workers that wait for them cause no
 * stress.
 */
void stress_own_class_try_unregister(struct stress_worker *worker)
{
	if (!mutex_trylock(&worker->session->class_mutex))
		return;
	if (!worker->class_name[0]) {
		worker->class_going = false;	/* it was not registered */
	} else if (stress_own_class_unregister(worker)) {
		worker->counts[DREF_STRESS_CLASSES_BUSY]++;
	} else {
		worker->class_going = false;
		worker->counts[DREF_STRESS_CLASSES_GONE]++;
	}
	mutex_unlock(&worker->session->class_mutex);
}

/*
 * Unregister the own classes of all workers, at the end, when all objects have
 * been released.  Returns -EBUSY if a class, and so its worker, must stay.
 */
int stress_own_classes_unregister(struct stress_session *session)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < session->nr_workers; i++) {
		if (session->workers[i].class_name[0] &&
		    stress_own_class_unregister(&session->workers[i])) {
			pr_err("dref_stress: class %s cannot be unregistered and is leaked\n",
			       session->workers[i].class_name);
			err = -EBUSY;
		}
	}
	return err;
}
