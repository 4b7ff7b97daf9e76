/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dref: deferred reference counts for kernel objects
 *
 * A reference count that is one atomic word while one CPU uses the object, a
 * pair of per-CPU counters while many CPUs do, and nothing that anybody reads
 * for an object that is never freed.  It changes from one to the other by
 * itself, and it finds its own zero in each of them: no kill is needed.
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
 *	DEFINE_DREF_CLASS(session_class, "session", session_release, 0);
 *
 *	module_init:	dref_class_register(&session_class)
 *	create:		dref_init(&s->ref, &session_class)	one reference
 *	share:		dref_get(&s->ref), dref_put(&s->ref)	any context
 *	look up:	rcu_read_lock(), dref_tryget(&s->ref)
 *	module_exit:	dref_class_drain(&session_class)
 *
 * Modes
 * -----
 *
 *   exact	gets and puts go to one atomic count, and the put that reaches
 *		zero releases the object at once.  Every object starts here.
 *   deferred	gets and puts are counted on the CPU they run on, in the
 *		object's slot.  A reconcile pass finds zero, a little later.
 *   immortal	nothing is ever released, and nobody reads what is counted.
 *		The object may be const and live in .rodata: no operation
 *		stores to it.
 *
 * An object which is used from several CPUs at once is promoted from exact to
 * deferred; one which has gone quiet is demoted again.
 *
 * Memory ordering
 * ---------------
 *
 * Everything that a holder did to the object before its put happens before
 * release().  dref_get() orders nothing.  A successful dref_tryget() orders
 * what follows it after whatever published the object.
 *
 * The ideas come from CPython's free-threaded build (PEP 703 for biased and
 * deferred counts, PEP 683 for immortal objects), from SRCU's split counters,
 * from percpu_ref's bias and from Refcache.
 */
#ifndef _LINUX_DREF_H
#define _LINUX_DREF_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#ifndef CONFIG_64BIT
#error "dref needs 64-bit counters: a wrapped 32-bit sum could be taken for zero"
#endif

struct dref;
struct dref_class;
struct dref_class_cpu;
struct dentry;
struct module;

typedef void (*dref_release_t)(struct dref *ref);

/**
 * struct dref - a deferred reference count; embed it in your object
 * @mode: how the object is counted (see DREF_MODE_* below): one load of it
 *	decides what a get or a put does
 * @count: references in exact mode, less one, so that "no reference" is the
 *	sign bit; DREF_BIAS is added while the object has a slot
 * @class: what the object is and how it is released
 * @link: the promotion queue or the release queue; points to itself while the
 *	object is alive and in neither
 *
 * The fields are private to dref.
 */
struct dref {
	unsigned long		mode;
	atomic_long_t		count;
	struct dref_class	*class;
	struct llist_node	link;
};

/* Flags of a class */
#define DREF_SLEEP	0x1U	/* release() runs from a workqueue, may sleep */
#define DREF_RCU	0x2U	/* release() runs an RCU grace period after death */
#define DREF_EXACT	0x4U	/* never promote objects of this class */

/**
 * struct dref_class - one kind of object
 * @name: its name in debugfs and in messages: [a-z0-9_-]{1,31}
 * @release: called once for each object whose last reference is gone
 * @flags: DREF_SLEEP, DREF_RCU, DREF_EXACT
 * @owner: the module that defines the class
 *
 * Define one with DEFINE_DREF_CLASS().  The other fields are private to dref.
 */
struct dref_class {
	const char			*name;
	dref_release_t			release;
	unsigned int			flags;
	struct module			*owner;
	/* private: */
	struct dref_class_cpu __percpu	*cpu;		/* NULL: not registered */
	struct dref_class_cpu __percpu	*fast;		/* cpu; NULL also if tracked */
	bool				tracked;
	struct list_head		node;
	atomic_long_t			deferred;	/* objects with a slot */
	unsigned long			warned;
	struct llist_head		dead;		/* DREF_SLEEP: to be released */
	struct work_struct		work;		/* DREF_SLEEP: releases them */
	struct task_struct		*releaser;	/* who does */
	struct dentry			*dir;
};

/**
 * DEFINE_DREF_CLASS - define a class of objects
 * @var: the variable
 * @_name: its name, a string
 * @_release: the function that frees an object of this class
 * @_flags: DREF_SLEEP, DREF_RCU, DREF_EXACT or 0
 *
 * Without DREF_SLEEP, release() may run in the context of the last put and
 * must not sleep.  Without DREF_RCU, an object that dref_tryget() looks up
 * under RCU must itself be freed by RCU (kfree_rcu()) in release().
 */
#define DEFINE_DREF_CLASS(var, _name, _release, _flags)			\
	static struct dref_class var = {				\
		.name		= (_name),				\
		.release	= (_release),				\
		.flags		= (_flags),				\
		.owner		= THIS_MODULE,				\
	}

/*
 * The mode word.  The low four bits are tags, and "deferred" is all of them
 * clear, so that the fast path is one test:
 *
 *	63      52 51      32 31   24 23      8   6    5    4   3  2  1 0
 *	+---------+----------+-------+---------+----+----+----+--+--+----+
 *	|  heat   |  window  | epoch |   CPU   |trkd|cold|qued|IM|KI| 01 |  exact
 *	+---------+----------+-------+---------+----+----+----+--+--+----+
 *	|         the slot, a 16-byte aligned per-CPU pointer  |IM|KI| st |  others
 *	+------------------------------------------------------+--+--+----+
 *
 * IM is DREF_MODE_IMMORTAL, KI is DREF_MODE_KILLED and st is the state.  In
 * exact mode the low half says on which CPU the object was last counted, in
 * the form of that CPU's dref_home word: one compare tells that nothing special
 * is up and that the cache line has not come from another CPU.
 *
 * To the fast path an immortal object is a deferred one: it is counted in
 * dref_unread, which nobody ever reads, and IM is a part of that address.  A
 * jump around one increment would take longer.  Where the increment takes more
 * than an instruction, IM is for a jump (DREF_MODE_SLOW).
 */
#define DREF_MODE_DEFERRED	0x0UL	/* counted in the slot */
#define DREF_MODE_EXACT		0x1UL	/* counted in count; no slot */
#define DREF_MODE_DEMOTING	0x2UL	/* counted in count; slot still attached */
#define DREF_MODE_DYING		0x3UL	/* likewise, a pass confirms zero */
#define DREF_MODE_STATE		0x3UL
#define DREF_MODE_KILLED	0x4UL	/* dref_kill() has been called */
#define DREF_MODE_IMMORTAL	0x8UL	/* counted where nobody looks */
#define DREF_MODE_TAGS		0xfUL

/* Off the fast path */
#ifdef CONFIG_X86_64
#define DREF_MODE_SLOW		(DREF_MODE_TAGS & ~DREF_MODE_IMMORTAL)
#else
#define DREF_MODE_SLOW		DREF_MODE_TAGS
#endif

/* All of the mode of an immortal object, but DREF_MODE_KILLED */
#define DREF_MODE_UNREAD	((__force unsigned long)&dref_unread + DREF_MODE_IMMORTAL)

/* The number that dref_read() returns for an immortal object */
#define DREF_IMMORTAL_COUNT	LONG_MAX

/**
 * DREF_INIT_IMMORTAL - static initialiser for an object that is never released
 * @_class: its class, or NULL
 *
 * The object may be const: no operation on it ever stores to it.
 */
#define DREF_INIT_IMMORTAL(_class)					\
	{								\
		.mode	= DREF_MODE_UNREAD,				\
		.count	= ATOMIC_LONG_INIT(DREF_IMMORTAL_COUNT),	\
		.class	= (_class),					\
	}

int dref_class_register(struct dref_class *class);
int dref_class_unregister(struct dref_class *class);
void dref_class_drain(struct dref_class *class);

int dref_defer(struct dref *ref, gfp_t gfp);
void dref_immortalize(struct dref *ref);
void dref_kill(struct dref *ref);
long dref_read(const struct dref *ref);
unsigned long dref_reconcile(void);
void dref_barrier(void);

/* private: what the inline functions below are made of */

struct dref_counts {
	unsigned long	gets;
	unsigned long	puts;
} __aligned(16);

struct dref_class_cpu {
	unsigned long	created;
	unsigned long	events[];
};

DECLARE_PER_CPU(u32, dref_home);
DECLARE_PER_CPU(struct dref_counts [2], dref_unread);

void dref_init_slow(struct dref *ref, struct dref_class *class);
void dref_get_slow(struct dref *ref, unsigned long n);
void dref_get_bad(struct dref *ref);
void dref_put_slow(struct dref *ref, unsigned long n);
void dref_put_last(struct dref *ref);
void dref_put_zero(struct dref *ref);
bool dref_tryget_slow(struct dref *ref);

/*
 * The window between the load of mode and the increment must be over when the
 * slot of a live object is taken away.  Tasks RCU waits for that at no cost
 * here; a preemptible kernel without it has to pay.  (litmus: demote-fold)
 */
#if defined(CONFIG_PREEMPTION) && !defined(CONFIG_TASKS_RCU)
static inline void dref_window_open(void) { preempt_disable(); }
static inline void dref_window_close(void) { preempt_enable(); }
#else
static inline void dref_window_open(void) { }
static inline void dref_window_close(void) { }
#endif

/* Makes the window longer, in the build that is made to be broken only */
#ifdef DREF_BROKEN
void dref_window_stall(void);
#else
static inline void dref_window_stall(void) { }
#endif

/* The slot of a mode word that has none of DREF_MODE_SLOW */
static inline struct dref_counts __percpu *dref_counts(unsigned long mode)
{
	dref_window_stall();
	return (struct dref_counts __percpu *)mode;
}

static __always_inline bool dref_mode_is_home(unsigned long mode)
{
#if defined(CONFIG_X86_64) && defined(CONFIG_SMP) && \
	!defined(CONFIG_USE_X86_SEG_SUPPORT)
	bool home;

	/* raw_cpu_read() without segment support (6.8) is a load of its own */
	asm("cmpl %%gs:%[home], %k[mode]" : "=@cce" (home)
	    : [home] "m" (dref_home), [mode] "r" (mode));
	return home;
#else
	return (u32)mode == raw_cpu_read(dref_home);
#endif
}

/* public: */

/**
 * dref_init - initialise a count to one reference, exact
 * @ref: the count
 * @class: a registered class
 *
 * Context: any; allocates nothing and cannot fail.  A class that is not
 * registered is refused with a warning, and the object made immortal: it leaks.
 * A second init of a live object is refused with a warning and changes nothing.
 * Memory in which an object was made immortal must be cleared before it is used
 * for another one of the same class, or it will be taken for a second init.
 */
static inline void dref_init(struct dref *ref, struct dref_class *class)
{
	u32 home = raw_cpu_read(dref_home);
	struct dref_class_cpu __percpu *cpu;

	barrier();	/* home, then fast; litmus: track-init */
	cpu = class ? READ_ONCE(class->fast) : NULL;
	/* What a live object has, or a static immortal one, and hardly any memory */
	if (unlikely(!cpu || ref->link.next == &ref->link ||
		     ref->mode == DREF_MODE_UNREAD)) {
		dref_init_slow(ref, class);
		return;
	}
	atomic_long_set(&ref->count, 0);
	ref->class = class;
	ref->link.next = &ref->link;
	WRITE_ONCE(ref->mode, home);
	this_cpu_inc(cpu->created);
}

/**
 * dref_get - take another reference
 * @ref: a count on which the caller, or somebody for him, holds a reference
 *
 * Deferred and immortal: one unlocked per-CPU increment.  Exact: one atomic.
 *
 * Context: any, NMI included where this_cpu_inc() is NMI-safe (x86, arm64).
 * Ordering: none.
 */
static __always_inline void dref_get(struct dref *ref)
{
	unsigned long mode;

	dref_window_open();
	/* the address of the increment depends on it; litmus: promote-zero */
	mode = READ_ONCE(ref->mode);
	if (likely(!(mode & DREF_MODE_SLOW))) {
		/* litmus: P-gp-G-slot */
		this_cpu_inc(dref_counts(mode)->gets);
		dref_window_close();
		return;
	}
	dref_window_close();

	if (mode & DREF_MODE_SLOW & DREF_MODE_IMMORTAL)
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
 * The object may be gone when this returns.  In exact mode the last put calls
 * release(), unless the class is DREF_SLEEP or DREF_RCU.
 *
 * Context: any, NMI included where this_cpu_inc() is NMI-safe and release()
 * is. Ordering: all that the caller did to the object happens before release().
 */
static __always_inline void dref_put(struct dref *ref)
{
	unsigned long mode;

	/*
	 * The compiler may move nothing below the increment.
	 * (litmus: put-release-deferred)
	 */
	barrier();
	dref_window_open();
	mode = READ_ONCE(ref->mode);
	if (likely(!(mode & DREF_MODE_SLOW))) {
		/* litmus: P-gp-G-slot, P-gp-c */
		this_cpu_inc(dref_counts(mode)->puts);
		dref_window_close();
		return;
	}
	dref_window_close();

	if (mode & DREF_MODE_SLOW & DREF_MODE_IMMORTAL)
		return;
	if (unlikely(!dref_mode_is_home(mode)))
		dref_put_slow(ref, 1);
	/* Nobody else can put: one atomic less for objects that are not shared */
	else if (unlikely(!atomic_long_read(&ref->count)))
		dref_put_last(ref);
	/*
	 * Fully ordered: an exact put must be at least a release, or the pass
	 * that sees it in count may miss the get that it balances, and it or the
	 * last put what this holder did.
	 * (litmus: c-mb-G-release, put-release-exact, put-release-dying)
	 */
	else if (unlikely(atomic_long_add_negative(-1, &ref->count)))
		dref_put_zero(ref);
}

/**
 * dref_get_many - take @n references at once
 * @ref: a count on which the caller holds a reference
 * @n: how many
 *
 * Context and ordering: as dref_get().
 */
static inline void dref_get_many(struct dref *ref, unsigned long n)
{
	unsigned long mode;

	dref_window_open();
	mode = READ_ONCE(ref->mode);
	/* Larger numbers go to count, here and in a put: there, too many show */
	if (likely(!(mode & DREF_MODE_SLOW) && n <= INT_MAX)) {
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
 * @n: how many
 *
 * Context and ordering: as dref_put().
 */
static inline void dref_put_many(struct dref *ref, unsigned long n)
{
	unsigned long mode;

	barrier();	/* as in dref_put(); litmus: put-release-deferred */
	dref_window_open();
	mode = READ_ONCE(ref->mode);
	if (likely(!(mode & DREF_MODE_SLOW) && n <= INT_MAX)) {
		/* litmus: P-gp-G-slot, P-gp-c */
		this_cpu_add(dref_counts(mode)->puts, n);
		dref_window_close();
		return;
	}
	dref_window_close();
	dref_put_slow(ref, n);
}

/**
 * dref_tryget - take a reference without having one
 * @ref: a count which cannot be freed meanwhile
 *
 * The load of mode and the increment are an RCU read-side section of their own,
 * for a caller who is in none: a pass's grace period does not wait for a mutex.
 *
 * Context: any, inside rcu_read_lock(), with the object freed by RCU (a
 * DREF_RCU class, or kfree_rcu() in release()); or with the object pinned by
 * other means, such as a lock that release() takes before it frees.
 * Ordering: what follows a success is ordered after what published the object.
 *
 * Return: true if the caller now holds a reference, false if the object is dead.
 */
static __always_inline bool dref_tryget(struct dref *ref)
{
	unsigned long mode;

	preempt_disable();	/* litmus: dying-tryget */
	/*
	 * Acquire: the caller's loads come after the pointer's.
	 * (litmus: tryget-publish)
	 */
	mode = smp_load_acquire(&ref->mode);
	if (likely(!(mode & DREF_MODE_SLOW))) {
		this_cpu_inc(dref_counts(mode)->gets);
		preempt_enable();
		return true;
	}
	preempt_enable();

	if (mode & DREF_MODE_SLOW & DREF_MODE_IMMORTAL)
		return true;
	if (unlikely(!dref_mode_is_home(mode)))
		return dref_tryget_slow(ref);
	/* litmus: dead-tryget */
	return atomic_long_inc_unless_negative(&ref->count);
}

/**
 * dref_tryget_live - take a reference unless the object has been killed
 * @ref: as for dref_tryget()
 *
 * Context and ordering: as dref_tryget().
 *
 * Return: true if the caller now holds a reference, false if dref_kill() has
 * been called or the object is dead.
 */
static __always_inline bool dref_tryget_live(struct dref *ref)
{
	return !(READ_ONCE(ref->mode) & DREF_MODE_KILLED) && dref_tryget(ref);
}

/**
 * dref_is_immortal - is this object never counted and never released?
 * @ref: the count
 *
 * Context: any.
 *
 * Return: true if it is, and then for ever.
 */
static inline bool dref_is_immortal(const struct dref *ref)
{
	return READ_ONCE(ref->mode) & DREF_MODE_IMMORTAL;
}

/**
 * dref_is_deferred - is this object counted per CPU now?
 * @ref: the count
 *
 * Context: any.
 *
 * Return: true if it is; may have changed when the caller looks at the answer.
 */
static inline bool dref_is_deferred(const struct dref *ref)
{
	return !(READ_ONCE(ref->mode) & (DREF_MODE_STATE | DREF_MODE_IMMORTAL));
}

/**
 * dref_is_dying - has a pass seen no reference, or is the object dead?
 * @ref: the count
 *
 * Context: any.
 *
 * Return: true if so; may have changed when the caller looks at the answer: a
 * dref_tryget() resurrects an object that is dying but not dead.
 */
static inline bool dref_is_dying(const struct dref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);

	if (mode & DREF_MODE_IMMORTAL)
		return false;
	return (mode & DREF_MODE_STATE) == DREF_MODE_DYING ||
	       atomic_long_read(&ref->count) < 0;
}

#endif /* _LINUX_DREF_H */
