// SPDX-License-Identifier: GPL-2.0
/*
 * Classes: registered, and only then used.
 *
 * A class is registered while class->cpu points to its per-CPU events; that is
 * what dref_init() asks.  A class can go when the events say that every object
 * created has been released or made immortal.  They are counted per CPU without
 * any order between CPUs, so the ends of lives are summed before their begins:
 * an object is then never missed, and at worst one that is just gone is seen.
 */
#define pr_fmt(fmt) "dref: " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/string.h>

#include "internal.h"

#define DREF_CLASS_NAME_MAX	31
#define DREF_CLASS_FLAGS	(DREF_SLEEP | DREF_RCU | DREF_EXACT)

/* Protects the list, and registering against unregistering */
DEFINE_MUTEX(dref_classes_mutex);
LIST_HEAD(dref_classes);

static bool dref_class_valid(const struct dref_class *class)
{
	size_t len;

	if (!class->release || class->flags & ~DREF_CLASS_FLAGS || !class->name)
		return false;
	len = strspn(class->name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return len && len <= DREF_CLASS_NAME_MAX && !class->name[len];
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
 * dref_class_register - make a class known, before its first dref_init()
 * @class: defined by DEFINE_DREF_CLASS()
 *
 * Context: task, may sleep.
 *
 * Return: 0; -EINVAL if the name is not [a-z0-9_-]{1,31}, release is NULL or
 * a flag is unknown; -EEXIST if there is a class of this name; -ENOMEM.
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
	init_llist_head(&class->dead);
	INIT_WORK(&class->work, dref_class_release_work);
	/* dref_init() looks at this */
	WRITE_ONCE(class->cpu, dref_class_cpu_alloc());
	if (!class->cpu) {
		err = -ENOMEM;
		goto unlock;
	}
	list_add_tail(&class->node, &dref_classes);
	dref_debugfs_add(class);
unlock:
	mutex_unlock(&dref_classes_mutex);
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

/* Unregister if nothing is left; false if there is */
static bool dref_class_remove(struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpu;

	mutex_lock(&dref_classes_mutex);
	/* A slot of an immortal object still refers to the object, and it to us */
	if (dref_class_live(class) || atomic_long_read(&class->deferred)) {
		mutex_unlock(&dref_classes_mutex);
		return false;
	}
	list_del(&class->node);
	dref_stats_retire(class);
	dref_debugfs_remove(class);
	cpu = class->cpu;
	WRITE_ONCE(class->cpu, NULL);
	mutex_unlock(&dref_classes_mutex);

	/* The work has released the last object but may not have returned */
	flush_work(&class->work);
	free_percpu(cpu);
	return true;
}

/**
 * dref_class_unregister - forget a class none of whose objects is alive
 * @class: a registered class for which nobody calls dref_init() any more
 *
 * Reconciles and waits for the releases that are due.  Immortal objects do not
 * count as alive; they may be used on, as they never look at their class.
 *
 * Context: task, may sleep; not from a release().
 *
 * Return: 0; -EBUSY, and the class stays registered, while counted objects are
 * alive; -EINVAL if the class is not registered.
 */
int dref_class_unregister(struct dref_class *class)
{
	might_sleep();
	if (WARN_ONCE(!dref_class_registered(class),
		      "dref: unregister of a class that is not registered, by %pS\n",
		      (void *)_RET_IP_))
		return -EINVAL;

	do {
		dref_reconcile();
		if (dref_class_remove(class))
			return 0;
	} while (!dref_class_live(class));
	pr_notice_ratelimited("class %s: %ld objects are alive, %ld of them deferred\n",
			      class->name, dref_class_live(class),
			      atomic_long_read(&class->deferred));
	return -EBUSY;
}
EXPORT_SYMBOL_GPL(dref_class_unregister);

/**
 * dref_class_drain - wait until a class has no objects, and unregister it
 * @class: a registered class for which nobody calls dref_init() any more
 *
 * For module_exit(), which must not return while an object of the module can
 * be released.  Says every 10 seconds what is left.
 *
 * Context: task, may sleep, for as long as somebody holds a reference.
 */
void dref_class_drain(struct dref_class *class)
{
	unsigned long report = jiffies + 10 * HZ;

	might_sleep();
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
			report = jiffies + 10 * HZ;
		}
	}
}
EXPORT_SYMBOL_GPL(dref_class_drain);
