/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/dref_stress: what dref-stress and dref_stress.ko say to each other.
 *
 * A session belongs to an open file.  Its life is
 *
 *	DREF_STRESS_SETUP	objects in their places, workers with empty hands;
 *				the kernel module's own workers begin
 *	DREF_STRESS_RUN		a worker does a batch of operations; as many at a
 *				time as there are workers, from any thread
 *	DREF_STRESS_DROP	one place is emptied		(optional)
 *	DREF_STRESS_STATE	one object is looked at		(optional)
 *	DREF_STRESS_FINISH	everything is dropped and verified
 *
 * after which it can be set up again.  Closing the file cleans up, whatever
 * state the session is in.
 *
 * Errors that all of them have in common: -EINVAL for a number out of range, an
 * unknown flag, a reserved field that is not zero, or a call that does not fit
 * the state of the session; -EFAULT for a bad pointer; -EINTR where a signal
 * came before anything was done, for SETUP and FINISH a fatal one; -ENOMEM;
 * -ENOTTY for an unknown call.  Fields marked "out" are ignored on the way in,
 * and written only on success.
 *
 * Memory: a session has at most 2 x objects + 64 x workers + 81920 objects alive
 * and 256 dead ones under observation, of at most 256 bytes each, 40 bytes for
 * each of these numbers, and those objects that wait for a grace period to be
 * freed.  Workers are the caller's and the module's own: one for each context and
 * CPU.  What the caller allocates is charged to his memory cgroup.
 */
#ifndef _UAPI_LINUX_DREF_STRESS_H
#define _UAPI_LINUX_DREF_STRESS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DREF_STRESS_DEVICE	"/dev/dref_stress"

#define DREF_STRESS_MAX_OBJECTS	(1 << 20)
#define DREF_STRESS_MAX_WORKERS	1024
#define DREF_STRESS_MAX_OPS	(1 << 20)	/* in one batch */
#define DREF_STRESS_ERROR_SIZE	256
#define DREF_STRESS_LATENCIES	20	/* up to 2^19 ms: nine minutes */

/* What a worker does in a batch */
enum dref_stress_scenario {
	DREF_STRESS_SHARED,	/* get and put a few hot objects */
	DREF_STRESS_RING,	/* objects whose only reference goes round the CPUs */
	DREF_STRESS_HANDOVER,	/* put what another worker got */
	DREF_STRESS_LOOKUP,	/* tryget under RCU, while objects are replaced */
	DREF_STRESS_WEAK,	/* tryget of objects that only their users hold */
	DREF_STRESS_CHURN,	/* create, share and drop short-lived objects */
	DREF_STRESS_KILL,	/* kill, and tryget_live what has been killed */
	DREF_STRESS_FLAP,	/* promote objects, and leave them to be demoted */
	DREF_STRESS_MANY,	/* a hot set that wanders over all objects */
	DREF_STRESS_IMMORTALIZE,	/* make objects immortal while others use them */
	DREF_STRESS_CLASSES,	/* register and unregister classes in use */
	DREF_STRESS_MIX,	/* all of these at random, each by its weight */
	DREF_STRESS_NR_SCENARIOS
};

/* What has been done and seen, by kind */
enum dref_stress_count {
	DREF_STRESS_GETS,
	DREF_STRESS_PUTS,
	DREF_STRESS_TRYGETS,		/* that succeeded */
	DREF_STRESS_TRYGETS_FAILED,
	DREF_STRESS_KILLS,
	DREF_STRESS_HANDOVERS,
	DREF_STRESS_CREATES,
	DREF_STRESS_CREATES_REFUSED,	/* too many alive, or out of memory */
	DREF_STRESS_PROMOTED,		/* a holder saw that it had become deferred */
	DREF_STRESS_DEMOTED,		/* a holder saw that it had become exact */
	DREF_STRESS_DEFERS,		/* dref_defer() that succeeded */
	DREF_STRESS_DEFERS_REFUSED,	/* no memory, or max_deferred used up */
	DREF_STRESS_IMMORTALIZED,
	DREF_STRESS_CLASSES_GONE,	/* classes unregistered */
	DREF_STRESS_CLASSES_BUSY,	/* not, as objects were alive */
	DREF_STRESS_NR_COUNTS,
	DREF_STRESS_COUNTS_SIZE = 16	/* the rest is zero */
};

/* dref_stress_setup.flags: the class of the objects, as in <linux/dref.h> */
#define DREF_STRESS_SLEEP	0x1
#define DREF_STRESS_RCU		0x2
#define DREF_STRESS_EXACT	0x4
#define DREF_STRESS_ANY_CLASS	0x8	/* each class in turn; excludes the others */

/* dref_stress_setup.contexts: where the kernel module has workers of its own */
#define DREF_STRESS_KTHREAD	0x1	/* kernel threads */
#define DREF_STRESS_SOFTIRQ	0x2	/* timers in softirq context */
#define DREF_STRESS_HARDIRQ	0x4	/* timers in hardirq context */
#define DREF_STRESS_IRQ_WORK	0x8	/* irq_works */

/**
 * struct dref_stress_setup - begin a session
 * @objects: number of places, each with an object in it: 1 to
 *	DREF_STRESS_MAX_OBJECTS
 * @workers: 1 to DREF_STRESS_MAX_WORKERS
 * @flags: DREF_STRESS_SLEEP, ...
 * @contexts: DREF_STRESS_KTHREAD, ...: on each CPU that the caller may use, the
 *	module has one worker for each of these, which works whenever a worker of
 *	the caller's does
 * @scenario: what those do: enum dref_stress_scenario
 * @late_ms: an object that is released later than this after its last put is
 *	an error, on top of what the machine takes for grace periods and work
 *	items that have nothing to do with dref; 0: none is
 * @seed: what the module's workers draw their random choices from
 */
struct dref_stress_setup {
	__u32	objects;
	__u32	workers;
	__u32	flags;
	__u32	contexts;
	__u32	scenario;
	__u32	late_ms;
	__u64	seed;
};

/* dref_stress_run.flags */
#define DREF_STRESS_LET_GO	0x1	/* afterwards, drop all the worker holds */

/**
 * struct dref_stress_run - do a batch of operations on the calling CPU
 * @worker: who does them; a worker does one batch at a time
 * @scenario: enum dref_stress_scenario
 * @ops: how many steps: up to DREF_STRESS_MAX_OPS
 * @flags: DREF_STRESS_LET_GO
 * @seed: what the worker draws its random choices from: with the same seed, a
 *	step that finds the same does the same
 * @done: out: how many steps were done: fewer after a signal or an error
 * @reserved: 0
 * @errors: out: how many errors the session has had; after the first one
 *	nothing is done any more
 * @counts: out: what was done in this batch, indexed by enum dref_stress_count
 *
 * A worker's references survive the batch.
 */
struct dref_stress_run {
	__u32	worker;
	__u32	scenario;
	__u32	ops;
	__u32	flags;
	__u64	seed;
	__u32	done;
	__u32	reserved;
	__u64	errors;
	__u64	counts[DREF_STRESS_COUNTS_SIZE];
};

/**
 * struct dref_stress_drop - take an object out of its place
 * @place: which: less than dref_stress_setup.objects
 * @kill: 1: drop the initial reference with dref_kill(); 0: with dref_put()
 * @reserved: 0
 *
 * -ENOENT if the place is empty already.
 */
struct dref_stress_drop {
	__u32	place;
	__u32	kill;
	__u64	reserved;
};

/* dref_stress_state.flags */
#define DREF_STRESS_LIVE	0x1	/* not released */
#define DREF_STRESS_DEFERRED	0x2
#define DREF_STRESS_DYING	0x4
#define DREF_STRESS_IMMORTAL	0x8

/**
 * struct dref_stress_state - look at an object without touching it
 * @object: which; the first one in place N has number N
 * @flags: out: DREF_STRESS_LIVE, ...; none of them once it has been released
 * @generation: out: how many objects have had this number, this one included
 * @count: out: what dref_read() says, 0 once it has been released
 * @created_ns: out: CLOCK_MONOTONIC at its creation
 * @dropped_ns: out: when DREF_STRESS_DROP dropped it, 0 if it has not
 * @released_ns: out: when release() ran, 0 if it has not
 * @reserved: 0
 */
struct dref_stress_state {
	__u32	object;
	__u32	flags;
	__u64	generation;
	__s64	count;
	__u64	created_ns;
	__u64	dropped_ns;
	__u64	released_ns;
	__u64	reserved;
};

/**
 * struct dref_stress_report - what FINISH has found
 * @created: out: objects
 * @released: out: of these, as they should
 * @immortal: out: not released, because a worker has made them immortal
 * @saturated: out: not released, because dref has saturated them
 * @held: out: references that workers and queues had, and FINISH dropped
 * @errors: out: the sum of what follows; 0 means that all is well
 * @early: out: releases while somebody had a reference, and times that somebody
 *	found his object dead
 * @doubled: out: objects released twice
 * @missing: out: objects not released though nobody had a reference
 * @late: out: objects released late: see dref_stress_setup.late_ms
 * @miscounted: out: dref_read() differed from the number of references when
 *	nobody was active, or the object was saturated; or a class without
 *	objects was busy
 * @revived: out: dref_tryget_live() said yes after dref_kill(), or no before
 * @scribbled: out: dead objects that were written to
 * @settle_ns: out: how long dref_barrier() took to have everything released
 * @kernel_steps: out: steps of the module's own workers,
 * @kernel_counts: out: and what was done in them, by enum dref_stress_count
 * @latency: out: objects by the time from their last put to release(), to the
 *	precision of a jiffy: [0] less than 1 ms, [n] less than 2^n ms; the last
 *	one has all the rest
 * @latency_max_ms: out: the longest
 * @yardstick_ms: out: how long a release may take on this machine, as of the end,
 *	not counting dref_stress_setup.late_ms
 * @error: out: the first error in words, or an empty string
 * @reserved: 0
 */
struct dref_stress_report {
	__u64	created;
	__u64	released;
	__u64	immortal;
	__u64	saturated;
	__u64	held;
	__u64	errors;
	__u64	early;
	__u64	doubled;
	__u64	missing;
	__u64	late;
	__u64	miscounted;
	__u64	revived;
	__u64	scribbled;
	__u64	settle_ns;
	__u64	kernel_steps;
	__u64	kernel_counts[DREF_STRESS_COUNTS_SIZE];
	__u64	latency[DREF_STRESS_LATENCIES];
	__u64	latency_max_ms;
	__u64	yardstick_ms;
	char	error[DREF_STRESS_ERROR_SIZE];
	__u64	reserved[4];
};

#define DREF_STRESS_IOC		0xDE
#define DREF_STRESS_SETUP	_IOW(DREF_STRESS_IOC, 0, struct dref_stress_setup)
#define DREF_STRESS_RUN		_IOWR(DREF_STRESS_IOC, 1, struct dref_stress_run)
#define DREF_STRESS_DROP	_IOW(DREF_STRESS_IOC, 2, struct dref_stress_drop)
#define DREF_STRESS_STATE	_IOWR(DREF_STRESS_IOC, 3, struct dref_stress_state)
#define DREF_STRESS_FINISH	_IOWR(DREF_STRESS_IOC, 4, struct dref_stress_report)

#endif /* _UAPI_LINUX_DREF_STRESS_H */
