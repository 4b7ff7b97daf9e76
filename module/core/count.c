// SPDX-License-Identifier: GPL-2.0
/*
 * Gets, puts and trygets off the fast path of dref.h.
 *
 * An operation comes here if one load of mode and one compare did not decide it:
 *
 *	exact, with another home	the object was counted on another CPU (heat.c),
 *					or tracking was enabled since (track.c)
 *	exact, with a flag		it is queued, cold, tracked or killed
 *	deferred, killed		the slot is incremented here
 *	demoting, dying, dead		count is changed instead of the slot
 *	immortal, killed		nothing is counted
 *	any, large or many		dref_get_many() and dref_put_many(), unless the
 *					inline functions can increment the slot
 *	exact, count is 0		dref_put() is probably the last put
 *	exact, count is negative	dref_get() from zero, which is a bug
 *
 * dref_init() comes here if its class is tracked or it finds a mistake.
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
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "internal.h"

/*
 * Test whether @ref looks like a live object of @class.  Either its link points to
 * itself, which is unlikely in other memory, and it has references or is immortal; or
 * it was immortal from the beginning, and has no link.
 */
static bool dref_looks_alive(const struct dref *ref, const struct dref_class *class)
{
	bool immortal = (ref->mode & ~DREF_MODE_KILLED) == DREF_MODE_UNREAD;
	long count = atomic_long_read(&ref->count);

	if (ref->class != class)
		return false;
	if (ref->link.next == &ref->link)
		return count >= 0 || immortal;
	return count == DREF_IMMORTAL_COUNT && immortal;
}

/**
 * dref_init_slow - initialise a count, off the fast path
 * @ref: the count
 * @class: its class, which may be NULL, not registered, or tracked
 *
 * For dref_init() only, which describes what happens if it is misused.  It calls
 * this if the class is NULL, not registered or tracked, or if the memory contains
 * values that a live object would have.
 *
 * Context: any.
 */
void dref_init_slow(struct dref *ref, struct dref_class *class)
{
	struct dref_class_cpu __percpu *cpu = class ? READ_ONCE(class->cpu) : NULL;

	if (!cpu) {
		ref->class = class;
		atomic_long_set(&ref->count, DREF_IMMORTAL_COUNT);
		ref->link.next = NULL;
		WRITE_ONCE(ref->mode, DREF_MODE_UNREAD);
		WARN(1, "dref: init with %s, by %pS; the object is immortal\n",
		     class ? "a class that is not registered" : "no class",
		     (void *)_RET_IP_);
		return;
	}
	if (dref_looks_alive(ref, class)) {
		WARN(1, "dref: class %s: second init of a live object, by %pS; refused\n",
		     class->name, (void *)_RET_IP_);
		return;
	}
	atomic_long_set(&ref->count, 0);
	ref->class = class;
	ref->link.next = &ref->link;
	WRITE_ONCE(ref->mode, dref_home_mode(class));
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
	return dref_counts(mode & ~DREF_MODE_TAGS);
}

/* Check the new @count of an object that has no slot against the limits */
static void dref_check_limit(struct dref *ref, long count, unsigned long mode,
			     unsigned long caller)
{
	if (likely(count < DREF_COUNT_HIGH))
		return;
	if (count >= DREF_COUNT_LIMIT)
		dref_saturate(ref, DREF_OVERFLOW, "count past the limit", caller);
	else if (!(mode & DREF_MODE_COLD))
		dref_cool(ref, 0);
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
	} else if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT) {
		/* an object that has a slot is checked by the passes */
		dref_check_limit(ref, count, mode, caller);
	}
}

/*
 * Measure the heat of an exact object that is counted on a CPU that is not its home, or
 * that has a flag set.  Out of line, because a call is cheap compared with the cache
 * miss that the operation has just had.
 */
static noinline void dref_note_contention(struct dref *ref, unsigned long mode)
{
	unsigned long heat;

	/*
	 * A counted object keeps its class registered.  One that becomes immortal
	 * meanwhile does not, but this RCU section keeps the class (class.c).
	 * (litmus: class-gone)
	 */
	rcu_read_lock();
	heat = dref_is_immortal(ref) ? 0 : dref_heat(ref, mode);
	if (heat)
		dref_promote_later(ref, heat);
	rcu_read_unlock();
}

/* Measure heat, or cancel demotion; the caller holds a reference and has found @mode */
static void dref_note_use(struct dref *ref, unsigned long mode)
{
	if ((mode & DREF_MODE_STATE) == DREF_MODE_DEMOTING)
		dref_cancel_demotion(ref, mode);
	else if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT &&
		 !dref_mode_is_home(mode))
		dref_note_contention(ref, mode);
}

/**
 * dref_get_slow - take @n references, in any mode
 * @ref: a count on which the caller holds a reference
 * @n: number of references; a number above the limit saturates the count
 *
 * For dref_get() and dref_get_many() only, off the fast path.
 *
 * Context: any.  Ordering: none.
 */
void dref_get_slow(struct dref *ref, unsigned long n)
{
	unsigned long mode;

	if (!n)
		return;

	dref_window_open();
	mode = READ_ONCE(ref->mode);
	if (mode & DREF_MODE_IMMORTAL)
		goto out;
	if ((mode & DREF_MODE_STATE) == DREF_MODE_DEFERRED && n <= INT_MAX) {
		/* litmus: P-gp-G-slot */
		this_cpu_add(dref_mode_slot(mode)->gets, n);
		goto out;
	}
	dref_window_close();

	/* Adds DREF_MODE_TRACKED if the class has become tracked */
	mode = dref_track_mode(ref, mode);
	dref_get_count(ref, n, mode, _RET_IP_);
	dref_note_use(ref, mode);
	return;
out:
	dref_window_close();
}
EXPORT_SYMBOL_GPL(dref_get_slow);

/**
 * dref_get_bad - dref_get() has found the sign bit set: a get from zero
 * @ref: the count, which is saturated
 *
 * For dref_get() only.
 *
 * Context: any.
 */
void dref_get_bad(struct dref *ref)
{
	dref_saturate(ref, DREF_UNDERFLOW, "get from zero", _RET_IP_);
}
EXPORT_SYMBOL_GPL(dref_get_bad);

/* Drop @n references, in any mode */
static void dref_drop(struct dref *ref, unsigned long n, unsigned long caller)
{
	unsigned long mode;

	if (!n)
		return;

	dref_window_open();
	mode = READ_ONCE(ref->mode);
	if (mode & DREF_MODE_IMMORTAL)
		goto out;
	if ((mode & DREF_MODE_STATE) == DREF_MODE_DEFERRED && n <= INT_MAX) {
		/* litmus: P-gp-G-slot, P-gp-c */
		this_cpu_add(dref_mode_slot(mode)->puts, n);
		goto out;
	}
	dref_window_close();

	if (n > DREF_COUNT_LIMIT) {
		dref_saturate(ref, DREF_UNDERFLOW, "put below zero", caller);
		return;
	}
	/* dref_broken() is 0, except in builds that inject faults (broken.h) */
	if (dref_broken(LOST_PUT) &&
	    (mode & DREF_MODE_STATE) == DREF_MODE_DYING)
		return;
	mode = dref_track_mode(ref, mode);
	dref_note_use(ref, mode);	/* before the put, after which the object may be freed */
	/* litmus: c-mb-G-release, put-release-exact, put-release-dying */
	if (dref_mode_tracked(mode) ? dref_track_put(ref, n) :
				      atomic_long_add_negative(-(long)n, &ref->count))
		dref_count_zero(ref, caller);
	return;
out:
	dref_window_close();
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
	dref_drop(ref, n, _RET_IP_);
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

	if (dref_broken(NO_CMPXCHG)) {
		udelay(9);	/* as in dref_declare_dead() */
		atomic_long_set(&ref->count, DREF_COUNT_DEAD);
		dref_release(ref);
		return;
	}
	/* litmus: put-last, dead-tryget, immortal-death */
	if (likely(atomic_long_try_cmpxchg(&ref->count, &own, DREF_COUNT_DEAD)))
		dref_release(ref);
	else
		dref_drop(ref, 1, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dref_put_last);

/**
 * dref_tryget_slow - take a reference without holding one, in any mode
 * @ref: as for dref_tryget()
 *
 * For dref_tryget() only, off the fast path.
 *
 * Context and ordering: as dref_tryget().
 *
 * Return: true if the caller now holds a reference, false if the object is dead.
 */
bool dref_tryget_slow(struct dref *ref)
{
	unsigned long mode;

	preempt_disable();	/* as in dref_tryget(); litmus: dying-tryget */
	/* After the acquire in dref_tryget(); litmus: tryget-publish */
	mode = READ_ONCE(ref->mode);
	if (mode & DREF_MODE_IMMORTAL) {
		preempt_enable();
		return true;
	}
	if ((mode & DREF_MODE_STATE) == DREF_MODE_DEFERRED) {
		this_cpu_inc(dref_mode_slot(mode)->gets);
		preempt_enable();
		return true;
	}
	preempt_enable();

	mode = dref_track_mode(ref, mode);
	/* litmus: dead-tryget */
	if (!(dref_mode_tracked(mode) ? dref_track_tryget(ref, _RET_IP_) :
					atomic_long_inc_unless_negative(&ref->count)))
		return dref_is_immortal(ref);
	if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT)
		dref_check_limit(ref, atomic_long_read(&ref->count), mode, _RET_IP_);
	dref_note_use(ref, mode);
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
 * Return: the number of references, 0 if the object is dead, DREF_IMMORTAL_COUNT
 * if it is immortal.
 */
long dref_read(const struct dref *ref)
{
	struct dref_counts __percpu *counts;
	unsigned long mode, puts = 0, gets = 0;
	long count;
	int cpu;

	/*
	 * The object may die meanwhile and give its slot back, but the slot's memory
	 * is not freed before this RCU section ends (slot.c).  (litmus: chunk-free)
	 */
	rcu_read_lock();
	mode = READ_ONCE(ref->mode);
	if (mode & DREF_MODE_IMMORTAL) {
		count = DREF_IMMORTAL_COUNT;
		goto out;
	}
	counts = dref_mode_slot(mode);
	if ((mode & DREF_MODE_STATE) == DREF_MODE_EXACT || !counts) {
		count = atomic_long_read(&ref->count) + 1;
		/* There is a bias if a promotion or the end of a demotion is under way */
		if (count > DREF_COUNT_HIGH && !(mode & DREF_MODE_COLD))
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
