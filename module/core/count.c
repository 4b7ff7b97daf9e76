// SPDX-License-Identifier: GPL-2.0
/*
 * Gets, puts and trygets off the fast path of dref.h.
 *
 * An operation comes here if one load of mode and one compare did not decide it:
 *
 *	exact, with another home	the object was counted on another CPU (heat.c),
 *					or tracking was enabled since (track.c)
 *	exact, with a flag		it is queued, tracked or killed, or count is high
 *	exact, a sample			dref_put() measures how much the object is used
 *	deferred, killed		the slot is incremented here
 *	demoting, dying, dead		count is changed instead of the slot
 *	immortal, killed		nothing is counted
 *	any, large or many		dref_get_many() and dref_put_many(), unless the
 *					inline functions can increment the slot
 *	no object			the memory was not initialised, which is a bug
 *	exact, count is 0		dref_put() is probably the last put
 *	exact, count is negative	dref_get() from zero, which is a bug
 *
 * dref_init() comes here if its class is tracked or not registered, and always on a kernel
 * with CONFIG_DEBUG_OBJECTS.
 *
 * An operation reads mode and acts on it later.  Meanwhile mode may change any
 * number of times.  An operation that changes count is correct nevertheless,
 * because count is part of the sum for as long as there is a sum:
 *
 *	object when count changes	count
 *
 *	exact				is the sum
 *	deferred, demoting, dying	is added to the sums of the slot by the pass
 *	dead				is DREF_COUNT_DEAD, so a tryget sees the sign
 *	immortal			is not read any more
 *
 * For example, an exact put that a promotion overtakes:
 *
 *	CPU 0					CPU 1
 *
 *	dref_put(): mode is exact
 *						count += DREF_BIAS
 *						mode = deferred, slot 7
 *	count--: the bias keeps it above zero
 *						pass: count + gets - puts is right
 *
 * An operation that increments a slot is correct only while the object has that slot.
 * Only an operation that has read "deferred" does that, but it may do so late.
 * tasks_gp.c describes how dref waits for it before the slot gets another object.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "internal.h"

/**
 * dref_init_slow - initialise a count, off the fast path
 * @ref: the count
 * @class: its class, which may be NULL, not registered, or tracked
 *
 * For dref_init() only, which describes what happens if it is misused.
 *
 * Context and ordering: as dref_init().
 */
void dref_init_slow(struct dref *ref, struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpu = class ? READ_ONCE(class->cpu) : NULL;

	ref->class = class;
	if (!cpu) {
		ref->link.next = NULL;
		WRITE_ONCE(ref->mode, DREF_MODE_IMMORTAL);
		atomic_long_set_release(&ref->count, DREF_IMMORTAL_COUNT);
		WARN(1, "dref: init with %s, by %pS; the object is immortal\n",
		     class ? "a class that is not registered" : "no class",
		     (void *)dref_caller(_RET_IP_));
		return;
	}
	dref_debug_init(ref);
	ref->link.next = &ref->link;
	WRITE_ONCE(ref->mode, dref_home_mode(class));
	atomic_long_set_release(&ref->count, 0);	/* litmus: init-typesafe */
	dref_track_init(ref, _RET_IP_);
	this_cpu_inc(cpu->created);
}
EXPORT_SYMBOL_GPL(dref_init_slow);

/*
 * Returns the counters of the slot that @mode names, whatever its tags; NULL if the
 * object is dead.  Means nothing if @mode is exact.
 */
static struct dref_counts __percpu *dref_mode_slot(unsigned long mode)
{
	return dref_counts((mode & ~DREF_MODE_TAGS) | DREF_MODE_DEFERRED);
}

/* Check the new @count of an object that has no slot against the limits */
static void dref_check_limit(struct dref *ref, long count, unsigned long mode,
			     unsigned long caller)
{
	if (likely(count < DREF_COUNT_HIGH))
		return;
	if (count >= DREF_COUNT_LIMIT)
		dref_saturate(ref, DREF_OVERFLOW, "count past the limit", caller);
	else if (!(mode & DREF_MODE_HIGH))
		dref_mark_high(ref);
}

/* Take @n references in count, in any mode; @mode was read before */
static void dref_get_count(struct dref *ref, unsigned long n, unsigned long mode,
			   unsigned long caller)
{
	long count;

	if (n > DREF_COUNT_LIMIT) {
		dref_saturate(ref, DREF_OVERFLOW, "get past the limit", caller);
		return;
	}
	count = dref_mode_tracked(mode) ? dref_track_get(ref, n, caller) :
					  atomic_long_add_return(n, &ref->count);
	if (unlikely(count - (long)n < 0)) {
		dref_saturate(ref, DREF_UNDERFLOW, "get from zero", caller);
	} else if (unlikely(count < 0)) {
		atomic_long_sub(n, &ref->count);	/* or it would look dead */
		dref_saturate(ref, DREF_OVERFLOW, "count past the limit", caller);
	} else if ((mode & DREF_MODE_TAGS) == DREF_MODE_EXACT) {
		/* an object that has a slot is checked by the passes */
		dref_check_limit(ref, count, mode, caller);
	}
}

/*
 * Measure the heat of an exact object that was @sampled, is counted on a CPU that is not
 * its home, or has a flag set.  Out of line, because a call is cheap compared with the
 * cache miss that the operation has usually just had.
 */
static noinline void dref_note_heat(struct dref *ref, unsigned long mode, bool sampled)
{
	unsigned long heat;

	/*
	 * A counted object keeps its class registered.  One that becomes immortal
	 * meanwhile does not, but this RCU section keeps the class (class.c).
	 * (litmus: class-gone)
	 */
	rcu_read_lock();
	heat = dref_is_immortal(ref) ? 0 : dref_heat(ref, mode, sampled);
	if (heat)
		dref_promote_later(ref, heat);
	rcu_read_unlock();
}

/* Measure heat, or cancel demotion; the caller holds a reference and has found @mode */
static void dref_note_use(struct dref *ref, unsigned long mode, bool sampled)
{
	if (dref_mode_state(mode) == DREF_MODE_DEMOTING)
		dref_cancel_demotion(ref, mode);
	else if ((mode & DREF_MODE_TAGS) == DREF_MODE_EXACT &&
		 (sampled || !dref_mode_is_home(mode)))
		dref_note_heat(ref, mode, sampled);
}

/*
 * Count @n puts, or gets, in the slot, if the object is deferred and @n is not too large.
 * Returns 0 if nothing is left to do, and otherwise mode.
 */
static __always_inline unsigned long dref_count_in_slot(struct dref *ref, unsigned long n,
							bool put, unsigned long caller)
{
	unsigned long mode, state;

	if (!n)
		return 0;
	dref_window_open();
	mode = READ_ONCE(ref->mode);
	state = dref_user_state(mode);
	if (state == DREF_MODE_DEFERRED && n <= DREF_SLOT_MANY) {
		/* litmus: P-gp-G-slot, P-gp-c */
		if (put)
			this_cpu_add(dref_mode_slot(mode)->puts, n);
		else
			this_cpu_add(dref_mode_slot(mode)->gets, n);
		mode = 0;
	}
	dref_window_close();

	if (state == DREF_MODE_UNCOUNTED)
		return 0;
	if (unlikely(state == DREF_MODE_NONE)) {
		dref_warn_no_object(put ? "put" : "get", caller);
		return 0;
	}
	if (mode)
		dref_debug_check(ref);	/* else @ref may have been freed by now */
	return mode;
}

/**
 * dref_get_slow - take @n references, in any mode
 * @ref: a count on which the caller holds a reference
 * @n: number of references; a number above the limit saturates the count
 *
 * For dref_get() and dref_get_many() only, off the fast path.
 *
 * Context and ordering: as dref_get().
 */
void dref_get_slow(struct dref *ref, unsigned long n)
{
	unsigned long mode = dref_count_in_slot(ref, n, false, _RET_IP_);

	if (!mode)
		return;
	/* Adds DREF_MODE_TRACKED if the class has become tracked */
	mode = dref_track_mode(ref, mode);
	dref_get_count(ref, n, mode, _RET_IP_);
	dref_note_use(ref, mode, false);
}
EXPORT_SYMBOL_GPL(dref_get_slow);

/**
 * dref_get_bad - dref_get() has found the sign bit set: a get from zero
 * @ref: the count, which is saturated
 *
 * For dref_get() only.
 *
 * Context and ordering: as dref_get().
 */
void dref_get_bad(struct dref *ref)
{
	dref_saturate(ref, DREF_UNDERFLOW, "get from zero", _RET_IP_);
}
EXPORT_SYMBOL_GPL(dref_get_bad);

/* Drop @n references, in any mode */
static void dref_drop(struct dref *ref, unsigned long n, bool sampled, unsigned long caller)
{
	unsigned long mode = dref_count_in_slot(ref, n, true, caller);

	if (!mode)
		return;
	if (n > DREF_COUNT_LIMIT) {
		dref_saturate(ref, DREF_UNDERFLOW, "put below zero", caller);
		return;
	}
	mode = dref_track_mode(ref, mode);
	/* Before the put, after which the object may be freed */
	dref_note_use(ref, mode, sampled);
	/* litmus: c-mb-G-release, put-release-exact, put-release-dying */
	if ((dref_mode_tracked(mode) ? dref_track_put(ref, n) :
				       atomic_long_add_negative(-(long)n, &ref->count)) &&
	    dref_count_zero(ref, caller))
		dref_release(ref);
}

/**
 * dref_put_slow - drop @n references, in any mode
 * @ref: a count on which the caller holds @n references
 * @n: number of references; if there are fewer, the count is saturated
 *
 * For dref_put() and dref_put_many() only, off the fast path.
 *
 * Context and ordering: as dref_put().
 */
void dref_put_slow(struct dref *ref, unsigned long n)
{
	bool sampled = dref_sample_due();

	if (sampled)
		dref_sample_next();
	dref_drop(ref, n, sampled, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dref_put_slow);

/**
 * dref_put_last - drop a reference that seems to be the last one
 * @ref: the count; the object may have been freed on return
 *
 * For dref_put() only, which calls it when count says that no other reference
 * exists.  If a tryget takes one meanwhile, the cmpxchg fails, and the put
 * proceeds like any other.
 *
 * Context: as release() and the flags of the class allow.
 * Ordering: fully ordered, so that release() sees what all holders did.
 */
void dref_put_last(struct dref *ref)
{
	long own = 0;

	/* litmus: put-last, dead-tryget, immortal-death */
	if (likely(atomic_long_try_cmpxchg(&ref->count, &own, DREF_COUNT_DEAD)))
		dref_release(ref);
	else
		dref_drop(ref, 1, false, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dref_put_last);

/**
 * dref_put_sampled - measure how much an object is used, then drop a reference
 * @ref: a count on which the caller holds a reference
 *
 * For dref_put() only, which calls it when the countdown of this CPU is over.
 *
 * Context and ordering: as dref_put().
 */
void dref_put_sampled(struct dref *ref)
{
	dref_sample_next();
	dref_drop(ref, 1, true, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dref_put_sampled);

/**
 * dref_tryget_slow - take a reference without holding one, in any mode
 * @ref: as for dref_tryget()
 * @live: fail if the object has been killed
 *
 * For dref_tryget() and dref_tryget_live() only, off the fast path.
 *
 * Context and ordering: as dref_tryget().
 *
 * Return: true if the caller now holds a reference, false if the object is dead, or
 * killed, or has not been initialised.
 */
bool dref_tryget_slow(struct dref *ref, bool live)
{
	unsigned long mode, state;
	bool got = true;

	preempt_disable();	/* as in dref_tryget(); litmus: dying-tryget */
	/* After the acquire in dref_tryget(); litmus: tryget-publish */
	mode = READ_ONCE(ref->mode);
	state = dref_user_state(mode);
	if (state == DREF_MODE_NONE || (live && dref_mode_killed(mode)))
		got = false;
	else if (state == DREF_MODE_DEFERRED)
		this_cpu_inc(dref_mode_slot(mode)->gets);
	preempt_enable();
	if (!got || state == DREF_MODE_DEFERRED || state == DREF_MODE_UNCOUNTED)
		return got;

	mode = dref_track_mode(ref, mode);
	/* litmus: dead-tryget, init-typesafe */
	if (!(dref_mode_tracked(mode) ? dref_track_tryget(ref, _RET_IP_) :
					atomic_long_inc_unless_negative(&ref->count)))
		return dref_is_immortal(ref);
	if (state == DREF_MODE_EXACT)
		dref_check_limit(ref, atomic_long_read(&ref->count), mode, _RET_IP_);
	dref_note_use(ref, mode, false);
	return true;
}
EXPORT_SYMBOL_GPL(dref_tryget_slow);

/**
 * dref_read - read the number of references
 * @ref: a count whose object cannot be freed meanwhile
 *
 * For diagnostics and tests.  If other tasks use the object, the result is a
 * number that the count had or nearly had a moment ago; do not base decisions on
 * it.
 *
 * Context: any but NMI.  Ordering: none.
 *
 * Return: the number of references, 0 if the object is dead or was not initialised,
 * DREF_IMMORTAL_COUNT if it is immortal.
 */
long dref_read(const struct dref *ref)
{
	struct dref_counts __percpu *counts;
	unsigned long mode, state, puts = 0, gets = 0;
	long count;
	int cpu;

	/*
	 * The object may die meanwhile and give its slot back, but the slot's memory
	 * is not freed before this RCU section ends (slot.c).  (litmus: chunk-free)
	 */
	rcu_read_lock();
	mode = READ_ONCE(ref->mode);
	state = dref_user_state(mode);
	if (state == DREF_MODE_UNCOUNTED || state == DREF_MODE_NONE) {
		count = state == DREF_MODE_NONE ? 0 : DREF_IMMORTAL_COUNT;
		goto out;
	}
	counts = dref_mode_slot(mode);
	if (state == DREF_MODE_EXACT || !counts) {
		count = atomic_long_read(&ref->count) + 1;
		/* There is a bias if a promotion or the end of a demotion is under way */
		if (count > DREF_COUNT_HIGH && !(mode & DREF_MODE_HIGH))
			count -= DREF_BIAS;
		goto out;
	}
	for_each_possible_cpu(cpu)
		puts += READ_ONCE(per_cpu_ptr(counts, cpu)->puts);
	count = atomic_long_read(&ref->count) + 1 - DREF_BIAS;
	for_each_possible_cpu(cpu)
		gets += READ_ONCE(per_cpu_ptr(counts, cpu)->gets);
	count += gets - puts;
out:
	rcu_read_unlock();
	return max(count, 0L);
}
EXPORT_SYMBOL_GPL(dref_read);
