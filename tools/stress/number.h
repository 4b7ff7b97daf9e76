/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by dref-stress and dref-top: parsing and formatting of numbers, times and
 * lists of CPUs, and die() for fatal errors.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

/* Exit statuses */
enum { CLEAN = 0, FAILED = 1, REFUSED = 2 };

/* Defined by each program: print a message with the program's name, and exit */
__printf(2, 3)
noreturn void die(int status, const char *format, ...);

bool take_number(const char **text, uint64_t *value);
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
bool parse_duration(const char *text, uint64_t *ns);
bool parse_cpus(const char *text, unsigned int **cpus, unsigned int *nr);
void allowed_cpus(unsigned int **cpus, unsigned int *nr);
const char *format_cpus(const unsigned int *cpus, unsigned int nr, char *text, size_t size);
const char *format_rate(double rate, char *text, size_t size);
uint64_t next_random(uint64_t *state);
uint64_t now_ns(void);

#endif /* NUMBER_H */
