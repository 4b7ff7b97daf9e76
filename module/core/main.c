// SPDX-License-Identifier: GPL-2.0
/*
 * dref.ko: module initialisation and exit.
 *
 * What the objects of a class need is set up when the first class is registered, which may
 * be earlier if dref is built in (class.c).  Here is the rest.
 */
#include <linux/cpuhotplug.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "internal.h"

/* The ABI guard (dref.h) */
const char dref_abi_2;
EXPORT_SYMBOL_GPL(dref_abi_2);

static enum cpuhp_state dref_cpuhp;

/*
 * @cpu is off line.  Look at the lists to which it may have added objects when it could not
 * queue an irq_work any more (worklist.c).
 */
static int dref_cpu_dead(unsigned int cpu)
{
	dref_releases_kick(cpu);
	dref_promotions_kick();
	if (dref_tracking_on())
		dref_track_sweep();
	return 0;
}

static int __init dref_module_init(void)
{
	int err;

	BUILD_BUG_ON(sizeof(struct dref) > 32);
	BUILD_BUG_ON(sizeof(struct dref_counts) != DREF_MODE_TAGS + 1);
	BUILD_BUG_ON(CONFIG_NR_CPUS > 1 << DREF_MODE_CPU_BITS);

	dref_tunables_init();
	err = dref_classes_prepare();
	if (err)
		return err;
	err = dref_reconcile_init();
	if (err)
		goto releases_exit;
	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "dref:dead", NULL, dref_cpu_dead);
	if (err < 0)
		goto reconcile_exit;
	dref_cpuhp = err;
	err = dref_classes_init();
	if (err)
		goto cpuhp_exit;
	dref_debugfs_init();
	return 0;

cpuhp_exit:
	cpuhp_remove_state_nocalls(dref_cpuhp);
reconcile_exit:
	dref_reconcile_exit();
releases_exit:
#ifdef MODULE	/* built in, dref may have objects by now, which need the workqueues */
	dref_releases_exit();
#endif
	return err;
}

/* The modules that use dref depend on this one, so all of them have been unloaded */
static void __exit dref_module_exit(void)
{
	dref_debugfs_exit();
	dref_classes_exit();
	cpuhp_remove_state_nocalls(dref_cpuhp);
	dref_promotions_exit();
	dref_reconcile_exit();
	dref_tracks_exit();
	dref_releases_exit();
	dref_slots_exit();
}

module_init(dref_module_init);
module_exit(dref_module_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The dref developers");
MODULE_DESCRIPTION("Deferred reference counts that find their own zero");
MODULE_VERSION(DREF_VERSION);
