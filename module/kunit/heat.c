// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of heat and promotion: what makes an object hot, what makes it lose its
 * heat, and what happens when it is hot.  The tests set the clock of the windows.
 */
#include "kunit.h"

#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>

static unsigned long kunit_jiffies;
#undef jiffies
#define jiffies kunit_jiffies

/*
 * Hooks that change an object in the middle of a function of dref: when it tests
 * whether the object is tracked, and when it has got a slot.  A hook runs once.
 * Nothing is recorded about a tracked object, so there is nothing to forget.
 */
static void (*on_tracked_test)(struct dref *ref);
static void (*on_slot_get)(struct dref *ref);

static void run_hook(struct dref *ref, void (**hook)(struct dref *ref))
{
	if (*hook)
		(*hook)(ref);
	*hook = NULL;
}

static bool kunit_is_tracked(const struct dref *ref)
{
	run_hook((struct dref *)ref, &on_tracked_test);
	return ref->class->tracked;
}

static void kunit_untrack(struct dref *ref, unsigned long mode)
{
	ref->mode &= ~DREF_MODE_TRACKED;
}

/* While this is set, objects stay in the promotion queue until it is flushed */
static bool worker_stopped;

static void kunit_irq_work_queue(struct irq_work *work)
{
	if (!worker_stopped)
		dref_irq_work_queue(work);
}

static struct dref_slot *kunit_slot_get(struct dref *ref, struct dref_class *class, gfp_t gfp)
{
	struct dref_slot *slot = dref_slot_get(ref, class, gfp);

	run_hook(ref, &on_slot_get);
	return slot;
}

#define dref_is_tracked kunit_is_tracked
#define dref_untrack kunit_untrack
#define dref_irq_work_queue kunit_irq_work_queue
#define dref_slot_get kunit_slot_get
#include "../core/heat.c"
#include "../core/promote.c"

/* Do what a get or put does that finds @mode not at home on its CPU */
static void use_elsewhere(struct dref *ref, unsigned long mode)
{
	unsigned long heat = dref_heat(ref, mode, false);

	if (heat)
		dref_promote_later(ref, heat);
}

static void set_window(unsigned long window)
{
	kunit_jiffies = msecs_to_jiffies(window * 1024);
}

/*
 * Initialise an exact object.  All objects here are static, because passes may
 * still use them after a test that has failed.
 */
static void init_object(struct dref *ref, unsigned long mode)
{
	memset(ref, 0, sizeof(*ref));
	dref_init(ref, &kunit_class.class);
	ref->mode = mode;
}

/* Use an exact object that was last counted on another CPU; returns its heat */
static unsigned long heat_up(struct dref *ref)
{
	ref->mode |= (unsigned long)kunit_foreign_cpu() << DREF_MODE_CPU_SHIFT;
	use_elsewhere(ref, ref->mode);
	return ref->mode >> DREF_MODE_HEAT_SHIFT;
}

static void a_window_is_1024_ms(struct kunit *test)
{
	set_window(1001);
	KUNIT_EXPECT_EQ(test, dref_window(), 1001UL);
	kunit_jiffies -= msecs_to_jiffies(10);
	KUNIT_EXPECT_EQ(test, dref_window(), 1000UL);
	set_window(DREF_WINDOW_MASK + 1);
	kunit_jiffies -= msecs_to_jiffies(10);
	KUNIT_EXPECT_EQ(test, dref_window(), DREF_WINDOW_MASK);
	set_window(DREF_WINDOW_MASK + 1);
	KUNIT_EXPECT_EQ(test, dref_window(), 0UL);
}

static void windows_pass_and_wrap(struct kunit *test)
{
	static const struct {
		unsigned long	now;
		unsigned long	window;
		bool		passed;
	} rows[] = {
		{ 1000, 1000, true },
		{ 1000, 999, true },
		{ 1000, 1001, false },
		{ 0, DREF_WINDOW_MASK, true },			/* windows wrap */
		{ DREF_WINDOW_MASK, 0, false },
		{ 1000, 1000 + 64, false },			/* longest cold time */
		{ 1000, 1000 + 65, true },
		{ DREF_WINDOW_MASK - 3, 60, false },
		{ DREF_WINDOW_MASK - 3, 61, true },
		{ DREF_WINDOW_MASK / 2 + 1, 0, true },		/* long ago */
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		set_window(rows[i].now);
		KUNIT_EXPECT_EQ_MSG(test, dref_window_passed(rows[i].window), rows[i].passed,
				    "%lx seen from %lx", rows[i].window, rows[i].now);
	}
}

/* A get on another CPU makes that CPU the object's home; later ones there add no heat */
static void a_get_brings_the_object_home(struct kunit *test)
{
	static struct dref ref;
	int cpu;

	set_window(77);
	init_object(&ref, kunit_exact(kunit_foreign_cpu(), 76, 5, 0));
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		ref.mode = kunit_exact(kunit_foreign_cpu(), 76, 5, 0);
		dref_get(&ref);
		KUNIT_EXPECT_TRUE(test, dref_mode_is_home(ref.mode));
		KUNIT_EXPECT_EQ(test, ref.mode, kunit_exact(cpu, 77, 1, 0));
		dref_get(&ref);		/* at home: adds no heat */
		dref_put(&ref);
		KUNIT_EXPECT_EQ(test, ref.mode, kunit_exact(cpu, 77, 1, 0));
		dref_put(&ref);
	}
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 1L);
}

static void heat_rises_within_a_window(struct kunit *test)
{
	unsigned long i;
	static struct dref ref;

	dref_promote_threshold = DREF_MODE_HEAT_MAX;
	set_window(DREF_WINDOW_MASK);
	init_object(&ref, kunit_exact(0, 0, 0, 0));
	for (i = 1; i <= 100; i++)
		KUNIT_EXPECT_EQ(test, heat_up(&ref), i);
	set_window(0);			/* the next window */
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 1UL);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 2UL);
	set_window(5);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 1UL);

	/* up to the highest possible threshold */
	for (i = 2; i < DREF_MODE_HEAT_MAX; i++)
		KUNIT_ASSERT_EQ(test, heat_up(&ref), i);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, 0UL);
	heat_up(&ref);
	dref_promotions_flush();
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	dref_put(&ref);
}

/*
 * At the threshold, and not before, an object is queued with a reference of the
 * queue.  The worker promotes it and puts that reference.
 */
static void the_threshold_makes_an_object_hot(struct kunit *test)
{
	static const unsigned int thresholds[] = { 1, 2, 64 };
	static struct dref refs[ARRAY_SIZE(thresholds)];
	struct dref *ref;
	unsigned int i, n;

	set_window(1);
	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		ref = &refs[i];
		dref_promote_threshold = thresholds[i];
		init_object(ref, kunit_exact(0, 0, 0, 0));
		worker_stopped = true;
		for (n = 1; n < thresholds[i]; n++)
			heat_up(ref);
		KUNIT_EXPECT_EQ(test, ref->mode & DREF_MODE_QUEUED, 0UL);
		KUNIT_EXPECT_EQ(test, dref_read(ref), 1L);
		heat_up(ref);
		KUNIT_EXPECT_EQ(test, ref->mode & DREF_MODE_QUEUED, DREF_MODE_QUEUED);
		KUNIT_EXPECT_EQ(test, dref_read(ref), 2L);
		heat_up(ref);		/* does not queue it again */
		KUNIT_EXPECT_EQ(test, dref_read(ref), 2L);
		worker_stopped = false;
		dref_promotions_flush();
		KUNIT_EXPECT_TRUE(test, dref_is_deferred(ref));
		KUNIT_EXPECT_EQ(test, dref_read(ref), 1L);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&ref->count), DREF_BIAS + 1);
		KUNIT_EXPECT_EQ(test, kunit_events(ref->class, DREF_PROMOTIONS), i + 1UL);
		KUNIT_EXPECT_PTR_EQ(test, ref->link.next, &ref->link);
		dref_put(ref);
	}
	kunit_one_pass(true);
	KUNIT_EXPECT_EQ(test, kunit_class.released, ARRAY_SIZE(thresholds));
}

/* If the queue holds the last reference, its put releases the object */
static void an_object_dies_in_the_queue(struct kunit *test)
{
	static struct dref ref;

	set_window(1);
	dref_promote_threshold = 1;
	init_object(&ref, kunit_exact(0, 0, 0, 0));
	worker_stopped = true;
	heat_up(&ref);
	dref_put(&ref);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 0);
	worker_stopped = false;
	dref_promotions_flush();
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_PROMOTIONS), 0UL);
}

/* dref_cool() takes the heat, and no heat is added until its windows have passed */
static void cold_objects_gain_no_heat(struct kunit *test)
{
	unsigned long cold;
	static struct dref ref;

	set_window(DREF_WINDOW_MASK - 1);
	init_object(&ref, kunit_exact(3, DREF_WINDOW_MASK - 1, 3, DREF_MODE_KILLED));
	dref_cool(&ref, false);
	cold = ref.mode;
	KUNIT_EXPECT_EQ(test, cold, kunit_exact(3, 0, 0, DREF_MODE_KILLED | DREF_MODE_COLD));

	/* cold until window 0, on whatever CPU, and however it is used */
	init_object(&ref, cold & ~DREF_MODE_KILLED);
	set_window(DREF_WINDOW_MASK);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 0UL);
	KUNIT_EXPECT_EQ(test, dref_heat(&ref, ref.mode, true), 0UL);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_COLD, DREF_MODE_COLD);
	set_window(0);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 1UL);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_COLD, 0UL);
}

/* An object that the CPU at home uses stays on the fast path while it is cold */
static void cold_objects_stay_at_home(struct kunit *test)
{
	static struct dref ref;

	kunit_move_to(test, raw_smp_processor_id());
	set_window(8);
	init_object(&ref, kunit_exact(raw_smp_processor_id(), 8, 3, DREF_MODE_QUEUED));
	dref_cool(&ref, true);
	KUNIT_EXPECT_EQ(test, ref.mode & (DREF_MODE_COLD | DREF_MODE_QUEUED), DREF_MODE_COLD);
	KUNIT_EXPECT_TRUE(test, dref_mode_is_home(ref.mode));
}

/* An object with that many references stays on the slow path, and gains no heat */
static void high_counts_gain_no_heat(struct kunit *test)
{
	static struct dref ref;

	set_window(8);
	init_object(&ref, kunit_exact(0, 8, 3, 0));
	dref_mark_high(&ref);
	KUNIT_EXPECT_EQ(test, ref.mode, kunit_exact(0, 8, 3, DREF_MODE_HIGH));
	atomic_long_set(&ref.count, DREF_COUNT_HIGH);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 3UL);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_HIGH, DREF_MODE_HIGH);
	atomic_long_set(&ref.count, DREF_COUNT_HIGH - 1);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 4UL);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_HIGH, 0UL);
}

/* Some samples in a heat window make an object hot, also on one CPU */
static void samples_make_an_object_hot(struct kunit *test)
{
	static const unsigned int thresholds[] = { 4, 8, 64, 1000 };
	static struct dref ref;
	unsigned int i, n;

	kunit_move_to(test, raw_smp_processor_id());
	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		dref_promote_threshold = thresholds[i];
		set_window(1);
		init_object(&ref, kunit_exact(raw_smp_processor_id(), 1, 0, 0));
		for (n = 1; n < DREF_SAMPLES_HOT; n++)
			KUNIT_EXPECT_EQ(test, dref_heat(&ref, ref.mode, true), 0UL);
		set_window(2);		/* the next one begins at zero */
		for (n = 1; n < DREF_SAMPLES_HOT; n++)
			KUNIT_EXPECT_EQ(test, dref_heat(&ref, ref.mode, true), 0UL);
		KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, 0UL);
		KUNIT_EXPECT_GE(test, dref_heat(&ref, ref.mode, true), thresholds[i] + 0UL);
		KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, DREF_MODE_QUEUED);
	}

	/* with so low a threshold, a sample adds nothing, and a change of CPU one, as always */
	dref_promote_threshold = 3;
	init_object(&ref, kunit_exact(raw_smp_processor_id(), 2, 1, 0));
	KUNIT_EXPECT_EQ(test, dref_heat(&ref, ref.mode, true), 0UL);
	KUNIT_EXPECT_EQ(test, ref.mode >> DREF_MODE_HEAT_SHIFT, 1UL);
	ref.mode = kunit_exact(kunit_foreign_cpu(), 2, 2, 0);
	KUNIT_EXPECT_EQ(test, dref_heat(&ref, ref.mode, true), 3UL);
}

/* Countdowns are as long as they should be, on average, and none is the next one's length */
static void countdowns_differ(struct kunit *test)
{
	const int period = BIT(DREF_SAMPLE_SHIFT);
	int i, countdown, last = 0, same = 0;
	long sum = 0;

	kunit_move_to(test, raw_smp_processor_id());
	for (i = 0; i < 1000; i++) {
		dref_sample_next();
		countdown = raw_cpu_read(dref_countdown);
		KUNIT_EXPECT_GE(test, countdown, period / 2);
		KUNIT_EXPECT_LT(test, countdown, period / 2 + period);
		same += countdown == last;
		last = countdown;
		sum += countdown;
	}
	KUNIT_EXPECT_LT(test, same, 20);
	KUNIT_EXPECT_GT(test, sum, 1000L * period * 9 / 10);
	KUNIT_EXPECT_LT(test, sum, 1000L * period * 11 / 10);
}

/* Objects that are killed, queued or of a DREF_EXACT class gain no heat */
static void excluded_objects_gain_no_heat(struct kunit *test)
{
	static const unsigned long tags[] = { DREF_MODE_KILLED, DREF_MODE_QUEUED };
	unsigned long mode;
	static struct dref ref;
	int i;

	set_window(9);
	dref_promote_threshold = 1;
	for (i = 0; i < ARRAY_SIZE(tags); i++) {
		mode = kunit_exact(kunit_foreign_cpu(), 9, 2, tags[i]);
		init_object(&ref, mode);
		use_elsewhere(&ref, mode);
		KUNIT_EXPECT_EQ(test, ref.mode, mode);
	}

	/* DREF_EXACT: the home changes once in a window, for the sake of the fast path */
	kunit_class.class.flags = DREF_EXACT;
	init_object(&ref, kunit_exact(0, 8, 0, 0));
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 0UL);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, 0UL);
	KUNIT_EXPECT_EQ(test, dref_mode_window(ref.mode), 9UL);
	ref.mode |= (unsigned long)kunit_foreign_cpu() << DREF_MODE_CPU_SHIFT;
	mode = ref.mode;
	use_elsewhere(&ref, mode);
	KUNIT_EXPECT_EQ(test, ref.mode, mode);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ref.mode, mode);
}

/*
 * An object that gets no slot is cold for 1, 2, 4 ... 64 windows, by how often that has
 * happened to this object.
 */
static void failed_promotions_back_off(struct kunit *test)
{
	static const unsigned long windows[] = { 1, 2, 4, 8, 16, 32, 64, 64 };
	struct dref_class *class = &kunit_class.class;
	unsigned long now = 100;
	static struct dref good, ref, other;
	int i;

	dref_promote_threshold = 2;
	set_window(now);
	init_object(&good, kunit_exact(0, 0, 0, 0));
	heat_up(&good);
	heat_up(&good);
	dref_promotions_flush();
	KUNIT_ASSERT_TRUE(test, dref_is_deferred(&good));

	dref_max_deferred = 0;
	init_object(&ref, kunit_exact(0, 0, 0, 0));
	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		heat_up(&ref);		/* remembers what has happened before */
		KUNIT_EXPECT_EQ(test, ref.mode & (DREF_MODE_QUEUED | DREF_MODE_COLD), 0UL);
		heat_up(&ref);
		dref_promotions_flush();
		KUNIT_EXPECT_EQ(test, ref.mode & (DREF_MODE_TAGS | DREF_MODE_COLD),
				DREF_MODE_EXACT | DREF_MODE_COLD);
		now += windows[i];
		KUNIT_EXPECT_EQ(test, dref_mode_window(ref.mode), now);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 0L);
		KUNIT_EXPECT_EQ(test, kunit_events(class, DREF_PROMOTIONS_FAILED), i + 1UL);
		set_window(now);
	}
	KUNIT_EXPECT_EQ(test, atomic_long_read(&class->deferred), 1L);
	init_object(&other, kunit_exact(0, 0, 0, 0));
	heat_up(&other);
	heat_up(&other);
	dref_promotions_flush();
	KUNIT_EXPECT_EQ(test, dref_mode_window(other.mode), now + 1);
	dref_put(&other);

	dref_max_deferred = 2;
	heat_up(&ref);
	heat_up(&ref);
	dref_promotions_flush();
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	dref_put(&ref);
	dref_put(&good);
	kunit_one_pass(true);
}

/* dref_defer() changes nothing if it fails, promotes only once, and cancels a demotion */
static void defer_promotes_and_cancels_demotion(struct kunit *test)
{
	static struct dref ref;
	struct dref before;

	set_window(1);
	dref_max_deferred = 0;
	init_object(&ref, kunit_exact(0, 1, 3, DREF_MODE_KILLED));
	before = ref;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, ref.mode, before.mode);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 0L);

	dref_max_deferred = 1;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_TAGS, DREF_MODE_KILLED_SLOT);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);	/* deferred already */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);

	/* a demotion is cancelled, but only in the mode that the caller has seen */
	before.mode = ref.mode;
	ref.mode |= DREF_MODE_DEMOTING;
	dref_cancel_demotion(&ref, before.mode);
	KUNIT_EXPECT_EQ(test, ref.mode, before.mode | DREF_MODE_DEMOTING);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, ref.mode, before.mode);
	dref_put(&ref);
}

static void start_tracking(struct dref *ref)
{
	ref->class->tracked = true;
	ref->mode |= DREF_MODE_TRACKED;
}

/*
 * If tracking starts while an object gets its slot, the object stays exact.
 * When tracking has stopped, the object can be promoted.
 */
static void tracked_during_promotion(struct kunit *test)
{
	static struct dref ref, by_hand;

	set_window(1);
	dref_promote_threshold = 1;
	init_object(&ref, kunit_exact(0, 0, 0, 0));
	on_slot_get = start_tracking;
	worker_stopped = true;
	heat_up(&ref);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, DREF_MODE_QUEUED);
	worker_stopped = false;
	dref_promotions_flush();
	KUNIT_EXPECT_EQ(test, ref.mode & (DREF_MODE_TAGS | DREF_MODE_TRACKED),
			DREF_MODE_EXACT | DREF_MODE_TRACKED);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, 0UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 0L);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), -ENOSPC);

	ref.class->tracked = false;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	dref_put(&ref);

	init_object(&by_hand, kunit_exact(0, 0, 0, 0));
	on_slot_get = start_tracking;
	KUNIT_EXPECT_EQ(test, dref_defer(&by_hand, GFP_KERNEL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&by_hand.count), 0L);
	by_hand.class->tracked = false;
	dref_put(&by_hand);
}

static void make_immortal(struct dref *ref)
{
	ref->mode = DREF_MODE_IMMORTAL;
}

/* If an object is immortalized while it gets its slot, the slot is given back */
static void immortalized_during_promotion(struct kunit *test)
{
	static struct dref ref;

	init_object(&ref, kunit_exact(0, 0, 0, 0));
	on_slot_get = make_immortal;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, dref_is_immortal(&ref));
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
}

static unsigned long folded_mode;

static void complete_fold(struct dref *ref)
{
	ref->mode = folded_mode;
}

/* If the fold is complete before dref_defer() cancels it, the exact object is promoted */
static void folded_during_defer(struct kunit *test)
{
	static struct dref ref;

	set_window(1);
	init_object(&ref, kunit_exact(0, 1, 1, 0));
	folded_mode = ref.mode;
	ref.mode = DREF_MODE_DEMOTING;
	on_tracked_test = complete_fold;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);
	dref_put(&ref);
}

static struct kunit_case heat_cases[] = {
	KUNIT_CASE(a_window_is_1024_ms),
	KUNIT_CASE(windows_pass_and_wrap),
	KUNIT_CASE(a_get_brings_the_object_home),
	KUNIT_CASE(heat_rises_within_a_window),
	KUNIT_CASE(the_threshold_makes_an_object_hot),
	KUNIT_CASE(an_object_dies_in_the_queue),
	KUNIT_CASE(cold_objects_gain_no_heat),
	KUNIT_CASE(cold_objects_stay_at_home),
	KUNIT_CASE(high_counts_gain_no_heat),
	KUNIT_CASE(samples_make_an_object_hot),
	KUNIT_CASE(countdowns_differ),
	KUNIT_CASE(excluded_objects_gain_no_heat),
	KUNIT_CASE(failed_promotions_back_off),
	KUNIT_CASE(defer_promotes_and_cancels_demotion),
	KUNIT_CASE(tracked_during_promotion),
	KUNIT_CASE(immortalized_during_promotion),
	KUNIT_CASE(folded_during_defer),
	{ }
};

KUNIT_CORE_SUITE("dref_heat", heat_cases);
