// SPDX-License-Identifier: GPL-2.0
/*
 * Tests with CPUs that go off line and come back.
 *
 * The counters of a CPU stay where they are, and each pass sums over all possible CPUs.
 * What a CPU has put on lists on its way down is dealt with when it is off line.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/slab.h>

#include "test.h"

/*
 * Find a CPU that can be taken off line; returns -1 if there is none.  It tries
 * the last CPU, as the first one often cannot be removed.
 */
static int removable_cpu(void)
{
	int cpu = cpumask_last(cpu_online_mask);

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU) || num_online_cpus() < 2)
		return -1;
	if (remove_cpu(cpu))
		return -1;
	return add_cpu(cpu) ? -1 : cpu;
}

static void take_five(struct test_thread *self)
{
	struct test_object *obj = self->arg;

	dref_get_many(&obj->ref, 5);
}

/* References that were taken on a CPU that is now off line are put on another one */
static void offline_cpu_keeps_counts(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	int cpu = removable_cpu(), nr;

	if (cpu < 0) {
		test_skip(t, "needs a CPU that can be taken off line");
		return;
	}
	obj = class ? test_object(t, class) : NULL;
	if (!obj || !CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer"))
		return;
	/* the last of as many threads as there are CPUs is on the last CPU */
	for (nr = num_online_cpus(); nr; nr--) {
		if (!test_thread(t, take_five, obj))
			return;
	}
	test_run_once(t);
	nr = 1 + 5 * num_online_cpus();
	CHECK(t, dref_read(&obj->ref) == nr, "count is %ld, not %d", dref_read(&obj->ref), nr);

	if (!CHECK(t, !remove_cpu(cpu), "cannot take CPU %d off line", cpu))
		return;
	CHECK(t, dref_read(&obj->ref) == nr, "count is %ld, not %d, with CPU %d off line",
	      dref_read(&obj->ref), nr, cpu);
	dref_put_many(&obj->ref, nr - 1);
	dref_barrier();
	CHECK(t, !test_released(obj), "released with a reference left");
	CHECK(t, dref_read(&obj->ref) == 1, "count is %ld, not 1", dref_read(&obj->ref));
	dref_put(&obj->ref);
	dref_barrier();
	CHECK(t, test_released(obj), "not released");
	CHECK(t, !add_cpu(cpu), "cannot bring CPU %d back on line", cpu);
}

/* ---- a CPU on its way down ---- */

/*
 * The last step of a CPU that goes off line, with interrupts disabled for good: an irq_work
 * that is queued then runs when the CPU is on line again.  The step belongs to a driver
 * that exists on SuperH only.
 */
#define TEST_LAST_STEP	CPUHP_AP_JCORE_TIMER_STARTING

static struct {
	struct test_object	*dead;	/* the CPU drops it, and it is released by a worker */
	struct test_object	*hot;	/* the CPU makes it hot */
	struct test_object	*later;	/* another CPU makes it hot after that */
} dying_cpu;

static void make_hot(struct test_object *obj)
{
	dref_get(&obj->ref);
	dref_put(&obj->ref);
}

static int use_dref_on_dying_cpu(unsigned int cpu)
{
	dref_put(&dying_cpu.dead->ref);
	make_hot(dying_cpu.hot);
	return 0;
}

static long make_later_hot(void *arg)
{
	make_hot(dying_cpu.later);
	return 0;
}

static long create_for_dying_cpu(void *arg)
{
	struct dref_test *t = arg;

	dying_cpu.dead = test_new(t, test_class(t, DREF_ASYNC), false);
	dying_cpu.hot = test_new(t, test_class(t, 0), false);
	dying_cpu.later = test_new(t, test_class(t, 0), false);
	return 0;
}

/*
 * Neither a release nor a promotion waits until the CPU is on line again, whether this CPU
 * has caused it or another one.
 */
static void lists_of_a_dying_cpu(struct dref_test *t)
{
	int cpu = removable_cpu();

	if (cpu < 0 || num_online_cpus() < 3) {
		test_skip(t, "needs three CPUs, one of which can be taken off line");
		return;
	}
	work_on_cpu(cpumask_first(cpu_online_mask), create_for_dying_cpu, t);
	if (!dying_cpu.dead || !dying_cpu.hot || !dying_cpu.later)
		return;
	if (cpuhp_setup_state_nocalls(TEST_LAST_STEP, "dref:test", NULL, use_dref_on_dying_cpu)) {
		test_skip(t, "needs a step of the CPU's that no driver uses");
		dref_put(&dying_cpu.dead->ref);
		goto out;
	}
	if (CHECK(t, !remove_cpu(cpu), "cannot take CPU %d off line", cpu)) {
		CHECK(t, test_soon(test_released(dying_cpu.dead), 5000), "not released");
		CHECK(t, test_soon(dref_is_deferred(&dying_cpu.hot->ref), 5000), "not promoted");
		work_on_cpu(cpumask_last(cpu_online_mask), make_later_hot, NULL);
		CHECK(t, test_soon(dref_is_deferred(&dying_cpu.later->ref), 5000),
		      "not promoted later");
		CHECK(t, !add_cpu(cpu), "cannot bring CPU %d back on line", cpu);
	}
	cpuhp_remove_state_nocalls(TEST_LAST_STEP);
out:
	dref_put(&dying_cpu.hot->ref);
	dref_put(&dying_cpu.later->ref);
}

/* ---- CPUs come and go while references do ---- */

struct hotplug {
	struct dref_class	*class;
	struct test_object	*obj[8];
	atomic_t		removed;	/* how often a CPU went off line */
};

static void remove_and_add_cpus(struct test_thread *self)
{
	struct hotplug *hotplug = self->arg;
	int cpu, err = 0;

	while (test_goes_on(self->t)) {
		for_each_present_cpu(cpu) {
			if (cpu == cpumask_first(cpu_present_mask) || remove_cpu(cpu))
				continue;
			atomic_inc(&hotplug->removed);
			msleep(test_random(self, 20));
			err = err ?: add_cpu(cpu);
		}
	}
	CHECK(self->t, !err, "cannot bring a CPU back on line: %d", err);
}

static void get_and_put(struct test_thread *self)
{
	struct hotplug *hotplug = self->arg;
	struct dref_test *t = self->t;
	struct test_object *obj;

	while (test_goes_on(t)) {
		obj = hotplug->obj[test_random(self, ARRAY_SIZE(hotplug->obj))];
		/* the scheduler may move this thread between the get and the put */
		dref_get(&obj->ref);
		if (!test_random(self, 8))
			schedule_timeout_uninterruptible(1);
		CHECK(t, !test_released(obj), "released while held");
		dref_put(&obj->ref);
	}
}

static void create_and_drop(struct test_thread *self)
{
	struct hotplug *hotplug = self->arg;
	struct test_object *obj;

	while (test_goes_on(self->t)) {
		obj = test_object(self->t, hotplug->class);
		if (!obj)
			return;
		dref_defer(&obj->ref, GFP_KERNEL);
		dref_get(&obj->ref);
		schedule_timeout_uninterruptible(1);
		dref_put_many(&obj->ref, 2);
		dref_barrier();
		CHECK(self->t, test_released(obj), "dropped but not released");
		if (test_released(obj))
			test_object_free(obj);
	}
}

static void cpus_come_and_go(struct dref_test *t)
{
	struct hotplug *hotplug;
	int i, threads;

	if (removable_cpu() < 0) {
		test_skip(t, "needs a CPU that can be taken off line");
		return;
	}
	hotplug = kzalloc(sizeof(*hotplug), GFP_KERNEL);
	if (!CHECK(t, hotplug, "out of memory"))
		return;
	hotplug->class = test_class(t, DREF_RCU);
	for (i = 0; i < ARRAY_SIZE(hotplug->obj); i++) {
		hotplug->obj[i] = hotplug->class ? test_object(t, hotplug->class) : NULL;
		if (!hotplug->obj[i])
			goto out;
		if (i & 1)
			dref_defer(&hotplug->obj[i]->ref, GFP_KERNEL);
	}
	/* the first thread is bound to the first CPU, which stays on line */
	if (!test_thread(t, remove_and_add_cpus, hotplug))
		goto out;
	for (threads = test_parallel(); threads; threads--) {
		if (!test_thread(t, get_and_put, hotplug))
			goto out;
	}
	if (test_thread(t, create_and_drop, hotplug))
		test_run_beyond(t, &hotplug->removed, 0);
	test_stop(t);
	for (i = 0; i < ARRAY_SIZE(hotplug->obj); i++) {
		dref_barrier();
		CHECK(t, test_count_is(hotplug->obj[i], 1), "count is %ld, not 1",
		      dref_read(&hotplug->obj[i]->ref));
		dref_put(&hotplug->obj[i]->ref);
	}
	CHECK(t, atomic_read(&hotplug->removed), "no CPU has gone off line");
	test_note(t, "CPUs went off line %d times", atomic_read(&hotplug->removed));
out:
	test_stop(t);
	kfree(hotplug);
}

const struct dref_test_case test_hotplug[] = {
	{ "offline_cpu_keeps_counts",	offline_cpu_keeps_counts },
	{ "lists_of_a_dying_cpu",	lists_of_a_dying_cpu, "promote_threshold=1" },
	{ "cpus_come_and_go",		cpus_come_and_go, FLAPPING },
	{ }
};
