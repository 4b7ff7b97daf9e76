// SPDX-License-Identifier: GPL-2.0
/*
 * Reconcile passes: finding zero in sums that nobody keeps.
 *
 * A pass, also called an epoch, walks all objects that have a slot, waits for
 * one grace period which all of them share, and looks again at those that
 * seemed to have no references.  For one object, true being the number of
 * references that exist:
 *
 *	begin	P = sum of puts, over all possible CPUs
 *		if P < gets + count: it lives, next object
 *		mode = dying: gets, puts and trygets go to count from now on
 *
 *		-- grace period: every tryget that saw "deferred" is counted --
 *
 *	end	c = count				moment t
 *		full barrier
 *		G = sum of gets
 *		if P == G + c (less bias):
 *			true(t) = c + gets(t) - puts(t) <= c + G - P = 0
 *		if count is still c: count = dead, and nobody else can have it
 *		else: somebody got in, mode = deferred again
 *
 * The order puts, count, gets is what makes it sound (it is SRCU's argument):
 * the counters only grow, P was read before t and G after it, so the sum errs
 * on the side of life.  The grace period between P and G is load-bearing on
 * weakly ordered CPUs even where no tryget is used: a get on one CPU and, after
 * a hand-over, its put on another can be seen in the wrong order across a full
 * barrier, but not across a grace period, because each increment is one
 * unpreemptible instruction and so a tiny RCU read-side section.
 *
 * A task that was preempted between its load of "deferred" and its increment
 * holds a reference until it has incremented, so while it is away true is not
 * zero, and the second look says so.  CPUs that are off line keep their sums.
 *
 * The passes run when they are needed.  With no slot in use there is no timer
 * and no work.  With some, the interval doubles from pass_min_ms to pass_max_ms
 * while nothing is found, and starts again when something is; dref_kill() and
 * memory pressure bring the next pass forward.  Whatever is found and asked for,
 * the interval is a hundred times as long as the last passes took, so that passes
 * take a hundredth of a CPU, unless that were more than pass_max_ms.  A periodic
 * pass blocks nobody while it waits: its second half is queued as RCU work.  Who
 * calls dref_reconcile() does not wait for that, but finishes the pass under way
 * with an expedited grace period and then runs his own.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <trace/events/dref.h>

#include "compat.h"
#include "internal.h"

/* Protected by dref_pass_mutex */
static LIST_HEAD(objects);	/* slots with an object */
static LIST_HEAD(candidates);	/* their objects are dying in this pass */
static LIST_HEAD(orphans);	/* of immortal objects: to be given back */
static struct dref_pass_stats pass;	/* as seen from outside: published */
static bool pass_in_flight;	/* between begin and end */
static unsigned long pass_cookie; /* the grace period that it waits for */
static u64 pass_gp_start;
static u64 pass_start;		/* time of begin */
static u64 pass_begin_ns;	/* and how long it took */
static unsigned int interval_ms;
static unsigned long rest_ms;	/* a hundred times what the last passes took */

/* So that who wants to know does not wait for a pass, which waits for RCU */
static DEFINE_SPINLOCK(published_lock);
static struct dref_pass_stats published;

/* Slots attached since the last pass began */
static DEFINE_SPINLOCK(incoming_lock);
static LIST_HEAD(incoming);

static bool kicked;		/* somebody wants the next pass soon */
static unsigned long last_begin;	/* jiffies */

static void dref_pass_work(struct work_struct *work);
static void dref_pass_end_work(struct work_struct *work);
static void dref_kick_irq(struct irq_work *work);

static DECLARE_DELAYED_WORK(pass_work, dref_pass_work);
static struct rcu_work pass_end_work;
static struct irq_work kick_irq_work = IRQ_WORK_INIT_HARD(dref_kick_irq);
static struct shrinker *dref_shrinker;

/* The shortest interval now; any context */
static unsigned int dref_pass_least_ms(void)
{
	unsigned long least = max_t(unsigned long, READ_ONCE(rest_ms),
				    READ_ONCE(dref_pass_min_ms));

	return min_t(unsigned long, least, READ_ONCE(dref_pass_max_ms));
}

/* A slot has been attached to an object; the caller holds a reference */
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

/* The sum as seen by this pass, whose P is in @slot */
static long dref_pass_sum(const struct dref_slot *slot, long count, unsigned long gets)
{
	unsigned long puts = slot->puts;

	if (dref_broken(GETS_BEFORE_PUTS)) {	/* an old G, and P only now */
		gets = slot->gets;
		puts = dref_slot_puts(slot);
	}
	return count + 1 - DREF_BIAS + (long)(gets - puts);
}

/* The object is nothing of ours any more: its memory may go, the slot must wait */
static void dref_orphan(struct dref_slot *slot)
{
	dref_slot_hide(slot);
	dref_class_unpin(slot->class);
	/* litmus: immortal-reuse */
	slot->tasks_gp = dref_tasks_gp_next();
	list_move(&slot->node, &orphans);
}

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
 * If the object is in state @from, and not immortal, keep of its mode what is
 * in @keep and add @to.  DREF_MODE_KILLED may come in meanwhile, and immortality.
 */
static bool dref_change_mode(struct dref *ref, unsigned long from,
			     unsigned long keep, unsigned long to)
{
	unsigned long mode = READ_ONCE(ref->mode);

	do {
		if (mode & DREF_MODE_IMMORTAL || (mode & DREF_MODE_STATE) != from)
			return false;
	} while (!try_cmpxchg(&ref->mode, &mode, (mode & keep) | to));
	return true;
}

/* A change of state that leaves the slot where it is */
static bool dref_change_state(const struct dref_slot *slot, unsigned long from,
			      unsigned long to)
{
	return dref_change_mode(slot->ref, from, ~DREF_MODE_STATE, to);
}

/* The slot is not the object's any more, and nobody can increment it */
static void dref_detach_slot(struct dref_slot *slot)
{
	dref_class_unpin(slot->class);
	list_del(&slot->node);
	dref_slot_clear(slot);
	dref_slot_put(slot);
}

/*
 * The last step of demotion: every increment that was on its way when the
 * object was put into "demoting" has been made, and the slot stands still.
 * While count is biased no put can see zero, so the object is ours until the
 * bias has gone; then it is anybody's, unless we took the last reference with it.
 * (litmus: demote-fold, demote-reuse, demote-release)
 */
static void dref_fold(struct dref_slot *slot)
{
	unsigned long net = dref_slot_gets(slot) - dref_slot_puts(slot);
	struct dref *ref = slot->ref;
	bool folded, zero = false;

	dref_track_adopt(ref);		/* while it is ours, and can be seen */
	dref_slot_hide(slot);
	spin_lock_irq(&dref_bias_lock);
	/* litmus: demote-cancel */
	folded = dref_change_mode(ref, DREF_MODE_DEMOTING, DREF_MODE_KILLED,
				  dref_home_mode(slot->class));
	if (folded)
		zero = atomic_long_add_negative(net - DREF_BIAS, &ref->count);
	spin_unlock_irq(&dref_bias_lock);
	if (!folded) {
		dref_track_forget(ref);
		dref_slot_show(slot, ref);	/* and it is ours all the same */
		return;
	}

	dref_count_event(slot->class, DREF_DEMOTIONS);
	trace_demote(ref, slot);
	dref_detach_slot(slot);
	if (zero)
		dref_count_zero(ref, _THIS_IP_);
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

/* Begin of one object's pass; @periodic: it also ages */
static void dref_examine(struct dref_slot *slot, bool periodic)
{
	struct dref *ref = slot->ref;
	unsigned long mode, state, activity;
	long count, sum;

	mode = READ_ONCE(ref->mode);
	if (mode & DREF_MODE_IMMORTAL) {
		dref_orphan(slot);
		return;
	}
	state = mode & DREF_MODE_STATE;
	if (state == DREF_MODE_DEFERRED && slot->demoting) {
		slot->demoting = false;		/* cancelled */
		WRITE_ONCE(slot->idle_passes, 0);
	}

	/* P, before the grace period; litmus: P-gp-G-slot, P-gp-c */
	dref_slot_sum(slot, pass.epoch);
	count = atomic_long_read(&ref->count);
	sum = dref_pass_sum(slot, count, slot->gets);
	/*
	 * Below zero may still be an illusion: no grace period has passed since
	 * puts were read, so a get may have been missed.
	 */
	if (sum <= dref_broken(EARLY_RELEASE)) {
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
	/* gets, and puts twice, and count twice: no operation leaves it alone */
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
	 * The walk's P and its changes of mode come before the grace period.
	 * (litmus: P-gp-G-slot, P-gp-c, dying-tryget)
	 */
	pass_cookie = get_state_synchronize_rcu();
	pass_in_flight = true;
	dref_pass_publish();
}

/*
 * Death, unless somebody has changed @count: then he has a reference.  What is
 * left in count says when the object was last seen held (dref_count_latency()).
 */
static bool dref_declare_dead(struct dref *ref, long count, u64 held_ns)
{
	long dead = DREF_COUNT_DEAD + held_ns / NSEC_PER_USEC;

	if (dref_broken(NO_CMPXCHG)) {
		udelay(9);	/* or it would take luck to be seen */
		atomic_long_set(&ref->count, dead);
		return true;
	}
	/* litmus: dead-tryget, immortal-death */
	return atomic_long_try_cmpxchg(&ref->count, &count, dead);
}

/*
 * One object after the grace period.  Returns true if it is dead; @slot is then
 * free and the object on its way to release().
 */
static bool dref_confirm(struct dref_slot *slot)
{
	struct dref *ref = slot->ref;
	long count, sum;

	count = atomic_long_read(&ref->count);
	/*
	 * G is read after count; P was read before the grace period.  Pairs
	 * with the full barrier in exact puts: a put that is in this count was
	 * preceded by its get, which G then sees.  (litmus: c-mb-G)
	 */
	smp_mb();
	sum = dref_pass_sum(slot, count, dref_slot_gets(slot));
	if (dref_broken(MISSED_RESURRECT))
		sum = 0;

	if (sum < 0) {
		dref_saturate(ref, DREF_UNDERFLOW, "sum below zero", _THIS_IP_);
	} else if (sum <= dref_broken(EARLY_RELEASE) &&
		   dref_declare_dead(ref, count, slot->held_ns)) {
		/*
		 * Nobody has a reference, nobody can get one, and what holders
		 * did is seen, be their puts in the slot or in count.
		 * (litmus: put-release-deferred, put-release-dying)
		 */
		if (dref_change_mode(ref, DREF_MODE_DYING, DREF_MODE_KILLED,
				     DREF_MODE_DYING)) {
			trace_dead(ref, slot);
			/* Mode, then the slot; litmus: chunk-free */
			dref_detach_slot(slot);
			if (!dref_delay_release(ref))
				dref_release(ref);
			return true;
		}
		/* but somebody without one made it immortal: so be it */
		trace_immortalize(ref);
		dref_count_event(slot->class, DREF_IMMORTALIZED);
	}

	/* A live object, if it is not immortal by now */
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

/* By the clock: of two passes, the shorter one had the CPU more for itself */
static void dref_pass_note_time(u64 ns)
{
	WRITE_ONCE(rest_ms, min(ns, pass.pass_ns_last) / (NSEC_PER_MSEC / 100));
	pass.pass_ns_last = ns;
	pass.pass_ns_max = max(pass.pass_ns_max, ns);
}

/* The second half, after the grace period */
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

/* Is there anything that later passes must look at? */
static bool dref_pass_wanted(void)
{
	return !list_empty(&objects) || !list_empty(&orphans) ||
	       !list_empty_careful(&incoming);
}

/* Set the time of the next periodic pass, or none */
static void dref_pass_arm(bool found)
{
	unsigned int least_ms = dref_pass_least_ms();

	if (!dref_pass_wanted()) {
		interval_ms = 0;
		cancel_delayed_work(&pass_work);
		/* a slot may have been attached just before that; litmus: pass-arm */
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

/* The end of a periodic pass, whose findings set the time of the next one */
static void dref_pass_end_periodic(void)
{
	struct dref_found found = { };

	dref_pass_end(&found);
	dref_pass_arm(found.dead);
}

/* A periodic pass: its first half, and the second if there is nothing to wait for */
static void dref_pass_work(struct work_struct *work)
{
	dref_mutex_lock(&dref_pass_mutex);
	if (!pass_in_flight) {	/* else its end will set the next time */
		dref_pass_begin(false);
		if (list_empty(&candidates) || dref_broken(SKIP_GRACE_PERIOD))
			dref_pass_end_periodic();
		else
			queue_rcu_work(dref_wq, &pass_end_work);
	}
	dref_mutex_unlock(&dref_pass_mutex);
}

static void dref_pass_end_work(struct work_struct *work)
{
	dref_mutex_lock(&dref_pass_mutex);
	if (pass_in_flight) {
		/*
		 * This may be the grace period of an earlier pass which
		 * somebody could not wait to finish: then it is not enough.
		 * (litmus: P-gp-G-slot, P-gp-c, dying-tryget)
		 */
		if (poll_state_synchronize_rcu(pass_cookie))
			dref_pass_end_periodic();
		else
			queue_rcu_work(dref_wq, &pass_end_work);
	}
	dref_mutex_unlock(&dref_pass_mutex);
}

/* Finish the pass under way, and run another */
void dref_pass_expedited(struct dref_found *found)
{
	dref_mutex_lock(&dref_pass_mutex);
	/* litmus: P-gp-G-slot, P-gp-c, dying-tryget */
	if (pass_in_flight) {
		synchronize_rcu_expedited();
		dref_pass_end(found);
	}
	dref_pass_begin(true);
	if (!list_empty(&candidates) && !dref_broken(SKIP_GRACE_PERIOD))
		synchronize_rcu_expedited();
	pass.passes_expedited++;
	dref_pass_end(found);
	if (found->reconcile) {
		pass.released_last = found->dead;
		dref_pass_publish();
	}
	dref_pass_arm(found->dead);
	dref_mutex_unlock(&dref_pass_mutex);
}

/* The epoch of the last pass that has begun */
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
 * A module goes, and has left deferred objects of its classes behind.  They may be
 * anywhere by now, so they are not looked at.  If somebody still holds one, he goes on
 * counting in its slot: nobody else can have that any more.
 */
void dref_pass_forget(const struct module *owner)
{
	dref_mutex_lock(&dref_pass_mutex);
	spin_lock_irq(&incoming_lock);
	list_splice_tail_init(&incoming, &objects);
	spin_unlock_irq(&incoming_lock);
	dref_forget_list(&objects, owner);
	dref_forget_list(&candidates, owner);
	dref_mutex_unlock(&dref_pass_mutex);
}

static void dref_kick_irq(struct irq_work *work)
{
	unsigned long due = READ_ONCE(last_begin) +
			    msecs_to_jiffies(dref_pass_least_ms());
	long delay = due - jiffies;

	if (dref_slots_used())
		mod_delayed_work(dref_wq, &pass_work, max(delay, 0L));
}

/* Have the next pass as soon as it may be; any context */
void dref_pass_kick(void)
{
	WRITE_ONCE(kicked, true);
	irq_work_queue(&kick_irq_work);
}

/**
 * dref_pass_stats - what is known of passes
 * @stats: out: as of the last half of a pass
 *
 * For debugfs and for dref_scale.ko.  Does not wait for a pass.
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
 * Memory pressure.  Nobody knows how many of the deferred objects have no
 * references, so this only sees to it that a pass finds out soon.
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

	INIT_RCU_WORK(&pass_end_work, dref_pass_end_work);
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

/* No class is registered any more: what is left is slots of immortal objects */
void dref_reconcile_exit(void)
{
	dref_shrinker_free(dref_shrinker);
	irq_work_sync(&kick_irq_work);
	cancel_delayed_work_sync(&pass_work);
	while (flush_rcu_work(&pass_end_work))
		;				/* the end may have put itself off */
	cancel_delayed_work_sync(&pass_work);	/* or have set a time */
	dref_tasks_gp_exit();
}
