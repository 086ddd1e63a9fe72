// SPDX-License-Identifier: GPL-2.0
/*
 * One query against rows in cache, ours through gather and pair by pair, SimSIMD
 * in a loop of calls: the same rows, the same instruction set, in turns.
 */
#include "bench.h"

#include <math.h>
#include <stdio.h>

#define SIMSIMD_NATIVE_F16	0
#define SIMSIMD_NATIVE_BF16	0
#define SIMSIMD_TARGET_HASWELL	1
#define SIMSIMD_TARGET_SKYLAKE	1
#define SIMSIMD_TARGET_ICE	1
#define SIMSIMD_TARGET_GENOA	1
#include <simsimd/simsimd.h>

static simsimd_distance_t peer_out[4096];

#define PEER(fn, type, count)							\
static void peer_##fn(void *arg)						\
{										\
	struct bench_set *s = arg;						\
	u32 i;									\
										\
	for (i = 0; i < s->n; i++)						\
		fn((const type *)s->q, (const type *)s->ptr[i], count, &peer_out[i]); \
}

PEER(simsimd_l2sq_f32_haswell, simsimd_f32_t, s->sp.dim)
PEER(simsimd_dot_f32_haswell, simsimd_f32_t, s->sp.dim)
PEER(simsimd_cos_f32_haswell, simsimd_f32_t, s->sp.dim)
PEER(simsimd_l2sq_f32_skylake, simsimd_f32_t, s->sp.dim)
PEER(simsimd_dot_f32_skylake, simsimd_f32_t, s->sp.dim)
PEER(simsimd_cos_f32_skylake, simsimd_f32_t, s->sp.dim)
PEER(simsimd_l2sq_f16_haswell, simsimd_f16_t, s->sp.dim)
PEER(simsimd_dot_f16_haswell, simsimd_f16_t, s->sp.dim)
PEER(simsimd_cos_f16_haswell, simsimd_f16_t, s->sp.dim)
PEER(simsimd_l2sq_bf16_haswell, simsimd_bf16_t, s->sp.dim)
PEER(simsimd_dot_bf16_haswell, simsimd_bf16_t, s->sp.dim)
PEER(simsimd_cos_bf16_haswell, simsimd_bf16_t, s->sp.dim)
PEER(simsimd_l2sq_bf16_genoa, simsimd_bf16_t, s->sp.dim)
PEER(simsimd_dot_bf16_genoa, simsimd_bf16_t, s->sp.dim)
PEER(simsimd_cos_bf16_genoa, simsimd_bf16_t, s->sp.dim)
PEER(simsimd_l2sq_i8_haswell, simsimd_i8_t, s->sp.dim)
PEER(simsimd_dot_i8_haswell, simsimd_i8_t, s->sp.dim)
PEER(simsimd_cos_i8_haswell, simsimd_i8_t, s->sp.dim)
PEER(simsimd_l2sq_i8_ice, simsimd_i8_t, s->sp.dim)
PEER(simsimd_dot_i8_ice, simsimd_i8_t, s->sp.dim)
PEER(simsimd_cos_i8_ice, simsimd_i8_t, s->sp.dim)
PEER(simsimd_l2sq_u8_haswell, simsimd_u8_t, s->sp.dim)
PEER(simsimd_dot_u8_haswell, simsimd_u8_t, s->sp.dim)
PEER(simsimd_cos_u8_haswell, simsimd_u8_t, s->sp.dim)
PEER(simsimd_l2sq_u8_ice, simsimd_u8_t, s->sp.dim)
PEER(simsimd_dot_u8_ice, simsimd_u8_t, s->sp.dim)
PEER(simsimd_cos_u8_ice, simsimd_u8_t, s->sp.dim)
PEER(simsimd_hamming_b8_haswell, simsimd_b8_t, s->sp.row_bytes)
PEER(simsimd_jaccard_b8_haswell, simsimd_b8_t, s->sp.row_bytes)
PEER(simsimd_hamming_b8_ice, simsimd_b8_t, s->sp.row_bytes)
PEER(simsimd_jaccard_b8_ice, simsimd_b8_t, s->sp.row_bytes)

struct match {
	const char *variant;
	u32 type, metric;
	void (*peer)(void *arg);
	const char *name;
};

#define MATCH(v, t, m, fn) { v, VEXFS_TYPE_##t, VEXFS_METRIC_##m, peer_##fn, #fn }

/* f16: SimSIMD's only other form wants AVX512_FP16. */
static const struct match matches[] = {
	MATCH("avx2", F32, L2, simsimd_l2sq_f32_haswell),
	MATCH("avx2", F32, IP, simsimd_dot_f32_haswell),
	MATCH("avx2", F32, COS, simsimd_cos_f32_haswell),
	MATCH("avx512", F32, L2, simsimd_l2sq_f32_skylake),
	MATCH("avx512", F32, IP, simsimd_dot_f32_skylake),
	MATCH("avx512", F32, COS, simsimd_cos_f32_skylake),
	MATCH("avx2", F16, L2, simsimd_l2sq_f16_haswell),
	MATCH("avx2", F16, IP, simsimd_dot_f16_haswell),
	MATCH("avx2", F16, COS, simsimd_cos_f16_haswell),
	MATCH("avx512", F16, L2, simsimd_l2sq_f16_haswell),
	MATCH("avx512", F16, IP, simsimd_dot_f16_haswell),
	MATCH("avx512", F16, COS, simsimd_cos_f16_haswell),
	MATCH("avx2", BF16, L2, simsimd_l2sq_bf16_haswell),
	MATCH("avx2", BF16, IP, simsimd_dot_bf16_haswell),
	MATCH("avx2", BF16, COS, simsimd_cos_bf16_haswell),
	MATCH("avx512", BF16, L2, simsimd_l2sq_bf16_genoa),
	MATCH("avx512", BF16, IP, simsimd_dot_bf16_genoa),
	MATCH("avx512", BF16, COS, simsimd_cos_bf16_genoa),
	MATCH("avx2", I8, L2, simsimd_l2sq_i8_haswell),
	MATCH("avx2", I8, IP, simsimd_dot_i8_haswell),
	MATCH("avx2", I8, COS, simsimd_cos_i8_haswell),
	MATCH("avx512", I8, L2, simsimd_l2sq_i8_ice),
	MATCH("avx512", I8, IP, simsimd_dot_i8_ice),
	MATCH("avx512", I8, COS, simsimd_cos_i8_ice),
	MATCH("avx2", U8, L2, simsimd_l2sq_u8_haswell),
	MATCH("avx2", U8, IP, simsimd_dot_u8_haswell),
	MATCH("avx2", U8, COS, simsimd_cos_u8_haswell),
	MATCH("avx512", U8, L2, simsimd_l2sq_u8_ice),
	MATCH("avx512", U8, IP, simsimd_dot_u8_ice),
	MATCH("avx512", U8, COS, simsimd_cos_u8_ice),
	MATCH("avx2", B1, HAMMING, simsimd_hamming_b8_haswell),
	MATCH("avx2", B1, JACCARD, simsimd_jaccard_b8_haswell),
	MATCH("avx512", B1, HAMMING, simsimd_hamming_b8_ice),
	MATCH("avx512", B1, JACCARD, simsimd_jaccard_b8_ice),
};

static const struct vexfs_math_ops *form;

static void ours_gather(void *arg)
{
	struct bench_set *s = arg;

	form->gather(&s->sp, s->q, s->q_aux, s->ptr, s->aux, s->n, s->keys);
}

static void ours_pairs(void *arg)
{
	struct bench_set *s = arg;
	u32 i;

	for (i = 0; i < s->n; i++)
		form->gather(&s->sp, s->q, s->q_aux, s->ptr + i, s->aux + i, 1, s->keys + i);
}

static const u32 dims[] = { 100, 128, 256, 768, 1536 };

#define NR_DIMS	(sizeof(dims) / sizeof(dims[0]))

/* The rows of a set take this much, so that they and the query stay in L1. */
#define CACHE_BYTES	(16 << 10)
#define ROWS_LEAST	16

void bench_simsimd(void)
{
	u32 m, d;

	for (m = 0; m < sizeof(matches) / sizeof(matches[0]); m++) {
		const struct match *mt = &matches[m];
		double product = 1;
		char name[96];

		form = bench_form(mt->variant, mt->type, mt->metric);
		if (!form)
			continue;
		for (d = 0; d < NR_DIMS; d++) {
			struct bench_pair p = { ours_gather, mt->peer };
			struct bench_result r, one;
			struct bench_set s;

			snprintf(name, sizeof(name), "%s %s %u %s", drive_type_name(mt->type),
				 drive_metric_name(mt->metric), dims[d], form->name);
			vexfs_space_init(&s.sp, mt->type, mt->metric, dims[d]);
			s.n = CACHE_BYTES / s.sp.stride;
			if (s.n < ROWS_LEAST)
				s.n = ROWS_LEAST;
			bench_set_make(&s, mt->type, mt->metric, dims[d], s.n);
			p.arg = &s;
			p.items = s.n;
			r = bench_run(&p, 15, 0.5);
			p.ours = ours_pairs;
			one = bench_run(&p, 5, 0.5);
			product *= r.ratio;
			bench_row(name, mt->name, "ns", r.ours, r.theirs, r.ratio, 1.0);
			snprintf(name, sizeof(name), "%s %s %u %s, pair by pair",
				 drive_type_name(mt->type), drive_metric_name(mt->metric), dims[d],
				 form->name);
			bench_row(name, mt->name, "ns", one.ours, one.theirs, one.ratio, 0);
			bench_set_free(&s);
		}
		snprintf(name, sizeof(name), "%s %s %s, geometric mean", drive_type_name(mt->type),
			 drive_metric_name(mt->metric), form->name);
		bench_row(name, mt->name, "ratio", pow(product, 1.0 / NR_DIMS), 1,
			  pow(product, 1.0 / NR_DIMS), mt->type == VEXFS_TYPE_F32 ? 1.2 : 1.0);
	}
}
