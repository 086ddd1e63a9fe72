// SPDX-License-Identifier: GPL-2.0
/*
 * Document frequencies: for each word the number of texts that contain it, in one table
 * by hash. Two words with the same hash share their count, which makes both look more
 * common than they are.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "outfile.h"

#define PLACES	(1u << 18)
#define RARITY_MAX	3.5f

struct idf {
	char magic[8];
	uint32_t places;
	uint32_t texts;
	uint32_t count[PLACES];
};

static const char magic[8] = "vexidf1";

/* Words that are frequent in English texts of any subject. */
static const char *const common[] = {
	"about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because",
	"been", "but", "by", "can", "could", "do", "does", "each", "for", "from", "had", "has",
	"have", "if", "in", "into", "is", "it", "its", "may", "more", "most", "no", "not", "of",
	"on", "one", "only", "or", "other", "our", "out", "should", "so", "some", "such", "than",
	"that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "up", "use",
	"used", "uses", "using", "was", "we", "were", "what", "when", "where", "which", "while",
	"who", "will", "with", "would", "you", "your",
};

struct idf *idf_new(void)
{
	struct idf *idf = calloc(1, sizeof(*idf));

	if (!idf)
		return NULL;
	memcpy(idf->magic, magic, sizeof(magic));
	idf->places = PLACES;
	return idf;
}

struct idf *idf_load(const char *path, char *why, size_t size)
{
	struct idf *idf = idf_new();
	FILE *f = idf ? fopen(path, "re") : NULL;

	if (!f) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		free(idf);
		return NULL;
	}
	if (fread(idf, sizeof(*idf), 1, f) != 1 || memcmp(idf->magic, magic, sizeof(magic)) ||
	    idf->places != PLACES || fgetc(f) != EOF) {
		snprintf(why, size, "%s is not a table of word counts", path);
		free(idf);
		idf = NULL;
	}
	fclose(f);
	return idf;
}

int idf_save(const struct idf *idf, const char *path)
{
	struct outfile o;

	if (outfile_write(&o, path, idf, sizeof(*idf))) {
		errno = o.error;
		return -1;
	}
	return 0;
}

void idf_learn(struct idf *idf, const struct words *w)
{
	unsigned int i;

	idf->texts++;
	for (i = 0; i < w->n; i++)
		idf->count[w->word[i].hash % PLACES]++;
}

uint32_t idf_texts(const struct idf *idf)
{
	return idf->texts;
}

static int compare(const void *a, const void *b)
{
	const struct word *w = a;
	const char *text = *(const char *const *)b;
	size_t len = strlen(text);
	int d = memcmp(w->text, text, w->len < len ? w->len : len);

	return d ? d : (int)w->len - (int)len;
}

float idf_weight(const struct idf *idf, const struct word *w)
{
	float rarity;

	if (!idf) {
		if (bsearch(w, common, sizeof(common) / sizeof(common[0]), sizeof(common[0]),
			    compare))
			return 0.1f;
		/* Long words are usually rare. */
		return 1.0f + 0.2f * (float)(w->len < 12 ? w->len : 12);
	}
	rarity = logf((1.0f + (float)idf->texts) / (1.0f + (float)idf->count[w->hash % PLACES]));
	/* A word that occurs in almost no other text says little about neighbours. */
	return (rarity < RARITY_MAX ? rarity : RARITY_MAX) + 0.01f;
}
