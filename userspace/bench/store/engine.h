/* SPDX-License-Identifier: GPL-2.0 */
/* What the benchmark asks of a storage engine: rows of one size under 64-bit ids. */
#ifndef VEXFS_BENCH_ENGINE_H
#define VEXFS_BENCH_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#define ROW_BYTES	512u	/* 128 f32 */

/**
 * struct engine - one of those compared
 * @name: of the table
 * @open: in an empty folder, or in one that was closed; NULL on failure
 * @put: @n rows of which the first has the id @id; may be called by several threads
 *	where @many, each call durable when it returns if @sync
 * @load: goes through all rows and adds up a byte of each; returns how many
 */
struct engine {
	const char *name;
	int many;
	void *(*open)(const char *dir);
	int (*put)(void *e, uint64_t id, const uint8_t *rows, uint32_t n, int sync);
	uint64_t (*load)(void *e, uint64_t *sum);
	void (*close)(void *e);
};

extern const struct engine engine_bare, engine_log, engine_sqlite, engine_lmdb, engine_rocksdb;

/*
 * Group commit for those that have none: @write hands over without waiting for the disk,
 * @sync waits. Whoever comes while a flush runs shares the next one.
 */
struct group;
struct group *group_new(int (*write)(void *arg, uint64_t id, const uint8_t *rows, uint32_t n),
			int (*sync)(void *arg), void *arg);
int group_put(struct group *g, uint64_t id, const uint8_t *rows, uint32_t n, int sync);
void group_free(struct group *g);

#endif
