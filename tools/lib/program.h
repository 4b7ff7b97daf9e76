/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the programs: how they begin and end, and the files that they write.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdio.h>

/* Exit statuses; INCOMPLETE: no error, but something that was asked for did not happen */
enum { CLEAN = 0, FAILED = 1, REFUSED = 2, INCOMPLETE = 3 };

/* If a program sets this, die() calls it before it prints */
extern void (*before_message)(void);

void program_begin(void);
int print_version(void);
__printf(2, 3) __noreturn
void die(int status, const char *format, ...);
FILE *create_output(const char *option, const char *path);
void check_output(FILE *file, const char *name);
void close_output(FILE *file, const char *name);

#endif /* PROGRAM_H */
