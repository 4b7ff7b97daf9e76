/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the core calls in module/inspect, which a build may leave out.
 *
 * Without CONFIG_DREF_TRACKING, holders are not recorded.  Without
 * CONFIG_DREF_DEBUGFS, which tracking needs, dref has no files in debugfs.
 * Functions that are left out are empty here, and generate no code.  No structure
 * that a client sees depends on these two options.  debugobjects.c and lockdep.c are built
 * where the kernel has these facilities.
 */
#ifndef DREF_HOOKS_H
#define DREF_HOOKS_H

#include <linux/dref.h>
#include <linux/compiler.h>

void dref_class_open(struct dref_class *class);	/* class.c */

/* ---- inspect/track.c: records the holders of the objects of tracked classes ---- */

#ifdef CONFIG_DREF_TRACKING

extern bool dref_tracking;

/* Test whether any class is tracked */
static __always_inline bool dref_tracking_on(void)
{
	return unlikely(READ_ONCE(dref_tracking));
}

unsigned long __dref_track_mode(struct dref *ref, unsigned long mode);
bool __dref_is_tracked(const struct dref *ref);
void __dref_track_init(struct dref *ref, unsigned long caller);
void __dref_track_adopt(struct dref *ref);
void __dref_track_forget(struct dref *ref);
void dref_untrack(struct dref *ref, unsigned long mode);
long dref_track_get(struct dref *ref, unsigned long n, unsigned long caller);
bool dref_track_put(struct dref *ref, unsigned long n);
bool dref_track_tryget(struct dref *ref, unsigned long caller);
void dref_track_register(struct dref_class *class);
void dref_track_stop(struct dref_class *class);
void dref_track_sweep(void);
void dref_tracks_init(void);
void dref_tracks_exit(void);

#else

static __always_inline bool dref_tracking_on(void) { return false; }
static inline unsigned long __dref_track_mode(struct dref *ref, unsigned long mode) { return mode; }
static inline bool __dref_is_tracked(const struct dref *ref) { return false; }
static inline void __dref_track_init(struct dref *ref, unsigned long caller) { }
static inline void __dref_track_adopt(struct dref *ref) { }
static inline void __dref_track_forget(struct dref *ref) { }
static inline void dref_untrack(struct dref *ref, unsigned long mode) { }
static inline long dref_track_get(struct dref *ref, unsigned long n,
				  unsigned long caller)
{
	return 0;
}

static inline bool dref_track_put(struct dref *ref, unsigned long n) { return false; }
static inline bool dref_track_tryget(struct dref *ref, unsigned long caller) { return false; }
static inline void dref_track_stop(struct dref_class *class) { }
static inline void dref_track_sweep(void) { }
static inline void dref_tracks_init(void) { }
static inline void dref_tracks_exit(void) { }
static inline void dref_track_register(struct dref_class *class) { dref_class_open(class); }

#endif /* CONFIG_DREF_TRACKING */

/* Mark @ref, whose mode is @mode, as tracked if its class is; returns its mode */
static inline unsigned long dref_track_mode(struct dref *ref, unsigned long mode)
{
	return dref_tracking_on() ? __dref_track_mode(ref, mode) : mode;
}

/* Test whether the class of @ref is tracked */
static inline bool dref_is_tracked(const struct dref *ref)
{
	return dref_tracking_on() && __dref_is_tracked(ref);
}

/* Record the first reference of a new object, which only the caller knows */
static inline void dref_track_init(struct dref *ref, unsigned long caller)
{
	if (dref_tracking_on())
		__dref_track_init(ref, caller);
}

/* Make a record for @ref, which is about to become exact, if its class is tracked */
static inline void dref_track_adopt(struct dref *ref)
{
	if (dref_tracking_on())
		__dref_track_adopt(ref);
}

/* Free the records of @ref, which is about to be released or has become immortal */
static inline void dref_track_forget(struct dref *ref)
{
	if (dref_tracking_on())
		__dref_track_forget(ref);
}

/* ---- inspect/debugobjects.c: the life of each object, for the kernel's debugobjects ---- */

#ifdef CONFIG_DEBUG_OBJECTS

void dref_debug_init(struct dref *ref);
void dref_debug_end(struct dref *ref);
void dref_debug_check(struct dref *ref);

#else

static inline void dref_debug_init(struct dref *ref) { }
static inline void dref_debug_end(struct dref *ref) { }
static inline void dref_debug_check(struct dref *ref) { }

#endif /* CONFIG_DEBUG_OBJECTS */

/* ---- inspect/lockdep.c: who waits for a release(), and under which locks ---- */

#ifdef CONFIG_LOCKDEP

void dref_lockdep_register(struct dref_class *class);
void dref_lockdep_unregister(struct dref_class *class);
void dref_lockdep_begin(const struct dref_class *class);
void dref_lockdep_end(const struct dref_class *class);
void dref_lockdep_wait(const struct dref_class *class);

#else

static inline void dref_lockdep_register(struct dref_class *class) { }
static inline void dref_lockdep_unregister(struct dref_class *class) { }
static inline void dref_lockdep_begin(const struct dref_class *class) { }
static inline void dref_lockdep_end(const struct dref_class *class) { }
static inline void dref_lockdep_wait(const struct dref_class *class) { }

#endif /* CONFIG_LOCKDEP */

/* ---- inspect/debugfs.c and inspect/holders.c ---- */

#ifdef CONFIG_DREF_DEBUGFS

void dref_debugfs_init(void);
void dref_debugfs_exit(void);
void dref_debugfs_add(struct dref_class *class);
void dref_debugfs_remove(struct dref_class *class);
void dref_leaks_log(const struct dref_class *class);

#else

static inline void dref_debugfs_init(void) { }
static inline void dref_debugfs_exit(void) { }
static inline void dref_debugfs_add(struct dref_class *class) { }
static inline void dref_debugfs_remove(struct dref_class *class) { }
static inline void dref_leaks_log(const struct dref_class *class) { }

#endif /* CONFIG_DREF_DEBUGFS */

#endif /* DREF_HOOKS_H */
