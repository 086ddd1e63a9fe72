/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An overlay shows a directory as it is, and beside each file a directory of its
 * neighbours. Neighbours come from the index (over_index.c), which follows changes of
 * files by itself.
 */
#ifndef VEXFS_MOUNT_OVER_H
#define VEXFS_MOUNT_OVER_H

#include <jansson.h>
#include <sys/stat.h>

#include "leftover.h"
#include "mount.h"
#include "serve.h"

/* ---- over_index.c: files, their ids and vectors ---- */

struct near {
	float distance;
	char *path;	/* relative to the directory below */
};

/* Opens the collection, starts the embedders. 0, or -1 after printing why. */
int index_start(int root);
/* Starts to follow the files. 0, or -1 after printing why. */
int index_run(void);
void index_stop(void);
/*
 * The files nearest to a file or to words; malloc()ed. 0 or an errno: EAGAIN while it is
 * not embedded yet.
 */
int index_near_file(const char *path, unsigned int k, struct near **found, unsigned int *n);
int index_near_words(const char *words, unsigned int k, struct near **found, unsigned int *n);
void near_free(struct near *found, unsigned int n);
json_t *index_json(void);
void index_metrics(struct expo *e);

/* ---- over_batch.c: new contents become vectors; called by one thread ---- */

struct embedder;
struct vexfs;

/* 0 or -1. */
int batch_start(struct vexfs *coll, int root, const struct embedder *e);
int batch_run(struct embedder *background);
void batch_stop(void);
/* Looks at a file, which may have to be embedded with others. */
void batch_look(const char *path);
/* Nothing waits for others. */
bool batch_empty(void);
/* Embeds and stores what waits; with @wait until it is stored. */
void batch_flush(bool wait);
void batch_delete(uint64_t id);
json_t *batch_json(void);
void batch_metrics(struct expo *e);

/* ---- over_map.c: the files that have a vector ---- */

struct map_file {
	char *path;	/* malloc()ed; NULL without memory */
	dev_t dev;
	ino_t ino;
};

uint64_t over_hash(const char *s);
/*
 * A path has one id, and an id the names of one file. @round: when the file was opened. *@lost:
 * the path's id before, which no other name has; else 0. 0 or an errno.
 */
int map_set(const char *path, uint64_t id, const struct stat *st, uint64_t round, uint64_t *lost);
/* The id of the path that is removed, unless the file has other names; 0 for none. */
uint64_t map_remove(const char *path);
/* The id of a path; 0 for none. */
uint64_t map_id(const char *path);
bool map_has(uint64_t id);
/* malloc()ed; NULL for none. */
char *map_path(uint64_t id);
/* Whether @id belongs to another file than that of @path and @st, and which. */
bool map_other(uint64_t id, const char *path, const struct stat *st, struct map_file *other);
/* The paths below a directory, malloc()ed, and their number. */
size_t map_below(const char *dir, char ***list);
uint64_t map_count(void);
/* The number of the round, from one walk of the tree to the next. */
uint64_t map_round(void);
uint64_t map_next_round(void);
/*
 * Up to @n paths of files that were opened before @round, and count as opened then now;
 * malloc()ed. @place is 0 at first; 0 are returned at the end.
 */
size_t map_stale(uint64_t round, size_t *place, char **list, size_t n);

/* ---- over_state.c: what is kept about a file between mounts ---- */

/**
 * struct file_state - the id of a file, and the contents that were embedded
 * @id: of its vector; 0 for none
 * @kept_id: the id that is kept with the file already
 * @mtime_ns: time of its last change then
 * @size: its bytes then
 * @embedder: hash of the embedder's name
 * @failed: it could not be embedded
 */
struct file_state {
	uint64_t id;
	uint64_t kept_id;
	int64_t mtime_ns;
	int64_t size;
	uint64_t embedder;
	bool failed;
};

/* Chooses between extended attributes and a table. 0, or -1 after printing why. */
int state_start(int root);
/* Writes the table if that is due, or @now. A killed daemon loses what came after. */
void state_sync(bool now);
void state_stop(void);
void state_read(int fd, const char *path, struct file_state *s);
/* 0 or an errno. */
int state_write(int fd, const char *path, const struct file_state *s);
void state_forget(const char *path);

/* ---- over_watch.c: changes, by any program ---- */

/**
 * struct watch_calls - what the watch says; paths are relative to the root
 * @begun: a walk of the tree begins, the first or because events may have been missed
 * @found: it has found a file
 * @scanned: it has found all of them
 * @changed: a file has changed, at this time
 * @gone: a directory has another name, or was moved away
 */
struct watch_calls {
	void (*begun)(void);
	void (*found)(const char *path);
	void (*scanned)(void);
	void (*changed)(const char *path, uint64_t now);
	void (*gone)(const char *path);
};

/**
 * struct watch_counts - how far the watch is
 * @walking: the tree is being walked
 * @found: files that this walk has found, or the last one
 * @walks: of the whole tree, that have ended
 * @overflows: times that the kernel has dropped events, each of which is followed by a walk
 */
struct watch_counts {
	bool walking;
	uint64_t found, walks, overflows;
};

/* Watches the tree at @root. 0 or -1 after printing why. */
int watch_start(int root, const struct watch_calls *calls);
void watch_stop(void);
/* A file could not be looked at: the tree is walked again, once a minute at most. */
void watch_again(void);
void watch_counts(struct watch_counts *c);
bool watch_skips(const char *name);

/* ---- over_node.c ---- */

enum over_kind {
	OVER_REAL,
	OVER_NEAR,	/* F.near */
	OVER_SEARCH,	/* .search */
	OVER_WORDS,	/* .search/words */
	OVER_LINK,
	OVER_JSON,	/* .mount.json */
};

/**
 * struct over_node - what the kernel knows by a number, which is the node's address
 * @left: of the nodes that are left at the end
 * @hash: chain of the table
 * @nlookup: lookups that the kernel has not forgotten
 * @kind: kind of node
 * @fd: O_PATH descriptor of OVER_REAL
 * @dev: device of the file below
 * @ino: its inode number
 * @backing: the kernel's number for the file while it passes data through itself
 * @passed: descriptors whose data the kernel passes through
 * @plain: descriptors whose data comes through the daemon
 * @text: path of the file for OVER_NEAR, words, or target of a link
 * @st: attributes, unless it is OVER_REAL
 */
struct over_node {
	struct leftover left;
	struct over_node *hash;
	uint64_t nlookup;
	enum over_kind kind;
	int fd;
	dev_t dev;
	ino_t ino;
	int backing;
	unsigned int passed, plain;
	char *text;
	struct stat st;
};

extern struct over_node over_root;

struct over_node *over_of(fuse_ino_t ino);
/* The node of a file that the kernel knows already, looked up once more; else NULL. */
struct over_node *over_known(const struct stat *st);
/* Takes ownership of @fd; NULL without memory. */
struct over_node *over_real(int fd, const struct stat *st);
struct over_node *over_virtual(enum over_kind kind, const char *text, const struct stat *st);
void over_forget(struct over_node *n, uint64_t times);
/* The path of the node's file, relative to the directory below. 0 or an errno. */
int over_path(const struct over_node *n, char *buf, size_t size);

/* The number of an existing node; 0 for none. */
fuse_ino_t over_number(const struct stat *st);
/* Nodes of files. */
size_t over_count(void);
/* The paths of up to @n files, others with each call. */
size_t over_some(char **paths, size_t n);

/* ---- over_data.c: the way of data ---- */

/* Asks the kernel to pass data through itself. */
void data_init(struct fuse_conn_info *conn);
void data_start(struct fuse_session *session);
/* Each descriptor of a file, before the answer to its open. 0 or an errno. */
int data_open(struct over_node *n, int fd, struct fuse_file_info *fi);
/* After its release, or if it was not opened. */
void data_close(struct over_node *n);
json_t *data_json(void);
void data_metrics(struct expo *e);

/* ---- over_trim.c: the kernel forgets files before descriptors run out ---- */

int trim_start(struct fuse_session *session);
void trim_stop(void);
/* There are @nodes now, or SIZE_MAX when a descriptor was refused. */
void trim_want(size_t nodes);
/* Descriptors are left for programs that ask for a file, not for each entry of a list. */
bool trim_late(void);
/* After the answer to a lookup: waits a little for the thread when descriptors are few. */
void trim_pace(void);

/* ---- over_near.c: directories that exist in the overlay only ---- */

/* Looks up a name that does not exist below. */
void near_lookup(fuse_req_t req, struct over_node *dir, const char *name);
void near_opendir(fuse_req_t req, struct over_node *n, struct fuse_file_info *fi);
/* With @plus in the form of readdirplus; links are looked up on demand. */
void near_readdir(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off, bool plus);
void near_releasedir(struct fuse_file_info *fi);
void json_open(fuse_req_t req, struct fuse_file_info *fi);
void json_read(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off);
void json_release(struct fuse_file_info *fi);
double over_timeout(const struct over_node *n);

#endif
