/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoint of the bridge: a run that several ops shared. It is enabled under
 * events/vexfs in tracefs.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vexfs

#if !defined(_VEXFS_BRIDGE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VEXFS_BRIDGE_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(vexfs_bridge_run,
	TP_PROTO(u64 collection, u32 priority, u32 members, u32 queries, u64 ns, int err),
	TP_ARGS(collection, priority, members, queries, ns, err),
	TP_STRUCT__entry(
		__field(u64, collection)
		__field(u32, priority)
		__field(u32, members)
		__field(u32, queries)
		__field(u64, ns)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->collection = collection;
		__entry->priority = priority;
		__entry->members = members;
		__entry->queries = queries;
		__entry->ns = ns;
		__entry->err = err;
	),
	TP_printk("collection=%llu priority=%u members=%u queries=%u ns=%llu err=%d",
		  __entry->collection, __entry->priority, __entry->members, __entry->queries,
		  __entry->ns, __entry->err)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE bridge_trace
#include <trace/define_trace.h>
