// SPDX-License-Identifier: GPL-2.0
/*
 * Collections in single files: they are read back unchanged; a file that is truncated at any
 * byte, has any bit flipped, or has data beyond its end is reported as damaged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "format.h"
#include "tap.h"

#define ROWS	7u

static const struct store_meta meta = {
	.name = "kept", .dim = 2, .type = 1, .metric = 3, .index = 1, .mode = 0640,
	.attr_size = 3, .capacity = 99, .m = 16, .ef_construction = 200, .row_bytes = 8,
	.layout_len = 10, .layout = "a:u8,b:u16",
};

static void vectors(uint64_t at, uint32_t n, uint64_t *ids, uint8_t *attrs, uint8_t *rows)
{
	for (uint32_t i = 0; i < n; i++) {
		ids[i] = (at + i) * 0x9e3779b97f4a7c15ull;
		memset(attrs + i * meta.attr_size, (int)(at + i), meta.attr_size);
		memset(rows + i * meta.row_bytes, (int)(3 * (at + i)), meta.row_bytes);
	}
}

/* Three blocks, the second of one vector. */
static char *make(size_t *len)
{
	static const uint32_t counts[] = { 4, 1, 2 };
	uint64_t ids[ROWS], at = 0;
	uint8_t attrs[ROWS * 3], rows[ROWS * 8];
	char *data = NULL;
	FILE *f = open_memstream(&data, len);

	dump_write_head(f, &meta, 4711);
	for (size_t b = 0; b < 3; at += counts[b++]) {
		struct dump_rows r = { counts[b], ids, attrs, rows };

		vectors(at, counts[b], ids, attrs, rows);
		dump_write_rows(f, &meta, at, &r);
	}
	dump_write_end(f, at);
	fclose(f);
	return data;
}

/* Reads the whole file: number of correct vectors, or -errno. */
static int take(const void *data, size_t len, struct store_error *err)
{
	FILE *f = fmemopen((void *)(uintptr_t)data, len ? len : 1, "r");
	struct dump_rows r;
	struct dump d;
	int ret, good = 0;

	if (!len)
		getc(f);
	ret = dump_read_head(&d, f, "file", err);
	if (!ret && (strcmp(d.meta.name, meta.name) || d.seq != 4711 || d.meta.capacity != 99 ||
		     strcmp(d.meta.layout, meta.layout) || d.meta.mode != 0640))
		ret = -EBADMSG;
	while (!ret && (ret = dump_read_rows(&d, &r, err)) > 0) {
		uint64_t ids[ROWS];
		uint8_t attrs[ROWS * 3], rows[ROWS * 8];

		ret = r.count > ROWS ? -EBADMSG : 0;
		if (ret)
			break;
		vectors((uint64_t)good, r.count, ids, attrs, rows);
		good += (int)r.count;
		if (memcmp(ids, r.ids, r.count * sizeof(*ids)) ||
		    memcmp(attrs, r.attrs, r.count * meta.attr_size) ||
		    memcmp(rows, r.vectors, r.count * meta.row_bytes))
			ret = -EBADMSG;
	}
	dump_read_end(&d);
	fclose(f);
	return ret < 0 ? ret : good;
}

static void damage(char *data, size_t len)
{
	struct store_error err;
	unsigned int wrong = 0;
	char *more = malloc(len + 1);

	for (size_t cut = 0; cut < len; cut++) {
		char *part = malloc(cut + 1);	/* so that reading too far is seen */

		memcpy(part, data, cut);
		wrong += take(part, cut, &err) != -EUCLEAN;
		free(part);
	}
	ok(!wrong, "a file truncated at any of %zu bytes is reported", len);
	wrong = 0;
	for (size_t bit = 0; bit < 8 * len; bit++) {
		data[bit / 8] ^= (char)(1 << bit % 8);
		wrong += take(data, len, &err) != -EUCLEAN;
		data[bit / 8] ^= (char)(1 << bit % 8);
	}
	ok(!wrong, "a file with any of %zu bits flipped is reported", 8 * len);
	memcpy(more, data, len);
	more[len] = 0;
	ok(take(more, len + 1, &err) == -EUCLEAN && strstr(err.text, "behind its end"),
	   "a file with data beyond its end is reported");
	free(more);
}

int main(void)
{
	struct store_meta wide = { .row_bytes = FRAME_MAX / 2, .attr_size = 64 };
	struct store_error err;
	size_t len;
	char *data = make(&len);

	ok(take(data, len, &err) == (int)ROWS, "a file is read back unchanged");
	ok(dump_block_rows(&meta) == DUMP_ROWS_MAX && dump_block_rows(&wide) == 1,
	   "blocks have an upper limit of bytes and at least one vector");
	damage(data, len);
	free(data);
	return done();
}
