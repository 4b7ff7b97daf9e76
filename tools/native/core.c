// SPDX-License-Identifier: GPL-2.0
/*
 * What stands here for debugfs.c, which is not built; neither is debugger.c.
 */
#include "../../module/internal.h"

void dref_debugfs_init(void)
{
}

void dref_debugfs_exit(void)
{
}

void dref_debugfs_add(struct dref_class *class)
{
}

void dref_debugfs_remove(struct dref_class *class)
{
}
