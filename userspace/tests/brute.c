// SPDX-License-Identifier: GPL-2.0
/*
 * The simplest exact search there is, to hold the other one against: double
 * precision, every row, a full sort. It knows .fbin and nothing of vexfs.
 *
 *	brute gen ROWS DIM FILE.fbin		random rows
 *	brute search FILE.fbin ROWS FIRST QUERIES K	nearest ids of some rows, a line each
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hit {
	double distance;
	uint32_t id;
};

static int nearer(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int gen(uint32_t rows, uint32_t dim, const char *path)
{
	uint32_t head[2] = { rows, dim };
	uint64_t x = 88172645463325252ull;
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(head, 4, 2, f) != 2)
		return 1;
	for (uint64_t i = 0; i < (uint64_t)rows * dim; i++) {
		float v;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v = (float)(int32_t)(x >> 40) / 8388608.0f - 1.0f;
		if (fwrite(&v, 4, 1, f) != 1)
			return 1;
	}
	return fclose(f) != 0;
}

static int search(const char *path, uint32_t rows, uint32_t first, uint32_t queries, uint32_t k)
{
	FILE *f = fopen(path, "rb");
	uint32_t head[2];
	struct hit *hits;
	float *v;

	if (!f || fread(head, 4, 2, f) != 2 || rows > head[0] || first + queries > head[0])
		return 1;
	v = malloc((size_t)head[0] * head[1] * 4);
	hits = malloc(rows * sizeof(*hits));
	if (!v || !hits || fread(v, (size_t)head[1] * 4, head[0], f) != head[0])
		return 1;
	for (uint32_t q = first; q < first + queries; q++) {
		for (uint32_t i = 0; i < rows; i++) {
			double sum = 0;

			for (uint32_t c = 0; c < head[1]; c++) {
				double d = (double)v[(size_t)q * head[1] + c] -
					   (double)v[(size_t)i * head[1] + c];

				sum += d * d;
			}
			hits[i] = (struct hit){ sum, i };
		}
		qsort(hits, rows, sizeof(*hits), nearer);
		putchar('[');
		for (uint32_t i = 0; i < k; i++)
			printf("%s%u", i ? "," : "", hits[i].id);
		puts("]");
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "gen"))
		return gen((uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), argv[4]);
	if (argc == 7 && !strcmp(argv[1], "search"))
		return search(argv[2], (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]),
			      (uint32_t)atoi(argv[5]), (uint32_t)atoi(argv[6]));
	fprintf(stderr, "usage: brute gen ROWS DIM FILE | search FILE ROWS FIRST QUERIES K\n");
	return 2;
}
