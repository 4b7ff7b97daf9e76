// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the mode word: what each mode means, and where its gets and puts are
 * counted; and of the range of count.
 */
#include "kunit.h"

#include "../core/immortal.c"
#include "../core/zero.c"
#include "../core/count.c"
#include "../core/end.c"

/* Initialise an object in a given mode, with or without a slot */
static struct dref_slot *init_object(struct kunit *test, struct dref *ref,
				     unsigned long mode, bool with_slot)
{
	struct dref_slot *slot = NULL;

	memset(ref, 0, sizeof(*ref));
	dref_init(ref, &kunit_class.class);
	if (with_slot) {
		slot = dref_slot_get(ref, ref->class, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, slot);
		mode |= (__force unsigned long)slot->counts;
		atomic_long_add(DREF_BIAS, &ref->count);
	}
	ref->mode = mode;
	return slot;
}

static void free_slot(struct dref_slot *slot)
{
	if (!slot)
		return;
	dref_slot_clear(slot);
	dref_slot_put(slot);
}

#define CPU1	BIT(DREF_MODE_CPU_SHIFT)
#define HOT	(63UL << DREF_MODE_HEAT_SHIFT | 0x1234UL << DREF_MODE_WINDOW_SHIFT)

static const struct {
	const char	*name;
	unsigned long	mode;
	bool		slot;
	unsigned long	state;
	bool		killed;
	long		refs;	/* one in count, and three in the slot if there is one */
} decoded[] = {
	{ "exact", DREF_MODE_EXACT, false, DREF_MODE_EXACT, false, 1 },
	{ "exact, CPU 1", DREF_MODE_EXACT | CPU1, false, DREF_MODE_EXACT, false, 1 },
	{ "hot", DREF_MODE_EXACT | CPU1 | HOT, false, DREF_MODE_EXACT, false, 1 },
	{ "queued", DREF_MODE_EXACT | DREF_MODE_QUEUED, false, DREF_MODE_EXACT, false, 1 },
	{ "high", DREF_MODE_EXACT | DREF_MODE_HIGH, false, DREF_MODE_EXACT, false, 1 },
	{ "cold", DREF_MODE_EXACT | DREF_MODE_COLD | HOT, false, DREF_MODE_EXACT, false, 1 },
	{ "exact, killed", DREF_MODE_EXACT | DREF_MODE_KILLED, false, DREF_MODE_EXACT, true, 1 },
	{ "deferred", DREF_MODE_DEFERRED, true, DREF_MODE_DEFERRED, false, 4 },
	{ "deferred, killed", DREF_MODE_KILLED_SLOT, true, DREF_MODE_DEFERRED, true, 4 },
	{ "demoting", DREF_MODE_DEMOTING, true, DREF_MODE_DEMOTING, false, 4 },
	{ "demoting, killed", DREF_MODE_DEMOTING | DREF_MODE_KILLED_SLOT, true,
	  DREF_MODE_DEMOTING, true, 4 },
	{ "dying", DREF_MODE_DYING, true, DREF_MODE_DYING, false, 4 },
	{ "dying, killed", DREF_MODE_DYING | DREF_MODE_KILLED_SLOT, true,
	  DREF_MODE_DYING, true, 4 },
	{ "immortal", DREF_MODE_IMMORTAL, false, DREF_MODE_UNCOUNTED, false,
	  DREF_IMMORTAL_COUNT },
	{ "immortal, killed", DREF_MODE_UNCOUNTED | DREF_MODE_KILLED, false,
	  DREF_MODE_UNCOUNTED, true, DREF_IMMORTAL_COUNT },
	{ "zeroes", 0, false, DREF_MODE_NONE, false, 0 },
};

static void each_mode_word_is_decoded(struct kunit *test)
{
	struct dref_slot *slot;
	struct dref ref;
	int i;

	for (i = 0; i < ARRAY_SIZE(decoded); i++) {
		slot = init_object(test, &ref, decoded[i].mode, decoded[i].slot);
		if (slot) {
			this_cpu_add(slot->counts->gets, 5);
			this_cpu_add(slot->counts->puts, 2);
		}
		KUNIT_EXPECT_EQ_MSG(test, dref_mode_state(ref.mode), decoded[i].state,
				    "%s", decoded[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dref_mode_killed(ref.mode), decoded[i].killed,
				    "%s", decoded[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dref_is_deferred(&ref),
				    decoded[i].state == DREF_MODE_DEFERRED, "%s", decoded[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dref_is_immortal(&ref),
				    decoded[i].state == DREF_MODE_UNCOUNTED, "%s",
				    decoded[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dref_is_dying(&ref),
				    decoded[i].state == DREF_MODE_DYING, "%s", decoded[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dref_read(&ref), decoded[i].refs,
				    "%s", decoded[i].name);
		free_slot(slot);
	}
}

/* A kill changes no state, can be repeated, and stays when the mode changes */
static void a_kill_stays_in_every_mode(struct kunit *test)
{
	unsigned long mode, killed, changed;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(decoded); i++) {
		mode = decoded[i].mode;
		if (mode == DREF_MODE_NONE)
			continue;
		killed = dref_mode_kill(mode);
		KUNIT_EXPECT_TRUE_MSG(test, dref_mode_killed(killed), "%s", decoded[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dref_mode_state(killed), decoded[i].state, "%s",
				    decoded[i].name);
		KUNIT_EXPECT_EQ_MSG(test, dref_mode_kill(killed), killed, "%s", decoded[i].name);
		KUNIT_EXPECT_FALSE_MSG(test, dref_mode_is_fast(killed), "%s", decoded[i].name);
		for (j = 0; j < ARRAY_SIZE(decoded); j++) {
			if (decoded[j].killed || decoded[j].mode == DREF_MODE_NONE)
				continue;
			changed = dref_mode_change(killed, decoded[j].mode);
			KUNIT_EXPECT_TRUE_MSG(test, dref_mode_killed(changed), "%s to %s",
					      decoded[i].name, decoded[j].name);
			KUNIT_EXPECT_EQ_MSG(test, dref_mode_state(changed), decoded[j].state,
					    "%s to %s", decoded[i].name, decoded[j].name);
			if (!decoded[i].killed)
				KUNIT_EXPECT_EQ_MSG(test, dref_mode_change(mode, decoded[j].mode),
						    decoded[j].mode, "%s to %s",
						    decoded[i].name, decoded[j].name);
		}
	}
}

/* Zeroes and poison are no object, and off the fast path */
static void memory_that_dref_has_not_written(struct kunit *test)
{
	static const int bytes[] = { 0, POISON_INUSE, POISON_FREE };
	struct dref ref, before;
	int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		memset(&ref, bytes[i], sizeof(ref));
		before = ref;
		KUNIT_EXPECT_FALSE(test, dref_mode_is_fast(ref.mode));
		KUNIT_EXPECT_FALSE(test, dref_mode_is_home(ref.mode));
		KUNIT_EXPECT_FALSE(test, dref_tryget(&ref));
		KUNIT_EXPECT_FALSE(test, dref_tryget_live(&ref));
		KUNIT_EXPECT_EQ(test, dref_read(&ref), 0L);
		KUNIT_EXPECT_EQ(test, memcmp(&ref, &before, sizeof(ref)), 0);
	}
}

static void dead_objects_are_dying_and_read_zero(struct kunit *test)
{
	struct dref ref;

	init_object(test, &ref, DREF_MODE_EXACT, false);
	dref_put(&ref);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_COUNT_DEAD);
	KUNIT_EXPECT_TRUE(test, dref_is_dying(&ref));
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 0L);
	KUNIT_EXPECT_FALSE(test, dref_tryget(&ref));
}

/*
 * A mode word is at home if its low half equals the CPU's dref_home word.  Any
 * tag or another CPU in the low half makes it differ; the high half does not
 * matter.
 */
static void home_needs_this_cpu_and_no_tag(struct kunit *test)
{
	static const unsigned long special[] = {
		DREF_MODE_KILLED, DREF_MODE_QUEUED, DREF_MODE_HIGH, DREF_MODE_TRACKED,
		DREF_MODE_DEMOTING, DREF_MODE_DEFERRED, DREF_MODE_KILLED_SLOT,
		BIT(DREF_MODE_EPOCH_SHIFT)
	};
	unsigned long home;
	int cpu, other, i;

	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		home = kunit_exact(cpu, 0, 0, 0);
		KUNIT_EXPECT_EQ(test, (unsigned long)raw_cpu_read(dref_home), home);
		KUNIT_EXPECT_TRUE(test, dref_mode_is_home(home));
		KUNIT_EXPECT_TRUE(test, dref_mode_is_home(home | HOT));
		KUNIT_EXPECT_TRUE(test, dref_mode_is_home(home | ~0UL << 32));
		for (i = 0; i < ARRAY_SIZE(special); i++)
			KUNIT_EXPECT_FALSE_MSG(test, dref_mode_is_home(home | special[i]),
					       "tag %lx", special[i]);
		for_each_possible_cpu(other)
			KUNIT_EXPECT_EQ_MSG(test, dref_mode_is_home(kunit_exact(other, 0, 0, 0)),
					    other == cpu, "CPU %d on CPU %d", other, cpu);
		KUNIT_EXPECT_FALSE(test, dref_mode_is_home(kunit_exact(kunit_foreign_cpu(),
								       0, 0, 0)));
		KUNIT_EXPECT_FALSE(test, dref_mode_is_home((home & ~DREF_MODE_TAGS) |
							   DREF_MODE_DEMOTING));
	}
}

/*
 * Gets and puts of a deferred object are counted in its slot, those in any other
 * mode with a slot in count.
 */
static void gets_and_puts_are_counted_by_mode(struct kunit *test)
{
	static const struct {
		unsigned long	before;
		unsigned long	after;	/* the tags after a get */
		bool		counted_in_slot;
	} rows[] = {
		{ DREF_MODE_DEFERRED, DREF_MODE_DEFERRED, true },
		{ DREF_MODE_KILLED_SLOT, DREF_MODE_KILLED_SLOT, true },
		{ DREF_MODE_DEMOTING, DREF_MODE_DEFERRED, false },	/* cancelled */
		{ DREF_MODE_DEMOTING | DREF_MODE_KILLED_SLOT, DREF_MODE_KILLED_SLOT, false },
		{ DREF_MODE_DYING, DREF_MODE_DYING, false },
	};
	struct dref_slot *slot;
	struct dref ref;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		slot = init_object(test, &ref, rows[i].before, true);
		dref_get(&ref);
		KUNIT_EXPECT_EQ_MSG(test, dref_slot_gets(slot),
				    (unsigned long)rows[i].counted_in_slot, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, atomic_long_read(&ref.count),
				    DREF_BIAS + !rows[i].counted_in_slot, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, dref_slot_puts(slot), 0UL, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, ref.mode & DREF_MODE_TAGS, rows[i].after, "row %d", i);

		ref.mode = (__force unsigned long)slot->counts | rows[i].before;
		dref_put_many(&ref, 1);
		KUNIT_EXPECT_EQ_MSG(test, dref_slot_puts(slot),
				    (unsigned long)rows[i].counted_in_slot, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, dref_read(&ref), 1L, "row %d", i);
		free_slot(slot);
	}
	KUNIT_EXPECT_EQ(test, kunit_class.released, 0);
}

/* Up to DREF_SLOT_MANY references at once are counted in the slot, more in count */
static void large_numbers_are_not_counted_in_slots(struct kunit *test)
{
	static const unsigned long tags[] = { DREF_MODE_DEFERRED, DREF_MODE_KILLED_SLOT };
	struct dref_slot *slot;
	struct dref ref;
	int i;

	for (i = 0; i < ARRAY_SIZE(tags); i++) {
		slot = init_object(test, &ref, tags[i], true);
		dref_get_many(&ref, DREF_SLOT_MANY);
		KUNIT_EXPECT_EQ(test, dref_slot_gets(slot), DREF_SLOT_MANY);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_BIAS);
		dref_get_many(&ref, DREF_SLOT_MANY + 1);
		KUNIT_EXPECT_EQ(test, dref_slot_gets(slot), DREF_SLOT_MANY);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count),
				DREF_BIAS + (long)DREF_SLOT_MANY + 1);
		dref_put_many(&ref, DREF_SLOT_MANY + 1);
		KUNIT_EXPECT_EQ(test, dref_slot_puts(slot), 0UL);
		dref_put_many(&ref, DREF_SLOT_MANY);
		KUNIT_EXPECT_EQ(test, dref_slot_puts(slot), DREF_SLOT_MANY);
		KUNIT_EXPECT_EQ(test, dref_read(&ref), 1L);
		free_slot(slot);
	}
}

static void immortal_objects_are_not_stored_to(struct kunit *test)
{
	static const struct dref immortal = DREF_INIT_IMMORTAL(NULL);
	struct dref ref = immortal;

	dref_get(&ref);
	dref_get_many(&ref, 1000);
	KUNIT_EXPECT_TRUE(test, dref_tryget(&ref));
	dref_put_many(&ref, LONG_MAX);
	dref_put(&ref);
	dref_kill(&ref);
	dref_immortalize(&ref);
	KUNIT_EXPECT_EQ(test, dref_defer(&ref, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&ref, &immortal, sizeof(ref)), 0);
}

/* At DREF_COUNT_HIGH references an object is still on the fast path, above it is not */
static void a_high_count_leaves_the_fast_path(struct kunit *test)
{
	struct dref ref;

	init_object(test, &ref, kunit_exact(raw_smp_processor_id(), 0, 0, 0), false);
	dref_get_many(&ref, DREF_COUNT_HIGH - 1);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_HIGH, 0UL);
	KUNIT_EXPECT_EQ(test, dref_read(&ref), DREF_COUNT_HIGH);
	dref_get_many(&ref, 1);
	KUNIT_EXPECT_EQ(test, ref.mode & DREF_MODE_HIGH, DREF_MODE_HIGH);
	KUNIT_EXPECT_EQ(test, dref_read(&ref), DREF_COUNT_HIGH + 1);
	KUNIT_EXPECT_FALSE(test, dref_is_immortal(&ref));

	/* up to the limit, which does not overflow yet */
	dref_get_many(&ref, DREF_COUNT_LIMIT - 1 - DREF_COUNT_HIGH);
	KUNIT_EXPECT_FALSE(test, dref_is_immortal(&ref));
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_OVERFLOWS), 0UL);
	dref_put_many(&ref, DREF_COUNT_LIMIT);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 1);
}

/* An object that was killed stays killed, also if it is immortalized */
static void killed_stays_killed(struct kunit *test)
{
	struct dref_slot *slot;
	struct dref ref;

	slot = init_object(test, &ref, DREF_MODE_DEFERRED, true);
	dref_get(&ref);
	KUNIT_EXPECT_TRUE(test, dref_tryget_live(&ref));
	dref_put(&ref);
	dref_kill(&ref);
	KUNIT_EXPECT_TRUE(test, dref_is_deferred(&ref));
	KUNIT_EXPECT_FALSE(test, dref_tryget_live(&ref));
	KUNIT_EXPECT_TRUE(test, dref_tryget(&ref));
	dref_put(&ref);
	KUNIT_EXPECT_EQ(test, dref_read(&ref), 1L);

	dref_immortalize(&ref);
	KUNIT_EXPECT_EQ(test, ref.mode, DREF_MODE_UNCOUNTED | DREF_MODE_KILLED);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ref.count), DREF_COUNT_IMMORTALIZED);
	dref_immortalize(&ref);
	KUNIT_EXPECT_EQ(test, kunit_events(ref.class, DREF_IMMORTALIZED), 1UL);
	free_slot(slot);
}

/* dref_exit() ends an object that is exact and has one reference, and no other */
static void exit_needs_the_only_reference(struct kunit *test)
{
	struct dref_class *class = &kunit_class.class;
	struct dref_slot *slot;
	struct dref ref;

	init_object(test, &ref, DREF_MODE_EXACT, false);
	KUNIT_EXPECT_TRUE(test, dref_exit(&ref));
	KUNIT_EXPECT_FALSE(test, dref_tryget(&ref));
	init_object(test, &ref, DREF_MODE_EXACT | DREF_MODE_KILLED | DREF_MODE_COLD | HOT, false);
	KUNIT_EXPECT_TRUE(test, dref_exit(&ref));
	KUNIT_EXPECT_EQ(test, kunit_events(class, DREF_EXITED), 2UL);
	KUNIT_EXPECT_EQ(test, dref_class_live(class), 0L);
	KUNIT_EXPECT_EQ(test, kunit_class.released, 0);

	/* an immortal object has ended already */
	init_object(test, &ref, DREF_MODE_EXACT, false);
	dref_immortalize(&ref);
	KUNIT_EXPECT_FALSE(test, dref_exit(&ref));
	KUNIT_EXPECT_EQ(test, kunit_events(class, DREF_UNDERFLOWS), 0UL);

	/* the following ones are in use */
	class->warned = ~0UL;	/* no WARN */
	init_object(test, &ref, DREF_MODE_EXACT, false);
	dref_get(&ref);
	KUNIT_EXPECT_FALSE(test, dref_exit(&ref));
	KUNIT_EXPECT_TRUE(test, dref_is_immortal(&ref));
	slot = init_object(test, &ref, DREF_MODE_DEFERRED, true);
	KUNIT_EXPECT_FALSE(test, dref_exit(&ref));
	KUNIT_EXPECT_TRUE(test, dref_is_immortal(&ref));
	free_slot(slot);
	KUNIT_EXPECT_EQ(test, kunit_events(class, DREF_UNDERFLOWS), 2UL);
	KUNIT_EXPECT_EQ(test, kunit_events(class, DREF_EXITED), 2UL);
	KUNIT_EXPECT_EQ(test, dref_class_live(class), 0L);
	class->warned = 0;
}

static struct kunit_case mode_cases[] = {
	KUNIT_CASE(each_mode_word_is_decoded),
	KUNIT_CASE(a_kill_stays_in_every_mode),
	KUNIT_CASE(memory_that_dref_has_not_written),
	KUNIT_CASE(dead_objects_are_dying_and_read_zero),
	KUNIT_CASE(home_needs_this_cpu_and_no_tag),
	KUNIT_CASE(gets_and_puts_are_counted_by_mode),
	KUNIT_CASE(large_numbers_are_not_counted_in_slots),
	KUNIT_CASE(immortal_objects_are_not_stored_to),
	KUNIT_CASE(a_high_count_leaves_the_fast_path),
	KUNIT_CASE(killed_stays_killed),
	KUNIT_CASE(exit_needs_the_only_reference),
	{ }
};

KUNIT_CORE_SUITE("dref_mode", mode_cases);
