/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of dref: what becomes of an object that is not just counted.
 *
 *	             promote_failed
 *	                   ^
 *	exact ----> hot ---+--> promote ----> dying ----> dead ----> release
 *	  ^                        |  ^         |                       ^
 *	  |                        |  `---------' resurrect             |
 *	  `-------- demote <-------'                         exact, to be released
 *	                                                     late (RCU, SLEEP)
 *
 *	pass_begin, pass_end	around what the passes do: dying, dead, resurrect,
 *				and demote
 *	immortalize		the end of counting, asked for or after
 *	underflow, overflow	a mistake in somebody's counting
 *	get, put		counting itself, while the class is tracked
 *
 * None is on the way of a get, a put, or the life of an object that stays exact
 * and that its last put releases: those cost no instruction more for this, and
 * say nothing.
 *
 * "object" is the address of the object's struct dref, printed as a hash, the same
 * as in debugfs.  Its class is in the event as text, padded with zeroes, so that
 * it is a key for histograms.
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
 * hot - an exact object is wanted by several CPUs, and to be promoted
 * @ref: its count
 * @heat: how often it has changed hands in this window: promote_threshold
 *
 * On the stack, and on the CPU, of the get, put or tryget that decided it, in
 * whatever context that is: NMI, too.  What follows is promote, promote_failed or
 * nothing, if the object was made immortal or deferred by others meanwhile.
 */
TRACE_EVENT(hot,

	TP_PROTO(const struct dref *ref, unsigned long heat),

	TP_ARGS(ref, heat),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(unsigned long,	heat)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->heat = heat;
	),

	TP_printk("class=%s object=%p heat=%lu",
		  __entry->class, __entry->object, __entry->heat)
);

/**
 * promote - an exact object is deferred now
 * @ref: its count
 *
 * On the stack of dref_defer(), or of the worker that empties the promotion queue
 * (who has filled it: hot).  "count" is how many references it had.
 */
TRACE_EVENT(promote,

	TP_PROTO(const struct dref *ref),

	TP_ARGS(ref),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(long,		count)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->count = atomic_long_read(&ref->count) + 1 - DREF_BIAS;
	),

	TP_printk("class=%s object=%p count=%ld",
		  __entry->class, __entry->object, __entry->count)
);

/**
 * promote_failed - an object stays exact, as no slot is to be had
 * @ref: its count
 * @error: -ENOMEM, or -ENOSPC if max_deferred objects have a slot
 *
 * On the same stacks as promote.
 */
TRACE_EVENT(promote_failed,

	TP_PROTO(const struct dref *ref, long error),

	TP_ARGS(ref, error),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(int,		error)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->error = error;
	),

	TP_printk("class=%s object=%p error=%s",
		  __entry->class, __entry->object,
		  __print_symbolic(__entry->error,
				   { -ENOMEM, "no_memory" },
				   { -ENOSPC, "max_deferred" }))
);

/* What a pass has seen of one deferred object */
DECLARE_EVENT_CLASS(dref_slot,

	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),

	TP_ARGS(ref, slot),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(unsigned long,	since_epoch)
		__field(u64,		age_ms)
		__field(unsigned long,	puts)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, slot->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->since_epoch = slot->epoch;
		__entry->age_ms = jiffies64_to_msecs(jiffies - slot->since);
		__entry->puts = slot->puts;
	),

	TP_printk("class=%s object=%p since_epoch=%lu age_ms=%llu puts=%lu",
		  __entry->class, __entry->object, __entry->since_epoch,
		  __entry->age_ms, __entry->puts)
);

/**
 * demote - a deferred object that has gone quiet is exact again
 * @ref: its count; the object may be gone already
 * @slot: the slot that it had
 *
 * "since_epoch" is the last pass that had begun when the object was promoted,
 * "age_ms" how long ago that was, and "puts" how many were counted in the slot.
 */
DEFINE_EVENT(dref_slot, demote,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * dying - a pass has seen no reference, and will look again
 * @ref: its count
 * @slot: its slot
 *
 * Fields as for demote.  The same pass says dead, resurrect, or underflow; or
 * nothing, if the object was made immortal meanwhile.
 */
DEFINE_EVENT(dref_slot, dying,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * resurrect - a tryget got in while the object was dying
 * @ref: its count
 * @slot: its slot
 *
 * Or the first look was wrong, as it may be: it is deferred again.  Fields as for
 * demote.
 */
DEFINE_EVENT(dref_slot, resurrect,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * dead - a pass has confirmed that nobody has a reference
 * @ref: its count
 * @slot: its slot
 *
 * Fields as for demote.  What follows is release.
 */
DEFINE_EVENT(dref_slot, dead,
	TP_PROTO(const struct dref *ref, const struct dref_slot *slot),
	TP_ARGS(ref, slot)
);

/**
 * release - release() is about to be called for an object that waited for it
 * @ref: its count
 *
 * For each object that was deferred when it died, and for exact ones of classes that
 * are DREF_RCU or DREF_SLEEP; not for one that the last put itself releases.
 * "latency_us" is 0 for exact objects, and else how long ago a pass saw that the
 * object was held: the last put was later.
 */
TRACE_EVENT(release,

	TP_PROTO(const struct dref *ref),

	TP_ARGS(ref),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(bool,		deferred)
		__field(u64,		latency_us)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->deferred = (ref->mode & DREF_MODE_STATE) != DREF_MODE_EXACT;
		__entry->latency_us = __entry->deferred ? dref_latency_us(ref) : 0;
	),

	TP_printk("class=%s object=%p deferred=%d latency_us=%llu",
		  __entry->class, __entry->object, __entry->deferred,
		  __entry->latency_us)
);

/**
 * immortalize - an object is counted no more, for ever
 * @ref: its count
 *
 * On the stack of dref_immortalize() or of what found a mistake, with underflow or
 * overflow after it; as often as "immortal" in the statistics says.
 */
TRACE_EVENT(immortalize,

	TP_PROTO(const struct dref *ref),

	TP_ARGS(ref),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
	),

	TP_printk("class=%s object=%p", __entry->class, __entry->object)
);

/* Somebody has miscounted, and has lost the object by it */
DECLARE_EVENT_CLASS(dref_fault,

	TP_PROTO(const struct dref *ref, const struct dref_class *of, const char *what,
		 unsigned long caller),

	TP_ARGS(ref, of, what, caller),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__array(char,		what,	DREF_TRACE_WHAT_SIZE)
		__field(void *,		caller)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, of->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		strscpy_pad(__entry->what, what, DREF_TRACE_WHAT_SIZE);
		__entry->caller = (void *)caller;
	),

	TP_printk("class=%s object=%p what=\"%s\" caller=%pS",
		  __entry->class, __entry->object, __entry->what, __entry->caller)
);

/**
 * underflow - a put too many, or a get from zero
 * @ref: its count, which may be gone by now
 * @of: its class
 * @what: which of them
 * @caller: where: in dref itself, if a pass has found it
 *
 * Each one, while the kernel log has but the first one of a class.
 */
DEFINE_EVENT(dref_fault, underflow,
	TP_PROTO(const struct dref *ref, const struct dref_class *of, const char *what,
		 unsigned long caller),
	TP_ARGS(ref, of, what, caller)
);

/**
 * overflow - a count past the limit
 * @ref: its count, which may be gone by now
 * @of: its class
 * @what: by one get, or by all
 * @caller: where: in dref itself, if a pass has found it
 *
 * As underflow.
 */
DEFINE_EVENT(dref_fault, overflow,
	TP_PROTO(const struct dref *ref, const struct dref_class *of, const char *what,
		 unsigned long caller),
	TP_ARGS(ref, of, what, caller)
);

/* Somebody has counted, and it has been recorded who (track.c) */
DECLARE_EVENT_CLASS(dref_counted,

	TP_PROTO(const struct dref *ref, unsigned long n, long references),

	TP_ARGS(ref, n, references),

	TP_STRUCT__entry(
		__array(char,		class,	DREF_CLASS_NAME_SIZE)
		__field(const void *,	object)
		__field(unsigned long,	n)
		__field(long,		references)
	),

	TP_fast_assign(
		strscpy_pad(__entry->class, ref->class->name, DREF_CLASS_NAME_SIZE);
		__entry->object = ref;
		__entry->n = n;
		__entry->references = references;
	),

	TP_printk("class=%s object=%p n=%lu references=%ld",
		  __entry->class, __entry->object, __entry->n, __entry->references)
);

/**
 * get - references to an object of a tracked class have been taken
 * @ref: its count
 * @n: how many, by a get or a tryget
 * @references: how many there are now
 *
 * On the stack of who took them.  What an NMI does is not told, as it is not
 * recorded; neither is the reference that dref_init() gives.
 */
DEFINE_EVENT(dref_counted, get,
	TP_PROTO(const struct dref *ref, unsigned long n, long references),
	TP_ARGS(ref, n, references)
);

/**
 * put - references to an object of a tracked class have been dropped
 * @ref: its count
 * @n: how many
 * @references: how many there are now
 *
 * On the stack of who dropped them; otherwise as get.
 */
DEFINE_EVENT(dref_counted, put,
	TP_PROTO(const struct dref *ref, unsigned long n, long references),
	TP_ARGS(ref, n, references)
);

/**
 * pass_begin - a pass begins to look at the deferred objects
 * @epoch: its number
 * @expedited: somebody waits for it
 * @slots: in use: of those that it looks at, and of immortal objects that had one
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
 * pass_end - a pass is over
 * @pass: what is known of it
 * @dying: how many objects it has looked at twice
 * @dead: how many of them are dead; the others live, or are immortal
 *
 * "pass_ns" is how long it has worked, in its two halves, and "gp_ns" how long it
 * was between them, in its grace period: 0 if there was nothing to wait for.  One
 * that began as a periodic one may have been ended by who is in a hurry.
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

/* Outside the guard: it includes this file again, several times */
#include <trace/define_trace.h>
