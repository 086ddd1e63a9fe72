// SPDX-License-Identifier: GPL-2.0
/*
 * Words and their character n-grams, hashed into the components of a vector with a sign,
 * so that collisions cancel out on average. N-grams bring inflected and misspelt forms of
 * a word together.
 */
#include <math.h>
#include <string.h>

#include "embed.h"

#define GRAM_MIN	3
#define GRAM_MAX	5
/* Share of a word's weight that is divided among its n-grams. */
#define GRAM_SHARE	0.5f

static void add(float *v, uint32_t dim, uint64_t hash, float weight)
{
	v[(hash >> 1) % dim] += hash & 1 ? weight : -weight;
}

static void add_grams(float *v, uint32_t dim, const struct word *w, float weight)
{
	char text[WORD_MAX + 2];
	unsigned int len = w->len + 2, n, i, count = 0;
	float each;

	/* The start and the end of the word are part of its n-grams. */
	text[0] = '<';
	memcpy(text + 1, w->text, w->len);
	text[w->len + 1] = '>';
	for (n = GRAM_MIN; n <= GRAM_MAX && n <= len; n++)
		count += len - n + 1;
	if (!count)
		return;
	each = weight / sqrtf((float)count);
	for (n = GRAM_MIN; n <= GRAM_MAX && n <= len; n++)
		for (i = 0; i + n <= len; i++)
			add(v, dim, text_hash(text + i, n), each);
}

void ngram_embed(const struct idf *idf, const struct words *w, float *v, uint32_t dim)
{
	unsigned int i;

	memset(v, 0, dim * sizeof(*v));
	for (i = 0; i < w->n; i++) {
		const struct word *x = &w->word[i];
		float weight = idf_weight(idf, x) * (1 + logf((float)x->count));

		add(v, dim, x->hash, weight);
		add_grams(v, dim, x, GRAM_SHARE * weight);
	}
	unit_length(v, dim);
}
