// SPDX-License-Identifier: GPL-2.0
/*
 * For ThreadSanitizer: the addresses that represent RCU (tsan.h), and the reports to
 * suppress.
 *
 * list_empty_careful() may look at a list that other threads change under a lock, so
 * its reports are suppressed.
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
