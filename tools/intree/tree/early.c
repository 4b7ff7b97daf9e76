// SPDX-License-Identifier: GPL-2.0
/*
 * dref in security_init(): classes are registered, and objects counted, before
 * dref_module_init() and before workers run.
 *
 * Security modules are the earliest users that dref supports.  So this is one, without a
 * hook.  It does with its objects what it can do that early, and the KUnit suite, which
 * runs after all initcalls, checks what has become of them.
 */
#include <kunit/test.h>
#include <linux/dref.h>
#include <linux/lsm_hooks.h>
#include <linux/smp.h>

#include "../internal.h"

struct early_object {
	struct dref	ref;
	unsigned int	released;
};

static void early_release(struct dref *ref)
{
	struct early_object *object = container_of(ref, struct early_object, ref);

	WRITE_ONCE(object->released, object->released + 1);
}

enum { EARLY_NOW, EARLY_ASYNC, EARLY_RCU, EARLY_SLEEP, EARLY_CLASSES };

#define EARLY_CLASS(_name, _flags)	\
	{ .name = (_name), .release = early_release, .flags = (_flags), .owner = THIS_MODULE }

static struct dref_class early_classes[EARLY_CLASSES] = {
	[EARLY_NOW]	= EARLY_CLASS("early-now", 0),
	[EARLY_ASYNC]	= EARLY_CLASS("early-async", DREF_ASYNC),
	[EARLY_RCU]	= EARLY_CLASS("early-rcu", DREF_RCU),
	[EARLY_SLEEP]	= EARLY_CLASS("early-sleep", DREF_SLEEP),
};

/* Objects that are dropped in security_init(), one of each class */
static struct early_object dropped[EARLY_CLASSES];
/* Objects that keep two references, and one that is killed while it is deferred */
static struct early_object exact, deferred, killed;

/* What was seen in security_init() */
static struct {
	bool		ran;
	int		registered;	/* the first error, or 0 */
	int		defer;		/* likewise */
	unsigned int	cpu;
	u32		home;
	bool		tryget;
	unsigned int	released[EARLY_CLASSES];
} seen;

static int __init early_init(void)
{
	unsigned int i;

	seen.ran = true;
	for (i = 0; i < EARLY_CLASSES && !seen.registered; i++)
		seen.registered = dref_class_register(&early_classes[i]);
	if (seen.registered)
		return 0;

	preempt_disable();
	seen.cpu = smp_processor_id();
	seen.home = raw_cpu_read(dref_home);
	preempt_enable();

	for (i = 0; i < EARLY_CLASSES; i++) {
		dref_init(&dropped[i].ref, &early_classes[i]);
		dref_get(&dropped[i].ref);
		dref_put(&dropped[i].ref);
		dref_put(&dropped[i].ref);
		seen.released[i] = READ_ONCE(dropped[i].released);
	}

	dref_init(&exact.ref, &early_classes[EARLY_NOW]);
	seen.tryget = dref_tryget(&exact.ref);

	dref_init(&deferred.ref, &early_classes[EARLY_SLEEP]);
	seen.defer = dref_defer(&deferred.ref, GFP_KERNEL);
	dref_get_many(&deferred.ref, 2);
	dref_put(&deferred.ref);

	dref_init(&killed.ref, &early_classes[EARLY_RCU]);
	seen.defer = dref_defer(&killed.ref, GFP_KERNEL) ?: seen.defer;
	dref_kill(&killed.ref);
	return 0;
}

static const struct lsm_id early_id = {
	.name	= "dref_early",
	.id	= LSM_ID_UNDEF,
};

DEFINE_LSM(dref_early) = {
	.id	= &early_id,
	.init	= early_init,
};

static int early_suite_test_init(struct kunit *test)
{
	if (!seen.ran)
		kunit_skip(test, "not in the list of security modules: boot with lsm=dref_early");
	return 0;
}

static void classes_are_registered(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, seen.registered, 0);
	KUNIT_EXPECT_EQ(test, seen.defer, 0);
	KUNIT_EXPECT_TRUE(test, seen.tryget);
	for (i = 0; i < EARLY_CLASSES && IS_ENABLED(CONFIG_DREF_DEBUGFS); i++)
		KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(early_classes[i].dir));
}

static void home_is_the_boot_cpu(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seen.home, seen.cpu << DREF_MODE_CPU_SHIFT | DREF_MODE_EXACT);
}

static void last_put_releases_at_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seen.released[EARLY_NOW], 1U);
	KUNIT_EXPECT_EQ(test, READ_ONCE(dropped[EARLY_NOW].released), 1U);
}

static void queued_releases_run_later(struct kunit *test)
{
	unsigned int i;

	dref_barrier();
	for (i = EARLY_ASYNC; i < EARLY_CLASSES; i++) {
		KUNIT_EXPECT_EQ(test, seen.released[i], 0U);
		KUNIT_EXPECT_EQ(test, READ_ONCE(dropped[i].released), 1U);
	}
	KUNIT_EXPECT_EQ(test, READ_ONCE(killed.released), 1U);
}

static void counts_go_on(struct kunit *test)
{
	struct early_object *object[] = { &exact, &deferred };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(object); i++) {
		KUNIT_EXPECT_EQ(test, dref_read(&object[i]->ref), 2L);
		dref_put(&object[i]->ref);
		dref_barrier();
		KUNIT_EXPECT_EQ(test, READ_ONCE(object[i]->released), 0U);
		dref_put(&object[i]->ref);
		dref_barrier();
		KUNIT_EXPECT_EQ(test, READ_ONCE(object[i]->released), 1U);
	}
}

static void classes_are_unregistered(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < EARLY_CLASSES; i++)
		KUNIT_EXPECT_EQ(test, dref_class_unregister(&early_classes[i]), 0);
}

static struct kunit_case early_cases[] = {
	KUNIT_CASE(classes_are_registered),
	KUNIT_CASE(home_is_the_boot_cpu),
	KUNIT_CASE(last_put_releases_at_once),
	KUNIT_CASE(queued_releases_run_later),
	KUNIT_CASE(counts_go_on),
	KUNIT_CASE(classes_are_unregistered),
	{}
};

static struct kunit_suite early_suite = {
	.name		= "dref_early",
	.init		= early_suite_test_init,
	.test_cases	= early_cases,
};

kunit_test_suite(early_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit test for deferred reference counts in security_init()");
