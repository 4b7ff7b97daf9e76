// SPDX-License-Identifier: GPL-2.0
/*
 * Registering and unregistering classes.
 *
 * A class is registered while class->cpu points to its per-CPU events.  dref_init() reads
 * class->created.  That points to one of them, or is NULL while dref_init() has to do more
 * than it does inline: while the class is tracked (track.c), and always on a kernel with
 * CONFIG_DEBUG_OBJECTS.
 *
 * A class can be unregistered when its events say that every object created has been
 * released or made immortal, and when no slot of an immortal object and no promotion has
 * it pinned (class->deferred counts the pins).  dref_class_remove() does that in steps:
 *
 *	dref_class_live() == 0, class->deferred == 0
 *	debugfs		its files are removed, which waits for their readers
 *	dref_class_hide()	no longer found by name or in the list; cpu is NULL
 *	RCU grace period	a promotion that saw an object counted, and a put that
 *				has queued an object, have pinned the class by now
 *	class->deferred == 0	the pins of promotions are dropped
 *	dref_class_quiesce()	no record, RCU reader or work item accesses it
 *
 * release() is counted after it has returned.  So when all releases have been counted, no
 * CPU runs code of the class.  Nothing here waits for another class, and no mutex is held
 * while something waits: a release() may register a class.
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
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "internal.h"

#define DREF_CLASS_FLAGS	(DREF_SLEEP | DREF_RCU | DREF_EXACT | DREF_ASYNC)

/* Serialises registering and unregistering; readers of the list use it or RCU */
DEFINE_MUTEX(dref_classes_mutex);
LIST_HEAD(dref_classes);

/* ---- the parameter delay_release ---- */

/*
 * Finds users that rely on the time or the context of release(), as the kernel's
 * CONFIG_DEBUG_KOBJECT_RELEASE does.  It is a flag of each class, so that it costs nothing
 * when it is off.
 */
static bool delay_release;

static void dref_class_set_late(struct dref_class *class, bool late)
{
	WRITE_ONCE(class->flags, late ? class->flags | DREF_LATE : class->flags & ~DREF_LATE);
}

static int delay_release_set(const char *value, const struct kernel_param *param)
{
	struct dref_class *class;
	int err;

	mutex_lock(&dref_classes_mutex);
	err = param_set_bool(value, param);
	list_for_each_entry(class, &dref_classes, node)
		dref_class_set_late(class, delay_release);
	mutex_unlock(&dref_classes_mutex);
	return err;
}

static const struct kernel_param_ops delay_release_ops = {
	.set = delay_release_set,
	.get = param_get_bool,
};
module_param_cb(delay_release, &delay_release_ops, &delay_release, 0644);
MODULE_PARM_DESC(delay_release, "Call release() up to a second late, from a work item, to find bugs (N)");

/* ---- registering ---- */

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

/*
 * Set up what the objects of classes need, before the first class is registered.
 *
 * If dref is built in, that may be before dref_module_init(), as early as in
 * security_init().  One CPU is on line then; workqueues can be allocated, and work items,
 * irq_works and RCU callbacks can be queued, but no worker runs.  So objects can be
 * initialised, counted, deferred and put.  The passes and the queued releases begin when
 * the workers do, and before that nothing may wait for them.  dref_module_init() adds what
 * is for CPUs that go off line, for memory pressure, for modules and for debugfs.
 */
static int dref_prepare(void)
{
	static bool prepared;
	int err;

	lockdep_assert_held(&dref_classes_mutex);
	if (prepared)
		return 0;
	err = dref_releases_init();
	if (err)
		return err;
	dref_homes_set(0);
	dref_tracks_init();
	prepared = true;
	return 0;
}

int dref_classes_prepare(void)
{
	int err;

	mutex_lock(&dref_classes_mutex);
	err = dref_prepare();
	mutex_unlock(&dref_classes_mutex);
	return err;
}

/* Let dref_init() initialise objects of @class inline */
void dref_class_open(struct dref_class *class)
{
	class->open = true;
	if (class->cpu && !IS_ENABLED(CONFIG_DEBUG_OBJECTS))
		WRITE_ONCE(class->created, &class->cpu->created);
}

/**
 * dref_class_register - register a class, before its first dref_init()
 * @class: defined by DEFINE_DREF_CLASS(), or zeroed memory in which the public fields
 *	have been set
 *
 * Context: task, may sleep.  If dref is built in, from security_init() on.
 *
 * Return: 0; -EINVAL if the name is not ``[a-z0-9_-]{1,31}``, release is NULL or a
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
	err = dref_prepare();
	if (err)
		goto unlock;
	atomic_long_set(&class->deferred, 0);
	atomic_set(&class->works, 0);
	class->wanted = 0;
	class->warned = 0;
	class->tracked = false;
	class->going = false;
	class->open = false;
	WRITE_ONCE(class->cpu, dref_class_cpu_alloc(class));
	if (!class->cpu) {
		err = -ENOMEM;
		goto unlock;
	}
	dref_class_set_late(class, delay_release);
	dref_lockdep_register(class);
	list_add_tail_rcu(&class->node, &dref_classes);
unlock:
	mutex_unlock(&dref_classes_mutex);
	if (err)
		return err;
	dref_debugfs_add(class);	/* may wait for a reader of the folder */
	dref_track_register(class);
	return 0;
}
EXPORT_SYMBOL_GPL(dref_class_register);

/* ---- unregistering ---- */

static bool dref_class_registered(const struct dref_class *class)
{
	bool registered;

	mutex_lock(&dref_classes_mutex);
	registered = class && class->name && dref_class_find(class->name) == class &&
		     !class->going;
	mutex_unlock(&dref_classes_mutex);
	return registered;
}

/* Hide @class, so that it is not found any more; returns its events, which the caller frees */
static struct dref_class_cpu __percpu *dref_class_hide(struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpu;

	dref_debugfs_remove(class);	/* waits for readers, which may take long */
	mutex_lock(&dref_classes_mutex);
	cpu = class->cpu;
	list_del_rcu(&class->node);
	dref_events_retire(class);
	WRITE_ONCE(class->created, NULL);
	WRITE_ONCE(class->cpu, NULL);
	mutex_unlock(&dref_classes_mutex);
	return cpu;
}

/*
 * @class is hidden.  Wait for all tasks that have found it before, and free its events.
 * After that the class may be registered again, or its memory freed.
 */
static void dref_class_quiesce(struct dref_class *class,
			       struct dref_class_cpu __percpu *cpu)
{
	dref_track_stop(class);
	/*
	 * An object that was made immortal may be in the promotion queue.  Another
	 * task may have seen it counted, and be about to access its class.
	 * (litmus: class-gone)
	 */
	dref_promotions_flush();
	synchronize_rcu_expedited();
	/* Pairs with the release in dref_class_unpin_works(); litmus: class-works */
	while (!wait_event_timeout(dref_flush_wait, !atomic_read_acquire(&class->works), HZ))
		;
	dref_class_set_late(class, false);
	dref_lockdep_unregister(class);
	free_percpu(cpu);
}

/* Unregister @class and return true, unless it has objects or pins */
static bool dref_class_remove(struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpu;

	mutex_lock(&dref_classes_mutex);
	class->going = !dref_class_live(class) && !atomic_long_read(&class->deferred);
	mutex_unlock(&dref_classes_mutex);
	if (!class->going)
		return false;

	cpu = dref_class_hide(class);
	/*
	 * A task may have been about to pin the class, for an object that was made
	 * immortal meanwhile, or for one that is dead, and was released meanwhile.  A
	 * task whose release was counted is done with the class.
	 * (litmus: class-pin, class-works, release-counted)
	 */
	synchronize_rcu_expedited();
	/* Pairs with the release in dref_class_unpin(); litmus: class-pin */
	while (atomic_long_read_acquire(&class->deferred)) {
		if (WARN_ON_ONCE(atomic_long_read(&class->deferred) < 0))
			break;
		msleep(20);
	}
	dref_class_quiesce(class, cpu);
	return true;
}

/* Test whether @class can be unregistered now, by this caller; @what names the function */
static bool dref_class_may_wait(const struct dref_class *class, const char *what,
				unsigned long caller)
{
	return !WARN(dref_in_release(), "dref: %s from a release()\n", what) &&
	       !WARN(!dref_class_registered(class),
		     "dref: %s of a class that is not registered, by %pS\n", what,
		     (void *)dref_caller(caller));
}

static void dref_class_log(const struct dref_class *class, const char *what)
{
	pr_warn_ratelimited("class %s: %s%ld objects are alive, %ld of them deferred; freed without dref_put() or dref_exit()?\n",
			    class->name, what, dref_class_live(class),
			    atomic_long_read(&class->deferred));
	dref_leaks_log(class);
}

/**
 * dref_class_unregister - unregister a class that has no live objects
 * @class: a registered class, for which dref_init() is not called any more
 *
 * Reconciles, and waits for the releases of this class that are due.  Immortal objects do
 * not count as alive.  They may still be used, as their operations do not access the class.
 * If objects of another class hold objects of this one, unregister the other class first.
 *
 * Context: task, may sleep; not from a release() that dref has queued, and not while
 * holding a lock that a release() of this class takes.
 *
 * Return: 0; -EBUSY if counted objects are alive, or from a release(): the class
 * stays registered; -EINVAL if the class is not registered.
 */
int dref_class_unregister(struct dref_class *class)
{
	long before;

	might_sleep();
	if (!dref_class_may_wait(class, "unregister", _RET_IP_))
		return dref_in_release() ? -EBUSY : -EINVAL;

	/* A release() may have dropped the last reference to another object */
	do {
		before = dref_class_live(class);
		dref_class_reconcile(class, TASK_UNINTERRUPTIBLE);
		if (dref_class_remove(class))
			return 0;
		if (!dref_class_live(class))
			msleep(20);	/* for a promotion that has the class pinned */
	} while (!dref_class_live(class) || dref_class_live(class) < before);
	dref_class_log(class, "");
	return -EBUSY;
}
EXPORT_SYMBOL_GPL(dref_class_unregister);

/* Sleep for 20 ms; a system that is being suspended may freeze the task meanwhile */
static void dref_sleep_freezable(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE | TASK_FREEZABLE);
	schedule_timeout(HZ / 50 + 1);
}

/**
 * dref_class_drain - wait until a class has no objects, and unregister it
 * @class: a registered class, for which dref_init() is not called any more
 *
 * For module_exit(), which must not return while an object of the module can
 * still be released.  Logs every 10 seconds how many objects are left.  A system that is
 * suspended meanwhile freezes the caller.  If the class is not registered, or from a
 * release(), dref_class_drain() issues a WARN and returns at once.
 *
 * Context: task, may sleep, until the last reference is dropped; otherwise as
 * dref_class_unregister().
 */
void dref_class_drain(struct dref_class *class)
{
	unsigned long report = jiffies + 10 * HZ;

	might_sleep();
	if (!dref_class_may_wait(class, "drain", _RET_IP_))
		return;

	dref_class_reconcile(class, TASK_UNINTERRUPTIBLE | TASK_FREEZABLE);
	while (!dref_class_remove(class)) {
		dref_sleep_freezable();
		if (dref_class_live(class) && time_before(jiffies, report))
			continue;
		dref_class_reconcile(class, TASK_UNINTERRUPTIBLE | TASK_FREEZABLE);
		if (time_after_eq(jiffies, report)) {
			dref_class_log(class, "waiting: ");
			report = jiffies + 10 * HZ;
		}
	}
}
EXPORT_SYMBOL_GPL(dref_class_drain);

/**
 * dref_class_barrier - wait for the releases of the objects of a class that have been put
 * @class: a registered class
 *
 * When dref_class_barrier() returns, every release() of this class that was caused by a put
 * before the call has run, whatever the mode of the object.  It waits for the release() of
 * no other class.  If the class is not registered, or from a release(),
 * dref_class_barrier() issues a WARN and returns at once.
 *
 * Context: task, may sleep; not from a release() that dref has queued, and not while
 * holding a lock that a release() of this class takes.
 */
void dref_class_barrier(struct dref_class *class)
{
	might_sleep();
	if (dref_class_may_wait(class, "class barrier", _RET_IP_))
		dref_class_reconcile(class, TASK_UNINTERRUPTIBLE);
}
EXPORT_SYMBOL_GPL(dref_class_barrier);

/* ---- modules that leave classes behind ---- */

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

/*
 * Forget the classes of a module that is unloaded and leaves them registered, with a WARN.
 * Without this, dref would keep pointers to freed classes, and call release() functions that
 * have been unloaded.  The module's code and data still exist, so the releases that are
 * queued run.  All other objects are leaked.
 */
static int dref_module_notify(struct notifier_block *nb, unsigned long state,
			      void *data)
{
	struct dref_class *class;
	struct module *module = data;

	if (state != MODULE_STATE_GOING || !dref_module_class(module))
		return NOTIFY_DONE;
	while ((class = dref_module_class(module))) {
		WARN(1, "dref: module %s goes and leaves class %s with %ld objects\n",
		     module->name, class->name, dref_class_live(class));
		dref_class_quiesce(class, dref_class_hide(class));
	}
	dref_pass_forget(module);
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
