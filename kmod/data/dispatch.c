// SPDX-License-Identifier: GPL-2.0
/*
 * The table of requests and their dispatcher.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/stddef.h>

#include "compat/compat.h"
#include "data/handlers.h"

#define CREATE_TRACE_POINTS
#include "data/request_trace.h"

#define OUT	VEXFS_HANDLER_OUT
#define ALWAYS	(VEXFS_HANDLER_OUT | VEXFS_HANDLER_OUT_ALWAYS)
#define RESTART	VEXFS_HANDLER_RESTART
#define WAITS	VEXFS_HANDLER_WAITS
#define ASYNC	VEXFS_HANDLER_ASYNC

#define TIME_AT(type)		offsetof(struct type, kernel_ns)
#define DEADLINE_AT(type)	offsetof(struct type, deadline_ns)
#define PRIORITY_AT(type)	offsetof(struct type, priority)
#define COUNT_AT(type)		offsetof(struct type, count)

static const struct vexfs_handler handlers[] = {
	[_IOC_NR(VEXFS_IOC_INFO)] = {
		.cmd = VEXFS_IOC_INFO,
		.size = sizeof(struct vexfs_info),
		.kind = VEXFS_OP_INFO,
		.flags = OUT,
		.handle = vexfs_handle_info,
	},
	[_IOC_NR(VEXFS_IOC_CREATE)] = {
		.cmd = VEXFS_IOC_CREATE,
		.size = sizeof(struct vexfs_create),
		.kind = VEXFS_OP_CREATE,
		.flags = WAITS,
		.handle = vexfs_handle_create,
	},
	[_IOC_NR(VEXFS_IOC_ATTACH)] = {
		.cmd = VEXFS_IOC_ATTACH,
		.size = sizeof(struct vexfs_attach),
		.kind = VEXFS_OP_ATTACH,
		.flags = WAITS,
		.handle = vexfs_handle_attach,
	},
	[_IOC_NR(VEXFS_IOC_DROP)] = {
		.cmd = VEXFS_IOC_DROP,
		.size = sizeof(struct vexfs_drop),
		.kind = VEXFS_OP_DROP,
		.flags = WAITS,
		.handle = vexfs_handle_drop,
	},
	[_IOC_NR(VEXFS_IOC_LIST)] = {
		.cmd = VEXFS_IOC_LIST,
		.size = sizeof(struct vexfs_list),
		.kind = VEXFS_OP_LIST,
		.flags = OUT | WAITS,
		.handle = vexfs_handle_list,
	},
	[_IOC_NR(VEXFS_IOC_STAT)] = {
		.cmd = VEXFS_IOC_STAT,
		.size = sizeof(struct vexfs_stat),
		.kind = VEXFS_OP_INFO,
		.flags = OUT | WAITS,
		.handle = vexfs_handle_stat,
	},
	[_IOC_NR(VEXFS_IOC_SET)] = {
		.cmd = VEXFS_IOC_SET,
		.size = sizeof(struct vexfs_set),
		.kind = VEXFS_OP_SET,
		.flags = ALWAYS | WAITS,
		.handle = vexfs_handle_set,
	},
	[_IOC_NR(VEXFS_IOC_PUT)] = {
		.cmd = VEXFS_IOC_PUT,
		.size = sizeof(struct vexfs_put),
		.time_at = TIME_AT(vexfs_put),
		.deadline_at = DEADLINE_AT(vexfs_put),
		.priority_at = PRIORITY_AT(vexfs_put),
		.count_at = COUNT_AT(vexfs_put),
		.kind = VEXFS_OP_PUT,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_put,
	},
	[_IOC_NR(VEXFS_IOC_GET)] = {
		.cmd = VEXFS_IOC_GET,
		.size = sizeof(struct vexfs_get),
		.time_at = TIME_AT(vexfs_get),
		.deadline_at = DEADLINE_AT(vexfs_get),
		.priority_at = PRIORITY_AT(vexfs_get),
		.count_at = COUNT_AT(vexfs_get),
		.kind = VEXFS_OP_GET,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_get,
	},
	[_IOC_NR(VEXFS_IOC_DELETE)] = {
		.cmd = VEXFS_IOC_DELETE,
		.size = sizeof(struct vexfs_delete),
		.time_at = TIME_AT(vexfs_delete),
		.deadline_at = DEADLINE_AT(vexfs_delete),
		.priority_at = PRIORITY_AT(vexfs_delete),
		.count_at = COUNT_AT(vexfs_delete),
		.kind = VEXFS_OP_DELETE,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_delete,
	},
	[_IOC_NR(VEXFS_IOC_DISTANCE)] = {
		.cmd = VEXFS_IOC_DISTANCE,
		.size = sizeof(struct vexfs_distance),
		.time_at = TIME_AT(vexfs_distance),
		.deadline_at = DEADLINE_AT(vexfs_distance),
		.priority_at = PRIORITY_AT(vexfs_distance),
		.count_at = COUNT_AT(vexfs_distance),
		.kind = VEXFS_OP_DISTANCE,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_distance,
	},
	[_IOC_NR(VEXFS_IOC_WALK)] = {
		.cmd = VEXFS_IOC_WALK,
		.size = sizeof(struct vexfs_walk),
		.count_at = COUNT_AT(vexfs_walk),
		.kind = VEXFS_OP_WALK,
		.flags = OUT | ASYNC,
		.handle = vexfs_handle_walk,
	},
	[_IOC_NR(VEXFS_IOC_SEARCH)] = {
		.cmd = VEXFS_IOC_SEARCH,
		.size = sizeof(struct vexfs_search),
		.time_at = TIME_AT(vexfs_search),
		.deadline_at = DEADLINE_AT(vexfs_search),
		.priority_at = PRIORITY_AT(vexfs_search),
		.count_at = COUNT_AT(vexfs_search),
		.kind = VEXFS_OP_EXACT,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_search,
	},
	[_IOC_NR(VEXFS_IOC_CLASSIFY)] = {
		.cmd = VEXFS_IOC_CLASSIFY,
		.size = sizeof(struct vexfs_classify),
		.time_at = TIME_AT(vexfs_classify),
		.deadline_at = DEADLINE_AT(vexfs_classify),
		.priority_at = PRIORITY_AT(vexfs_classify),
		.kind = VEXFS_OP_CLASSIFY,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_classify,
	},
	[_IOC_NR(VEXFS_IOC_INDEX)] = {
		.cmd = VEXFS_IOC_INDEX,
		.size = sizeof(struct vexfs_index_req),
		.kind = VEXFS_OP_INDEX,
		.flags = ALWAYS | RESTART | WAITS,
		.handle = vexfs_handle_index,
	},
	[_IOC_NR(VEXFS_IOC_CHECK)] = {
		.cmd = VEXFS_IOC_CHECK,
		.size = sizeof(struct vexfs_check),
		.time_at = TIME_AT(vexfs_check),
		.kind = VEXFS_OP_CHECK,
		.flags = OUT | RESTART | WAITS,
		.handle = vexfs_handle_check,
	},
	[_IOC_NR(VEXFS_IOC_GRAPH_SAVE)] = {
		.cmd = VEXFS_IOC_GRAPH_SAVE,
		.size = sizeof(struct vexfs_graph_save),
		.kind = VEXFS_OP_INDEX,
		.flags = OUT,
		.handle = vexfs_handle_graph_save,
	},
	[_IOC_NR(VEXFS_IOC_GRAPH_LOAD)] = {
		.cmd = VEXFS_IOC_GRAPH_LOAD,
		.size = sizeof(struct vexfs_graph_load),
		.kind = VEXFS_OP_INDEX,
		.flags = ALWAYS | WAITS,
		.handle = vexfs_handle_graph_load,
	},
	[_IOC_NR(VEXFS_IOC_SERVED)] = {
		.cmd = VEXFS_IOC_SERVED,
		.size = sizeof(struct vexfs_served),
		.kind = VEXFS_OP_INFO,
		.flags = WAITS,
		.handle = vexfs_handle_served,
	},
	[_IOC_NR(VEXFS_IOC_STORAGE)] = {
		.cmd = VEXFS_IOC_STORAGE,
		.size = sizeof(struct vexfs_storage),
		.kind = VEXFS_OP_INFO,
		.flags = OUT | WAITS,
		.handle = vexfs_handle_storage,
	},
	[_IOC_NR(VEXFS_IOC_STREAM)] = {
		.cmd = VEXFS_IOC_STREAM,
		.size = sizeof(struct vexfs_stream_req),
		.kind = VEXFS_OP_ATTACH,
		.flags = OUT | WAITS,
		.handle = vexfs_handle_stream,
	},
	[_IOC_NR(VEXFS_IOC_ROWS)] = {
		.cmd = VEXFS_IOC_ROWS,
		.size = sizeof(struct vexfs_rows),
		.count_at = COUNT_AT(vexfs_rows),
		.kind = VEXFS_OP_GET,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_rows,
	},
	[_IOC_NR(VEXFS_IOC_ACK)] = {
		.cmd = VEXFS_IOC_ACK,
		.size = sizeof(struct vexfs_ack),
		.kind = VEXFS_OP_SET,
		.flags = WAITS,
		.handle = vexfs_handle_ack,
	},
	[_IOC_NR(VEXFS_IOC_WAIT)] = {
		.cmd = VEXFS_IOC_WAIT,
		.size = sizeof(struct vexfs_wait),
		.kind = VEXFS_OP_INFO,
		.flags = ALWAYS | WAITS,
		.handle = vexfs_handle_wait,
	},
	[_IOC_NR(VEXFS_IOC_RESTORED)] = {
		.cmd = VEXFS_IOC_RESTORED,
		.size = sizeof(struct vexfs_restored),
		.kind = VEXFS_OP_CREATE,
		.flags = OUT | WAITS,
		.handle = vexfs_handle_restored,
	},
	[_IOC_NR(VEXFS_IOC_NOP)] = {
		.cmd = VEXFS_IOC_NOP,
		.size = sizeof(struct vexfs_nop),
		.time_at = TIME_AT(vexfs_nop),
		.deadline_at = DEADLINE_AT(vexfs_nop),
		.priority_at = PRIORITY_AT(vexfs_nop),
		.kind = VEXFS_OP_INFO,
		.flags = ALWAYS | RESTART | ASYNC,
		.handle = vexfs_handle_nop,
	},
};

const struct vexfs_handler *vexfs_handler_find(u32 cmd)
{
	u32 nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(handlers))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(handlers));
	return handlers[nr].handle && handlers[nr].cmd == cmd ? &handlers[nr] : NULL;
}

/* Writes the structure back, with the time spent so far. */
static int request_answer(struct vexfs_request *r, int err)
{
	const struct vexfs_handler *h = r->handler;

	if (!(h->flags & (err ? VEXFS_HANDLER_OUT_ALWAYS : VEXFS_HANDLER_OUT)))
		return err;
	if (h->time_at)
		*(u64 *)((void *)&r->h + h->time_at) = vexfs_op_ns(&r->op);
	if (!vexfs_request_kernel(r) && vexfs_request_write(r, h->size))
		return -EFAULT;
	return err;
}

/* The collection that a request meant, if it had one. */
static struct vexfs_collection *collection_of(const struct vexfs_request *r)
{
	return r->client ? smp_load_acquire(&r->client->c) : NULL;
}

/* Counts an op in its collection. What it was is known when it has ended. */
static void count_in_collection(const struct vexfs_request *r, int err)
{
	static const u8 counted[VEXFS_OP_KINDS] = {
		[VEXFS_OP_PUT] = VEXFS_COUNTED_PUT,
		[VEXFS_OP_GET] = VEXFS_COUNTED_READ,
		[VEXFS_OP_DELETE] = VEXFS_COUNTED_DELETE,
		[VEXFS_OP_DISTANCE] = VEXFS_COUNTED_READ,
		[VEXFS_OP_WALK] = VEXFS_COUNTED_READ,
		[VEXFS_OP_EXACT] = VEXFS_COUNTED_SEARCH,
		[VEXFS_OP_RANGE] = VEXFS_COUNTED_SEARCH,
		[VEXFS_OP_EXACT_FILTERED] = VEXFS_COUNTED_SEARCH,
		[VEXFS_OP_GRAPH] = VEXFS_COUNTED_SEARCH,
		[VEXFS_OP_FILTERED] = VEXFS_COUNTED_SEARCH,
		[VEXFS_OP_BY_ID] = VEXFS_COUNTED_SEARCH,
		[VEXFS_OP_NEAR_DUP] = VEXFS_COUNTED_SEARCH,
		[VEXFS_OP_CLASSIFY] = VEXFS_COUNTED_SEARCH,
	};
	struct vexfs_collection *c = collection_of(r);

	if (c && READ_ONCE(vexfs_accounting))
		vexfs_collection_count(c, counted[r->op.kind], err < 0);
}

static noinline_for_stack void trace_start(const struct vexfs_request *r)
{
	const struct vexfs_collection *c = collection_of(r);

	if (c && r->handler->cmd == VEXFS_IOC_SEARCH)
		trace_vexfs_search_start(c->serial, c->name, r->h.search.count, r->h.search.k);
	else if (c && r->handler->cmd == VEXFS_IOC_CLASSIFY)
		trace_vexfs_search_start(c->serial, c->name, 1, r->h.classify.k);
}

static noinline_for_stack void trace_done(const struct vexfs_request *r, u64 ns, int err)
{
	const struct vexfs_collection *c = collection_of(r);
	const char *name = c ? c->name : "";
	u64 serial = c ? c->serial : 0;

	switch (r->handler->cmd) {
	case VEXFS_IOC_SEARCH:
	case VEXFS_IOC_CLASSIFY:
		trace_vexfs_search_done(serial, name, &r->op, ns, err);
		break;
	case VEXFS_IOC_PUT:
		trace_vexfs_put(serial, name, &r->op, ns, err);
		break;
	case VEXFS_IOC_DELETE:
		trace_vexfs_delete(serial, name, &r->op, ns, err);
		break;
	default:
		trace_vexfs_request_done(serial, name, &r->op, ns, err);
	}
}

static __always_inline bool traces_done(void)
{
	return trace_vexfs_search_done_enabled() || trace_vexfs_put_enabled() ||
	       trace_vexfs_delete_enabled() || trace_vexfs_request_done_enabled();
}

int vexfs_request_serve(struct vexfs_request *r)
{
	const struct vexfs_handler *h = r->handler;
	int err = 0;
	u64 ns;

	if ((r->flags & VEXFS_REQUEST_NONBLOCK) && (h->flags & VEXFS_HANDLER_WAITS))
		return -EAGAIN;
	vexfs_op_begin(&r->op, h->kind, 0, 0);
	r->op.timed = READ_ONCE(vexfs_accounting) && vexfs_timed_begin();
	if (!(r->flags & (VEXFS_REQUEST_KERNEL | VEXFS_REQUEST_READ)))
		err = vexfs_request_read(r, h->size);
	if (trace_vexfs_search_start_enabled() && !err)
		trace_start(r);
	if (!err) {
		err = h->handle(r);
		vexfs_direct_leave(&r->direct);
		/* a task with a ring often has work pending, which looks like a signal */
		if ((r->flags & VEXFS_REQUEST_NONBLOCK) && (err == -EAGAIN || err == -EINTR)) {
			vexfs_op_leave(&r->op);
			return -EAGAIN;
		}
		err = request_answer(r, err);
	}
	ns = vexfs_op_end(&r->op, err);
	count_in_collection(r, err);
	if (traces_done())
		trace_done(r, ns, err);
	return err;
}
