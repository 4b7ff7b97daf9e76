// SPDX-License-Identifier: GPL-2.0
/*
 * Classes: registered, and only then used.
 *
 * A class is registered while class->cpu points to its per-CPU events.  dref_init()
 * asks class->fast, which is the same, or NULL while the class is tracked (track.c)
 * and dref_init() has more to do than it does inline.  A class can go when the
 * events say that every object created has been released or made immortal, and no
 * slot of an immortal object still points to it.  A release is counted after
 * release() has returned, so when all are counted nobody runs the class's code or
 * will look at the class, except for those whom dref_class_quiesce() waits for.
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

/* Protects the list, but from readers under RCU, and registering against unregistering */
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

/* Take @class out of sight, under the mutex; the caller frees what is returned */
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
 * Nobody finds @class any more: wait for those who have, and free its events.  Then
 * it may be registered again, or gone.
 */
static void dref_class_quiesce(struct dref_class *class,
			       struct dref_class_cpu __percpu *cpu)
{
	dref_class_release_sync(class);
	dref_track_stop(class);
	/*
	 * An object that was made immortal may be in the promotion queue, or in
	 * the hands of somebody who saw it counted and is looking at its class.
	 * (litmus: class-gone)
	 */
	dref_promotions_flush();
	synchronize_rcu_expedited();
	free_percpu(cpu);
}

/* Unregister if nothing is left; false if there is */
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
	 * Somebody may have been about to pin it for an object which was made
	 * immortal meanwhile; and whose release was counted is done with it.
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
 * dref_class_unregister - forget a class none of whose objects is alive
 * @class: a registered class for which nobody calls dref_init() any more
 *
 * Reconciles and waits for the releases that are due.  Immortal objects do not
 * count as alive; they may be used on, as they never look at their class.
 *
 * Context: task, may sleep; not from a release(), of whatever class, and not
 * while holding what a release() waits for.
 *
 * Return: 0; -EBUSY, and the class stays registered, while counted objects are
 * alive, or from a release(); -EINVAL if the class is not registered.
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

	/* A release may have dropped the last reference to another object */
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
 * @class: a registered class for which nobody calls dref_init() any more
 *
 * For module_exit(), which must not return while an object of the module can
 * be released.  Says every 10 seconds what is left.
 *
 * Context: task, may sleep, for as long as somebody holds a reference; otherwise
 * as dref_class_unregister().
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

/* The objects of all classes of @module */
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
 * A module that goes without unregistering its classes would leave us with dangling
 * classes and with objects that nobody can release.  Its code and data are still
 * there: what is dead is released, and what that drops, and the rest is forgotten,
 * loudly.
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
	dref_pass_forget(module);	/* what was promoted meanwhile */
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
