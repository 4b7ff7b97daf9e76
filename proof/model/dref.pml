// SPDX-License-Identifier: GPL-2.0
/*
 * A model of the life cycle of one object.  spin explores every interleaving of
 * these processes:
 *
 *	user	  three of them: get, put, hand-over, tryget, kill, immortalize, exit
 *	worker	  takes the object from the promotion queue and promotes it
 *	deferrer  holds a reference, calls dref_defer(), and drops the reference
 *	pass	  begin, grace period, end; demotes and folds
 *	reclaim	  frees the object one grace period after release(), or uses its memory
 *		  for the next object
 *
 * Memory is sequentially consistent in this model; the litmus tests in ../litmus
 * cover weaker memory ordering.  Each step accesses shared memory once.  Between
 * two steps a task can be preempted for any length of time and continue on any
 * CPU; an increment therefore chooses its CPU at the moment it is made.
 *
 * Assertions state what must hold: an object is never released while it has a
 * reference, never released twice, and never released when it is immortal; a slot
 * is never incremented after it has been detached from the object; the object is
 * never accessed after it has been freed; there is no false "get from zero", "put
 * below zero" or "sum below zero"; and a killed object stays killed.  The formula
 * "ends" states, under weak fairness, that an object whose holders drop all their
 * references is eventually released or immortal.
 *
 * Bounded operations have a budget (OPS, KILLS, ...) that all users share: each
 * operation takes one from it, whichever user performs it.  Puts have no budget,
 * so every user can always drop its references, and passes run forever.
 *
 * -DMUTATION_x breaks one line.  The names are those of module/broken/broken.h where
 * it has the same fault; the script "run" lists all of them.
 */

/* ---- parameters of a configuration ---- */

#define USERS	3
#define CPUS	3
#define HELD	1		/* references that each user holds at the start */
#ifndef START
#define START	EXACT		/* or DEFERRED */
#endif
#ifndef OPS			/* gets and hand-overs */
#define OPS	0
#endif
#ifndef TRYGETS
#define TRYGETS	0
#endif
#ifndef KILLS
#define KILLS	0
#endif
#ifndef IMMORTALS
#define IMMORTALS 0
#endif
#ifndef DEMOTIONS
#define DEMOTIONS 0
#endif
#ifndef HEATS			/* promotions through the queue */
#define HEATS	0
#endif
#ifndef MISLED			/* first looks of a pass that wrongly see zero */
#define MISLED	0
#endif
#ifndef DEFERRERS		/* calls of dref_defer() by a holder */
#define DEFERRERS 0
#endif
#ifndef EXITS			/* calls of dref_exit() by a holder */
#define EXITS	0
#endif
#ifndef REUSE			/* 1: another object follows in the same memory */
#define REUSE	0
#endif

/* ---- the object ---- */

/* The state and the tags of the mode word, see dref.h */
#define DEFERRED	0
#define EXACT		1
#define DEMOTING	2
#define DYING		3
#define STATE		3
#define KILLED		4
#define IMMORTAL	8

/* count holds the number of references minus one, see internal.h */
#ifdef MUTATION_NO_BIAS
#define BIAS		0
#else
#define BIAS		32
#endif
#define DEAD		(-96)
#define COUNT_IMMORTAL	(32 + 16)

byte mode = START;
short count = USERS * HELD + DEFERRERS - 1 + (START == DEFERRED -> BIAS : 0);
bool linked;			/* link is claimed for the promotion queue */
bool queued;			/* the object is in the promotion queue */

/* The slot of the object, if it has one */
byte gets[CPUS], puts[CPUS];
bool attached = (START == DEFERRED);	/* the slot belongs to the object */
bool listed = (START == DEFERRED);	/* the passes have the slot on their list */
byte generation;		/* number of slots that the object has had */
bool bias_lock;

/* ---- the rest of the kernel ---- */

#define ME		(1 << _pid)

/* Sets of processes, with one bit (ME) for each process */
byte rcu;			/* in an RCU read-side section */
byte pass_gp, reclaim_gp;	/* still to be waited for by each of these grace periods */
byte window;			/* no voluntary switch since the load of mode */
byte tasks_gp;			/* still to be waited for by Tasks RCU */

/* ---- the true number of references, independent of the counters ---- */

byte held[USERS] = HELD;	/* by each user */
byte queue_holds;		/* by the promotion queue and its worker */
byte deferrers_hold = DEFERRERS;
bool released, published = true, freed;
bool made_immortal;		/* dref_immortalize() by a holder */
bool killed;

byte ops = OPS, trygets = TRYGETS, kills = KILLS, immortals = IMMORTALS,
     demotions = DEMOTIONS, heats = HEATS, misled = MISLED;
#if EXITS
byte exits = EXITS;
#endif

#define nobody_holds	(held[0] + held[1] + held[2] + queue_holds + deferrers_hold == 0)

ltl ends { <> (released || mode & IMMORTAL) }

/* ---- accesses ---- */

inline load_mode()
{
	assert(!freed);
	m = mode;
	g = generation
}

inline touch_slot()
{
	assert(attached && g == generation && !freed);
	if
	:: cpu = 0
	:: cpu = 1
	:: cpu = 2
	fi
}

/* dref_change_mode(): compare and exchange of the state; sets ok on success */
inline change_state(from, to)
{
	assert(!freed);
	if
	:: !(mode & IMMORTAL) && (mode & STATE) == from ->
		mode = (mode & KILLED) | to;
		ok = true
	:: else ->
		ok = false
	fi
}

/* The object may wait in a list of dead objects first, for which its link must be free */
inline release()
{
	assert(!released);
	assert(!linked);
	assert(nobody_holds);
	assert(!made_immortal);
	assert(!killed || mode & KILLED);
	released = true;
	published = false
}

/*
 * dref_count_zero(): a put has brought count below zero.  dref_put_last() has no
 * counterpart here: its single step equals a put that is directly followed by this,
 * which is one of the interleavings.
 */
inline count_zero()
{
	if
	:: atomic { mode & IMMORTAL -> skip }
	:: atomic { else ->
		assert(count == -1);
		assert((mode & STATE) == EXACT);
		count = DEAD;
		release()
	   }
	fi
}

/* dref_cancel_demotion(): a holder has found m, demoting; mode must be unchanged */
inline cancel_demotion()
{
	atomic {
		assert(!freed);
		if
		:: mode == m -> mode = m & ~STATE
		:: else
		fi
	}
}

/* dref_note_use(): a holder has found m */
inline used()
{
	if
	:: (m & STATE) == DEMOTING ->
		cancel_demotion()
	:: (m & STATE) == EXACT && !(m & KILLED) && heats > 0 ->
		/* dref_measure(): the object may be hot */
		atomic {
			assert(!freed);
			if
			:: !linked && heats > 0 -> heats--; linked = true; ok = true
			:: ok = false
			fi
		}
		if
		:: ok ->
#ifndef MUTATION_QUEUE_REFERENCE
			atomic { count++; queue_holds++ }
#endif
			queued = true;
			ok = false
		:: else
		fi
	:: else
	fi
}

/* dref_promote(): add the bias and attach a slot */
inline promote()
{
	atomic { load_mode() }
	if
	:: !(m & IMMORTAL) && (m & STATE) == DEMOTING ->
		cancel_demotion()
	:: !(m & IMMORTAL) && (m & STATE) == EXACT ->
		atomic { !bias_lock -> bias_lock = true }
		atomic { load_mode(); if
			:: !(m & IMMORTAL) && (m & STATE) == EXACT -> count = count + BIAS
			:: else
			fi }
		if
		:: !(m & IMMORTAL) && (m & STATE) == EXACT ->
			/* try_cmpxchg_release(), repeated if killed meanwhile */
			atomic {
				change_state(EXACT, DEFERRED);
				if
				:: ok ->
#ifdef MUTATION_LOST_KILL
					mode = DEFERRED;
#endif
					/* a zeroed slot that is not in use */
					gets[0] = 0; gets[1] = 0; gets[2] = 0;
					puts[0] = 0; puts[1] = 0; puts[2] = 0;
					generation++;
					attached = true
				:: else
				fi
			}
		:: else -> ok = false
		fi;
		bias_lock = false;
		if
		:: ok -> listed = true; ok = false	/* dref_pass_add() */
		:: else
		fi
	:: else
	fi
}

/* ---- users ---- */

/* From the load of mode until the next point where the task may switch voluntarily */
inline window_open()
{
	window = window | ME;
	load_mode()
}

inline window_close()
{
	window = window & ~ME;
	tasks_gp = tasks_gp & ~ME;
	m = 0;
	g = 0;
	cpu = 0
}

/* The number of references of the holder changes in the same step as the counter */
inline get(holder)
{
	atomic { window_open() }
	if
	:: m & IMMORTAL ->
		atomic { holder++; window_close() }
	:: (m & (STATE | IMMORTAL)) == DEFERRED ->
		atomic { touch_slot(); gets[cpu]++; holder++; window_close() }
	:: else ->
		atomic {
			assert(!freed && (count >= 0));
			count++;
			holder++
		}
		used();
		atomic { window_close() }
	fi
}

inline put(holder)
{
	atomic { window_open() }
	if
	:: m & IMMORTAL ->
		atomic { holder--; window_close() }
	:: (m & (STATE | IMMORTAL)) == DEFERRED ->
		atomic { touch_slot(); puts[cpu]++; holder--; window_close() }
	:: else ->
		used();
		atomic {
			assert(!freed);
#ifdef MUTATION_LOST_PUT
			if
			:: (m & STATE) != DYING -> count--
			:: else
			fi;
#else
			count--;
#endif
			holder--;
			window_close();
			ok = count < 0
		}
		if
		:: ok ->
			ok = false;
			count_zero()
		:: else
		fi
	fi
}

inline rcu_lock()
{
	rcu = rcu | ME
}

inline rcu_unlock()
{
	rcu = rcu & ~ME;
	pass_gp = pass_gp & ~ME;
	reclaim_gp = reclaim_gp & ~ME
}

/* The caller has looked up the object inside rcu_read_lock() */
inline tryget(holder)
{
	atomic { window_open() }
	if
	:: m & IMMORTAL ->
		atomic { holder++; window_close() }
	:: (m & (STATE | IMMORTAL)) == DEFERRED ->
		atomic { touch_slot(); gets[cpu]++; holder++; window_close() }
	:: else ->
		atomic {
			assert(!freed);
			if
			:: count >= 0 -> count++; holder++; ok = true
			:: else -> ok = false
			fi
		}
		if
		:: ok -> ok = false; used()
		:: else
		fi;
		atomic { window_close() }
	fi
}

/*
 * dref_exit(): if there is no other reference, the object ends without release(), and
 * the caller frees it at once.  Otherwise the object becomes immortal.
 */
inline exit(holder)
{
	atomic {
		assert(!freed);
		if
#ifdef MUTATION_BLIND_EXIT
		:: true ->
#else
		:: count == 0 ->
#endif
			count = DEAD;
			holder--;
			assert(nobody_holds && !attached && !linked);
			released = true;
			freed = true
		:: else -> ok = true
		fi
	}
	if
	:: ok ->
		atomic {
			assert(!freed);
			if
			:: mode & IMMORTAL -> ok = false
			:: else -> made_immortal = true; mode = IMMORTAL | (mode & KILLED)
			fi
		}
		if
		:: ok -> count = COUNT_IMMORTAL; ok = false
		:: else
		fi
	:: else
	fi
}

active [USERS] proctype user()
{
	byte m, g, cpu;
	bool ok;

end:	do
	:: atomic { held[_pid] > 0 && ops > 0 -> ops-- }
		get(held[_pid])
	:: held[_pid] > 0 ->
		put(held[_pid])
	:: atomic { held[_pid] > 0 && ops > 0 -> ops--; held[_pid]--;
		held[(_pid + 1) % USERS]++ }
	:: atomic { held[_pid] > 0 && ops > 0 -> ops--; held[_pid]--;
		held[(_pid + 2) % USERS]++ }
#if TRYGETS
	:: atomic { published && trygets > 0 -> trygets--;
rcu_lock() }
		tryget(held[_pid]);
		atomic { rcu_unlock() }
#endif
#if KILLS
	:: atomic { held[_pid] > 0 && kills > 0 && !(mode & IMMORTAL) ->
		kills--; assert(!freed); killed = true; mode = mode | KILLED }
		put(held[_pid])
#endif
#if IMMORTALS
	:: atomic { held[_pid] > 0 && immortals > 0 && !(mode & IMMORTAL) ->
		immortals--; assert(!freed); made_immortal = true;
		mode = IMMORTAL | (mode & KILLED) }
		count = COUNT_IMMORTAL
#endif
#if EXITS
	:: atomic { held[_pid] > 0 && exits > 0 && !(mode & IMMORTAL) -> exits-- }
		exit(held[_pid])
#endif
	od
}

#if HEATS
active proctype worker()
{
	byte m, g, cpu;
	bool ok;

end:	do
	:: queued ->
		atomic { queued = false; assert(!freed); linked = false }
		if
		:: count != 0 -> promote()
		:: else			/* the queue has the only reference */
		fi;
#ifndef MUTATION_QUEUE_REFERENCE
		put(queue_holds)
#endif
	od
}
#endif

#if DEFERRERS
active [DEFERRERS] proctype deferrer()
{
	byte m, g, cpu;
	bool ok;

	promote();
	put(deferrers_hold)
}
#endif

/* ---- passes ---- */

/* Tasks RCU grace periods are numbered, see tasks_gp.c */
inline tasks_gp_next()
{
#ifdef MUTATION_STAMP_EARLY
	slot_gp = started;
#else
	slot_gp = started + 1;
#endif
	wanted = started + 1
}

inline tasks_gp_advance()
{
	if
	:: done != started && tasks_gp == 0 -> done = started
	:: true				/* a grace period may take minutes */
	fi;
	if
	:: done == started && wanted != started ->
		started = wanted;
		tasks_gp = window
	:: else
	fi
}

#ifdef MUTATION_FREE_SLOT_EARLY
#define tasks_gp_done	true
#else
#define tasks_gp_done	(slot_gp <= done)
#endif

inline detach()
{
	attached = false;
	listed = false
}

#ifdef MUTATION_GETS_BEFORE_PUTS
#define FIRST	gets
#define SECOND	puts
#define SUM	(c + 1 - BIAS + p - n)
#else
#define FIRST	puts
#define SECOND	gets
#define SUM	(c + 1 - BIAS + n - p)
#endif

#ifdef MUTATION_EARLY_RELEASE
#define NONE	1
#else
#define NONE	0
#endif

/* The slot of an immortal object is detached after a Tasks RCU grace period */
inline orphan()
{
	atomic { tasks_gp_next() }
	do
	:: tasks_gp_done -> break
	:: else -> atomic { tasks_gp_advance() }
	od;
	atomic { detach() }
}

inline fold()
{
	/* the counters no longer change, so one step may read all of them */
	n = gets[0] + gets[1] + gets[2] - puts[0] - puts[1] - puts[2];
	atomic { !bias_lock -> bias_lock = true }
	atomic { change_state(DEMOTING, EXACT) }
	if
	:: ok ->
		atomic {
			count = count + n - BIAS;
			detach();
			demoting = false;
			bias_lock = false;
			ok = count < 0
		}
		if
		:: ok -> count_zero()
		:: else
		fi
	:: else -> bias_lock = false
	fi
}

inline examine()
{
	/* P, before the grace period of this pass */
	p = FIRST[0];
	p = p + FIRST[1];
	p = p + FIRST[2];
	/*
	 * The first look only saves work, so the model takes it in one step.  It may be
	 * wrong: on a weakly ordered CPU it may miss a get, as no grace period has
	 * passed since the puts were summed.
	 */
	atomic {
		c = count;
		n = SECOND[0] + SECOND[1] + SECOND[2];
		if
		:: SUM <= NONE -> ok = true
		:: SUM > NONE && misled > 0 -> misled--; ok = true
		:: SUM > NONE -> ok = false
		fi
	}
	if
	:: ok ->
#ifdef MUTATION_DEMOTING_IGNORED
		if
		:: (m & STATE) == DEMOTING -> ok = false
		:: else -> atomic { change_state((m & STATE), DYING) }
		fi
#else
		atomic { change_state((m & STATE), DYING) }
#endif
	:: else ->
		ok = false;
		if
		:: (m & STATE) == DEMOTING && tasks_gp_done ->
			fold();
			ok = false
		:: (m & STATE) == DEFERRED && demotions > 0 ->
			/* the object may have been idle for long enough */
			atomic {
				change_state(DEFERRED, DEMOTING);
				if
				:: ok -> demotions--; demoting = true; tasks_gp_next()
				:: else
				fi;
				ok = false
			}
		:: true
		fi
	fi
}

inline confirm()
{
	c = count;			/* moment t */
	n = SECOND[0];
	n = n + SECOND[1];
	n = n + SECOND[2];
#ifndef MUTATION_MISSED_RESURRECT
	assert(SUM >= 0 || mode & IMMORTAL);
#endif
	if
#ifdef MUTATION_MISSED_RESURRECT
	:: true ->
#else
	:: SUM <= NONE ->
#endif
#ifdef MUTATION_NO_CMPXCHG
		atomic { count = DEAD; ok = true }
#else
		atomic { if
			:: count == c -> count = DEAD; ok = true
			:: else -> ok = false
			fi }
#endif
	:: else -> ok = false
	fi;
	if
	:: ok ->
		/* no holder is left that could have made it immortal */
		atomic {
			assert(!(mode & IMMORTAL));
			detach();
			release();
			ok = false
		}
	:: else ->
#ifdef MUTATION_RESURRECT_FORGOTTEN
		listed = false
#else
		atomic {
			if
			:: demoting -> change_state(DYING, DEMOTING)
			:: else -> change_state(DYING, DEFERRED)
			fi;
			ok = false
		}
#endif
	fi
}

active proctype pass()
{
	byte m, started, done, wanted, slot_gp;
	short p, n, c;
	bool ok, demoting;

end:	do
	:: listed ->
		atomic { tasks_gp_advance() }
		atomic { m = mode; assert(m & IMMORTAL || (m & STATE) != EXACT) }
		if
		:: m & IMMORTAL ->
			orphan()
		:: else ->
#ifndef MUTATION_CANCEL_MISSED
			if
			:: (m & STATE) == DEFERRED -> demoting = false
			:: else
			fi;
#endif
			examine();
			atomic { tasks_gp_advance() }
			if
			:: ok ->
#ifndef MUTATION_SKIP_GRACE_PERIOD
				pass_gp = rcu;
				pass_gp == 0;
#endif
				confirm()
			:: else
			fi
		fi;
		atomic { m = 0; p = 0; n = 0; c = 0 }
	od
}

active proctype reclaim()
{
#if REUSE
	/*
	 * SLAB_TYPESAFE_BY_RCU: the first user calls dref_init() for the next object,
	 * while trygets of the last one may be under way.
	 */
end_0:	released;
#ifdef MUTATION_INIT_COUNT_FIRST
	count = 0;
	atomic { mode = EXACT; held[0]++; released = false; published = true };
#else
	mode = EXACT;
	atomic { count = 0; held[0]++; released = false; published = true };
#endif
#endif
end:	released;
#ifndef MUTATION_SKIP_RCU
	reclaim_gp = rcu;
	reclaim_gp == 0;
#endif
	freed = true
}
