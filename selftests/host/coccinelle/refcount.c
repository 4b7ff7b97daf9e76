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
