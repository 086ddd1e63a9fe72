// SPDX-License-Identifier: GPL-2.0
/* The links of a collection's graph, in a segment of their own that is replaced as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

struct store_graph {
	struct store_coll *c;
	struct head head;	/* for names and sizes; its list of segments is borrowed */
	struct writer w;
	uint64_t seq;
};

int store_graph_begin(struct store_coll *c, uint64_t seq, struct store_graph **out,
		      struct store_error *err)
{
	struct store_graph *g = calloc(1, sizeof(*g));
	uint64_t number;
	int ret;

	*out = NULL;
	if (!g)
		return store_fail(err, ENOMEM, "no memory");
	if (c->s->opts.read_only) {
		free(g);
		return store_fail(err, EROFS, "the store was opened for reading");
	}
	pthread_mutex_lock(&c->upkeep);
	pthread_mutex_lock(&c->lock);
	g->head = c->head;
	number = c->head.next_number++;
	pthread_mutex_unlock(&c->lock);
	g->c = c;
	g->seq = seq;
	ret = segment_create(c->s->io, &g->head, SEGMENT_GRAPH, seq, &g->w, number, err);
	if (ret) {
		pthread_mutex_unlock(&c->upkeep);
		free(g);
		return ret;
	}
	*out = g;
	return 0;
}

int store_graph_add(struct store_graph *g, const void *data, size_t len, struct store_error *err)
{
	struct disk_frame f = {
		.type = FRAME_GRAPH, .first_seq = g->seq, .count = 1, .len = (uint32_t)len,
	};

	if (!len || len > STORE_PART_MAX)
		return store_fail(err, EINVAL, "a part of a graph has 1 to %u bytes",
				  STORE_PART_MAX);
	return writer_frame(g->c->s->io, &g->head, &g->w, &f, data, err);
}

static void unlink_segment(struct store_coll *c, uint64_t number)
{
	char name[80];

	segment_name(name, c->head.key, number);
	c->s->io->ops->unlink(c->s->io, name);
}

/* @ref replaces the previous graph. After an error the files of both stay. */
static int replace(struct store_coll *c, const struct disk_segref *ref, struct store_error *err)
{
	struct disk_segref old;
	struct head h;
	int ret;

	pthread_mutex_lock(&c->lock);
	h = c->head;
	old = h.graph;
	h.graph = *ref;
	ret = head_write(c->s->io, &h, err);
	if (!ret)
		c->head = h;
	pthread_mutex_unlock(&c->lock);
	if (!ret && old.number)
		unlink_segment(c, old.number);
	return ret;
}

static void release(struct store_graph *g)
{
	writer_close(g->c->s->io, &g->w);
	pthread_mutex_unlock(&g->c->upkeep);
	free(g);
}

int store_graph_finish(struct store_graph *g, struct store_error *err)
{
	int ret = writer_sync(g->c->s->io, &g->w);

	if (ret) {
		unlink_segment(g->c, g->w.ref.number);
		store_fail(err, ret, "the graph cannot be written: %s", strerror(-ret));
	} else {
		g->w.ref.bytes = g->w.flushed;
		g->w.ref.last_seq = g->seq;
		ret = replace(g->c, &g->w.ref, err);
	}
	release(g);
	return ret;
}

void store_graph_abandon(struct store_graph *g)
{
	unlink_segment(g->c, g->w.ref.number);
	release(g);
}

int store_graph_forget(struct store_coll *c, struct store_error *err)
{
	struct disk_segref none = { 0 };
	int ret = 0;

	pthread_mutex_lock(&c->upkeep);
	if (c->head.graph.number)
		ret = replace(c, &none, err);
	pthread_mutex_unlock(&c->upkeep);
	return ret;
}

int store_graph_read(struct store_coll *c, int (*fn)(void *arg, const void *data, size_t len),
		     void *arg, struct store_error *err)
{
	struct disk_segref ref;
	struct store_file *f;
	struct cursor cur;
	struct frame frame;
	int ret;

	pthread_mutex_lock(&c->upkeep);
	ref = c->head.graph;
	ret = ref.number ? segment_open(c->s->io, &c->head, &ref, &f, err) :
		store_fail(err, ENOENT, "no graph is stored");
	if (ret) {
		pthread_mutex_unlock(&c->upkeep);
		return ret;
	}
	ret = cursor_begin(&cur, c->s->io, f, &c->head, ref.nonce, ref.bytes);
	while (!ret && (ret = cursor_next(&cur, &frame)) == 1)
		ret = frame.h.type == FRAME_GRAPH ? fn(arg, frame.payload, frame.h.len) : -EUCLEAN;
	if (ret == -EUCLEAN)
		store_fail(err, ret, "the graph is damaged at byte %llu: %s",
			   (unsigned long long)cur.off, cur.why ? cur.why : "it has a frame of another kind");
	else if (ret < 0)
		store_fail(err, ret, "the graph cannot be read: %s", strerror(-ret));
	cursor_end(&cur);
	c->s->io->ops->close(c->s->io, f);
	pthread_mutex_unlock(&c->upkeep);
	return ret;
}
