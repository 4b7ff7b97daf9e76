// SPDX-License-Identifier: GPL-2.0
/*
 * dref_test_leave.ko: a module that is unloaded without unregistering its
 * classes.
 *
 * It leaves objects of each kind: exact and held, deferred and held, dropped
 * but not yet found by a pass, immortal, and two chains.  In a chain each
 * object holds the next one, only the first is dropped, and release() is slow.
 * dref must call no release() after the code of the module has gone.  It forgets
 * the objects that are left, with a warning that says how many they were.
 * selftests/load.sh checks all this.
 */
#include <linux/delay.h>
#include <linux/dref.h>
#include <linux/module.h>
#include <linux/slab.h>

#define CHAIN	4

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

static DEFINE_DREF_CLASS(leave_class, "test-leave", leave_release, DREF_SLEEP);
static DEFINE_DREF_CLASS(leave_rcu_class, "test-leave-rcu", leave_release, DREF_SLEEP | DREF_RCU);

static struct leave_object *leave_new(struct dref_class *class, struct leave_object *next)
{
	struct leave_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (obj) {
		dref_init(&obj->ref, class);
		obj->next = next;
	}
	return obj;
}

/* The classes alternate, so objects of each class hold objects of the other */
static void leave_chain(struct dref_class *class, struct dref_class *other)
{
	struct leave_object *obj = NULL;
	int i;

	for (i = 0; i < CHAIN; i++)
		obj = leave_new(i & 1 ? class : other, obj);
	if (obj)
		dref_put(&obj->ref);
}

/* If an allocation fails, fewer objects are left behind */
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
MODULE_VERSION(DREF_VERSION);
