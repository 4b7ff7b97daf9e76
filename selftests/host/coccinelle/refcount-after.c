// SPDX-License-Identifier: GPL-2.0
/*
 * A user of refcount_t, which tools/coccinelle/refcount-to-dref.cocci turns into
 * refcount-after.c.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/dref.h>
#include <linux/slab.h>

struct label {
	struct dref users;
	unsigned int id;
	struct rcu_head rcu;
};

static void label_free(struct label *label)
{
	kfree_rcu(label, rcu);
}

static void label_free_release(struct dref *ref)
{
	label_free(container_of(ref, struct label, users));
}
static DEFINE_DREF_CLASS(label_class, "label", label_free_release, 0);

static struct label *label_new(unsigned int id)
{
	struct label *label = kzalloc(sizeof(*label), GFP_KERNEL);

	if (!label)
		return NULL;
	label->id = id;
	dref_init(&label->users, &label_class);
	return label;
}

static struct label *label_find(struct label __rcu **where)
{
	struct label *label;

	rcu_read_lock();
	label = rcu_dereference(*where);
	if (label && !dref_tryget(&label->users))
		label = NULL;
	rcu_read_unlock();
	return label;
}

static void label_share(struct label *label, unsigned int others)
{
	dref_get_many(&label->users, others);
	dref_get(&label->users);
}

static void label_put(struct label *label)
{
	dref_put(&label->users);
}

struct buffer {
	struct dref users;
	struct work_struct work;
};

struct plain {
	struct buffer buffer;
	struct dref ref;
};

struct by_rcu {
	struct rcu_head rcu;
	struct dref ref;
};

struct called {
	struct rcu_head rcu;
	struct dref ref;
};

struct awaited {
	struct completion done;
	struct dref ref;
};

struct queued {
	struct work_struct work;
	struct dref ref;
};

static struct workqueue_struct *queue;

static void queued_release(struct dref *ref);
static DEFINE_DREF_CLASS(queued_class, "queued", queued_release, 0);

static void plain_release(struct dref *ref);
static DEFINE_DREF_CLASS(plain_class, "plain", plain_release, 0);

static void called_dref_release(struct dref *ref);
static DEFINE_DREF_CLASS(called_class, "called", called_dref_release, 0);

static void by_rcu_release(struct dref *ref);
static DEFINE_DREF_CLASS(by_rcu_class, "by_rcu", by_rcu_release, 0);

static void buffer_release(struct dref *ref);
static DEFINE_DREF_CLASS(buffer_class, "buffer", buffer_release, 0);

static void awaited_release(struct dref *ref);
static DEFINE_DREF_CLASS(awaited_class, "awaited", awaited_release, 0);

static void plain_new(struct plain *plain, struct by_rcu *by_rcu, struct called *called,
		      struct awaited *awaited, struct queued *queued)
{
	dref_init(&plain->buffer.users, &buffer_class);
	dref_init(&plain->ref, &plain_class);
	dref_init(&by_rcu->ref, &by_rcu_class);
	dref_init(&called->ref, &called_class);
	dref_init(&awaited->ref, &awaited_class);
	dref_init(&queued->ref, &queued_class);
}

static void plain_release(struct dref *ref)
{
	kfree(container_of(ref, struct plain, ref));
}

static void plain_put(struct plain *plain)
{
	dref_put(&plain->ref);
}

static void by_rcu_release(struct dref *ref)
{
	kfree_rcu(container_of(ref, struct by_rcu, ref), rcu);
}

static void by_rcu_put(struct by_rcu *by_rcu)
{
	dref_put(&by_rcu->ref);
}

static void called_free(struct rcu_head *head)
{
	kfree(container_of(head, struct called, rcu));
}

static void called_dref_release(struct dref *ref)
{
	call_rcu(&container_of(ref, struct called, ref)->rcu, called_free);
}

static void called_release(struct called *called)
{
	dref_put(&called->ref);
}

static void awaited_release(struct dref *ref)
{
	complete(&container_of(ref, struct awaited, ref)->done);
}

static void awaited_put(struct awaited *awaited)
{
	dref_put(&awaited->ref);
}

static void awaited_end(struct awaited *awaited)
{
	awaited_put(awaited);
	wait_for_completion(&awaited->done);
	kfree(awaited);
}

static void queued_release(struct dref *ref)
{
	queue_work(queue, &container_of(ref, struct queued, ref)->work);
}

static void queued_put(struct queued *queued)
{
	dref_put(&queued->ref);
}

static void buffer_release(struct dref *ref)
{
	schedule_work(&container_of(ref, struct buffer, users)->work);
}

static void buffer_put(struct buffer *buffer)
{
	dref_put(&buffer->users);
}
