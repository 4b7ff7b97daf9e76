// SPDX-License-Identifier: GPL-2.0
/*
 * Tells the kernel's debugobjects (CONFIG_DEBUG_OBJECTS) when an object begins and ends.
 *
 * dref_init() cannot know whether the memory already contains a live object, and a put cannot
 * know whether there was a dref_init().  debugobjects keeps a list of all objects, and so
 * reports with a WARN and the class of mistake in it:
 *
 *	ODEBUG: init active		dref_init() of a live object
 *	ODEBUG: assert_init not available	use before dref_init(), or after release();
 *					tested off the fast path only
 *	ODEBUG: free active		memory was freed with a live object in it (with
 *					CONFIG_DEBUG_OBJECTS_FREE)
 *
 * On such a kernel class->created is always NULL, so that every dref_init() comes to
 * dref_init_slow().  An object is active from there until its release(), dref_exit() or
 * immortality.  Nothing is told in an NMI, because debugobjects takes locks.
 */
#include <linux/debugobjects.h>
#include <linux/sched/task_stack.h>

#include "../core/internal.h"

/* Named in a report.  It may be of memory that was never initialised, so it is only printed. */
static void *dref_debug_hint(void *addr)
{
	return ((struct dref *)addr)->class;
}

/* An immortal object has no dref_init() if it was immortal from the beginning */
static bool dref_debug_is_static(void *addr)
{
	return dref_is_immortal(addr);
}

static bool dref_debug_fixup_init(void *addr, enum debug_obj_state state);
static bool dref_debug_fixup_free(void *addr, enum debug_obj_state state);

static const struct debug_obj_descr dref_debug_descr = {
	.name			= "dref",
	.debug_hint		= dref_debug_hint,
	.is_static_object	= dref_debug_is_static,
	.fixup_init		= dref_debug_fixup_init,
	.fixup_free		= dref_debug_fixup_free,
};

static void dref_debug_forget(void *addr)
{
	debug_object_deactivate(addr, &dref_debug_descr);
	debug_object_free(addr, &dref_debug_descr);
}

/* dref_init() of a live object: from now on it is another one */
static bool dref_debug_fixup_init(void *addr, enum debug_obj_state state)
{
	if (!dref_debug_fixup_free(addr, state))
		return false;
	debug_object_init(addr, &dref_debug_descr);
	return true;
}

/* The memory of a live object is being freed: forget the object */
static bool dref_debug_fixup_free(void *addr, enum debug_obj_state state)
{
	if (state != ODEBUG_STATE_ACTIVE)
		return false;
	dref_debug_forget(addr);
	return true;
}

/* @ref is about to be initialised */
void dref_debug_init(struct dref *ref)
{
	if (in_nmi())
		return;
	if (object_is_on_stack(ref))
		debug_object_init_on_stack(ref, &dref_debug_descr);
	else
		debug_object_init(ref, &dref_debug_descr);
	debug_object_activate(ref, &dref_debug_descr);
}

/* @ref is about to be released, or has become immortal */
void dref_debug_end(struct dref *ref)
{
	if (!in_nmi())
		dref_debug_forget(ref);
}

/* @ref is used: report it if it is not alive */
void dref_debug_check(struct dref *ref)
{
	/* A dead object is reported by its count */
	if (!in_nmi() && atomic_long_read(&ref->count) >= 0)
		debug_object_assert_init(ref, &dref_debug_descr);
}
