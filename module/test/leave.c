// SPDX-License-Identifier: GPL-2.0
/*
 * A module that goes and leaves its classes behind, with objects of each kind: held
 * exact, held deferred, dropped but not found by a pass, immortal, and two chains of
 * objects each of which holds the next, with only the first dropped, and a release()
 * that takes its time.  The chains must be gone before the code is; the rest is
 * forgotten, with a warning that says how many are lost.  load.sh looks.
 */
#include <linux/delay.h>
#include <linux/dref.h>
#include <linux/module.h>
#include <linux/slab.h>

#define CHAIN	4	/* load.sh knows */

struct leave_object {
	struct dref		ref;
	struct leave_object	*next;
};

static void leave_release(struct dref *ref)
{
	struct leave_object *obj = container_of(ref, struct leave_object, ref);

	msleep(200);
	if (obj->next)
		dref_put(&obj->next->ref);
	kfree(obj);
}

DEFINE_DREF_CLASS(leave_class, "test-leave", leave_release, DREF_SLEEP);
DEFINE_DREF_CLASS(leave_rcu_class, "test-leave-rcu", leave_release, DREF_SLEEP | DREF_RCU);

static struct leave_object *leave_new(struct dref_class *class, struct leave_object *next)
{
	struct leave_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (obj) {
		dref_init(&obj->ref, class);
		obj->next = next;
	}
	return obj;
}

/* The classes take turns, so that each holds objects of the other, too */
static void leave_chain(struct dref_class *class, struct dref_class *other)
{
	struct leave_object *obj = NULL;
	int i;

	for (i = 0; i < CHAIN; i++)
		obj = leave_new(i & 1 ? class : other, obj);
	if (obj)
		dref_put(&obj->ref);
}

/* What cannot be allocated is not left */
static int __init leave_init(void)
{
	struct leave_object *obj;
	int err = dref_class_register(&leave_class);

	if (err)
		return err;
	err = dref_class_register(&leave_rcu_class);
	if (err) {
		dref_class_unregister(&leave_class);
		return err;
	}

	leave_new(&leave_class, NULL);
	leave_new(&leave_rcu_class, NULL);
	obj = leave_new(&leave_class, NULL);
	if (obj)
		dref_defer(&obj->ref, GFP_KERNEL);
	obj = leave_new(&leave_class, NULL);
	if (obj)
		dref_immortalize(&obj->ref);
	return 0;
}

static void __exit leave_exit(void)
{
	struct leave_object *obj = leave_new(&leave_class, NULL);

	if (obj && !dref_defer(&obj->ref, GFP_KERNEL))
		dref_put(&obj->ref);
	leave_chain(&leave_class, &leave_rcu_class);
	leave_chain(&leave_rcu_class, &leave_class);
}

module_init(leave_init);
module_exit(leave_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The dref developers");
MODULE_DESCRIPTION("Test of dref: a module that leaves its classes behind");
