/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of requests: when a search begins, and what each request was and cost once
 * it has been answered. Fields have fixed places and no address is among them. Off unless
 * somebody asks (events/vexfs in tracefs).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vexfs

#if !defined(_VEXFS_REQUEST_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VEXFS_REQUEST_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>

#include "data/request.h"

TRACE_EVENT(vexfs_search_start,
	TP_PROTO(u64 serial, const char *collection, u32 queries, u32 k),
	TP_ARGS(serial, collection, queries, k),
	TP_STRUCT__entry(
		__field(u64, serial)
		__array(char, collection, VEXFS_NAME_SIZE)
		__field(u32, queries)
		__field(u32, k)
	),
	TP_fast_assign(
		__entry->serial = serial;
		strscpy_pad(__entry->collection, collection, VEXFS_NAME_SIZE);
		__entry->queries = queries;
		__entry->k = k;
	),
	TP_printk("serial=%llu collection=%s queries=%u k=%u", __entry->serial,
		  __entry->collection, __entry->queries, __entry->k)
);

DECLARE_EVENT_CLASS(vexfs_answered,
	TP_PROTO(u64 serial, const char *collection, const struct vexfs_op *o, u64 ns, int err),
	TP_ARGS(serial, collection, o, ns, err),
	TP_STRUCT__entry(
		__field(u64, serial)
		__field(u64, ns)
		__field(u64, distances)
		__field(u64, bytes_in)
		__field(u64, bytes_out)
		__field(u32, items)
		__field(s32, err)
		__array(char, op, 16)
		__array(char, collection, VEXFS_NAME_SIZE)
	),
	TP_fast_assign(
		__entry->serial = serial;
		__entry->ns = ns;
		__entry->distances = o->distances;
		__entry->bytes_in = o->bytes_in;
		__entry->bytes_out = o->bytes_out;
		__entry->items = o->items;
		__entry->err = err;
		strscpy_pad(__entry->op, vexfs_op_name(o->kind) ?: "", sizeof(__entry->op));
		strscpy_pad(__entry->collection, collection, VEXFS_NAME_SIZE);
	),
	TP_printk("op=%s serial=%llu collection=%s items=%u ns=%llu distances=%llu in=%llu out=%llu err=%d",
		  __entry->op, __entry->serial, __entry->collection, __entry->items, __entry->ns,
		  __entry->distances, __entry->bytes_in, __entry->bytes_out, __entry->err)
);

#define VEXFS_ANSWERED(name)								\
DEFINE_EVENT(vexfs_answered, name,							\
	TP_PROTO(u64 serial, const char *collection, const struct vexfs_op *o, u64 ns, int err), \
	TP_ARGS(serial, collection, o, ns, err))

VEXFS_ANSWERED(vexfs_search_done);
VEXFS_ANSWERED(vexfs_put);
VEXFS_ANSWERED(vexfs_delete);
/* Everything else. */
VEXFS_ANSWERED(vexfs_request_done);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE request_trace
#include <trace/define_trace.h>
