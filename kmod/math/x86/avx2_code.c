// SPDX-License-Identifier: GPL-2.0
/*
 * Codes of f32, f16 and bf16 with AVX2: made, and compared with one query. Products
 * of bytes are made in 32 bits before anything is added: the instruction that adds
 * them in 16 saturates, and a sum must never be anything but exact.
 */
#include "x86.h"
#include "avx_code.h"

/* Eight components; what is behind the last is zero. */
static __always_inline __m256 load_8(const u32 type, const u8 *row, u32 k)
{
	__m128i h;

	if (type == VEXFS_TYPE_F32)
		return _mm256_load_ps((const float *)row + k);
	h = _mm_load_si128((const __m128i *)(row + 2 * (size_t)k));
	if (type == VEXFS_TYPE_F16)
		return _mm256_cvtph_ps(h);
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

static __always_inline float most_of(__m256 v)
{
	__m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	m = _mm_max_ps(m, _mm_movehl_ps(m, m));
	return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

static __always_inline s32 sum_of(__m256i v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

static __always_inline struct quantised quantise(const struct vexfs_space *sp, const u32 type,
					    const u8 *row, u32 aux, const u8 lift, u8 *out)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	__m256 most = _mm256_setzero_ps(), lost[2] = { most, most };
	__m256i sum = _mm256_setzero_si256();
	float by, scale;
	u32 k, j;

	for (k = 0; k < sp->dim; k += 8)
		most = _mm256_max_ps(most, _mm256_andnot_ps(sign, load_8(type, row, k)));
	quantise_scale(most_of(most), &by, &scale);
	for (k = 0; k < sp->dim; k += 16) {
		__m256i v[2];
		__m128i b[2];

		UNROLL_8
		for (j = 0; j < 2; j++) {
			__m256 x = load_8(type, row, k + 8 * j), c;

			v[j] = _mm256_cvtps_epi32(_mm256_mul_ps(x, _mm256_set1_ps(by)));
			c = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(v[j]), _mm256_set1_ps(scale), x);
			lost[j] = _mm256_fmadd_ps(c, c, lost[j]);
			sum = _mm256_add_epi32(sum, v[j]);
			b[j] = _mm_packs_epi32(_mm256_castsi256_si128(v[j]),
					       _mm256_extracti128_si256(v[j], 1));
		}
		_mm_storeu_si128((__m128i_u *)(out + k),
				 _mm_xor_si128(_mm_packs_epi16(b[0], b[1]),
					       _mm_set1_epi8((char)lift)));
	}
	return quantised_of(sp->metric, aux, scale,
			_mm256_cvtss_f32(tree1(_mm256_add_ps(lost[0], lost[1]))), sum_of(sum));
}

static __always_inline struct quantised quantise_any(const struct vexfs_space *sp, const u8 *row,
						u32 aux, const u8 lift, u8 *out,
						const size_t step)
{
	if (sp->type == VEXFS_TYPE_F32)
		return quantise(sp, VEXFS_TYPE_F32, row, aux, lift, out);
	if (sp->type == VEXFS_TYPE_F16)
		return quantise(sp, VEXFS_TYPE_F16, row, aux, lift, out);
	return quantise(sp, VEXFS_TYPE_BF16, row, aux, lift, out);
}

typedef __m256i code_acc;

/* Bytes of the query are signed, those of the row are not: by even and odd places. */
static __always_inline __m256i products(__m256i acc, __m256i x, __m256i y)
{
	__m256i even = _mm256_madd_epi16(_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8),
					 _mm256_and_si256(y, _mm256_set1_epi16(0xff)));
	__m256i odd = _mm256_madd_epi16(_mm256_srai_epi16(x, 8), _mm256_srli_epi16(y, 8));

	return _mm256_add_epi32(acc, _mm256_add_epi32(even, odd));
}

static __always_inline code_acc code_sum(const u8 *q, const u8 *row, u32 bytes)
{
	__m256i acc = _mm256_setzero_si256();
	u32 off;

	for (off = 0; off + 32 <= bytes; off += 32)
		acc = products(acc, _mm256_load_si256((const __m256i *)(q + off)),
			       _mm256_loadu_si256((const __m256i_u *)(row + off)));
	if (off < bytes)
		acc = products(acc, _mm256_load_si256((const __m256i *)(q + off)),
			       _mm256_zextsi128_si256(_mm_load_si128((const __m128i *)
								     (row + off))));
	return acc;
}

static __always_inline __m256i pairs32(__m256i x, __m256i y)
{
	return _mm256_add_epi32(_mm256_unpacklo_epi32(x, y), _mm256_unpackhi_epi32(x, y));
}

static __always_inline __m256i pairs64(__m256i x, __m256i y)
{
	return _mm256_add_epi32(_mm256_unpacklo_epi64(x, y), _mm256_unpackhi_epi64(x, y));
}

static __always_inline __m256i code_tree8(const code_acc *a)
{
	__m256i lo = pairs64(pairs32(a[0], a[1]), pairs32(a[2], a[3]));
	__m256i hi = pairs64(pairs32(a[4], a[5]), pairs32(a[6], a[7]));

	return _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x20),
				_mm256_permute2x128_si256(lo, hi, 0x31));
}

CODE_FORMS(vexfs_avx2)
