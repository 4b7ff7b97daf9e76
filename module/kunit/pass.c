// SPDX-License-Identifier: GPL-2.0
/*
 * Passes, one half at a time: who is dead, who gets quiet enough to be demoted, and
 * when the next pass is due.  No pass begins by itself, and Tasks RCU is over when
 * the test says so.
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
	dref_mutex_lock(&dref_pass_mutex);
	dref_pass_begin(false);
	synchronize_rcu_expedited();
	dref_pass_end_periodic();
	dref_mutex_unlock(&dref_pass_mutex);
}

static void passes(unsigned int nr)
{
	while (nr--)
		kunit_one_pass(false);
}

/* A deferred object with one reference; static, as passes outlive a test that fails */
static struct dref_slot *defer(struct kunit *test, struct dref *ref)
{
	memset(ref, 0, sizeof(*ref));
	dref_init(ref, &kunit_class.class);
	KUNIT_ASSERT_EQ(test, dref_defer(ref, GFP_KERNEL), 0);
	return list_last_entry(&incoming, struct dref_slot, node);
}

static unsigned long state(const struct dref *ref)
{
	return ref->mode & DREF_MODE_STATE;
}

/* References are gets less puts, wherever they were counted, and what is in count */
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
		{ 7, 2, DREF_BIAS - 6, 0 },	/* exact puts, in flight */
		{ 0, 2, DREF_BIAS, -1 },	/* one too many */
		{ 2, -1UL, DREF_BIAS, 4 },	/* they wrap */
		{ 0, 0, DREF_BIAS + DREF_COUNT_LIMIT - 1, DREF_COUNT_LIMIT },
	};
	static struct dref ref;
	struct dref_slot *slot = defer(test, &ref);
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

/* Got on one CPU, dropped on another: alive until the last one, and released once */
static void a_pass_finds_the_last_put(struct kunit *test)
{
	static struct dref ref;
	int cpu, held = 1;

	defer(test, &ref);
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		dref_get(&ref);
		held++;
	}
	while (held) {
		for_each_online_cpu(cpu) {
			kunit_one_pass(cpu % 2);
			KUNIT_EXPECT_EQ(test, kunit_class.released, 0);
			KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_DEFERRED);
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

/* Between the halves */
static void a_tryget_resurrects(struct kunit *test)
{
	struct dref_found found = { };
	static struct dref ref;

	defer(test, &ref);
	dref_put(&ref);
	dref_mutex_lock(&dref_pass_mutex);
	dref_pass_begin(true);
	KUNIT_EXPECT_TRUE(test, dref_is_dying(&ref));
	KUNIT_EXPECT_EQ(test, pass.dying, 1UL);
	KUNIT_EXPECT_TRUE(test, dref_tryget(&ref));
	KUNIT_EXPECT_TRUE(test, dref_is_dying(&ref));
	dref_pass_end(&found);
	dref_mutex_unlock(&dref_pass_mutex);
	KUNIT_EXPECT_EQ(test, found.dead, 0UL);
	KUNIT_EXPECT_EQ(test, pass.dying, 0UL);
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 1L);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_RESURRECTED), 1UL);
	dref_put(&ref);
	kunit_one_pass(true);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
}

/* And gone again, which the sum does not show, but nobody may take it for granted */
static void a_guest_between_the_halves(struct kunit *test)
{
	struct dref_found found = { };
	static struct dref ref;

	defer(test, &ref);
	dref_put(&ref);
	dref_mutex_lock(&dref_pass_mutex);
	dref_pass_begin(true);
	KUNIT_EXPECT_TRUE(test, dref_tryget(&ref));
	dref_put(&ref);
	dref_pass_end(&found);
	dref_mutex_unlock(&dref_pass_mutex);
	KUNIT_EXPECT_EQ(test, found.dead, 1UL);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
}

static void death_is_refused_if_count_has_changed(struct kunit *test)
{
	static struct dref ref;

	defer(test, &ref);
	KUNIT_EXPECT_FALSE(test, dref_declare_dead(&ref, DREF_BIAS - 1, 0));
	KUNIT_EXPECT_FALSE(test, dref_declare_dead(&ref, DREF_BIAS + 1, 0));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	dref_put(&ref);
}

/* The pass that makes it one too many, and the one before */
static void the_idle_are_demoted(struct kunit *test)
{
	struct dref_slot *slot;
	static struct dref ref;

	slot = defer(test, &ref);
	passes(1);				/* sees it for the first time */
	KUNIT_EXPECT_EQ(test, slot->idle_passes, 0U);
	passes(dref_demote_passes - 1);
	KUNIT_EXPECT_EQ(test, slot->idle_passes, dref_demote_passes - 1);
	KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_DEFERRED);
	kunit_one_pass(true);			/* nobody ages in it */
	KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_DEFERRED);

	dref_get(&ref);				/* leaves the sum as it was */
	dref_put(&ref);
	passes(1);
	KUNIT_EXPECT_EQ(test, slot->idle_passes, 0U);
	passes(dref_demote_passes - 1);
	KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_DEFERRED);
	passes(1);
	KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_DEMOTING);

	/* cancelled, it is as good as new */
	dref_get(&ref);
	KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_DEFERRED);
	passes(1);
	KUNIT_EXPECT_FALSE(test, slot->demoting);
	KUNIT_EXPECT_EQ(test, slot->idle_passes, 0U);
	dref_put_many(&ref, 2);
}

/* Nothing is folded while somebody may be about to increment the slot */
static void a_fold_waits_for_tasks_rcu(struct kunit *test)
{
	static struct dref ref;

	defer(test, &ref);
	dref_get_many(&ref, 5);
	dref_put_many(&ref, 2);
	ref.mode |= DREF_MODE_KILLED;
	passes(1 + dref_demote_passes);
	KUNIT_ASSERT_EQ(test, state(&ref), DREF_MODE_DEMOTING);
	passes(3);
	KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_DEMOTING);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 4L);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);

	kunit_tasks_gp_over = true;
	passes(1);
	KUNIT_EXPECT_EQ(test, state(&ref), DREF_MODE_EXACT);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_KILLED, DREF_MODE_KILLED);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 3L);
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 4L);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_DEMOTIONS), 1UL);
	dref_put_many(&ref, 4);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
}

/* Zero is found meanwhile, however long that takes */
static void the_demoting_can_die(struct kunit *test)
{
	static struct dref ref;

	defer(test, &ref);
	passes(1 + dref_demote_passes);
	KUNIT_ASSERT_EQ(test, state(&ref), DREF_MODE_DEMOTING);
	atomic_long_dec(&ref.count);	/* a put that had seen it exact */
	kunit_one_pass(true);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_DEMOTIONS), 0UL);
}

static void a_slot_of_an_immortal_waits_too(struct kunit *test)
{
	static struct dref ref;

	defer(test, &ref);
	dref_immortalize(&ref);
	passes(3);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.class->deferred), 0L);
	kunit_tasks_gp_over = true;
	passes(1);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 0);
}

/* Twice as long each time, between the limits, and short again when it pays */
static void intervals_double(struct kunit *test)
{
	static const unsigned int minutes[] = { 3, 6, 12, 24, 48, 60, 60 };
	const unsigned int minute = 60 * MSEC_PER_SEC;
	static struct dref ref;
	int i;

	dref_pass_min_ms = 3 * minute;
	dref_pass_max_ms = 60 * minute;
	dref_mutex_lock(&dref_pass_mutex);
	interval_ms = 0;
	dref_mutex_unlock(&dref_pass_mutex);
	defer(test, &ref);
	for (i = 0; i < ARRAY_SIZE(minutes); i++) {
		passes(1);
		KUNIT_EXPECT_EQ(test, interval_ms, minutes[i] * minute);
		KUNIT_EXPECT_TRUE(test, delayed_work_pending(&pass_work));
	}

	/* A kick brings the next one forward, and later ones, too */
	cancel_delayed_work_sync(&pass_work);	/* it has been pending since the first */
	dref_mutex_lock(&dref_pass_mutex);
	dref_pass_arm(false);
	dref_mutex_unlock(&dref_pass_mutex);
	KUNIT_EXPECT_TRUE(test, time_after(pass_work.timer.expires,
					   last_begin + 50 * 60 * HZ));
	dref_pass_kick();
	irq_work_sync(&kick_irq_work);
	KUNIT_EXPECT_TRUE(test, time_before(pass_work.timer.expires,
					    last_begin + 4 * 60 * HZ));
	dref_mutex_lock(&dref_pass_mutex);
	dref_pass_arm(false);
	dref_mutex_unlock(&dref_pass_mutex);
	KUNIT_EXPECT_EQ(test, interval_ms, 3 * minute);
	passes(1);
	KUNIT_EXPECT_EQ(test, interval_ms, 6 * minute);

	dref_put(&ref);
	passes(1);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, interval_ms, 0U);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&pass_work));
}

static struct kunit_case pass_cases[] = {
	KUNIT_CASE(a_sum_has_three_parts),
	KUNIT_CASE(a_pass_finds_the_last_put),
	KUNIT_CASE(a_tryget_resurrects),
	KUNIT_CASE(a_guest_between_the_halves),
	KUNIT_CASE(death_is_refused_if_count_has_changed),
	KUNIT_CASE(the_idle_are_demoted),
	KUNIT_CASE(a_fold_waits_for_tasks_rcu),
	KUNIT_CASE(the_demoting_can_die),
	KUNIT_CASE(a_slot_of_an_immortal_waits_too),
	KUNIT_CASE(intervals_double),
	{ }
};

KUNIT_CORE_SUITE("dref_pass", pass_cases);
