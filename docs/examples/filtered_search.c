// SPDX-License-Identifier: GPL-2.0
/*
 * Vectors with an attribute record, and a search among those whose record
 * matches an expression. The layout that names the fields stays with the
 * collection, so every program can use the names.
 *
 *	cc filtered_search.c $(pkg-config --cflags --libs vexfs) -o filtered_search
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vexfs.h>

#define COUNT 1000

static void check(int failed, const struct vexfs_error *err)
{
	if (!failed)
		return;
	fprintf(stderr, "%s\n", err->text);
	vexfs_do_drop(NULL, "example-books", NULL);
	exit(1);
}

int main(void)
{
	static float vectors[COUNT][2];
	static uint64_t ids[COUNT];
	static unsigned char records[COUNT][3];
	struct vexfs_create spec = { .dim = 2, .type = VEXFS_TYPE_F32, .metric = VEXFS_METRIC_L2 };
	struct vexfs_layout layout;
	struct vexfs_filter filter;
	struct vexfs_error err;
	struct vexfs *h;
	uint64_t found[5];
	float query[2] = { 0, 0 };

	check(vexfs_do_create(NULL, &spec, "example-books", "lang:u8, year:u16", &h, &err), &err);
	check(vexfs_layout_parse(vexfs_layout_text(h), &layout, &err), &err);
	for (int i = 0; i < COUNT; i++) {
		char text[64];

		ids[i] = (uint64_t)i;
		vectors[i][0] = (float)i;
		snprintf(text, sizeof(text), "lang=%d, year=%d", i % 5, 1990 + i % 40);
		check(vexfs_record_parse(&layout, text, records[i], &err), &err);
	}
	struct vexfs_put put = {
		.flags = VEXFS_PUT_INSERT,
		.count = COUNT,
		.ids = (uintptr_t)ids,
		.vectors = (uintptr_t)vectors,
		.attrs = (uintptr_t)records,
	};

	check(vexfs_do_put(h, &put, &err), &err);
	check(vexfs_filter_compile(&layout, "lang == 3 && year >= 2020", &filter, &err), &err);

	struct vexfs_search search = {
		.count = 1,
		.queries = (uintptr_t)query,
		.k = 5,
		.ids = (uintptr_t)found,
		.filter = (uintptr_t)filter.insns,
		.filter_len = filter.count,
	};

	check(vexfs_do_search(h, &search, &err), &err);
	for (uint32_t i = 0; i < search.found; i++)
		printf("%llu: lang %d, year %d\n", (unsigned long long)found[i], (int)found[i] % 5,
		       1990 + (int)found[i] % 40);
	vexfs_filter_free(&filter);
	vexfs_close(h);
	return vexfs_do_drop(NULL, "example-books", &err) != 0;
}
