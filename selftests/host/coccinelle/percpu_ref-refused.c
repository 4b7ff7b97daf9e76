// SPDX-License-Identifier: GPL-2.0
/*
 * Users of struct percpu_ref that tools/coccinelle/percpu_ref-to-dref.cocci leaves as they
 * are. Comments at the ends of lines are the reasons that it prints for them.
 */
#include <linux/completion.h>
#include <linux/module.h>
#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/wait.h>

struct frozen {
	struct percpu_ref ref;
	wait_queue_head_t idle;
};

struct confirmed {
	struct percpu_ref ref;
	struct completion confirmed;
};

struct found {
	struct percpu_ref ref;
};

struct freed {
	struct percpu_ref ref;
};

struct foreign {
	struct percpu_ref ref;	/* foreign_release() is not in these files */
};

struct chosen {
	struct percpu_ref ref;
};

struct asked {
	struct percpu_ref ref;
};

static struct found __rcu *current_found;

static void frozen_release(struct percpu_ref *ref)
{
	wake_up(&container_of(ref, struct frozen, ref)->idle);
}

static int frozen_init(struct frozen *frozen)
{
	return percpu_ref_init(&frozen->ref, frozen_release,	/* zero is not the end of the object */
			       PERCPU_REF_ALLOW_REINIT, GFP_KERNEL);
}

static bool frozen_freeze(struct frozen *frozen)
{
	if (percpu_ref_is_dying(&frozen->ref))	/* dref does not tell */
		return false;
	percpu_ref_kill(&frozen->ref);
	wait_event(frozen->idle, percpu_ref_is_zero(&frozen->ref));	/* its value is looked at */
	return true;
}

static void frozen_thaw(struct frozen *frozen, bool again)
{
	if (again)
		percpu_ref_reinit(&frozen->ref);	/* zero is not the end of the object */
	else
		percpu_ref_resurrect(&frozen->ref);	/* zero is not the end of the object */
}

static bool frozen_many(struct frozen *frozen)
{
	return percpu_ref_tryget_many(&frozen->ref, 2);	/* dref has no such operation */
}

static void frozen_mode(struct frozen *frozen)
{
	percpu_ref_switch_to_atomic(&frozen->ref, NULL);	/* it is made exact to look at its value */
	percpu_ref_switch_to_atomic_sync(&frozen->ref);	/* it is made exact to look at its value */
	percpu_ref_switch_to_percpu(&frozen->ref);	/* dref chooses the mode */
}

static void confirmed_confirm(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct confirmed, ref)->confirmed);
}

static void confirmed_end(struct confirmed *confirmed)
{
	percpu_ref_kill_and_confirm(&confirmed->ref, confirmed_confirm);	/* dref_kill() confirms nothing */
	wait_for_completion(&confirmed->confirmed);
	percpu_ref_exit(&confirmed->ref);
}

static struct found *found_get(void)
{
	struct found *found;

	rcu_read_lock();
	found = rcu_dereference(current_found);
	if (found)
		percpu_ref_get(&found->ref);	/* the object was looked up */
	rcu_read_unlock();
	return found;
}

static void freed_free(struct freed *freed)
{
	percpu_ref_exit(&freed->ref);	/* it is not known whether the object is dead */
}

static struct percpu_ref *freed_ref(struct freed *freed)
{
	return &freed->ref;	/* it is used otherwise */
}

static int foreign_init(struct foreign *foreign)
{
	return percpu_ref_init(&foreign->ref, foreign_release, 0, GFP_KERNEL);
}

static void chosen_release(struct percpu_ref *ref)
{
}

static int chosen_init(struct chosen *chosen, unsigned int flags)
{
	if (percpu_ref_init(&chosen->ref, chosen_release, flags, GFP_KERNEL))	/* its flags are not constant */
		return -ENOMEM;
	return 0;
}

static void asked_release(struct percpu_ref *ref)
{
}

static bool asked_init(struct asked *asked)
{
	int ret = percpu_ref_init(&asked->ref, asked_release, 0, GFP_KERNEL);	/* an unknown use of its result */

	return ret < 0;
}

static void elsewhere_end(struct elsewhere *elsewhere)
{
	percpu_ref_kill(&elsewhere->count);	/* its structure is not in these files */
}
