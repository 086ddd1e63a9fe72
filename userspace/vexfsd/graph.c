// SPDX-License-Identifier: GPL-2.0
/*
 * The links of a collection's graph, saved beside its rows and restored with them, so
 * that only missing nodes are built again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "vexfsd.h"

/* The first part of a saved graph; the other parts are nodes, as the kernel returned them. */
struct graph_first {
	uint32_t m;
	uint32_t ef_construction;
	uint32_t code;
	uint32_t scale;
};

static int save_parts(struct coll *k, int fd, struct store_graph *g, uint8_t *buf,
		      struct store_error *err)
{
	struct vexfs_graph_save s = { .buf = (uintptr_t)buf };
	bool first = true;
	int ret;

	do {
		s.len = STORE_PART_MAX;
		ret = KERNEL(fd, VEXFS_IOC_GRAPH_SAVE, &s);
		if (ret)
			return store_fail(err, ret, "the graph cannot be read: %s", strerror(-ret));
		if (first) {
			struct graph_first f = { s.m, s.ef_construction, s.code, s.scale };

			ret = store_graph_add(g, &f, sizeof(f), err);
			first = false;
		}
		if (!ret && s.len)
			ret = store_graph_add(g, buf, s.len, err);
		/* The main thread saves then, and nothing cancels that. */
		if (k->d->releasing)
			notify_alive();
		if (!ret && k->d->upkeep_ends && !k->d->releasing)
			ret = store_fail(err, EINTR, "the daemon ends");
	} while (!ret && s.cursor);
	return ret;
}

int graph_save(struct coll *k, struct store_error *err)
{
	uint64_t seq = store_durable_seq(k->c);
	int fd = kernel_attach(k->d->opts.device, k->serial, VEXFS_ATTACH_READ), ret;
	uint8_t *buf = malloc(STORE_PART_MAX);
	struct store_graph *g;
	struct store_meta meta;
	struct vexfs_stat st;

	ret = !buf ? -ENOMEM : fd < 0 ? fd : kernel_meta(fd, &meta, &st);
	if (ret)
		store_fail(err, ret, "%s", strerror(-ret));
	if (!ret && st.index == VEXFS_INDEX_NONE)
		ret = store_graph_forget(k->c, err);
	else if (!ret && st.index_state == VEXFS_INDEX_READY)
		ret = store_graph_begin(k->c, seq, &g, err);
	else
		goto out;
	if (!ret && st.index != VEXFS_INDEX_NONE) {
		ret = save_parts(k, fd, g, buf, err);
		if (ret)
			store_graph_abandon(g);
		else
			ret = store_graph_finish(g, err);
	}
	if (!ret)
		k->graph_seq = st.index == VEXFS_INDEX_NONE ? 0 : seq;
out:
	free(buf);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* How many changes a saved graph may lack: these vectors are inserted when it is loaded. */
bool graph_is_due(struct coll *k)
{
	struct store_info info;

	if (store_coll_meta(k->c)->index == VEXFS_INDEX_NONE)
		return k->graph_seq != 0;
	store_coll_info(k->c, &info);
	return info.seq - k->graph_seq > 1000 && info.seq - k->graph_seq > info.live / 8;
}

struct loading {
	int fd;
	const struct store_meta *meta;
	bool begun;
	uint64_t taken;
	int error;
};

static int begin(struct loading *l, const struct graph_first *f)
{
	struct vexfs_graph_load req = {
		.op = VEXFS_GRAPH_LOAD_BEGIN, .m = f->m, .ef_construction = f->ef_construction,
		.code = f->code, .scale = f->scale,
	};

	l->begun = true;
	return KERNEL(l->fd, VEXFS_IOC_GRAPH_LOAD, &req);
}

static int first_part(void *arg, const void *data, size_t len)
{
	struct loading *l = arg;
	struct graph_first f;

	if (len != sizeof(f))
		return -EUCLEAN;
	memcpy(&f, data, sizeof(f));
	l->error = begin(l, &f);
	return l->error ? l->error : 1;
}

/* Called before the collection is published; uses the saved graph, or its settings alone. */
int graph_begin(struct coll *k, int fd)
{
	const struct store_meta *m = store_coll_meta(k->c);
	struct graph_first f = { m->m, m->ef_construction, m->code, 0 };
	struct loading l = { .fd = fd, .meta = m };
	struct store_error err = { 0 };
	int ret;

	if (m->index == VEXFS_INDEX_NONE)
		return 0;
	ret = store_graph_read(k->c, first_part, &l, &err);
	if (ret < 0 && ret != -ENOENT)
		say(LOG_WARNING, "'%s': %s; the graph is built anew", m->name, err.text);
	return l.begun ? l.error : begin(&l, &f);
}

static int next_part(void *arg, const void *data, size_t len)
{
	struct loading *l = arg;
	struct vexfs_graph_load req = {
		.op = VEXFS_GRAPH_LOAD_NODES, .buf = (uintptr_t)data, .len = (uint32_t)len,
	};

	if (!l->begun) {
		l->begun = true;
		return 0;
	}
	l->error = KERNEL(l->fd, VEXFS_IOC_GRAPH_LOAD, &req);
	if (!l->error)
		l->taken += req.count;
	return l->error;
}

/*
 * A node is taken when one of its neighbours is in the graph, and the saved order is not always
 * one in which they come before it: nodes are offered again while that adds any.
 */
static int load_nodes(struct coll *k, struct loading *l, struct store_error *err)
{
	struct store_info info;
	uint64_t before;
	int ret;

	store_coll_info(k->c, &info);
	do {
		before = l->taken;
		l->begun = false;
		ret = store_graph_read(k->c, next_part, l, err);
	} while (!ret && l->taken > before && l->taken < info.live);
	return ret;
}

/* Called after it is published. Nodes that cannot be loaded are built. */
int graph_finish(struct coll *k, int fd)
{
	const struct store_meta *m = store_coll_meta(k->c);
	struct vexfs_graph_load req = { .op = VEXFS_GRAPH_LOAD_FINISH };
	struct loading l = { .fd = fd, .meta = m };
	struct store_error err = { 0 };
	int ret;

	if (m->index == VEXFS_INDEX_NONE)
		return 0;
	ret = load_nodes(k, &l, &err);
	if (ret && ret != -ENOENT)
		say(LOG_WARNING, "'%s': %s; the rest of the graph is built anew", m->name, err.text);
	ret = KERNEL(fd, VEXFS_IOC_GRAPH_LOAD, &req);
	if (ret)
		return ret;
	/* A saved graph that lacks vectors is saved again, even when nothing changes meanwhile. */
	k->graph_seq = req.left ? 0 : store_durable_seq(k->c);
	say(LOG_INFO, "'%s': %llu vectors are in the graph, %llu are being inserted", m->name,
	    (unsigned long long)req.nodes, (unsigned long long)req.left);
	return 0;
}

/* Nobody has changed the collection since: writers wait until it is attached to. */
void graph_continue(struct coll *k)
{
	int fd = kernel_attach(k->d->opts.device, k->serial,
			       VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE);
	struct store_meta meta;
	struct vexfs_stat st;

	if (fd < 0)
		return;
	if (!kernel_meta(fd, &meta, &st) && st.index_state == VEXFS_INDEX_STOPPED &&
	    graph_finish(k, fd))
		say(LOG_WARNING, "'%s' has no graph", store_coll_meta(k->c)->name);
	close(fd);
}
