/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vectors of text without a model server: what the two methods share. A text is split
 * into words, which are counted; a method turns the counts into a vector of unit length.
 */
#ifndef VEXFS_EMBED_H
#define VEXFS_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMBED_TEXT_MAX	(256u << 10)	/* bytes of a text that are used */
#define WORD_MAX	32		/* bytes of a word that are used */
#define WORDS_MAX	8192		/* different words of a text that are used */

/**
 * struct word - a word of a text
 * @text: in lower case, not NUL-terminated
 * @len: its bytes
 * @count: how often it occurs
 * @hash: of @text
 */
struct word {
	char text[WORD_MAX];
	unsigned int len;
	unsigned int count;
	uint64_t hash;
};

/**
 * struct words - the words of a text; set up with words_new()
 * @n: number of different words
 * @word: in the order of their first occurrence
 */
struct words {
	unsigned int n;
	struct word word[WORDS_MAX];
	uint16_t table[2 * WORDS_MAX];	/* hash table: index in @word plus 1 */
};

struct words *words_new(void);
/* Words consist of letters and digits; bytes from 0x80 on count as letters. */
void words_read(struct words *w, const char *text, size_t len);
uint64_t text_hash(const char *s, size_t len);

struct idf;

/* How many texts of a corpus contain a word, by its hash. */
struct idf *idf_new(void);
struct idf *idf_load(const char *path, char *why, size_t size);
/* 0, or -1 with errno. */
int idf_save(const struct idf *idf, const char *path);
void idf_learn(struct idf *idf, const struct words *w);
uint32_t idf_texts(const struct idf *idf);
/* Weight of a word by its rarity; with NULL from built-in counts of English. */
float idf_weight(const struct idf *idf, const struct word *w);

/* Hashed words and n-grams of characters. */
void ngram_embed(const struct idf *idf, const struct words *w, float *v, uint32_t dim);

/* Vectors of words from FILE.fbin, with the words in FILE.words, most frequent first. */
struct wordvec;
struct wordvec *wordvec_load(const char *fbin, char *why, size_t size);
uint32_t wordvec_dim(const struct wordvec *wv);
void wordvec_embed(const struct wordvec *wv, const struct words *w, float *v);

/*
 * Scales to length 1. If all components are zero the first becomes 1, since cosine needs
 * a direction.
 */
void unit_length(float *v, uint32_t dim);

#endif
