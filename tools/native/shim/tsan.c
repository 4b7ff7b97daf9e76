// SPDX-License-Identifier: GPL-2.0
/*
 * For ThreadSanitizer: the addresses that stand for RCU (tsan.h), and what it
 * reports that is the kernel's way of doing things.
 *
 * list_empty_careful() looks at a list that others change under a lock.  That it
 * may is what it is there for.
 */
#ifdef __SANITIZE_THREAD__

#include "tsan.h"

char tsan_gp_begun, tsan_readers, tsan_tasks;

const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race:^list_empty_careful$\n";
}

#endif /* __SANITIZE_THREAD__ */
