/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dref: deferred reference counts for kernel objects
 *
 * A dref is one atomic word while the object is used little, and a pair of
 * per-CPU counters while it is used a lot.  It switches between the two by
 * itself, and it detects zero in both, without an explicit kill.  An object can
 * also be made immortal: it is then no longer counted, and never released.
 *
 * Usage
 * -----
 *
 *	struct session {
 *		struct dref	ref;
 *		...
 *	};
 *
 *	static void session_release(struct dref *ref)
 *	{
 *		kfree(container_of(ref, struct session, ref));
 *	}
 *
 *	static DEFINE_DREF_CLASS(session_class, "session", session_release, 0);
 *
 *	module_init:	dref_class_register(&session_class)
 *	create:		dref_init(&s->ref, &session_class)	one reference
 *	error path:	dref_exit(&s->ref), kfree(s)	nothing else has seen s
 *	share:		dref_get(&s->ref)	any context
 *			dref_put(&s->ref)	any context in which release() may run
 *	look up:	rcu_read_lock(), dref_tryget(&s->ref)
 *	module_exit:	dref_class_drain(&session_class)
 *
 * Modes
 * -----
 *
 *   exact	Gets and puts change one atomic count, and the put that reaches
 *		zero releases the object at once.  Every object starts here.
 *   deferred	Gets and puts increment counters in the object's slot (a pair of
 *		counters on each CPU), on the CPU on which they run.  A reconcile
 *		pass detects zero a little later, and the object is released
 *		then.
 *   immortal	The object is not counted, and never released.  No operation
 *		stores to it, so it may be const and live in .rodata.
 *
 * An object that is used a lot, by several CPUs or by one, is promoted from exact to
 * deferred.  An object that has become idle is demoted to exact again.  It is
 * "demoting" in between, and "dying" while a pass confirms zero: it still has its
 * slot, but gets and puts change the atomic count.
 *
 * dref_kill() marks an object as killed, and drops its initial reference.  How the
 * object is counted does not change.
 *
 * Memory ordering
 * ---------------
 *
 *   dref_put()		Everything that a holder did to the object before its put
 *			happens before release().
 *   dref_get()		Orders nothing: the caller has a reference already.
 *   dref_tryget()	On success, what follows is ordered after the stores that
 *			published the object.
 *
 * Where the order at a line matters, a comment names, after "litmus:", the test in
 * proof/litmus that shows why.  P, G and c in these names are the two sums and the
 * count of a pass, as in reconcile.c.
 *
 * The ideas come from CPython's free-threaded build (PEP 703 for biased and
 * deferred counts, PEP 683 for immortal objects), from SRCU's split counters,
 * from percpu_ref's bias and from Refcache.
 */
#ifndef _LINUX_DREF_H
#define _LINUX_DREF_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#ifndef CONFIG_64BIT
#error "dref needs 64-bit counters: a wrapped 32-bit sum could be taken for zero"
#endif

struct dref;
struct dref_class;
struct dref_class_cpu;
struct dref_class_lock;
struct dentry;
struct module;

typedef void (*dref_release_t)(struct dref *ref);

/**
 * struct dref - a deferred reference count, to be embedded in an object
 * @mode: how the object is counted, see DREF_MODE_* in dref.h; a get or a put
 *	decides with one load of it what to do
 * @count: the references that are counted here, minus one, so that the sign bit
 *	means "no reference"; DREF_BIAS is added while the object has a slot
 * @class: the class of the object, which says how it is released
 * @link: links the object into the promotion queue or into a list of dead
 *	objects; points to itself while the object is alive and in neither
 *
 * The fields are private to dref.
 */
struct dref {
	unsigned long		mode;
	atomic_long_t		count;
	struct dref_class	*class;
	struct llist_node	link;
};

/* Flags of a class; they can be combined */
#define DREF_SLEEP	0x1U	/* release() runs in a work item and may sleep */
#define DREF_RCU	0x2U	/* release() is called one RCU grace period after death */
#define DREF_EXACT	0x4U	/* objects of this class are never promoted */
#define DREF_ASYNC	0x8U	/* release() never runs in the context of a put */

/**
 * struct dref_class - describes one kind of object
 * @name: name in debugfs and in messages: ``[a-z0-9_-]{1,31}``
 * @release: called once for each object, after its last reference was dropped
 * @flags: DREF_SLEEP, DREF_RCU, DREF_EXACT, DREF_ASYNC
 * @owner: the module that defines the class
 *
 * Use DEFINE_DREF_CLASS() to define one, or set these fields in zeroed memory.  The
 * other fields are private to dref.  dref_class_register() must be called before the
 * first dref_init(), and the memory of the class must exist until
 * dref_class_unregister() or dref_class_drain() has returned.
 */
struct dref_class {
	const char			*name;
	dref_release_t			release;
	unsigned int			flags;
	struct module			*owner;
	/* private: */
	unsigned long __percpu		*created;	/* NULL: use dref_init_slow() */
	struct dref_class_cpu __percpu	*cpu;		/* NULL: not registered */
	bool				tracked;	/* holders recorded; objects exact */
	struct list_head		node;		/* in the list of classes */
	atomic_long_t			deferred;	/* pins: slots, promotions under way */
	atomic_t			works;		/* pins: what is to call release() */
	unsigned long			wanted;		/* the last ticket of a flush */
	bool				going;		/* is being unregistered */
	bool				open;		/* can have objects */
	unsigned long			warned;		/* a bit for each dref_fault reported */
	struct dref_class_lock		*lock;		/* for lockdep */
	struct dentry			*dir;		/* in debugfs */
};

/**
 * DEFINE_DREF_CLASS - define a class of objects
 * @var: the variable to define
 * @_name: name of the class, a string
 * @_release: function that frees an object of this class
 * @_flags: DREF_SLEEP, DREF_RCU, DREF_EXACT, DREF_ASYNC or 0
 *
 * Without DREF_SLEEP, release() must not sleep.  Without DREF_SLEEP, DREF_RCU and
 * DREF_ASYNC, it may run in the context of the last put.  If dref_tryget() looks
 * objects up under RCU, an object must stay readable for a grace period after it can
 * no longer be found: either it is unpublished before its last put and the class is
 * DREF_RCU, or release() frees it with kfree_rcu(), or its memory comes from a
 * SLAB_TYPESAFE_BY_RCU cache.
 */
#define DEFINE_DREF_CLASS(var, _name, _release, _flags)			\
	struct dref_class var = {					\
		.name		= (_name),				\
		.release	= (_release),				\
		.flags		= (_flags),				\
		.owner		= THIS_MODULE,				\
	}

/*
 * The mode word.  The low four bits are tags.  If bit 2 is set, gets and puts are counted
 * per CPU, at the address mode - 4, so that the fast path is one test.  Words of zeroes,
 * and of the bytes with which the kernel poisons memory (0x5a and 0x6b), have it clear.
 *
 *	63      52 51  36 35  33  32  31   24 23 22 21   8  7    6    5    4   3  0
 *	+---------+------+------+----+-------+-----+------+----+----+----+----+----+
 *	|  heat   |window|again |cold| epoch | 0 0 | CPU  |KILL|trkd|high|qued|0001|  exact
 *	+---------+------+------+----+-------+-----+------+----+----+----+----+----+
 *	|       the slot, a 16-byte aligned per-CPU pointer                   |0100|  deferred
 *	|                                                                     |1000|  killed
 *	+---------------------------------------------------------------------+----+
 *	|       the slot; gets and puts change count                          |K010|  demoting
 *	|                                                                     |K011|  dying
 *	+---------------------------------------------------------------------+----+
 *	|       dref_unread, on x86-64                                        |1100|  immortal
 *	|       0                                              |KILL|    0    |1001|  immortal
 *	+---------------------------------------------------------------------+----+
 *	|                                                                     |0000|  no object
 *	+---------------------------------------------------------------------+----+
 *
 * K, DREF_MODE_KILLED_SLOT, and KILL, DREF_MODE_KILLED, mean that the object has been
 * killed.  An object that was killed while it was deferred has the tags 1000, so that it
 * is off the fast path.  qued, high, trkd, cold and again are DREF_MODE_QUEUED, _HIGH,
 * _TRACKED, _COLD and _AGAIN (internal.h).  epoch is the tracking epoch (track.c), not the
 * epoch of a pass.
 *
 * Heat is how much an exact object was used in the heat window, a time of 1024 ms whose
 * number is in window: how often it has changed its CPU, and how many samples of puts
 * have found it.  An object whose heat reaches promote_threshold is hot, and queued for
 * promotion; the heat of a cold object is ignored until the window in mode has begun
 * (heat.c).
 *
 * In exact mode, the low half is the dref_home word of one CPU, which is the home
 * of the object, with qued, high, trkd and KILL added to it.  An operation on another
 * CPU makes that one the home, with the exceptions in heat.c.  A get or a put
 * compares the low half with the dref_home word of its own CPU.  If they are equal,
 * the object has no flag set, and its cache line has usually not come from another
 * CPU.
 *
 * On x86-64, an immortal object takes the fast path of a deferred one, because a jump
 * around one increment would take longer than the increment.  Its mode points 8
 * bytes into dref_unread, two dref_counts that are never read.  So gets increment
 * the second of the four words there, and puts the third.  On architectures where the
 * increment takes more than one instruction, operations jump over it.
 */
#define DREF_MODE_NONE		0x0UL	/* no object: zeroed memory, say */
#define DREF_MODE_EXACT		0x1UL	/* counted in count; no slot */
#define DREF_MODE_DEMOTING	0x2UL	/* counted in count; slot still attached */
#define DREF_MODE_DYING		0x3UL	/* as DEMOTING, and a pass is confirming zero */
#define DREF_MODE_DEFERRED	0x4UL	/* counted in the slot, at mode - 4 */
#define DREF_MODE_KILLED_SLOT	0x8UL	/* killed; takes the place of DREF_MODE_DEFERRED */
#define DREF_MODE_UNCOUNTED	0x9UL	/* immortal, off the fast path */
#define DREF_MODE_TAGS		0xfUL
#define DREF_MODE_KILLED	0x80UL	/* killed: exact and immortal objects */

/*
 * The mode of an immortal object that is not killed.  User-Mode Linux sets CONFIG_X86_64
 * as well, but has no per-CPU base in %gs, and an increment takes many instructions
 * there.
 */
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#define DREF_MODE_IMMORTAL	((__force unsigned long)&dref_unread + 8 + DREF_MODE_DEFERRED)
#define DREF_IMMORTAL_IS_FAST	true
#else
#define DREF_MODE_IMMORTAL	DREF_MODE_UNCOUNTED
#define DREF_IMMORTAL_IS_FAST	false
#endif

/*
 * What dref_read() returns for an immortal object.  Also the count of an object that
 * was immortal from the beginning; one that has become immortal has another count,
 * DREF_COUNT_IMMORTALIZED (internal.h).
 */
#define DREF_IMMORTAL_COUNT	LONG_MAX

/**
 * DREF_INIT_IMMORTAL - static initialiser for an object that is never released
 * @_class: class of the object, or NULL
 *
 * The object may be const, as no operation stores to it.
 */
#define DREF_INIT_IMMORTAL(_class)					\
	{								\
		.mode	= DREF_MODE_IMMORTAL,				\
		.count	= ATOMIC_LONG_INIT(DREF_IMMORTAL_COUNT),	\
		.class	= (_class),					\
	}

/*
 * The ABI guard: every module that includes this header refers to this symbol, whose
 * name changes when struct dref, struct dref_class or an inline function does.  So a
 * module that was built with another header does not load, also where the kernel has no
 * CONFIG_MODVERSIONS.
 */
extern const char dref_abi_2;
__ADDRESSABLE(dref_abi_2);

/* Context, ordering and errors of these are described where they are defined */
int dref_class_register(struct dref_class *class);
int dref_class_unregister(struct dref_class *class);
void dref_class_drain(struct dref_class *class);
void dref_class_barrier(struct dref_class *class);

bool dref_exit(struct dref *ref);
int dref_defer(struct dref *ref, gfp_t gfp);
void dref_immortalize(struct dref *ref);
void dref_kill(struct dref *ref);
long dref_read(const struct dref *ref);
unsigned long dref_reconcile(void);
void dref_barrier(void);

/* private: used by the inline functions below */

/* A pair of counters, 64 bits each; a slot has one on each possible CPU */
struct dref_counts {
	unsigned long	gets;
	unsigned long	puts;
} __aligned(16);

/*
 * A larger dref_get_many() or dref_put_many() is added to count, not to the slot.  So a
 * sum of a slot changes so slowly that a pass cannot take the difference between two
 * sums, taken at different times, for an overflow.
 */
#define DREF_SLOT_MANY		BIT(16)

/* The low half of the mode of an exact object whose home is this CPU (heat.c) */
DECLARE_PER_CPU(u32, dref_home);
/* How many exact puts on this CPU it takes until one is a sample (heat.c) */
DECLARE_PER_CPU(int, dref_countdown);
/* Incremented by gets and puts of immortal objects; see "The mode word", above */
DECLARE_PER_CPU(struct dref_counts [2], dref_unread);

void dref_init_slow(struct dref *ref, struct dref_class *class);
void dref_get_slow(struct dref *ref, unsigned long n);
void dref_get_bad(struct dref *ref);
void dref_put_slow(struct dref *ref, unsigned long n);
void dref_put_sampled(struct dref *ref);
void dref_put_last(struct dref *ref);	/* count is 0 before the put (count.c) */
void dref_put_zero(struct dref *ref);	/* count is below 0 after the put (zero.c) */
bool dref_tryget_slow(struct dref *ref, bool live);

/*
 * The window is the code between the load of mode and the increment of the slot
 * that mode named (the heat window, above, is a time).  When a slot is taken from a
 * live object, every operation that found the slot in mode must have left the
 * window.  Tasks RCU guarantees that at no cost to the operation.  In a preemptible
 * kernel without Tasks RCU, the operation disables preemption in the window.
 * (litmus: demote-fold)
 */
#if defined(CONFIG_PREEMPTION) && !defined(CONFIG_TASKS_RCU)
static inline void dref_window_open(void) { preempt_disable(); }
static inline void dref_window_close(void) { preempt_enable(); }
#else
static inline void dref_window_open(void) { }
static inline void dref_window_close(void) { }
#endif

/* Test whether gets and puts of an object with this @mode increment per-CPU counters */
static __always_inline bool dref_mode_is_fast(unsigned long mode)
{
	return mode & DREF_MODE_DEFERRED;
}

/*
 * Returns the counters of the slot that @mode names, or for an immortal object, those
 * in dref_unread; dref_mode_is_fast(@mode) is true.
 */
static __always_inline struct dref_counts __percpu *dref_counts(unsigned long mode)
{
	/* The grace periods of a pass wait for this increment only where RCU is watching */
	RCU_LOCKDEP_WARN(!rcu_is_watching(), "dref: get or put in an idle or off-line CPU");
	return (struct dref_counts __percpu *)(mode - DREF_MODE_DEFERRED);
}

/* Test whether there is nothing to count: an immortal object off the fast path */
static __always_inline bool dref_mode_skips(unsigned long mode)
{
	return !DREF_IMMORTAL_IS_FAST && mode == DREF_MODE_IMMORTAL;
}

/* Test whether an object with this @mode is immortal */
static inline bool dref_mode_immortal(unsigned long mode)
{
	return mode == DREF_MODE_IMMORTAL ||
	       (mode & DREF_MODE_TAGS) == DREF_MODE_UNCOUNTED;
}

/* Test whether @mode is exact, its home is this CPU, and it has no flag set */
static __always_inline bool dref_mode_is_home(unsigned long mode)
{
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML) && defined(CONFIG_SMP) && \
	!defined(CONFIG_USE_X86_SEG_SUPPORT)
	bool home;

	/*
	 * Where the kernel does not use the compiler's support for segments (before 6.8
	 * it never did), raw_cpu_read() is a load of its own, before the compare.
	 */
	asm("cmpl %%gs:%[home], %k[mode]" : "=@cce" (home)
	    : [home] "m" (dref_home), [mode] "r" (mode));
	return home;
#else
	return (u32)mode == raw_cpu_read(dref_home);
#endif
}

/*
 * Count an exact put on this CPU, and test whether it is a sample.  Below zero, not at zero:
 * the task that sees zero may move to another CPU before it starts the next countdown.
 */
static __always_inline bool dref_sample_due(void)
{
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML) && defined(CONFIG_SMP) && \
	!defined(CONFIG_USE_X86_SEG_SUPPORT)
	bool due;

	asm volatile("decl %%gs:%[countdown]"
		     : [countdown] "+m" (dref_countdown), "=@ccs" (due));
	return due;
#else
	raw_cpu_dec(dref_countdown);
	return raw_cpu_read(dref_countdown) < 0;
#endif
}

/* public: */

/**
 * dref_init - initialise a count: exact, with one reference
 * @ref: the count; what its memory contained before does not matter
 * @class: a registered class
 *
 * Allocates nothing, and cannot fail if it is used as described here.  If @class is NULL
 * or not registered, dref_init() issues a WARN and makes the object immortal, so that it
 * is leaked.
 *
 * dref_init() of a live object discards its references, which dref cannot detect.  A
 * kernel with CONFIG_DEBUG_OBJECTS reports that, the use of an object before its
 * dref_init(), and with CONFIG_DEBUG_OBJECTS_FREE, that an object was freed while it was
 * alive.
 *
 * The memory may come from a SLAB_TYPESAFE_BY_RCU cache.  If a reader still has a pointer
 * to the object that was there before, its dref_tryget() either fails, or returns a
 * reference to the new object.  The reader then sees all that was stored before
 * dref_init(), so set what it looks at before that.  Such memory must not be cleared before
 * dref_init(): a count of zero means one reference.
 *
 * Context: any; on a kernel with CONFIG_DEBUG_OBJECTS, any but NMI.
 * Ordering: a release, for such a dref_tryget(); otherwise the caller publishes the
 * object.
 */
static inline void dref_init(struct dref *ref, struct dref_class *class)
{
	u32 home = raw_cpu_read(dref_home);
	unsigned long __percpu *created;

	barrier();	/* home, then created; litmus: track-init */
	created = class ? READ_ONCE(class->created) : NULL;
	if (unlikely(!created)) {
		dref_init_slow(ref, class);
		return;
	}
	ref->class = class;
	ref->link.next = &ref->link;
	WRITE_ONCE(ref->mode, home);
	/* Last, as the count of a dead object makes trygets fail; litmus: init-typesafe */
	atomic_long_set_release(&ref->count, 0);
	this_cpu_inc(*created);
}

/**
 * dref_get - take another reference
 * @ref: a count on which the caller holds a reference, or on which another task
 *	holds one on the caller's behalf
 *
 * Costs one unlocked per-CPU increment if the object is deferred or immortal,
 * and one atomic operation if it is exact.
 *
 * A get of a dead object is a bug.  dref issues one WARN per class for that, and
 * makes the object immortal, so that it is leaked and not used after free.
 *
 * Context: any in which RCU is watching (not the idle loop, nor a CPU that is off line),
 * including NMI where this_cpu_inc() is NMI-safe (x86, arm64).
 * Ordering: none.
 */
static __always_inline void dref_get(struct dref *ref)
{
	unsigned long mode;

	dref_window_open();
	/*
	 * The increment comes after this load, because its address depends on mode.
	 * (litmus: promote-zero)
	 */
	mode = READ_ONCE(ref->mode);
	if (likely(dref_mode_is_fast(mode))) {
		/* litmus: P-gp-G-slot */
		this_cpu_inc(dref_counts(mode)->gets);
		dref_window_close();
		return;
	}
	dref_window_close();

	if (dref_mode_skips(mode))
		return;
	/* No order is needed; litmus: P-gp-c */
	if (unlikely(!dref_mode_is_home(mode)))
		dref_get_slow(ref, 1);
	else if (unlikely(atomic_long_add_negative(1, &ref->count)))
		dref_get_bad(ref);
}

/**
 * dref_put - drop a reference
 * @ref: a count on which the caller holds a reference
 *
 * The object may have been freed when dref_put() returns.  If the object is exact and
 * its class is neither DREF_SLEEP, DREF_RCU nor DREF_ASYNC, the last put calls release().
 *
 * One put too many is a bug.  If the object has not been freed by then, dref issues a
 * WARN, as with a get of a dead object, and makes the object immortal.  If the object
 * is deferred, dref_put() does not notice that; a pass does.
 *
 * Context: as release(), if the class is neither DREF_SLEEP, DREF_RCU nor DREF_ASYNC;
 * otherwise any in which RCU is watching, including NMI where this_cpu_inc() is NMI-safe.
 * Ordering: everything that the caller did to the object before happens before
 * release().
 */
static __always_inline void dref_put(struct dref *ref)
{
	unsigned long mode;

	/*
	 * The compiler must not move accesses below the increment.
	 * (litmus: put-release-deferred)
	 */
	barrier();
	dref_window_open();
	mode = READ_ONCE(ref->mode);
	if (likely(dref_mode_is_fast(mode))) {
		/* litmus: P-gp-G-slot, P-gp-c */
		this_cpu_inc(dref_counts(mode)->puts);
		dref_window_close();
		return;
	}
	dref_window_close();

	if (dref_mode_skips(mode))
		return;
	if (unlikely(!dref_mode_is_home(mode)))
		dref_put_slow(ref, 1);
	/* If the caller has the only reference, death takes one atomic operation, not two */
	else if (unlikely(!atomic_long_read(&ref->count)))
		dref_put_last(ref);
	else if (unlikely(dref_sample_due()))
		dref_put_sampled(ref);
	/*
	 * An exact put must be at least a release; this one is fully ordered.
	 * If it were relaxed, a pass that sees the put in count could miss the
	 * get that it balances, and release() could miss what this holder did to
	 * the object.
	 * (litmus: c-mb-G-release, put-release-exact, put-release-dying)
	 */
	else if (unlikely(atomic_long_add_negative(-1, &ref->count)))
		dref_put_zero(ref);
}

/**
 * dref_get_many - take @n references at once
 * @ref: a count on which the caller holds a reference
 * @n: number of references to take
 *
 * If the object has more than LONG_MAX / 2 references then, dref issues one WARN
 * per class, and makes the object immortal.
 *
 * Context and ordering: as dref_get().
 */
static inline void dref_get_many(struct dref *ref, unsigned long n)
{
	unsigned long mode;

	dref_window_open();
	mode = READ_ONCE(ref->mode);
	if (likely(dref_mode_is_fast(mode) && n <= DREF_SLOT_MANY)) {
		/* litmus: P-gp-G-slot */
		this_cpu_add(dref_counts(mode)->gets, n);
		dref_window_close();
		return;
	}
	dref_window_close();
	dref_get_slow(ref, n);
}

/**
 * dref_put_many - drop @n references at once
 * @ref: a count on which the caller holds @n references
 * @n: number of references to drop
 *
 * If the object has fewer references, see dref_put().
 *
 * Context and ordering: as dref_put().
 */
static inline void dref_put_many(struct dref *ref, unsigned long n)
{
	unsigned long mode;

	barrier();	/* as in dref_put(); litmus: put-release-deferred */
	dref_window_open();
	mode = READ_ONCE(ref->mode);
	if (likely(dref_mode_is_fast(mode) && n <= DREF_SLOT_MANY)) {
		/* litmus: P-gp-G-slot, P-gp-c */
		this_cpu_add(dref_counts(mode)->puts, n);
		dref_window_close();
		return;
	}
	dref_window_close();
	dref_put_slow(ref, n);
}

/* The body of dref_tryget() and dref_tryget_live() */
static __always_inline bool dref_tryget_mode(struct dref *ref, bool live)
{
	unsigned long mode;

	preempt_disable();	/* litmus: dying-tryget */
	/*
	 * Acquire: what the caller loads from the object comes after this load.
	 * (litmus: tryget-publish)
	 */
	mode = smp_load_acquire(&ref->mode);
	/* In these three modes, the object is not killed */
	if (likely(dref_mode_is_fast(mode))) {
		this_cpu_inc(dref_counts(mode)->gets);
		preempt_enable();
		return true;
	}
	preempt_enable();

	if (dref_mode_skips(mode))
		return true;
	if (unlikely(!dref_mode_is_home(mode)))
		return dref_tryget_slow(ref, live);
	/* litmus: dead-tryget, init-typesafe */
	return atomic_long_inc_unless_negative(&ref->count);
}

/**
 * dref_tryget - take a reference without holding one, unless the object is dead
 * @ref: the count of an object whose memory holds such an object during the call, see
 *	Context
 *
 * dref_tryget() disables preemption, so that its load of mode and its increment are
 * an RCU read-side critical section, for which the grace period of a pass waits.  A
 * caller that has pinned the object with a mutex need not be in one.
 *
 * If the memory comes from a SLAB_TYPESAFE_BY_RCU cache, the caller must test after a
 * successful dref_tryget() whether this is still the object that it looked for.
 *
 * Context: any, including NMI as for dref_get().  The caller is inside
 * rcu_read_lock() and the object is freed by RCU (a DREF_RCU class, kfree_rcu() in
 * release(), or a SLAB_TYPESAFE_BY_RCU cache), or the object is pinned by other means,
 * such as a lock that release() takes before it frees the object.
 * Ordering: on success, what follows is ordered after the stores that published
 * the object.
 *
 * Return: true if the caller now holds a reference, false if the object is dead.
 */
static __always_inline bool dref_tryget(struct dref *ref)
{
	return dref_tryget_mode(ref, false);
}

/**
 * dref_tryget_live - take a reference unless the object is killed or dead
 * @ref: as for dref_tryget()
 *
 * Context and ordering: as dref_tryget().
 *
 * Return: true if the caller now holds a reference, false if dref_kill() has
 * been called or the object is dead.
 */
static __always_inline bool dref_tryget_live(struct dref *ref)
{
	return dref_tryget_mode(ref, true);
}

/**
 * dref_is_immortal - test whether an object is immortal
 * @ref: the count
 *
 * Context: any.  Ordering: none.
 *
 * Return: true if the object is immortal; it stays immortal.
 */
static inline bool dref_is_immortal(const struct dref *ref)
{
	return dref_mode_immortal(READ_ONCE(ref->mode));
}

/**
 * dref_is_deferred - test whether an object is deferred
 * @ref: the count
 *
 * Context: any.  Ordering: none.
 *
 * Return: true if gets and puts of the object are counted per CPU.  The answer
 * may be outdated when the caller sees it.
 */
static inline bool dref_is_deferred(const struct dref *ref)
{
	unsigned long tags = READ_ONCE(ref->mode) & DREF_MODE_TAGS;

	return tags == DREF_MODE_DEFERRED || tags == DREF_MODE_KILLED_SLOT;
}

/**
 * dref_is_dying - test whether an object is dying or dead
 * @ref: the count
 *
 * Context: any.  Ordering: none.
 *
 * Return: true if a pass has seen no reference, or if the object is dead.  The
 * answer may be outdated when the caller sees it, as a dref_tryget() resurrects
 * an object that is dying but not dead.
 */
static inline bool dref_is_dying(const struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);

	if (dref_mode_immortal(mode))
		return false;
	return (mode & DREF_MODE_TAGS & ~DREF_MODE_KILLED_SLOT) == DREF_MODE_DYING ||
	       atomic_long_read(&ref->count) < 0;
}

/* Since 6.5, <linux/preempt.h> includes <linux/cleanup.h> */
#ifdef DEFINE_FREE
/* struct dref *ref __free(dref_put) = ...: drops the reference at the end of the scope */
DEFINE_FREE(dref_put, struct dref *, if (_T) dref_put(_T))
#endif

#endif /* _LINUX_DREF_H */
