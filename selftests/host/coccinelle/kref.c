// SPDX-License-Identifier: GPL-2.0
/*
 * A user of kref, which tools/coccinelle/kref-to-dref.cocci turns into kref-after.c.
 */
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

struct session {
	int number;
	struct kref ref;
	struct rcu_head rcu;
};

static struct session __rcu *current_session;

static void session_release(struct kref *ref)
{
	struct session *session = container_of(ref, struct session, ref);

	kfree_rcu(session, rcu);
}

static struct session *session_new(int number)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return NULL;
	session->number = number;
	kref_init(&session->ref);
	return session;
}

static struct session *session_find(void)
{
	struct session *session;

	rcu_read_lock();
	session = rcu_dereference(current_session);
	if (session && !kref_get_unless_zero(&session->ref))
		session = NULL;
	rcu_read_unlock();
	return session;
}

static void session_share(struct session *session)
{
	kref_get(&session->ref);
	pr_debug("session %d has %u users\n", session->number, kref_read(&session->ref));
}

static void session_put(struct session *session)
{
	if (session)
		kref_put(&session->ref, session_release);
}
