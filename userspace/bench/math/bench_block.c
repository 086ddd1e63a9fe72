// SPDX-License-Identifier: GPL-2.0
/*
 * Many queries at once: the block shape against the multiply-add peak of the
 * core, and a whole top-k search made of it against FAISS.
 */
#include "bench.h"
#include "bench_faiss.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NQ	256
#define N	100000u
#define K	10
#define MAX_HITS	(NQ * 1024u)

struct block {
	const struct vexfs_math_ops *form;
	const struct vexfs_math_codes *codes;	/* or NULL */
	u8 *code_rows;
	struct bench_set *s;
	u8 *queries, *packed;
	u32 q_aux[NQ], limits[NQ];
	struct vexfs_block_hit *hits;
	double flops;
	/* of the search */
	u32 top[NQ][K], ids[NQ][K];
	u32 (*by_query)[1024], count[NQ];
};

static void pack(struct block *b)
{
	const struct vexfs_space *sp = &b->s->sp;

	if (b->codes)
		b->codes->pack(sp, b->packed, b->queries, b->q_aux, NQ, 0, NQ);
	else
		b->form->block_pack(sp, b->packed, b->queries, b->q_aux, NQ, 0, NQ);
}

/* All queries against the rows @i to @i + @n. */
static u32 run_block(struct block *b, u32 i, u32 n)
{
	struct bench_set *s = b->s;
	const u8 *rows = s->rows + (size_t)i * s->sp.stride;

	if (!b->codes)
		return b->form->block(&s->sp, b->packed, NQ, 0, NQ, b->limits, rows, s->aux + i, n,
				      i, b->hits, MAX_HITS);
	b->codes->rows(&s->sp, b->code_rows, rows, s->aux + i, n);
	return b->codes->block(&s->sp, b->packed, NQ, 0, NQ, b->limits, b->code_rows, n, i,
			       b->hits, MAX_HITS);
}

static void ours_block(void *arg)
{
	struct block *b = arg;
	struct bench_set *s = b->s;
	u32 i, n;

	for (i = 0; i < s->n; i += n) {
		n = s->n - i < VEXFS_BLOCK_ROWS ? s->n - i : VEXFS_BLOCK_ROWS;
		run_block(b, i, n);
	}
}

static double (*fma_peak)(void);

/* As many operations as the block does. */
static void peak(void *arg)
{
	struct block *b = arg;
	double done = 0;

	while (done < b->flops)
		done += fma_peak();
}

static void offer(struct block *b, u32 q, u32 key, u32 id)
{
	u32 i = K - 1;

	if (key >= b->top[q][i])
		return;
	for (; i && b->top[q][i - 1] > key; i--) {
		b->top[q][i] = b->top[q][i - 1];
		b->ids[q][i] = b->ids[q][i - 1];
	}
	b->top[q][i] = key;
	b->ids[q][i] = id;
	b->limits[q] = b->top[q][K - 1];
}

/* Top-k from nothing: pack, block by block, exact keys for what came through. */
static void ours_search(void *arg)
{
	struct block *b = arg;
	struct bench_set *s = b->s;
	const struct vexfs_math_ops *f = b->form;
	u32 i, n, q, h, found;

	memset(b->top, 0xff, sizeof(b->top));
	pack(b);
	/* The first rows go through scan, to have limits at all. */
	for (q = 0; q < NQ; q++) {
		u32 keys[64];

		f->scan(&s->sp, b->queries + (size_t)q * s->sp.stride, b->q_aux[q], s->rows, s->aux,
			64, keys);
		for (i = 0; i < 64; i++)
			offer(b, q, keys[i], i);
	}
	for (i = 64; i < s->n; i += n) {
		n = i < 1024 ? 64 : 512;
		if (n > s->n - i)
			n = s->n - i;
		found = run_block(b, i, n);
		memset(b->count, 0, sizeof(b->count));
		for (h = 0; h < found; h++)
			b->by_query[b->hits[h].query][b->count[b->hits[h].query]++] = b->hits[h].row;
		for (q = 0; q < NQ; q++) {
			const void *p[512];
			u32 aux[512], keys[512], k;

			if (!b->count[q])
				continue;
			for (k = 0; k < b->count[q]; k++) {
				p[k] = s->ptr[b->by_query[q][k]];
				aux[k] = s->aux[b->by_query[q][k]];
			}
			f->gather(&s->sp, b->queries + (size_t)q * s->sp.stride, b->q_aux[q], p,
				  aux, b->count[q], keys);
			for (k = 0; k < b->count[q]; k++)
				offer(b, q, keys[k], b->by_query[q][k]);
		}
	}
}

static void faiss(void *arg)
{
	bench_faiss_search(((struct block *)arg)->queries, NQ, K);
}

/*
 * The goal of a whole search is for the form that one takes on this machine: FAISS has
 * all of its instructions, too. The other forms are there to be seen.
 */
static double search_goal(const char *variant, bool by_codes)
{
	if (vexfs_math_find_codes(&vexfs_math_avx512, drive_cpu(), VEXFS_TYPE_F32,
				  VEXFS_METRIC_L2))
		return by_codes ? 2.0 : 0;
	if (bench_form("avx512", VEXFS_TYPE_F32, VEXFS_METRIC_L2))
		return strcmp(variant, "avx512") ? 0 : 2.0;
	return 2.0;
}

static void one_variant(const char *variant, u32 type, u32 metric, u32 dim, double goal,
			bool with_faiss, bool by_codes)
{
	const struct vexfs_math_ops *form = bench_form(variant, type, metric);
	const struct vexfs_math_codes *codes =
		vexfs_math_find_codes(&vexfs_math_avx512, drive_cpu(), type, metric);
	struct bench_pair p = { ours_block, peak };
	struct bench_result r;
	struct bench_set s;
	struct block *b;
	char name[96];
	u32 q;

	if (!form || !form->block_group || (by_codes && !codes))
		return;
	b = bench_alloc(sizeof(*b));
	b->form = form;
	b->s = &s;
	bench_set_make(&s, type, metric, dim, N + NQ);
	s.n = N;
	b->queries = s.rows + (size_t)N * s.sp.stride;
	memcpy(b->q_aux, s.aux + N, sizeof(b->q_aux));
	b->packed = bench_alloc(by_codes ? codes->bytes(&s.sp, NQ) : form->block_bytes(&s.sp, NQ));
	b->code_rows = NULL;
	b->codes = NULL;
	if (by_codes) {
		b->codes = codes;
		b->code_rows = bench_alloc((size_t)VEXFS_BLOCK_ROWS * vexfs_code_step(&s.sp));
	}
	b->hits = bench_alloc(MAX_HITS * sizeof(*b->hits));
	b->by_query = bench_alloc(NQ * sizeof(*b->by_query));
	b->flops = 2.0 * NQ * N * dim;

	/* Limits as a top-10 search has them towards its end. */
	ours_search(b);
	fma_peak = strcmp(variant, "avx2") ? bench_fma_avx512 : bench_fma_avx2;
	p.arg = b;
	p.items = b->flops;
	r = bench_run(&p, 7, 1);
	snprintf(name, sizeof(name), "block 256 x 100000 %s %s %u %s", drive_type_name(type),
		 drive_metric_name(metric), dim, by_codes ? "codes" : form->name);
	bench_row(name, "FMA peak, f32", "GFLOP/s", 1 / r.ours, 1 / r.theirs, r.ratio, goal);

	if (with_faiss) {
		u32 wrong = 0, i;

		/* Rows of 128 floats have no padding: FAISS reads the same memory. */
		bench_faiss_index(s.rows, N, (int)dim);
		ours_search(b);
		bench_faiss_search(b->queries, NQ, K);
		for (q = 0; q < NQ; q++)
			for (i = 0; i < K; i++)
				wrong += b->ids[q][i] != bench_faiss_id(q * K + i);
		p.ours = ours_search;
		p.theirs = faiss;
		p.items = NQ;
		r = bench_run(&p, 5, 1);
		snprintf(name, sizeof(name), "top-10, 256 x 100000 f32 l2 %u %s", dim,
			 by_codes ? "codes" : form->name);
		bench_row(name, "FAISS IndexFlat, OpenBLAS", "us/query", r.ours / 1000,
			  r.theirs / 1000, r.ratio, search_goal(variant, by_codes));
		printf("  %u of %u ids differ from FAISS (ties and its rounding)\n", wrong, NQ * K);
		bench_faiss_free();
	}
	free(b->packed);
	free(b->code_rows);
	free(b->hits);
	free(b->by_query);
	free(b);
	bench_set_free(&s);
}

void bench_block(void)
{
	one_variant("avx2", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 128, 0.7, true, false);
	one_variant("avx512", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 128, 0.7, true, false);
	one_variant("avx512", VEXFS_TYPE_F32, VEXFS_METRIC_COS, 128, 0.7, false, false);
	one_variant("avx512", VEXFS_TYPE_F32, VEXFS_METRIC_IP, 768, 0.7, false, false);
	one_variant("avx512", VEXFS_TYPE_F32, VEXFS_METRIC_L2, 128, 0.7, true, true);
	one_variant("avx512", VEXFS_TYPE_F32, VEXFS_METRIC_COS, 128, 0.7, false, true);
	one_variant("avx512", VEXFS_TYPE_F32, VEXFS_METRIC_IP, 768, 0.7, false, true);
	one_variant("avx512", VEXFS_TYPE_F16, VEXFS_METRIC_L2, 128, 0, false, true);
	one_variant("avx512", VEXFS_TYPE_BF16, VEXFS_METRIC_L2, 128, 0, false, true);
	one_variant("avx512", VEXFS_TYPE_I8, VEXFS_METRIC_L2, 128, 0, false, false);
}
