/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The on-disk format of a store; docs/store-format.md explains it. Numbers are in the
 * machine's byte order, which a mark identifies.
 *
 *	STORE			struct disk_super
 *	KEY.head		struct disk_head, the settings, the list of segments
 *	KEY-NUMBER.seg		struct disk_segment, then frames
 *	LOCK			empty; the writer holds a lock on it
 *
 * A dump of one collection is a file with struct disk_dump, the settings, and then blocks:
 * struct disk_dump_block and vectors. The last block has no vectors.
 */
#ifndef VEXFS_STORE_FORMAT_H
#define VEXFS_STORE_FORMAT_H

#include <stdint.h>

#define STORE_MARK	0x01020304u
#define STORE_VERSION	1

/*
 * Feature bits of this build. With an unknown incompatible bit, refuse the store. With an
 * unknown read-only bit, read but never write. Unknown compatible bits are ignored.
 */
#define STORE_INCOMPAT_KNOWN	0u
#define STORE_RO_COMPAT_KNOWN	0u

/* The header of every file. */
struct disk_begin {
	char magic[8];
	uint32_t mark;
	uint32_t version;
	uint32_t compat;
	uint32_t ro_compat;
	uint32_t incompat;
	/* checksum of the file's fixed part and what it covers; this field counts as 0 */
	uint32_t crc;
};

#define MAGIC_SUPER	"VEXSTOR\n"
#define MAGIC_HEAD	"VEXHEAD\n"
#define MAGIC_SEGMENT	"VEXSEGM\n"
#define MAGIC_DUMP	"VEXDUMP\n"

struct disk_super {
	struct disk_begin begin;
	uint8_t id[16];
	int64_t created;
	uint32_t machine;	/* EM_* of elf.h */
	uint32_t pad;
	char program[32];	/* version that created it, for people */
};

/* The collection's settings; store.h has the same structure for programs. */
struct disk_meta {
	char name[64];
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
	uint32_t layout_len;	/* bytes that follow */
};

struct disk_segref {
	uint64_t number;
	uint64_t nonce;
	uint64_t bytes;		/* its end; 0 for the segment that is being written */
	uint64_t first_seq;	/* of the first frame */
	uint64_t last_seq;	/* 0 for the segment that is being written */
	uint64_t puts;		/* number of its rows */
	uint32_t flags;
	uint32_t pad;
};

#define HEAD_DROPPED	1u	/* dropped: the remaining files may be removed */
#define HEAD_PARTIAL	2u	/* its first rows are incomplete: not valid yet */

#define SEGMENT_BASE	1u	/* rows of a compaction, not consecutive changes */
#define SEGMENT_GRAPH	2u	/* the links of the graph as of @first_seq */

struct disk_head {
	struct disk_begin begin;
	uint64_t key;
	uint64_t generation;	/* counts the versions of this file */
	uint64_t next_number;
	uint64_t seq;		/* last change in the complete segments */
	uint64_t live;		/* number of vectors then */
	uint32_t segments;
	uint32_t meta_len;
	uint32_t flags;
	uint32_t pad;
	struct disk_segref graph;	/* file with the graph's links; number 0: none */
};

struct disk_segment {
	struct disk_begin begin;
	uint64_t key;
	uint64_t number;
	/* number that its frames carry, so that stale blocks are not taken for frames */
	uint64_t nonce;
	uint64_t first_seq;
	uint32_t row_bytes;
	uint32_t attr_size;
	uint32_t flags;
	uint32_t pad;
};

/* Frames begin at multiples of this. */
#define FRAME_ALIGN	64u
#define FRAME_MAGIC	0x4d524656u	/* "VFRM" */
/* Upper bound of a frame's payload, unless a single row is longer. */
#define FRAME_TARGET	(1u << 20)
#define FRAME_MAX	(4u << 20)

enum frame_type {
	FRAME_CHANGES	= 1,	/* changes @first_seq, @first_seq + 1, ... */
	FRAME_ROWS	= 2,	/* rows of a compaction: the remaining vectors */
	FRAME_META	= 3,	/* change @first_seq: new settings */
	FRAME_GRAPH	= 4,	/* part of the graph, as the kernel returned it */
};

struct disk_frame {
	uint32_t magic;
	uint16_t type;
	uint16_t pad0;
	uint64_t nonce;
	uint64_t first_seq;
	uint32_t count;		/* number of changes */
	uint32_t puts;		/* number of changes with a row */
	uint32_t len;		/* bytes of the payload without padding */
	uint32_t payload_crc;
	/* the segment was on the disk up to here when this frame was written */
	uint64_t flushed;
	uint32_t pad1[3];
	uint32_t crc;		/* checksum of this structure, in which it counts as 0 */
};

/*
 * The payload of changes and rows: ids (8 bytes each), operations (1 byte each), for rows
 * also sequence numbers (8 bytes each), @count of each; then records and vectors, @puts
 * of each. Each part is padded to 8 bytes.
 */

struct disk_dump {
	struct disk_begin begin;
	uint64_t seq;		/* change that the collection was at */
	uint32_t meta_len;	/* bytes of settings that follow */
	uint32_t pad;
};

#define DUMP_BLOCK_MAGIC	0x4b4c4256u	/* "VBLK" */

/* Its payload: ids (8 bytes each), records, vectors, all of @count. */
struct disk_dump_block {
	uint32_t magic;
	uint32_t count;		/* vectors; 0 in the block that ends the file */
	uint64_t at;		/* vectors in the blocks before */
	uint32_t payload_crc;
	uint32_t crc;		/* of this structure, 0 here */
};

_Static_assert(sizeof(struct disk_begin) == 32, "disk format");
_Static_assert(sizeof(struct disk_super) == 96, "disk format");
_Static_assert(sizeof(struct disk_meta) == 136, "disk format");
_Static_assert(sizeof(struct disk_segref) == 56, "disk format");
_Static_assert(sizeof(struct disk_head) == 144, "disk format");
_Static_assert(sizeof(struct disk_segment) == 80, "disk format");
_Static_assert(sizeof(struct disk_frame) == 64, "disk format");
_Static_assert(sizeof(struct disk_dump) == 48, "disk format");
_Static_assert(sizeof(struct disk_dump_block) == 24, "disk format");

#endif
