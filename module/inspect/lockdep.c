// SPDX-License-Identifier: GPL-2.0
/*
 * Tells lockdep which locks a release() takes, and under which locks something waits for a
 * release().
 *
 * A task that waits for the releases of a class, and holds a lock that release() takes,
 * waits for ever if the last reference is dropped at the wrong time.  With a lockdep map for
 * each class, the first such wait is reported, whether it hangs or not: release() runs with
 * the map held for reading, and a task that waits takes it for writing, as a workqueue does
 * with its work items.
 *
 *	dref_call_release()			dref_class_drain()
 *
 *						mutex_lock(M)
 *	map: acquire_read
 *	release(): mutex_lock(M)		map: acquire, release	<-- reported
 *
 * Reading is recursive, as the release() of one object may drop another one of its class.
 * dref_reconcile() and dref_barrier() wait for all classes, and have a map of their own.
 *
 * A release() in an interrupt, or with interrupts or softirqs disabled, takes no lock that a
 * task can hold while it waits, and is left out.
 */
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/slab.h>

#include "../core/internal.h"

/* Of a class; allocated, as the memory of a class may be static or not */
struct dref_class_lock {
	struct lock_class_key	key;
	struct lockdep_map	map;
};

static struct lockdep_map all_releases = STATIC_LOCKDEP_MAP_INIT("dref_release", &all_releases);

/* Without memory, the class is not checked */
void dref_lockdep_register(struct dref_class *class)
{
	struct dref_class_lock *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	class->lock = lock;
	if (!lock)
		return;
	lockdep_register_key(&lock->key);
	lockdep_init_map(&lock->map, class->name, &lock->key, 0);
}

void dref_lockdep_unregister(struct dref_class *class)
{
	if (!class->lock)
		return;
	lockdep_unregister_key(&class->lock->key);
	kfree(class->lock);
	class->lock = NULL;
}

static bool dref_lockdep_counts(const struct dref_class *class)
{
	return class->lock && !in_interrupt() && !irqs_disabled();
}

/* release() is about to be called */
void dref_lockdep_begin(const struct dref_class *class)
{
	if (!dref_lockdep_counts(class))
		return;
	lock_map_acquire_read(&all_releases);
	lock_map_acquire_read(&class->lock->map);
}

/* release() has returned */
void dref_lockdep_end(const struct dref_class *class)
{
	if (!dref_lockdep_counts(class))
		return;
	lock_map_release(&class->lock->map);
	lock_map_release(&all_releases);
}

/* The caller is about to wait for the releases of @class, or if it is NULL, of all */
void dref_lockdep_wait(const struct dref_class *class)
{
	struct lockdep_map *map = class && class->lock ? &class->lock->map : &all_releases;

	lock_map_acquire(map);
	lock_map_release(map);
}
