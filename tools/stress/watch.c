// SPDX-License-Identifier: GPL-2.0
/*
 * What is seen from outside while a run goes on: the machine's memory, and what
 * dref says of itself.
 *
 * What the slab allocator keeps for the next one to come is given back before the
 * first look and before the last, so that these compare what is in use.  Memory
 * that has been freed by RCU comes back a little later, so the end waits for it,
 * but not for long: on a machine with other work it may never come.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define SAMPLE_NS	NSEC_PER_SEC
#define MAX_SAMPLES	4096		/* then every other one goes */
#define SETTLE_NS	(3 * NSEC_PER_SEC)

struct field {
	const char	*name;
	size_t		offset;
};

/* Set the fields that @path has lines of; "name: value" */
static void read_fields(const char *path, const struct field *fields, size_t nr,
			struct sample *sample)
{
	FILE *file = fopen(path, "re");
	char line[100], *value;
	size_t i;

	if (!file)
		return;
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
	read_fields(DREF_DEBUGFS "stats", stats, ARRAY_SIZE(stats), sample);
	read_value(DREF_DEBUGFS "max_deferred", &sample->max_deferred);
}

static void keep_most(uint64_t *most, uint64_t value)
{
	if (*most < value)
		*most = value;
}

static void take_most(struct sample *most, const struct sample *sample)
{
	keep_most(&most->slab, sample->slab);
	keep_most(&most->percpu, sample->percpu);
	keep_most(&most->deferred, sample->deferred);
	keep_most(&most->exact_live, sample->exact_live);
	keep_most(&most->slots_used, sample->slots_used);
	keep_most(&most->max_deferred, sample->max_deferred);
	keep_most(&most->gp_ns, sample->gp_ns);
	keep_most(&most->pass_ns, sample->pass_ns);
}

/* Before there is any object; the tunables are set.  @fixed: and stay so */
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

/* The workers begin now: time is counted from here */
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

void watch_look(struct watch *watch, const struct session *session)
{
	struct sample sample;
	double seconds;

	take_sample(watch, &sample);
	sample.steps = session_steps(session);
	sample.errors = __atomic_load_n(&session->errors, __ATOMIC_RELAXED);
	take_most(&watch->most, &sample);
	if (watch->fixed && sample.max_deferred && sample.slots_used > sample.max_deferred)
		watch->too_many = true;
	if (sample.ns - watch->last.ns < SAMPLE_NS)
		return;
	seconds = (double)(sample.ns - watch->last.ns) / NSEC_PER_SEC;
	record_sample(&sample, (sample.steps - watch->last.steps) / seconds);
	watch->last = sample;
	keep_sample(watch, &sample);
}

/* In percent of what was there before */
double watch_growth(uint64_t begin, uint64_t end)
{
	return begin ? 100.0 * ((double)end - (double)begin) / (double)begin : 0;
}

/* All objects are gone */
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
