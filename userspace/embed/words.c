// SPDX-License-Identifier: GPL-2.0
/* Splits a text into words. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"

uint64_t text_hash(const char *s, size_t len)
{
	uint64_t h = 1469598103934665603ull;

	while (len--)
		h = (h ^ (unsigned char)*s++) * 1099511628211ull;
	/* The low bits become the index, so mix all bits into them. */
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	return h ^ h >> 32;
}

struct words *words_new(void)
{
	return calloc(1, sizeof(struct words));
}

static void add(struct words *w, const char *text, unsigned int len)
{
	uint64_t hash = text_hash(text, len);
	unsigned int at = hash % (2 * WORDS_MAX);
	struct word *x;

	while (w->table[at]) {
		x = &w->word[w->table[at] - 1];
		if (x->hash == hash && x->len == len && !memcmp(x->text, text, len)) {
			x->count++;
			return;
		}
		at = (at + 1) % (2 * WORDS_MAX);
	}
	if (w->n == WORDS_MAX)
		return;
	x = &w->word[w->n++];
	memcpy(x->text, text, len);
	x->len = len;
	x->count = 1;
	x->hash = hash;
	w->table[at] = (uint16_t)w->n;
}

void words_read(struct words *w, const char *text, size_t len)
{
	char word[WORD_MAX];
	unsigned int n = 0;
	size_t i;

	w->n = 0;
	memset(w->table, 0, sizeof(w->table));
	if (len > EMBED_TEXT_MAX)
		len = EMBED_TEXT_MAX;
	for (i = 0; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)text[i] : ' ';

		if (isalnum(c) || c >= 0x80) {
			if (n < WORD_MAX)
				word[n++] = (char)(c < 0x80 ? tolower(c) : c);
			continue;
		}
		/* Words of one letter are not counted. */
		if (n > 1)
			add(w, word, n);
		n = 0;
	}
}

void unit_length(float *v, uint32_t dim)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < dim; i++)
		sum += (double)v[i] * (double)v[i];
	if (!(sum > 0)) {
		v[0] = 1;
		return;
	}
	sum = 1 / sqrt(sum);
	for (i = 0; i < dim; i++)
		v[i] = (float)((double)v[i] * sum);
}
