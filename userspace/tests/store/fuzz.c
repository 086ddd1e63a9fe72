// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the files of a store, under ASan. The input is a byte of flags, the length of the list
 * (2 bytes), the list, the segment. With flag 1 the checksums are made right, or nothing
 * behind them would ever be reached.
 */
#include <stdio.h>
#include <string.h>

#include "crc32c.h"
#include "private.h"
#include "memdisk.h"

#define HEAD_NAME	"00000000000000aa.head"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void right_head(uint8_t *head, size_t len)
{
	struct disk_head d;

	if (len < sizeof(d))
		return;
	memcpy(&d, head, sizeof(d));
	d.key = 0xaa;
	d.begin.crc = 0;
	memcpy(head, &d, sizeof(d));
	d.begin.crc = crc32c(0, head, len);
	memcpy(head, &d, sizeof(d));
}

static void right_segment(uint8_t *seg, size_t len)
{
	struct disk_segment d;
	struct disk_frame f;

	if (len < sizeof(d))
		return;
	memcpy(&d, seg, sizeof(d));
	d.key = 0xaa;
	d.begin.crc = 0;
	d.begin.crc = crc32c(0, &d, sizeof(d));
	memcpy(seg, &d, sizeof(d));
	for (size_t at = SEGMENT_DATA; at + sizeof(f) <= len; at += frame_padded(f.len)) {
		memcpy(&f, seg + at, sizeof(f));
		if (f.len > len - at - sizeof(f))
			break;
		f.crc = 0;
		frame_seal(&f, seg + at + sizeof(f));
		memcpy(seg + at, &f, sizeof(f));
	}
}

static int rows(void *arg, const struct store_rows *r)
{
	uint64_t *sum = arg;

	for (uint32_t i = 0; i < r->count; i++)
		*sum += r->ids[i] + r->ops[i] + (r->seqs ? r->seqs[i] : 0);
	return 0;
}

static int part(void *arg, const void *data, size_t len)
{
	*(uint64_t *)arg += crc32c(0, data, len);
	return 0;
}

static void use(struct memdisk *d, bool read_only)
{
	struct store_opts opts = { .read_only = read_only, .memory = 4096 };
	struct store_check check = { 0 };
	struct store_error err = { 0 };
	uint64_t sum = 0;
	struct store_visit visit = { .rows = rows, .arg = &sum };
	struct store_coll *c;
	struct store *s;
	size_t n;

	if (store_open(memdisk_io(d), &opts, &s, &err))
		return;
	if (read_only)
		store_check(s, &check, &err);
	if (store_keys(s, &n), n && !store_coll_open(s, store_keys(s, &n)[0], &c, &err)) {
		store_coll_replay(c, &visit, &err);
		store_coll_live(c, &visit, &err);
		store_graph_read(c, part, &sum, &err);
		if (!read_only)
			store_coll_compact(c, NULL, NULL, &err);
		store_coll_close(c);
	}
	store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t head[70000], seg[70000];
	struct memdisk *d = memdisk_new(1);
	struct store *s;
	size_t len, rest;
	char name[40];

	if (size < 3 || size > 60000 || store_open(memdisk_io(d), NULL, &s, NULL)) {
		memdisk_free(d);
		return 0;
	}
	store_close(s);
	len = data[1] | (size_t)data[2] << 8;
	if (len > size - 3)
		len = size - 3;
	rest = size - 3 - len;
	memcpy(head, data + 3, len);
	memcpy(seg, data + 3 + len, rest);
	if (data[0] & 1) {
		right_head(head, len);
		right_segment(seg, rest);
	}
	memdisk_put(d, HEAD_NAME, head, len);
	for (unsigned int i = 1; i < 9; i++) {
		snprintf(name, sizeof(name), "00000000000000aa-%08x.seg", i);
		memdisk_put(d, name, seg, rest);
	}
	use(d, true);
	use(d, false);
	memdisk_free(d);
	return 0;
}
