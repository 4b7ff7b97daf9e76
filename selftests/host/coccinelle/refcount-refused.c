// SPDX-License-Identifier: GPL-2.0
/*
 * Users of refcount_t that tools/coccinelle/refcount-to-dref.cocci leaves as they are.
 * Comments at the ends of lines are the reasons that it prints for them.
 */
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>

struct locked {
	refcount_t ref;
};

struct cached {
	refcount_t ref;
};

struct bytes {
	refcount_t used;
};

struct switched {
	refcount_t users;
};

struct first {
	refcount_t ref;	/* several things happen at zero */
};

struct noted {
	refcount_t ref;
};

struct static_one {
	refcount_t ref;
};

struct foreign {
	refcount_t ref;	/* foreign_free(struct foreign *) is not in these files */
};

struct managed {
	refcount_t ref;
};

static DEFINE_SPINLOCK(lock);

static void locked_put(struct locked *locked)
{
	if (refcount_dec_and_lock(&locked->ref, &lock)) {	/* the last put takes a lock */
		spin_unlock(&lock);
		kfree(locked);
	}
}

static void cached_evict(struct cached *cached)
{
	if (refcount_dec_if_one(&cached->ref))	/* its value is looked at */
		kfree(cached);
}

static bool cached_put(struct cached *cached)
{
	if (refcount_read(&cached->ref) == 1)	/* its value is looked at */
		return false;
	return refcount_dec_and_test(&cached->ref);	/* the caller of the last put goes on */
}

static void cached_new(struct cached *cached)
{
	int old;

	refcount_set(&cached->ref, 2);	/* it begins with 2 references */
	__refcount_inc(&cached->ref, &old);	/* its value is looked at */
}

static void bytes_new(struct bytes *bytes)
{
	refcount_set(&bytes->used, 0);	/* it begins at zero */
}

static void bytes_put(struct bytes *bytes, int number)
{
	if (refcount_sub_and_test(number, &bytes->used))	/* it may not count references */
		kfree(bytes);
}

static void switched_on(struct switched *switched)
{
	if (refcount_inc_not_zero(&switched->users))
		return;
	refcount_set(&switched->users, 1);	/* zero is not the end of the object */
}

static void switched_off(struct switched *switched)
{
	if (!refcount_dec_and_test(&switched->users))	/* the caller of the last put goes on */
		return;
	pr_debug("off\n");
}

static void first_new(struct first *first)
{
	refcount_set(&first->ref, 1);
}

static void first_put(struct first *first)
{
	if (refcount_dec_and_test(&first->ref))
		kfree(first);
}

static void first_put_sensitive(struct first *first)
{
	if (refcount_dec_and_test(&first->ref))
		kfree_sensitive(first);
}

static void noted_new(struct noted *noted)
{
	refcount_set(&noted->ref, 1);
}

static void noted_put(struct noted *noted)
{
	if (refcount_dec_and_test(&noted->ref)) {	/* the caller of the last put goes on */
		pr_debug("the last one\n");
		kfree(noted);
	}
}

static refcount_t *noted_count(struct noted *noted)
{
	return &noted->ref;	/* it is used otherwise */
}

static struct static_one one = {
	.ref = REFCOUNT_INIT(1),	/* it is initialised statically */
};

static void one_put(struct static_one *one)
{
	if (refcount_dec_and_test(&one->ref))
		kfree(one);
}

static void foreign_put(struct foreign *foreign)
{
	if (refcount_dec_and_test(&foreign->ref))
		foreign_free(foreign);
}

static void foreign_new(struct foreign *foreign)
{
	refcount_set(&foreign->ref, 1);
}

static struct managed *managed_new(struct device *device)
{
	struct managed *managed = devm_kzalloc(device, sizeof(*managed), GFP_KERNEL);

	if (managed)
		refcount_set(&managed->ref, 1);	/* the device frees its memory */
	return managed;
}

static void elsewhere_put(struct elsewhere *elsewhere)
{
	if (refcount_dec_and_test(&elsewhere->count))	/* its structure is not in these files */
		kfree(elsewhere);
}
