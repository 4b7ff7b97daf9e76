// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that are freed and were never put, to which
 * tools/coccinelle/unpublished-to-exit.cocci adds dref_exit() in unpublished-after.c.
 */
#include <linux/dref.h>
#include <linux/module.h>
#include <linux/slab.h>

struct channel {
	int number;
	struct dref ref;
};

static struct channel *current_channel;

static void channel_release(struct dref *ref)
{
	kfree(container_of(ref, struct channel, ref));
}

static DEFINE_DREF_CLASS(channel_class, "channel", channel_release, 0);

static struct channel *channel_new(void)
{
	struct channel *channel = kmalloc(sizeof(*channel), GFP_KERNEL);

	if (!channel)
		return NULL;
	dref_init(&channel->ref, &channel_class);
	return channel;
}

static int channel_open(int number)
{
	struct channel *channel;

	channel = channel_new();
	if (!channel)
		return -ENOMEM;
	channel->number = number;
	if (number < 0) {
		kfree_sensitive(channel);
		return -EINVAL;
	}
	current_channel = channel;
	return 0;
}

static int channel_replace(int number)
{
	struct channel *channel = channel_new();

	if (!channel)
		return -ENOMEM;
	if (number < 0) {
		dref_put(&channel->ref);
		return -EINVAL;
	}
	current_channel = channel;
	return 0;
}

/* Two errors lead to the last kfree(), and one of them comes before the initialisation. */
static struct channel *channel_clone(struct channel *old)
{
	struct channel *channel = kmalloc(sizeof(*channel), GFP_KERNEL);

	if (!channel)
		return NULL;
	if (old->number < 0)
		goto free;
	channel->number = old->number;
	dref_init(&channel->ref, &channel_class);
	if (old->number == 1) {
		kfree(channel);
		return NULL;
	}
	if (old->number == 2)
		goto free;
	return channel;
free:
	kfree(channel);
	return NULL;
}

/* One of them is NULL there. */
static int channel_pair(struct channel **pair)
{
	struct channel *one = channel_new(), *other = channel_new();

	if (!one || !other)
		goto free;
	pair[0] = one;
	pair[1] = other;
	return 0;
free:
	kfree(one);
	kfree(other);
	return -ENOMEM;
}
