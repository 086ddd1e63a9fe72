// SPDX-License-Identifier: GPL-2.0
/*
 * What the machine can do at best: reading memory, and multiply-adds. Nothing
 * here may be clever: these are the yardsticks.
 */
#include "bench.h"

#include <immintrin.h>

static volatile int sink;

__attribute__((target("avx2")))
void bench_read_avx2(const void *p, size_t bytes)
{
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
	const __m256i *v = p, *end = v + bytes / 32;

	for (; v < end; v += 8) {
		a = _mm256_or_si256(a, _mm256_or_si256(v[0], v[4]));
		b = _mm256_or_si256(b, _mm256_or_si256(v[1], v[5]));
		c = _mm256_or_si256(c, _mm256_or_si256(v[2], v[6]));
		d = _mm256_or_si256(d, _mm256_or_si256(v[3], v[7]));
	}
	a = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
	sink += _mm256_extract_epi32(a, 0);
}

__attribute__((target("avx512f")))
void bench_read_avx512(const void *p, size_t bytes)
{
	__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
	const __m512i *v = p, *end = v + bytes / 64;

	for (; v < end; v += 4) {
		a = _mm512_or_si512(a, v[0]);
		b = _mm512_or_si512(b, v[1]);
		c = _mm512_or_si512(c, v[2]);
		d = _mm512_or_si512(d, v[3]);
	}
	a = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
	sink += _mm512_reduce_or_epi32(a);
}

#define CHAINS	10
#define STEPS	20000

__attribute__((target("avx2,fma")))
double bench_fma_avx2(void)
{
	__m256 acc[CHAINS], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
	int i, k;

	for (k = 0; k < CHAINS; k++)
		acc[k] = _mm256_set1_ps((float)k);
	for (i = 0; i < STEPS; i++) {
#pragma GCC unroll 16
		for (k = 0; k < CHAINS; k++)
			acc[k] = _mm256_fmadd_ps(acc[k], x, y);
	}
	for (k = 1; k < CHAINS; k++)
		acc[0] = _mm256_add_ps(acc[0], acc[k]);
	sink += (int)_mm256_cvtss_f32(acc[0]);
	return 2.0 * 8 * CHAINS * STEPS;
}

__attribute__((target("avx512f")))
double bench_fma_avx512(void)
{
	__m512 acc[CHAINS], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
	int i, k;

	for (k = 0; k < CHAINS; k++)
		acc[k] = _mm512_set1_ps((float)k);
	for (i = 0; i < STEPS; i++) {
#pragma GCC unroll 16
		for (k = 0; k < CHAINS; k++)
			acc[k] = _mm512_fmadd_ps(acc[k], x, y);
	}
	for (k = 1; k < CHAINS; k++)
		acc[0] = _mm512_add_ps(acc[0], acc[k]);
	sink += (int)_mm512_cvtss_f32(acc[0]);
	return 2.0 * 16 * CHAINS * STEPS;
}
