// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of flushing a list: a flush waits for the objects that were in the list before it,
 * and for no others.  The tests do what the work item does, step by step.
 */
#include "kunit.h"

#include "../core/worklist.c"

static struct dref_worklist list;
static struct llist_node nodes[3];

static int worklist_init(struct kunit *test)
{
	memset(&list, 0, sizeof(list));
	return kunit_core_init(test);
}

static void add(int i)
{
	llist_add(&nodes[i], &list.list);
}

static void take(void)
{
	llist_del_all(&list.list);
}

static void an_empty_list_is_flushed(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, dref_worklist_flushed(&list, dref_flush_ticket()));
}

static void a_flush_waits_until_its_objects_are_dealt_with(struct kunit *test)
{
	unsigned long flush, work;

	add(0);
	flush = dref_flush_ticket();
	KUNIT_EXPECT_FALSE(test, dref_worklist_flushed(&list, flush));
	work = dref_worklist_begin(&list);
	KUNIT_EXPECT_FALSE(test, dref_worklist_flushed(&list, flush));
	take();
	KUNIT_EXPECT_FALSE(test, dref_worklist_flushed(&list, flush));
	dref_worklist_end(&list, work);
	KUNIT_EXPECT_TRUE(test, dref_worklist_flushed(&list, flush));
}

/* The work item has taken an object, and deals with it, when the flush begins */
static void a_flush_waits_for_objects_that_were_taken_before(struct kunit *test)
{
	unsigned long flush, work;

	add(0);
	work = dref_worklist_begin(&list);
	take();
	flush = dref_flush_ticket();
	KUNIT_EXPECT_FALSE(test, dref_worklist_flushed(&list, flush));
	dref_worklist_end(&list, work);
	KUNIT_EXPECT_TRUE(test, dref_worklist_flushed(&list, flush));
}

/* An object that comes after the flush keeps it waiting only until the next work item ends */
static void a_flush_does_not_wait_for_later_objects(struct kunit *test)
{
	unsigned long flush, work;

	add(0);
	flush = dref_flush_ticket();
	work = dref_worklist_begin(&list);
	take();
	add(1);
	dref_worklist_end(&list, work);
	KUNIT_EXPECT_TRUE(test, dref_worklist_flushed(&list, flush));
	KUNIT_EXPECT_FALSE(test, dref_worklist_flushed(&list, dref_flush_ticket()));
}

/* A work item that began before the flush need not have taken all that it waits for */
static void an_old_work_item_flushes_nothing_later(struct kunit *test)
{
	unsigned long flush, work;

	work = dref_worklist_begin(&list);
	take();
	add(0);
	flush = dref_flush_ticket();
	dref_worklist_end(&list, work);
	KUNIT_EXPECT_FALSE(test, dref_worklist_flushed(&list, flush));
	work = dref_worklist_begin(&list);
	take();
	dref_worklist_end(&list, work);
	KUNIT_EXPECT_TRUE(test, dref_worklist_flushed(&list, flush));
}

static void tickets_wrap(struct kunit *test)
{
	unsigned long before = atomic_long_read(&last_ticket);
	int i;

	atomic_long_set(&last_ticket, -3);
	list.flushed = -3;
	for (i = 0; i < 5; i++)
		a_flush_waits_until_its_objects_are_dealt_with(test);
	atomic_long_set(&last_ticket, LONG_MAX - 2);
	list.flushed = LONG_MAX - 2;
	for (i = 0; i < 5; i++)
		a_flush_waits_until_its_objects_are_dealt_with(test);
	atomic_long_set(&last_ticket, before);
}

static struct kunit_case worklist_cases[] = {
	KUNIT_CASE(an_empty_list_is_flushed),
	KUNIT_CASE(a_flush_waits_until_its_objects_are_dealt_with),
	KUNIT_CASE(a_flush_waits_for_objects_that_were_taken_before),
	KUNIT_CASE(a_flush_does_not_wait_for_later_objects),
	KUNIT_CASE(an_old_work_item_flushes_nothing_later),
	KUNIT_CASE(tickets_wrap),
	{ }
};

static struct kunit_suite worklist_suite = {
	.name		= "dref_worklist",
	.init		= worklist_init,
	.exit		= kunit_core_exit,
	.test_cases	= worklist_cases,
};

kunit_test_suite(worklist_suite);
