// SPDX-License-Identifier: GPL-2.0
/*
 * Defines the tracepoints of include/trace/events/dref.h.
 *
 * A tracepoint that is off is a no-op of five bytes.  The paths that must not have one
 * instruction more because of tracing contain no tracepoint.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/string.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dref.h>
