// SPDX-License-Identifier: GPL-2.0
/*
 * A get and a put as a client has them, each in a function of its own.
 * selftests/host/objdump.sh disassembles them.
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
