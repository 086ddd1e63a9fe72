/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mount of collections: what its files share. The kernel knows nodes by number.
 * Collections are opened on demand and closed when they have been idle for a while, so
 * that an idle mount does not pin the module.
 */
#ifndef VEXFS_MOUNT_COLL_H
#define VEXFS_MOUNT_COLL_H

#include <pthread.h>

#include "caller.h"
#include "leftover.h"
#include "mount.h"
#include "serve.h"
#include "vexfs.h"

#define SCRATCH_FILES	256		/* temporary files of one collection */
#define SCRATCH_BYTES	(64u << 20)	/* temporary files of one mount */
#define HITS_MAX	VEXFS_K_MAX

/**
 * struct coll - a collection of this mount
 * @left: of those that are left at the end
 * @next: in the list of all collections, under coll_lock
 * @refs: nodes and other users of the entry; under coll_lock
 * @name: its name
 * @serial: its number, which no other collection ever has
 * @lock: guards what follows
 * @h: handle; NULL while it is closed
 * @users: requests that use @h now
 * @idle_since: when the last of them ended, ns
 * @st: attributes as of @st_at
 * @st_at: when @st was read, ns; 0 for never
 * @changed: wall-clock time of the last change that was seen
 * @change: serialises requests that read a vector and write it back
 * @layout: fields of the record
 * @mtime: the field that keeps the time of the last change, or NULL
 * @temps: drafts that are not rows yet, under node_lock
 */
struct coll {
	struct leftover left;
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
 * struct draft - contents of a row that is open, or that is not stored yet
 * @opens: descriptors
 * @data: buffer of row_bytes
 * @size: bytes of it that are valid
 * @attr: the row's record
 * @dirty: it differs from what is stored
 * @fresh: it was created here and has never been stored
 * @gone: it was unlinked or replaced; open descriptors keep it without a name
 * @kept: it stays although nobody has it open: a temporary file, or one made by mknod()
 * @spoiled: more bytes were written than a row has
 * @mtime_set: @mtime was set explicitly
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
 * struct node - what the kernel knows by a number, which is the node's address
 * @left: of those that are left at the end
 * @hash: chain of the table, under node_lock
 * @nlookup: lookups that the kernel has not forgotten, under node_lock
 * @pins: other users, under node_lock
 * @kind: kind of node
 * @listed: it is in the table, so its name leads to it
 * @coll: its collection, or NULL
 * @id: of a row, or of the row whose neighbours are listed
 * @name: of NODE_HITS with options, NODE_LINK and temporary files; else NULL
 * @temp: a draft that is not a row yet and still is listed; under node_lock
 * @lock: guards what follows, and for NODE_ROW also @id and @name
 * @draft: see struct draft
 * @hits: last result of the search that NODE_HITS stands for, or NULL
 * @nhits: entries of @hits
 * @hits_seq: sequence number of that result
 */
struct node {
	struct leftover left;
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
/* Opens its handle for one request; NULL and *err. Return it with coll_unuse(). */
struct vexfs *coll_use(struct coll *c, int *err);
void coll_unuse(struct coll *c);
/* Its attributes, no older than the mount's timeout; with @fresh, read now. 0 or an errno. */
int coll_stat(struct coll *c, bool fresh, struct vexfs_stat *st);
/* Called after a change through this mount. */
void coll_touched(struct coll *c);
/* Closes handles that have been idle for a while. */
void coll_sweep(void);
/* The errno that a file system returns for a failed request. */
int coll_errno(int err);

/* ---- coll_node.c: nodes ---- */

struct node *node_of(fuse_ino_t ino);
/* Finds or creates the node and counts one lookup more. NULL without memory. */
struct node *node_lookup(struct coll *c, enum node_kind kind, uint64_t id, const char *name);
/* The node if there is one, pinned. */
struct node *node_find(struct coll *c, enum node_kind kind, uint64_t id, const char *name);
void node_pin(struct node *n);
void node_unpin(struct node *n);
void node_forget(struct node *n, uint64_t times);
/* Removes it from the table; for rows, call it with the node's lock held. */
void node_unlist(struct node *n);
/* Renames it; false when there is no memory. */
bool node_rename(struct node *n, uint64_t id, const char *name);
/* Marks it as a draft that has never been stored, or unmarks it. */
void node_set_temp(struct node *n, bool temp);
/* Names of such drafts; the list and each name are malloc()ed. 0 or ENOMEM. */
int node_temps(struct coll *c, char ***names, size_t *n);
/* The number for st_ino. */
uint64_t node_ino(const struct coll *c, enum node_kind kind, uint64_t id, const char *name);
int node_attr(struct node *n, struct stat *st);
/* Attributes that all entries of a collection share. */
void coll_fill_stat(const struct vexfs_stat *cs, struct coll *c, mode_t mode, struct stat *st);

/* ---- coll_dir.c: directories, lookup, create and unlink ---- */

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/* Decimal digits as an id, only in the spelling that is listed. */
bool id_from_name(const char *name, uint64_t *id);
bool is_scratch_name(const char *name);
/* Replies with an entry for the node, which was looked up for it. */
void reply_node(fuse_req_t req, struct node *n);

/* ---- coll_make.c: collections are created, changed and dropped ---- */

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
/* Is this the name and the options by which that collection could have been created? */
bool make_agrees(const char *name, const struct vexfs_stat *st);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
/* chmod and chown of a collection; 0 or an errno. */
int coll_setattr(struct coll *c, const struct stat *st, int what);

/* ---- coll_draft.c: rows between the kernel's pages and the module ---- */

/* Call all of these with the node's lock held. They return 0 or an errno. */
int draft_open(struct node *n, bool load);
/* Stores it if it is dirty; a wrong length is EINVAL. */
int draft_store(struct node *n);
/* Stores it under another id, with its record. */
int draft_store_as(struct node *n, uint64_t id, bool only_new);
/* Frees it if it has neither a name nor a descriptor. */
void draft_drop_if_unused(struct node *n);
/* Keeps a draft that nobody has open; ENOSPC beyond the limits. */
int draft_keep(struct node *n);
/* Undoes that. The caller holds the node by another pin or lookup. */
void draft_unkeep(struct node *n);
/* Removes the name; open descriptors keep the draft. */
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
/* Does the row exist? Its record goes to @attr unless that is NULL. 0 or an errno. */
int row_stat(struct coll *c, uint64_t id, void *attr);
/* Size, times and link count of a row. */
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
 * struct asked - the search that a name stands for
 * @id: neighbours of this row
 * @k: number of results
 * @ef: length of the candidate list
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

/* Parses "ID@k=5,filter=..."; 0 or EINVAL. */
int asked_parse(const char *name, bool within, struct asked *a);
/* Parses what follows the @; @a holds the defaults. */
int asked_options(const char *text, struct asked *a);
/* Runs the search, around @vector if that is not NULL; hits are malloc()ed. 0 or an errno. */
int asked_run(struct coll *c, const struct asked *a, const float *vector, struct hit **hits,
	      uint32_t *n, char *why, size_t size);
void hit_name(char *buf, size_t size, uint32_t rank, const struct hit *h);
/* A link exists if the search of its directory has found it. 0 or an errno. */
int hit_check(struct node *dir, const char *name, uint64_t *id);
/* Copies the hits of a directory for the caller. 0 or an errno. */
int hits_get(struct node *dir, struct hit **hits, uint32_t *n);
void hits_drop(struct node *dir);
void op_readlink(fuse_req_t req, fuse_ino_t ino);

/* ---- coll_info.c: files whose text is made when they are read; .query ---- */

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
