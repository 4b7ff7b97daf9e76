// SPDX-License-Identifier: GPL-2.0
/*
 * What stands here for debugfs.c and what only it shows, which with debugger.c and
 * trace.c is all of dref.ko that is not built.
 */
#include "../../module/core/internal.h"

void dref_debugfs_init(void)
{
}

void dref_debugfs_exit(void)
{
}

void dref_tracks_init(void)
{
}

void dref_tracks_exit(void)
{
}

void dref_track_register(struct dref_class *class)
{
	WRITE_ONCE(class->fast, class->cpu);
}

void dref_track_stop(struct dref_class *class)
{
}

void dref_untrack(struct dref *ref, unsigned long mode)
{
}

void dref_leaks_log(const struct dref_class *class)
{
}

void dref_debugfs_add(struct dref_class *class)
{
}

void dref_debugfs_remove(struct dref_class *class)
{
}
