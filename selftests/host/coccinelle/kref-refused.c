// SPDX-License-Identifier: GPL-2.0
/*
 * Users of kref that tools/coccinelle/kref-to-dref.cocci leaves as they are. Comments at the
 * ends of lines are the reasons that it prints for them.
 */
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct locked {
	struct kref ref;
};

struct shared {
	struct kref ref;
};

struct counted {
	struct kref ref;
};

struct two_ends {
	struct kref ref;	/* it has several release functions: ends_free, ends_keep */
};

struct unput {
	struct kref ref;	/* its last put is not in these files */
};

struct managed {
	struct kref ref;
};

struct untyped {
	struct kref guess;
};

static DEFINE_MUTEX(lock);

static void locked_release(struct kref *ref)
{
	mutex_unlock(&lock);
	kfree(container_of(ref, struct locked, ref));
}

static void locked_put(struct locked *locked)
{
	kref_put_mutex(&locked->ref, locked_release, &lock);	/* the last put takes a lock */
}

static void locked_get(struct locked *locked)
{
	kref_get(&locked->ref);
}

static void shared_release(struct kref *ref)
{
	kfree(container_of(ref, struct shared, ref));
}

static bool shared_put(struct shared *shared)
{
	return kref_put(&shared->ref, shared_release);	/* the result of kref_put() is used */
}

static void counted_release(struct kref *ref)
{
	kfree(container_of(ref, struct counted, ref));
}

static bool counted_put(struct counted *counted)
{
	bool last = kref_read(&counted->ref) == 1;	/* its value is looked at */

	kref_put(&counted->ref, counted_release);
	return last;
}

static struct kref *counted_new(struct counted *counted)
{
	kref_init(&counted->ref);
	return &counted->ref;	/* it is used otherwise */
}

static void ends_free(struct kref *ref)
{
	kfree(container_of(ref, struct two_ends, ref));
}

static void ends_keep(struct kref *ref)
{
}

static void ends_put(struct two_ends *ends, bool keep)
{
	if (keep)
		kref_put(&ends->ref, ends_keep);
	else
		kref_put(&ends->ref, ends_free);
}

static void unput_new(struct unput *unput)
{
	kref_init(&unput->ref);
}

static void managed_release(struct kref *ref)
{
}

static void managed_put(struct managed *managed)
{
	kref_put(&managed->ref, managed_release);
}

static struct managed *managed_new(struct device *device)
{
	struct managed *managed = devm_kzalloc(device, sizeof(*managed), GFP_KERNEL);

	if (managed)
		kref_init(&managed->ref);	/* the device frees its memory */
	return managed;
}

static void elsewhere_put(struct elsewhere *elsewhere)
{
	kref_put(&elsewhere->count, elsewhere_release);	/* its structure is not in these files */
}

static void untyped_put(void)
{
	kref_get(&elsewhere()->guess);	/* the type of elsewhere() is not known */
}
