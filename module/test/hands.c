// SPDX-License-Identifier: GPL-2.0
/*
 * A client that user space controls.  User space creates objects, takes and
 * drops references one by one, and checks what dref reports about them
 * (selftests/holders.c, selftests/tracking.sh).
 *
 *	/sys/kernel/debug/dref_test/hands	a write of "ACTION [OBJECT [N]]"
 *						does one action
 *
 * Objects are numbered from 0.  Their class is "test-hands", which the action
 * "open" registers and "close" unregisters.  "drain" does not return before other
 * writes have dropped all objects.  write() returns the error of dref.
 *
 * Two functions take a reference, so that there are holders at two places.
 * Neither ends with a get: the compiler could make that a tail call, and the
 * function would be missing from the stack.  The action "session" leaks: it
 * takes two references and drops one.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "test.h"

#define OBJECTS		4096

struct hand_object {
	struct dref	ref;
	bool		live;
};

static DEFINE_MUTEX(hands_mutex);
static struct hand_object *objects;
static DECLARE_COMPLETION(may_release);

static void hands_release(struct dref *ref)
{
	struct hand_object *object = container_of(ref, struct hand_object, ref);

	wait_for_completion(&may_release);
	WRITE_ONCE(object->live, false);
}

static DEFINE_DREF_CLASS(hands_class, "test-hands", hands_release, DREF_SLEEP);

static noinline void hands_create(struct dref *ref)
{
	dref_init(ref, &hands_class);
	barrier();
}

static noinline void hands_take_here(struct dref *ref)
{
	dref_get(ref);
	barrier();
}

static noinline void hands_take_there(struct dref *ref, unsigned long n)
{
	dref_get_many(ref, n);
	barrier();
}

static noinline void hands_look_up(struct dref *ref)
{
	rcu_read_lock();
	dref_tryget(ref);
	rcu_read_unlock();
}

/* Leaks a reference: takes two and drops one */
static noinline void hands_session(struct dref *ref)
{
	hands_take_here(ref);
	hands_look_up(ref);
	dref_put(ref);
	barrier();
}

static struct dref *interrupted;
static void hands_irq(struct irq_work *work);
static struct irq_work hands_irq_work = IRQ_WORK_INIT_HARD(hands_irq);

static noinline void hands_irq(struct irq_work *work)
{
	dref_get(interrupted);
	barrier();
}

static void hands_take_in_irq(struct dref *ref)
{
	interrupted = ref;
	irq_work_queue(&hands_irq_work);
	irq_work_sync(&hands_irq_work);
}

/* ---- actions ---- */

static int hands_open_class(void)
{
	int err;

	if (objects)
		return -EBUSY;
	objects = kvcalloc(OBJECTS, sizeof(*objects), GFP_KERNEL);
	if (!objects)
		return -ENOMEM;
	complete_all(&may_release);
	err = dref_class_register(&hands_class);
	if (err) {
		kvfree(objects);
		objects = NULL;
	}
	return err;
}

static int hands_close_class(void)
{
	int err = dref_class_unregister(&hands_class);

	if (!err) {
		kvfree(objects);
		objects = NULL;
	}
	return err;
}

/* Other writes drop the objects meanwhile */
static int hands_drain_class(void)
{
	mutex_unlock(&hands_mutex);
	dref_class_drain(&hands_class);
	mutex_lock(&hands_mutex);
	kvfree(objects);
	objects = NULL;
	return 0;
}

static int hands_run_action(const char *action, unsigned int nr, unsigned long n)
{
	struct hand_object *object;

	if (!strcmp(action, "open"))
		return hands_open_class();
	if (!objects || nr >= OBJECTS)
		return -EINVAL;
	if (!strcmp(action, "close"))
		return hands_close_class();
	if (!strcmp(action, "drain"))
		return hands_drain_class();
	if (!strcmp(action, "hang")) {
		reinit_completion(&may_release);
		return 0;
	}
	if (!strcmp(action, "go-on")) {
		complete_all(&may_release);
		return 0;
	}

	object = &objects[nr];
	if (!strcmp(action, "create")) {
		if (object->live)
			return -EEXIST;
		object->live = true;
		hands_create(&object->ref);
		return 0;
	}
	if (!READ_ONCE(object->live))
		return -ENOENT;
	if (!strcmp(action, "defer"))
		return dref_defer(&object->ref, GFP_KERNEL_ACCOUNT);	/* slots are not charged */
	if (!strcmp(action, "immortalize"))
		dref_immortalize(&object->ref);
	else if (!strcmp(action, "kill"))
		dref_kill(&object->ref);
	else if (!strcmp(action, "here"))
		hands_take_here(&object->ref);
	else if (!strcmp(action, "there"))
		hands_take_there(&object->ref, n);
	else if (!strcmp(action, "look-up"))
		hands_look_up(&object->ref);
	else if (!strcmp(action, "irq"))
		hands_take_in_irq(&object->ref);
	else if (!strcmp(action, "session"))
		hands_session(&object->ref);
	else if (!strcmp(action, "put"))
		dref_put_many(&object->ref, n);
	else
		return -EINVAL;
	return 0;
}

static ssize_t hands_write(struct file *file, const char __user *buf, size_t len,
			   loff_t *pos)
{
	char line[64], action[16];
	unsigned int nr = 0;
	unsigned long n = 1;
	int err = -EINVAL;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	mutex_lock(&hands_mutex);
	if (sscanf(line, "%15s %u %lu", action, &nr, &n) >= 1)
		err = hands_run_action(action, nr, n);
	mutex_unlock(&hands_mutex);
	return err ?: len;
}

static const struct file_operations hands_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= hands_write,
};

void test_hands_init(struct dentry *dir)
{
	debugfs_create_file("hands", 0200, dir, NULL, &hands_fops);
}

/* Immortalize the objects that are still held, so that their class can go */
void test_hands_exit(void)
{
	int i;

	if (!objects)
		return;
	complete_all(&may_release);
	for (i = 0; i < OBJECTS; i++) {
		if (READ_ONCE(objects[i].live))
			dref_immortalize(&objects[i].ref);
	}
	dref_class_drain(&hands_class);
	kvfree(objects);
}
