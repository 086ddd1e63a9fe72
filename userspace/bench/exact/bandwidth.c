// SPDX-License-Identifier: GPL-2.0
/*
 * How fast one core of this machine reads memory: the best of several passes of
 * the widest loads over a buffer in huge pages. Prints GB/s.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define BYTES	(256ul << 20)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Four streams, so that several lines are on their way at any time. */
static uint64_t pass(const char *p)
{
	const size_t quarter = BYTES / 4;
#ifdef __AVX512F__
	__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;

	for (size_t i = 0; i < quarter; i += 64) {
		a = _mm512_xor_si512(a, _mm512_load_si512(p + i));
		b = _mm512_xor_si512(b, _mm512_load_si512(p + quarter + i));
		c = _mm512_xor_si512(c, _mm512_load_si512(p + 2 * quarter + i));
		d = _mm512_xor_si512(d, _mm512_load_si512(p + 3 * quarter + i));
	}
	a = _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d));
	return (uint64_t)_mm512_reduce_add_epi64(a);
#else
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

	for (size_t i = 0; i < quarter; i += 32) {
		a = _mm256_xor_si256(a, _mm256_load_si256((const __m256i *)(p + i)));
		b = _mm256_xor_si256(b, _mm256_load_si256((const __m256i *)(p + quarter + i)));
		c = _mm256_xor_si256(c, _mm256_load_si256((const __m256i *)(p + 2 * quarter + i)));
		d = _mm256_xor_si256(d, _mm256_load_si256((const __m256i *)(p + 3 * quarter + i)));
	}
	a = _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d));
	return (uint64_t)_mm256_extract_epi64(a, 0);
#endif
}

/* One stream from front to back. */
static uint64_t pass_one(const char *p)
{
	uint64_t sum = 0;
#ifdef __AVX512F__
	__m512i a = _mm512_setzero_si512(), b = a;

	for (size_t i = 0; i < BYTES; i += 128) {
		a = _mm512_xor_si512(a, _mm512_load_si512(p + i));
		b = _mm512_xor_si512(b, _mm512_load_si512(p + i + 64));
	}
	sum = (uint64_t)_mm512_reduce_add_epi64(_mm512_xor_si512(a, b));
#else
	for (size_t i = 0; i < BYTES; i += 8)
		sum ^= *(const uint64_t *)(p + i);
#endif
	return sum;
}

int main(void)
{
	char *p = mmap(NULL, BYTES + (2ul << 20), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile uint64_t sink;
	double best = 0;

	if (p == MAP_FAILED)
		return 1;
	p = (char *)(((uintptr_t)p + (2ul << 20) - 1) & ~((2ul << 20) - 1));
	madvise(p, BYTES, MADV_HUGEPAGE);
	memset(p, 1, BYTES);
	for (int i = 0; i < 20; i++) {
		double start = now(), rate;

		sink = i & 1 ? pass(p) : pass_one(p);
		rate = (double)BYTES / (now() - start) / 1e9;
		best = rate > best ? rate : best;
	}
	(void)sink;
	printf("%.2f\n", best);
	return 0;
}
