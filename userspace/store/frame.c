// SPDX-License-Identifier: GPL-2.0
/* Frames: the unit of writing, of checksums, and of loss. */
#include <errno.h>
#include <string.h>

#include "crc32c.h"
#include "private.h"

static uint64_t pad8(uint64_t n)
{
	return (n + 7) & ~7ull;
}

size_t frame_bytes(enum frame_type type, uint64_t count, uint64_t puts, uint32_t attr_size,
		   uint32_t row_bytes)
{
	uint64_t n = count * 8 + pad8(count) + pad8(puts * attr_size) + pad8(puts * row_bytes);

	if (type == FRAME_ROWS)
		n += count * 8;

	return n > FRAME_MAX ? 0 : (size_t)n;
}

size_t frame_padded(size_t len)
{
	return sizeof(struct disk_frame) + ((len + FRAME_ALIGN - 1) & ~(size_t)(FRAME_ALIGN - 1));
}

static uint32_t header_crc(const struct disk_frame *h)
{
	struct disk_frame copy = *h;

	copy.crc = 0;
	return crc32c(0, &copy, sizeof(copy));
}

void frame_seal(struct disk_frame *h, const void *payload)
{
	h->magic = FRAME_MAGIC;
	if (payload)
		h->payload_crc = crc32c(0, payload, h->len);
	h->crc = header_crc(h);
}

bool frame_header_ok(const struct disk_frame *h, uint64_t nonce)
{
	return h->magic == FRAME_MAGIC && h->nonce == nonce && h->len <= FRAME_MAX &&
	       h->crc == header_crc(h);
}

bool frame_fits(const struct disk_frame *h, uint32_t attr_size, uint32_t row_bytes)
{
	size_t need = frame_bytes(h->type, h->count, h->puts, attr_size, row_bytes);

	return h->count && h->puts <= h->count && need && need == h->len;
}

static const char *check_rows(struct frame *f, uint32_t attr_size, uint32_t row_bytes)
{
	const struct disk_frame *h = &f->h;
	const uint8_t *at = f->payload;
	uint32_t puts = 0;

	if (!frame_fits(h, attr_size, row_bytes))
		return "its length does not fit its contents";
	f->rows.ids = (const uint64_t *)at;
	at += (size_t)h->count * 8;
	f->rows.ops = at;
	at += pad8(h->count);
	if (h->type == FRAME_ROWS) {
		f->rows.seqs = (const uint64_t *)at;
		at += (size_t)h->count * 8;
	}
	f->rows.attrs = at;
	at += pad8((uint64_t)h->puts * attr_size);
	f->rows.vectors = at;
	for (uint32_t i = 0; i < h->count; i++) {
		uint8_t op = f->rows.ops[i];

		if (op < STORE_INSERT || op > STORE_DELETE ||
		    (h->type == FRAME_ROWS && op != STORE_INSERT))
			return "it has an unknown operation";
		if (f->rows.seqs && (!f->rows.seqs[i] || f->rows.seqs[i] > h->first_seq))
			return "it has a row of a later change than its own";
		puts += op != STORE_DELETE;
	}
	return puts == h->puts ? NULL : "its number of rows is wrong";
}

const char *frame_check(struct frame *f, uint32_t attr_size, uint32_t row_bytes)
{
	struct store_meta meta;

	f->rows = (struct store_rows) {
		.first_seq = f->h.first_seq, .count = f->h.count, .puts = f->h.puts,
	};
	switch (f->h.type) {
	case FRAME_CHANGES:
	case FRAME_ROWS:
		return check_rows(f, attr_size, row_bytes);
	case FRAME_META:
		if (f->h.count != 1 || f->h.puts)
			return "a change of settings must count as one change";
		if (meta_decode(f->payload, f->h.len, &meta))
			return "its settings are invalid";
		if (meta.attr_size != attr_size || meta.row_bytes != row_bytes)
			return "its settings are those of another collection";
		return NULL;
	case FRAME_GRAPH:
		return NULL;
	default:
		return "its type is not known";
	}
}
