// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of CPUs, and binding threads to CPUs.
 *
 * Only the kernel can tell which CPUs a thread may be bound to.  The current affinity is no
 * limit: taskset(1) and isolcpus= set it, but it may be changed.  A cpuset is a limit.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"
#include "number.h"
#include "program.h"

/*
 * Far more than the 8192 that Linux supports.  A mask may be longer than that of the
 * kernel, which refuses to fill in a shorter one.
 */
#define MAX_CPUS	65536

#define MASK_SETS	(MAX_CPUS / CPU_SETSIZE)

static void mask_to_list(const cpu_set_t *mask, unsigned int **cpus, unsigned int *nr)
{
	unsigned int cpu;

	*nr = 0;
	*cpus = calloc(CPU_COUNT_S(MASK_SETS * sizeof(*mask), mask), sizeof(**cpus));
	if (!*cpus)
		die(FAILED, "out of memory");
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (CPU_ISSET_S(cpu, MASK_SETS * sizeof(*mask), mask))
			(*cpus)[(*nr)++] = cpu;
	}
}

static void get_affinity(cpu_set_t *mask)
{
	memset(mask, 0, MASK_SETS * sizeof(*mask));
	if (sched_getaffinity(0, MASK_SETS * sizeof(*mask), mask))
		die(FAILED, "cannot read the CPU affinity: %s", strerror(errno));
}

/* Get the CPUs that this thread runs on unless it is bound to others */
void allowed_cpus(unsigned int **cpus, unsigned int *nr)
{
	cpu_set_t mask[MASK_SETS];

	get_affinity(mask);
	mask_to_list(mask, cpus, nr);
}

/* Parse a list like 0-3,5.  The result is sorted and has no duplicates. */
bool parse_cpus(const char *text, unsigned int **cpus, unsigned int *nr)
{
	uint64_t first, last;
	cpu_set_t mask[MASK_SETS];

	memset(mask, 0, sizeof(mask));
	do {
		if (!take_number(&text, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!take_number(&text, &last))
				return false;
		}
		if (first > last || last >= MAX_CPUS)
			return false;
		for (; first <= last; first++)
			CPU_SET_S(first, sizeof(mask), mask);
	} while (*text++ == ',');
	if (text[-1])
		return false;
	mask_to_list(mask, cpus, nr);
	return true;
}

const char *format_cpus(const unsigned int *cpus, unsigned int nr, char *text, size_t size)
{
	unsigned int i, last;
	size_t len = 0;

	text[0] = '\0';
	for (i = 0; i < nr && len < size; i = last + 1) {
		for (last = i; last + 1 < nr && cpus[last + 1] == cpus[last] + 1; last++)
			;
		len += snprintf(text + len, size - len, last > i ? "%s%u-%u" : "%s%u",
				i ? "," : "", cpus[i], cpus[last]);
	}
	if (len >= size)
		strcpy(text + size - 4, "...");
	return text;
}

/* Returns false if none of the CPUs is online and in the cpuset; async-signal-safe */
bool bind_to_cpus(const unsigned int *cpus, unsigned int nr)
{
	cpu_set_t mask[MASK_SETS];

	memset(mask, 0, sizeof(mask));
	while (nr--)
		CPU_SET_S(cpus[nr], sizeof(mask), mask);
	return !sched_setaffinity(0, sizeof(mask), mask);
}

bool bind_to_cpu(unsigned int cpu)
{
	return bind_to_cpus(&cpu, 1);
}

/* Die if this thread cannot be bound to each of the CPUs */
void check_cpus(const unsigned int *cpus, unsigned int nr)
{
	cpu_set_t before[MASK_SETS];
	unsigned int i;

	get_affinity(before);
	for (i = 0; i < nr; i++) {
		if (!bind_to_cpu(cpus[i]))
			die(REFUSED, "cannot run on CPU %u: absent, offline or not in the cpuset",
			    cpus[i]);
	}
	sched_setaffinity(0, sizeof(before), before);
}
