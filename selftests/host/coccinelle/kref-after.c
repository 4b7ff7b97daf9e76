// SPDX-License-Identifier: GPL-2.0
/*
 * A user of kref, which tools/coccinelle/kref-to-dref.cocci turns into kref-after.c.
 */
#include <linux/dref.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

struct session {
	int number;
	struct dref ref;
	struct rcu_head rcu;
};

static struct session __rcu *current_session;

static void session_release(struct dref *ref)
{
	struct session *session = container_of(ref, struct session, ref);

	kfree_rcu(session, rcu);
}
static DEFINE_DREF_CLASS(session_class, "session", session_release, 0);

static struct session *session_new(int number)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return NULL;
	session->number = number;
	dref_init(&session->ref, &session_class);
	return session;
}

static struct session *session_find(void)
{
	struct session *session;

	rcu_read_lock();
	session = rcu_dereference(current_session);
	if (session && !dref_tryget(&session->ref))
		session = NULL;
	rcu_read_unlock();
	return session;
}

static void session_share(struct session *session)
{
	dref_get(&session->ref);
	pr_debug("session %d has %u users\n", session->number,
		 dref_read(&session->ref));
}

static void session_put(struct session *session)
{
	if (session)
		dref_put(&session->ref);
}
