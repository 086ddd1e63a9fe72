/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the pools and of the stack budget: every allocation and every free, what
 * the slab allocator had to serve, and ops that went too deep. Off unless somebody asks
 * (events/vexfs in tracefs).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vexfs

#if !defined(_VEXFS_POOL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VEXFS_POOL_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>

TRACE_EVENT(vexfs_pool_alloc,
	TP_PROTO(unsigned long caller, const void *p, size_t size, unsigned int tier, gfp_t gfp),
	TP_ARGS(caller, p, size, tier, gfp),
	TP_STRUCT__entry(
		__field(unsigned long, caller)
		__field(const void *, p)
		__field(size_t, size)
		__field(unsigned int, tier)
		__field(unsigned long, gfp)
	),
	TP_fast_assign(
		__entry->caller = caller;
		__entry->p = p;
		__entry->size = size;
		__entry->tier = tier;
		__entry->gfp = (__force unsigned long)gfp;
	),
	TP_printk("caller=%pS p=%p size=%zu tier=%u gfp=0x%lx", (void *)__entry->caller,
		  __entry->p, __entry->size, __entry->tier, __entry->gfp)
);

TRACE_EVENT(vexfs_pool_free,
	TP_PROTO(unsigned long caller, const void *p, size_t size, unsigned int tier),
	TP_ARGS(caller, p, size, tier),
	TP_STRUCT__entry(
		__field(unsigned long, caller)
		__field(const void *, p)
		__field(size_t, size)
		__field(unsigned int, tier)
	),
	TP_fast_assign(
		__entry->caller = caller;
		__entry->p = p;
		__entry->size = size;
		__entry->tier = tier;
	),
	TP_printk("caller=%pS p=%p size=%zu tier=%u", (void *)__entry->caller, __entry->p,
		  __entry->size, __entry->tier)
);

TRACE_EVENT(vexfs_pool_miss,
	TP_PROTO(const char *tier, size_t size),
	TP_ARGS(tier, size),
	TP_STRUCT__entry(
		__array(char, tier, 16)
		__field(u64, size)
	),
	TP_fast_assign(
		strscpy_pad(__entry->tier, tier, sizeof(__entry->tier));
		__entry->size = size;
	),
	TP_printk("tier=%s size=%llu", __entry->tier, __entry->size)
);

TRACE_EVENT(vexfs_stack_violation,
	TP_PROTO(const char *op, u32 depth, u32 limit),
	TP_ARGS(op, depth, limit),
	TP_STRUCT__entry(
		__array(char, op, 16)
		__field(u32, depth)
		__field(u32, limit)
	),
	TP_fast_assign(
		strscpy_pad(__entry->op, op ?: "", sizeof(__entry->op));
		__entry->depth = depth;
		__entry->limit = limit;
	),
	TP_printk("op=%s depth=%u limit=%u", __entry->op, __entry->depth, __entry->limit)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE pool_trace
#include <trace/define_trace.h>
