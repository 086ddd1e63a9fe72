/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers that are the same on every machine for the same seed: xoshiro256**
 * seeded with splitmix64. Not for cryptography.
 */
#ifndef VEXSTAT_RNG_H
#define VEXSTAT_RNG_H

#include <stdint.h>

struct vs_rng {
	uint64_t s[4];
};

/* One step of splitmix64: also a good hash of a number. */
static inline uint64_t vs_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline void vs_rng_seed(struct vs_rng *r, uint64_t seed)
{
	int i;

	for (i = 0; i < 4; i++) {
		seed = vs_mix(seed);
		r->s[i] = seed;
	}
}

static inline uint64_t vs_rng_next(struct vs_rng *r)
{
	uint64_t *s = r->s;
	uint64_t m5 = s[1] * 5;
	uint64_t out = ((m5 << 7) | (m5 >> 57)) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = (s[3] << 45) | (s[3] >> 19);
	return out;
}

/* 0 to n - 1; the bias is below n / 2^64. */
static inline uint64_t vs_rng_below(struct vs_rng *r, uint64_t n)
{
	return (uint64_t)(((__uint128_t)vs_rng_next(r) * n) >> 64);
}

/* 0 <= x < 1 */
static inline double vs_rng_unit(struct vs_rng *r)
{
	return (double)(vs_rng_next(r) >> 11) * 0x1p-53;
}

/*
 * Approximates a normal deviate (variance 1, cut off at 3.4) by the sum of four 16-bit
 * numbers of one draw. It needs no libm, so results are the same everywhere.
 */
static inline float vs_rng_gauss(struct vs_rng *r)
{
	uint64_t x = vs_rng_next(r);
	int32_t s = (int32_t)(x & 0xffff) + (int32_t)((x >> 16) & 0xffff) +
		    (int32_t)((x >> 32) & 0xffff) + (int32_t)(x >> 48);

	return (float)(s - 131070) * (1.7320508f / 65536.0f);
}

#endif
