/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/dref_stress: the interface between dref-stress and dref_stress.ko.
 *
 * Each open file is a session.  A session goes through these calls:
 *
 *	DREF_STRESS_SETUP	create an object in each place, and workers that
 *				hold no references; start the module's own workers
 *	DREF_STRESS_RUN		let a worker do a batch of steps; may be called
 *				from any thread, for all workers at the same time
 *	DREF_STRESS_DROP	empty one place				(optional)
 *	DREF_STRESS_STATE	read the state of one object		(optional)
 *	DREF_STRESS_FINISH	drop all references, and verify all releases
 *
 * After DREF_STRESS_FINISH the session can be set up again.  Closing the file cleans
 * up a session in any state.
 *
 * A call returns -EINVAL if a number is out of range, a flag is unknown, a reserved
 * field is not zero, or the state of the session does not allow the call; -EFAULT for
 * a bad pointer; -EINTR if a signal (for SETUP and FINISH, a fatal signal) arrived
 * before anything was done; -ENOMEM if out of memory; and -ENOTTY if the call is
 * unknown.  Fields marked "out" are ignored on input, and are written on success only.
 *
 * Memory: a session has at most 2 x objects + 64 x workers + 81920 live objects and
 * 256 dead ones under observation, of at most 256 bytes each.  It also needs 40 bytes
 * for each of these objects, and memory for objects that wait for a grace period
 * before they are freed.  The workers in this formula are those of the caller and the
 * module's own, one per context and CPU.  Allocations are charged to the memory cgroup
 * of the caller.
 */
#ifndef _UAPI_LINUX_DREF_STRESS_H
#define _UAPI_LINUX_DREF_STRESS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DREF_STRESS_DEVICE	"/dev/dref_stress"

#define DREF_STRESS_MAX_OBJECTS	(1 << 20)
#define DREF_STRESS_MAX_WORKERS	1024
#define DREF_STRESS_MAX_OPS	(1 << 20)	/* per batch */
#define DREF_STRESS_ERROR_SIZE	256
#define DREF_STRESS_LATENCIES	20	/* up to 2^19 ms: nine minutes */

/* The scenarios: what a worker does in a step */
enum dref_stress_scenario {
	DREF_STRESS_SHARED,	/* get and put a few hot objects */
	DREF_STRESS_RING,	/* pass the only reference to an object from CPU to CPU */
	DREF_STRESS_HANDOVER,	/* put references that other workers took */
	DREF_STRESS_LOOKUP,	/* tryget objects under RCU while they are replaced */
	DREF_STRESS_WEAK,	/* tryget objects that only their users hold */
	DREF_STRESS_CHURN,	/* create, share and drop short-lived objects */
	DREF_STRESS_KILL,	/* kill objects, and tryget_live killed ones */
	DREF_STRESS_FLAP,	/* promote objects, then leave them idle to be demoted */
	DREF_STRESS_MANY,	/* use a hot set that moves across all objects */
	DREF_STRESS_IMMORTALIZE,	/* make objects immortal while others use them */
	DREF_STRESS_CLASSES,	/* register and unregister classes that are in use */
	DREF_STRESS_MIX,	/* a random one of these in each step, by weight */
	DREF_STRESS_NR_SCENARIOS
};

/* Kinds of operations and observations that are counted */
enum dref_stress_count {
	DREF_STRESS_GETS,
	DREF_STRESS_PUTS,
	DREF_STRESS_TRYGETS,		/* successful ones */
	DREF_STRESS_TRYGETS_FAILED,
	DREF_STRESS_KILLS,
	DREF_STRESS_HANDOVERS,
	DREF_STRESS_CREATES,
	DREF_STRESS_CREATES_REFUSED,	/* too many live objects, or out of memory */
	DREF_STRESS_PROMOTED,		/* a holder found its object newly deferred */
	DREF_STRESS_DEMOTED,		/* a holder found its object exact again */
	DREF_STRESS_DEFERS,		/* dref_defer() succeeded */
	DREF_STRESS_DEFERS_REFUSED,	/* out of memory, or max_deferred reached */
	DREF_STRESS_IMMORTALIZED,
	DREF_STRESS_CLASSES_GONE,	/* a class was unregistered */
	DREF_STRESS_CLASSES_BUSY,	/* unregistering failed: objects were alive */
	DREF_STRESS_NR_COUNTS,
	DREF_STRESS_COUNTS_SIZE = 16	/* unused entries are zero */
};

/* dref_stress_setup.flags: class flags of the objects, as in <linux/dref.h> */
#define DREF_STRESS_SLEEP	0x1
#define DREF_STRESS_RCU		0x2
#define DREF_STRESS_EXACT	0x4
#define DREF_STRESS_ANY_CLASS	0x8	/* every set of flags in turn; excludes the others */

/* dref_stress_setup.contexts: contexts in which the module runs its own workers */
#define DREF_STRESS_KTHREAD	0x1	/* kernel threads */
#define DREF_STRESS_SOFTIRQ	0x2	/* timers in softirq context */
#define DREF_STRESS_HARDIRQ	0x4	/* timers in hardirq context */
#define DREF_STRESS_IRQ_WORK	0x8	/* irq_works */

/**
 * struct dref_stress_setup - begin a session
 * @objects: number of places, in each of which an object is created: 1 to
 *	DREF_STRESS_MAX_OBJECTS
 * @workers: number of workers of the caller: 1 to DREF_STRESS_MAX_WORKERS
 * @flags: DREF_STRESS_SLEEP, ...
 * @contexts: DREF_STRESS_KTHREAD, ...: on each CPU that the caller may use, the
 *	module runs one worker per context, which works while a worker of the
 *	caller does
 * @scenario: what the module's workers do: enum dref_stress_scenario
 * @late_ms: the longest time from the last put of an object to its release that
 *	is not an error, on top of the time that the machine takes for grace
 *	periods and work items that do not use dref; 0: no limit
 * @seed: seed of the random choices of the module's workers
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
#define DREF_STRESS_LET_GO	0x1	/* drop all references of the worker after the batch */

/**
 * struct dref_stress_run - do a batch of steps on the calling CPU
 * @worker: number of the worker; a worker does one batch at a time
 * @scenario: enum dref_stress_scenario
 * @ops: number of steps to do, up to DREF_STRESS_MAX_OPS
 * @flags: DREF_STRESS_LET_GO
 * @seed: seed of the random choices of the worker: with the same seed, a step
 *	that finds the same objects does the same
 * @done: out: number of steps done, less than @ops after a signal or an error
 * @reserved: 0
 * @errors: out: number of errors in the session so far; no steps are done after
 *	the first error
 * @counts: out: operations done in this batch, indexed by enum dref_stress_count
 *
 * The worker keeps its references after the batch, unless DREF_STRESS_LET_GO is set.
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
 * @place: number of the place, less than dref_stress_setup.objects
 * @kill: 1: drop the initial reference with dref_kill(); 0: with dref_put()
 * @reserved: 0
 *
 * The call returns -ENOENT if the place is empty.
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
 * struct dref_stress_state - read the state of an object without changing it
 * @object: number of the object; the first object in place N has number N
 * @flags: out: DREF_STRESS_LIVE, ...; 0 after the release
 * @generation: out: number of objects that have had this number, including this one
 * @count: out: result of dref_read(), 0 after the release
 * @created_ns: out: time of creation
 * @dropped_ns: out: time of DREF_STRESS_DROP, 0 if the object was not dropped
 * @released_ns: out: time of release(), 0 if the object was not released
 * @now_ns: out: time of this call
 *
 * All times are CLOCK_MONOTONIC of the kernel.  In a time namespace, that of the caller has an
 * offset, so compare them with each other only.
 */
struct dref_stress_state {
	__u32	object;
	__u32	flags;
	__u64	generation;
	__s64	count;
	__u64	created_ns;
	__u64	dropped_ns;
	__u64	released_ns;
	__u64	now_ns;
};

/**
 * struct dref_stress_report - result of DREF_STRESS_FINISH
 * @created: out: number of objects created
 * @released: out: number of objects released as they should be
 * @immortal: out: objects not released because a worker made them immortal
 * @saturated: out: objects not released because dref saturated them
 * @held: out: references that workers and queues held and FINISH dropped
 * @errors: out: sum of the seven counts of errors that follow; 0: no error was found
 * @early: out: releases of objects to which a reference was held, and times that
 *	the holder of a reference found the object dead
 * @doubled: out: objects released twice
 * @missing: out: objects without references that were not released
 * @late: out: objects released late, see dref_stress_setup.late_ms
 * @miscounted: out: objects for which dref_read() differed from the number of
 *	references while no worker was active, objects that dref saturated, and
 *	classes without objects that were busy
 * @revived: out: calls of dref_tryget_live() that succeeded after dref_kill() or
 *	failed before it
 * @scribbled: out: objects that were written to after their release
 * @settle_ns: out: how long dref_barrier() took to release everything
 * @kernel_steps: out: steps of the module's own workers
 * @kernel_counts: out: operations in @kernel_steps, indexed by enum dref_stress_count
 * @latency: out: histogram of the time from the last put of an object to its
 *	release(), to the precision of a jiffy: [0] counts objects below 1 ms, [n]
 *	those from 2^(n-1) to below 2^n ms, and the last entry all longer times
 * @latency_max_ms: out: longest time from the last put of an object to its release()
 * @yardstick_ms: out: how long a release may take on this machine, measured until
 *	the end, without dref_stress_setup.late_ms
 * @error: out: description of the first error, or an empty string
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
