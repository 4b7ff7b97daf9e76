/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the programs: parsing and formatting of numbers and times.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

bool take_number(const char **text, uint64_t *value);
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
bool parse_duration(const char *text, uint64_t *ns);
const char *format_rate(double rate, char *text, size_t size);
uint64_t next_random(uint64_t *state);
uint64_t now_ns(void);

#endif /* NUMBER_H */
