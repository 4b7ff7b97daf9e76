// SPDX-License-Identifier: GPL-2.0
/*
 * A module that goes and leaves its class behind, with one object of each kind:
 * held exact, held deferred, dropped but not found by a pass, immortal, and one
 * whose release() still sleeps.  That must be over before the code is gone; the
 * rest is forgotten, with a warning that says how many are lost.  load.sh looks.
 */
#include <linux/delay.h>
#include <linux/dref.h>
#include <linux/module.h>
#include <linux/slab.h>

static void leave_release(struct dref *ref)
{
	msleep(200);
	kfree(ref);
}

DEFINE_DREF_CLASS(leave_class, "test-leave", leave_release, DREF_SLEEP);

static struct dref *leave_new(void)
{
	struct dref *ref = kzalloc(sizeof(*ref), GFP_KERNEL);

	if (ref)
		dref_init(ref, &leave_class);
	return ref;
}

/* What cannot be allocated is not left */
static int __init leave_init(void)
{
	struct dref *ref;
	int err = dref_class_register(&leave_class);

	if (err)
		return err;

	leave_new();
	ref = leave_new();
	if (ref)
		dref_defer(ref, GFP_KERNEL);
	ref = leave_new();
	if (ref)
		dref_immortalize(ref);
	return 0;
}

static void __exit leave_exit(void)
{
	struct dref *ref = leave_new();

	if (ref)
		dref_put(ref);
	ref = leave_new();
	if (ref && !dref_defer(ref, GFP_KERNEL))
		dref_put(ref);
}

module_init(leave_init);
module_exit(leave_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The dref developers");
MODULE_DESCRIPTION("Test of dref: a module that leaves its class behind");
