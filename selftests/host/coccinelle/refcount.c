// SPDX-License-Identifier: GPL-2.0
/*
 * A user of refcount_t, which tools/coccinelle/refcount-to-dref.cocci turns into
 * refcount-after.c.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>

struct label {
	refcount_t users;
	unsigned int id;
	struct rcu_head rcu;
};

static void label_free(struct label *label)
{
	kfree_rcu(label, rcu);
}

static struct label *label_new(unsigned int id)
{
	struct label *label = kzalloc(sizeof(*label), GFP_KERNEL);

	if (!label)
		return NULL;
	label->id = id;
	refcount_set(&label->users, 1);
	return label;
}

static struct label *label_find(struct label __rcu **where)
{
	struct label *label;

	rcu_read_lock();
	label = rcu_dereference(*where);
	if (label && !refcount_inc_not_zero(&label->users))
		label = NULL;
	rcu_read_unlock();
	return label;
}

static void label_share(struct label *label, unsigned int others)
{
	refcount_add(others, &label->users);
	refcount_inc(&label->users);
}

static void label_put(struct label *label)
{
	if (refcount_dec_and_test(&label->users))
		label_free(label);
}

struct buffer {
	refcount_t users;
	struct work_struct work;
};

struct plain {
	struct buffer buffer;
	refcount_t ref;
};

struct by_rcu {
	struct rcu_head rcu;
	refcount_t ref;
};

struct called {
	struct rcu_head rcu;
	refcount_t ref;
};

struct awaited {
	struct completion done;
	refcount_t ref;
};

struct queued {
	struct work_struct work;
	refcount_t ref;
};

static struct workqueue_struct *queue;

static void plain_new(struct plain *plain, struct by_rcu *by_rcu, struct called *called,
		      struct awaited *awaited, struct queued *queued)
{
	refcount_set(&plain->buffer.users, 1);
	refcount_set(&plain->ref, 1);
	refcount_set(&by_rcu->ref, 1);
	refcount_set(&called->ref, 1);
	refcount_set(&awaited->ref, 1);
	refcount_set(&queued->ref, 1);
}

static void plain_put(struct plain *plain)
{
	if (refcount_dec_and_test(&plain->ref))
		kfree(plain);
}

static void by_rcu_put(struct by_rcu *by_rcu)
{
	if (refcount_dec_and_test(&by_rcu->ref))
		kfree_rcu(by_rcu, rcu);
}

static void called_free(struct rcu_head *head)
{
	kfree(container_of(head, struct called, rcu));
}

static void called_release(struct called *called)
{
	if (refcount_dec_and_test(&called->ref))
		call_rcu(&called->rcu, called_free);
}

static void awaited_put(struct awaited *awaited)
{
	if (refcount_dec_and_test(&awaited->ref))
		complete(&awaited->done);
}

static void awaited_end(struct awaited *awaited)
{
	awaited_put(awaited);
	wait_for_completion(&awaited->done);
	kfree(awaited);
}

static void queued_put(struct queued *queued)
{
	if (refcount_dec_and_test(&queued->ref))
		queue_work(queue, &queued->work);
}

static void buffer_put(struct buffer *buffer)
{
	if (refcount_dec_and_test(&buffer->users))
		schedule_work(&buffer->work);
}
