// SPDX-License-Identifier: GPL-2.0
/*
 * The stress run: run a scenario with its disturbers under the oracle of the kernel
 * module, and print a summary that can be pasted into a report.
 */
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>

#include "stress.h"

#define MIB	(1024.0 * 1024)

/*
 * The holders of "flap" come back to an object after 4 s, and only then can see that it has been
 * demoted.  A busy machine takes longer.
 */
#define FLAP_NS	(30 * NSEC_PER_SEC)

/* Tune dref to promote and demote objects soon; returns false if it cannot be tuned */
static bool tune_quick(void)
{
	return change_tunable("pass_min_ms", 1) && change_tunable("pass_max_ms", 5) &&
	       change_tunable("promote_threshold", 16) && change_tunable("demote_passes", 2);
}

/* Note something that was asked for and did not happen */
__printf(2, 3)
static void note_not_done(struct result *result, const char *format, ...)
{
	size_t len = strlen(result->not_done);
	va_list args;

	if (len)
		len += snprintf(result->not_done + len, sizeof(result->not_done) - len, "; ");
	if (len >= sizeof(result->not_done))
		return;
	va_start(args, format);
	vsnprintf(result->not_done + len, sizeof(result->not_done) - len, format, args);
	va_end(args);
}

/* Whether a run of "flap" has been long enough for the holders to see objects change */
static bool should_have_flapped(const struct result *result)
{
	return result->options->scenario->step == DREF_STRESS_FLAP && result->ns >= FLAP_NS;
}

static void find_not_done(struct result *result)
{
	const struct options *options = result->options;
	unsigned int i;

	for (i = 0; i < nr_disturbers; i++) {
		if (options->disturbers & 1U << i && !disturber_times(i))
			note_not_done(result, "%s could not disturb", disturber_name(i));
	}
	if (should_have_flapped(result) &&
	    !(result->counts[DREF_STRESS_PROMOTED] && result->counts[DREF_STRESS_DEMOTED]))
		note_not_done(result, "no holder saw its object change to deferred and to exact");
}

static void print_disturbers(const struct options *options)
{
	unsigned int i;

	output("%-12s", "disturbers");
	for (i = 0; i < nr_disturbers; i++) {
		if (options->disturbers & 1U << i)
			output(" %s", disturber_name(i));
	}
	output("%s\n", options->disturbers ? "" : " none");
	for (i = 0; options->disturb && i < nr_disturbers; i++) {
		if (!(options->disturbers & 1U << i))
			output("%-12s %s, which needs %s\n", "left out", disturber_name(i),
			       disturber_missing(i, options));
	}
}

static void print_begin(const struct options *options)
{
	char cpus[200], class[40];
	struct utsname name;

	uname(&name);
	output("dref-stress: %s, %u objects of class %s, %u workers on CPUs %s, seed %llu\n",
	       options->scenario->name, options->objects,
	       class_name(options->class_flags, class, sizeof(class)), options->workers,
	       format_cpus(options->cpus, options->nr_cpus, cpus, sizeof(cpus)),
	       (unsigned long long)options->seed);
	output("%-12s Linux %s, %s\n", "on", name.release, name.machine);
	print_disturbers(options);
	if (options->breakage)
		output("%-12s %s: dref is broken on purpose, and the run must fail;\n"
		       "%-12s do not trust the kernel afterwards\n",
		       "broken", options->breakage, "");
}

static unsigned long long count(const struct result *result, enum dref_stress_count kind)
{
	return result->counts[kind];
}

static void print_counts(const struct result *result)
{
	unsigned int i;
	char rate[20];

	output("%-12s %llu in %.1f s, %s/s, and %llu by the kernel's own workers\n", "steps",
	       (unsigned long long)result->steps, (double)result->ns / NSEC_PER_SEC,
	       format_rate(result->steps * 1e9 / (result->ns ? result->ns : 1), rate, sizeof(rate)),
	       (unsigned long long)result->report.kernel_steps);
	output("%-12s %llu\n", "gets", count(result, DREF_STRESS_GETS));
	output("%-12s %llu\n", "puts", count(result, DREF_STRESS_PUTS));
	output("%-12s %llu, and %llu refused\n", "trygets", count(result, DREF_STRESS_TRYGETS),
	       count(result, DREF_STRESS_TRYGETS_FAILED));
	output("%-12s %llu\n", "kills", count(result, DREF_STRESS_KILLS));
	output("%-12s %llu\n", "handovers", count(result, DREF_STRESS_HANDOVERS));
	output("%-12s %llu, and %llu refused\n", "creates", count(result, DREF_STRESS_CREATES),
	       count(result, DREF_STRESS_CREATES_REFUSED));
	output("%-12s %llu, and %llu refused\n", "defers", count(result, DREF_STRESS_DEFERS),
	       count(result, DREF_STRESS_DEFERS_REFUSED));
	output("%-12s %llu unregistered, and %llu times busy\n", "classes",
	       count(result, DREF_STRESS_CLASSES_GONE), count(result, DREF_STRESS_CLASSES_BUSY));
	output("%-12s %llu to deferred, %llu to exact, seen by holders\n", "mode changes",
	       count(result, DREF_STRESS_PROMOTED), count(result, DREF_STRESS_DEMOTED));
	for (i = 0; i < nr_disturbers; i++) {
		if (result->options->disturbers & 1U << i)
			output("%-12s %llu times\n", disturber_name(i),
			       (unsigned long long)disturber_times(i));
	}
}

/* The least power of two, in milliseconds, that @percent of the latencies are below */
static unsigned int latency_below(const struct dref_stress_report *report, double percent)
{
	uint64_t total = 0, seen = 0;
	unsigned int i;

	for (i = 0; i < DREF_STRESS_LATENCIES; i++)
		total += report->latency[i];
	for (i = 0; i < DREF_STRESS_LATENCIES - 1; i++) {
		seen += report->latency[i];
		if (seen >= total * percent / 100)
			break;
	}
	return 1U << i;
}

static void print_histogram(const struct dref_stress_report *report)
{
	static const char full[] = "########################################";
	const char *name = "released";
	uint64_t most = 1;
	unsigned int i;
	bool rest;

	for (i = 0; i < DREF_STRESS_LATENCIES; i++) {
		if (most < report->latency[i])
			most = report->latency[i];
	}
	for (i = 0; i < DREF_STRESS_LATENCIES; i++) {
		if (!report->latency[i])
			continue;
		rest = i == DREF_STRESS_LATENCIES - 1;
		output("%-12s %s %6u ms %12llu %.*s\n", name, rest ? "later" : "below",
		       1U << (rest ? i - 1 : i), (unsigned long long)report->latency[i],
		       (int)(report->latency[i] * strlen(full) / most), full);
		name = "";
	}
}

static void print_latency(const struct dref_stress_report *report)
{
	print_histogram(report);
	output("%-12s 50 %% below %u ms, 99 %% below %u ms, all within %llu ms\n", "latency",
	       latency_below(report, 50), latency_below(report, 99),
	       (unsigned long long)report->latency_max_ms);
	output("%-12s on this machine, ten grace periods with work items take up to %llu ms\n", "",
	       (unsigned long long)report->yardstick_ms);
}

static void print_memory(const char *name, uint64_t begin, uint64_t most, uint64_t end)
{
	output("%-12s %.1f MiB at the start, %.1f at most, %.1f at the end (%+.1f %%)\n", name,
	       begin / MIB, most / MIB, end / MIB, watch_growth(begin, end));
}

static void print_stats(const struct watch *watch)
{
	const struct sample *most = &watch->most;

	output("%-12s at most %llu, with %llu slots in use of %llu allowed\n", "deferred",
	       (unsigned long long)most->deferred, (unsigned long long)most->slots_used,
	       (unsigned long long)most->max_deferred);
	output("%-12s %llu, the longest seen %.2f ms, with a grace period of %.1f ms\n", "passes",
	       (unsigned long long)(watch->end.passes - watch->begin.passes),
	       most->pass_ns / 1e6, most->gp_ns / 1e6);
}

static void print_watch(const struct watch *watch)
{
	const struct sample *most = &watch->most;

	if (most->stats) {
		print_stats(watch);
	} else {
		output("%-12s unknown without debugfs on /sys/kernel/debug\n", "deferred");
		output("%-12s unknown likewise\n", "passes");
	}
	print_memory("slab", watch->begin.slab, most->slab, watch->end.slab);
	print_memory("percpu", watch->begin.percpu, most->percpu, watch->end.percpu);
}

/* Print the oracle's report; returns the exit status */
int print_verdict(struct result *result)
{
	static const char * const verdicts[] = {
		[CLEAN] = "PASS", [FAILED] = "FAIL", [INCOMPLETE] = "INCOMPLETE",
	};
	const struct dref_stress_report *report = &result->report;
	int status = CLEAN;

	output("%-12s %llu created, %llu released, %llu immortal, %llu saturated\n", "objects",
	       (unsigned long long)report->created, (unsigned long long)report->released,
	       (unsigned long long)report->immortal, (unsigned long long)report->saturated);
	output("%-12s %llu dropped at the end; all objects were released %.1f ms later\n",
	       "references", (unsigned long long)report->held, report->settle_ns / 1e6);
	output("%-12s %llu early, %llu doubled, %llu missing, %llu late, ", "errors",
	       (unsigned long long)report->early, (unsigned long long)report->doubled,
	       (unsigned long long)report->missing, (unsigned long long)report->late);
	output("%llu miscounted, %llu revived, %llu scribbled\n",
	       (unsigned long long)report->miscounted, (unsigned long long)report->revived,
	       (unsigned long long)report->scribbled);
	if (report->error[0])
		output("%-12s %.*s\n", "first error", (int)sizeof(report->error), report->error);
	if (!report->errors && !result->failure &&
	    report->released + report->immortal != report->created)
		result->failure = "created objects are not the sum of released and immortal ones";
	if (result->failure)
		output("%-12s %s\n", "error", result->failure);
	if (result->not_done[0])
		output("%-12s %s\n", "not done", result->not_done);
	if (report->errors || result->failure)
		status = FAILED;
	else if (result->not_done[0])
		status = INCOMPLETE;
	result->verdict = verdicts[status];
	output("%s%s\n", result->verdict, result->interrupted ? " (interrupted)" : "");
	return status;
}

static void sample_tick(struct session *session, void *watch)
{
	watch_sample(watch, session);
}

/* Start the disturbers and the workers, wait for them, and get the report */
static void run_session(struct result *result)
{
	struct session *session = result->session;
	uint64_t begin;
	int i;

	/* before the workers, which read session->failing when they start */
	disturb_start(session);
	begin = now_ns();
	watch_start(&result->watch);
	session_start(session, result->options->scenario->step);
	result->interrupted = wait_for_workers(session, sample_tick, &result->watch);
	session_stop(session);
	result->failure = session_failure(session);
	disturb_stop();
	result->ns = now_ns() - begin;
	result->steps = session_steps(session);
	session_finish(session, &result->report);
	for (i = 0; i < DREF_STRESS_COUNTS_SIZE; i++)
		result->counts[i] = session_count(session, i) + result->report.kernel_counts[i];
}

static bool max_deferred_fixed(const struct options *options)
{
	unsigned int i;

	for (i = 0; i < nr_disturbers; i++) {
		if (options->disturbers & 1U << i && disturber_tunes(i))
			return false;
	}
	return true;
}

int run_stress(const struct options *options)
{
	struct result result = { .options = options };
	int status;

	block_signals();
	session_open(&result.session, options);
	record_open(options);
	print_begin(options);

	if (options->scenario->quick && !tune_quick())
		note_not_done(&result, "dref could not be tuned for this scenario");
	if (options->breakage && !change_text(DREF_PARAMETERS "break", options->breakage))
		die(REFUSED, "--break %s: this dref.ko does not know this fault",
		    options->breakage);
	watch_begin(&result.watch, max_deferred_fixed(options));
	session_setup(result.session, options->objects, options->class_flags);
	run_session(&result);
	undo_changes();
	watch_end(&result.watch);
	unblock_signals();

	print_counts(&result);
	print_watch(&result.watch);
	print_latency(&result.report);
	if (result.watch.too_many)
		result.failure = "more slots were in use than max_deferred allows";
	find_not_done(&result);
	status = print_verdict(&result);
	record_result(&result);
	session_close(result.session);
	return status;
}
