/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mount of collections: what its files share. Nodes are what the kernel knows under a
 * number; collections are opened when they are needed and let go when nobody has asked
 * for a while, so that an idle mount does not hold the module.
 */
#ifndef VEXFS_MOUNT_COLL_H
#define VEXFS_MOUNT_COLL_H

#include <pthread.h>

#include "caller.h"
#include "mount.h"
#include "serve.h"
#include "vexfs.h"

#define SCRATCH_FILES	256		/* temporary files of one collection */
#define SCRATCH_BYTES	(64u << 20)	/* all of them together, of one mount */
#define HITS_MAX	VEXFS_K_MAX

/**
 * struct coll - a collection as this mount knows it
 * @next: in the list of all, under coll_lock
 * @refs: nodes, and whoever looks at it; under coll_lock
 * @name: its name
 * @serial: no other collection ever has it
 * @lock: what follows
 * @h: NULL when it is closed
 * @users: that use @h now
 * @idle_since: when the last of them stopped, ns
 * @st: as of @st_at
 * @st_at: when @st was asked for, ns; 0 for never
 * @changed: when a change was last seen, on the clock of the day
 * @change: serialises what reads a vector and writes it again
 * @layout: fields of the record
 * @mtime: the field that keeps the time of the last change, or NULL
 * @temps: drafts that are no rows yet, under node_lock
 */
struct coll {
	struct coll *next;
	unsigned int refs;
	char name[VEXFS_NAME_SIZE];
	uint64_t serial;
	pthread_mutex_t lock;
	struct vexfs *h;
	unsigned int users;
	uint64_t idle_since;
	struct vexfs_stat st;
	uint64_t st_at;
	struct timespec changed;
	pthread_mutex_t change;
	struct vexfs_layout layout;
	const struct vexfs_field *mtime;
	size_t temps;
};

enum node_kind {
	NODE_ROOT,
	NODE_MOUNT_JSON,	/* MOUNT/.mount.json */
	NODE_COLL,		/* MOUNT/NAME */
	NODE_BY_ID,
	NODE_NEAR,
	NODE_WITHIN,
	NODE_HITS,		/* near/ID@OPTIONS, within/ID@r=R */
	NODE_LINK,		/* 0001-0.1234-ID in there */
	NODE_ROW,		/* by-id/ID, by-id/.temporary */
	NODE_INFO,		/* .info.json and its like */
	NODE_SCHEMA,
	NODE_STATS,
	NODE_QUERY,
};

/**
 * struct draft - a row that is open, or is no row yet
 * @opens: descriptors
 * @data: row_bytes of room
 * @size: bytes that count
 * @attr: its record
 * @dirty: not as it is stored
 * @fresh: was created here and has never been stored
 * @gone: was unlinked or replaced; what is open lives on without a name
 * @kept: it lives without anybody who has it open: a temporary file, or one of mknod()
 * @spoiled: more was written than a row holds
 * @mtime_set: somebody has said what @mtime is
 */
struct draft {
	unsigned int opens;
	unsigned char *data;
	size_t size;
	unsigned char attr[VEXFS_ATTR_MAX];
	bool dirty, fresh, gone, kept, spoiled, mtime_set;
	struct timespec mtime;
};

/**
 * struct node - what the kernel knows under a number, which is its address
 * @hash: chain of the table, under node_lock
 * @nlookup: names the kernel has been given for it, under node_lock
 * @pins: others that need it, under node_lock
 * @kind: what it is
 * @listed: it stands in the table: its name leads to it
 * @coll: its collection, or NULL
 * @id: of a row; of what neighbours are sought of
 * @name: of NODE_HITS with options, NODE_LINK and temporary files; else NULL
 * @temp: a draft that is no row yet, and is listed all the same; under node_lock
 * @lock: what follows, and for NODE_ROW also @id and @name
 * @draft: see there
 * @hits: what the search of NODE_HITS found last, or NULL
 * @nhits: how many
 * @hits_seq: change of the collection they belong to
 */
struct node {
	struct node *hash;
	uint64_t nlookup;
	unsigned int pins;
	enum node_kind kind;
	bool listed;
	struct coll *coll;
	uint64_t id;
	char *name;
	bool temp;
	pthread_mutex_t lock;
	struct draft *draft;
	struct hit *hits;
	uint32_t nhits;
	uint64_t hits_seq;
};

/* ---- coll_open.c: collections ---- */

/* The collection of that name, with a reference; NULL and *err. */
struct coll *coll_get(const char *name, int *err);
void coll_hold(struct coll *c);
void coll_put(struct coll *c);
/* Its handle for a while; NULL and *err. Give it back with coll_unuse(). */
struct vexfs *coll_use(struct coll *c, int *err);
void coll_unuse(struct coll *c);
/* What it is, not older than the mount's timeout; @fresh: as of now. 0 or an errno. */
int coll_stat(struct coll *c, bool fresh, struct vexfs_stat *st);
/* Something was changed through this mount. */
void coll_touched(struct coll *c);
/* Closes what nobody has used for a while. */
void coll_sweep(void);
void coll_forget_all(void);
/* errno of a failed request, as a file system says it. */
int coll_errno(int err);

/* ---- coll_node.c: nodes ---- */

struct node *node_of(fuse_ino_t ino);
/* The node, made when there is none, looked up once more. NULL without memory. */
struct node *node_lookup(struct coll *c, enum node_kind kind, uint64_t id, const char *name);
/* The node when there is one, pinned. */
struct node *node_find(struct coll *c, enum node_kind kind, uint64_t id, const char *name);
void node_pin(struct node *n);
void node_unpin(struct node *n);
void node_forget(struct node *n, uint64_t times);
/* Its name leads no longer to it; to be called with its lock held for rows. */
void node_unlist(struct node *n);
/* It has another name from now on; false when there is no memory. */
bool node_rename(struct node *n, uint64_t id, const char *name);
/* It is a draft that has never been stored, or is no longer one. */
void node_set_temp(struct node *n, bool temp);
/* Names of such drafts, malloc()ed as is each of them. 0 or ENOMEM. */
int node_temps(struct coll *c, char ***names, size_t *n);
/* A number for st_ino. */
uint64_t node_ino(const struct coll *c, enum node_kind kind, uint64_t id, const char *name);
int node_attr(struct node *n, struct stat *st);
/* Attributes that all entries of a collection share. */
void coll_fill_stat(const struct vexfs_stat *cs, struct coll *c, mode_t mode, struct stat *st);

/* ---- coll_dir.c: directories, lookup, making and removing ---- */

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/* Decimal digits as an id, in the one spelling that is listed. */
bool id_from_name(const char *name, uint64_t *id);
bool is_scratch_name(const char *name);
/* Answers with an entry for the node, which was looked up for it. */
void reply_node(fuse_req_t req, struct node *n);

/* ---- coll_make.c: collections are made, changed and dropped ---- */

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
/* Could a collection have been made by the name with these options? */
bool make_agrees(const char *name, const struct vexfs_stat *st);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
/* chmod and chown of a collection; 0 or an errno. */
int coll_setattr(struct coll *c, const struct stat *st, int what);

/* ---- coll_draft.c: rows between the kernel's pages and the module ---- */

/* All of these want the node's lock. 0 or an errno. */
int draft_open(struct node *n, bool load);
/* Stores it when there is something to store; wrong lengths are EINVAL. */
int draft_store(struct node *n);
/* Under another id, with its record as it is. */
int draft_store_as(struct node *n, uint64_t id, bool only_new);
/* Nobody has it open and nothing leads to it: it goes. */
void draft_drop_if_unused(struct node *n);
/* A draft that lives although nobody has it open; ENOSPC beyond the bounds. */
int draft_keep(struct node *n);
/* No longer. The caller holds the node by another pin or lookup. */
void draft_unkeep(struct node *n);
/* The name goes; who has it open keeps it. */
void draft_unlink(struct node *n);

/* ---- coll_row.c: rows as files ---- */

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev);
void row_open(fuse_req_t req, struct node *n, struct fuse_file_info *fi);
void row_read(fuse_req_t req, struct node *n, size_t size, off_t off);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void row_release(fuse_req_t req, struct node *n);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what,
		struct fuse_file_info *fi);
/* Is there such a row? Its record goes to @attr when that is not NULL. 0 or an errno. */
int row_stat(struct coll *c, uint64_t id, void *attr);
/* Size, times and links of a row. */
int row_attr(struct node *n, struct stat *st);
/* Changes the record of a row, stored or not. 0 or an errno. */
int row_set_field(struct node *n, const struct vexfs_field *f, const struct vexfs_value *v);
/* Copies the record. 0 or an errno. */
int row_record(struct node *n, void *attr);

/* ---- coll_rename.c ---- */

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned int flags);

/* ---- coll_xattr.c ---- */

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
		 int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* ---- coll_hits.c: neighbours as links ---- */

/**
 * struct asked - what a name asks for
 * @id: of whom
 * @k: how many
 * @ef: candidates
 * @exact: no approximation
 * @range: all within @radius
 * @filter: expression, or NULL; points into the name
 */
struct asked {
	uint64_t id;
	uint32_t k, ef;
	bool exact, range, by_id;
	float radius;
	const char *filter;
};

struct hit {
	uint64_t id;
	float distance;
};

/* Reads "ID@k=5,filter=..."; 0 or EINVAL. */
int asked_parse(const char *name, bool within, struct asked *a);
/* Only what follows the @; @a holds what is the case without. */
int asked_options(const char *text, struct asked *a);
/* Runs it; hits are malloc()ed. 0 or an errno. With @vector instead of an id. */
int asked_run(struct coll *c, const struct asked *a, const float *vector, struct hit **hits,
	      uint32_t *n, char *why, size_t size);
void hit_name(char *buf, size_t size, uint32_t rank, const struct hit *h);
/* A link is there when the search that its directory stands for has found it. 0 or an errno. */
int hit_check(struct node *dir, const char *name, uint64_t *id);
/* The hits of a directory, a copy that is the caller's. 0 or an errno. */
int hits_get(struct node *dir, struct hit **hits, uint32_t *n);
void hits_drop(struct node *dir);
void op_readlink(fuse_req_t req, fuse_ino_t ino);

/* ---- coll_info.c: files that are made when they are read; .query ---- */

/* The text of such a file, malloc()ed. 0 or an errno. */
int info_text(struct node *n, char **text, size_t *len);
void info_open(fuse_req_t req, struct node *n, struct fuse_file_info *fi);
void info_read(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off);
void info_release(struct fuse_file_info *fi);
void query_open(fuse_req_t req, struct node *n, struct fuse_file_info *fi);
void query_write(fuse_req_t req, struct fuse_file_info *fi, const char *buf, size_t size);
void query_read(fuse_req_t req, struct node *n, struct fuse_file_info *fi, size_t size);
void query_release(struct fuse_file_info *fi);

#endif
