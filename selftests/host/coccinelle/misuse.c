// SPDX-License-Identifier: GPL-2.0
/*
 * Mistakes that a user of dref can make, and beside each what is right. A line that
 * is to be found ends with the name of the semantic patch that must find it.
 */
#include <linux/dref.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/xarray.h>

struct thing {
	struct dref ref;
	struct list_head node;
	int number;
};

/* ---- use-after-put ---- */

static int number_after_put(struct thing *thing)
{
	dref_put(&thing->ref);
	return thing->number;			/* use-after-put */
}

static int number_before_put(struct thing *thing)
{
	int number = thing->number;

	dref_put(&thing->ref);
	return number;
}

static void get_after_put(struct thing *thing)
{
	dref_put(&thing->ref);
	dref_get(&thing->ref);			/* use-after-put */
}

static void put_twice_if(struct dref *ref, bool failed)
{
	dref_put(ref);
	if (failed)
		goto out;
	return;
out:
	dref_put(ref);				/* use-after-put */
}

static void kill_and_put(struct thing *thing)
{
	dref_kill(&thing->ref);
	dref_put(&thing->ref);			/* use-after-put */
}

static int kill_of_two(struct thing *thing)
{
	dref_get(&thing->ref);
	dref_kill(&thing->ref);
	thing->number++;
	dref_put(&thing->ref);
	return 0;
}

static void put_or_put(struct thing *thing, bool really)
{
	if (really)
		dref_kill(&thing->ref);
	else
		dref_put(&thing->ref);
}

static int number_after_put_under_rcu(struct thing *thing)
{
	int number;

	rcu_read_lock();
	dref_put(&thing->ref);
	number = thing->number;
	rcu_read_unlock();
	return number;
}

static void put_all(struct thing **things, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		dref_put(&things[i]->ref);
}

static void put_down_the_list(struct thing *thing)
{
	struct thing *next;

	while (thing) {
		next = list_next_entry(thing, node);
		dref_put(&thing->ref);
		thing = next;
	}
}

static void put_all_of_a_list(struct list_head *list)
{
	struct thing *thing, *next;

	list_for_each_entry_safe(thing, next, list, node) {
		list_del(&thing->node);
		dref_put(&thing->ref);
	}
}

static void put_after_exit(struct thing *thing)
{
	dref_exit(&thing->ref);
	dref_put(&thing->ref);			/* use-after-put */
}

static void number_after_exit(struct thing *thing)
{
	if (!dref_exit(&thing->ref))
		return;
	thing->number = 0;
}

static void put_and_log(struct thing *thing, struct thing *parent)
{
	dref_put(&thing->ref);
	dref_get(&parent->ref);
	pr_info("thing %d is gone\n", thing->number);	/* use-after-put */
}

/* ---- tryget-ignored ---- */

static void hope(struct thing *thing)
{
	dref_tryget(&thing->ref);		/* tryget-ignored */
	thing->number++;
	dref_put(&thing->ref);
}

static void hope_live(struct thing *thing)
{
	(void)dref_tryget_live(&thing->ref);	/* tryget-ignored */
	dref_put(&thing->ref);
}

static void ask(struct thing *thing)
{
	if (dref_tryget(&thing->ref))
		dref_put(&thing->ref);
}

static bool hand_on(struct thing *thing)
{
	return dref_tryget(&thing->ref);
}

/* ---- tryget-unprotected ---- */

static struct thing *published;
static LIST_HEAD(things);
static DEFINE_XARRAY(numbered);
static DEFINE_MUTEX(things_mutex);

static struct thing *find_too_late(void)
{
	struct thing *thing;

	rcu_read_lock();
	thing = rcu_dereference(published);
	rcu_read_unlock();
	if (thing && dref_tryget(&thing->ref))	/* tryget-unprotected */
		return thing;
	return NULL;
}

static struct thing *find_numbered(unsigned long number)
{
	struct thing *thing = xa_load(&numbered, number);

	if (!thing || !dref_tryget(&thing->ref))	/* tryget-unprotected */
		return NULL;
	return thing;
}

static struct thing *find_listed(int number)
{
	struct thing *thing;

	list_for_each_entry(thing, &things, node) {
		if (thing->number == number &&
		    dref_tryget_live(&thing->ref))	/* tryget-unprotected */
			return thing;
	}
	return NULL;
}

static struct thing *find_in_time(void)
{
	struct thing *thing;

	rcu_read_lock();
	thing = rcu_dereference(published);
	if (thing && !dref_tryget(&thing->ref))
		thing = NULL;
	rcu_read_unlock();
	return thing;
}

static struct thing *find_locked(int number)
{
	struct thing *thing, *found = NULL;

	mutex_lock(&things_mutex);
	list_for_each_entry(thing, &things, node) {
		if (thing->number == number && dref_tryget(&thing->ref)) {
			found = thing;
			break;
		}
	}
	mutex_unlock(&things_mutex);
	return found;
}

/* ---- release-sleeps ---- */

static void sleepy_release(struct dref *ref)
{
	struct thing *thing = container_of(ref, struct thing, ref);

	mutex_lock(&things_mutex);		/* release-sleeps */
	list_del(&thing->node);
	mutex_unlock(&things_mutex);
	kfree(thing);
}

static DEFINE_DREF_CLASS(sleepy_class, "sleepy", sleepy_release, 0);

static void greedy_release(struct dref *ref)
{
	void *record = kmalloc(64, GFP_KERNEL);		/* release-sleeps */

	kfree(record);
	kfree(container_of(ref, struct thing, ref));
}

static DEFINE_DREF_CLASS(greedy_class, "greedy", greedy_release, DREF_RCU);

static void patient_release(struct dref *ref)
{
	mutex_lock(&things_mutex);
	list_del(&container_of(ref, struct thing, ref)->node);
	mutex_unlock(&things_mutex);
	kfree(container_of(ref, struct thing, ref));
}

static DEFINE_DREF_CLASS(patient_class, "patient", patient_release, DREF_SLEEP | DREF_RCU);

static void quick_release(struct dref *ref)
{
	void *record = kmalloc(64, GFP_ATOMIC);

	kfree(record);
	kfree(container_of(ref, struct thing, ref));
}

static DEFINE_DREF_CLASS(quick_class, "quick", quick_release, 0);

static void late_release(struct dref *ref)
{
	synchronize_rcu();			/* release-sleeps */
	kfree(container_of(ref, struct thing, ref));
}

static DEFINE_DREF_CLASS(late_class, "late", late_release, DREF_ASYNC);

static void global_release(struct dref *ref)
{
	mutex_lock(&things_mutex);		/* release-sleeps */
	list_del(&container_of(ref, struct thing, ref)->node);
	mutex_unlock(&things_mutex);
	kfree(container_of(ref, struct thing, ref));
}

DEFINE_DREF_CLASS(global_class, "global", global_release, 0);

static void waiting_release(struct dref *ref)
{
	kfree(container_of(ref, struct thing, ref));
	dref_barrier();				/* release-sleeps */
}

static DEFINE_DREF_CLASS(waiting_class, "waiting", waiting_release, DREF_SLEEP);

static void other_waiting_release(struct dref *ref)
{
	kfree(container_of(ref, struct thing, ref));
	dref_class_barrier(&quick_class);	/* release-sleeps */
}

static DEFINE_DREF_CLASS(other_class, "other", other_waiting_release, DREF_SLEEP);

/* ---- init-live ---- */

static void init_twice(struct thing *thing)
{
	dref_init(&thing->ref, &quick_class);
	thing->number = 1;
	dref_init(&thing->ref, &quick_class);	/* init-live */
}

static void init_what_is_held(struct thing *thing)
{
	dref_get(&thing->ref);
	dref_init(&thing->ref, &quick_class);	/* init-live */
}

static void init_what_lives_for_ever(struct thing *thing)
{
	dref_immortalize(&thing->ref);
	dref_init(&thing->ref, &quick_class);	/* init-live */
}

static void init_after_exit(struct thing *thing)
{
	dref_init(&thing->ref, &quick_class);
	if (dref_exit(&thing->ref))
		dref_init(&thing->ref, &patient_class);
}

static void init_one_or_the_other(struct thing *thing, bool sleep)
{
	if (sleep)
		dref_init(&thing->ref, &patient_class);
	else
		dref_init(&thing->ref, &quick_class);
}

static void init_all(struct thing *thing, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		dref_init(&thing[i].ref, &quick_class);
}

static void init_again(struct thing *thing)
{
	dref_init(&thing->ref, &quick_class);
	dref_put(&thing->ref);
	thing = kzalloc(sizeof(*thing), GFP_KERNEL);
	if (thing)
		dref_init(&thing->ref, &quick_class);
}

/* ---- free-without-exit ---- */

static struct kmem_cache *cache;

static struct thing *thing_new(int number)
{
	struct thing *thing = kzalloc(sizeof(*thing), GFP_KERNEL);

	if (!thing)
		return NULL;
	dref_init(&thing->ref, &quick_class);
	if (!number) {
		kfree(thing);			/* free-without-exit */
		return NULL;
	}
	return thing;
}

static int thing_publish(struct thing *thing)
{
	int err;

	dref_init(&thing->ref, &quick_class);
	err = xa_insert(&numbered, thing->number, thing, GFP_KERNEL);
	if (err)
		goto free;
	return 0;

free:
	kmem_cache_free(cache, thing);		/* free-without-exit */
	return err;
}

static void thing_forget(struct thing *thing)
{
	dref_init(&thing->ref, &quick_class);
	dref_immortalize(&thing->ref);
	kvfree(thing);				/* free-without-exit */
}

static struct thing *thing_new_with_exit(int number)
{
	struct thing *thing = kzalloc(sizeof(*thing), GFP_KERNEL);

	if (!thing)
		return NULL;
	if (number < 0) {
		kfree(thing);
		return NULL;
	}
	dref_init(&thing->ref, &quick_class);
	if (!number) {
		dref_exit(&thing->ref);
		kfree(thing);
		return NULL;
	}
	return thing;
}

static int thing_publish_or_put(struct thing *thing, void *name)
{
	int err;

	dref_init(&thing->ref, &quick_class);
	err = xa_insert(&numbered, thing->number, thing, GFP_KERNEL);
	if (err)
		dref_put(&thing->ref);
	kfree(name);
	return err;
}

static void thing_embedded(struct thing *thing)
{
	dref_init(&thing->ref, &other_class);
	thing->number++;
	dref_put(&thing->ref);
	dref_class_barrier(&other_class);
	kfree(thing);
}

static struct thing *thing_next(struct thing *thing, struct thing *old)
{
	dref_init(&thing->ref, &quick_class);
	thing->number = old->number + 1;
	list_add(&thing->node, &things);
	thing = old;
	kfree(thing);
	return NULL;
}

/* ---- contract-1-to-2 ---- */

static void init_cleared(struct thing *thing)
{
	memset(&thing->ref, 0, sizeof(thing->ref));	/* contract-1-to-2 */
	dref_init(&thing->ref, &quick_class);
}

static void init_with_cleared_node(struct thing *thing)
{
	memset(&thing->node, 0, sizeof(thing->node));
	dref_init(&thing->ref, &quick_class);
}
