// SPDX-License-Identifier: GPL-2.0
/*
 * --life: follow one object from its creation to its release.
 *
 * The workers share the object until it is promoted, go on using it, and then drop
 * their references one worker after the other.  The last put is followed by no
 * dref_kill() or dref_reconcile(): dref must find out by itself that the object is
 * dead, and release it.
 *
 * The output is a time line of these operations and of the modes that the object is
 * seen in.  All times in it are the kernel's, as the clock of this program differs from it in
 * a time namespace.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "stress.h"

#define PATIENCE_NS	(60 * NSEC_PER_SEC)	/* far more than needed */

static uint64_t created_ns;
static unsigned int last_flags;
static bool promoted;

static void read_state(const struct session *session, struct dref_stress_state *state)
{
	memset(state, 0, sizeof(*state));
	while (ioctl(session->fd, DREF_STRESS_STATE, state)) {
		if (errno != EINTR)
			die(FAILED, "cannot read the state of the object: %s", strerror(errno));
	}
}

static const char *mode_name(unsigned int flags)
{
	return flags & DREF_STRESS_IMMORTAL ? "immortal" :
	       flags & DREF_STRESS_DYING ? "dying" :
	       flags & DREF_STRESS_DEFERRED ? "deferred" : "exact";
}

static void print_event(uint64_t when_ns, const char *event)
{
	output("%8.3f s  %s\n", (double)(when_ns - created_ns) / NSEC_PER_SEC, event);
}

/* Print the mode of the object if it has changed */
static void watch_mode(struct session *session, void *data)
{
	struct dref_stress_state state;
	char text[100];

	(void)data;
	read_state(session, &state);
	if (!(state.flags & DREF_STRESS_LIVE) || state.flags == last_flags)
		return;
	if (state.flags & DREF_STRESS_DEFERRED && !promoted) {
		promoted = true;
		print_event(state.now_ns, "promoted to deferred, as the workers used it so much");
	} else {
		snprintf(text, sizeof(text), "now %s", mode_name(state.flags));
		print_event(state.now_ns, text);
	}
	last_flags = state.flags;
}

static void print_count(const struct session *session, const char *event)
{
	struct dref_stress_state state;
	char text[100];

	read_state(session, &state);
	snprintf(text, sizeof(text), "%s: %lld reference%s, %s", event, (long long)state.count,
		 state.count == 1 ? "" : "s", mode_name(state.flags));
	print_event(state.now_ns, text);
}

static void drop_references(const struct session *session)
{
	unsigned int i;

	for (i = 0; i < session->options->workers; i++) {
		struct dref_stress_run run = {
			.worker = i,
			.flags = DREF_STRESS_LET_GO,
		};

		if (ioctl(session->fd, DREF_STRESS_RUN, &run))
			die(FAILED, "worker %u cannot drop its references: %s", i, strerror(errno));
	}
}

/* Drop the initial reference, and wait for the release; returns NULL, or an error */
static const char *wait_for_release(const struct session *session, bool *interrupted)
{
	struct dref_stress_drop drop = { .place = 0 };
	struct dref_stress_state state;
	uint64_t give_up;
	char text[100];

	if (ioctl(session->fd, DREF_STRESS_DROP, &drop))
		die(FAILED, "cannot drop the object: %s", strerror(errno));
	give_up = now_ns() + PATIENCE_NS;
	do {
		read_state(session, &state);
		if (state.released_ns)
			break;
		*interrupted |= wait_a_tick();
	} while (!*interrupted && now_ns() < give_up);

	print_event(state.dropped_ns,
		    "last reference dropped, without dref_kill() or dref_reconcile()");
	if (!state.released_ns) {
		print_event(state.now_ns, "not released yet");
		return *interrupted ? NULL : "dref did not release the object by itself";
	}
	snprintf(text, sizeof(text), "found dead and released, %.1f ms after the last put",
		 (double)(state.released_ns - state.dropped_ns) / NSEC_PER_MSEC);
	print_event(state.released_ns, text);
	return NULL;
}

int run_life(const struct options *options)
{
	struct result result = { .options = options };
	struct dref_stress_state state;
	struct session *session;
	char cpus[200], class[40];
	unsigned int cpus_used;
	bool contended, interrupted;
	uint64_t give_up;

	cpus_used = options->workers < options->nr_cpus ? options->workers : options->nr_cpus;
	contended = cpus_used > 1 && !(options->class_flags & DREF_STRESS_EXACT);
	block_signals();
	session_open(&session, options);
	output("dref-stress: the life of an object of class %s, %u workers on CPUs %s, seed %llu\n",
	       class_name(options->class_flags, class, sizeof(class)), options->workers,
	       format_cpus(options->cpus, options->nr_cpus, cpus, sizeof(cpus)),
	       (unsigned long long)options->seed);
	session_setup(session, 1, options->class_flags);
	read_state(session, &state);
	created_ns = state.created_ns;
	last_flags = state.flags;
	print_count(session, "created");

	session_start(session, DREF_STRESS_SHARED);
	interrupted = wait_for_workers(session, watch_mode, NULL);
	give_up = now_ns() + PATIENCE_NS;
	while (contended && !promoted && !interrupted && now_ns() < give_up) {
		interrupted = wait_a_tick();
		watch_mode(session, NULL);
	}
	session_stop(session);
	print_count(session, "workers stopped");
	drop_references(session);
	print_count(session, "workers dropped their references");
	result.failure = wait_for_release(session, &interrupted) ?: session_failure(session);
	unblock_signals();

	if (!result.failure && contended && !promoted && !interrupted)
		result.failure = "several CPUs used the object, but it was not seen to be promoted";
	session_finish(session, &result.report);
	session_close(session);
	result.interrupted = interrupted;
	return print_verdict(&result);
}
