/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the store share. */
#ifndef VEXFS_STORE_PRIVATE_H
#define VEXFS_STORE_PRIVATE_H

#include <pthread.h>

#include "format.h"
#include "store.h"

#define SEGMENT_DATA	128u	/* where frames begin */
#define LIST_MAX	65536u	/* segments of a collection */
#define SEGMENTS_MANY	64u

struct store {
	struct store_io *io;
	struct store_opts opts;
	uint8_t id[16];
	uint64_t *keys;
	size_t nkeys;
	struct stray {		/* segments that are in no list */
		uint64_t key;
		uint64_t number;
	} *stray;
	size_t strays;
	pthread_mutex_t lock;	/* number of keys */
};

/* The contents of KEY.head. */
struct head {
	uint64_t key;
	uint64_t generation;
	uint64_t next_number;
	uint64_t seq;
	uint64_t live;
	uint32_t flags;
	struct store_meta meta;
	struct disk_segref *segs;
	uint32_t segments;
	struct disk_segref graph;
};

/**
 * struct writer - a segment that is being written
 * @f: its file
 * @ref: its entry of the list
 * @written: bytes in the file
 * @flushed: of these, on the disk
 * @allocated: bytes reserved in the file
 * @buf: frames that are not in the file yet
 */
struct writer {
	struct store_file *f;
	struct disk_segref ref;
	uint64_t written;
	uint64_t flushed;
	uint64_t allocated;
	uint8_t *buf;
	size_t used;
	size_t room;
};

/* A position in a collection. */
struct point {
	uint64_t seq;
	uint64_t live;
	uint64_t puts;		/* in the segment that is being written */
	struct store_meta meta;
};

/**
 * struct store_coll - an open collection
 * @head: as on the disk; under @lock
 * @w: the last segment
 * @now: position after all that was appended
 * @safe: position after all that was committed
 * @failed: errno of the error after which store_coll_recover() is due
 * @lock: guards @head and what other threads read
 * @upkeep: held by compaction and copies, so that segments stay meanwhile
 */
struct store_coll {
	struct store *s;
	struct head head;
	struct writer w;
	struct point now;
	struct point safe;
	int failed;
	struct writer base;	/* receives the rows of a snapshot */
	pthread_mutex_t lock;
	pthread_mutex_t upkeep;
};

/* begin.c: the header of every file */
void begin_make(struct disk_begin *b, const char *magic);
/* @crc covers everything, with @b->crc as 0. */
int begin_check(const struct disk_begin *b, const char *magic, uint32_t crc, bool write,
		const char *name, struct store_error *err);

/* head.c */
void head_name(char name[80], uint64_t key);
int head_read(struct store_io *io, uint64_t key, bool write, struct head *h,
	      struct store_error *err);
int head_write(struct store_io *io, struct head *h, struct store_error *err);
int head_remove(struct store_io *io, struct head *h, struct store_error *err);
void head_free(struct head *h);
size_t meta_encode(const struct store_meta *meta, uint8_t *to);
int meta_decode(const uint8_t *from, size_t len, struct store_meta *meta);
#define META_MAX	(sizeof(struct disk_meta) + STORE_LAYOUT_MAX)

/* frame.c */
struct frame {
	struct disk_frame h;
	const uint8_t *payload;
	struct store_rows rows;
};

/* Bytes of a payload; 0 if it would exceed FRAME_MAX. */
size_t frame_bytes(enum frame_type type, uint64_t count, uint64_t puts, uint32_t attr_size,
		   uint32_t row_bytes);
size_t frame_padded(size_t len);
void frame_seal(struct disk_frame *h, const void *payload);
/* Could the 64 bytes at @at be a frame header of this segment? */
bool frame_header_ok(const struct disk_frame *h, uint64_t nonce);
/* Does the length fit that many changes and rows? */
bool frame_fits(const struct disk_frame *h, uint32_t attr_size, uint32_t row_bytes);
/* Do payload and header agree, and are the operations valid? */
const char *frame_check(struct frame *f, uint32_t attr_size, uint32_t row_bytes);

/* segment.c */
void segment_name(char name[80], uint64_t key, uint64_t number);
int segment_create(struct store_io *io, const struct head *h, uint32_t flags, uint64_t first_seq,
		   struct writer *w, uint64_t number, struct store_error *err);
int segment_open(struct store_io *io, const struct head *h, const struct disk_segref *ref,
		 struct store_file **f, struct store_error *err);
int writer_frame(struct store_io *io, const struct head *h, struct writer *w,
		 struct disk_frame *frame, const void *payload, struct store_error *err);
/* Space for a frame's header and payload of @len bytes, to be filled in. */
int writer_reserve(struct store_io *io, struct writer *w, size_t len, uint8_t **to);
int writer_flush(struct store_io *io, struct writer *w);
int writer_sync(struct store_io *io, struct writer *w);
void writer_close(struct store_io *io, struct writer *w);
int append_rows(struct store_io *io, const struct head *h, struct writer *w,
		const struct store_rows *rows, enum frame_type type);

/* cursor.c */
struct cursor {
	struct store_io *io;
	struct store_file *f;
	uint64_t nonce;
	uint32_t attr_size;
	uint32_t row_bytes;
	uint64_t off;		/* of the next frame */
	uint64_t end;		/* nothing follows */
	uint64_t base;		/* offset of the buffer in the file */
	size_t have;
	size_t room;
	uint8_t *buf;
	size_t chunk;		/* bytes to read at once */
	const char *why;	/* the bytes at @off are not a frame */
};

int cursor_begin(struct cursor *c, struct store_io *io, struct store_file *f, const struct head *h,
		 uint64_t nonce, uint64_t end);
void cursor_end(struct cursor *c);
/* Returns 1 and a frame; 0 at the end; -EUCLEAN with @why; -errno. Valid until the next call. */
int cursor_next(struct cursor *c, struct frame *f);
/* Reads only ids and operations of the payload, for counting. */
int cursor_next_ids(struct cursor *c, struct frame *f);
/* Does a frame behind @from report that more than @from was on the disk? */
int cursor_attested(struct cursor *c, uint64_t from, bool *yes);

/* recover.c */
struct tail {
	uint64_t attested;	/* what a later frame reports as flushed */
	uint64_t end;		/* end of the last valid frame */
	uint64_t size;
	struct point at_attested;
	struct point at_end;
	uint64_t frames;
};

/* Reads the segment that was being written when the power was cut. */
int tail_scan(struct store_io *io, const struct head *h, const struct disk_segref *ref,
	      struct tail *t, struct store_error *err);
int coll_recover(struct store_coll *c, struct store_error *err);

/* live.c */
struct listing;
int live_visit(struct store_io *io, size_t memory, const struct listing *l,
	       const struct store_visit *visit, struct store_error *err);

/* replay.c */
/* The next sequence number, and whether it is the expected one. */
int replay_segment(struct store_io *io, const struct head *h, const struct disk_segref *ref,
		   uint64_t end, uint64_t *next, struct store_check *count,
		   const struct store_visit *visit, uint64_t *done, uint64_t total,
		   struct store_error *err);

/**
 * struct listing - the segments of a collection at one point
 * @head: with a list of its own
 * @end: of the segment that is being written
 * @total: bytes in all of them
 * @rows: rows in all of them
 * @live: number of vectors at their end
 * @safe: position at @end
 */
struct listing {
	struct head head;
	struct point safe;
	uint64_t end;
	uint64_t total;
	uint64_t rows;
	uint64_t live;
};

int list_snapshot(struct store_coll *c, struct listing *l, struct store_error *err);
uint64_t list_end(const struct listing *l, uint32_t i);

/* check.c */
int check_listing(struct store_io *io, const struct listing *l, struct store_check *check);

/* coll.c */
int coll_create(struct store *s, const struct store_meta *meta, uint64_t seq, uint32_t flags,
		struct store_coll **out, struct store_error *err);
void point_apply(struct point *p, const struct store_rows *rows);
/* Completes the segment at the last commit and begins another. */
int coll_roll(struct store_coll *c, struct store_error *err);
int key_add(struct store *s, uint64_t key);
void key_remove(struct store *s, uint64_t key);

#endif
