// SPDX-License-Identifier: GPL-2.0
/*
 * A client's get and put, each a function of its own, for
 * selftests/host/objdump.sh to look at.
 */
#include "test.h"

noinline void dref_probe_get(struct dref *ref)
{
	dref_get(ref);
}

noinline void dref_probe_put(struct dref *ref)
{
	dref_put(ref);
}
