// SPDX-License-Identifier: GPL-2.0
/*
 * The table of scenarios.
 *
 * The kernel module implements the step of each scenario.  A row here adds in which
 * contexts the module runs workers of its own, which workers are processes, how many
 * workers and objects there are by default, and whether dref's tunables are changed.
 */
#include <string.h>

#include "stress.h"

#define ALL_CONTEXTS	(DREF_STRESS_KTHREAD | DREF_STRESS_SOFTIRQ | \
			 DREF_STRESS_HARDIRQ | DREF_STRESS_IRQ_WORK)

const struct scenario scenarios[] = {
	{
		.name		= "shared",
		.description	= "get and put a few hot objects",
		.step		= DREF_STRESS_SHARED,
		.objects	= 64,
	}, {
		.name		= "ring",
		.description	= "pass the only reference to an object from CPU to CPU",
		.step		= DREF_STRESS_RING,
		.objects	= 64,
		.quick		= true,
	}, {
		.name		= "handover",
		.description	= "put references that other workers took, in any context",
		.step		= DREF_STRESS_HANDOVER,
		.objects	= 64,
		.contexts	= ALL_CONTEXTS,
	}, {
		.name		= "lookup",
		.description	= "tryget objects under RCU while they are replaced",
		.step		= DREF_STRESS_LOOKUP,
		.objects	= 1024,
	}, {
		.name		= "weak",
		.description	= "tryget objects that only their users hold",
		.step		= DREF_STRESS_WEAK,
		.objects	= 1,
		.quick		= true,
	}, {
		.name		= "churn",
		.description	= "create, share and drop short-lived objects",
		.step		= DREF_STRESS_CHURN,
		.objects	= 64,
	}, {
		.name		= "kill",
		.description	= "kill objects, and tryget_live killed ones",
		.step		= DREF_STRESS_KILL,
		.objects	= 64,
	}, {
		.name		= "flap",
		.description	= "promote objects, then leave them idle to be demoted",
		.step		= DREF_STRESS_FLAP,
		.objects	= 1,
		.quick		= true,
	}, {
		.name		= "many",
		.description	= "use a hot set that moves across 100000 objects",
		.step		= DREF_STRESS_MANY,
		.objects	= 100000,
	}, {
		.name		= "immortal",
		.description	= "make objects immortal while other workers use them",
		.step		= DREF_STRESS_IMMORTALIZE,
		.objects	= 64,
	}, {
		.name		= "classes",
		.description	= "register and unregister classes that are in use",
		.step		= DREF_STRESS_CLASSES,
		.objects	= 64,
	}, {
		.name		= "irq",
		.description	= "use a few objects in task, softirq, hardirq and irq_work",
		.step		= DREF_STRESS_MIX,
		.objects	= 4,
		.contexts	= ALL_CONTEXTS,
	}, {
		.name		= "fork",
		.description	= "use processes that start, exit and are killed",
		.step		= DREF_STRESS_MIX,
		.objects	= 64,
		.processes	= 1,
		.workers	= 4,
	}, {
		.name		= "mix",
		.description	= "all of these at once",
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

/* The argument of --class that selects @flags */
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
