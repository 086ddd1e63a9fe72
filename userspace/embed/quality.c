// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the methods. Input is texts with one section each, one per line,
 * "SECTION\tTEXT". The result is how many of the ten texts nearest to each text have its
 * section, and how many would by chance. All sections are made equally large, so that
 * none is favoured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "parse.h"

#define NEAREST	10

struct text {
	char *section;
	char *text;
	int chosen;
};

static struct text *texts;
static size_t ntexts;

static int by_section(const void *a, const void *b)
{
	return strcmp(((const struct text *)a)->section, ((const struct text *)b)->section);
}

static int read_texts(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t room = 0, have = 0;
	char *line = NULL, *tab;

	if (!f) {
		perror(path);
		return -1;
	}
	while (getline(&line, &room, f) > 0) {
		tab = strchr(line, '\t');
		if (!tab)
			continue;
		*tab++ = 0;
		if (ntexts == have) {
			have = have ? 2 * have : 1024;
			texts = realloc(texts, have * sizeof(*texts));
			if (!texts)
				return -1;
		}
		texts[ntexts].section = strdup(line);
		texts[ntexts].text = strdup(tab);
		texts[ntexts++].chosen = 0;
	}
	free(line);
	fclose(f);
	return ntexts ? 0 : -1;
}

/*
 * Takes @each texts of every section that has as many, spread over it. Returns the number
 * of sections.
 */
static size_t choose(size_t each)
{
	size_t from = 0, to, i, n = 0, sections = 0;

	qsort(texts, ntexts, sizeof(*texts), by_section);
	for (; from < ntexts; from = to) {
		for (to = from; to < ntexts && !strcmp(texts[to].section, texts[from].section); to++)
			;
		if (to - from < each)
			continue;
		sections++;
		for (i = 0; i < each; i++) {
			struct text t = texts[from + i * (to - from) / each];

			/* Texts that are left out stay at the end and are not used. */
			texts[from + i * (to - from) / each] = texts[n];
			texts[n++] = t;
		}
	}
	ntexts = n;
	return sections;
}

static double precision(const float *v, uint32_t dim)
{
	size_t i, j, right = 0;

	for (i = 0; i < ntexts; i++) {
		float best[NEAREST];
		size_t at[NEAREST], n = 0, k;

		for (j = 0; j < ntexts; j++) {
			float dot = 0;
			uint32_t c;

			if (j == i)
				continue;
			for (c = 0; c < dim; c++)
				dot += v[i * dim + c] * v[j * dim + c];
			if (n == NEAREST && dot <= best[n - 1])
				continue;
			for (k = n < NEAREST ? n++ : n - 1; k && best[k - 1] < dot; k--) {
				best[k] = best[k - 1];
				at[k] = at[k - 1];
			}
			best[k] = dot;
			at[k] = j;
		}
		for (k = 0; k < n; k++)
			right += !strcmp(texts[at[k]].section, texts[i].section);
	}
	return (double)right / (double)(ntexts * NEAREST);
}

static int measure(const char *name, const struct idf *idf, const struct wordvec *wv, uint32_t dim,
		   double chance)
{
	struct words *w = words_new();
	float *v = malloc(ntexts * dim * sizeof(*v));
	double p;
	size_t i;

	if (!w || !v)
		return -1;
	for (i = 0; i < ntexts; i++) {
		words_read(w, texts[i].text, strlen(texts[i].text));
		if (wv)
			wordvec_embed(wv, w, v + i * dim);
		else
			ngram_embed(idf, w, v + i * dim, dim);
	}
	p = precision(v, dim);
	printf("{\"method\": \"%s\", \"dim\": %u, \"precision_at_10\": %.4f, \"times_chance\": %.1f}\n",
	       name, dim, p, p / chance);
	fflush(stdout);
	free(v);
	free(w);
	return 0;
}

int main(int argc, char **argv)
{
	struct words *w = words_new();
	struct idf *idf = idf_new();
	struct wordvec *wv;
	uint64_t each = 60;
	size_t sections, i;
	char why[512];
	double chance;

	if (argc < 2 || !w || !idf || (argc > 2 && !parse_u64(argv[2], &each)) || each < 2) {
		fprintf(stderr, "usage: embed-quality TEXTS [EACH [VECTORS.fbin]]\n");
		return 2;
	}
	if (read_texts(argv[1]))
		return 1;
	for (i = 0; i < ntexts; i++) {
		words_read(w, texts[i].text, strlen(texts[i].text));
		idf_learn(idf, w);
	}
	sections = choose(each);
	if (sections < 2)
		return 1;
	chance = (double)(each - 1) / (double)(ntexts - 1);
	printf("{\"texts\": %zu, \"sections\": %zu, \"chance\": %.4f}\n", ntexts, sections, chance);
	if (measure("ngram", NULL, NULL, 512, chance) ||
	    measure("ngram, idf learnt", idf, NULL, 512, chance))
		return 1;
	if (argc < 4)
		return 0;
	wv = wordvec_load(argv[3], why, sizeof(why));
	if (!wv) {
		fprintf(stderr, "embed-quality: %s\n", why);
		return 1;
	}
	return measure("words", NULL, wv, wordvec_dim(wv), chance) ? 1 : 0;
}
