// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of mistakes that only a kernel with debugobjects (CONFIG_DEBUG_OBJECTS) detects: a
 * second dref_init(), an operation before dref_init(), and memory that is freed while its
 * object is alive.
 *
 * debugobjects reports them, and in_kernel counts its reports ("odebug").  After each of
 * these mistakes, dref has counted more objects than there are.  A test evens that out: it
 * has copied an object before it spoils it, and puts the copy.
 */
#include <linux/debugobjects.h>
#include <linux/slab.h>

#include "test.h"

/* ---- is debugobjects on? ---- */

#ifdef CONFIG_DEBUG_OBJECTS
static bool probe_seen;

/* debugobjects asks this about an object that it does not know, unless it is off */
static bool probe_is_static(void *probe)
{
	probe_seen = true;
	return true;
}

static const struct debug_obj_descr probe_descr = {
	.name			= "dref_test",
	.is_static_object	= probe_is_static,
};

/* Out of memory, debugobjects switches itself off, and reports nothing any more */
static bool odebug_is_on(void)
{
	static int probe;

	probe_seen = false;
	debug_object_assert_init(&probe, &probe_descr);
	debug_object_free(&probe, &probe_descr);
	return probe_seen;
}
#else
static bool odebug_is_on(void)
{
	return false;
}
#endif

/* Returns true if the test can run; a kernel with debugobjects must have it on */
static bool needs_odebug(struct dref_test *t)
{
	if (!IS_ENABLED(CONFIG_DEBUG_OBJECTS)) {
		test_skip(t, "needs CONFIG_DEBUG_OBJECTS");
		return false;
	}
	return CHECK(t, odebug_is_on(), "debugobjects has switched itself off");
}

/* ---- mistakes ---- */

/* Make @copy an object like @obj, which is exact and alive */
static void copy_object(struct test_object *copy, const struct test_object *obj)
{
	copy->ref = obj->ref;
	copy->ref.link.next = &copy->ref.link;
}

static struct test_object *bare_object(struct dref_test *t)
{
	struct test_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (CHECK(t, obj, "out of memory"))
		obj->t = t;
	return obj;
}

static void init_twice(struct dref_test *t)
{
	struct dref_class *class;
	struct test_object *obj, *copy;

	if (!needs_odebug(t))
		return;
	class = test_class(t, 0);
	obj = test_new(t, class, false);
	copy = bare_object(t);
	if (!obj || !copy)
		goto out;
	preempt_disable();	/* on one CPU, the puts do not look whether it is initialised */
	copy_object(copy, obj);
	dref_init(&obj->ref, class);
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld", dref_read(&obj->ref));
	dref_put(&copy->ref);
	dref_put(&obj->ref);
	preempt_enable();
out:
	kfree(copy);
}

/* Memory that looks like an object, but has not been initialised: copied, for example */
static void use_before_init(struct dref_test *t)
{
	struct test_object *obj, *copy;

	if (!needs_odebug(t))
		return;
	obj = test_new(t, test_class(t, 0), false);
	copy = bare_object(t);
	if (obj && copy) {
		copy_object(copy, obj);
		dref_get_many(&copy->ref, 5);
	}
	if (obj)
		dref_put(&obj->ref);
	kfree(copy);
}

static void free_while_alive(struct dref_test *t)
{
	struct dref_class *class;
	struct test_object *obj, *copy;

	if (!IS_ENABLED(CONFIG_DEBUG_OBJECTS_FREE)) {
		test_skip(t, "needs CONFIG_DEBUG_OBJECTS_FREE");
		return;
	}
	if (!needs_odebug(t))
		return;
	class = test_class(t, 0);
	obj = bare_object(t);
	copy = bare_object(t);
	if (class && obj && copy) {
		preempt_disable();	/* as in init_twice() */
		dref_init(&obj->ref, class);
		copy_object(copy, obj);
		kfree(obj);
		obj = NULL;
		dref_put(&copy->ref);
		preempt_enable();
	}
	kfree(obj);
	kfree(copy);
}

/* None of these ways to end an object is a mistake */
static void free_after_the_end(struct dref_test *t)
{
	struct test_object *obj;
	struct dref_class *class;
	int end;

	enum { PUT, PUT_DEFERRED, EXIT, IMMORTALIZE, NR_ENDS };

	if (!needs_odebug(t))
		return;
	class = test_class(t, 0);
	for (end = 0; class && end < NR_ENDS; end++) {
		obj = bare_object(t);
		if (!obj)
			return;
		dref_init(&obj->ref, class);
		switch (end) {
		case PUT_DEFERRED:
			CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer");
			fallthrough;
		case PUT:
			dref_put(&obj->ref);
			dref_barrier();
			break;
		case EXIT:
			CHECK(t, dref_exit(&obj->ref), "exit failed");
			break;
		case IMMORTALIZE:
			dref_immortalize(&obj->ref);
			break;
		}
		kfree(obj);
	}
}

/*
 * debugobjects warns five times at most, and then only counts.  The end of a copy may be
 * one report more.
 */
const struct dref_test_case test_odebug[] = {
	{ "init_twice",			init_twice,
	  .expects = "odebug>0 odebug<3 warnings<3", .says = "ODEBUG: init active" },
	{ "use_before_init",		use_before_init,
	  .expects = "odebug=1 warnings<2", .says = "ODEBUG: assert_init not available" },
	{ "free_while_alive",		free_while_alive,
	  .expects = "odebug>0 odebug<3 warnings<3", .says = "ODEBUG: free active" },
	{ "free_after_the_end",		free_after_the_end },
	{ }
};
