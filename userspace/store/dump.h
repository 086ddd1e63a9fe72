/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One collection in one file, to keep or to carry to another machine: its settings, its
 * vectors with ids and records in blocks, and an end. Everything is under a checksum, and a
 * file that was cut short has no end. docs/store-format.md says what the bytes are.
 */
#ifndef VEXFS_STORE_DUMP_H
#define VEXFS_STORE_DUMP_H

#include <stdio.h>

#include "store.h"

#define DUMP_ROWS_MAX	65536u	/* vectors in a block */

/**
 * struct dump_rows - vectors of a block
 * @count: number of vectors
 * @ids: ids of the vectors
 * @attrs: records of the vectors, one after another
 * @vectors: the vectors, one after another
 */
struct dump_rows {
	uint32_t count;
	const uint64_t *ids;
	const uint8_t *attrs;
	const uint8_t *vectors;
};

/* Vectors of these settings that a block should have; at least 1. */
uint32_t dump_block_rows(const struct store_meta *meta);

/* ---- writing; errors of @f are for its owner to find when it is closed ---- */

/* @seq: change that the collection was at. */
void dump_write_head(FILE *f, const struct store_meta *meta, uint64_t seq);
/* @at: vectors written before. */
void dump_write_rows(FILE *f, const struct store_meta *meta, uint64_t at,
		     const struct dump_rows *rows);
void dump_write_end(FILE *f, uint64_t total);

/* ---- reading ---- */

/**
 * struct dump - a file that is being read
 * @f: where from
 * @name: of the file, for sentences
 * @meta: the settings
 * @seq: change that the collection was at
 * @at: vectors read
 * @payload: of the last block
 * @room: bytes there
 */
struct dump {
	FILE *f;
	const char *name;
	struct store_meta meta;
	uint64_t seq;
	uint64_t at;
	uint8_t *payload;
	size_t room;
};

/* -EUCLEAN: damaged, cut short, or no such file. -ENOTSUP: of a newer format. */
int dump_read_head(struct dump *d, FILE *f, const char *name, struct store_error *err);
/* 1 with the next block, good until the next call; 0 at the end of a file that is whole. */
int dump_read_rows(struct dump *d, struct dump_rows *rows, struct store_error *err);
void dump_read_end(struct dump *d);

#endif
