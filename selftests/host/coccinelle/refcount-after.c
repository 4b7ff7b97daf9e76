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
static DEFINE_DREF_CLASS(label_free_class, "label_free", label_free_release,
			 0);

static struct label *label_new(unsigned int id)
{
	struct label *label = kzalloc(sizeof(*label), GFP_KERNEL);

	if (!label)
		return NULL;
	label->id = id;
	dref_init(&label->users, &label_free_class);
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
