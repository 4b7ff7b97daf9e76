// SPDX-License-Identifier: GPL-2.0
/*
 * What a debugger needs to read a struct dref, and debug information does not contain: the
 * values of macros, and where the kernel keeps per-CPU memory, as the debugger may have no
 * symbols of the kernel.  tools/gdb/dref-gdb.py reads dref_debugger, by the names of its
 * members.  Nothing in the kernel does.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>

#include "../core/internal.h"

struct dref_debugger {
	const unsigned long	*per_cpu_offset;	/* by CPU */
	const struct cpumask	*possible;
	unsigned long		exact, demoting, dying, state;	/* in the mode word */
	unsigned long		killed, immortal, tags, queued, cold, tracked;
	unsigned int		cpu_shift, epoch_shift, window_shift, heat_shift;
	long			bias, limit;
	unsigned int		sleep_flag, rcu_flag, exact_flag;
};

static const struct dref_debugger dref_debugger __used = {
	.per_cpu_offset	= __per_cpu_offset,
	.possible	= cpu_possible_mask,
	.exact		= DREF_MODE_EXACT,
	.demoting	= DREF_MODE_DEMOTING,
	.dying		= DREF_MODE_DYING,
	.state		= DREF_MODE_STATE,
	.killed		= DREF_MODE_KILLED,
	.immortal	= DREF_MODE_IMMORTAL,
	.tags		= DREF_MODE_TAGS,
	.queued		= DREF_MODE_QUEUED,
	.cold		= DREF_MODE_COLD,
	.tracked	= DREF_MODE_TRACKED,
	.cpu_shift	= DREF_MODE_CPU_SHIFT,
	.epoch_shift	= DREF_MODE_EPOCH_SHIFT,
	.window_shift	= DREF_MODE_WINDOW_SHIFT,
	.heat_shift	= DREF_MODE_HEAT_SHIFT,
	.bias		= DREF_BIAS,
	.limit		= DREF_COUNT_LIMIT,
	.sleep_flag	= DREF_SLEEP,
	.rcu_flag	= DREF_RCU,
	.exact_flag	= DREF_EXACT,
};
