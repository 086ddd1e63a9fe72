// SPDX-License-Identifier: GPL-2.0
/* Collections in single files. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "dump.h"
#include "private.h"

static size_t row_bytes(const struct store_meta *meta)
{
	return sizeof(uint64_t) + meta->attr_size + meta->row_bytes;
}

uint32_t dump_block_rows(const struct store_meta *meta)
{
	size_t n = FRAME_MAX / row_bytes(meta);

	return n > DUMP_ROWS_MAX ? DUMP_ROWS_MAX : n ? (uint32_t)n : 1;
}

/* ---- writing ---- */

static uint32_t head_crc(const struct disk_dump *d, const void *meta)
{
	struct disk_dump copy = *d;

	copy.begin.crc = 0;
	return crc32c(crc32c(0, &copy, sizeof(copy)), meta, d->meta_len);
}

void dump_write_head(FILE *f, const struct store_meta *meta, uint64_t seq)
{
	uint8_t text[META_MAX];
	struct disk_dump d = { .seq = seq, .meta_len = (uint32_t)meta_encode(meta, text) };

	begin_make(&d.begin, MAGIC_DUMP);
	d.begin.crc = head_crc(&d, text);
	fwrite(&d, sizeof(d), 1, f);
	fwrite(text, d.meta_len, 1, f);
}

static uint32_t block_crc(const struct disk_dump_block *b)
{
	struct disk_dump_block copy = *b;

	copy.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

void dump_write_rows(FILE *f, const struct store_meta *meta, uint64_t at,
		     const struct dump_rows *rows)
{
	struct disk_dump_block b = { .magic = DUMP_BLOCK_MAGIC, .count = rows->count, .at = at };
	size_t ids = rows->count * sizeof(uint64_t);
	size_t attrs = (size_t)rows->count * meta->attr_size;
	size_t vectors = (size_t)rows->count * meta->row_bytes;

	b.payload_crc = crc32c(crc32c(crc32c(0, rows->ids, ids), rows->attrs, attrs),
			       rows->vectors, vectors);
	b.crc = block_crc(&b);
	fwrite(&b, sizeof(b), 1, f);
	fwrite(rows->ids, ids, 1, f);
	if (attrs)
		fwrite(rows->attrs, attrs, 1, f);
	fwrite(rows->vectors, vectors, 1, f);
}

void dump_write_end(FILE *f, uint64_t total)
{
	struct disk_dump_block b = { .magic = DUMP_BLOCK_MAGIC, .at = total };

	b.crc = block_crc(&b);
	fwrite(&b, sizeof(b), 1, f);
}

/* ---- reading ---- */

static int read_all(struct dump *d, void *to, size_t len, struct store_error *err)
{
	if (fread(to, 1, len, d->f) == len)
		return 0;
	if (ferror(d->f))
		return store_fail(err, errno ? errno : EIO, "%s: %s", d->name,
				  strerror(errno ? errno : EIO));
	return store_fail(err, EUCLEAN, "%s is cut short, after %" PRIu64 " vectors", d->name, d->at);
}

int dump_read_head(struct dump *d, FILE *f, const char *name, struct store_error *err)
{
	uint8_t text[META_MAX];
	struct disk_dump h;
	int ret;

	*d = (struct dump) { .f = f, .name = name };
	ret = read_all(d, &h, sizeof(h), err);
	if (ret)
		return ret;
	if (h.meta_len > sizeof(text) || memcmp(h.begin.magic, MAGIC_DUMP, sizeof(h.begin.magic)) ||
	    h.begin.mark != STORE_MARK)
		h.meta_len = 0;		/* the checks that follow say what is wrong */
	ret = read_all(d, text, h.meta_len, err);
	if (!ret)
		ret = begin_check(&h.begin, MAGIC_DUMP, head_crc(&h, text), false, name, err);
	if (ret)
		return ret;
	if (h.pad || meta_decode(text, h.meta_len, &d->meta))
		return store_fail(err, EUCLEAN, "%s: the settings make no sense", name);
	d->seq = h.seq;
	return 0;
}

/* The block's payload, which is checked. */
static int read_payload(struct dump *d, const struct disk_dump_block *b, struct store_error *err)
{
	size_t len = b->count * row_bytes(&d->meta);
	int ret;

	if (len > d->room) {
		uint8_t *more = realloc(d->payload, len);

		if (!more)
			return store_fail(err, ENOMEM, "no memory for %u vectors", b->count);
		d->payload = more;
		d->room = len;
	}
	ret = read_all(d, d->payload, len, err);
	if (!ret && crc32c(0, d->payload, len) != b->payload_crc)
		ret = store_fail(err, EUCLEAN, "%s is damaged behind vector %" PRIu64, d->name, d->at);
	return ret;
}

int dump_read_rows(struct dump *d, struct dump_rows *rows, struct store_error *err)
{
	struct disk_dump_block b;
	int ret = read_all(d, &b, sizeof(b), err);

	if (ret)
		return ret;
	if (b.magic != DUMP_BLOCK_MAGIC || b.crc != block_crc(&b) || b.at != d->at ||
	    b.count > dump_block_rows(&d->meta))
		return store_fail(err, EUCLEAN, "%s is damaged behind vector %" PRIu64, d->name, d->at);
	if (!b.count) {
		if (getc(d->f) != EOF)
			return store_fail(err, EUCLEAN, "%s goes on behind its end", d->name);
		return 0;
	}
	ret = read_payload(d, &b, err);
	if (ret)
		return ret;
	rows->count = b.count;
	rows->ids = (const uint64_t *)d->payload;
	rows->attrs = d->payload + b.count * sizeof(uint64_t);
	rows->vectors = rows->attrs + (size_t)b.count * d->meta.attr_size;
	d->at += b.count;
	return 1;
}

void dump_read_end(struct dump *d)
{
	free(d->payload);
	d->payload = NULL;
}
