/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store of durable collections: an append log for each, in segments, from which
 * compaction leaves out what was replaced. docs/durability.md says why it is one of our own.
 *
 * Promises
 *  - What store_commit() returned 0 for is there after any power cut, with the right
 *    bytes. A vector that was appended and not committed is there whole, or not at all; so
 *    are those before it.
 *  - Whatever is damaged is said, never passed over: every byte is under a checksum.
 *  - After an error nothing that was committed is lost; store_coll_recover() goes on
 *    behind it.
 *
 * Appending and committing is one thread's work for each collection. Compaction, copies
 * and information may run in others beside it.
 */
#ifndef VEXFS_STORE_H
#define VEXFS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"

struct store;
struct store_coll;

/* @code is an errno value. EUCLEAN: damaged. ENOTSUP: of a newer format. */
struct store_error {
	int code;
	char text[400];
};

__attribute__((format(printf, 3, 4)))
int store_fail(struct store_error *err, int code, const char *fmt, ...);

#define STORE_NAME_SIZE		64
#define STORE_LAYOUT_MAX	1024

/* Settings of a collection, those of struct vexfs_stat. */
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
 * struct store_rows - changes, one after another
 * @first_seq: of the first one; each has the next. In rows of a compaction: of the last
 *	change that is contained
 * @count: how many
 * @puts: of these, inserts and updates
 * @ids: @count of them
 * @seqs: of each, or NULL: @first_seq and those that follow
 * @ops: enum store_op, @count of them
 * @attrs: records of the @puts, one after another
 * @vectors: vectors of the @puts, one after another
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
 * @segment_max: bytes after which a segment ends; 0 for the default
 * @memory: bytes that a compaction may take for its table of ids; 0 for the default
 */
struct store_opts {
	bool read_only;
	uint64_t segment_max;
	size_t memory;
};

#define STORE_SEGMENT_DEFAULT	(256ull << 20)
#define STORE_MEMORY_DEFAULT	(256u << 20)

/* @io stays the caller's and outlives the store. An empty folder becomes a store. */
int store_open(struct store_io *io, const struct store_opts *opts, struct store **s,
	       struct store_error *err);
void store_close(struct store *s);
const uint8_t *store_id(const struct store *s);
/* Keys of the collections, @n of them; good until the store is closed or changed. */
const uint64_t *store_keys(const struct store *s, size_t *n);

/* A new collection whose next change is @seq + 1. */
int store_coll_create(struct store *s, const struct store_meta *meta, uint64_t seq,
		      struct store_coll **c, struct store_error *err);
int store_coll_open(struct store *s, uint64_t key, struct store_coll **c,
		    struct store_error *err);
/* Commits and closes; an error means that the last commit before it counts. */
int store_coll_close(struct store_coll *c);
/* Closes without writing anything, as a killed process does. */
void store_coll_abandon(struct store_coll *c);
/* Drops the collection from the store and closes it. */
int store_coll_drop(struct store_coll *c, struct store_error *err);

/* The settings as of the last change appended. */
const struct store_meta *store_coll_meta(const struct store_coll *c);
uint64_t store_coll_key(const struct store_coll *c);

/* ---- writing ---- */

/* The sequence numbers must go on where the last ones ended: -ESTALE otherwise. */
int store_append(struct store_coll *c, const struct store_rows *rows, struct store_error *err);
int store_append_meta(struct store_coll *c, uint64_t seq, const struct store_meta *meta,
		      struct store_error *err);
/* All that was appended is on the disk. */
int store_commit(struct store_coll *c, struct store_error *err);
/* After an error: forgets what was not committed; append from store_durable_seq() + 1 on. */
int store_coll_recover(struct store_coll *c, struct store_error *err);
uint64_t store_durable_seq(const struct store_coll *c);

/*
 * A collection that has vectors already: its rows as of @seq and perhaps later, in any order,
 * the changes behind @seq appended to it, and then store_snapshot_done(). Until that has
 * returned 0 there is nothing: whoever opens the store finds no such collection.
 */
int store_snapshot_create(struct store *s, const struct store_meta *meta, uint64_t seq,
			  struct store_coll **c, struct store_error *err);
/* @rows: inserts; numbers are those of the snapshot. */
int store_snapshot_rows(struct store_coll *c, const struct store_rows *rows,
			struct store_error *err);
/* No more rows follow; changes may. */
int store_snapshot_end(struct store_coll *c, struct store_error *err);
int store_snapshot_done(struct store_coll *c, struct store_error *err);

/* ---- reading ---- */

/**
 * struct store_visit - who gets what a collection holds
 * @rows: changes in their order; a later one of an id replaces the one before
 * @progress: bytes read and all that there are; may be NULL
 *
 * Either ends the reading by returning other than 0, and that is returned.
 */
struct store_visit {
	int (*rows)(void *arg, const struct store_rows *rows);
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

int store_coll_replay(struct store_coll *c, const struct store_visit *visit,
		      struct store_error *err);
/* What is there: each vector once, as an insert with the number of its last change. */
int store_coll_live(struct store_coll *c, const struct store_visit *visit,
		    struct store_error *err);

/* ---- the graph's links, opaque bytes in parts of at most STORE_PART_MAX ---- */

#define STORE_PART_MAX		(1u << 20)

/*
 * A new set, of change @seq, that takes the place of the old one when it is finished. It is to be finished or
 * abandoned.
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
/* The graph was dropped. */
int store_graph_forget(struct store_coll *c, struct store_error *err);

struct store_info {
	uint64_t seq;		/* of the last change on the disk */
	uint64_t live;		/* vectors there are */
	uint64_t rows;		/* rows on the disk, those that were replaced too */
	uint64_t bytes;
	uint32_t segments;
	uint64_t generation;
};

void store_coll_info(struct store_coll *c, struct store_info *info);

/* ---- upkeep ---- */

typedef int (*store_progress)(void *arg, uint64_t done, uint64_t total);

/* More than half of it is replaced rows, or there are many segments. */
bool store_coll_wants_compaction(struct store_coll *c);
int store_coll_compact(struct store_coll *c, store_progress progress, void *arg,
		       struct store_error *err);

/* The collection as of its last commit, into another store, which must not have it. */
int store_coll_copy(struct store_coll *c, struct store *to, store_progress progress, void *arg,
		    struct store_error *err);

/* What store_check() finds. @bad: data is lost or unreadable; otherwise a remark. */
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
 * Reads everything of a store that was opened for reading, or one collection beside its
 * writer. -errno when it could not; what is damaged is reported.
 */
int store_check(struct store *s, struct store_check *check, struct store_error *err);
int store_coll_check(struct store_coll *c, struct store_check *check, struct store_error *err);

#endif
