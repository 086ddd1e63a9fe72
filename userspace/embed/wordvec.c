// SPDX-License-Identifier: GPL-2.0
/*
 * The average of the vectors of a text's words, weighted by rarity. Rarity is estimated
 * from the word's rank in the file, which has frequent words first. Weights from counts
 * of the texts themselves did worse.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "vexfs.h"

/**
 * struct wordvec - a file of word vectors
 * @dim: components
 * @rows: number of words
 * @row: the vectors
 * @place: hash table: row plus 1
 * @hash: hash of each word
 */
struct wordvec {
	uint32_t dim;
	uint32_t rows;
	float *row;
	uint32_t *place;
	uint64_t *hash;
	uint32_t mask;
};

static int read_rows(struct wordvec *wv, const char *fbin, char *why, size_t size)
{
	struct vexfs_file_info info;
	struct vexfs_error err;
	struct vexfs_file *f;
	ssize_t n;

	if (vexfs_file_open(fbin, &f, &info, &err)) {
		snprintf(why, size, "%s", err.text);
		return -1;
	}
	wv->dim = info.dim;
	wv->rows = (uint32_t)info.rows;
	wv->row = info.rows < 100000000 ? malloc(info.rows * info.dim * sizeof(float)) : NULL;
	n = wv->row ? vexfs_file_read_f32(f, wv->row, info.rows, &err) : -1;
	vexfs_file_abandon(f);
	if (n != (ssize_t)info.rows) {
		snprintf(why, size, "%s cannot be read, or does not fit into memory", fbin);
		return -1;
	}
	return 0;
}

static void enter(struct wordvec *wv, uint32_t row, const char *word, size_t len)
{
	uint32_t at;

	wv->hash[row] = text_hash(word, len);
	at = (uint32_t)wv->hash[row] & wv->mask;
	while (wv->place[at])
		at = (at + 1) & wv->mask;
	wv->place[at] = row + 1;
}

static int read_words(struct wordvec *wv, const char *path, char *why, size_t size)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	uint32_t row = 0;
	size_t room = 0;
	ssize_t len;

	if (!f) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return -1;
	}
	while (row < wv->rows && (len = getline(&line, &room, f)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		enter(wv, row++, line, (size_t)len);
	}
	free(line);
	fclose(f);
	if (row < wv->rows) {
		snprintf(why, size, "%s has fewer words than there are vectors", path);
		return -1;
	}
	return 0;
}

static void wordvec_free(struct wordvec *wv)
{
	free(wv->row);
	free(wv->place);
	free(wv->hash);
	free(wv);
}

struct wordvec *wordvec_load(const char *fbin, char *why, size_t size)
{
	struct wordvec *wv = calloc(1, sizeof(*wv));
	size_t len = strlen(fbin);
	char words[4096];

	snprintf(why, size, "no memory");
	if (!wv)
		return NULL;
	if (len < 5 || strcmp(fbin + len - 5, ".fbin") || len + 2 > sizeof(words)) {
		snprintf(why, size, "%s: a file NAME.fbin with NAME.words beside it is expected", fbin);
		goto fail;
	}
	snprintf(words, sizeof(words), "%.*s.words", (int)len - 5, fbin);
	if (read_rows(wv, fbin, why, size))
		goto fail;
	for (wv->mask = 1; wv->mask < 2 * wv->rows; wv->mask *= 2)
		;
	wv->place = calloc(wv->mask, sizeof(*wv->place));
	wv->mask--;
	wv->hash = malloc(wv->rows * sizeof(*wv->hash));
	if (!wv->place || !wv->hash || read_words(wv, words, why, size))
		goto fail;
	return wv;
fail:
	wordvec_free(wv);
	return NULL;
}

uint32_t wordvec_dim(const struct wordvec *wv)
{
	return wv->dim;
}

static const float *find(const struct wordvec *wv, uint64_t hash, uint32_t *row)
{
	uint32_t at = (uint32_t)hash & wv->mask;

	for (; wv->place[at]; at = (at + 1) & wv->mask) {
		*row = wv->place[at] - 1;
		if (wv->hash[*row] == hash)
			return wv->row + (size_t)*row * wv->dim;
	}
	return NULL;
}

void wordvec_embed(const struct wordvec *wv, const struct words *w, float *v)
{
	unsigned int i, j;
	uint32_t row = 0;

	memset(v, 0, wv->dim * sizeof(*v));
	for (i = 0; i < w->n; i++) {
		const float *x = find(wv, w->word[i].hash, &row);
		float weight = 1 + logf((float)w->word[i].count);

		if (!x)
			continue;
		/* By Zipf's law the rank gives the frequency. */
		weight *= logf(2.0f + (float)row / 50.0f);
		for (j = 0; j < wv->dim; j++)
			v[j] += weight * x[j];
	}
	unit_length(v, wv->dim);
}
