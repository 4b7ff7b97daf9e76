/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints that are always off: each is an empty function with the parameters that
 * the tracepoint has in the kernel.
 */
#ifndef SHIM_TRACEPOINT_H
#define SHIM_TRACEPOINT_H

#define TP_PROTO(...)		__VA_ARGS__
#define TP_ARGS(...)
#define TP_STRUCT__entry(...)
#define TP_fast_assign(...)
#define TP_printk(...)

#define TRACE_EVENT(name, proto, ...)			static inline void trace_##name(proto) { }
#define DECLARE_EVENT_CLASS(name, proto, ...)		_Static_assert(1, #name)
#define DEFINE_EVENT(class, name, proto, ...)		static inline void trace_##name(proto) { }

#endif /* SHIM_TRACEPOINT_H */
