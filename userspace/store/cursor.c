// SPDX-License-Identifier: GPL-2.0
/* Reads the frames of a segment in order, trusting none of their fields. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "private.h"

#define CURSOR_ROOM	(1u << 20)

int cursor_begin(struct cursor *c, struct store_io *io, struct store_file *f, const struct head *h,
		 uint64_t nonce, uint64_t end)
{
	memset(c, 0, sizeof(*c));
	c->io = io;
	c->f = f;
	c->nonce = nonce;
	c->attr_size = h->meta.attr_size;
	c->row_bytes = h->meta.row_bytes;
	c->off = SEGMENT_DATA;
	c->end = end;
	c->room = c->chunk = CURSOR_ROOM;
	c->buf = malloc(c->room);
	return c->buf ? 0 : -ENOMEM;
}

void cursor_end(struct cursor *c)
{
	free(c->buf);
	c->buf = NULL;
}

/* Returns @len bytes at c->off, in memory; -ENODATA when the file has fewer. */
static int window(struct cursor *c, size_t len, const uint8_t **at)
{
	uint64_t left = c->end > c->off ? c->end - c->off : 0;
	size_t want;
	ssize_t n;

	if (len > left)
		return -ENODATA;
	if (c->off >= c->base && c->off + len <= c->base + c->have) {
		*at = c->buf + (c->off - c->base);
		return 0;
	}
	if (len > c->room) {
		uint8_t *buf = realloc(c->buf, len);

		if (!buf)
			return -ENOMEM;
		c->buf = buf;
		c->room = len;
	}
	want = len > c->chunk ? len : c->chunk;
	if (want > left)
		want = (size_t)left;
	n = c->io->ops->read(c->io, c->f, c->buf, want, c->off);
	if (n < 0)
		return (int)n;
	c->base = c->off;
	c->have = (size_t)n;
	*at = c->buf;
	return (size_t)n < len ? -ENODATA : 0;
}

static int bad(struct cursor *c, const char *why)
{
	c->why = why;
	return -EUCLEAN;
}

static int read_header(struct cursor *c, struct frame *f)
{
	const uint8_t *at;
	int ret;

	if (c->off >= c->end)
		return 0;
	ret = window(c, sizeof(f->h), &at);
	if (ret == -ENODATA)
		return bad(c, "the file ends inside a frame");
	if (ret)
		return ret;
	memcpy(&f->h, at, sizeof(f->h));
	if (!frame_header_ok(&f->h, c->nonce))
		return bad(c, "there is no frame where one should begin");
	if (f->h.flushed > c->off)
		return bad(c, "it claims that more was flushed than was written");
	return 1;
}

int cursor_next(struct cursor *c, struct frame *f)
{
	int ret = read_header(c, f);
	const uint8_t *at;
	const char *why;
	size_t all;

	if (ret <= 0)
		return ret;
	all = frame_padded(f->h.len);
	ret = window(c, all, &at);
	if (ret == -ENODATA)
		return bad(c, "the file ends inside a frame");
	if (ret)
		return ret;
	f->payload = at + sizeof(f->h);
	if (crc32c(0, f->payload, f->h.len) != f->h.payload_crc)
		return bad(c, "the checksum of its contents is wrong");
	why = frame_check(f, c->attr_size, c->row_bytes);
	if (why)
		return bad(c, why);
	c->off += all;
	return 1;
}

int cursor_next_ids(struct cursor *c, struct frame *f)
{
	const struct disk_frame *h = &f->h;
	int ret = read_header(c, f);
	const uint8_t *at;
	size_t ids;

	if (ret <= 0)
		return ret;
	f->rows = (struct store_rows) { .first_seq = h->first_seq };
	if (h->type == FRAME_CHANGES || h->type == FRAME_ROWS) {
		if (!frame_fits(h, c->attr_size, c->row_bytes))
			return bad(c, "its length does not fit its contents");
		ids = sizeof(*h) + frame_bytes(h->type, h->count, 0, 0, 0);
		ret = window(c, ids, &at);
		if (ret)
			return ret == -ENODATA ? bad(c, "the file ends inside a frame") : ret;
		at += sizeof(*h);
		f->rows.count = h->count;
		f->rows.puts = h->puts;
		f->rows.ids = (const uint64_t *)at;
		f->rows.ops = at + (size_t)h->count * 8;
		if (h->type == FRAME_ROWS)
			f->rows.seqs = (const uint64_t *)
				(f->rows.ops + ((h->count + 7) & ~(size_t)7));
	}
	c->off += frame_padded(h->len);
	return 1;
}

/*
 * A torn frame at the end is what a power cut left. A torn frame before a point that a
 * later frame reports as flushed is damage.
 */
int cursor_attested(struct cursor *c, uint64_t from, bool *yes)
{
	struct disk_frame h;
	const uint8_t *at;
	int ret;

	*yes = false;
	for (c->off = from & ~(uint64_t)(FRAME_ALIGN - 1); c->off + sizeof(h) <= c->end;
	     c->off += FRAME_ALIGN) {
		ret = window(c, sizeof(h), &at);
		if (ret)
			return ret == -ENODATA ? 0 : ret;
		memcpy(&h, at, sizeof(h));
		if (h.magic != FRAME_MAGIC || !frame_header_ok(&h, c->nonce) || h.flushed <= from)
			continue;
		*yes = true;
		return 0;
	}
	return 0;
}
