/* SPDX-License-Identifier: GPL-2.0 */
/* The interface of a storage engine in the benchmark: rows of one size under 64-bit ids. */
#ifndef VEXFS_BENCH_ENGINE_H
#define VEXFS_BENCH_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#define ROW_BYTES	512u	/* 128 f32 */

/**
 * struct engine - an engine
 * @name: of the table
 * @open: in an empty directory, or in one that was closed; NULL on failure
 * @put: @n rows, the first with the id @id; may be called by several threads if @many;
 * durable on return if @sync
 * @load: reads all rows and sums one byte of each; returns their number
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
 * Group commit for engines without their own: @write does not wait for the disk, @sync
 * does. Writers that arrive during a flush share the next one.
 */
struct group;
struct group *group_new(int (*write)(void *arg, uint64_t id, const uint8_t *rows, uint32_t n),
			int (*sync)(void *arg), void *arg);
int group_put(struct group *g, uint64_t id, const uint8_t *rows, uint32_t n, int sync);
void group_free(struct group *g);

#endif
