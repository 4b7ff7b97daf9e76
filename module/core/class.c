// SPDX-License-Identifier: GPL-2.0
/*
 * Registering and unregistering classes.
 *
 * A class is registered while class->cpu points to its per-CPU events.  dref_init() reads
 * class->fast.  That is the same pointer, or NULL while the class is tracked (track.c)
 * and dref_init() has to do more than it does inline.
 *
 * A class can be unregistered when its events say that every object created has been
 * released or made immortal, and when no slot of an immortal object and no promotion has
 * it pinned (class->deferred counts the pins).  dref_class_remove() does that in steps:
 *
 *	dref_class_live() == 0, class->deferred == 0
 *	dref_class_hide()	no longer found by name or in the list; cpu is NULL
 *	RCU grace period	a promotion that saw an object counted has pinned the
 *				class by now
 *	class->deferred == 0	those pins are dropped
 *	dref_class_quiesce()	no work item, record or RCU reader accesses it
 *
 * release() is counted after it has returned.  So when all releases have been counted, no
 * CPU runs code of the class.
 *
 * An immortal object does not pin its class, though a task that saw the object counted may
 * be about to access the class.  Such a task does so in an RCU section:
 *
 *	CPU 0					CPU 1
 *
 *	rcu_read_lock()
 *	object is not immortal
 *						dref_immortalize(object)
 *						dref_class_hide()
 *						synchronize_rcu_expedited() ...
 *	access object->class
 *	rcu_read_unlock()
 *						... returns: free the events
 */
#define pr_fmt(fmt) "dref: " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "internal.h"

#define DREF_CLASS_FLAGS	(DREF_SLEEP | DREF_RCU | DREF_EXACT)

/* Serialises registering and unregistering; readers of the list use it or RCU */
DEFINE_MUTEX(dref_classes_mutex);
LIST_HEAD(dref_classes);

static bool dref_class_valid(const struct dref_class *class)
{
	size_t len;

	if (!class->release || class->flags & ~DREF_CLASS_FLAGS || !class->name)
		return false;
	len = strspn(class->name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return len && len < DREF_CLASS_NAME_SIZE && !class->name[len];
}

static struct dref_class *dref_class_find(const char *name)
{
	struct dref_class *class;

	list_for_each_entry(class, &dref_classes, node) {
		if (!strcmp(class->name, name))
			return class;
	}
	return NULL;
}

/**
 * dref_class_register - register a class, before its first dref_init()
 * @class: defined by DEFINE_DREF_CLASS()
 *
 * Context: task, may sleep.
 *
 * Return: 0; -EINVAL if the name is not [a-z0-9_-]{1,31}, release is NULL or a
 * flag is unknown; -EEXIST if a class with this name exists; -ENOMEM.
 */
int dref_class_register(struct dref_class *class)
{
	int err = 0;

	might_sleep();
	if (WARN_ONCE(!class, "dref: no class to register, by %pS\n",
		      (void *)_RET_IP_))
		return -EINVAL;
	if (!dref_class_valid(class)) {
		pr_err("invalid class, by %pS: bad name, no release() or unknown flags\n",
		       (void *)_RET_IP_);
		return -EINVAL;
	}

	mutex_lock(&dref_classes_mutex);
	if (dref_class_find(class->name)) {
		pr_err("class %s: exists already\n", class->name);
		err = -EEXIST;
		goto unlock;
	}
	atomic_long_set(&class->deferred, 0);
	class->warned = 0;
	class->tracked = false;
	class->releaser = NULL;
	init_llist_head(&class->dead);
	INIT_WORK(&class->work, dref_class_release_work);
	WRITE_ONCE(class->cpu, dref_class_cpu_alloc());
	if (!class->cpu) {
		err = -ENOMEM;
		goto unlock;
	}
	list_add_tail_rcu(&class->node, &dref_classes);
	dref_debugfs_add(class);
unlock:
	mutex_unlock(&dref_classes_mutex);
	if (!err)
		dref_track_register(class);
	return err;
}
EXPORT_SYMBOL_GPL(dref_class_register);

static bool dref_class_registered(const struct dref_class *class)
{
	bool registered;

	mutex_lock(&dref_classes_mutex);
	registered = class && class->name && dref_class_find(class->name) == class;
	mutex_unlock(&dref_classes_mutex);
	return registered;
}

/*
 * Hide @class, so that it is not found any more; called under dref_classes_mutex.
 * Returns its events, which the caller frees.
 */
static struct dref_class_cpu __percpu *dref_class_hide(struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpu = class->cpu;

	list_del_rcu(&class->node);
	dref_events_retire(class);
	dref_debugfs_remove(class);
	WRITE_ONCE(class->fast, NULL);
	WRITE_ONCE(class->cpu, NULL);
	return cpu;
}

/*
 * @class is hidden.  Wait for all tasks that have found it before, and free its events.
 * After that the class may be registered again, or its memory freed.
 */
static void dref_class_quiesce(struct dref_class *class,
			       struct dref_class_cpu __percpu *cpu)
{
	dref_class_release_sync(class);
	dref_track_stop(class);
	/*
	 * An object that was made immortal may be in the promotion queue.  Another
	 * task may have seen it counted, and be about to access its class.
	 * (litmus: class-gone)
	 */
	dref_promotions_flush();
	synchronize_rcu_expedited();
	free_percpu(cpu);
}

/* Unregister @class and return true, unless it has objects or pins */
static bool dref_class_remove(struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpu = NULL;

	mutex_lock(&dref_classes_mutex);
	if (!dref_class_live(class) && !atomic_long_read(&class->deferred))
		cpu = dref_class_hide(class);
	mutex_unlock(&dref_classes_mutex);
	if (!cpu)
		return false;

	/*
	 * A task may have been about to pin the class for an object that was made
	 * immortal meanwhile.  A task whose release was counted is done with it.
	 * (litmus: class-pin, release-counted)
	 */
	synchronize_rcu_expedited();
	/* Pairs with the release in dref_class_unpin(); litmus: class-pin */
	while (atomic_long_read_acquire(&class->deferred))
		msleep(20);

	dref_class_quiesce(class, cpu);
	return true;
}

/**
 * dref_class_unregister - unregister a class that has no live objects
 * @class: a registered class, for which dref_init() is not called any more
 *
 * Reconciles, and waits for the releases that are due.  Immortal objects do not
 * count as alive.  They may still be used, as their operations do not access the
 * class.
 *
 * Context: task, may sleep; not from the release() of any class, and not while
 * holding a lock that a release() takes.
 *
 * Return: 0; -EBUSY if counted objects are alive, or from a release(): the class
 * stays registered; -EINVAL if the class is not registered.
 */
int dref_class_unregister(struct dref_class *class)
{
	long before;

	might_sleep();
	if (WARN_ONCE(dref_in_release(), "dref: unregister from a release()\n"))
		return -EBUSY;
	if (WARN_ONCE(!dref_class_registered(class),
		      "dref: unregister of a class that is not registered, by %pS\n",
		      (void *)_RET_IP_))
		return -EINVAL;

	/* A release() may have dropped the last reference to another object */
	do {
		before = dref_class_live(class);
		dref_reconcile();
		if (dref_class_remove(class))
			return 0;
	} while (!dref_class_live(class) || dref_class_live(class) < before);
	pr_notice_ratelimited("class %s: %ld objects are alive, %ld of them deferred\n",
			      class->name, dref_class_live(class),
			      atomic_long_read(&class->deferred));
	dref_leaks_log(class);
	return -EBUSY;
}
EXPORT_SYMBOL_GPL(dref_class_unregister);

/**
 * dref_class_drain - wait until a class has no objects, and unregister it
 * @class: a registered class, for which dref_init() is not called any more
 *
 * For module_exit(), which must not return while an object of the module can
 * still be released.  Logs every 10 seconds how many objects are left.
 *
 * Context: task, may sleep, until the last reference is dropped; otherwise as
 * dref_class_unregister().
 */
void dref_class_drain(struct dref_class *class)
{
	unsigned long report = jiffies + 10 * HZ;

	might_sleep();
	if (WARN_ONCE(dref_in_release(), "dref: drain from a release()\n"))
		return;
	if (WARN_ONCE(!dref_class_registered(class),
		      "dref: drain of a class that is not registered, by %pS\n",
		      (void *)_RET_IP_))
		return;

	dref_reconcile();
	while (!dref_class_remove(class)) {
		msleep(20);
		if (dref_class_live(class) && time_before(jiffies, report))
			continue;
		dref_reconcile();
		if (time_after_eq(jiffies, report)) {
			pr_notice("class %s: waiting for %ld objects, %ld of them deferred\n",
				  class->name, dref_class_live(class),
				  atomic_long_read(&class->deferred));
			dref_leaks_log(class);
			report = jiffies + 10 * HZ;
		}
	}
}
EXPORT_SYMBOL_GPL(dref_class_drain);

static struct dref_class *dref_module_class(const struct module *module)
{
	struct dref_class *class, *found = NULL;

	mutex_lock(&dref_classes_mutex);
	list_for_each_entry(class, &dref_classes, node) {
		if (class->owner == module)
			found = class;
	}
	mutex_unlock(&dref_classes_mutex);
	return found;
}

/* Returns the number of live objects of all classes of @module */
static long dref_module_live(const struct module *module, bool warn)
{
	struct dref_class *class;
	long live = 0;

	mutex_lock(&dref_classes_mutex);
	list_for_each_entry(class, &dref_classes, node) {
		if (class->owner != module)
			continue;
		live += dref_class_live(class);
		WARN(warn, "dref: module %s goes and leaves class %s with %ld objects\n",
		     module->name, class->name, dref_class_live(class));
	}
	mutex_unlock(&dref_classes_mutex);
	return live;
}

/*
 * Forget the classes of a module that is unloaded and leaves them registered.  Without this,
 * dref would keep pointers to freed classes, and call release() functions that have been
 * unloaded.  The module's code and data still exist, so this releases the dead objects, and
 * those that these releases drop.  It leaks the others with a WARN.
 */
static int dref_module_notify(struct notifier_block *nb, unsigned long state,
			      void *data)
{
	struct dref_class_cpu __percpu *cpu;
	struct dref_class *class;
	struct module *module = data;
	long live, before;
	bool more;

	if (state != MODULE_STATE_GOING || !dref_module_class(module))
		return NOTIFY_DONE;

	live = dref_module_live(module, true);
	do {
		before = live;
		dref_pass_forget(module);
		more = dref_releases_flush_chains();
		live = dref_module_live(module, false);
	} while (more || live != before);

	while ((class = dref_module_class(module))) {
		mutex_lock(&dref_classes_mutex);
		cpu = dref_class_hide(class);
		mutex_unlock(&dref_classes_mutex);
		dref_class_quiesce(class, cpu);
	}
	dref_pass_forget(module);	/* slots of objects that were promoted meanwhile */
	return NOTIFY_OK;
}

static struct notifier_block dref_module_nb = {
	.notifier_call = dref_module_notify,
};

int dref_classes_init(void)
{
	return register_module_notifier(&dref_module_nb);
}

void dref_classes_exit(void)
{
	unregister_module_notifier(&dref_module_nb);
}
