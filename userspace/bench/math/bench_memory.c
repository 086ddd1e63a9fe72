// SPDX-License-Identifier: GPL-2.0
/*
 * Work that memory bounds: a scan of rows that are in no cache, against a plain
 * read of the same bytes; and imports, against memcpy().
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_BYTES	(256u << 20)

static const struct vexfs_math_ops *form;
static void (*plain)(const void *p, size_t bytes);

static void ours_scan(void *arg)
{
	struct bench_set *s = arg;
	u32 i, n;

	/* In pieces of 256 KiB or so, as sections in the kernel cut them. */
	for (i = 0; i < s->n; i += n) {
		n = (256 << 10) / s->sp.stride;
		if (n > s->n - i)
			n = s->n - i;
		form->scan(&s->sp, s->q, s->q_aux, s->rows + (size_t)i * s->sp.stride,
			   s->aux + i, n, s->keys + i);
	}
}

static void plain_read(void *arg)
{
	struct bench_set *s = arg;

	plain(s->rows, (size_t)s->n * s->sp.stride);
}

void bench_scan(void)
{
	static const struct {
		const char *variant;
		u32 type, metric, dim;
		double goal;
	} cases[] = {
		{ "avx2", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 128, 0.9 },
		{ "avx512", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 100, 0.9 },
		{ "avx512", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 128, 0.9 },
		{ "avx512", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 768, 0.9 },
		{ "avx512", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 1536, 0.9 },
		{ "avx512", VEXFS_TYPE_F32, VEXFS_METRIC_IP, 128, 0.9 },
		{ "avx512", VEXFS_TYPE_F32, VEXFS_METRIC_COS, 768, 0.9 },
		{ "avx512", VEXFS_TYPE_F16, VEXFS_METRIC_L2, 768, 0 },
		{ "avx512", VEXFS_TYPE_BF16, VEXFS_METRIC_L2, 768, 0 },
		{ "avx512", VEXFS_TYPE_I8, VEXFS_METRIC_L2, 768, 0 },
		{ "avx512", VEXFS_TYPE_B1, VEXFS_METRIC_HAMMING, 1536, 0 },
	};
	u32 c;

	for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct bench_pair p = { ours_scan, plain_read };
		struct bench_result r;
		struct bench_set s;
		char name[96];

		form = bench_form(cases[c].variant, cases[c].type, cases[c].metric);
		if (!form)
			continue;
		plain = strcmp(cases[c].variant, "avx2") ? bench_read_avx512 : bench_read_avx2;
		vexfs_space_init(&s.sp, cases[c].type, cases[c].metric, cases[c].dim);
		bench_set_make(&s, cases[c].type, cases[c].metric, cases[c].dim,
			       SCAN_BYTES / s.sp.stride);
		p.arg = &s;
		p.items = (double)s.n * s.sp.stride;
		r = bench_run(&p, 9, 1);
		snprintf(name, sizeof(name), "scan 256 MB %s %s %u %s",
			 drive_type_name(cases[c].type), drive_metric_name(cases[c].metric),
			 cases[c].dim, form->name);
		bench_row(name, "plain read", "GB/s", 1 / r.ours, 1 / r.theirs, r.ratio,
			  cases[c].goal);
		bench_set_free(&s);
	}
}

struct import {
	const struct vexfs_math_conv *conv;
	struct bench_set *s;
	float *src;
};

static void ours_import(void *arg)
{
	struct import *im = arg;
	struct bench_set *s = im->s;
	u32 i;

	for (i = 0; i < s->n; i++)
		drive_import(im->conv, &s->sp, s->rows + (size_t)i * s->sp.stride, &s->aux[i],
			     im->src + (size_t)i * s->sp.dim, false);
}

static void plain_copy(void *arg)
{
	struct import *im = arg;
	struct bench_set *s = im->s;
	u32 i;

	for (i = 0; i < s->n; i++)
		memcpy(s->rows + (size_t)i * s->sp.stride, im->src + (size_t)i * s->sp.dim,
		       s->sp.row_bytes);
}

void bench_import(void)
{
	static const u32 types[] = {
		VEXFS_TYPE_F32, VEXFS_TYPE_F16, VEXFS_TYPE_BF16, VEXFS_TYPE_I8, VEXFS_TYPE_U8,
		VEXFS_TYPE_B1,
	};
	u32 t, v, i;

	for (t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (v = 0; v < drive_nr_variants; v++) {
			struct bench_pair p = { ours_import, plain_copy };
			struct bench_result r;
			struct bench_set s;
			struct import im;
			char name[96];

			if (drive_variants[v]->needs & ~drive_cpu())
				continue;
			/* 16 MB of floats: larger than L2, as a batch from a user is. */
			bench_set_make(&s, types[t], types[t] == VEXFS_TYPE_B1 ?
				       VEXFS_METRIC_HAMMING : VEXFS_METRIC_COS, 128, 32768);
			im.conv = vexfs_math_find_conv(drive_variants[v], drive_cpu(), types[t]);
			im.s = &s;
			im.src = bench_alloc((size_t)s.n * 128 * 4);
			for (i = 0; i < s.n * 128; i++)
				im.src[i] = (float)bench_unit();
			p.arg = &im;
			p.items = s.n;
			r = bench_run(&p, 5, 1);
			snprintf(name, sizeof(name), "import f32 to %s 128 %s",
				 drive_type_name(types[t]), drive_variants[v]->name);
			bench_row(name, "memcpy of a row", "ns", r.ours, r.theirs, r.ratio, 0);
			free(im.src);
			bench_set_free(&s);
		}
	}
}
