/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Collections: their structure and their life. store.h says how they work.
 */
#ifndef _VEXFS_STORE_COLLECTION_H
#define _VEXFS_STORE_COLLECTION_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/bitops.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vexfs.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "math/math.h"
#include "mem/scratch.h"

struct mem_cgroup;
struct user_namespace;
struct vexfs_payers;
struct vexfs_collection;
struct vexfs_index_part;
struct vexfs_ring;
struct vexfs_stream;

#define VEXFS_NO_SLOT		(~0u)
#define VEXFS_SLOTS_MAX		0x7ffffff0u	/* the id map keeps 31 bits */
#define VEXFS_FOREVER		U64_MAX		/* end of a span that goes on */
#define VEXFS_EXTENT_BYTES	(2u << 20)	/* rows of a full extent, at most */
#define VEXFS_CODED_ROWS	1024u	/* rows whose codes are made together */

/**
 * struct vexfs_garbage - memory that is freed when no reader can see it any more
 * @next: the reaper's list
 * @free: called in process context after an SRCU grace period; may sleep
 */
struct vexfs_garbage {
	struct vexfs_garbage *next;
	void (*free)(struct vexfs_collection *c, struct vexfs_garbage *g);
};

struct vexfs_iddir;
struct vexfs_leaftab;

/**
 * struct vexfs_idmap - which slot an id means
 * @dir: shards by the top bits of the hash; replaced when it doubles
 * @seed: of the hash, so that nobody can choose ids that collide
 * @resize_lock: held while the directory changes, and while leaves come and go
 * @hashed: ids in shards; ids_lock
 * @leaves: how many there are; resize_lock
 * @leaftab: the leaves, or NULL; replaced when it grows
 * @sorted: the leaves in order; ids_lock
 * @takers: leaves that have taken ids over, the newest first
 */
struct vexfs_idmap {
	struct vexfs_iddir __rcu *dir;
	u64 seed;
	struct mutex resize_lock;
	u64 hashed;
	u32 leaves;
	struct vexfs_leaftab __rcu *leaftab;
	struct rb_root sorted;
	struct list_head takers;
};

/* What the ops on a collection are counted as. */
enum vexfs_counted {
	VEXFS_COUNTED_OTHER,
	VEXFS_COUNTED_SEARCH,
	VEXFS_COUNTED_READ,
	VEXFS_COUNTED_PUT,
	VEXFS_COUNTED_DELETE,
	VEXFS_COUNTED_ERROR,	/* in addition to one of those above */
	VEXFS_COUNTED
};

/**
 * struct vexfs_counts - ops on a collection since it was created
 * @n: by enum vexfs_counted
 */
struct vexfs_counts {
	u64 n[VEXFS_COUNTED];
};

/**
 * struct vexfs_collection - a named set of vectors
 *
 * First what is constant from creation to end and read all the time, then what
 * writers change, each on lines of its own.
 */
struct vexfs_collection {
	struct vexfs_space space;
	u32 attr_size;
	u32 code_bytes;		/* of a row's code beside the row; 0: there can be none */
	u32 small_shift;	/* rows of extent 0: 1 << small_shift */
	u32 full_shift;		/* rows of a full extent: 1 << full_shift */
	struct vexfs_counts __percpu *counts;
	struct vexfs_dir __rcu *dir;
	struct vexfs_index_ref __rcu *index;
	struct vexfs_idmap ids;
	struct srcu_struct srcu;

	/* registry; its lock, but for the constant ones */
	u64 serial;		/* constant */
	char name[VEXFS_NAME_SIZE];	/* constant */
	struct user_namespace *ns;	/* constant: where the name is known; payers hold it */
	time64_t created;	/* constant */
	u8 index_kind;		/* enum vexfs_index asked for at creation; constant */
	u8 code;		/* enum vexfs_code that each row gets, without an index; constant */
	u8 durability;		/* enum vexfs_durability; changed with quiesce held, too */
	struct rhash_head by_name;
	struct kref ref;
	bool dropped;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	u32 layout_len;
	char *layout;
	struct vexfs_payers *payers;	/* who pays, under the lock of account.c */
	struct work_struct end_work;

	/* writers */
	struct rw_semaphore quiesce ____cacheline_aligned_in_smp;
	struct mutex grow_lock;
	struct mutex index_lock;	/* requests that start and end things of the index */
	u64 index_seq;		/* last change of the index; registry's lock */
	bool index_leaving;	/* parts of one that was taken off are still there; quiesce */
	bool gated;		/* writers promise and wait; changed with quiesce held, stream.h */
	bool restoring;		/* vectors come with their numbers; until it is known */
	u32 nextents;		/* entries of dir ever used; grow_lock */
	bool zero_rows;		/* rows may be mapped: FREE ones are kept clear; slots_lock */
	bool rows_clear;	/* and those that were FREE before are clear, too */
	wait_queue_head_t busy_wait;
	struct vexfs_stream *stream;	/* once there, until the end; stream.h */
	u64 capacity;		/* written under the registry's lock and ids_lock */

	spinlock_t slots_lock ____cacheline_aligned_in_smp;
	unsigned long *free_extents;	/* bit: extent has FREE slots; slots_lock */
	u32 dead_head;		/* DEAD slots that wait for the reaper; slots_lock */
	u32 dead_count;
	struct vexfs_garbage *garbage;	/* slots_lock */
	struct delayed_work reaper;
	struct mem_cgroup *reap_payer;	/* of those who left it work; slots_lock */
	u64 reap_begun;		/* passes of the reaper; slots_lock */
	u64 reap_done;		/* those that have freed what they found */
	wait_queue_head_t reap_wait;	/* for that, and for index_leaving */
	u64 reaped;		/* slots since the id map was last shrunk; reaper's own */

	spinlock_t ids_lock ____cacheline_aligned_in_smp;	/* writers of the id map */
	u64 taken;		/* ids in the map, claimed ones included; ids_lock */
	u64 decided;		/* sequence number of the last change; ids_lock */
	u64 seq;		/* the same, published; written under ids_lock */
	struct vexfs_ring *ring;	/* of the last changes, or NULL; ids_lock */

	atomic64_t count ____cacheline_aligned_in_smp;
	bool has_codes;		/* some extent has codes, or has had */
	u32 private;		/* of the layer above; the store does not read it */
	atomic64_t bytes;
};

/* ---- names, ownership, life ---- */

/* Owner and group. */
struct vexfs_owner {
	kuid_t uid;
	kgid_t gid;
};

/**
 * struct vexfs_spec - what a new collection is like; all fields checked by
 *	vexfs_collection_create()
 */
struct vexfs_spec {
	char name[VEXFS_NAME_SIZE];
	struct vexfs_space space;
	u8 index_kind;
	u8 code;
	umode_t mode;
	u32 attr_size;
	u32 code_bytes;
	u64 capacity;
	const void *layout;
	u32 layout_len;
	const struct vexfs_owner *owner;	/* NULL: the caller's fsuid and fsgid */
	u8 durability;
	bool restore;		/* it comes back: @seq, @created */
	u64 seq;
	s64 created;
};

#define VEXFS_MAY_READ	4u
#define VEXFS_MAY_WRITE	2u

/*
 * Names are looked up in the caller's user namespace. The result is a counted
 * reference. -EINVAL for what is not a name, -ENOENT, -EEXIST, -EACCES, -ENOSPC
 * (number of collections, of the user or of all), -ENOMEM; -EROFS when storage does not
 * take a durable one.
 *
 * A created collection is unknown to others until vexfs_collection_publish(),
 * which may find that the name was taken meanwhile (-EEXIST), so that an index
 * can be put on it first. vexfs_collection_put() without publish undoes it.
 */
int vexfs_collection_create(const struct vexfs_spec *spec, struct vexfs_collection **out);
int vexfs_collection_publish(struct vexfs_collection *c);
int vexfs_collection_open(const char *name, u32 may, struct vexfs_collection **out);
/* By serial number, in any namespace; -ENOENT as for vexfs_collection_drop_serial(). */
int vexfs_collection_open_serial(u64 serial, u32 may, struct vexfs_collection **out);
/* Dropping, @empty: only if it holds no vector, else -ENOTEMPTY. */
int vexfs_collection_drop(const char *name, bool empty);
/*
 * By serial number, in any namespace; -ENOENT for one that the caller does not see
 * with VEXFS_SEE_RUN.
 */
int vexfs_collection_drop_serial(u64 serial, bool empty);
/* -EACCES for callers that neither own it nor have CAP_DAC_OVERRIDE over its namespace. */
int vexfs_collection_drop_this(struct vexfs_collection *c, bool empty);
/* Drops a collection that the caller has just published, whatever its name means by now. */
int vexfs_collection_undo(struct vexfs_collection *c);
void vexfs_collection_get(struct vexfs_collection *c);
void vexfs_collection_put(struct vexfs_collection *c);

/* The collections that a caller sees: */
enum vexfs_see {
	VEXFS_SEE_READABLE,	/* that the caller may read, in its own namespace */
	VEXFS_SEE_RUN,		/* also its own anywhere, and all in namespaces that it administers */
	VEXFS_SEE_ALL,		/* all; who asks has been checked */
	VEXFS_SEE_UNSTORED,	/* the durable ones without storage; likewise */
};

bool vexfs_collection_seen(const struct vexfs_collection *c, enum vexfs_see see);
/*
 * The first collection from *@cursor on that is seen, referenced; *@cursor moves
 * behind it. NULL at the end. May sleep.
 */
struct vexfs_collection *vexfs_collection_next(u64 *cursor, enum vexfs_see see);
/* Without a check of permissions; referenced, or NULL. */
struct vexfs_collection *vexfs_collection_by_serial(u64 serial);
/* True when the caller owns it or has @cap over its namespace. */
bool vexfs_collection_owned(const struct vexfs_collection *c, int cap);
int vexfs_collection_allowed(const struct vexfs_collection *c, u32 may);
/* The number of collections; *@changed grows when one is published or dropped. */
u32 vexfs_registry_count(u64 *changed);
/*
 * @watcher is called after a collection was published or dropped, in process context and
 * without locks of the store. There is one watcher; NULL removes it. A call may still be
 * running when this returns.
 */
typedef void (*vexfs_registry_watcher)(void);
void vexfs_registry_watch(vexfs_registry_watcher watcher);
void vexfs_collection_stat(struct vexfs_collection *c, struct vexfs_stat *st);

/*
 * An op on @c has ended. Writes memory of its own CPU only; any context but NMI. this_cpu_inc()
 * would disable interrupts where there is no instruction for it, which costs more than a small
 * op may. There, an op that ends in an interrupt in the middle of this one may not be counted.
 */
static inline void vexfs_collection_count(struct vexfs_collection *c, enum vexfs_counted what,
					  bool failed)
{
	preempt_disable();
	raw_cpu_inc(c->counts->n[what]);
	if (unlikely(failed))
		raw_cpu_inc(c->counts->n[VEXFS_COUNTED_ERROR]);
	preempt_enable();
}

/* Adds the CPUs up; stops nobody. */
void vexfs_collection_counts(const struct vexfs_collection *c, struct vexfs_counts *sum);

/**
 * struct vexfs_totals - all collections together
 * @collections: number of collections
 * @changes: grows when a collection is created or dropped
 * @vectors: vectors in all collections
 * @bytes: memory of all collections
 */
struct vexfs_totals {
	u64 collections;
	u64 changes;
	u64 vectors;
	u64 bytes;
};

/* May sleep. */
void vexfs_store_totals(struct vexfs_totals *t);
/* Copies at most @room bytes of the description; returns its length. */
u32 vexfs_collection_layout(struct vexfs_collection *c, void *buf, u32 room);

/* Constant from vexfs_collection_publish() on; never used twice. */
static inline u64 vexfs_collection_serial(const struct vexfs_collection *c)
{
	return c->serial;
}

/* Its changes wait for storage. */
static inline bool vexfs_collection_durable(const struct vexfs_collection *c)
{
	return READ_ONCE(c->durability) != VEXFS_DURABILITY_NONE;
}

static inline bool vexfs_collection_dropped(const struct vexfs_collection *c)
{
	return READ_ONCE(c->dropped);
}

/*
 * Memory that belongs to a collection but is allocated elsewhere (the index):
 * counts towards its bytes, the quota of all who pay for it, and the machine's ceiling.
 * -ENOSPC.
 */
int vexfs_collection_charge(struct vexfs_collection *c, u64 bytes);
void vexfs_collection_uncharge(struct vexfs_collection *c, u64 bytes);

#endif
