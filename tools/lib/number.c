// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing and formatting of numbers and times.
 *
 * A parser refuses text that it does not understand completely: a run with an
 * option that was half understood would test something else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "number.h"

/* Parse the number at the start of *text, and advance *text past it */
bool take_number(const char **text, uint64_t *value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return !errno;
}

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	return take_number(&text, value) && !*text && *value >= min && *value <= max;
}

/* 10, 10s, 500ms, 5m or 2h; at most a year */
bool parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char	*suffix;
		uint64_t	ns;
	} units[] = {
		{ "",	NSEC_PER_SEC },
		{ "ms",	NSEC_PER_MSEC },
		{ "s",	NSEC_PER_SEC },
		{ "m",	60 * NSEC_PER_SEC },
		{ "h",	3600 * NSEC_PER_SEC },
	};
	uint64_t value, year = 365 * 24 * 3600 * NSEC_PER_SEC;
	size_t i;

	if (!take_number(&text, &value) || !value)
		return false;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text, units[i].suffix) || value > year / units[i].ns)
			continue;
		*ns = value * units[i].ns;
		return true;
	}
	return false;
}

/* Format @rate with three digits and a unit prefix */
const char *format_rate(double rate, char *text, size_t size)
{
	static const char * const units[] = { "", " k", " M", " G" };
	size_t unit = 0;

	while (rate >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		rate /= 1000;
		unit++;
	}
	snprintf(text, size, "%.*f%s", rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0, rate,
		 units[unit]);
	return text;
}

/* splitmix64 (Steele, Lea and Flood, OOPSLA 2014): near seeds give unrelated numbers */
uint64_t next_random(uint64_t *state)
{
	uint64_t number = *state += 0x9e3779b97f4a7c15ULL;

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9ULL;
	number = (number ^ number >> 27) * 0x94d049bb133111ebULL;
	return number ^ number >> 31;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}
