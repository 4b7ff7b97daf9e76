// SPDX-License-Identifier: GPL-2.0
/*
 * A user of contract 1, which tools/coccinelle/contract-1-to-2.cocci turns into
 * contract-1-after.c.
 */
#include <linux/dref.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>

struct session {
	int number;
	char *name;
	struct dref ref;
	struct list_head node;
};

static DEFINE_XARRAY(sessions);
static struct kmem_cache *cache;

static void session_release(struct dref *ref)
{
	struct session *session = container_of(ref, struct session, ref);

	kfree(session->name);
	kfree(session);
}

static DEFINE_DREF_CLASS(session_class, "session", session_release, 0);
static DEFINE_DREF_CLASS(slow_class, "session-with-a-long-name",
			 session_release, DREF_SLEEP | DREF_RCU);
static DEFINE_DREF_CLASS(done_class, "done", session_release, DREF_EXACT);

/* Nothing can have seen the object */
static struct session *session_new(int number, const char *name)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return NULL;
	session->number = number;
	INIT_LIST_HEAD(&session->node);
	dref_init(&session->ref, &session_class);
	session->name = kstrdup(name, GFP_KERNEL);
	if (!session->name)
		goto free;
	return session;

free:
	dref_exit(&session->ref);
	kfree(session);
	return NULL;
}

static struct session *session_from_cache(const char *name)
{
	struct session *session = kmem_cache_alloc(cache, GFP_KERNEL);

	if (!session)
		return NULL;
	dref_init(&session->ref, &slow_class);
	INIT_LIST_HEAD(&session->node);
	session->name = kstrdup(name, GFP_KERNEL);
	if (!session->name) {
		pr_warn("session %d has no name\n", session->number);
		dref_exit(&session->ref);
		kmem_cache_free(cache, session);
		return NULL;
	}
	return session;
}

/* Some path has not initialised the object */
static struct session *session_named(const char *name)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return NULL;
	session->name = kstrdup(name, GFP_KERNEL);
	if (!session->name)
		goto free;
	dref_init(&session->ref, &session_class);
	session->number = strlen(session->name);
	if (!session->number)
		goto free;
	return session;

free:
	kfree(session->name);
	kfree(session);				/* free-without-exit */
	return NULL;
}

/* A lookup may have found the object */
static int session_publish(int number)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);
	int err;

	if (!session)
		return -ENOMEM;
	dref_init(&session->ref, &session_class);
	err = xa_insert(&sessions, number, session, GFP_KERNEL);
	if (err)
		kfree(session);			/* free-without-exit */
	return err;
}

/* The put frees the object */
static int session_try(struct session *session)
{
	dref_init(&session->ref, &session_class);
	session->number = 1;
	if (list_empty(&session->node)) {
		dref_put(&session->ref);
		return -ENOENT;
	}
	return 0;
}
