/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An overlay: a directory as it is, and beside its files directories of neighbours. What
 * is near is asked of the index (over_index.c), which follows the files by itself.
 */
#ifndef VEXFS_MOUNT_OVER_H
#define VEXFS_MOUNT_OVER_H

#include <jansson.h>
#include <sys/stat.h>

#include "mount.h"
#include "serve.h"

/* ---- over_index.c: files, their ids and vectors ---- */

struct near {
	float distance;
	char *path;	/* from the directory below */
};

/* Opens the collection, starts the embedders. 0, or -1 after a sentence. */
int index_start(int root);
/* Starts to follow the files. 0, or -1 after a sentence. */
int index_run(void);
void index_stop(void);
/* The files nearest to one, or to words; malloc()ed. 0 or an errno: EAGAIN while unknown. */
int index_near_file(const char *path, unsigned int k, struct near **found, unsigned int *n);
int index_near_words(const char *words, unsigned int k, struct near **found, unsigned int *n);
void near_free(struct near *found, unsigned int n);
json_t *index_json(void);

/* ---- over_state.c: what is remembered of a file from one mount to the next ---- */

/**
 * struct file_state - id and what was embedded
 * @id: of its vector; 0 for none
 * @mtime_ns: time of the last change when it was embedded
 * @size: bytes then
 * @embedder: hash of the embedder's name
 * @failed: it could not be embedded
 */
struct file_state {
	uint64_t id;
	int64_t mtime_ns;
	int64_t size;
	uint64_t embedder;
	bool failed;
};

/* Decides between attributes and a table. 0, or -1 after a sentence. */
int state_start(int root);
void state_stop(void);
void state_read(int fd, const char *path, struct file_state *s);
/* 0 or an errno. */
int state_write(int fd, const char *path, const struct file_state *s);
void state_forget(const char *path);

/* ---- over_watch.c: changes, whoever makes them ---- */

/*
 * Watches the tree at @root; calls @changed for each file there is, and for each name that
 * changes, @all when it may have missed some. Paths are from @root. 0 or -1 after a sentence.
 */
struct watch_calls {
	void (*changed)(const char *path);
	void (*gone)(const char *path);
	void (*scanned)(void);
};

int watch_start(int root, const struct watch_calls *calls);
void watch_stop(void);
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
 * struct over_node - what the kernel knows under a number, which is its address
 * @hash: chain of the table
 * @nlookup: names the kernel was given
 * @kind: what it is
 * @fd: O_PATH descriptor of OVER_REAL
 * @dev: device of the file below
 * @ino: its number there
 * @text: path of the file for OVER_NEAR, words, target of a link
 * @st: attributes of what is not real
 */
struct over_node {
	struct over_node *hash;
	uint64_t nlookup;
	enum over_kind kind;
	int fd;
	dev_t dev;
	ino_t ino;
	char *text;
	struct stat st;
};

extern struct over_node over_root;

struct over_node *over_of(fuse_ino_t ino);
/* Takes over @fd; NULL without memory. */
struct over_node *over_real(int fd, const struct stat *st);
struct over_node *over_virtual(enum over_kind kind, const char *text, const struct stat *st);
void over_forget(struct over_node *n, uint64_t times);
/* The path from the directory below, of what the node stands for. 0 or an errno. */
int over_path(const struct over_node *n, char *buf, size_t size);

/* ---- over_near.c: directories that are not there below ---- */

/* A name that is not there below. */
void near_lookup(fuse_req_t req, struct over_node *dir, const char *name);
void near_opendir(fuse_req_t req, struct over_node *n, struct fuse_file_info *fi);
/* With @plus in the form of readdirplus; links are looked up when somebody asks for them. */
void near_readdir(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off, bool plus);
void near_releasedir(struct fuse_file_info *fi);
void json_open(fuse_req_t req, struct fuse_file_info *fi);
void json_read(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off);
void json_release(struct fuse_file_info *fi);
double over_timeout(const struct over_node *n);

#endif
