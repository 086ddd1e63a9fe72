/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store of durable collections. Each collection has an append log of segments;
 * compaction drops superseded rows. docs/durability.md explains the choice.
 *
 * Guarantees
 *  - After store_commit() returned 0, the data survives any power cut unchanged. A vector
 *    that was appended but not committed is there completely or not at all, and so are those
 *    before it.
 *  - Damage is always reported: every byte is under a checksum.
 *  - An error loses nothing that was committed; store_coll_recover() continues from there.
 *
 * One thread per collection appends and commits. Compaction, copies and information may
 * run in other threads at the same time.
 */
#ifndef VEXFS_STORE_H
#define VEXFS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"

struct store;
struct store_coll;

/* @code is an errno value. EUCLEAN: damaged. ENOTSUP: written in a newer format. */
struct store_error {
	int code;
	char text[400];
};

__attribute__((format(printf, 3, 4)))
int store_fail(struct store_error *err, int code, const char *fmt, ...);

#define STORE_NAME_SIZE		64
#define STORE_LAYOUT_MAX	1024

/* Settings of a collection, as in struct vexfs_stat. */
struct store_meta {
	char name[STORE_NAME_SIZE];
	uint32_t dim;
	uint8_t type;
	uint8_t metric;
	uint8_t index;
	uint8_t durability;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t attr_size;
	uint64_t capacity;
	uint32_t m;
	uint32_t ef_construction;
	uint32_t code;
	uint32_t row_bytes;
	int64_t created;
	uint64_t user_ns;
	uint32_t window_ms;
	uint32_t layout_len;
	char layout[STORE_LAYOUT_MAX + 1];
};

enum store_op {
	STORE_INSERT	= 1,
	STORE_UPDATE	= 2,
	STORE_DELETE	= 3,
};

/**
 * struct store_rows - consecutive changes
 * @first_seq: of the first one; each change has the next number. In rows of a compaction:
 * of the last change that is included
 * @count: number of changes
 * @puts: number of inserts and updates
 * @ids: @count of them
 * @seqs: numbers, or NULL: @first_seq and the following
 * @ops: enum store_op, @count of them
 * @attrs: records of the @puts, packed
 * @vectors: vectors of the @puts, packed
 */
struct store_rows {
	uint64_t first_seq;
	uint32_t count;
	uint32_t puts;
	const uint64_t *ids;
	const uint64_t *seqs;
	const uint8_t *ops;
	const uint8_t *attrs;
	const uint8_t *vectors;
};

/**
 * struct store_opts - how to open a store
 * @read_only: change nothing, not even what a power cut left
 * @segment_max: size at which a segment is completed; 0 for the default
 * @memory: limit of a compaction's table of ids; 0 for the default
 */
struct store_opts {
	bool read_only;
	uint64_t segment_max;
	size_t memory;
};

#define STORE_SEGMENT_DEFAULT	(256ull << 20)
#define STORE_MEMORY_DEFAULT	(256u << 20)

/* @io belongs to the caller and must outlive the store. An empty directory becomes a store. */
int store_open(struct store_io *io, const struct store_opts *opts, struct store **s,
	       struct store_error *err);
void store_close(struct store *s);
const uint8_t *store_id(const struct store *s);
/* Keys of the collections, @n of them; valid until the store is closed or changed. */
const uint64_t *store_keys(const struct store *s, size_t *n);

/* Creates a collection whose next change is @seq + 1. */
int store_coll_create(struct store *s, const struct store_meta *meta, uint64_t seq,
		      struct store_coll **c, struct store_error *err);
int store_coll_open(struct store *s, uint64_t key, struct store_coll **c,
		    struct store_error *err);
/* Commits and closes; after an error only earlier commits count. */
int store_coll_close(struct store_coll *c);
/* Closes without writing, as if the process had been killed. */
void store_coll_abandon(struct store_coll *c);
/* Drops the collection from the store and closes it. */
int store_coll_drop(struct store_coll *c, struct store_error *err);

/* The settings as of the last appended change. */
const struct store_meta *store_coll_meta(const struct store_coll *c);
uint64_t store_coll_key(const struct store_coll *c);

/* ---- writing ---- */

/* Sequence numbers must be consecutive: -ESTALE otherwise. */
int store_append(struct store_coll *c, const struct store_rows *rows, struct store_error *err);
int store_append_meta(struct store_coll *c, uint64_t seq, const struct store_meta *meta,
		      struct store_error *err);
/* Makes all appended changes durable. */
int store_commit(struct store_coll *c, struct store_error *err);
/* After an error: discards what was not committed; append from store_durable_seq() + 1 on. */
int store_coll_recover(struct store_coll *c, struct store_error *err);
uint64_t store_durable_seq(const struct store_coll *c);

/*
 * For a collection that already has vectors: pass its rows as of @seq or later, in any
 * order; append the changes after @seq; then call store_snapshot_done(). Until that has
 * returned 0 the collection does not exist in the store.
 */
int store_snapshot_create(struct store *s, const struct store_meta *meta, uint64_t seq,
			  struct store_coll **c, struct store_error *err);
/* @rows: inserts, with the sequence numbers of the snapshot. */
int store_snapshot_rows(struct store_coll *c, const struct store_rows *rows,
			struct store_error *err);
/* The rows are complete; changes may follow. */
int store_snapshot_end(struct store_coll *c, struct store_error *err);
int store_snapshot_done(struct store_coll *c, struct store_error *err);

/* ---- reading ---- */

/**
 * struct store_visit - receives the contents of a collection
 * @rows: changes in order; a later change of an id supersedes earlier ones
 * @progress: bytes read and total bytes; may be NULL
 *
 * A non-zero result of either ends the iteration and is returned.
 */
struct store_visit {
	int (*rows)(void *arg, const struct store_rows *rows);
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

int store_coll_replay(struct store_coll *c, const struct store_visit *visit,
		      struct store_error *err);
/* The live contents: each vector once, as an insert with the number of its last change. */
int store_coll_live(struct store_coll *c, const struct store_visit *visit,
		    struct store_error *err);

/* ---- the graph's links, opaque bytes in parts of at most STORE_PART_MAX ---- */

#define STORE_PART_MAX		(1u << 20)

/*
 * A new set of links, of change @seq, which replaces the old one when it is finished.
 * Call finish or abandon.
 */
struct store_graph;
int store_graph_begin(struct store_coll *c, uint64_t seq, struct store_graph **g,
		      struct store_error *err);
int store_graph_add(struct store_graph *g, const void *data, size_t len,
		    struct store_error *err);
int store_graph_finish(struct store_graph *g, struct store_error *err);
void store_graph_abandon(struct store_graph *g);
/* -ENOENT when there is none. @fn as in struct store_visit. */
int store_graph_read(struct store_coll *c, int (*fn)(void *arg, const void *data, size_t len),
		     void *arg, struct store_error *err);
/* Removes the graph. */
int store_graph_forget(struct store_coll *c, struct store_error *err);

struct store_info {
	uint64_t seq;		/* of the last durable change */
	uint64_t live;		/* number of vectors */
	uint64_t rows;		/* number of rows on the disk, superseded ones included */
	uint64_t bytes;
	uint32_t segments;
	uint64_t generation;
};

void store_coll_info(struct store_coll *c, struct store_info *info);

/* ---- upkeep ---- */

typedef int (*store_progress)(void *arg, uint64_t done, uint64_t total);

/* More than half of the rows in complete segments are superseded, or these are many and short. */
bool store_coll_wants_compaction(struct store_coll *c);
int store_coll_compact(struct store_coll *c, store_progress progress, void *arg,
		       struct store_error *err);

/* Copies the collection as of its last commit into another store, which must not have it. */
int store_coll_copy(struct store_coll *c, struct store *to, store_progress progress, void *arg,
		    struct store_error *err);

/* A finding of store_check(). @bad: data is lost or unreadable; otherwise it is a remark. */
struct store_check {
	void (*report)(void *arg, bool bad, const char *text);
	store_progress progress;
	void *arg;
	uint64_t collections;	/* out */
	uint64_t frames;
	uint64_t rows;
	uint64_t bytes;
	uint64_t bad;
};

/*
 * Reads everything of a store that was opened read-only, or one collection while it is
 * written. -errno if it could not be read; damage is reported through @report.
 */
int store_check(struct store *s, struct store_check *check, struct store_error *err);
int store_coll_check(struct store_coll *c, struct store_check *check, struct store_error *err);

#endif
