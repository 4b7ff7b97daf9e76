// SPDX-License-Identifier: GPL-2.0
/*
 * Reconcile passes: detecting zero in per-CPU sums.
 *
 * A pass, whose number is its epoch, walks all objects that have a slot.  It waits for
 * one grace period, which all of them share, and looks again at those that seemed to
 * have no references.
 *
 * Theory
 * ------
 *
 * For one object, where count is a number of references (the field count, plus one, less
 * DREF_BIAS), and true(t) is the number of all references at the time t:
 *
 *	begin	P = sum of puts, over all possible CPUs
 *		if P < gets + count: the object has references, go to the next one
 *		mode = dying: operations that load mode from now on change count
 *
 *		-- grace period: every tryget that saw "deferred" is counted --
 *
 *	end	c = count				at the time t
 *		full barrier
 *		G = sum of gets
 *		if P < G + c: the object has references, mode = deferred again
 *		if P > G + c: it has been put too often, saturate it: WARN, immortal
 *		if P == G + c:
 *			true(t) = c + gets(t) - puts(t) <= c + G - P = 0
 *			if count is still c: count = dead, and no tryget can succeed
 *			else: a tryget has succeeded, mode = deferred again
 *
 * If the object becomes immortal meanwhile, the pass notices that when it changes mode
 * (immortal.c).
 *
 * The order of the three reads, puts, then count, then gets, makes this sound; the
 * argument is that of SRCU.  The counters only grow, P was read before t, and G after
 * it, so an error can only make the sum too high, and keep a dead object for longer.
 *
 * On weakly ordered CPUs, the grace period between P and G is needed even where no
 * tryget is used:
 *
 *	CPU 0			CPU 1			pass
 *
 *	get: gets++
 *	hand the reference
 *	to CPU 1 ------------->	put: puts++
 *							P includes the put
 *							grace period
 *							G must include the get
 *
 * A full barrier in place of the grace period would not guarantee that.  The grace period
 * does, because each increment is a short RCU read-side section: it is one instruction, or
 * the architecture disables preemption or interrupts for it.
 *
 * A get or a put may be preempted between its load of mode and its increment.  Until it
 * has incremented, the object has a reference, so the true count is not zero, and
 * dref_confirm() sees that.
 *
 * CPUs that are offline keep their counters, and the sums include them.
 *
 * States
 * ------
 *
 *	      .------ dref_confirm(): has references ------.
 *	      v                                            |
 *	  deferred -------- dref_examine(): sum zero ---> dying ------> dead
 *	    |   ^                                               dref_confirm()
 *	    |   '-- dref_cancel_demotion(): in use --.
 *	    |                                        |
 *	    '------ dref_demote(): idle --------> demoting -----------> exact
 *	                                                   dref_fold()
 *
 * dref_demote() is also called for busy objects of a tracked class, because their
 * holders are recorded only while they are exact (track.c).  A demoting object
 * can become dying, too, and becomes demoting again if it has references.  An object
 * that was made immortal leaves its slot behind as an orphan, which is free after a
 * Tasks RCU grace period (tasks_gp.c).
 *
 * Schedule
 * --------
 *
 * With no slot in use there is no timer and no work.  With slots in use, the interval
 * between passes doubles from pass_min_ms to pass_max_ms while they find nothing dead,
 * and is pass_min_ms again when they do.  dref_kill() and memory pressure bring the next
 * pass forward.  In all cases the interval before a periodic pass is at least a hundred
 * times the duration of the shorter one of the last two passes, but never more than
 * pass_max_ms.  Unless pass_max_ms cuts it short, periodic passes take about one percent
 * of a CPU at most.
 *
 * A periodic pass does not block a worker during its grace period: its second half is
 * queued as RCU work.  dref_pass_expedited() does not wait for that.  It ends the pass
 * under way with an expedited grace period, and then runs a pass of its own.
 */
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <trace/events/dref.h>

#include "compat.h"
#include "internal.h"

/* Held by a task that runs half a pass, or a whole one; no release() is called under it */
static DEFINE_MUTEX(pass_mutex);

/* Under pass_mutex; pass.epoch and rest_ms are also read without it */
static LIST_HEAD(objects);	/* slots that have an object */
static LIST_HEAD(candidates);	/* slots whose objects are dying in this pass */
static LIST_HEAD(orphans);	/* slots of immortal objects, to be given back */
static struct dref_pass_stats pass;	/* readers get a copy, "published" */
static bool pass_in_flight;	/* between begin and end */
static unsigned long pass_cookie; /* the grace period for which this pass waits */
static u64 pass_gp_start;
static u64 pass_start;		/* when this pass began */
static u64 pass_begin_ns;	/* how long its first half took */
static unsigned int interval_ms;
static unsigned long rest_ms;	/* see dref_pass_note_time() */

/* A copy for dref_pass_stats(), which must not wait for a pass and its grace period */
static DEFINE_SPINLOCK(published_lock);
static struct dref_pass_stats published;

/* Slots that were attached since the last pass began */
static DEFINE_SPINLOCK(incoming_lock);
static LIST_HEAD(incoming);

static bool kicked;		/* the next pass should come soon */
static unsigned long last_begin;	/* jiffies */

static void dref_pass_work(struct work_struct *work);
static void dref_pass_end_work(struct work_struct *work);
static void dref_kick_irq(struct irq_work *work);

static DECLARE_DELAYED_WORK(pass_work, dref_pass_work);
static struct rcu_work pass_end_work = {
	.work = __WORK_INITIALIZER(pass_end_work.work, dref_pass_end_work),
};

static struct irq_work kick_irq_work = IRQ_WORK_INIT_HARD(dref_kick_irq);
static struct shrinker *dref_shrinker;

/* Returns the shortest interval between passes at present; any context */
static unsigned int dref_pass_least_ms(void)
{
	unsigned long least = max_t(unsigned long, READ_ONCE(rest_ms),
				    READ_ONCE(dref_pass_min_ms));

	return min_t(unsigned long, least, READ_ONCE(dref_pass_max_ms));
}

/*
 * Have the passes examine @slot, which was just attached to an object; the caller holds a
 * reference on that object.
 */
void dref_pass_add(struct dref_slot *slot)
{
	unsigned long flags;

	slot->epoch = READ_ONCE(pass.epoch);
	/* litmus: promote-pass */
	spin_lock_irqsave(&incoming_lock, flags);
	list_add_tail(&slot->node, &incoming);
	spin_unlock_irqrestore(&incoming_lock, flags);
	/* litmus: pass-arm */
	queue_delayed_work(dref_wq, &pass_work, msecs_to_jiffies(dref_pass_least_ms()));
}

/* Returns the number of references as this pass sees it; its P is in @slot */
static long dref_pass_sum(const struct dref_slot *slot, long count, unsigned long gets)
{
	return count + 1 - DREF_BIAS + (long)(gets - slot->puts);
}

/*
 * Separate @slot from its object, which is immortal and is not accessed any more, as its
 * memory may be freed.  A later pass gives the slot back, after a Tasks RCU grace period.
 */
static void dref_orphan(struct dref_slot *slot)
{
	dref_slot_hide(slot);
	dref_class_unpin(slot->class);
	/* litmus: immortal-reuse */
	slot->tasks_gp = dref_tasks_gp_next();
	list_move(&slot->node, &orphans);
}

/* Give back the orphans that no operation can increment any more */
static void dref_collect_orphans(void)
{
	struct dref_slot *slot, *next;

	list_for_each_entry_safe(slot, next, &orphans, node) {
		if (!dref_tasks_gp_done(slot->tasks_gp))
			continue;
		list_del(&slot->node);
		dref_slot_clear(slot);
		dref_slot_put(slot);
	}
}

/*
 * If the object is in state @from, set its mode to @to, killed if it is killed, and return
 * true.  If another task changes mode at the same time, because it kills the object or makes
 * it immortal, this looks again.
 */
static bool dref_change_mode(struct dref *ref, unsigned long from, unsigned long to)
{
	unsigned long mode = READ_ONCE(ref->mode);

	do {
		if (dref_mode_state(mode) != from)
			return false;
	} while (!try_cmpxchg(&ref->mode, &mode, dref_mode_change(mode, to)));
	return true;
}

/* Change the state, and leave the slot attached */
static bool dref_change_state(const struct dref_slot *slot, unsigned long from,
			      unsigned long to)
{
	return dref_change_mode(slot->ref, from, (__force unsigned long)slot->counts | to);
}

/* Give back a slot that has no object any more, and that no operation can increment */
static void dref_give_back_slot(struct dref_slot *slot)
{
	dref_class_unpin(slot->class);
	list_del(&slot->node);
	dref_slot_clear(slot);
	dref_slot_put(slot);
}

/*
 * The last step of demotion: make the object exact, add the net sum of its slot to count,
 * and subtract the bias.  Every increment that was on its way when the object became
 * demoting has been made, so the sums of the slot are final.  While count is biased, no
 * put can reach zero, so the object is not released.  When the bias has been subtracted,
 * another task may release it, and this function does not access it any more.  But if the
 * subtraction takes count below zero, this function owns the object and releases it.
 * (litmus: demote-fold, demote-reuse, demote-release)
 */
static void dref_fold(struct dref_slot *slot)
{
	unsigned long net = dref_slot_gets(slot) - dref_slot_puts(slot);
	struct dref *ref = slot->ref;
	bool folded, zero = false;

	dref_track_adopt(ref);		/* while the object is not released */
	dref_slot_hide(slot);
	spin_lock_irq(&dref_bias_lock);
	/* litmus: demote-cancel */
	folded = dref_change_mode(ref, DREF_MODE_DEMOTING, dref_home_mode(slot->class));
	if (folded)
		zero = atomic_long_add_negative(net - DREF_BIAS, &ref->count);
	spin_unlock_irq(&dref_bias_lock);
	if (!folded) {
		dref_track_forget(ref);
		dref_slot_set_ref(slot, ref);	/* it still has the slot */
		return;
	}

	dref_count_event(slot->class, DREF_DEMOTIONS);
	trace_demote(ref, slot);
	dref_give_back_slot(slot);
	if (zero && dref_count_zero(ref, _THIS_IP_))
		dref_release_later(ref);
}

/* The first step of demotion */
static void dref_demote(struct dref_slot *slot)
{
	if (!dref_change_state(slot, DREF_MODE_DEFERRED, DREF_MODE_DEMOTING))
		return;
	slot->demoting = true;
	/* Mode, then the grace period; litmus: demote-fold, demote-reuse */
	slot->tasks_gp = dref_tasks_gp_next();
}

/*
 * The mode of the object in @slot, @mode, does not name the slot.  The object is immortal, or
 * its memory was freed without a put, which is a bug, and may contain anything: then it is
 * not accessed any more, and its slot, which a user may still increment, is never given back.
 */
static noinline void dref_lose_object(struct dref_slot *slot, unsigned long mode)
{
	if (dref_mode_immortal(mode)) {
		dref_orphan(slot);
		return;
	}
	WARN_ONCE(1, "dref: class %s: a deferred object was freed without a put\n",
		  slot->class->name);
	list_del_init(&slot->node);
	dref_slot_hide(slot);
}

/* The first half of a pass, for one object; idle passes are counted if @periodic */
static void dref_examine(struct dref_slot *slot, bool periodic)
{
	const unsigned long named = (__force unsigned long)slot->counts;
	struct dref *ref = slot->ref;
	unsigned long mode, state, activity;
	long count, sum;

	mode = READ_ONCE(ref->mode);
	state = DREF_MODE_DEFERRED;
	if (unlikely(mode != (named | DREF_MODE_DEFERRED))) {
		if ((mode & ~DREF_MODE_TAGS) != named) {
			dref_lose_object(slot, mode);
			return;
		}
		state = dref_mode_state(mode);
	}
	if (state == DREF_MODE_DEFERRED && slot->demoting) {
		slot->demoting = false;		/* the demotion was cancelled */
		WRITE_ONCE(slot->idle_passes, 0);
	}

	/* P, before the grace period; litmus: P-gp-G-slot, P-gp-c */
	dref_slot_sum(slot, pass.epoch);
	count = atomic_long_read(&ref->count);
	sum = dref_pass_sum(slot, count, slot->gets);
	/*
	 * The sum may be below zero here without a bug, because no grace period has
	 * passed since puts were read, so that a get may be missing.
	 */
	if (sum <= 0) {
		if (dref_change_state(slot, state, DREF_MODE_DYING)) {
			list_move_tail(&slot->node, &candidates);
			pass.dying++;
			trace_dying(ref, slot);
		}
		return;
	}
	if (sum > DREF_COUNT_LIMIT) {
		dref_saturate(ref, DREF_OVERFLOW, "count past the limit", _THIS_IP_);
		dref_orphan(slot);
		return;
	}
	slot->held_ns = pass_start;

	if (state == DREF_MODE_DEMOTING) {
		if (dref_tasks_gp_done(slot->tasks_gp))
			dref_fold(slot);
		return;
	}
	if (!periodic)
		return;
	if (dref_tracking_on() && READ_ONCE(slot->class->tracked)) {
		dref_demote(slot);
		return;
	}
	/* gets + puts + 2 * count, less a constant: each operation changes it */
	activity = slot->puts * 2 + sum + count;
	if (activity != slot->activity) {
		slot->activity = activity;
		WRITE_ONCE(slot->idle_passes, 0);
		return;
	}
	WRITE_ONCE(slot->idle_passes, slot->idle_passes + 1);
	if (slot->idle_passes >= READ_ONCE(dref_demote_passes))
		dref_demote(slot);
}

static void dref_pass_publish(void)
{
	spin_lock(&published_lock);
	published = pass;
	spin_unlock(&published_lock);
}

static void dref_pass_begin(bool expedited)
{
	struct dref_slot *slot, *next;

	WRITE_ONCE(pass.epoch, pass.epoch + 1);
	trace_pass_begin(pass.epoch, expedited, dref_slots_used());
	pass_start = ktime_get_ns();
	WRITE_ONCE(last_begin, jiffies);
	WRITE_ONCE(kicked, false);

	spin_lock_irq(&incoming_lock);
	list_splice_tail_init(&incoming, &objects);
	spin_unlock_irq(&incoming_lock);

	dref_tasks_gp_advance();
	dref_collect_orphans();
	list_for_each_entry_safe(slot, next, &objects, node) {
		dref_examine(slot, !expedited);
		cond_resched();
	}
	dref_tasks_gp_advance();

	pass_gp_start = ktime_get_ns();
	pass_begin_ns = pass_gp_start - pass_start;
	/*
	 * P and the changes of mode in the walk come before the grace period.
	 * (litmus: P-gp-G-slot, P-gp-c, dying-tryget)
	 */
	pass_cookie = get_state_synchronize_rcu();
	pass_in_flight = true;
	dref_pass_publish();
}

/*
 * Declare an object dead, if its count is still @count.  Returns false if it is not: a
 * tryget has taken a reference, or the object has become immortal.  The count of the dead
 * object contains @held_ns, when it was last seen held, for dref_latency_us().
 */
static bool dref_declare_dead(struct dref *ref, long count, u64 held_ns)
{
	long dead = DREF_COUNT_DEAD + held_ns / NSEC_PER_USEC;

	/* litmus: dead-tryget, immortal-death */
	return atomic_long_try_cmpxchg(&ref->count, &count, dead);
}

/*
 * The second half of a pass, for one dying object.  Returns true if the object is dead;
 * @slot is then free, and the object is on its way to release().
 */
static bool dref_confirm(struct dref_slot *slot)
{
	struct dref *ref = slot->ref;
	long count, sum;

	count = atomic_long_read(&ref->count);
	/*
	 * G is read after count; P was read before the grace period.  Pairs with puts
	 * that change count, which must be at least a release, and are fully ordered: if
	 * a put is included in count, its get, which came before it, is included in G.
	 * (litmus: c-mb-G)
	 */
	smp_mb();
	sum = dref_pass_sum(slot, count, dref_slot_gets(slot));
	if (sum < 0) {
		dref_saturate(ref, DREF_UNDERFLOW, "sum below zero", _THIS_IP_);
	} else if (!sum && dref_declare_dead(ref, count, slot->held_ns)) {
		/*
		 * There is no reference, no tryget can take one, and everything that
		 * holders did is visible, whether their puts are in the slot or in count.
		 * (litmus: put-release-deferred, put-release-dying)
		 */
		if (dref_change_mode(ref, DREF_MODE_DYING, DREF_MODE_DYING)) {
			trace_dead(ref, slot);
			/* Mode, then the slot; litmus: chunk-free */
			dref_give_back_slot(slot);
			dref_release_later(ref);
			return true;
		}
		/*
		 * A task without a reference, which is a bug, has made the dead object
		 * immortal, so it is not released.
		 */
		trace_immortalize(ref);
		dref_debug_end(ref);
		dref_count_event(slot->class, DREF_IMMORTALIZED);
	}

	/* The object has references, or is immortal by now */
	if (!dref_change_state(slot, DREF_MODE_DYING,
			       slot->demoting ? DREF_MODE_DEMOTING :
						DREF_MODE_DEFERRED)) {
		dref_orphan(slot);
		return false;
	}
	dref_count_event(slot->class, DREF_RESURRECTED);
	trace_resurrect(ref, slot);
	slot->held_ns = ktime_get_ns();
	WRITE_ONCE(slot->idle_passes, 0);
	list_move_tail(&slot->node, &objects);
	return false;
}

/*
 * Note the duration of a pass, and set rest_ms to a hundred times that of the shorter one
 * of the last two passes.  The clock also runs while other tasks have the CPU, so the
 * shorter one is the better measure of what a pass takes.
 */
static void dref_pass_note_time(u64 ns)
{
	WRITE_ONCE(rest_ms, min(ns, pass.pass_ns_last) / (NSEC_PER_MSEC / 100));
	pass.pass_ns_last = ns;
	pass.pass_ns_max = max(pass.pass_ns_max, ns);
}

/* The second half of a pass, after the grace period */
static void dref_pass_end(struct dref_found *found)
{
	unsigned long dying = pass.dying, dead = found->dead;
	u64 start = ktime_get_ns();
	struct dref_slot *slot, *next;
	bool old;

	if (!list_empty(&candidates)) {
		pass.gp_ns_last = start - pass_gp_start;
		pass.gp_ns_max = max(pass.gp_ns_max, pass.gp_ns_last);
	}
	list_for_each_entry_safe(slot, next, &candidates, node) {
		old = slot->epoch <= found->epoch;
		if (dref_confirm(slot)) {
			found->dead++;
			found->old += old;
		}
		pass.dying--;
		cond_resched();
	}
	dref_pass_note_time(pass_begin_ns + ktime_get_ns() - start);
	pass.passes++;
	pass_in_flight = false;
	dref_pass_publish();
	trace_pass_end(&pass, dying, found->dead - dead);
}

/* Test whether there is anything at which a later pass must look */
static bool dref_pass_wanted(void)
{
	return !list_empty(&objects) || !list_empty(&orphans) ||
	       !list_empty_careful(&incoming);
}

/* Set the time of the next periodic pass, if one is needed */
static void dref_pass_arm(bool found)
{
	unsigned int least_ms = dref_pass_least_ms();

	if (!dref_pass_wanted()) {
		interval_ms = 0;
		cancel_delayed_work(&pass_work);
		/* A slot may have been attached just before that; litmus: pass-arm */
		if (!dref_pass_wanted())
			return;
	}
	if (found || READ_ONCE(kicked))
		interval_ms = least_ms;
	else
		interval_ms = clamp(interval_ms * 2, least_ms,
				    READ_ONCE(dref_pass_max_ms));
	queue_delayed_work(dref_wq, &pass_work, msecs_to_jiffies(interval_ms));
}

/* End a periodic pass; what it has found determines when the next one comes */
static void dref_pass_end_periodic(void)
{
	struct dref_found found = { };

	dref_pass_end(&found);
	dref_pass_arm(found.dead);
}

/* Begin a periodic pass, and end it if there is nothing to wait for */
static void dref_pass_work(struct work_struct *work)
{
	mutex_lock(&pass_mutex);
	if (!pass_in_flight) {	/* else the end of that pass sets the time of the next */
		dref_pass_begin(false);
		if (list_empty(&candidates))
			dref_pass_end_periodic();
		else
			queue_rcu_work(dref_wq, &pass_end_work);
	}
	mutex_unlock(&pass_mutex);
}

static void dref_pass_end_work(struct work_struct *work)
{
	mutex_lock(&pass_mutex);
	if (pass_in_flight) {
		/*
		 * dref_pass_expedited() may have ended the pass that queued this work.  Then
		 * another pass is in flight, whose grace period began later.
		 * (litmus: P-gp-G-slot, P-gp-c, dying-tryget)
		 */
		if (poll_state_synchronize_rcu(pass_cookie))
			dref_pass_end_periodic();
		else
			queue_rcu_work(dref_wq, &pass_end_work);
	}
	mutex_unlock(&pass_mutex);
}

/* End the pass under way, and run another one */
void dref_pass_expedited(struct dref_found *found)
{
	mutex_lock(&pass_mutex);
	/* litmus: P-gp-G-slot, P-gp-c, dying-tryget */
	if (pass_in_flight) {
		synchronize_rcu_expedited();
		dref_pass_end(found);
	}
	dref_pass_begin(true);
	if (!list_empty(&candidates))
		synchronize_rcu_expedited();
	pass.passes_expedited++;
	dref_pass_end(found);
	if (found->reconcile) {
		pass.released_last = found->dead;
		dref_pass_publish();
	}
	dref_pass_arm(found->dead);
	mutex_unlock(&pass_mutex);
}

/* Returns the epoch of the last pass that has begun */
unsigned long dref_pass_epoch(void)
{
	return READ_ONCE(pass.epoch);
}

static void dref_forget_list(struct list_head *list, const struct module *owner)
{
	struct dref_slot *slot, *next;

	list_for_each_entry_safe(slot, next, list, node) {
		if (slot->class->owner != owner)
			continue;
		list_del_init(&slot->node);
		dref_slot_hide(slot);
		if (list == &candidates)
			pass.dying--;
		cond_resched();
	}
}

/*
 * Forget the deferred objects of the classes of @owner, a module that is being unloaded.
 * Their memory may contain anything by now, so it is not accessed.  A task that still uses
 * such an object continues to increment its slot, which is therefore never given back.
 */
void dref_pass_forget(const struct module *owner)
{
	mutex_lock(&pass_mutex);
	spin_lock_irq(&incoming_lock);
	list_splice_tail_init(&incoming, &objects);
	spin_unlock_irq(&incoming_lock);
	dref_forget_list(&objects, owner);
	dref_forget_list(&candidates, owner);
	mutex_unlock(&pass_mutex);
}

static void dref_kick_irq(struct irq_work *work)
{
	unsigned long due = READ_ONCE(last_begin) +
			    msecs_to_jiffies(dref_pass_least_ms());
	long delay = due - jiffies;

	if (dref_slots_used())
		mod_delayed_work(dref_wq, &pass_work, max(delay, 0L));
}

/* Bring the next pass forward, as far as the schedule allows; any context */
void dref_pass_kick(void)
{
	WRITE_ONCE(kicked, true);
	dref_irq_work_queue(&kick_irq_work);
}

/**
 * dref_pass_stats - get the statistics of passes
 * @stats: filled with the numbers as they were when a pass last ended one of its halves
 *
 * For debugfs and dref_scale.ko.  Does not wait for a pass.
 *
 * Context: task.
 */
void dref_pass_stats(struct dref_pass_stats *stats)
{
	spin_lock(&published_lock);
	*stats = published;
	spin_unlock(&published_lock);
}
EXPORT_SYMBOL_GPL(dref_pass_stats);	/* for dref_scale.ko */

/*
 * The shrinker, for memory pressure.  Only a pass can tell how many deferred objects have
 * no references.  So dref_shrink_count() returns the number of all slots, and
 * dref_shrink_scan() frees the spare chunk and brings the next pass forward.
 */
static unsigned long dref_shrink_count(struct shrinker *shrinker,
				       struct shrink_control *sc)
{
	return dref_slots_total();
}

static unsigned long dref_shrink_scan(struct shrinker *shrinker,
				      struct shrink_control *sc)
{
	dref_slots_trim();
	dref_pass_kick();
	return SHRINK_STOP;
}

int dref_reconcile_init(void)
{
	int err;

	dref_shrinker = dref_shrinker_alloc();
	if (!dref_shrinker)
		return -ENOMEM;
	dref_shrinker->count_objects = dref_shrink_count;
	dref_shrinker->scan_objects = dref_shrink_scan;
	dref_shrinker->seeks = DEFAULT_SEEKS;
	err = dref_shrinker_register(dref_shrinker);
	if (err)
		kfree(dref_shrinker);
	return err;
}

/*
 * Stop the passes.  No class is registered any more, so the slots in use are orphans, or
 * were forgotten by dref_pass_forget().
 */
void dref_reconcile_exit(void)
{
	dref_shrinker_free(dref_shrinker);
	irq_work_sync(&kick_irq_work);
	cancel_delayed_work_sync(&pass_work);
	while (flush_rcu_work(&pass_end_work))
		;				/* the work may have queued itself again */
	cancel_delayed_work_sync(&pass_work);	/* or may have armed the timer */
	dref_tasks_gp_exit();
}
