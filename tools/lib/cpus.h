/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the programs: lists of CPUs, and binding threads to CPUs.
 */
#ifndef CPUS_H
#define CPUS_H

#include <stdbool.h>
#include <stddef.h>

void allowed_cpus(unsigned int **cpus, unsigned int *nr);
bool parse_cpus(const char *text, unsigned int **cpus, unsigned int *nr);
const char *format_cpus(const unsigned int *cpus, unsigned int nr, char *text, size_t size);
bool bind_to_cpus(const unsigned int *cpus, unsigned int nr);
bool bind_to_cpu(unsigned int cpu);
void check_cpus(const unsigned int *cpus, unsigned int nr);

#endif /* CPUS_H */
