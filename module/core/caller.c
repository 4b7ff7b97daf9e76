// SPDX-License-Identifier: GPL-2.0
/*
 * The caller of dref: the code that a WARN names, and with which the stack of a holder
 * begins.
 *
 * An operation knows it by its return address, _RET_IP_.  But while the function graph
 * tracer or a return probe watches a function, the return address of that function is that
 * of a trampoline, and every caller looks the same.  The unwinder knows the addresses that
 * were replaced.  So if a stack trace does not contain the return address, the caller is
 * the first entry in it that is not code of dref.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "compat.h"
#include "internal.h"

/* The functions of dref between an operation and dref_caller(), and the caller */
#define DREF_CALLER_DEPTH	12

static bool dref_own_code(unsigned long addr)
{
#ifdef MODULE
	return within_module(addr, THIS_MODULE);
#else
	/* Built in, the code of dref has no bounds, but its functions have names */
	char name[32];

	snprintf(name, sizeof(name), "%ps", (void *)addr);
	return str_has_prefix(name, "dref_") || str_has_prefix(name, "__dref_");
#endif
}

/*
 * Returns the index of the caller of dref in a stack trace; @nr if it is not there.  @caller
 * is the return address of the operation.
 */
unsigned int dref_caller_index(const unsigned long *entries, unsigned int nr,
			       unsigned long caller)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (entries[i] == caller)
			return i;
	}
	for (i = 0; i < nr; i++) {
		if (!dref_own_code(entries[i]))
			break;
	}
	return i;
}

/*
 * Returns the address in the caller of dref that a message can name; @caller is the return
 * address of the operation.  Takes microseconds.
 */
unsigned long dref_caller(unsigned long caller)
{
	unsigned long entries[DREF_CALLER_DEPTH];
	unsigned int nr, i;

	if (dref_own_code(caller))
		return caller;		/* a pass */
	nr = dref_stack_trace(entries, ARRAY_SIZE(entries));
	i = dref_caller_index(entries, nr, caller);
	return i < nr ? entries[i] : caller;
}
