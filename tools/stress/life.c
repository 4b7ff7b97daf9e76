// SPDX-License-Identifier: GPL-2.0
/*
 * One object's life: created, shared by all workers until it is promoted,
 * hammered, let go by one after the other, and released by dref, which nobody
 * tells that it may.
 *
 * A time line of what dref says about the object, and of what was done to it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "stress.h"

#define PATIENCE_NS	(60 * NSEC_PER_SEC)	/* far more than it takes */

static uint64_t created_ns;
static unsigned int seen_flags;
static bool promoted;

static void look_at(const struct session *session, struct dref_stress_state *state)
{
	memset(state, 0, sizeof(*state));
	while (ioctl(session->fd, DREF_STRESS_STATE, state)) {
		if (errno != EINTR)
			die(FAILED, "cannot look at the object: %s", strerror(errno));
	}
}

static const char *mode_name(unsigned int flags)
{
	return flags & DREF_STRESS_IMMORTAL ? "immortal" :
	       flags & DREF_STRESS_DYING ? "dying" :
	       flags & DREF_STRESS_DEFERRED ? "deferred" : "exact";
}

static void tell(uint64_t when_ns, const char *what)
{
	say("%8.3f s  %s\n", (double)(when_ns - created_ns) / NSEC_PER_SEC, what);
}

/* Say how the object is counted, if that is new */
static void look(struct session *session, void *data)
{
	struct dref_stress_state state;
	char text[100];

	(void)data;
	look_at(session, &state);
	if (!(state.flags & DREF_STRESS_LIVE) || state.flags == seen_flags)
		return;
	if (state.flags & DREF_STRESS_DEFERRED && !promoted) {
		promoted = true;
		tell(now_ns(), "promoted to deferred: the workers contended for it");
	} else {
		snprintf(text, sizeof(text), "seen to be %s", mode_name(state.flags));
		tell(now_ns(), text);
	}
	seen_flags = state.flags;
}

static void tell_count(const struct session *session, const char *what)
{
	struct dref_stress_state state;
	char text[100];

	look_at(session, &state);
	snprintf(text, sizeof(text), "%s: %lld reference%s, %s", what, (long long)state.count,
		 state.count == 1 ? "" : "s", mode_name(state.flags));
	tell(now_ns(), text);
}

static void let_go(const struct session *session)
{
	unsigned int i;

	for (i = 0; i < session->options->workers; i++) {
		struct dref_stress_run run = {
			.worker = i,
			.flags = DREF_STRESS_LET_GO,
		};

		if (ioctl(session->fd, DREF_STRESS_RUN, &run))
			die(FAILED, "worker %u cannot let go: %s", i, strerror(errno));
	}
}

/* Drop the initial reference without a word, and see what comes of it: NULL is well */
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
		look_at(session, &state);
		if (state.released_ns)
			break;
		*interrupted |= wait_a_tick();
	} while (!*interrupted && now_ns() < give_up);

	tell(state.dropped_ns, "last reference dropped; nobody tells dref (no kill, no reconcile)");
	if (!state.released_ns) {
		tell(now_ns(), "not released yet");
		return *interrupted ? NULL : "the object was not released by itself";
	}
	snprintf(text, sizeof(text), "found and released, %.1f ms after the last put",
		 (double)(state.released_ns - state.dropped_ns) / NSEC_PER_MSEC);
	tell(state.released_ns, text);
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
	say("dref-stress: the life of an object of class %s, %u workers on CPUs %s, seed %llu\n",
	    class_name(options->class_flags, class, sizeof(class)), options->workers,
	    format_cpus(options->cpus, options->nr_cpus, cpus, sizeof(cpus)),
	    (unsigned long long)options->seed);
	session_setup(session, 1, options->class_flags);
	look_at(session, &state);
	created_ns = state.created_ns;
	seen_flags = state.flags;
	tell_count(session, "created");

	session_start(session, DREF_STRESS_SHARED);
	interrupted = show_progress(session, look, NULL);
	give_up = now_ns() + PATIENCE_NS;
	while (contended && !promoted && !interrupted && now_ns() < give_up) {
		interrupted = wait_a_tick();
		look(session, NULL);
	}
	session_stop(session);
	tell_count(session, "workers stopped");
	let_go(session);
	tell_count(session, "workers let go");
	result.failure = wait_for_release(session, &interrupted) ?: session_failure(session);
	unblock_signals();

	if (!result.failure && contended && !promoted && !interrupted)
		result.failure = "more than one CPU used it, and it was not seen to be promoted";
	session_finish(session, &result.report);
	session_close(session);
	result.interrupted = interrupted;
	return verdict(&result);
}
