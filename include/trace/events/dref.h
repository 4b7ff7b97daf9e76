/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of dref: they report what happens to an object other than being
 * counted.
 *
 *	             promote_failed
 *	                   ^
 *	exact ----> hot ---+--> promote ----> dying ----> dead ----> release
 *	  ^                        |  ^         |                       ^
 *	  |                        |  `---------' resurrect             |
 *	  `-------- demote <-------'                         exact, to be released
 *	                                                     late (RCU, SLEEP)
 *
 *	pass_begin, pass_end	the beginning and the end of a pass, with its dying,
 *				dead, resurrect and demote in between
 *	immortalize		an object is not counted any more, by request or
 *				because it was miscounted
 *	underflow, overflow	an object was miscounted
 *	get, put		references were counted, while the class is tracked
 *
 * There is no tracepoint in a get or a put of a class that is not tracked, nor in
 * the life of an object that stays exact and is released by its last put.  These
 * paths take not one more instruction because of tracing, and report nothing.
 *
 * "object" is the address of the object's struct dref.  It is printed as a hash, the
 * same as in debugfs.  The name of its class is in the event as text, padded with
 * zeroes, so that it can be a key of histograms.  No field has a name that is a keyword
 * of C, C++ or Python: perf and others make variables of the names.  They do not
 * understand a format with double quotes either.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dref

#if !defined(_TRACE_DREF_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DREF_H

#include <linux/tracepoint.h>

#define DREF_TRACE_WHAT_SIZE	24

struct dref;
struct dref_class;
struct dref_slot;
struct dref_pass_stats;

/**
 * hot - an exact object is used a lot, and is queued for promotion
 * @ref: its count
 * @heat: its heat in this heat window, promote_threshold or a little more
 *
 * Context: the get, put or tryget that made it hot, on its CPU; any, including NMI.
 *
 * promote or promote_failed follows.  Neither does if the object has been deferred
 * or made immortal meanwhile, if its class has become tracked, or if nothing but
 * the promotion queue holds a reference to it any more.
 */
TRACE_EVENT(hot,

	TP_PROTO(const struct dref *ref, unsigned long heat),

	TP_ARGS(ref, heat),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(unsigned long,	heat)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->heat = heat;
	),

	TP_printk("class_name=%s object=%p heat=%lu",
		  __entry->class_name, __entry->object, __entry->heat)
);

/**
 * promote - an exact object has become deferred
 * @ref: its count
 *
 * Context: dref_defer(), or the worker that empties the promotion queue.  For the
 * code that made the object hot, see the stack of hot.
 *
 * "count" is how many references it had, including that of the promotion queue.
 */
TRACE_EVENT(promote,

	TP_PROTO(const struct dref *ref),

	TP_ARGS(ref),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(long,		count)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->count = atomic_long_read(&ref->count) + 1 - DREF_BIAS;
	),

	TP_printk("class_name=%s object=%p count=%ld",
		  __entry->class_name, __entry->object, __entry->count)
);

/**
 * promote_failed - an object stays exact, because no slot is available
 * @ref: its count
 * @error: -ENOMEM, or -ENOSPC if max_deferred objects have a slot
 *
 * Context: as promote.
 *
 * "error" is positive, as perf and trace-cmd give no name to a negative number.
 */
TRACE_EVENT(promote_failed,

	TP_PROTO(const struct dref *ref, long error),

	TP_ARGS(ref, error),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(int,		error)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->error = -error;
	),

	TP_printk("class_name=%s object=%p error=%s",
		  __entry->class_name, __entry->object,
		  __print_symbolic(__entry->error,
				   { ENOMEM, "no_memory" },
				   { ENOSPC, "max_deferred" }))
);

/* The events of a pass that are about one object with a slot */
DECLARE_EVENT_CLASS(dref_slot,

	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),

	TP_ARGS(ref, slot),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(unsigned long,	since_epoch)
		__field(u64,		age_ms)
		__field(unsigned long,	puts)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, slot->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->since_epoch = slot->epoch;
		__entry->age_ms = jiffies64_to_msecs(jiffies - slot->since);
		__entry->puts = slot->puts;
	),

	TP_printk("class_name=%s object=%p since_epoch=%lu age_ms=%llu puts=%lu",
		  __entry->class_name, __entry->object, __entry->since_epoch,
		  __entry->age_ms, __entry->puts)
);

/**
 * demote - an idle object has become exact again
 * @ref: its count; the object may be gone already
 * @slot: the slot that it had
 *
 * "since_epoch" is the number of the last pass that had begun when the object was
 * promoted, "age_ms" is how long ago it was promoted, and "puts" is how many puts
 * were counted in the slot.
 */
DEFINE_EVENT(dref_slot, demote,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * dying - a pass has seen no reference to an object, and will look again
 * @ref: its count
 * @slot: its slot
 *
 * The fields are those of demote.  dead, resurrect or underflow follows in the same
 * pass.  None does if the object has been made immortal meanwhile.
 */
DEFINE_EVENT(dref_slot, dying,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * resurrect - a dying object was not confirmed dead, and is deferred again
 * @ref: its count
 * @slot: its slot
 *
 * A tryget has taken a reference meanwhile, or the first look of the pass has missed
 * one, as it may.  The fields are those of demote.
 */
DEFINE_EVENT(dref_slot, resurrect,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * dead - a pass has confirmed that an object has no references
 * @ref: its count
 * @slot: its slot
 *
 * The fields are those of demote.  release follows.
 */
DEFINE_EVENT(dref_slot, dead,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * release - release() is about to be called for an object that had to wait for it
 * @ref: its count
 *
 * This reports each object that was deferred when it died.  Of the exact ones it
 * reports those whose class is DREF_RCU or DREF_SLEEP, and those of a tracked class
 * whose last put was in an NMI.  It does not report an object that the last put
 * itself releases.
 *
 * Context: a worker, or a task that waits for releases.
 *
 * "latency_us" is the time since a pass last saw that the object was held.  The last
 * put came later than that.  It is 0 for an exact object.
 */
TRACE_EVENT(release,

	TP_PROTO(const struct dref *ref),

	TP_ARGS(ref),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(bool,		deferred)
		__field(u64,		latency_us)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->deferred = (ref->mode & DREF_MODE_TAGS) != DREF_MODE_EXACT;
		__entry->latency_us = __entry->deferred ? dref_latency_us(ref) : 0;
	),

	TP_printk("class_name=%s object=%p deferred=%d latency_us=%llu",
		  __entry->class_name, __entry->object, __entry->deferred,
		  __entry->latency_us)
);

/**
 * immortalize - an object is not counted any more, and is never released
 * @ref: its count
 *
 * Context: dref_immortalize(), or the operation or pass that found a miscount.  In
 * the second case underflow or overflow follows, or has come before if the object was
 * dead already.
 *
 * There are as many events as "immortal" in the statistics says.
 */
TRACE_EVENT(immortalize,

	TP_PROTO(const struct dref *ref),

	TP_ARGS(ref),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
	),

	TP_printk("class_name=%s object=%p", __entry->class_name, __entry->object)
);

/* An object was miscounted, and is leaked */
DECLARE_EVENT_CLASS(dref_fault,

	TP_PROTO(const struct dref *ref, const struct dref_class *of, const char *what,
		 unsigned long caller),

	TP_ARGS(ref, of, what, caller),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__array(char,		what,	DREF_TRACE_WHAT_SIZE)
		__field(void *,		caller)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, of->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		strscpy_pad(__entry->what, what, DREF_TRACE_WHAT_SIZE);
		__entry->caller = (void *)caller;
	),

	TP_printk("class_name=%s object=%p what='%s' caller=%pS",
		  __entry->class_name, __entry->object, __entry->what, __entry->caller)
);

/**
 * underflow - an object was put too often, or got from zero
 * @ref: its count, which may be gone by now
 * @of: its class
 * @what: what was wrong, in the words of the kernel log
 * @caller: the caller of the operation; an address in dref itself if a pass found it
 *
 * This reports each underflow, and the kernel log only the first one of a class.
 */
DEFINE_EVENT(dref_fault, underflow,
	TP_PROTO(const struct dref *ref, const struct dref_class *of, const char *what,
		 unsigned long caller),
	TP_ARGS(ref, of, what, caller)
);

/**
 * overflow - the count of an object exceeded the limit
 * @ref: its count, which may be gone by now
 * @of: its class
 * @what: what was wrong, in the words of the kernel log
 * @caller: the caller of the operation; an address in dref itself if a pass found it
 *
 * This reports each overflow, and the kernel log only the first one of a class.
 */
DEFINE_EVENT(dref_fault, overflow,
	TP_PROTO(const struct dref *ref, const struct dref_class *of, const char *what,
		 unsigned long caller),
	TP_ARGS(ref, of, what, caller)
);

/* The events of a tracked class, whose gets and puts are recorded (track.c) */
DECLARE_EVENT_CLASS(dref_counted,

	TP_PROTO(const struct dref *ref, unsigned long n, long references),

	TP_ARGS(ref, n, references),

	TP_STRUCT__entry(
		__array(char,		class_name,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(unsigned long,	n)
		__field(long,		references)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class_name, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->n = n;
		__entry->references = references;
	),

	TP_printk("class_name=%s object=%p n=%lu references=%ld",
		  __entry->class_name, __entry->object, __entry->n, __entry->references)
);

/**
 * get - a get or a tryget has taken references to an object of a tracked class
 * @ref: its count
 * @n: how many
 * @references: how many there are now
 *
 * Context: the get or tryget.  One in an NMI is not reported, as tracking does not
 * record it, and neither is the reference of dref_init().
 */
DEFINE_EVENT(dref_counted, get,
	TP_PROTO(const struct dref *ref, unsigned long n, long references),
	TP_ARGS(ref, n, references)
);

/**
 * put - a put has dropped references to an object of a tracked class
 * @ref: its count
 * @n: how many
 * @references: how many there are now
 *
 * Context: the put.  One in an NMI is not reported, as tracking does not record it.
 */
DEFINE_EVENT(dref_counted, put,
	TP_PROTO(const struct dref *ref, unsigned long n, long references),
	TP_ARGS(ref, n, references)
);

/**
 * pass_begin - a pass begins to look at the objects that have a slot
 * @epoch: its number
 * @expedited: true if a caller waits for it
 * @slots: slots in use, including those of immortal objects that have not been taken
 *	back yet
 *
 * Context: a worker, or the task that waits for the pass.
 */
TRACE_EVENT(pass_begin,

	TP_PROTO(unsigned long epoch, bool expedited, unsigned long slots),

	TP_ARGS(epoch, expedited, slots),

	TP_STRUCT__entry(
		__field(unsigned long,	epoch)
		__field(bool,		expedited)
		__field(unsigned long,	slots)
	),

	TP_fast_assign(
		__entry->epoch = epoch;
		__entry->expedited = expedited;
		__entry->slots = slots;
	),

	TP_printk("epoch=%lu expedited=%d slots=%lu",
		  __entry->epoch, __entry->expedited, __entry->slots)
);

/**
 * pass_end - a pass has ended
 * @pass: its statistics
 * @dying: how many objects it has looked at twice
 * @dead: how many of them it has found dead; the others are alive or immortal
 *
 * Context: a worker, or a task that waits for a pass.  Such a task also ends a
 * periodic pass that is under way.
 *
 * "pass_ns" is how long the two walks of the pass took, and "gp_ns" how long the
 * grace period between them took: 0 if the pass needed none.
 */
TRACE_EVENT(pass_end,

	TP_PROTO(const struct dref_pass_stats *pass, unsigned long dying,
		 unsigned long dead),

	TP_ARGS(pass, dying, dead),

	TP_STRUCT__entry(
		__field(unsigned long,	epoch)
		__field(unsigned long,	dying)
		__field(unsigned long,	dead)
		__field(u64,		pass_ns)
		__field(u64,		gp_ns)
	),

	TP_fast_assign(
		__entry->epoch = pass->epoch;
		__entry->dying = dying;
		__entry->dead = dead;
		__entry->pass_ns = pass->pass_ns_last;
		__entry->gp_ns = dying ? pass->gp_ns_last : 0;
	),

	TP_printk("epoch=%lu dying=%lu dead=%lu pass_ns=%llu gp_ns=%llu",
		  __entry->epoch, __entry->dying, __entry->dead,
		  __entry->pass_ns, __entry->gp_ns)
);

#endif /* _TRACE_DREF_H */

/* Outside the guard, as it includes this file again, several times */
#include <trace/define_trace.h>
