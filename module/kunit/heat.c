// SPDX-License-Identifier: GPL-2.0
/*
 * Heat: what makes an object hot, what makes it forget, and what it gets for it.
 * The clock of the windows is the test's.
 */
#include "kunit.h"

#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>

static unsigned long kunit_jiffies;
#undef jiffies
#define jiffies kunit_jiffies

/* What happens to an object between two looks at it, once */
static void (*when_asked)(struct dref *ref);
static void (*when_allocated)(struct dref *ref);

static void meanwhile(struct dref *ref, void (**what)(struct dref *ref))
{
	if (*what)
		(*what)(ref);
	*what = NULL;
}

static bool kunit_is_tracked(const struct dref *ref)
{
	meanwhile((struct dref *)ref, &when_asked);
	return ref->class->tracked;
}

static struct dref_slot *kunit_slot_get(struct dref *ref, struct dref_class *class, gfp_t gfp)
{
	struct dref_slot *slot = dref_slot_get(ref, class, gfp);

	meanwhile(ref, &when_allocated);
	return slot;
}

#define dref_is_tracked kunit_is_tracked
#define dref_slot_get kunit_slot_get
#include "../core/heat.c"
#include "../core/promote.c"

/* As an operation does that finds the object, in @mode, not at home on its CPU */
static void use_elsewhere(struct dref *ref, unsigned long mode)
{
	unsigned long heat = dref_heat(ref, mode);

	if (heat)
		dref_promote_later(ref, heat);
}

static void set_window(unsigned long window)
{
	kunit_jiffies = window * 256;
}

/* An exact object; static, like all here: the passes outlive a test that fails */
static void make(struct dref *ref, unsigned long mode)
{
	memset(ref, 0, sizeof(*ref));
	dref_init(ref, &kunit_class.class);
	ref->mode = mode;
}

/* Has an object that comes from another CPU heated up again; what is its heat? */
static unsigned long heat_up(struct dref *ref)
{
	ref->mode |= (unsigned long)kunit_foreign_cpu() << DREF_MODE_CPU_SHIFT;
	use_elsewhere(ref, ref->mode);
	return ref->mode >> DREF_MODE_HEAT_SHIFT;
}

static void a_window_is_256_jiffies(struct kunit *test)
{
	kunit_jiffies = 256 * 1000 + 255;
	KUNIT_EXPECT_EQ(test, dref_window(), 1000UL);
	kunit_jiffies++;
	KUNIT_EXPECT_EQ(test, dref_window(), 1001UL);
	kunit_jiffies = (DREF_WINDOW_MASK + 1) * 256 - 1;
	KUNIT_EXPECT_EQ(test, dref_window(), DREF_WINDOW_MASK);
	kunit_jiffies++;
	KUNIT_EXPECT_EQ(test, dref_window(), 0UL);
}

static void which_windows_have_passed(struct kunit *test)
{
	static const struct {
		unsigned long	now;
		unsigned long	window;
		bool		passed;
	} rows[] = {
		{ 1000, 1000, true },
		{ 1000, 999, true },
		{ 1000, 1001, false },
		{ 0, DREF_WINDOW_MASK, true },			/* it wraps */
		{ DREF_WINDOW_MASK, 0, false },
		{ 1000, 1000 + 64, false },			/* the longest */
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

static void an_object_comes_home(struct kunit *test)
{
	static struct dref ref;
	int cpu;

	set_window(77);
	make(&ref, kunit_exact(kunit_foreign_cpu(), 76, 5, 0));
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		ref.mode = kunit_exact(kunit_foreign_cpu(), 76, 5, 0);
		dref_get(&ref);
		KUNIT_EXPECT_TRUE(test, dref_mode_is_home(ref.mode));
		KUNIT_EXPECT_EQ(test, ref.mode, kunit_exact(cpu, 77, 1, 0));
		dref_get(&ref);		/* is at home, and does not get warmer */
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
	make(&ref, kunit_exact(0, 0, 0, 0));
	for (i = 1; i <= 100; i++)
		KUNIT_EXPECT_EQ(test, heat_up(&ref), i);
	set_window(0);			/* the next one */
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 1UL);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 2UL);
	set_window(5);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 1UL);

	/* up to the highest threshold that there can be */
	for (i = 2; i < DREF_MODE_HEAT_MAX; i++)
		KUNIT_ASSERT_EQ(test, heat_up(&ref), i);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, 0UL);
	heat_up(&ref);
	dref_promotions_flush();
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	dref_put(&ref);
}

/* The queue has a reference, and then a slot for it */
static void the_threshold_is_the_first_that_is_hot(struct kunit *test)
{
	static const unsigned int thresholds[] = { 1, 2, 64 };
	static struct dref refs[ARRAY_SIZE(thresholds)];
	struct dref *ref;
	unsigned int i, n;

	set_window(1);
	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		ref = &refs[i];
		dref_promote_threshold = thresholds[i];
		make(ref, kunit_exact(0, 0, 0, 0));
		dref_mutex_lock(&dref_promote_mutex);	/* the worker waits */
		for (n = 1; n < thresholds[i]; n++)
			heat_up(ref);
		KUNIT_EXPECT_EQ(test, ref->mode & DREF_MODE_QUEUED, 0UL);
		KUNIT_EXPECT_EQ(test, dref_read(ref), 1L);
		heat_up(ref);
		KUNIT_EXPECT_EQ(test, ref->mode & DREF_MODE_QUEUED, DREF_MODE_QUEUED);
		KUNIT_EXPECT_EQ(test, dref_read(ref), 2L);
		heat_up(ref);		/* is in the queue: once */
		KUNIT_EXPECT_EQ(test, dref_read(ref), 2L);
		dref_mutex_unlock(&dref_promote_mutex);
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

/* The queue's reference can be the last */
static void an_object_dies_in_the_queue(struct kunit *test)
{
	static struct dref ref;

	set_window(1);
	dref_promote_threshold = 1;
	make(&ref, kunit_exact(0, 0, 0, 0));
	dref_mutex_lock(&dref_promote_mutex);
	heat_up(&ref);
	dref_put(&ref);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 0);
	dref_mutex_unlock(&dref_promote_mutex);
	dref_promotions_flush();
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_PROMOTIONS), 0UL);
}

static void the_cold_are_not_measured(struct kunit *test)
{
	unsigned long cold;
	static struct dref ref;

	set_window(DREF_WINDOW_MASK - 1);
	make(&ref, kunit_exact(0, DREF_WINDOW_MASK - 1, 3, DREF_MODE_KILLED));
	dref_cool(&ref, 3);
	cold = ref.mode;
	KUNIT_EXPECT_EQ(test, cold & ~0xffffff00UL,	/* less the CPU */
			kunit_exact(0, 1, 0, DREF_MODE_KILLED | DREF_MODE_COLD));

	make(&ref, cold & ~DREF_MODE_KILLED);
	set_window(DREF_WINDOW_MASK);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 0UL);
	set_window(0);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 0UL);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_COLD, DREF_MODE_COLD);
	set_window(1);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 1UL);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_COLD, 0UL);

	/* with so many references it is on the slow path, and stays there */
	dref_cool(&ref, 0);
	atomic_long_set(&ref.count, DREF_COUNT_HIGH);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 0UL);
	atomic_long_set(&ref.count, DREF_COUNT_HIGH - 1);
	KUNIT_EXPECT_EQ(test, heat_up(&ref), 1UL);
}

static void who_is_never_measured(struct kunit *test)
{
	static const unsigned long tags[] = { DREF_MODE_KILLED, DREF_MODE_QUEUED };
	unsigned long mode;
	static struct dref ref;
	int i;

	set_window(9);
	dref_promote_threshold = 1;
	for (i = 0; i < ARRAY_SIZE(tags); i++) {
		mode = kunit_exact(kunit_foreign_cpu(), 9, 2, tags[i]);
		make(&ref, mode);
		use_elsewhere(&ref, mode);
		KUNIT_EXPECT_EQ(test, ref.mode, mode);
	}

	/* DREF_EXACT: it comes home, so that it is on the fast path: once a window */
	kunit_class.class.flags = DREF_EXACT;
	make(&ref, kunit_exact(0, 8, 0, 0));
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

/* The longer, the more often there was no slot in a row; up to 64 windows */
static void no_slot_cold_feet(struct kunit *test)
{
	static const unsigned long windows[] = { 1, 2, 4, 8, 16, 32, 64, 64 };
	struct dref_class *class = &kunit_class.class;
	static struct dref good, ref;
	int i;

	dref_promote_threshold = 1;
	set_window(100);
	make(&good, kunit_exact(0, 0, 0, 0));
	heat_up(&good);
	dref_promotions_flush();
	KUNIT_ASSERT_TRUE(test, dref_is_deferred(&good));

	dref_max_deferred = 0;
	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		make(&ref, kunit_exact(0, 0, 0, 0));
		heat_up(&ref);
		dref_promotions_flush();
		KUNIT_EXPECT_EQ(test, ref.mode & (DREF_MODE_STATE | DREF_MODE_COLD),
				DREF_MODE_EXACT | DREF_MODE_COLD);
		KUNIT_EXPECT_EQ(test, dref_mode_window(ref.mode), 100 + windows[i]);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 0L);
		KUNIT_EXPECT_EQ(test, kunit_events(class, DREF_PROMOTIONS_FAILED), i + 1UL);
	}
	KUNIT_EXPECT_EQ(test, atomic_long_read(&class->deferred), 1L);

	/* one success, and all is forgotten */
	dref_max_deferred = 2;
	set_window(164);
	heat_up(&ref);
	dref_promotions_flush();
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	dref_put(&ref);
	dref_put(&good);
	kunit_one_pass(true);
	dref_max_deferred = 0;
	make(&ref, kunit_exact(0, 0, 0, 0));
	heat_up(&ref);
	dref_promotions_flush();
	KUNIT_EXPECT_EQ(test, dref_mode_window(ref.mode), 165UL);
}

static void deferring_by_hand(struct kunit *test)
{
	static struct dref ref;
	struct dref before;

	set_window(1);
	dref_max_deferred = 0;
	make(&ref, kunit_exact(0, 1, 3, DREF_MODE_KILLED));
	before = ref;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, ref.mode, before.mode);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 0L);

	dref_max_deferred = 1;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_TAGS, DREF_MODE_KILLED);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);	/* is it already */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);

	/* and a demotion is cancelled, unless it is not one any more */
	before.mode = ref.mode;
	ref.mode |= DREF_MODE_DEMOTING;
	dref_cancel_demotion(&ref, before.mode);
	KUNIT_EXPECT_EQ(test, ref.mode, before.mode | DREF_MODE_DEMOTING);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, ref.mode, before.mode);
	dref_put(&ref);
}

static void is_tracked(struct dref *ref)
{
	ref->class->tracked = true;
	ref->mode |= DREF_MODE_TRACKED;
}

/* What comes to be tracked while it gets a slot stays exact, and can be hot again */
static void tracked_meanwhile(struct kunit *test)
{
	static struct dref ref, by_hand;

	set_window(1);
	dref_promote_threshold = 1;
	make(&ref, kunit_exact(0, 0, 0, 0));
	when_allocated = is_tracked;
	dref_mutex_lock(&dref_promote_mutex);	/* the worker waits */
	heat_up(&ref);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, DREF_MODE_QUEUED);
	dref_mutex_unlock(&dref_promote_mutex);
	dref_promotions_flush();
	KUNIT_EXPECT_EQ(test, ref.mode & (DREF_MODE_STATE | DREF_MODE_TRACKED),
			DREF_MODE_EXACT | DREF_MODE_TRACKED);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_QUEUED, 0UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), 0L);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), -ENOSPC);

	ref.class->tracked = false;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	dref_put(&ref);

	make(&by_hand, kunit_exact(0, 0, 0, 0));
	when_allocated = is_tracked;
	KUNIT_EXPECT_EQ(test, dref_defer(&by_hand, GFP_KERNEL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&by_hand.count), 0L);
	by_hand.class->tracked = false;
	dref_put(&by_hand);
}

static void is_immortal(struct dref *ref)
{
	ref->mode = DREF_MODE_IMMORTAL;
}

static void immortal_meanwhile(struct kunit *test)
{
	static struct dref ref;

	make(&ref, kunit_exact(0, 0, 0, 0));
	when_allocated = is_immortal;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, dref_is_immortal(&ref));
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
}

static unsigned long folded_mode;

static void is_folded(struct dref *ref)
{
	ref->mode = folded_mode;
}

/* A demotion that is over before it can be cancelled */
static void folded_meanwhile(struct kunit *test)
{
	static struct dref ref;

	set_window(1);
	make(&ref, kunit_exact(0, 1, 1, 0));
	folded_mode = ref.mode;
	ref.mode = DREF_MODE_DEMOTING;
	when_asked = is_folded;
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 1UL);
	dref_put(&ref);
}

static struct kunit_case heat_cases[] = {
	KUNIT_CASE(a_window_is_256_jiffies),
	KUNIT_CASE(which_windows_have_passed),
	KUNIT_CASE(an_object_comes_home),
	KUNIT_CASE(heat_rises_within_a_window),
	KUNIT_CASE(the_threshold_is_the_first_that_is_hot),
	KUNIT_CASE(an_object_dies_in_the_queue),
	KUNIT_CASE(the_cold_are_not_measured),
	KUNIT_CASE(who_is_never_measured),
	KUNIT_CASE(no_slot_cold_feet),
	KUNIT_CASE(deferring_by_hand),
	KUNIT_CASE(tracked_meanwhile),
	KUNIT_CASE(immortal_meanwhile),
	KUNIT_CASE(folded_meanwhile),
	{ }
};

KUNIT_CORE_SUITE("dref_heat", heat_cases);
