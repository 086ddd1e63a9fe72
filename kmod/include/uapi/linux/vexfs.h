/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The user ABI of vexfs: the requests of /dev/vexfs. Kernel and userspace use this one
 * copy; C++ and Rust's bindgen can read it.
 *
 * Conventions
 *  - Every request starts with its size. A longer structure from a newer
 *    program is accepted when the part this kernel does not know is zero
 *    (E2BIG otherwise); a shorter one is read as if followed by zeroes.
 *  - Unknown flags and non-zero padding are errors (EINVAL), so that both can
 *    be given a meaning later.
 *  - Pointers travel as __u64, so that 32-bit programs need no translation.
 *  - A request that a signal interrupts is started again when it has changed
 *    nothing (EINTR when the handler of the signal was installed without SA_RESTART, or
 *    when the request has a deadline, which would begin anew).
 *    One that has changed something succeeds like a short write(2): @tried says how far
 *    it got.
 *
 * Sequence numbers
 *    Each change of a collection has one: each vector inserted, replaced or
 *    deleted, each change of settings (VEXFS_IOC_SET), a graph that is put on it or
 *    taken off, and the drop. They count up from 1 without gaps; 0 is the
 *    collection as it was created. What each op guarantees:
 *  - PUT and DELETE: each vector is a change of its own, in the order of the
 *    request; changes of other requests may come between. @seq is that of the last one.
 *    Every read or search that begins afterwards sees it.
 *  - SEARCH and CLASSIFY that compare vectors (plans other than graph and
 *    graph-filter): the answer is that for the collection at @seq. Queries of one
 *    request may be answered at different sequence numbers; @seqs says which. The
 *    vectors in an answer of a graph were there at @seq or some time later.
 *  - GET and DISTANCE: each id is looked up on its own, at @seq or some time later.
 *  - WALK: a walk beside writers. Every vector that is there from the first call to
 *    the last is returned once, as it was at some time between; no id is returned
 *    twice. The walk and the changes after @seq, which is that of the first call, add
 *    up to the collection at the end.
 *  - With durability, a change is seen before it is on stable storage. An op that fails
 *    with EROFS, ETIME or EINTR after it has drawn its number (@seq is not 0) has changed
 *    the collection, and whether that survives a power cut is unknown: VEXFS_IOC_WAIT.
 *  - Distances are f32. Squared L2, L1, Hamming: the sum; inner product: 1 - dot;
 *    cosine: 1 - cos; Jaccard: 1 - intersection/union. Smaller is nearer.
 *  - Results are sorted by distance, ties by id.
 */
#ifndef _UAPI_LINUX_VEXFS_H
#define _UAPI_LINUX_VEXFS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VEXFS_DEVICE		"/dev/vexfs"
#define VEXFS_ABI		1

/*
 * Limits. A name is 1 to 63 ASCII letters, digits and characters of "._:+-", and
 * begins with neither '-' nor '.'.
 */
#define VEXFS_NAME_SIZE		64	/* with the NUL that ends it */
#define VEXFS_DIM_MAX		65536
#define VEXFS_ATTR_MAX		64	/* bytes of an attribute record */
#define VEXFS_LAYOUT_MAX	1024	/* bytes of its description */
#define VEXFS_BATCH_MAX		65536	/* vectors in one request */
#define VEXFS_QUERIES_MAX	4096	/* queries in one request */
#define VEXFS_K_MAX		4096
#define VEXFS_EF_MAX		4096	/* candidates of a graph search or insert */
#define VEXFS_FILTER_MAX	4096	/* BPF instructions, the kernel's own limit */

enum vexfs_type {
	VEXFS_TYPE_F32	= 1,
	VEXFS_TYPE_F16	= 2,
	VEXFS_TYPE_BF16	= 3,
	VEXFS_TYPE_I8	= 4,
	VEXFS_TYPE_U8	= 5,
	VEXFS_TYPE_B1	= 6,	/* bits, the first in the lowest bit of byte 0 */
};

enum vexfs_metric {
	VEXFS_METRIC_L2		= 1,	/* squared */
	VEXFS_METRIC_IP		= 2,
	VEXFS_METRIC_COS	= 3,
	VEXFS_METRIC_L1		= 4,	/* f32, i8, u8 */
	VEXFS_METRIC_HAMMING	= 5,	/* b1 */
	VEXFS_METRIC_JACCARD	= 6,	/* b1 */
};

enum vexfs_index {
	VEXFS_INDEX_NONE	= 0,
	VEXFS_INDEX_GRAPH	= 1,
};

/* How vectors lie in a request's memory. */
enum vexfs_format {
	VEXFS_FORMAT_F32	= 0,	/* dim floats, converted (b1: > 0 is a set bit) */
	VEXFS_FORMAT_RAW	= 1,	/* the collection's own type */
};

/* Of all ioctls of /dev/vexfs; not in the kernel's list of ioctl numbers. */
#define VEXFS_IOC_MAGIC		0xBB

/* ioctl numbers; an enum, so that every language's bindings can read them */
enum vexfs_ioctl {
	VEXFS_IOC_INFO		= _IO(VEXFS_IOC_MAGIC, 0x00),	/* struct vexfs_info */
	VEXFS_IOC_CREATE	= _IO(VEXFS_IOC_MAGIC, 0x01),	/* struct vexfs_create */
	VEXFS_IOC_ATTACH	= _IO(VEXFS_IOC_MAGIC, 0x02),	/* struct vexfs_attach */
	VEXFS_IOC_DROP		= _IO(VEXFS_IOC_MAGIC, 0x03),	/* struct vexfs_drop */
	VEXFS_IOC_LIST		= _IO(VEXFS_IOC_MAGIC, 0x04),	/* struct vexfs_list */
	VEXFS_IOC_STAT		= _IO(VEXFS_IOC_MAGIC, 0x05),	/* struct vexfs_stat, attached */
	VEXFS_IOC_SET		= _IO(VEXFS_IOC_MAGIC, 0x06),	/* struct vexfs_set, attached */
	VEXFS_IOC_PUT		= _IO(VEXFS_IOC_MAGIC, 0x10),	/* struct vexfs_put, attached */
	VEXFS_IOC_GET		= _IO(VEXFS_IOC_MAGIC, 0x11),	/* struct vexfs_get, attached */
	VEXFS_IOC_DELETE	= _IO(VEXFS_IOC_MAGIC, 0x12),	/* struct vexfs_delete, attached */
	VEXFS_IOC_DISTANCE	= _IO(VEXFS_IOC_MAGIC, 0x13),	/* struct vexfs_distance, attached */
	VEXFS_IOC_WALK		= _IO(VEXFS_IOC_MAGIC, 0x14),	/* struct vexfs_walk, attached */
	VEXFS_IOC_SEARCH	= _IO(VEXFS_IOC_MAGIC, 0x20),	/* struct vexfs_search, attached */
	VEXFS_IOC_CLASSIFY	= _IO(VEXFS_IOC_MAGIC, 0x21),	/* struct vexfs_classify, attached */
	VEXFS_IOC_INDEX		= _IO(VEXFS_IOC_MAGIC, 0x30),	/* struct vexfs_index_req, attached */
	VEXFS_IOC_CHECK		= _IO(VEXFS_IOC_MAGIC, 0x31),	/* struct vexfs_check, attached */
	VEXFS_IOC_STORAGE	= _IO(VEXFS_IOC_MAGIC, 0x40),	/* struct vexfs_storage */
	VEXFS_IOC_STREAM	= _IO(VEXFS_IOC_MAGIC, 0x41),	/* struct vexfs_stream_req, attached */
	VEXFS_IOC_ROWS		= _IO(VEXFS_IOC_MAGIC, 0x42),	/* struct vexfs_rows, a stream */
	VEXFS_IOC_ACK		= _IO(VEXFS_IOC_MAGIC, 0x43),	/* struct vexfs_ack, a stream */
	VEXFS_IOC_WAIT		= _IO(VEXFS_IOC_MAGIC, 0x44),	/* struct vexfs_wait, attached */
	VEXFS_IOC_RESTORED	= _IO(VEXFS_IOC_MAGIC, 0x45),	/* struct vexfs_restored, attached */
	VEXFS_IOC_GRAPH_SAVE	= _IO(VEXFS_IOC_MAGIC, 0x46),	/* struct vexfs_graph_save, attached */
	VEXFS_IOC_GRAPH_LOAD	= _IO(VEXFS_IOC_MAGIC, 0x47),	/* struct vexfs_graph_load, attached */
	VEXFS_IOC_SUBMIT	= _IO(VEXFS_IOC_MAGIC, 0x50),	/* struct vexfs_submit */
	VEXFS_IOC_REAP		= _IO(VEXFS_IOC_MAGIC, 0x51),	/* struct vexfs_reap */
	VEXFS_IOC_CANCEL	= _IO(VEXFS_IOC_MAGIC, 0x52),	/* struct vexfs_cancel */
	VEXFS_IOC_EVENTFD	= _IO(VEXFS_IOC_MAGIC, 0x53),	/* struct vexfs_eventfd */
	VEXFS_IOC_NOP		= _IO(VEXFS_IOC_MAGIC, 0x54),	/* struct vexfs_nop */
	VEXFS_IOC_SERVED	= _IO(VEXFS_IOC_MAGIC, 0x60),	/* struct vexfs_served */
};

/**
 * struct vexfs_info - VEXFS_IOC_INFO: what this module is and can do
 * @size: sizeof of this structure
 * @abi: out: VEXFS_ABI of the module
 * @version: out: the module's version, a string
 * @simd: out: name of the arithmetic variant in use
 * @features: out: bits of VEXFS_FEATURE_*
 */
struct vexfs_info {
	__u32 size;
	__u32 abi;
	char version[32];
	char simd[32];
	__u64 features;
};

#define VEXFS_FEATURE_GRAPH	(1ULL << 0)	/* VEXFS_INDEX_GRAPH is built in */
#define VEXFS_FEATURE_FILTER	(1ULL << 1)	/* filters are built in */

/**
 * struct vexfs_create - VEXFS_IOC_CREATE: make a collection
 * @size: sizeof of this structure
 * @flags: VEXFS_CREATE_*
 * @name: its name, NUL-terminated, zero-padded
 * @dim: components in a vector, 1 to VEXFS_DIM_MAX
 * @type: enum vexfs_type
 * @metric: enum vexfs_metric
 * @index: enum vexfs_index
 * @pad0: 0
 * @mode: permission bits (0600 and the like; x bits mean nothing); 0 is 0600
 * @attr_size: bytes of the attribute record, 0 to VEXFS_ATTR_MAX
 * @capacity: most vectors it may hold; 0 for no limit of its own
 * @m: graph: neighbours of a node, 2 to 64; 0 for the default, 16
 * @ef_construction: graph: candidates kept on insert, up to 4096; 0 for
 *	the default, 200
 * @code: compact code beside the rows, enum vexfs_code. With a graph: to walk by.
 *	Without: exact searches compare codes first and read only the rows that may be
 *	near; answers are the same. With VEXFS_CODE_I8 every row gets its code when it
 *	is stored, for f32, f16 and bf16 under L2, IP and COS, up to 4,096 components
 *	(EINVAL); with VEXFS_CODE_NONE searches make codes once they are worth it
 * @layout_len: bytes at @layout, at most VEXFS_LAYOUT_MAX
 * @layout: pointer to a description of the attribute record, kept and handed
 *	back as it is (libvexfs puts field names and offsets there): UTF-8 without
 *	control characters (EINVAL)
 * @durability: enum vexfs_durability. Other than none: the request waits until storage
 *	has acknowledged the collection; EROFS when it cannot, and there is none then
 * @uid: with VEXFS_CREATE_RESTORE: owner; otherwise this and the next four members are 0
 * @gid: with VEXFS_CREATE_RESTORE: group
 * @pad1: 0
 * @seq: with VEXFS_CREATE_RESTORE: sequence number of the last change
 * @created: with VEXFS_CREATE_RESTORE: seconds since the epoch
 *
 * The creator's user and group become owner and group, as with a file. The file
 * descriptor is attached to the new collection, unless VEXFS_CREATE_DETACHED.
 */
struct vexfs_create {
	__u32 size;
	__u32 flags;
	char name[VEXFS_NAME_SIZE];
	__u32 dim;
	__u8 type;
	__u8 metric;
	__u8 index;
	__u8 pad0;
	__u32 mode;
	__u32 attr_size;
	__u64 capacity;
	__u32 m;
	__u32 ef_construction;
	__u32 code;
	__u32 layout_len;
	__u64 layout;
	__u32 durability;
	__u32 uid;
	__u32 gid;
	__u32 pad1;
	__u64 seq;
	__s64 created;
};

#define VEXFS_CREATE_DETACHED	(1U << 0)
/*
 * From storage (CAP_SYS_ADMIN): nobody else sees the collection before
 * VEXFS_IOC_RESTORED, and when the descriptor is closed before that there is none. Rows
 * come in by VEXFS_PUT_SEQS. A graph that is asked for is not built meanwhile: @m,
 * @ef_construction and @code are checked, and said again when it is loaded or built.
 */
#define VEXFS_CREATE_RESTORE	(1U << 1)

/* When a change is acknowledged to the one who made it: */
enum vexfs_durability {
	VEXFS_DURABILITY_NONE	= 0,	/* at once; it is lost with the module */
	/* at once, while no change that storage has not got is older than a window */
	VEXFS_DURABILITY_ASYNC	= 1,
	VEXFS_DURABILITY_GROUP	= 2,	/* on stable storage; changes share a flush */
	VEXFS_DURABILITY_SYNC	= 3,	/* the same, and storage does not wait for others */
};

/* Compact codes beside the rows: by what they say, survivors are ranked by the rows. */
enum vexfs_code {
	VEXFS_CODE_NONE	= 0,
	VEXFS_CODE_I8	= 1,
	VEXFS_CODE_BF16	= 2,
	VEXFS_CODE_B1	= 3,
};

/**
 * struct vexfs_attach - VEXFS_IOC_ATTACH: this descriptor means that collection
 * @size: sizeof of this structure
 * @flags: VEXFS_ATTACH_READ, VEXFS_ATTACH_WRITE; the mode of the collection must
 *	allow what is asked for (EACCES). The descriptor's own open mode counts too
 * @name: name of the collection
 * @serial: with VEXFS_ATTACH_SERIAL, which instead (@name is zeroes then), in whatever user
 *	namespace it is known, as in struct vexfs_drop
 *
 * A descriptor is attached once (EBUSY afterwards). Requests that need a
 * collection fail with ENOTCONN before.
 */
struct vexfs_attach {
	__u32 size;
	__u32 flags;
	char name[VEXFS_NAME_SIZE];
	__u64 serial;
};

#define VEXFS_ATTACH_READ	(1U << 0)
#define VEXFS_ATTACH_WRITE	(1U << 1)
#define VEXFS_ATTACH_SERIAL	(1U << 2)

/**
 * struct vexfs_drop - VEXFS_IOC_DROP: the name goes now, the memory with the
 * last descriptor
 * @size: sizeof of this structure
 * @flags: VEXFS_DROP_*; with VEXFS_DROP_EMPTY a collection that holds a vector stays
 *	(ENOTEMPTY), and no vector can be stored between the check and the drop
 * @name: name of the collection
 * @serial: with VEXFS_DROP_SERIAL, which instead (@name is zeroes then): in whatever
 *	user namespace it is known, if it is the caller's, or the caller has
 *	CAP_DAC_OVERRIDE over that namespace
 *
 * Ops on a descriptor whose collection was dropped fail with ENOENT.
 */
struct vexfs_drop {
	__u32 size;
	__u32 flags;
	char name[VEXFS_NAME_SIZE];
	__u64 serial;
};

#define VEXFS_DROP_SERIAL	(1U << 0)
#define VEXFS_DROP_EMPTY	(1U << 1)

/**
 * struct vexfs_stat - VEXFS_IOC_STAT, and a row of VEXFS_IOC_LIST
 * @size: sizeof of this structure
 * @flags: in: 0; out: VEXFS_STAT_*
 * @name: out: its name
 * @dim: out: components
 * @type: out: enum vexfs_type
 * @metric: out: enum vexfs_metric
 * @index: out: enum vexfs_index
 * @pad0: 0
 * @mode: out: permission bits
 * @uid: out: owner, in the caller's user namespace
 * @gid: out: group, in the caller's user namespace
 * @attr_size: out: bytes of the attribute record
 * @capacity: out: most vectors it may hold, 0 for no limit
 * @count: out: vectors in it
 * @bytes: out: memory held, everything counted
 * @row_bytes: out: bytes that carry components
 * @stride: out: bytes from row to row
 * @created: out: seconds since the epoch
 * @seq: out: sequence number of the last change
 * @m: out: graph parameter
 * @ef_construction: out: graph parameter
 * @code: out: enum vexfs_code; of the graph, where there is one
 * @index_state: out: enum vexfs_index_state
 * @index_done: out: vectors in the graph
 * @index_bytes: out: memory of the graph
 * @layout_len: in: room at @layout; out: length of the description
 * @index_error: out: errno for which the last build stopped, 0 where it was asked to
 * @layout: in: where the description goes, or 0 (always 0 in a row of LIST)
 * @serial: out: number of the collection; none ever has it again
 * @user_ns: out: inode number of the user namespace in which the name is known
 * @durability: out: enum vexfs_durability
 * @durable: out: the last change that storage has acknowledged, with all before it
 * @storage_error: out: errno that storage has reported, or 0
 * @window_ms: out: VEXFS_DURABILITY_ASYNC: changes older than that are on stable storage,
 *	or writers wait
 */
struct vexfs_stat {
	__u32 size;
	__u32 flags;
	char name[VEXFS_NAME_SIZE];
	__u32 dim;
	__u8 type;
	__u8 metric;
	__u8 index;
	__u8 pad0;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 attr_size;
	__u64 capacity;
	__u64 count;
	__u64 bytes;
	__u32 row_bytes;
	__u32 stride;
	__s64 created;
	__u64 seq;
	__u32 m;
	__u32 ef_construction;
	__u32 code;
	__u32 index_state;
	__u64 index_done;
	__u64 index_bytes;
	__u32 layout_len;
	__u32 index_error;
	__u64 layout;
	__u64 serial;
	__u32 user_ns;
	__u32 durability;
	__u64 durable;
	__u32 storage_error;
	__u32 window_ms;
};

#define VEXFS_STAT_DROPPED	(1U << 0)
#define VEXFS_STAT_ABANDONED	(1U << 1)	/* its user namespace has gone */
#define VEXFS_STAT_READONLY	(1U << 2)	/* storage has gone or failed: EROFS for writers */
#define VEXFS_STAT_STORED	(1U << 3)	/* storage has acknowledged it, see @durable */

enum vexfs_index_state {
	VEXFS_INDEX_ABSENT	= 0,
	VEXFS_INDEX_BUILDING	= 1,	/* searches stay exact */
	VEXFS_INDEX_READY	= 2,
	VEXFS_INDEX_STOPPED	= 3,	/* a build was stopped; searches stay exact */
};

/**
 * struct vexfs_list - VEXFS_IOC_LIST: the collections the caller may read
 * @size: sizeof of this structure
 * @flags: VEXFS_LIST_ALL: besides, the caller's own in other user namespaces, and all
 *	in namespaces over which it has CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE.
 *	VEXFS_LIST_UNSTORED: instead, whoever's they are (CAP_SYS_ADMIN), the durable ones
 *	that have no storage attached
 * @cursor: in: 0 to start, then what the last call returned; out: where to go
 *	on, 0 at the end
 * @stat_size: sizeof(struct vexfs_stat) of the caller
 * @count: in: room at @stats in rows; out: rows written
 * @stats: where the rows go
 */
struct vexfs_list {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__u32 stat_size;
	__u32 count;
	__u64 stats;
};

#define VEXFS_LIST_ALL		(1U << 0)
#define VEXFS_LIST_UNSTORED	(1U << 1)

/**
 * struct vexfs_set - VEXFS_IOC_SET: change what can be changed, all or nothing
 * @size: sizeof of this structure
 * @what: bits of VEXFS_SET_*: which of the fields below count
 * @mode: permission bits
 * @uid: owner (CAP_CHOWN)
 * @gid: group (owner who is in it, or CAP_CHOWN)
 * @durability: enum vexfs_durability. From none to another, the request waits until
 *	storage has all of the collection
 * @capacity: most vectors; not below what it holds (ENOSPC)
 * @layout_len: bytes at @layout
 * @pad1: 0
 * @layout: pointer to the new description
 * @seq: out: sequence number of the change
 */
struct vexfs_set {
	__u32 size;
	__u32 what;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 durability;
	__u64 capacity;
	__u32 layout_len;
	__u32 pad1;
	__u64 layout;
	__u64 seq;
};

#define VEXFS_SET_MODE		(1U << 0)
#define VEXFS_SET_UID		(1U << 1)
#define VEXFS_SET_GID		(1U << 2)
#define VEXFS_SET_CAPACITY	(1U << 3)
#define VEXFS_SET_LAYOUT	(1U << 4)
#define VEXFS_SET_DURABILITY	(1U << 5)

/**
 * struct vexfs_put - VEXFS_IOC_PUT: store vectors
 * @size: sizeof of this structure
 * @flags: one of VEXFS_PUT_INSERT (EEXIST for an id that is there),
 *	VEXFS_PUT_UPDATE (ENOENT for one that is not), VEXFS_PUT_UPSERT; and
 *	VEXFS_PUT_CONTINUE to go on after a vector that was refused
 * @format: enum vexfs_format
 * @count: vectors, 1 to VEXFS_BATCH_MAX
 * @ids: pointer to @count __u64
 * @vectors: pointer to @count vectors, one after another without gaps
 * @attrs: pointer to @count attribute records of the collection's size, or 0
 *	for records of zeroes (an update then keeps the old record)
 * @errors: pointer to @count __s32, or 0: 0 or -errno of each vector that was
 *	decided; the rest is left alone
 * @done: out: vectors stored. Without VEXFS_PUT_CONTINUE the first @done are,
 *	and the error is that of the next one
 * @priority: enum vexfs_priority
 * @deadline_ns: give up after so long (ETIME); 0 for never
 * @kernel_ns: out: time spent inside
 * @tried: out: vectors that were decided, whether stored or refused: the first @tried
 *	of the request. Less than @count without an error: a signal came; ask for the
 *	rest
 * @pad: 0
 * @seq: out: sequence number of the last one stored; 0 when none was
 * @seqs: pointer to @count __u64, the sequence numbers that the vectors had: with
 *	VEXFS_PUT_SEQS, which goes with VEXFS_PUT_INSERT and a collection that is being
 *	restored, and only with one
 */
struct vexfs_put {
	__u32 size;
	__u32 flags;
	__u32 format;
	__u32 count;
	__u64 ids;
	__u64 vectors;
	__u64 attrs;
	__u64 errors;
	__u32 done;
	__u32 priority;
	__u64 deadline_ns;
	__u64 kernel_ns;
	__u32 tried;
	__u32 pad;
	__u64 seq;
	__u64 seqs;
};

#define VEXFS_PUT_INSERT	(1U << 0)
#define VEXFS_PUT_UPDATE	(1U << 1)
#define VEXFS_PUT_UPSERT	(VEXFS_PUT_INSERT | VEXFS_PUT_UPDATE)
#define VEXFS_PUT_CONTINUE	(1U << 2)
#define VEXFS_PUT_SEQS		(1U << 3)

enum vexfs_priority {
	VEXFS_PRIORITY_MEDIUM	= 0,
	VEXFS_PRIORITY_HIGH	= 1,
	VEXFS_PRIORITY_LOW	= 2,
};

/**
 * struct vexfs_get - VEXFS_IOC_GET: read vectors by id
 * @size: sizeof of this structure
 * @flags: 0
 * @format: enum vexfs_format
 * @count: ids, 1 to VEXFS_BATCH_MAX
 * @ids: pointer to @count __u64
 * @vectors: where the vectors go, or 0
 * @attrs: where the attribute records go, or 0
 * @errors: pointer to @count __s32, or 0. With it, an unknown id is -ENOENT
 *	there and its place in @vectors and @attrs is zeroed; without it the
 *	request fails with ENOENT
 * @done: out: vectors found
 * @priority: enum vexfs_priority
 * @deadline_ns: as in struct vexfs_put
 * @kernel_ns: out: time spent inside
 * @tried: out: ids that were looked up, from the first on; less than @count without an
 *	error as in struct vexfs_put
 * @pad: 0
 * @seq: out: sequence number of the last change when it began
 */
struct vexfs_get {
	__u32 size;
	__u32 flags;
	__u32 format;
	__u32 count;
	__u64 ids;
	__u64 vectors;
	__u64 attrs;
	__u64 errors;
	__u32 done;
	__u32 priority;
	__u64 deadline_ns;
	__u64 kernel_ns;
	__u32 tried;
	__u32 pad;
	__u64 seq;
};

/**
 * struct vexfs_delete - VEXFS_IOC_DELETE: delete vectors
 * @size: sizeof of this structure
 * @flags: VEXFS_DELETE_CONTINUE to go on after an id that is not there
 * @count: ids, 1 to VEXFS_BATCH_MAX
 * @done: out: vectors deleted
 * @ids: pointer to @count __u64
 * @errors: pointer to @count __s32, or 0
 * @deadline_ns: as in struct vexfs_put
 * @kernel_ns: out: time spent inside
 * @priority: enum vexfs_priority
 * @tried: out: ids that were decided, as in struct vexfs_put
 * @seq: out: sequence number of the last one deleted; 0 when none was
 */
struct vexfs_delete {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 done;
	__u64 ids;
	__u64 errors;
	__u64 deadline_ns;
	__u64 kernel_ns;
	__u32 priority;
	__u32 tried;
	__u64 seq;
};

#define VEXFS_DELETE_CONTINUE	(1U << 0)

/**
 * struct vexfs_distance - VEXFS_IOC_DISTANCE: from a query to stored vectors
 * @size: sizeof of this structure
 * @flags: VEXFS_QUERY_BY_ID
 * @format: enum vexfs_format of the query
 * @count: ids, 1 to VEXFS_BATCH_MAX
 * @query: pointer to the query vector, or to the id of a stored one
 * @ids: pointer to @count __u64
 * @distances: where @count f32 go
 * @errors: pointer to @count __s32, or 0; as in struct vexfs_get
 * @done: out: distances computed
 * @priority: enum vexfs_priority
 * @deadline_ns: as in struct vexfs_put
 * @kernel_ns: out: time spent inside
 * @tried: out: as in struct vexfs_get
 * @pad: 0
 * @seq: out: sequence number of the last change when it began
 */
struct vexfs_distance {
	__u32 size;
	__u32 flags;
	__u32 format;
	__u32 count;
	__u64 query;
	__u64 ids;
	__u64 distances;
	__u64 errors;
	__u32 done;
	__u32 priority;
	__u64 deadline_ns;
	__u64 kernel_ns;
	__u32 tried;
	__u32 pad;
	__u64 seq;
};

#define VEXFS_QUERY_BY_ID	(1U << 0)

/**
 * struct vexfs_walk - VEXFS_IOC_WALK: all vectors, in several calls
 * @size: sizeof of this structure
 * @flags: 0
 * @cursor: in: 0 to start, then what the last call returned; out: with @position
 *	where to go on, 0 at the end
 * @format: enum vexfs_format
 * @count: in: room in vectors, 1 to VEXFS_BATCH_MAX; out: vectors written
 * @ids: where the ids go
 * @vectors: where the vectors go, or 0
 * @attrs: where the attribute records go, or 0
 * @position: in and out: belongs to @cursor; ignored when that is 0
 * @seq: in and out: likewise; out: sequence number of the last change when the walk
 *	began
 *
 * The order has no meaning. A vector that is there from the first call to the last is
 * returned once, however often it is replaced meanwhile, and no id is returned twice. One
 * that is inserted or deleted meanwhile may be returned or not.
 */
struct vexfs_walk {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__u32 format;
	__u32 count;
	__u64 ids;
	__u64 vectors;
	__u64 attrs;
	__u64 position;
	__u64 seq;
};

/**
 * struct vexfs_filter_insn - one instruction of a filter
 * @code: operation of classic BPF
 * @jt: instructions to skip if the comparison holds
 * @jf: instructions to skip if it does not
 * @k: operand
 *
 * The layout of struct sock_filter. The program sees the attribute record as
 * its packet: absolute loads of 1, 2 or 4 bytes inside the record (big-endian,
 * as classic BPF has it), no ancillary data. A return value other than 0 keeps
 * the vector. So numbers in a record are big-endian by convention: one load
 * compares one, and libvexfs writes them so.
 */
struct vexfs_filter_insn {
	__u16 code;
	__u8 jt;
	__u8 jf;
	__u32 k;
};

/**
 * struct vexfs_search - VEXFS_IOC_SEARCH: nearest neighbours, or all in a range
 * @size: sizeof of this structure
 * @flags: VEXFS_QUERY_BY_ID, VEXFS_SEARCH_*
 * @format: enum vexfs_format of the queries
 * @count: queries, 1 to VEXFS_QUERIES_MAX
 * @queries: pointer to @count vectors, or to @count ids of stored ones
 * @k: results for each query, 1 to VEXFS_K_MAX
 * @ef: graph: candidates kept while walking; 0 for max(k, 64)
 * @radius: f32 bits: VEXFS_SEARCH_RANGE: results are not further than this
 * @filter_len: instructions at @filter, 0 for no filter
 * @filter: pointer to struct vexfs_filter_insn
 * @ids: where @count times @k __u64 go; unused places hold ~0
 * @distances: where @count times @k f32 go, or 0; unused places hold +infinity
 * @attrs: where @count times @k attribute records go, or 0
 * @counts: where @count __u32 go, the results of each query; or 0 when @count
 *	is 1
 * @after_distance: f32 bits; VEXFS_SEARCH_AFTER: results come after this
 *	distance ...
 * @found: out: results of query 0
 * @after_id: ... and, at that distance, after this id (continue a range search
 *	with the last result of the call before; @count is 1)
 * @plan: out: enum vexfs_plan, how query 0 was answered
 * @priority: enum vexfs_priority
 * @deadline_ns: as in struct vexfs_put
 * @kernel_ns: out: time spent inside
 * @distances_done: out: distances computed, all queries together
 * @more: out: range search: 1 when there are results beyond the k given
 * @pad: 0
 * @seq: out: sequence number for which query 0 was answered
 * @seqs: where @count __u64 go, those of each query; or 0
 */
struct vexfs_search {
	__u32 size;
	__u32 flags;
	__u32 format;
	__u32 count;
	__u64 queries;
	__u32 k;
	__u32 ef;
	__u32 radius;
	__u32 filter_len;
	__u64 filter;
	__u64 ids;
	__u64 distances;
	__u64 attrs;
	__u64 counts;
	__u32 after_distance;
	__u32 found;
	__u64 after_id;
	__u32 plan;
	__u32 priority;
	__u64 deadline_ns;
	__u64 kernel_ns;
	__u64 distances_done;
	__u32 more;
	__u32 pad;
	__u64 seq;
	__u64 seqs;
};

/* bit 0 is VEXFS_QUERY_BY_ID */
#define VEXFS_SEARCH_EXACT	(1U << 1)	/* never approximate */
#define VEXFS_SEARCH_RANGE	(1U << 2)	/* within @radius; exact */
#define VEXFS_SEARCH_AFTER	(1U << 3)	/* continue a range search */
#define VEXFS_SEARCH_SKIP_SELF	(1U << 4)	/* by id: leave the query's own id out */

enum vexfs_plan {
	VEXFS_PLAN_SCAN		= 1,	/* every row compared */
	VEXFS_PLAN_SCAN_MATCHES	= 2,	/* every row that passes the filter compared */
	VEXFS_PLAN_GRAPH	= 3,	/* graph walked */
	VEXFS_PLAN_GRAPH_FILTER	= 4,	/* graph walked, results filtered on the way */
	VEXFS_PLAN_BLOCK	= 5,	/* queries and rows tiled, survivors compared */
	VEXFS_PLAN_SCAN_CODES	= 6,	/* every code compared, survivors by their rows */
};

/**
 * struct vexfs_vote - one class and its share
 * @value: the value of the attribute field
 * @votes: neighbours that carry it
 * @pad: 0
 */
struct vexfs_vote {
	__u64 value;
	__u32 votes;
	__u32 pad;
};

/**
 * struct vexfs_classify - VEXFS_IOC_CLASSIFY: majority vote of the neighbours
 * @size: sizeof of this structure
 * @flags: VEXFS_QUERY_BY_ID, VEXFS_SEARCH_EXACT, VEXFS_SEARCH_SKIP_SELF
 * @format: enum vexfs_format of the query
 * @k: neighbours that vote, 1 to VEXFS_K_MAX
 * @query: pointer to the vector, or to the id of a stored one
 * @ef: as in struct vexfs_search
 * @field_offset: where in the attribute record the class stands
 * @field_size: its bytes, 1, 2, 4 or 8, big-endian, as a filter loads them
 * @filter_len: instructions at @filter
 * @filter: as in struct vexfs_search
 * @votes: where the classes go, most votes first, ties to the smaller value
 * @count: in: room at @votes; out: classes there are
 * @plan: out: enum vexfs_plan
 * @deadline_ns: as in struct vexfs_put
 * @kernel_ns: out: time spent inside
 * @seq: out: sequence number for which it was answered
 * @priority: enum vexfs_priority
 * @pad: 0
 */
struct vexfs_classify {
	__u32 size;
	__u32 flags;
	__u32 format;
	__u32 k;
	__u64 query;
	__u32 ef;
	__u32 field_offset;
	__u32 field_size;
	__u32 filter_len;
	__u64 filter;
	__u64 votes;
	__u32 count;
	__u32 plan;
	__u64 deadline_ns;
	__u64 kernel_ns;
	__u64 seq;
	__u32 priority;
	__u32 pad;
};

/**
 * struct vexfs_index_req - VEXFS_IOC_INDEX: build, stop or drop the graph
 * @size: sizeof of this structure
 * @op: enum vexfs_index_op
 * @m: build: as in struct vexfs_create
 * @ef_construction: build: as in struct vexfs_create
 * @code: build: enum vexfs_code
 * @pad: 0
 * @seq: out: sequence number of the change if a graph was created or dropped, otherwise 0
 */
struct vexfs_index_req {
	__u32 size;
	__u32 op;
	__u32 m;
	__u32 ef_construction;
	__u32 code;
	__u32 pad;
	__u64 seq;
};

enum vexfs_index_op {
	VEXFS_INDEX_OP_BUILD	= 1,	/* in the background; progress in vexfs_stat */
	VEXFS_INDEX_OP_STOP	= 2,
	VEXFS_INDEX_OP_DROP	= 3,
};

/**
 * struct vexfs_check - VEXFS_IOC_CHECK: check that a collection is sound
 * @size: sizeof of this structure
 * @flags: 0
 * @vectors: out: vectors checked
 * @reachable: out: graph: vectors reached from the entry point
 * @links: out: graph: links followed
 * @faults: out: things that are wrong; 0 is a sound collection
 * @kernel_ns: out: time spent inside
 * @report: out: the first fault in words, or empty
 */
struct vexfs_check {
	__u32 size;
	__u32 flags;
	__u64 vectors;
	__u64 reachable;
	__u64 links;
	__u64 faults;
	__u64 kernel_ns;
	char report[256];
};

/**
 * struct vexfs_served_op - a request that a mount has answered
 * @ns: how long it took, at most VEXFS_SERVED_NS_MAX
 * @error: 0, or -errno of the answer
 * @pad: 0
 */
struct vexfs_served_op {
	__u64 ns;
	__s32 error;
	__u32 pad;
};

#define VEXFS_SERVED_MAX	4096
#define VEXFS_SERVED_NS_MAX	3600000000000ULL

/**
 * struct vexfs_served - VEXFS_IOC_SERVED: a mount tells what it has answered
 * @size: sizeof of this structure
 * @fuse: the descriptor of /dev/fuse that the requests came through (EBADF for one
 *	of something else, ENOTCONN for one that is not mounted): only who serves a mount
 *	adds to the class "fuse" of the statistics
 * @count: requests, 1 to VEXFS_SERVED_MAX; all are counted or none is
 * @pad: 0
 * @ops: pointer to @count struct vexfs_served_op
 */
struct vexfs_served {
	__u32 size;
	__s32 fuse;
	__u32 count;
	__u32 pad;
	__u64 ops;
};

/* ---- graphs as bytes ---- */

/**
 * struct vexfs_graph_save - VEXFS_IOC_GRAPH_SAVE: the nodes of the graph and their links
 * @size: sizeof of this structure
 * @flags: 0
 * @cursor: in: 0 to start, then what the last call returned; out: 0 at the end
 * @buf: room for whole nodes, in a format that only VEXFS_IOC_GRAPH_LOAD reads
 * @len: in: bytes at @buf, at least VEXFS_GRAPH_SAVE_MIN; out: bytes written
 * @count: out: nodes written
 * @m: out: as in struct vexfs_create
 * @ef_construction: out: as in struct vexfs_create
 * @code: out: as in struct vexfs_create
 * @scale: out: scale of the codes; VEXFS_IOC_GRAPH_LOAD needs it
 *
 * Beside writers: what joins or leaves meanwhile may be there or not. ENOENT when there is
 * no graph.
 */
struct vexfs_graph_save {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__u64 buf;
	__u32 len;
	__u32 count;
	__u32 m;
	__u32 ef_construction;
	__u32 code;
	__u32 scale;
};

#define VEXFS_GRAPH_SAVE_MIN	65536u

/**
 * struct vexfs_graph_load - VEXFS_IOC_GRAPH_LOAD: a graph that was saved
 * @size: sizeof of this structure
 * @op: enum vexfs_graph_load_op
 * @buf: nodes: what was saved, in the order in which it was
 * @len: nodes: bytes at @buf, at most VEXFS_GRAPH_LOAD_MAX; whole nodes
 * @count: out: nodes: number of nodes that were loaded
 * @m: begin: as VEXFS_IOC_GRAPH_SAVE returned it
 * @ef_construction: begin: as VEXFS_IOC_GRAPH_SAVE returned it
 * @code: begin: as VEXFS_IOC_GRAPH_SAVE returned it
 * @scale: begin: as VEXFS_IOC_GRAPH_SAVE returned it
 * @nodes: out: finish: vectors in the graph
 * @left: out: finish: vectors that are not in the graph yet; the module inserts them in the background
 *
 * A node is taken when its vector is the one that was saved, by its sequence number, and a
 * neighbour is in the graph already; what was not is offered again, while that adds any. The
 * graph is sound whatever the bytes say.
 */
struct vexfs_graph_load {
	__u32 size;
	__u32 op;
	__u64 buf;
	__u32 len;
	__u32 count;
	__u32 m;
	__u32 ef_construction;
	__u32 code;
	__u32 scale;
	__u64 nodes;
	__u64 left;
};

#define VEXFS_GRAPH_LOAD_MAX	(1u << 20)

enum vexfs_graph_load_op {
	VEXFS_GRAPH_LOAD_BEGIN	= 1,	/* an empty graph; EBUSY when there is one */
	VEXFS_GRAPH_LOAD_NODES	= 2,
	VEXFS_GRAPH_LOAD_FINISH	= 3,	/* the build goes on with what is missing */
};

/* ---- storage and change streams ---- */

/**
 * struct vexfs_storage - VEXFS_IOC_STORAGE: this descriptor is the machine's storage daemon
 * @size: sizeof of this structure
 * @flags: 0
 * @instance: out: a random number, another one each time that the module is loaded. A
 *	collection that is gone although this is the same as before was dropped
 * @changes: out: grows when a collection comes, goes or changes its settings
 *
 * CAP_SYS_ADMIN (EPERM); one at a time (EBUSY). While it is open, writers and creators of
 * durable collections wait a while for storage to attach (storage_wait_ms); otherwise
 * they get EROFS at once. The descriptor can be polled, and read(2) gives @changes, eight
 * bytes, once it is another than at the last read. Requests of the process that change
 * durable collections are refused (EDEADLK): they would wait for itself.
 */
struct vexfs_storage {
	__u32 size;
	__u32 flags;
	__u64 instance;
	__u64 changes;
};

/**
 * struct vexfs_stream_req - VEXFS_IOC_STREAM: this descriptor reads the changes of the
 *	collection it is attached to
 * @size: sizeof of this structure
 * @flags: in: VEXFS_STREAM_STORAGE, VEXFS_STREAM_FROM; out: besides VEXFS_STREAM_SNAPSHOT
 * @from: in: with VEXFS_STREAM_FROM, the change behind which to begin (EINVAL when there
 *	was none such); out: the change behind which the stream begins
 * @seq: out: sequence number of the last change
 * @entries: out: changes that are kept for readers, at most
 * @pad: 0
 *
 * Once for a descriptor (EBUSY), which must be allowed to read. From then on read(2)
 * gives struct vexfs_change, whole ones, and poll(2) works; all other requests go on as
 * before. A stream that begins at a place that is no longer kept, or nowhere in particular,
 * is flagged VEXFS_STREAM_SNAPSHOT: everything before @from is got by VEXFS_IOC_WALK, and
 * with the changes behind @from on top it is the collection.
 *
 * Readers that come too late lose their place: VEXFS_CHANGE_LOST. Storage does not:
 * changes and rows that it has not acknowledged are kept, and writers wait.
 */
struct vexfs_stream_req {
	__u32 size;
	__u32 flags;
	__u64 from;
	__u64 seq;
	__u32 entries;
	__u32 pad;
};

/* CAP_SYS_ADMIN; a durable collection (EOPNOTSUPP); one for each (EBUSY) */
#define VEXFS_STREAM_STORAGE	(1U << 0)
#define VEXFS_STREAM_FROM	(1U << 1)
#define VEXFS_STREAM_SNAPSHOT	(1U << 2)

/**
 * struct vexfs_change - one change, as read(2) gives it
 * @seq: its sequence number
 * @id: of the vector
 * @time_ns: when, on the real-time clock, to a tick
 * @slot: for VEXFS_IOC_ROWS
 * @op: enum vexfs_change_op
 * @flags: 0
 */
struct vexfs_change {
	__u64 seq;
	__u64 id;
	__u64 time_ns;
	__u32 slot;
	__u16 op;
	__u16 flags;
};

enum vexfs_change_op {
	VEXFS_CHANGE_INSERT	= 1,
	VEXFS_CHANGE_UPDATE	= 2,	/* vector, record or both replaced */
	VEXFS_CHANGE_DELETE	= 3,
	VEXFS_CHANGE_SET	= 4,	/* settings: VEXFS_IOC_STAT has those of now */
	VEXFS_CHANGE_INDEX	= 5,	/* a graph was created or dropped: VEXFS_IOC_STAT */
	VEXFS_CHANGE_DROP	= 6,	/* the last one; the next read(2) gives 0 */
	/* @seq: where the stream goes on; what was before is got by a walk that begins now */
	VEXFS_CHANGE_LOST	= 7,
};

/**
 * struct vexfs_rows - VEXFS_IOC_ROWS: the vectors of changes
 * @size: sizeof of this structure
 * @flags: 0
 * @format: enum vexfs_format
 * @count: changes, 1 to VEXFS_BATCH_MAX
 * @changes: pointer to @count struct vexfs_change, as they were read
 * @vectors: where the vectors go, or 0; zeroes for changes that have none
 * @attrs: where the attribute records go, or 0; likewise
 * @errors: where @count __s32 go, or 0: 0; -ESTALE for a vector that has been replaced or
 *	deleted since, which a later change says; -EINVAL for a change that has none. Storage
 *	gets all that it has not acknowledged
 * @done: out: vectors read
 * @tried: out: as in struct vexfs_get
 */
struct vexfs_rows {
	__u32 size;
	__u32 flags;
	__u32 format;
	__u32 count;
	__u64 changes;
	__u64 vectors;
	__u64 attrs;
	__u64 errors;
	__u32 done;
	__u32 tried;
};

/**
 * struct vexfs_ack - VEXFS_IOC_ACK: from storage
 * @size: sizeof of this structure
 * @error: errno for which storage can take no more, or 0 when all is well (again)
 * @seq: all up to this change is on stable storage: not less than before, nor more than
 *	was read (EINVAL)
 *
 * The first one says that the collection, as it was where the stream begins, is stored,
 * too. With @error its writers get EROFS until there is one without.
 */
struct vexfs_ack {
	__u32 size;
	__u32 error;
	__u64 seq;
};

/**
 * struct vexfs_wait - VEXFS_IOC_WAIT: until a change is on stable storage
 * @size: sizeof of this structure
 * @flags: 0
 * @seq: which; 0 is the collection itself
 * @deadline_ns: as in struct vexfs_put
 * @durable: out: the last one that is
 *
 * EROFS when storage has failed or gone, EOPNOTSUPP when there is to be none.
 */
struct vexfs_wait {
	__u32 size;
	__u32 flags;
	__u64 seq;
	__u64 deadline_ns;
	__u64 durable;
};

/**
 * struct vexfs_restored - VEXFS_IOC_RESTORED: the rows of a collection are back
 * @size: sizeof of this structure
 * @flags: 0
 * @serial: out: its number
 *
 * It becomes known by its name (EEXIST). Writers wait until storage has attached, from
 * the sequence number that was said at VEXFS_CREATE_RESTORE.
 */
struct vexfs_restored {
	__u32 size;
	__u32 flags;
	__u64 serial;
};

/* ---- asynchronous ops ---- */

/*
 * PUT, GET, DELETE, DISTANCE, WALK, SEARCH, CLASSIFY, ROWS and NOP need not be waited for. There
 * are two interfaces, and both take the structures of the ioctls as they are:
 *
 *  - VEXFS_IOC_SUBMIT queues ops of this descriptor, VEXFS_IOC_REAP gets their results;
 *    an eventfd tells when there are some.
 *  - IORING_OP_URING_CMD on /dev/vexfs: cmd_op is the number of the ioctl, cmd holds
 *    struct vexfs_uring, and the result of the entry is 0 or -errno, as of the ioctl.
 *    uring_cmd_flags are 0 (EINVAL). EOPNOTSUPP for other ioctls.
 *
 * The structure of an op is read once, when it is submitted; what it points to is read and
 * written while the op runs. The results are in the structure as well as there when the
 * completion has been reaped, and nothing of it is touched after that. Closing the last
 * descriptor ends what was queued and what is running before it returns. A program that is
 * killed or calls execve(2) loses its ops.
 *
 * @priority and @deadline_ns of the op's structure count from the submission on: an op that
 * has not begun by its deadline costs nothing more and fails with ETIME. Among the ops of a
 * descriptor priorities are served by weight, and at one priority the op that is due first.
 * An op that a signal would interrupt goes on; only VEXFS_IOC_CANCEL ends it.
 */

/**
 * struct vexfs_uring - what stands in cmd of an io_uring entry
 * @arg: address of the op's structure
 * @flags: 0
 * @pad: 0
 */
struct vexfs_uring {
	__u64 arg;
	__u32 flags;
	__u32 pad;
};

/**
 * struct vexfs_submission - an op that is submitted
 * @user_data: comes back in its completion
 * @arg: address of the op's structure
 * @cmd: enum vexfs_ioctl (ENOTTY, or EOPNOTSUPP for one that cannot be queued)
 * @flags: 0
 */
struct vexfs_submission {
	__u64 user_data;
	__u64 arg;
	__u32 cmd;
	__u32 flags;
};

/**
 * struct vexfs_submit - VEXFS_IOC_SUBMIT: queue ops
 * @size: sizeof of this structure
 * @flags: 0
 * @entries: pointer to @count struct vexfs_submission
 * @count: 1 to VEXFS_SUBMIT_MAX
 * @done: out: ops queued. The first @done are, and the error is that of the next one: EBUSY
 *	when as many as may be are queued, running or not reaped yet, or the user has no
 *	thread left to run them
 */
struct vexfs_submit {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 count;
	__u32 done;
};

#define VEXFS_SUBMIT_MAX	4096u

/**
 * struct vexfs_completion - an op that has ended
 * @user_data: of its submission
 * @queued_ns: how long it waited
 * @run_ns: how long it ran, all attempts together; 0 when it did not
 * @res: 0 or -errno: that of the ioctl; -ETIME when it was late; -ECANCELED when it was
 *	cancelled, or its process had gone: what it had done by then is said in its structure
 * @retries: attempts after the first one. An op is tried again when it has changed nothing
 *	and failed for what may pass: short memory, or a full queue
 */
struct vexfs_completion {
	__u64 user_data;
	__u64 queued_ns;
	__u64 run_ns;
	__s32 res;
	__u32 retries;
};

/**
 * struct vexfs_reap - VEXFS_IOC_REAP: results of ops that were submitted
 * @size: sizeof of this structure
 * @flags: 0
 * @completions: where up to @max struct vexfs_completion go
 * @max: room there, up to VEXFS_SUBMIT_MAX; 0 to ask for @left and @running only
 * @min: wait until there are so many, or as many as have been submitted; 0 to wait for none
 * @timeout_ns: wait so long at most, ETIME when there is none by then; 0 for ever
 * @got: out: how many there were
 * @left: out: ops that are queued, running or not reaped yet
 * @running: out: those that run
 * @pad: 0
 */
struct vexfs_reap {
	__u32 size;
	__u32 flags;
	__u64 completions;
	__u32 max;
	__u32 min;
	__u64 timeout_ns;
	__u32 got;
	__u32 left;
	__u32 running;
	__u32 pad;
};

/**
 * struct vexfs_cancel - VEXFS_IOC_CANCEL: end ops that were submitted
 * @size: sizeof of this structure
 * @flags: VEXFS_CANCEL_ALL: whatever their @user_data
 * @user_data: of which ones
 * @found: out: ops that were queued or running (ENOENT when there is none). Each of them still
 *	has its completion: those that were queued at once, one that runs when it stops, with
 *	the result that it has if it was through
 * @pad: 0
 */
struct vexfs_cancel {
	__u32 size;
	__u32 flags;
	__u64 user_data;
	__u32 found;
	__u32 pad;
};

#define VEXFS_CANCEL_ALL	(1U << 0)

/**
 * struct vexfs_eventfd - VEXFS_IOC_EVENTFD: who is told of completions
 * @size: sizeof of this structure
 * @flags: 0
 * @fd: an eventfd, to which 1 is added for each completion from now on; -1: nobody
 * @pad: 0
 */
struct vexfs_eventfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 pad;
};

/**
 * struct vexfs_nop - VEXFS_IOC_NOP: an op that does nothing, to try the ways of others
 * @size: sizeof of this structure
 * @flags: 0
 * @value: anything
 * @echo: out: @value
 * @hold_ns: it takes so long, at most VEXFS_NOP_HOLD_MAX (E2BIG)
 * @deadline_ns: as in struct vexfs_put
 * @priority: enum vexfs_priority
 * @fail: the first so many attempts fail with ENOMEM
 * @kernel_ns: out: time spent inside
 */
struct vexfs_nop {
	__u32 size;
	__u32 flags;
	__u64 value;
	__u64 echo;
	__u64 hold_ns;
	__u64 deadline_ns;
	__u32 priority;
	__u32 fail;
	__u64 kernel_ns;
};

#define VEXFS_NOP_HOLD_MAX	10000000000ULL

/*
 * mmap: an attached descriptor maps the collection's rows read-only, extent by
 * extent, @stride bytes apart, in the order in which rows were first used. The
 * offset must be a multiple of the page size. A row may be reused for another
 * vector at any time: mapped rows are for bulk reading of collections that
 * their owner keeps still. What was deleted or updated before the call is not
 * shown; rows without a vector hold zeroes. The call waits for readers that
 * still use such rows.
 */

#endif
