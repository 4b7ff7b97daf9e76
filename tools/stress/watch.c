// SPDX-License-Identifier: GPL-2.0
/*
 * Samples taken during a run: the memory of the machine, and dref's statistics.
 *
 * The slab caches are shrunk before the first sample and before the last one, so that
 * these two compare memory in use.  Memory that is freed by RCU returns a little
 * later, so watch_end() waits for it.  It waits for SETTLE_NS at most: on a machine
 * that does other work, memory may never return to where it was.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define SAMPLE_NS	NSEC_PER_SEC
#define MAX_SAMPLES	4096		/* then every second one is dropped */
#define SETTLE_NS	(3 * NSEC_PER_SEC)

struct field {
	const char	*name;
	size_t		offset;
};

/* Read those of @fields that have a line "name: value" in @path; false if there is no file */
static bool read_fields(const char *path, const struct field *fields, size_t nr,
			struct sample *sample)
{
	FILE *file = fopen(path, "re");
	char line[100], *value;
	size_t i;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = '\0';
		for (i = 0; i < nr; i++) {
			if (!strcmp(line, fields[i].name))
				*(uint64_t *)((char *)sample + fields[i].offset) =
					strtoull(value, NULL, 10);
		}
	}
	fclose(file);
	return true;
}

static void shrink_slabs(void)
{
	glob_t files;
	size_t i;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &files))
		return;
	for (i = 0; i < files.gl_pathc; i++)
		write_text(files.gl_pathv[i], "1");
	globfree(&files);
}

static void take_sample(const struct watch *watch, struct sample *sample)
{
	static const struct field memory[] = {
		{ "SUnreclaim", offsetof(struct sample, slab) },
		{ "Percpu", offsetof(struct sample, percpu) },
	};
	static const struct field stats[] = {
		{ "deferred", offsetof(struct sample, deferred) },
		{ "exact_live", offsetof(struct sample, exact_live) },
		{ "slots_used", offsetof(struct sample, slots_used) },
		{ "passes", offsetof(struct sample, passes) },
		{ "gp_ns_last", offsetof(struct sample, gp_ns) },
		{ "pass_ns_last", offsetof(struct sample, pass_ns) },
	};

	memset(sample, 0, sizeof(*sample));
	sample->ns = now_ns() - watch->begin_ns;
	read_fields("/proc/meminfo", memory, ARRAY_SIZE(memory), sample);
	sample->slab *= 1024;
	sample->percpu *= 1024;
	sample->stats = read_fields(DREF_DEBUGFS "stats", stats, ARRAY_SIZE(stats), sample);
	read_value(DREF_PARAMETERS "max_deferred", &sample->max_deferred);
}

static void update_max(uint64_t *most, uint64_t value)
{
	if (*most < value)
		*most = value;
}

static void update_maxima(struct sample *most, const struct sample *sample)
{
	update_max(&most->slab, sample->slab);
	update_max(&most->percpu, sample->percpu);
	update_max(&most->deferred, sample->deferred);
	update_max(&most->exact_live, sample->exact_live);
	update_max(&most->slots_used, sample->slots_used);
	update_max(&most->max_deferred, sample->max_deferred);
	update_max(&most->gp_ns, sample->gp_ns);
	update_max(&most->pass_ns, sample->pass_ns);
}

/*
 * Take the first sample.  There are no objects yet, and the tunables are set.
 * @fixed: nothing will change max_deferred during the run
 */
void watch_begin(struct watch *watch, bool fixed)
{
	memset(watch, 0, sizeof(*watch));
	watch->samples = calloc(MAX_SAMPLES, sizeof(*watch->samples));
	if (!watch->samples)
		die(FAILED, "out of memory");
	watch->fixed = fixed;
	watch->interval_ns = SAMPLE_NS;
	watch->begin_ns = now_ns();
	shrink_slabs();
	take_sample(watch, &watch->begin);
	watch->most = watch->begin;
}

/* The workers start now: the times of samples are relative to this call */
void watch_start(struct watch *watch)
{
	watch->begin_ns = now_ns();
	watch->begin.ns = 0;
}

static void keep_sample(struct watch *watch, const struct sample *sample)
{
	size_t i, nr = watch->nr_samples;

	if (nr && sample->ns - watch->samples[nr - 1].ns < watch->interval_ns)
		return;
	if (nr == MAX_SAMPLES) {
		for (i = 0; i < MAX_SAMPLES / 2; i++)
			watch->samples[i] = watch->samples[2 * i + 1];
		watch->nr_samples = MAX_SAMPLES / 2;
		watch->interval_ns *= 2;
	}
	watch->samples[watch->nr_samples++] = *sample;
}

void watch_sample(struct watch *watch, const struct session *session)
{
	struct sample sample;
	double seconds;

	take_sample(watch, &sample);
	sample.steps = session_steps(session);
	sample.errors = __atomic_load_n(&session->errors, __ATOMIC_RELAXED);
	update_maxima(&watch->most, &sample);
	watch->most.stats |= sample.stats;
	if (watch->fixed && sample.max_deferred && sample.slots_used > sample.max_deferred)
		watch->too_many = true;
	if (sample.ns - watch->last.ns < SAMPLE_NS)
		return;
	seconds = (double)(sample.ns - watch->last.ns) / NSEC_PER_SEC;
	record_sample(&sample, (sample.steps - watch->last.steps) / seconds);
	watch->last = sample;
	keep_sample(watch, &sample);
}

/* Growth from @begin to @end in percent */
double watch_growth(uint64_t begin, uint64_t end)
{
	return begin ? 100.0 * ((double)end - (double)begin) / (double)begin : 0;
}

/* Take the last sample.  All objects have been released. */
void watch_end(struct watch *watch)
{
	uint64_t give_up = now_ns() + SETTLE_NS;

	for (;;) {
		shrink_slabs();
		take_sample(watch, &watch->end);
		if ((watch_growth(watch->begin.slab, watch->end.slab) < 1 &&
		     watch_growth(watch->begin.percpu, watch->end.percpu) < 1) ||
		    now_ns() > give_up || wait_a_tick())
			break;
	}
}
