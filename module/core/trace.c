// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints (include/trace/events/dref.h) are made here, once.
 *
 * They are static keys: one that is off is a no-op of five bytes, and where no
 * instruction more is allowed, there is none.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/string.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dref.h>
