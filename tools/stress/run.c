// SPDX-License-Identifier: GPL-2.0
/*
 * The stress run: a scenario under the oracle of the kernel module, for a while.
 */
#include <stdio.h>
#include <string.h>

#include "stress.h"

const struct scenario scenarios[DREF_STRESS_NR_SCENARIOS] = {
	[DREF_STRESS_SHARED]   = { "shared", "get and put a few hot objects" },
	[DREF_STRESS_RING]     = { "ring", "get the next object, put the last one" },
	[DREF_STRESS_HANDOVER] = { "handover", "put what another worker got" },
	[DREF_STRESS_LOOKUP]   = { "lookup", "tryget under RCU, while objects are replaced" },
	[DREF_STRESS_CHURN]    = { "churn", "create, share and drop short-lived objects" },
	[DREF_STRESS_MIX]      = { "mix", "all of these in turn, at random" },
};

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

static void show_count(const struct session *session, const char *name,
		       enum dref_stress_count what)
{
	say("%-12s %llu\n", name, (unsigned long long)session_count(session, what));
}

static void show_counts(const struct session *session, uint64_t ns)
{
	uint64_t steps = session_steps(session);
	char rate[20];

	say("%-12s %llu in %.1f s, %s/s\n", "steps", (unsigned long long)steps,
	    (double)ns / NSEC_PER_SEC,
	    format_rate(steps * 1e9 / (ns ? ns : 1), rate, sizeof(rate)));
	show_count(session, "gets", DREF_STRESS_GETS);
	show_count(session, "puts", DREF_STRESS_PUTS);
	say("%-12s %llu, and %llu refused\n", "trygets",
	    (unsigned long long)session_count(session, DREF_STRESS_TRYGETS),
	    (unsigned long long)session_count(session, DREF_STRESS_TRYGETS_FAILED));
	show_count(session, "kills", DREF_STRESS_KILLS);
	show_count(session, "handovers", DREF_STRESS_HANDOVERS);
	say("%-12s %llu, and %llu refused\n", "creates",
	    (unsigned long long)session_count(session, DREF_STRESS_CREATES),
	    (unsigned long long)session_count(session, DREF_STRESS_CREATES_REFUSED));
	say("%-12s to deferred %llu times, to exact %llu times\n", "seen to go",
	    (unsigned long long)session_count(session, DREF_STRESS_PROMOTED),
	    (unsigned long long)session_count(session, DREF_STRESS_DEMOTED));
}

/*
 * What the oracle says, and what the program exits with.  @failure is one that
 * the oracle does not know of, or NULL.
 */
int verdict(const struct dref_stress_report *report, const char *failure,
	    bool interrupted)
{
	bool clean = !report->errors && !failure;

	say("%-12s %llu created, %llu released, %llu saturated\n", "objects",
	    (unsigned long long)report->created, (unsigned long long)report->released,
	    (unsigned long long)report->immortal);
	say("%-12s %llu, dropped at the end; all released %.1f ms later\n", "references",
	    (unsigned long long)report->held, report->settle_ns / 1e6);
	say("%-12s %llu early, %llu doubled, %llu missing, %llu miscounted, %llu scribbled\n",
	    "releases", (unsigned long long)report->early,
	    (unsigned long long)report->doubled, (unsigned long long)report->missing,
	    (unsigned long long)report->miscounted, (unsigned long long)report->scribbled);
	if (report->error[0])
		say("%-12s %.*s\n", "first error", (int)sizeof(report->error), report->error);
	if (failure)
		say("%-12s %s\n", "error", failure);
	if (clean && report->released != report->created) {
		say("%-12s the numbers of objects do not add up\n", "error");
		clean = false;
	}
	say("%s%s\n", clean ? "PASS" : "FAIL", interrupted ? " (interrupted)" : "");
	return clean ? CLEAN : FAILED;
}

int run_stress(const struct options *options)
{
	struct dref_stress_report report;
	struct session session;
	char cpus[200], class[40];
	bool interrupted;
	uint64_t begin;

	block_signals();
	session_open(&session, options);
	say("dref-stress: %s, %u objects of class %s, %u workers on CPUs %s, seed %llu\n",
	    scenarios[options->scenario].name, options->objects,
	    class_name(options->class_flags, class, sizeof(class)), options->workers,
	    format_cpus(options->cpus, options->nr_cpus, cpus, sizeof(cpus)),
	    (unsigned long long)options->seed);
	session_setup(&session, options->objects, options->class_flags);

	begin = now_ns();
	session_start(&session, options->scenario);
	interrupted = show_progress(&session, NULL);
	unblock_signals();
	session_stop(&session);
	show_counts(&session, now_ns() - begin);

	session_finish(&session, &report);
	return verdict(&report, NULL, interrupted);
}
