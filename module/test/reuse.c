// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of objects in memory that contains something else, or an older object.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/poison.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "test.h"

/* ---- dref_init() reads nothing ---- */

/* Check that an object is new: exact, with one reference, and released once by its put */
static void check_new(struct dref_test *t, struct test_object *obj, const char *memory)
{
	CHECK(t, test_is_exact(obj), "%s: mode is %#lx", memory, obj->ref.mode);
	CHECK(t, dref_read(&obj->ref) == 1, "%s: count is %ld", memory, dref_read(&obj->ref));
	CHECK(t, !dref_is_immortal(&obj->ref), "%s: immortal", memory);
	CHECK(t, !dref_is_deferred(&obj->ref), "%s: deferred", memory);
	CHECK(t, !dref_is_dying(&obj->ref), "%s: dying", memory);
	CHECK(t, dref_tryget_live(&obj->ref), "%s: tryget_live failed", memory);
	dref_put(&obj->ref);
	CHECK(t, !test_released(obj), "%s: released with a reference left", memory);
	dref_put(&obj->ref);
	CHECK(t, test_released(obj), "%s: the last put did not release at once", memory);
}

/* Initialise an object in memory that now contains @image, and use it up */
static void init_over(struct dref_test *t, struct dref_class *class,
		      const struct dref *image, const char *memory)
{
	struct test_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL);

	if (!CHECK(t, obj, "out of memory"))
		return;
	obj->t = t;
	memcpy(&obj->ref, image, sizeof(*image));
	/* a live object points to itself */
	if (image->link.next == &image->link)
		obj->ref.link.next = &obj->ref.link;
	dref_init(&obj->ref, class);
	check_new(t, obj, memory);
	kfree(obj);
}

static void init_over_bytes(struct dref_test *t)
{
	static const int bytes[] = { 0x00, POISON_INUSE, POISON_FREE, 0xff };
	struct dref_class *class = test_class(t, 0);
	struct dref image;
	char memory[20];
	int i;

	for (i = 0; class && i < ARRAY_SIZE(bytes); i++) {
		memset(&image, bytes[i], sizeof(image));
		snprintf(memory, sizeof(memory), "bytes %#x", bytes[i]);
		init_over(t, class, &image, memory);
	}
}

/* Objects in each mode, with and without other references, killed, immortal and dead */
static void init_over_an_object(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj;
	enum test_mode mode;
	struct dref image;
	char memory[40];
	int how;

	enum { HELD, SHARED, KILLED, IMMORTAL, KILLED_IMMORTAL, DYING, DEAD, NR_ENDS };
	static const char * const end[NR_ENDS] = {
		"", "shared", "killed", "immortal", "killed and immortal", "dying", "dead",
	};

	/* a demoted object is an exact one */
	for (mode = 0; mode < TEST_DEMOTED; mode++) {
		for (how = 0; how < NR_ENDS; how++) {
			obj = test_new(t, class, false);
			if (!obj || !test_bring_into_mode(t, obj, mode))
				return;
			snprintf(memory, sizeof(memory), "%s %s", test_mode_name[mode], end[how]);
			if (how == SHARED || how == KILLED || how == KILLED_IMMORTAL)
				dref_get(&obj->ref);
			if (how == KILLED || how == KILLED_IMMORTAL)
				dref_kill(&obj->ref);
			if (how == IMMORTAL || how == KILLED_IMMORTAL)
				dref_immortalize(&obj->ref);
			if (how == DEAD) {
				dref_put(&obj->ref);
				dref_barrier();
			}
			image = data_race(obj->ref);	/* a pass may change mode */
			if (image.link.next == &obj->ref.link)
				image.link.next = &image.link;
			/* a pass is too quick to be caught at it */
			if (how == DYING && mode == TEST_DEFERRED)
				image.mode += DREF_MODE_DYING - DREF_MODE_DEFERRED;
			init_over(t, class, &image, memory);

			if (how != DEAD)
				dref_put_many(&obj->ref, how == SHARED ? 2 : 1);
		}
	}
}

/* One piece of memory has many objects, one after the other, that end in each way */
static void init_again_after_the_end(struct dref_test *t)
{
	struct dref_class *class = test_class(t, 0);
	struct test_object *obj = test_new(t, class, false);
	int life;

	if (!obj)
		return;
	for (life = 0; life < 12; life++) {
		CHECK(t, test_is_exact(obj), "life %d: not exact", life);
		CHECK(t, dref_read(&obj->ref) == 1, "life %d: count is %ld", life,
		      dref_read(&obj->ref));
		if (life % 3 == 0) {
			dref_get(&obj->ref);
			dref_put(&obj->ref);
			if (!CHECK(t, dref_exit(&obj->ref), "life %d: exit failed", life))
				return;
			CHECK(t, !test_released(obj), "life %d: exit called release()", life);
		} else {
			if (life % 3 == 1)
				CHECK(t, !dref_defer(&obj->ref, GFP_KERNEL), "cannot defer");
			dref_put(&obj->ref);
			dref_barrier();
			if (!CHECK(t, test_released(obj), "life %d: not released", life))
				return;
			atomic_set(&obj->released, 0);
		}
		dref_init(&obj->ref, class);
	}
	dref_put(&obj->ref);
}

/* ---- the order of the stores ---- */

#if defined(CONFIG_X86) && !defined(CONFIG_UML) && defined(CONFIG_HAVE_HW_BREAKPOINT)

/* What a write to count must find; @hits: number of writes that were seen */
struct watch {
	struct test_object	*obj;
	struct dref_class	*class;
	unsigned int		hits;
};

/*
 * The processor has just written to count, and this runs before its next instruction.  From
 * now on a tryget succeeds.  On other architectures, it would run before the write.
 */
static void check_at_write(struct perf_event *event, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	struct watch *watch = event->overflow_handler_context;
	struct dref *ref = &watch->obj->ref;

	watch->hits++;
	CHECK(watch->obj->t, !atomic_long_read(&ref->count), "count is %ld",
	      atomic_long_read(&ref->count));
	CHECK(watch->obj->t, ref->class == watch->class, "count is stored before class");
	CHECK(watch->obj->t, (ref->mode & DREF_MODE_TAGS) == DREF_MODE_EXACT,
	      "count is stored before mode, which is %#lx", ref->mode);
	CHECK(watch->obj->t, ref->link.next == &ref->link, "count is stored before link");
}

/*
 * If a dead object was in the memory, whose count makes trygets fail, dref_init() stores count
 * last.  A watchpoint shows the memory at that moment.
 */
static void init_stores_count_last(struct dref_test *t)
{
	struct perf_event * __percpu *event;
	struct watch watch = { };
	struct perf_event_attr attr;
	struct test_object *obj;

	obj = test_new(t, test_class(t, 0), true);
	watch.class = test_class(t, 0);
	if (!obj || !watch.class)
		return;
	watch.obj = obj;
	dref_put(&obj->ref);
	dref_barrier();
	if (!CHECK(t, test_released(obj), "not released"))
		return;
	atomic_set(&obj->released, 0);

	hw_breakpoint_init(&attr);
	attr.bp_addr = (unsigned long)&obj->ref.count;
	attr.bp_len = HW_BREAKPOINT_LEN_8;
	attr.bp_type = HW_BREAKPOINT_W;
	event = register_wide_hw_breakpoint(&attr, check_at_write, &watch);
	dref_init(&obj->ref, watch.class);
	if (!IS_ERR((void __force *)event))
		unregister_wide_hw_breakpoint(event);
	dref_put(&obj->ref);
	if (!watch.hits)
		test_skip(t, "no watchpoint works here");
}

#else
static void init_stores_count_last(struct dref_test *t)
{
	test_skip(t, "needs watchpoints as those of x86");
}
#endif

/* ---- SLAB_TYPESAFE_BY_RCU ---- */

/*
 * Lookups find objects whose memory is freed at once, and is at once used again.  The
 * memory always holds an object of this type, alive or dead, while a lookup is in its RCU
 * section.  So its dref_tryget() fails, or returns a reference to an object that is
 * complete, perhaps another one than the one that was published.
 *
 * A lookup tries the same pointer again and again, to get the object that comes into the
 * memory next.  The classes of two objects that follow each other in one memory differ, and
 * so do the modes of some.
 */
#define PLACES		8
#define TRIES		200
#define LIVE		0x11fe0b1eU
#define DEAD_STATE	0xdead0b1eU

struct typesafe_object {
	struct dref		ref;
	unsigned int		state;	/* LIVE or DEAD_STATE */
	unsigned long		life;	/* counts the objects that the memory has had */
	struct dref_class	*class;	/* class of this one */
	struct dref_test	*t;
};

static struct {
	struct kmem_cache		*cache;
	struct dref_test		*t;
	struct typesafe_object __rcu	*place[PLACES];
	atomic_t			lives;
	atomic_t			found;
	atomic_t			strangers;
} typesafe;

static void typesafe_release(struct dref *ref)
{
	struct typesafe_object *obj = container_of(ref, struct typesafe_object, ref);

	CHECK(obj->t, READ_ONCE(obj->state) == LIVE, "released in state %#x", obj->state);
	WRITE_ONCE(obj->state, DEAD_STATE);
	kmem_cache_free(typesafe.cache, obj);
}

static DEFINE_DREF_CLASS(typesafe_even, "test-typesafe-even", typesafe_release, 0);
static DEFINE_DREF_CLASS(typesafe_odd, "test-typesafe-odd", typesafe_release, DREF_EXACT);

static struct typesafe_object *create_typesafe(struct dref_test *t)
{
	struct typesafe_object *obj = kmem_cache_alloc(typesafe.cache, GFP_KERNEL);

	if (!CHECK(t, obj, "out of memory"))
		return NULL;
	/* a lookup may still read what is written here, and then not get the object */
	obj->t = t;
	WRITE_ONCE(obj->life, obj->life + 1);
	WRITE_ONCE(obj->class, obj->life & 1 ? &typesafe_odd : &typesafe_even);
	WRITE_ONCE(obj->state, LIVE);
	dref_init(&obj->ref, obj->class);
	atomic_inc(&typesafe.lives);
	return obj;
}

/* Each creator has places of its own */
static void replace_typesafe(struct test_thread *self)
{
	struct typesafe_object *obj;
	unsigned int i = self->nr;

	while (test_goes_on(self->t)) {
		i = (i + 2) % PLACES;
		obj = rcu_dereference_protected(typesafe.place[i], true);
		if (obj) {
			RCU_INIT_POINTER(typesafe.place[i], NULL);
			dref_put(&obj->ref);
		}
		/* most often this is the memory that was freed above */
		obj = create_typesafe(self->t);
		if (!obj)
			return;
		if (!test_random(self, 8))
			dref_defer(&obj->ref, GFP_KERNEL);
		rcu_assign_pointer(typesafe.place[i], obj);
		udelay(test_random(self, 20));
	}
}

/* This holds a reference, so the object is complete, and stays as it is */
static void check_typesafe(struct dref_test *t, struct typesafe_object *obj)
{
	struct dref_class *class = READ_ONCE(obj->class);
	unsigned long life = READ_ONCE(obj->life);

	CHECK(t, READ_ONCE(obj->state) == LIVE, "held in state %#x", obj->state);
	CHECK(t, READ_ONCE(obj->ref.class) == class, "held with the class of an older object");
	CHECK(t, READ_ONCE(obj->ref.mode) & DREF_MODE_TAGS, "held without a mode");
	CHECK(t, dref_read(&obj->ref) > 0, "held, but count is %ld", dref_read(&obj->ref));
	dref_get(&obj->ref);
	dref_put(&obj->ref);
	CHECK(t, READ_ONCE(obj->state) == LIVE && READ_ONCE(obj->life) == life,
	      "released while held");
}

static void look_up_typesafe(struct test_thread *self)
{
	struct typesafe_object __rcu **place;
	struct typesafe_object *obj;
	bool got, same;
	int try;

	while (test_goes_on(self->t)) {
		place = &typesafe.place[test_random(self, PLACES)];
		got = false;
		rcu_read_lock();
		obj = rcu_dereference(*place);
		/* from now on, only an object that comes into this memory later */
		while (obj && rcu_access_pointer(*place) == obj && test_random(self, 64))
			cpu_relax();
		for (try = 0; obj && !got && try < TRIES; try++)
			got = dref_tryget(&obj->ref);
		same = got && rcu_access_pointer(*place) == obj;
		rcu_read_unlock();
		if (!got)
			continue;
		check_typesafe(self->t, obj);
		atomic_inc(same ? &typesafe.found : &typesafe.strangers);
		dref_put(&obj->ref);
	}
}

static void typesafe_threads(struct dref_test *t)
{
	unsigned int i;

	/* the first two threads create, in even and in odd places */
	for (i = 0; i < 2 + test_parallel(); i++) {
		if (!test_thread(t, i < 2 ? replace_typesafe : look_up_typesafe, NULL))
			return;
	}
	test_run_beyond(t, &typesafe.strangers, 10);
	CHECK(t, atomic_read(&typesafe.found), "no lookup found what was published");
	CHECK(t, atomic_read(&typesafe.strangers), "no lookup found a later object");
	test_note(t, "%d objects, found %d times, and %d times another one",
		  atomic_read(&typesafe.lives), atomic_read(&typesafe.found),
		  atomic_read(&typesafe.strangers));
}

static void lookups_in_typesafe_memory(struct dref_test *t)
{
	struct typesafe_object *obj;
	int i;

	if (num_online_cpus() == 1) {
		test_skip(t, "needs 2 CPUs");
		return;
	}
	memset(&typesafe, 0, sizeof(typesafe));
	typesafe.cache = kmem_cache_create("dref_test_typesafe", sizeof(*obj), 0,
					   SLAB_TYPESAFE_BY_RCU, NULL);
	if (!CHECK(t, typesafe.cache, "out of memory"))
		return;
	if (!CHECK(t, !dref_class_register(&typesafe_even), "cannot register"))
		goto destroy;
	if (!CHECK(t, !dref_class_register(&typesafe_odd), "cannot register"))
		goto drain;
	typesafe_threads(t);
	test_stop(t);
	for (i = 0; i < PLACES; i++) {
		obj = rcu_dereference_protected(typesafe.place[i], true);
		if (obj)
			dref_put(&obj->ref);
	}
	dref_class_drain(&typesafe_odd);
drain:
	dref_class_drain(&typesafe_even);
destroy:
	rcu_barrier();
	kmem_cache_destroy(typesafe.cache);
}

const struct dref_test_case test_reuse[] = {
	{ "init_over_bytes",		init_over_bytes },
	{ "init_over_an_object",	init_over_an_object, QUICK_DEMOTION },
	{ "init_again_after_the_end",	init_again_after_the_end, .expects = "exited=4" },
	{ "init_stores_count_last",	init_stores_count_last },
	{ "lookups_in_typesafe_memory",	lookups_in_typesafe_memory, FLAPPING },
	{ }
};
