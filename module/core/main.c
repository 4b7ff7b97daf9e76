// SPDX-License-Identifier: GPL-2.0
/*
 * dref.ko: module initialisation and exit, the workqueue and the tunables.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "internal.h"

/*
 * Unbound, so that work is not queued on a particular CPU, least of all on one
 * that is idle or nohz_full.  WQ_MEM_RECLAIM, because releases free memory and
 * reclaim may wait for them.
 */
struct workqueue_struct *dref_wq;

/* The tunables; debugfs.c has their ranges */
unsigned int dref_pass_min_ms = 10;
unsigned int dref_pass_max_ms = 180;
unsigned int dref_promote_threshold = 64;
unsigned int dref_demote_passes = 32;
unsigned int dref_max_deferred = 65536;

static int __init dref_module_init(void)
{
	int err;

	BUILD_BUG_ON(sizeof(struct dref) > 32);
	BUILD_BUG_ON(sizeof(struct dref_counts) != DREF_MODE_TAGS + 1);
	BUILD_BUG_ON(CONFIG_NR_CPUS > 1 << (DREF_MODE_EPOCH_SHIFT -
					    DREF_MODE_CPU_SHIFT));

	dref_homes_set(0);
	dref_tracks_init();
	dref_releases_init();
	dref_wq = alloc_workqueue("dref", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!dref_wq)
		return -ENOMEM;
	err = dref_reconcile_init();
	if (err)
		goto destroy_wq;
	err = dref_classes_init();
	if (err)
		goto reconcile_exit;
	dref_debugfs_init();
	return 0;

reconcile_exit:
	dref_reconcile_exit();
destroy_wq:
	destroy_workqueue(dref_wq);
	return err;
}

/* The modules that use dref depend on this one, so all of them have been unloaded */
static void __exit dref_module_exit(void)
{
	dref_debugfs_exit();
	dref_classes_exit();
	dref_promotions_exit();
	dref_reconcile_exit();
	dref_broken_exit();
	dref_releases_exit();
	dref_tracks_exit();
	destroy_workqueue(dref_wq);
	dref_slots_exit();
}

module_init(dref_module_init);
module_exit(dref_module_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The dref developers");
MODULE_DESCRIPTION("Deferred reference counts that find their own zero");
