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
	unsigned long		exact, demoting, dying, deferred, killed_slot, uncounted;
	unsigned long		tags;			/* the mask of these six */
	unsigned long		immortal;		/* a whole mode word */
	unsigned long		killed, queued, cold, tracked;
	unsigned int		cpu_shift, cpu_bits, window_shift, heat_shift;
	long			bias, limit;
	unsigned int		sleep_flag, rcu_flag, exact_flag, async_flag;
};

static const struct dref_debugger dref_debugger __used = {
	.per_cpu_offset	= __per_cpu_offset,
	.possible	= cpu_possible_mask,
	.exact		= DREF_MODE_EXACT,
	.demoting	= DREF_MODE_DEMOTING,
	.dying		= DREF_MODE_DYING,
	.deferred	= DREF_MODE_DEFERRED,
	.killed_slot	= DREF_MODE_KILLED_SLOT,
	.uncounted	= DREF_MODE_UNCOUNTED,
	.tags		= DREF_MODE_TAGS,
	.immortal	= DREF_MODE_IMMORTAL,
	.killed		= DREF_MODE_KILLED,
	.queued		= DREF_MODE_QUEUED,
	.cold		= DREF_MODE_COLD,
	.tracked	= DREF_MODE_TRACKED,
	.cpu_shift	= DREF_MODE_CPU_SHIFT,
	.cpu_bits	= DREF_MODE_CPU_BITS,
	.window_shift	= DREF_MODE_WINDOW_SHIFT,
	.heat_shift	= DREF_MODE_HEAT_SHIFT,
	.bias		= DREF_BIAS,
	.limit		= DREF_COUNT_LIMIT,
	.sleep_flag	= DREF_SLEEP,
	.rcu_flag	= DREF_RCU,
	.exact_flag	= DREF_EXACT,
	.async_flag	= DREF_ASYNC,
};
