// SPDX-License-Identifier: GPL-2.0
/*
 * Scenarios: a scenario is a row.
 *
 * What a worker does in one step is the kernel module's; here is what goes with
 * it: who the workers are, how many objects they have, and how dref is tuned.
 */
#include <string.h>

#include "stress.h"

#define ALL_CONTEXTS	(DREF_STRESS_KTHREAD | DREF_STRESS_SOFTIRQ | \
			 DREF_STRESS_HARDIRQ | DREF_STRESS_IRQ_WORK)

const struct scenario scenarios[] = {
	{
		.name		= "shared",
		.what		= "get and put a few hot objects",
		.step		= DREF_STRESS_SHARED,
		.objects	= 64,
	}, {
		.name		= "ring",
		.what		= "objects whose only reference goes round the CPUs",
		.step		= DREF_STRESS_RING,
		.objects	= 64,
		.quick		= true,
	}, {
		.name		= "handover",
		.what		= "put what another worker got, in another context",
		.step		= DREF_STRESS_HANDOVER,
		.objects	= 64,
		.contexts	= ALL_CONTEXTS,
	}, {
		.name		= "lookup",
		.what		= "tryget under RCU, while objects are replaced",
		.step		= DREF_STRESS_LOOKUP,
		.objects	= 1024,
	}, {
		.name		= "weak",
		.what		= "tryget of objects that only their users hold",
		.step		= DREF_STRESS_WEAK,
		.objects	= 1,
		.quick		= true,
	}, {
		.name		= "churn",
		.what		= "create, share and drop short-lived objects",
		.step		= DREF_STRESS_CHURN,
		.objects	= 64,
	}, {
		.name		= "kill",
		.what		= "kill, and tryget_live what has been killed",
		.step		= DREF_STRESS_KILL,
		.objects	= 64,
	}, {
		.name		= "flap",
		.what		= "promote objects, and leave them to be demoted",
		.step		= DREF_STRESS_FLAP,
		.objects	= 1,
		.quick		= true,
	}, {
		.name		= "many",
		.what		= "a hot set that wanders over 100000 objects",
		.step		= DREF_STRESS_MANY,
		.objects	= 100000,
	}, {
		.name		= "immortal",
		.what		= "make objects immortal while others use them",
		.step		= DREF_STRESS_IMMORTALIZE,
		.objects	= 64,
	}, {
		.name		= "classes",
		.what		= "register and unregister classes in use",
		.step		= DREF_STRESS_CLASSES,
		.objects	= 64,
	}, {
		.name		= "irq",
		.what		= "a few objects from task, softirq, hardirq and irq_work",
		.step		= DREF_STRESS_MIX,
		.objects	= 4,
		.contexts	= ALL_CONTEXTS,
	}, {
		.name		= "fork",
		.what		= "processes that come, go and are killed",
		.step		= DREF_STRESS_MIX,
		.objects	= 64,
		.processes	= 1,
		.workers	= 4,
	}, {
		.name		= "mix",
		.what		= "all of these at a time",
		.step		= DREF_STRESS_MIX,
		.objects	= 64,
		.contexts	= ALL_CONTEXTS,
		.processes	= 4,
		.workers	= 2,
		.quick		= true,
	},
};

const size_t nr_scenarios = ARRAY_SIZE(scenarios);

const struct scenario *scenario_find(const char *name)
{
	size_t i;

	for (i = 0; i < nr_scenarios; i++) {
		if (!strcmp(name, scenarios[i].name))
			return &scenarios[i];
	}
	return NULL;
}

/* As --class takes it */
const char *class_name(unsigned int flags, char *text, size_t size)
{
	if (flags == DREF_STRESS_ANY_CLASS)
		return "any";
	if (!flags)
		return "plain";
	snprintf(text, size, "%s%s%s", flags & DREF_STRESS_SLEEP ? ",sleep" : "",
		 flags & DREF_STRESS_RCU ? ",rcu" : "",
		 flags & DREF_STRESS_EXACT ? ",exact" : "");
	return text + 1;
}
