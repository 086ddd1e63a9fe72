// SPDX-License-Identifier: GPL-2.0
/*
 * KEY.head: the settings of a collection and the list of its segments. The file is
 * replaced as a whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "private.h"

void head_name(char name[80], uint64_t key)
{
	snprintf(name, 80, "%016" PRIx64 ".head", key);
}

size_t meta_encode(const struct store_meta *m, uint8_t *to)
{
	struct disk_meta d = {
		.dim = m->dim, .type = m->type, .metric = m->metric, .index = m->index,
		.durability = m->durability, .mode = m->mode, .uid = m->uid, .gid = m->gid,
		.attr_size = m->attr_size, .capacity = m->capacity, .m = m->m,
		.ef_construction = m->ef_construction, .code = m->code,
		.row_bytes = m->row_bytes, .created = m->created, .user_ns = m->user_ns,
		.window_ms = m->window_ms, .layout_len = m->layout_len,
	};

	memcpy(d.name, m->name, sizeof(d.name));
	memcpy(to, &d, sizeof(d));
	memcpy(to + sizeof(d), m->layout, m->layout_len);
	return sizeof(d) + m->layout_len;
}

int meta_decode(const uint8_t *from, size_t len, struct store_meta *m)
{
	struct disk_meta d;

	if (len < sizeof(d))
		return -EUCLEAN;
	memcpy(&d, from, sizeof(d));
	if (d.layout_len > STORE_LAYOUT_MAX || len != sizeof(d) + d.layout_len ||
	    memchr(d.name, 0, sizeof(d.name)) == NULL || !d.name[0] || !d.row_bytes ||
	    d.row_bytes > FRAME_MAX / 2 || d.attr_size > 4096)
		return -EUCLEAN;
	*m = (struct store_meta) {
		.dim = d.dim, .type = d.type, .metric = d.metric, .index = d.index,
		.durability = d.durability, .mode = d.mode, .uid = d.uid, .gid = d.gid,
		.attr_size = d.attr_size, .capacity = d.capacity, .m = d.m,
		.ef_construction = d.ef_construction, .code = d.code,
		.row_bytes = d.row_bytes, .created = d.created, .user_ns = d.user_ns,
		.window_ms = d.window_ms, .layout_len = d.layout_len,
	};
	memcpy(m->name, d.name, sizeof(m->name));
	memcpy(m->layout, from + sizeof(d), d.layout_len);
	m->layout[d.layout_len] = 0;
	return 0;
}

static uint32_t head_crc(const struct disk_head *d, const uint8_t *rest, size_t len)
{
	struct disk_head copy = *d;

	copy.begin.crc = 0;
	return crc32c(crc32c(0, &copy, sizeof(copy)), rest, len);
}

/* Checks the list: numbers below the next number, no gap between sequence numbers. */
static bool list_ok(const struct head *h)
{
	const struct disk_segref *g = &h->graph;
	uint64_t seq = 0;

	if (g->number && (g->number >= h->next_number || g->flags != SEGMENT_GRAPH ||
			  g->bytes < SEGMENT_DATA || g->bytes % FRAME_ALIGN ||
			  g->bytes > INT64_MAX))
		return false;
	for (uint32_t i = 0; i < h->segments; i++) {
		const struct disk_segref *r = &h->segs[i];

		if (r->number >= h->next_number || (r->flags & ~SEGMENT_BASE))
			return false;
		if (!r->bytes && i + 1 < h->segments)
			return false;
		if (r->bytes && (r->bytes < SEGMENT_DATA || r->bytes % FRAME_ALIGN ||
				 r->bytes > INT64_MAX))
			return false;
		if (r->flags & SEGMENT_BASE) {
			if (!r->bytes || r->first_seq != r->last_seq || (i && r->first_seq != seq) ||
			    (i && !(r[-1].flags & SEGMENT_BASE)))
				return false;
			seq = r->last_seq;
			continue;
		}
		if ((i && r->first_seq != seq + 1) || !r->first_seq ||
		    (r->bytes && r->last_seq < r->first_seq - 1))
			return false;
		seq = r->bytes ? r->last_seq : r->first_seq - 1;
	}
	return !h->segments || seq == h->seq;
}

static int head_decode(const uint8_t *data, size_t len, const char *name, bool write,
		       struct head *h, struct store_error *err)
{
	struct disk_head d;
	int ret;

	if (len < sizeof(d))
		return store_fail(err, EUCLEAN, "%s is cut short: %zu bytes", name, len);
	memcpy(&d, data, sizeof(d));
	ret = begin_check(&d.begin, MAGIC_HEAD, head_crc(&d, data + sizeof(d), len - sizeof(d)),
			  write, name, err);
	if (ret)
		return ret;
	if (d.segments > LIST_MAX || d.meta_len > META_MAX ||
	    len != sizeof(d) + d.meta_len + d.segments * sizeof(*h->segs) ||
	    meta_decode(data + sizeof(d), d.meta_len, &h->meta))
		return store_fail(err, EUCLEAN, "%s: invalid lengths or settings", name);
	if (d.flags & ~(HEAD_DROPPED | HEAD_PARTIAL))
		return store_fail(err, EUCLEAN, "%s: unknown flags %#x", name, d.flags);
	if (d.key != h->key)
		return store_fail(err, EUCLEAN, "%s belongs to another collection", name);
	h->generation = d.generation;
	h->next_number = d.next_number;
	h->seq = d.seq;
	h->flags = d.flags;
	h->live = d.live;
	h->segments = d.segments;
	h->graph = d.graph;
	h->segs = calloc(d.segments + 1u, sizeof(*h->segs));
	if (!h->segs)
		return store_fail(err, ENOMEM, "no memory for a list of %u segments", d.segments);
	memcpy(h->segs, data + sizeof(d) + d.meta_len, d.segments * sizeof(*h->segs));
	if (!list_ok(h))
		return store_fail(err, EUCLEAN, "%s: invalid list of segments", name);
	return 0;
}

int head_read(struct store_io *io, uint64_t key, bool write, struct head *h,
	      struct store_error *err)
{
	char name[80];
	void *data;
	size_t len;
	int ret;

	memset(h, 0, sizeof(*h));
	h->key = key;
	head_name(name, key);
	ret = store_slurp(io, name, sizeof(struct disk_head) + META_MAX +
			  LIST_MAX * sizeof(struct disk_segref), &data, &len);
	if (ret)
		return store_fail(err, ret, "%s: %s", name, strerror(-ret));
	ret = head_decode(data, len, name, write, h, err);
	free(data);
	if (ret)
		head_free(h);
	return ret;
}

int head_write(struct store_io *io, struct head *h, struct store_error *err)
{
	size_t list = h->segments * sizeof(*h->segs), len;
	struct disk_head d = {
		.key = h->key, .generation = h->generation + 1, .next_number = h->next_number,
		.seq = h->seq, .live = h->live, .segments = h->segments,
		.flags = h->flags, .graph = h->graph,
	};
	uint8_t *data = malloc(sizeof(d) + META_MAX + list);
	char name[80];
	int ret;

	if (!data)
		return store_fail(err, ENOMEM, "no memory for a list of %u segments", h->segments);
	if (h->segments > LIST_MAX) {
		free(data);
		return store_fail(err, EFBIG, "more than %u segments; compact the store", LIST_MAX);
	}
	begin_make(&d.begin, MAGIC_HEAD);
	d.meta_len = (uint32_t)meta_encode(&h->meta, data + sizeof(d));
	memcpy(data + sizeof(d) + d.meta_len, h->segs, list);
	len = sizeof(d) + d.meta_len + list;
	d.begin.crc = head_crc(&d, data + sizeof(d), len - sizeof(d));
	memcpy(data, &d, sizeof(d));
	head_name(name, h->key);
	ret = store_replace(io, name, data, len);
	free(data);
	if (ret)
		return store_fail(err, ret, "%s cannot be written: %s", name, strerror(-ret));
	h->generation++;
	return 0;
}

struct segments_of {
	char prefix[20];
	char (*names)[80];
	size_t n;
};

static int collect(void *arg, const char *name)
{
	struct segments_of *of = arg;
	char (*names)[80];

	if (strncmp(name, of->prefix, strlen(of->prefix)) || strlen(name) >= sizeof(*names))
		return 0;
	names = realloc(of->names, (of->n + 1) * sizeof(*names));
	if (!names)
		return -ENOMEM;
	of->names = names;
	strcpy(names[of->n++], name);
	return 0;
}

/* Removes all segments of a collection, including those that an earlier failure left. */
static int unlink_segments(struct store_io *io, uint64_t key)
{
	struct segments_of of = { .names = NULL };
	int ret;

	snprintf(of.prefix, sizeof(of.prefix), "%016" PRIx64 "-", key);
	ret = io->ops->list(io, collect, &of);
	for (size_t i = 0; !ret && i < of.n; i++)
		ret = io->ops->unlink(io, of.names[i]);
	free(of.names);
	return ret;
}

/*
 * Drops a collection. The list is marked first, so that the leftovers of an interrupted
 * drop are known to be invalid; then the files are removed. On a full disk there is no room
 * for the mark, and to drop something is what helps: then the list goes first, and leftovers
 * are segments without a list, which the checker reports.
 */
int head_remove(struct store_io *io, struct head *h, struct store_error *err)
{
	char name[80];
	int ret;

	head_name(name, h->key);
	h->flags |= HEAD_DROPPED;
	ret = head_write(io, h, err);
	if (ret == -ENOSPC || ret == -EDQUOT) {
		ret = io->ops->unlink(io, name);
		/* an earlier attempt has come further */
		if (!ret || ret == -ENOENT)
			ret = io->ops->syncdir(io);
		if (!ret)
			ret = unlink_segments(io, h->key);
		if (!ret)
			ret = io->ops->syncdir(io);
		return ret ? store_fail(err, ret, "%s cannot be removed: %s", name,
					strerror(-ret)) : 0;
	}
	if (ret) {
		h->flags &= ~HEAD_DROPPED;
		return ret;
	}
	ret = unlink_segments(io, h->key);
	if (!ret)
		ret = io->ops->syncdir(io);
	if (!ret)
		ret = io->ops->unlink(io, name);
	if (!ret)
		ret = io->ops->syncdir(io);
	return ret ? store_fail(err, ret, "%s cannot be removed: %s", name, strerror(-ret)) : 0;
}

void head_free(struct head *h)
{
	free(h->segs);
	h->segs = NULL;
	h->segments = 0;
}
