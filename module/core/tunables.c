// SPDX-License-Identifier: GPL-2.0
/*
 * The tunables, which are module parameters, and also files in debugfs
 * (inspect/debugfs.c).
 *
 * A new value is checked against the range of the tunable, and against another tunable if
 * one of them limits the other.  On the command line of insmod or modprobe, parameters are
 * set one after the other, before dref_module_init() runs, so a value is checked only
 * against its range there, and the order does not matter.  dref_tunables_init() does the
 * rest.
 */
#define pr_fmt(fmt) "dref: " fmt

#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>

#include "internal.h"
#include "tunables.h"

#define DREF_PASS_MS_MAX	60000U

unsigned int dref_pass_min_ms = 10;
unsigned int dref_pass_max_ms = 180;
unsigned int dref_promote_threshold = 64;
unsigned int dref_demote_passes = 32;
unsigned int dref_max_deferred = 65536;

const struct dref_tunable dref_tunables[DREF_NR_TUNABLES] = {
	{ "pass_min_ms", &dref_pass_min_ms, 1, DREF_PASS_MS_MAX,
	  .not_above = &dref_pass_max_ms },
	{ "pass_max_ms", &dref_pass_max_ms, 1, DREF_PASS_MS_MAX,
	  .not_below = &dref_pass_min_ms },
	{ "promote_threshold", &dref_promote_threshold, 1, DREF_MODE_HEAT_MAX },
	{ "demote_passes", &dref_demote_passes, 1, 1000000 },
	{ "max_deferred", &dref_max_deferred, 0, 1U << 24 },
};

static DEFINE_MUTEX(tunables_mutex);
static bool initialised;	/* tunables limit each other */

static bool dref_tunable_fits(const struct dref_tunable *tunable, unsigned int value)
{
	if (value < tunable->min || value > tunable->max)
		return false;
	if (!initialised)
		return true;
	return !(tunable->not_below && value < *tunable->not_below) &&
	       !(tunable->not_above && value > *tunable->not_above);
}

/* Returns 0, or -EINVAL if @tunable cannot have this value */
int dref_tunable_set(const struct dref_tunable *tunable, unsigned int value)
{
	int err = -EINVAL;

	mutex_lock(&tunables_mutex);
	if (dref_tunable_fits(tunable, value)) {
		WRITE_ONCE(*tunable->value, value);
		err = 0;
	}
	mutex_unlock(&tunables_mutex);
	/*
	 * The next pass may be too far away now.  Before dref_module_init(), no slot is used,
	 * and nothing is queued that would outlive a module whose loading fails.
	 */
	if (!err && dref_slots_used())
		dref_pass_kick();
	return err;
}

static int dref_param_set(const char *text, const struct kernel_param *param)
{
	unsigned int value;
	int i;

	if (kstrtouint(text, 10, &value))
		return -EINVAL;
	for (i = 0; i < DREF_NR_TUNABLES; i++) {
		if (dref_tunables[i].value == param->arg)
			return dref_tunable_set(&dref_tunables[i], value);
	}
	return -EINVAL;
}

static const struct kernel_param_ops dref_param_ops = {
	.set = dref_param_set,
	.get = param_get_uint,
};

module_param_cb(pass_min_ms, &dref_param_ops, &dref_pass_min_ms, 0644);
MODULE_PARM_DESC(pass_min_ms, "shortest interval between periodic passes, 1 to pass_max_ms (10)");
module_param_cb(pass_max_ms, &dref_param_ops, &dref_pass_max_ms, 0644);
MODULE_PARM_DESC(pass_max_ms, "longest interval between periodic passes, pass_min_ms to 60000 (180)");
module_param_cb(promote_threshold, &dref_param_ops, &dref_promote_threshold, 0644);
MODULE_PARM_DESC(promote_threshold, "heat in a heat window that makes an object hot, 1 to 4095 (64)");
module_param_cb(demote_passes, &dref_param_ops, &dref_demote_passes, 0644);
MODULE_PARM_DESC(demote_passes, "periodic passes without activity before demotion, 1 to 1000000 (32)");
module_param_cb(max_deferred, &dref_param_ops, &dref_max_deferred, 0644);
MODULE_PARM_DESC(max_deferred, "objects that may have a slot at a time, 0 to 16777216 (65536)");

/* Called once, before anything uses the tunables */
void __init dref_tunables_init(void)
{
	mutex_lock(&tunables_mutex);
	if (dref_pass_max_ms < dref_pass_min_ms) {
		pr_warn("pass_max_ms was below pass_min_ms, and is %u now\n", dref_pass_min_ms);
		dref_pass_max_ms = dref_pass_min_ms;
	}
	initialised = true;
	mutex_unlock(&tunables_mutex);
}
