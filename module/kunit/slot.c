// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the pool of slots: what a slot is, which one is handed out next, and
 * when there is none; and of the sums, which are over all possible CPUs.
 */
#include "kunit.h"

#include "../core/slot.c"
#include "../inspect/look.c"

#define MANY	(DREF_CHUNK_SLOTS + 3)

/* Take @nr slots, one after the other */
static struct dref_slot **take_slots(struct kunit *test, unsigned int nr)
{
	struct dref_slot **slots = kunit_kcalloc(test, nr, sizeof(*slots), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, slots);
	for (i = 0; i < nr; i++) {
		slots[i] = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, slots[i]);
	}
	return slots;
}

static void give_back_slots(struct dref_slot **slots, unsigned int nr)
{
	while (nr)
		dref_slot_put(slots[--nr]);
}

/* The address of a slot leaves the tags of a mode word zero, and no two slots overlap */
static void slots_are_aligned_and_disjoint(struct kunit *test)
{
	struct dref_slot **slots = take_slots(test, MANY);
	int cpu, i;

	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ_MSG(test, (__force unsigned long)slots[i]->counts & DREF_MODE_TAGS,
				    0UL, "slot %d", i);
		for_each_possible_cpu(cpu) {
			KUNIT_ASSERT_EQ_MSG(test, per_cpu_ptr(slots[i]->counts, cpu)->gets, 0UL,
					    "slot %d, CPU %d", i, cpu);
			KUNIT_ASSERT_EQ_MSG(test, per_cpu_ptr(slots[i]->counts, cpu)->puts, 0UL,
					    "slot %d, CPU %d", i, cpu);
			per_cpu_ptr(slots[i]->counts, cpu)->gets = i + 1;
			per_cpu_ptr(slots[i]->counts, cpu)->puts = MANY + cpu;
		}
	}
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ_MSG(test, dref_slot_gets(slots[i]),
				    (unsigned long)(i + 1) * num_possible_cpus(), "slot %d", i);
		dref_slot_clear(slots[i]);
	}
	give_back_slots(slots, MANY);
}

static void sums_include_all_possible_cpus(struct kunit *test)
{
	struct dref_slot **slots = take_slots(test, 1);
	unsigned long gets = 0, puts = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu_ptr(slots[0]->counts, cpu)->gets = 1000 + cpu;
		per_cpu_ptr(slots[0]->counts, cpu)->puts = 7 * cpu + 3;
		gets += 1000 + cpu;
		puts += 7 * cpu + 3;
		KUNIT_EXPECT_EQ(test, dref_slot_gets(slots[0]), gets);
		KUNIT_EXPECT_EQ(test, dref_slot_puts(slots[0]), puts);
	}
	/* sums wrap: one CPU's counter may be below zero with respect to another's */
	per_cpu_ptr(slots[0]->counts, cpumask_first(cpu_possible_mask))->gets -= gets + 5;
	KUNIT_EXPECT_EQ(test, dref_slot_gets(slots[0]), -5UL);
	dref_slot_clear(slots[0]);
	KUNIT_EXPECT_EQ(test, dref_slot_gets(slots[0]), 0UL);
	KUNIT_EXPECT_EQ(test, dref_slot_puts(slots[0]), 0UL);
	give_back_slots(slots, 1);
}

/*
 * A slot that is given back and handed out again is zero.  What was counted in
 * it is kept in the totals of each CPU.
 */
static void a_reused_slot_is_zero(struct kunit *test)
{
	struct dref_slot **slots = take_slots(test, 2), *again;
	struct dref_counts before, *counts;
	int cpu;

	for_each_possible_cpu(cpu) {
		before = dref_cpu_counts(cpu);
		counts = per_cpu_ptr(slots[0]->counts, cpu);
		counts->gets = 10 + cpu;
		counts->puts = 20 + cpu;
		KUNIT_EXPECT_EQ(test, dref_cpu_counts(cpu).gets, before.gets + 10 + cpu);
		KUNIT_EXPECT_EQ(test, dref_cpu_counts(cpu).puts, before.puts + 20 + cpu);
	}
	slots[0]->activity = 5;
	slots[0]->idle_passes = 6;
	slots[0]->demoting = true;
	cpu = cpumask_first(cpu_possible_mask);
	before = dref_cpu_counts(cpu);
	dref_slot_clear(slots[0]);
	dref_slot_put(slots[0]);
	KUNIT_EXPECT_EQ(test, dref_cpu_counts(cpu).gets, before.gets);
	KUNIT_EXPECT_EQ(test, dref_cpu_counts(cpu).puts, before.puts);

	again = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
	KUNIT_ASSERT_PTR_EQ(test, again, slots[0]);
	for_each_possible_cpu(cpu) {
		KUNIT_EXPECT_EQ(test, per_cpu_ptr(again->counts, cpu)->gets, 0UL);
		KUNIT_EXPECT_EQ(test, per_cpu_ptr(again->counts, cpu)->puts, 0UL);
	}
	KUNIT_EXPECT_EQ(test, again->activity, 0UL);
	KUNIT_EXPECT_EQ(test, again->idle_passes, 0U);
	KUNIT_EXPECT_FALSE(test, again->demoting);
	give_back_slots(slots, 2);
}

static void max_deferred_limits_slots(struct kunit *test)
{
	struct dref_slot **slots, *more;

	dref_max_deferred = 3;
	slots = take_slots(test, 3);
	more = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(more), (long)-ENOSPC);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 3UL);

	/* a slot that comes back can be taken, unless max_deferred is smaller by then */
	dref_slot_put(slots[2]);
	slots[2] = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, slots[2]);
	dref_max_deferred = 1;
	dref_slot_put(slots[2]);
	more = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(more), (long)-ENOSPC);
	give_back_slots(slots, 2);

	dref_max_deferred = 0;
	more = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(more), (long)-ENOSPC);
}

/* The pool keeps one empty chunk until dref_slots_trim() frees it */
static void chunks_are_added_and_freed(struct kunit *test)
{
	const unsigned long chunk = DREF_CHUNK_SLOTS;
	struct dref_slot **slots;

	KUNIT_ASSERT_EQ(test, dref_slots_total(), 0UL);
	slots = take_slots(test, chunk);
	KUNIT_EXPECT_EQ(test, dref_slots_total(), chunk);
	give_back_slots(slots, chunk);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 0UL);
	KUNIT_EXPECT_EQ(test, dref_slots_total(), chunk);

	slots = take_slots(test, 2 * chunk + 1);
	KUNIT_EXPECT_EQ(test, dref_slots_used(), 2 * chunk + 1);
	KUNIT_EXPECT_EQ(test, dref_slots_total(), 3 * chunk);
	KUNIT_EXPECT_EQ(test, dref_slot_bytes(), 3 * PAGE_SIZE * num_possible_cpus());
	dref_slot_put(slots[2 * chunk]);
	dref_slots_trim();
	KUNIT_EXPECT_EQ(test, dref_slots_total(), 2 * chunk);
	dref_slots_trim();			/* no empty chunk: nothing to free */
	KUNIT_EXPECT_EQ(test, dref_slots_total(), 2 * chunk);

	give_back_slots(slots, 2 * chunk);
	KUNIT_EXPECT_EQ(test, dref_slots_total(), chunk);
	dref_slots_trim();
	KUNIT_EXPECT_EQ(test, dref_slots_total(), 0UL);
}

/* If two tasks add a chunk at the same time, the second chunk is freed again */
static void a_second_empty_chunk_is_freed(struct kunit *test)
{
	struct dref_slot **slots;

	KUNIT_ASSERT_EQ(test, dref_slots_total(), 0UL);
	KUNIT_EXPECT_EQ(test, dref_chunk_add(GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, dref_chunk_add(GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, dref_slots_total(), (unsigned long)DREF_CHUNK_SLOTS);
	slots = take_slots(test, 1);
	give_back_slots(slots, 1);
	dref_slots_trim();
	KUNIT_EXPECT_EQ(test, dref_slots_total(), 0UL);
}

/* Slots come from the fuller chunk, so that the others become empty */
static void the_fuller_chunk_is_used_first(struct kunit *test)
{
	struct dref_slot **slots = take_slots(test, MANY), *slot;

	dref_slot_put(slots[7]);
	slot = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, slot, slots[7]);
	slot = dref_slot_get(NULL, &kunit_class.class, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, slot->chunk, slots[MANY - 1]->chunk);
	dref_slot_put(slot);
	give_back_slots(slots, MANY);
}

/*
 * dref_slots_look() finds all deferred objects of a class, in order, and no
 * others: none of another class, none that is hidden, none that is immortal.
 */
static void a_look_finds_the_objects_of_a_class(struct kunit *test)
{
	static struct dref_class other = { .name = "other" };
	struct dref *refs = kunit_kcalloc(test, MANY, sizeof(*refs), GFP_KERNEL);
	struct dref_slot **slots = take_slots(test, MANY);
	struct dref_snapshot seen;
	long number = -1;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, refs);
	for (i = 0; i < MANY; i++) {
		refs[i].mode = (__force unsigned long)slots[i]->counts | DREF_MODE_DEFERRED;
		atomic_long_set(&refs[i].count, DREF_BIAS + i);
		slots[i]->class = i % 2 ? &kunit_class.class : &other;
		dref_slot_set_ref(slots[i], &refs[i]);
	}
	dref_slot_hide(slots[5]);
	refs[9].mode = DREF_MODE_IMMORTAL;
	for (i = 1; i < MANY; i += 2) {
		if (i == 5 || i == 9)
			continue;
		number = dref_slots_find(number + 1, &kunit_class.class, &seen);
		KUNIT_ASSERT_GE_MSG(test, number, 0L, "object %d", i);
		KUNIT_EXPECT_PTR_EQ(test, seen.ref, (const struct dref *)&refs[i]);
		KUNIT_EXPECT_EQ(test, seen.count, i + 1L);
	}
	KUNIT_EXPECT_EQ(test, dref_slots_find(number + 1, &kunit_class.class, &seen), -1L);
	give_back_slots(slots, MANY);
}

static struct kunit_case slot_cases[] = {
	KUNIT_CASE(slots_are_aligned_and_disjoint),
	KUNIT_CASE(sums_include_all_possible_cpus),
	KUNIT_CASE(a_reused_slot_is_zero),
	KUNIT_CASE(max_deferred_limits_slots),
	KUNIT_CASE(chunks_are_added_and_freed),
	KUNIT_CASE(a_second_empty_chunk_is_freed),
	KUNIT_CASE(the_fuller_chunk_is_used_first),
	KUNIT_CASE(a_look_finds_the_objects_of_a_class),
	{ }
};

KUNIT_CORE_SUITE("dref_slot", slot_cases);
