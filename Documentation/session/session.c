// SPDX-License-Identifier: GPL-2.0
/*
 * An example of a module that uses dref: a list of sessions, which holds a reference to
 * each.  Documentation/dref.rst explains the calls, packaging.rst how DKMS builds it.
 */
#include <linux/dref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>

#define NR_SESSIONS	10

struct session {
	struct dref		ref;
	struct list_head	entry;
};

static void session_release(struct dref *ref)
{
	kfree(container_of(ref, struct session, ref));
}

static DEFINE_DREF_CLASS(session_class, "session", session_release, 0);
static LIST_HEAD(sessions);

static int session_create(void)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return -ENOMEM;
	dref_init(&session->ref, &session_class);	/* with the reference of the list */
	list_add(&session->entry, &sessions);
	return 0;
}

static void sessions_remove(void)
{
	struct session *session, *next;

	list_for_each_entry_safe(session, next, &sessions, entry) {
		list_del(&session->entry);
		dref_put(&session->ref);
	}
	dref_class_drain(&session_class);
}

static int __init session_init(void)
{
	int err = dref_class_register(&session_class);
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < NR_SESSIONS; i++) {
		err = session_create();
		if (err) {
			sessions_remove();
			return err;
		}
	}
	return 0;
}

static void __exit session_exit(void)
{
	sessions_remove();
}

module_init(session_init);
module_exit(session_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Example of a module that uses dref");
MODULE_VERSION("1.0");
