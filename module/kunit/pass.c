// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of passes, one half at a time: which objects are found dead, which are
 * demoted, and when the next pass is due.  No pass begins by itself, and a
 * Tasks RCU grace period ends when the test sets a flag.
 */
#include "kunit.h"

#include "../core/reconcile.c"

void kunit_one_pass(bool expedited)
{
	struct dref_found found = { };

	if (expedited) {
		dref_pass_expedited(&found);
		return;
	}
	mutex_lock(&pass_mutex);
	dref_pass_begin(false);
	synchronize_rcu_expedited();
	dref_pass_end_periodic();
	mutex_unlock(&pass_mutex);
}

static void run_passes(unsigned int nr)
{
	while (nr--)
		kunit_one_pass(false);
}

/*
 * Initialise a deferred object with one reference.  All objects here are static,
 * because passes may still use them after a test that has failed.
 */
static struct dref_slot *init_deferred(struct kunit *test, struct dref *ref)
{
	memset(ref, 0, sizeof(*ref));
	dref_init(ref, &kunit_class.class);
	KUNIT_ASSERT_EQ(test, dref_defer(ref, GFP_KERNEL), 0);
	return list_last_entry(&incoming, struct dref_slot, node);
}

static unsigned long state_of(const struct dref *ref)
{
	return dref_mode_state(ref->mode);
}

/* The sum is gets less puts, on whichever CPU they were counted, plus count less bias */
static void a_sum_has_three_parts(struct kunit *test)
{
	static const struct {
		unsigned long	gets;
		unsigned long	puts;
		long		count;
		long		sum;
	} rows[] = {
		{ 0, 0, DREF_BIAS, 1 },
		{ 0, 0, DREF_BIAS - 1, 0 },
		{ 0, 1, DREF_BIAS, 0 },
		{ 5, 6, DREF_BIAS, 0 },
		{ 5, 6, DREF_BIAS + 1, 1 },
		{ 7, 2, DREF_BIAS - 6, 0 },	/* puts in flight since it was exact */
		{ 0, 2, DREF_BIAS, -1 },	/* a put too many */
		{ 2, -1UL, DREF_BIAS, 4 },	/* the counters wrap */
		{ 0, 0, DREF_BIAS + DREF_COUNT_LIMIT - 1, DREF_COUNT_LIMIT },
	};
	static struct dref ref;
	struct dref_slot *slot = init_deferred(test, &ref);
	struct dref_counts *first, *last;
	int i;

	first = per_cpu_ptr(slot->counts, cpumask_first(cpu_possible_mask));
	last = per_cpu_ptr(slot->counts, cpumask_last(cpu_possible_mask));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		first->gets = rows[i].gets;
		last->puts = rows[i].puts;
		slot->puts = dref_slot_puts(slot);
		KUNIT_EXPECT_EQ_MSG(test, dref_pass_sum(slot, rows[i].count, dref_slot_gets(slot)),
				    rows[i].sum, "row %d", i);
	}
	first->gets = 0;
	last->puts = 1;
}

/*
 * References are taken and dropped on different CPUs.  The object stays alive
 * until the last put, and the next pass releases it once.
 */
static void a_pass_finds_the_last_put(struct kunit *test)
{
	static struct dref ref;
	int cpu, held = 1;

	init_deferred(test, &ref);
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		dref_get(&ref);
		held++;
	}
	while (held) {
		for_each_online_cpu(cpu) {
			kunit_one_pass(cpu % 2);
			KUNIT_EXPECT_EQ(test, kunit_class.released, 0);
			KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_DEFERRED);
			KUNIT_EXPECT_EQ(test, dref_read(&ref), (long)held);
			kunit_move_to(test, cpu);
			dref_put(&ref);
			if (!--held)
				break;
		}
	}
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);
	kunit_one_pass(true);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_LT(test, atomic_long_read(&ref.count), DREF_COUNT_DEAD + BIT(60));
	kunit_one_pass(true);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_RELEASED_DEFERRED), 1UL);
}

/* A tryget between the halves of a pass resurrects a dying object */
static void a_tryget_resurrects(struct kunit *test)
{
	struct dref_found found = { };
	static struct dref ref;

	init_deferred(test, &ref);
	dref_put(&ref);
	mutex_lock(&pass_mutex);
	dref_pass_begin(true);
	KUNIT_EXPECT_TRUE(test, dref_is_dying(&ref));
	KUNIT_EXPECT_EQ(test, pass.dying, 1UL);
	KUNIT_EXPECT_TRUE(test, dref_tryget(&ref));
	KUNIT_EXPECT_TRUE(test, dref_is_dying(&ref));
	dref_pass_end(&found);
	mutex_unlock(&pass_mutex);
	KUNIT_EXPECT_EQ(test, found.dead, 0UL);
	KUNIT_EXPECT_EQ(test, pass.dying, 0UL);
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 1L);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_RESURRECTED), 1UL);
	dref_put(&ref);
	kunit_one_pass(true);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
}

/*
 * A reference that is taken and dropped again between the halves of a pass does
 * not show in the sum, and the object is released.
 */
static void a_get_and_put_between_the_halves(struct kunit *test)
{
	struct dref_found found = { };
	static struct dref ref;

	init_deferred(test, &ref);
	dref_put(&ref);
	mutex_lock(&pass_mutex);
	dref_pass_begin(true);
	KUNIT_EXPECT_TRUE(test, dref_tryget(&ref));
	dref_put(&ref);
	dref_pass_end(&found);
	mutex_unlock(&pass_mutex);
	KUNIT_EXPECT_EQ(test, found.dead, 1UL);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
}

static void death_is_refused_if_count_has_changed(struct kunit *test)
{
	static struct dref ref;

	init_deferred(test, &ref);
	KUNIT_EXPECT_FALSE(test, dref_declare_dead(&ref, DREF_BIAS - 1, 0));
	KUNIT_EXPECT_FALSE(test, dref_declare_dead(&ref, DREF_BIAS + 1, 0));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	dref_put(&ref);
}

/*
 * The demote_passes-th periodic pass without activity demotes an object; the
 * pass before does not.  A get and a put are activity, although they leave the
 * sum as it was.
 */
static void idle_objects_are_demoted(struct kunit *test)
{
	struct dref_slot *slot;
	static struct dref ref;

	slot = init_deferred(test, &ref);
	run_passes(1);				/* the first pass records the activity */
	KUNIT_EXPECT_EQ(test, slot->idle_passes, 0U);
	run_passes(dref_demote_passes - 1);
	KUNIT_EXPECT_EQ(test, slot->idle_passes, dref_demote_passes - 1);
	KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_DEFERRED);
	kunit_one_pass(true);			/* an expedited pass does not count */
	KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_DEFERRED);

	dref_get(&ref);
	dref_put(&ref);
	run_passes(1);
	KUNIT_EXPECT_EQ(test, slot->idle_passes, 0U);
	run_passes(dref_demote_passes - 1);
	KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_DEFERRED);
	run_passes(1);
	KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_DEMOTING);

	/* a get cancels the demotion, and the object starts anew */
	dref_get(&ref);
	KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_DEFERRED);
	run_passes(1);
	KUNIT_EXPECT_FALSE(test, slot->demoting);
	KUNIT_EXPECT_EQ(test, slot->idle_passes, 0U);
	dref_put_many(&ref, 2);
}

/* A slot is folded only after Tasks RCU: until then a get or put may increment it */
static void a_fold_waits_for_tasks_rcu(struct kunit *test)
{
	static struct dref ref;

	init_deferred(test, &ref);
	dref_get_many(&ref, 5);
	dref_put_many(&ref, 2);
	ref.mode = dref_mode_kill(ref.mode);
	run_passes(1 + dref_demote_passes);
	KUNIT_ASSERT_EQ(test, state_of(&ref), DREF_MODE_DEMOTING);
	run_passes(3);
	KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_DEMOTING);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 4L);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);

	kunit_tasks_gp_over = true;
	run_passes(1);
	KUNIT_EXPECT_EQ(test, state_of(&ref), DREF_MODE_EXACT);
	KUNIT_EXPECT_TRUE(test, dref_mode_killed(ref.mode));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 3L);
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 4L);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_DEMOTIONS), 1UL);
	dref_put_many(&ref, 4);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
}

/* A pass finds a demoting object dead, however long Tasks RCU takes */
static void demoting_objects_can_die(struct kunit *test)
{
	static struct dref ref;

	init_deferred(test, &ref);
	run_passes(1 + dref_demote_passes);
	KUNIT_ASSERT_EQ(test, state_of(&ref), DREF_MODE_DEMOTING);
	atomic_long_dec(&ref.count);	/* a put that had read mode while it was exact */
	kunit_one_pass(true);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_DEMOTIONS), 0UL);
}

static void slots_of_immortals_wait_for_tasks_rcu(struct kunit *test)
{
	static struct dref ref;

	init_deferred(test, &ref);
	dref_immortalize(&ref);
	run_passes(3);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.class->deferred), 0L);
	kunit_tasks_gp_over = true;
	run_passes(1);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 0);
}

/*
 * The interval doubles from pass_min_ms to pass_max_ms, and is short again after
 * a kick.  When the last object is gone, no pass is due.
 */
static void intervals_double(struct kunit *test)
{
	static const unsigned int minutes[] = { 3, 6, 12, 24, 48, 60, 60 };
	const unsigned int minute = 60 * MSEC_PER_SEC;
	static struct dref ref;
	int i;

	dref_pass_min_ms = 3 * minute;
	dref_pass_max_ms = 60 * minute;
	mutex_lock(&pass_mutex);
	interval_ms = 0;
	mutex_unlock(&pass_mutex);
	init_deferred(test, &ref);
	for (i = 0; i < ARRAY_SIZE(minutes); i++) {
		run_passes(1);
		KUNIT_EXPECT_EQ(test, interval_ms, minutes[i] * minute);
		KUNIT_EXPECT_TRUE(test, delayed_work_pending(&pass_work));
	}

	/* a kick brings the next pass forward, and shortens the following intervals */
	cancel_delayed_work_sync(&pass_work);	/* pending since the first pass */
	mutex_lock(&pass_mutex);
	dref_pass_arm(false);
	mutex_unlock(&pass_mutex);
	KUNIT_EXPECT_TRUE(test, time_after(pass_work.timer.expires,
					   last_begin + 50 * 60 * HZ));
	dref_pass_kick();
	irq_work_sync(&kick_irq_work);
	KUNIT_EXPECT_TRUE(test, time_before(pass_work.timer.expires,
					    last_begin + 4 * 60 * HZ));
	mutex_lock(&pass_mutex);
	dref_pass_arm(false);
	mutex_unlock(&pass_mutex);
	KUNIT_EXPECT_EQ(test, interval_ms, 3 * minute);
	run_passes(1);
	KUNIT_EXPECT_EQ(test, interval_ms, 6 * minute);

	dref_put(&ref);
	run_passes(1);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, interval_ms, 0U);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&pass_work));
}

static struct kunit_case pass_cases[] = {
	KUNIT_CASE(a_sum_has_three_parts),
	KUNIT_CASE(a_pass_finds_the_last_put),
	KUNIT_CASE(a_tryget_resurrects),
	KUNIT_CASE(a_get_and_put_between_the_halves),
	KUNIT_CASE(death_is_refused_if_count_has_changed),
	KUNIT_CASE(idle_objects_are_demoted),
	KUNIT_CASE(a_fold_waits_for_tasks_rcu),
	KUNIT_CASE(demoting_objects_can_die),
	KUNIT_CASE(slots_of_immortals_wait_for_tasks_rcu),
	KUNIT_CASE(intervals_double),
	{ }
};

KUNIT_CORE_SUITE("dref_pass", pass_cases);
