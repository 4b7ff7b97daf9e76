// SPDX-License-Identifier: GPL-2.0
/*
 * An object in each mode that lasts, for a debugger to inspect
 * (selftests/host/gdb.sh).
 *
 *	/sys/kernel/debug/dref_test/specimens	a read creates the objects, and
 *						returns lines "NAME: REFERENCES"
 *
 * The objects stay in the array "specimens" until the module is unloaded.
 */
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#include "test.h"

enum {
	SPECIMEN_EXACT,		/* 3 references, last counted on the last CPU */
	SPECIMEN_EXACT_KILLED,	/* 2 references, counted on the first CPU only */
	SPECIMEN_DEFERRED,	/* 1 + 1000 on the first CPU, 7 put on the last CPU */
	SPECIMEN_DEFERRED_KILLED,	/* 1 + 50 on the first CPU, killed on the last CPU */
	SPECIMEN_IMMORTAL,	/* was deferred before */
	SPECIMEN_DEAD,
	NR_SPECIMENS
};

static const char * const names[NR_SPECIMENS] = {
	[SPECIMEN_EXACT]	= "exact",
	[SPECIMEN_EXACT_KILLED]	= "exact_killed",
	[SPECIMEN_DEFERRED]	= "deferred",
	[SPECIMEN_DEFERRED_KILLED]	= "deferred_killed",
	[SPECIMEN_IMMORTAL]	= "immortal",
	[SPECIMEN_DEAD]		= "dead",
};

static void specimen_release(struct dref *ref)
{
}

static DEFINE_DREF_CLASS(specimens_class, "test-specimens", specimen_release,
			 DREF_SLEEP | DREF_RCU);

static struct dref specimens[NR_SPECIMENS];
static DEFINE_MUTEX(specimens_mutex);
static bool made;

/*
 * All operations but those of use_on_last().  They run on one CPU, as a migration
 * would add heat.
 */
static long make_on_first(void *unused)
{
	int i, err;

	for (i = 0; i < NR_SPECIMENS; i++)
		dref_init(&specimens[i], &specimens_class);
	err = dref_defer(&specimens[SPECIMEN_DEFERRED], GFP_KERNEL) ?:
	      dref_defer(&specimens[SPECIMEN_DEFERRED_KILLED], GFP_KERNEL) ?:
	      dref_defer(&specimens[SPECIMEN_IMMORTAL], GFP_KERNEL);

	dref_get_many(&specimens[SPECIMEN_EXACT_KILLED], 2);
	dref_kill(&specimens[SPECIMEN_EXACT_KILLED]);
	dref_get_many(&specimens[SPECIMEN_DEFERRED], 1000);
	dref_get_many(&specimens[SPECIMEN_DEFERRED_KILLED], 50);
	dref_immortalize(&specimens[SPECIMEN_IMMORTAL]);
	dref_put(&specimens[SPECIMEN_DEAD]);
	return err;
}

static long use_on_last(void *unused)
{
	dref_get(&specimens[SPECIMEN_EXACT]);
	dref_get(&specimens[SPECIMEN_EXACT]);
	dref_put_many(&specimens[SPECIMEN_DEFERRED], 7);
	dref_kill(&specimens[SPECIMEN_DEFERRED_KILLED]);
	return 0;
}

static int specimens_make(void)
{
	int err;

	err = dref_class_register(&specimens_class);
	if (err)
		return err;
	err = work_on_cpu(cpumask_first(cpu_online_mask), make_on_first, NULL);
	work_on_cpu(cpumask_last(cpu_online_mask), use_on_last, NULL);
	made = true;
	return err;
}

int test_specimens_show(struct seq_file *seq, void *unused)
{
	int i, err = 0;

	mutex_lock(&specimens_mutex);
	if (!made)
		err = specimens_make();
	mutex_unlock(&specimens_mutex);
	for (i = 0; !err && i < NR_SPECIMENS; i++)
		seq_printf(seq, "%s: %ld\n", names[i], dref_read(&specimens[i]));
	return err;
}

void test_specimens_exit(void)
{
	if (!made)
		return;
	dref_put_many(&specimens[SPECIMEN_EXACT], 3);
	dref_put_many(&specimens[SPECIMEN_EXACT_KILLED], 2);
	dref_put_many(&specimens[SPECIMEN_DEFERRED], 1 + 1000 - 7);
	dref_put_many(&specimens[SPECIMEN_DEFERRED_KILLED], 50);
	dref_class_drain(&specimens_class);
}
