// SPDX-License-Identifier: GPL-2.0
/* Segment files: creating, opening, and appending frames. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "private.h"

#define FLUSH_AT	(1u << 20)
#define AHEAD_MIN	(256u << 10)
#define AHEAD_MAX	(32u << 20)

void segment_name(char name[80], uint64_t key, uint64_t number)
{
	snprintf(name, 80, "%016" PRIx64 "-%08" PRIx64 ".seg", key, number);
}

static uint32_t segment_crc(const struct disk_segment *d)
{
	struct disk_segment copy = *d;

	copy.begin.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

int segment_create(struct store_io *io, const struct head *h, uint32_t flags, uint64_t first_seq,
		   struct writer *w, uint64_t number, struct store_error *err)
{
	struct disk_segment d = {
		.key = h->key, .number = number, .first_seq = first_seq,
		.row_bytes = h->meta.row_bytes, .attr_size = h->meta.attr_size, .flags = flags,
	};
	uint8_t begin[SEGMENT_DATA] = { 0 };
	char name[80];
	int ret;

	memset(w, 0, sizeof(*w));
	ret = io->ops->random(io, &d.nonce, sizeof(d.nonce));
	begin_make(&d.begin, MAGIC_SEGMENT);
	d.begin.crc = segment_crc(&d);
	memcpy(begin, &d, sizeof(d));
	segment_name(name, h->key, number);
	if (!ret)
		ret = io->ops->open(io, name, STORE_CREATE, &w->f);
	if (!ret) {
		ret = store_write_all(io, w->f, begin, sizeof(begin), 0);
		if (!ret)
			ret = io->ops->datasync(io, w->f);
		if (ret) {
			io->ops->close(io, w->f);
			w->f = NULL;
			io->ops->unlink(io, name);
		}
	}
	if (ret)
		return store_fail(err, ret, "%s cannot be made: %s", name, strerror(-ret));
	w->ref = (struct disk_segref) {
		.number = number, .nonce = d.nonce, .first_seq = first_seq, .flags = flags,
	};
	w->written = w->flushed = w->allocated = SEGMENT_DATA;
	return 0;
}

int segment_open(struct store_io *io, const struct head *h, const struct disk_segref *ref,
		 struct store_file **f, struct store_error *err)
{
	struct disk_segment d;
	char name[80];
	int64_t size;
	int ret;

	segment_name(name, h->key, ref->number);
	ret = io->ops->open(io, name, STORE_READ, f);
	if (ret)
		return store_fail(err, ret == -ENOENT ? EUCLEAN : ret, "%s: %s", name,
				  ret == -ENOENT ? "the segment is missing" : strerror(-ret));
	ret = store_read_all(io, *f, &d, sizeof(d), 0);
	if (ret == -ENODATA)
		ret = store_fail(err, EUCLEAN, "%s is cut short", name);
	else if (ret)
		ret = store_fail(err, ret, "%s: %s", name, strerror(-ret));
	else
		ret = begin_check(&d.begin, MAGIC_SEGMENT, segment_crc(&d), false, name, err);
	if (!ret && (d.key != h->key || d.number != ref->number || d.nonce != ref->nonce ||
		     d.row_bytes != h->meta.row_bytes || d.attr_size != h->meta.attr_size))
		ret = store_fail(err, EUCLEAN, "%s is not the segment that the list names", name);
	size = ret ? 0 : io->ops->size(io, *f);
	if (size < 0)
		ret = store_fail(err, (int)size, "%s: %s", name, strerror((int)-size));
	else if (!ret && (uint64_t)size < ref->bytes)
		ret = store_fail(err, EUCLEAN, "%s is cut short: %" PRId64 " bytes of %" PRIu64,
				 name, size, ref->bytes);
	if (ret) {
		io->ops->close(io, *f);
		*f = NULL;
	}
	return ret;
}

/* Space is allocated in advance, so that a full disk is noticed early and files are contiguous. */
static int allocate(struct store_io *io, struct writer *w, uint64_t upto)
{
	uint64_t ahead;
	int ret;

	if (upto <= w->allocated)
		return 0;
	ahead = w->allocated < AHEAD_MIN ? AHEAD_MIN :
		w->allocated > AHEAD_MAX ? AHEAD_MAX : w->allocated;
	ret = io->ops->allocate(io, w->f, w->allocated, upto - w->allocated + ahead);
	if (!ret) {
		w->allocated = upto + ahead;
		return 0;
	}
	/* A disk that is nearly full may still have space for the data itself. */
	if (ret == -ENOSPC || ret == -EDQUOT) {
		ret = io->ops->allocate(io, w->f, w->allocated, upto - w->allocated);
		if (!ret)
			w->allocated = upto;
	}
	return ret;
}

int writer_flush(struct store_io *io, struct writer *w)
{
	int ret;

	if (!w->used)
		return 0;
	ret = allocate(io, w, w->written + w->used);
	if (!ret)
		ret = store_write_all(io, w->f, w->buf, w->used, w->written);
	if (ret)
		return ret;
	w->written += w->used;
	w->used = 0;
	return 0;
}

int writer_sync(struct store_io *io, struct writer *w)
{
	int ret = writer_flush(io, w);

	if (ret || w->flushed == w->written)
		return ret;
	ret = io->ops->datasync(io, w->f);
	if (!ret)
		w->flushed = w->written;
	return ret;
}

int writer_reserve(struct store_io *io, struct writer *w, size_t len, uint8_t **to)
{
	size_t need = frame_padded(len);
	int ret;

	if (w->used && w->used + need > FLUSH_AT) {
		ret = writer_flush(io, w);
		if (ret)
			return ret;
	}
	if (w->used + need > w->room) {
		size_t room = need > FLUSH_AT ? need : FLUSH_AT;
		uint8_t *buf = realloc(w->buf, room);

		if (!buf)
			return -ENOMEM;
		w->buf = buf;
		w->room = room;
	}
	*to = w->buf + w->used;
	return 0;
}

/* Copies @n bytes and pads to a multiple of 8. */
static uint8_t *part(uint8_t *to, const void *from, size_t n)
{
	if (n)
		memcpy(to, from, n);
	to += n;
	while (n++ & 7)
		*to++ = 0;
	return to;
}

static int append_frame(struct store_io *io, const struct head *h, struct writer *w,
			const struct store_rows *r, enum frame_type type)
{
	uint32_t attr = h->meta.attr_size, row = h->meta.row_bytes;
	size_t len = frame_bytes(type, r->count, r->puts, attr, row);
	size_t padded = frame_padded(len);
	struct disk_frame f = {
		.type = (uint16_t)type, .nonce = w->ref.nonce, .first_seq = r->first_seq,
		.count = r->count, .puts = r->puts, .len = (uint32_t)len, .flushed = w->flushed,
	};
	uint8_t *to, *payload, *at;
	int ret;

	if (!len)
		return -E2BIG;
	ret = writer_reserve(io, w, len, &to);
	if (ret)
		return ret;
	payload = to + sizeof(f);
	at = part(payload, r->ids, (size_t)r->count * 8);
	at = part(at, r->ops, r->count);
	if (type == FRAME_ROWS)
		at = part(at, r->seqs, (size_t)r->count * 8);
	at = part(at, r->attrs, (size_t)r->puts * attr);
	at = part(at, r->vectors, (size_t)r->puts * row);
	memset(at, 0, (size_t)(to + padded - at));
	frame_seal(&f, payload);
	memcpy(to, &f, sizeof(f));
	w->used += padded;
	w->ref.puts += r->puts;
	return 0;
}

/* A frame has rows of about FRAME_TARGET bytes, at least one row. */
int append_rows(struct store_io *io, const struct head *h, struct writer *w,
		const struct store_rows *rows, enum frame_type type)
{
	uint32_t attr = h->meta.attr_size, row = h->meta.row_bytes;
	struct store_rows left = *rows, now;
	int ret = 0;

	while (!ret && left.count) {
		now = left;
		now.count = now.puts = 0;
		while (now.count < left.count) {
			bool put = left.ops[now.count] != STORE_DELETE;
			size_t len = frame_bytes(type, now.count + 1u, now.puts + put, attr, row);

			if (now.count && (!len || len > FRAME_TARGET))
				break;
			now.count++;
			now.puts += put;
		}
		ret = append_frame(io, h, w, &now, type);
		left.first_seq += type == FRAME_CHANGES ? now.count : 0;
		left.count -= now.count;
		left.puts -= now.puts;
		left.ids += now.count;
		left.ops += now.count;
		if (left.seqs)
			left.seqs += now.count;
		if (attr)
			left.attrs += (size_t)now.puts * attr;
		left.vectors = left.vectors ? left.vectors + (size_t)now.puts * row : NULL;
	}
	return ret;
}

int writer_frame(struct store_io *io, const struct head *h, struct writer *w,
		 struct disk_frame *f, const void *payload, struct store_error *err)
{
	size_t padded = frame_padded(f->len);
	uint8_t *to;
	int ret = writer_reserve(io, w, f->len, &to);

	(void)h;
	if (ret)
		return store_fail(err, ret, "a frame cannot be written: %s", strerror(-ret));
	f->nonce = w->ref.nonce;
	f->flushed = w->flushed;
	frame_seal(f, payload);
	memcpy(to, f, sizeof(*f));
	memcpy(to + sizeof(*f), payload, f->len);
	memset(to + sizeof(*f) + f->len, 0, padded - sizeof(*f) - f->len);
	w->used += padded;
	w->ref.puts += f->puts;
	return 0;
}

void writer_close(struct store_io *io, struct writer *w)
{
	if (w->f)
		io->ops->close(io, w->f);
	free(w->buf);
	memset(w, 0, sizeof(*w));
}
