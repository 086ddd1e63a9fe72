// SPDX-License-Identifier: GPL-2.0
/*
 * Looking names up, and listing them. Ids are listed as a walk returns them, one part at
 * a time: they are neither sorted nor kept, however many there are.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coll.h"

#define WALK_IDS	1024

/**
 * struct dir - an open directory
 * @left: of those that are left at the end
 * @names: entries that come before any id, @n of them
 * @hits: of NODE_HITS, @n of them
 * @walk: cursor of the walk
 * @ids: last part of the walk, @have ids, beginning with number @first
 * @ended: it was the last part
 */
struct dir {
	struct leftover left;
	pthread_mutex_t lock;
	struct node *node;
	char **names;
	struct hit *hits;
	size_t n;
	struct vexfs_walk walk;
	uint64_t ids[WALK_IDS];
	uint64_t first;
	uint32_t have;
	bool ended;
};

struct entry {
	const char *name;
	enum node_kind kind;
};

static const struct entry coll_entries[] = {
	{ "by-id", NODE_BY_ID },	{ "near", NODE_NEAR },
	{ "within", NODE_WITHIN },	{ ".info.json", NODE_INFO },
	{ ".schema", NODE_SCHEMA },	{ ".stats.json", NODE_STATS },
	{ ".query", NODE_QUERY },
};

#define COLL_ENTRIES	(sizeof(coll_entries) / sizeof(coll_entries[0]))

bool id_from_name(const char *name, uint64_t *id)
{
	const char *p;

	*id = 0;
	/* One id has one name: no sign, no leading zeroes. */
	if (!isdigit((unsigned char)*name) || (*name == '0' && name[1]))
		return false;
	for (p = name; *p; p++) {
		if (!isdigit((unsigned char)*p) || __builtin_mul_overflow(*id, 10, id) ||
		    __builtin_add_overflow(*id, (uint64_t)(*p - '0'), id))
			return false;
	}
	return true;
}

bool is_scratch_name(const char *name)
{
	return *name == '.';
}

/* How long the kernel may answer other users from its cache with what this caller was told. */
static double memory_of(const struct node *n, const struct stat *st)
{
	if (n->kind == NODE_COLL && opt->allow_other && !(st->st_mode & 0004))
		return 0;
	return n->kind == NODE_MOUNT_JSON ? 0 : opt->timeout;
}

void reply_node(fuse_req_t req, struct node *n)
{
	struct fuse_entry_param e = { .ino = (uintptr_t)n, .generation = 1 };
	int err = node_attr(n, &e.attr);

	if (err) {
		node_forget(n, 1);
		reply_err(req, err);
		return;
	}
	e.attr_timeout = e.entry_timeout = memory_of(n, &e.attr);
	/* A draft may vanish as suddenly as it came. */
	if (n->kind == NODE_ROW && n->draft)
		e.attr_timeout = e.entry_timeout = 0;
	if (fuse_reply_entry(req, &e) == -ENOENT)
		node_forget(n, 1);
}

static void reply_found(fuse_req_t req, struct coll *c, enum node_kind kind, uint64_t id,
			const char *name)
{
	struct node *n = node_lookup(c, kind, id, name);

	if (n)
		reply_node(req, n);
	else
		reply_err(req, ENOMEM);
}

static void lookup_coll(fuse_req_t req, const char *name)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	char plain[VEXFS_NAME_SIZE];
	struct vexfs_stat st;
	struct coll *c;
	size_t len;
	int err;

	if (!strcmp(name, ".mount.json")) {
		reply_found(req, NULL, NODE_MOUNT_JSON, 0, NULL);
		return;
	}
	len = strcspn(name, "@");
	if (len >= sizeof(plain)) {
		reply_err(req, len > 255 ? ENAMETOOLONG : ENOENT);
		return;
	}
	memcpy(plain, name, len);
	plain[len] = 0;
	c = coll_get(plain, &err);
	if (c)
		err = coll_stat(c, false, &st);
	/* mkdir -m 700 NAME@dim=8 changes the mode of the new directory by that name. */
	if (c && !err && name[len] && !make_agrees(name, &st))
		err = ENOENT;
	/* Another user's collection is not visible, unless the caller may use it. */
	if (c && !err && ctx->uid != st.uid && !caller_may(req, &st, 4) && !caller_may(req, &st, 2))
		err = ENOENT;
	if (err)
		reply_err(req, err == EINVAL || err == EACCES ? ENOENT : err);
	else
		reply_found(req, c, NODE_COLL, 0, NULL);
	coll_put(c);
}

static void lookup_in_coll(fuse_req_t req, struct coll *c, const char *name)
{
	size_t i;

	for (i = 0; i < COLL_ENTRIES; i++) {
		if (!strcmp(name, coll_entries[i].name)) {
			reply_found(req, c, coll_entries[i].kind, 0, NULL);
			return;
		}
	}
	if (!strncmp(name, ".query@", 7)) {
		struct asked a = { .k = 10 };
		int err = asked_options(name + 7, &a);

		if (err)
			reply_err(req, err);
		else
			reply_found(req, c, NODE_QUERY, 0, name + 7);
		return;
	}
	reply_err(req, ENOENT);
}

static void lookup_row(fuse_req_t req, struct coll *c, const char *name)
{
	bool scratch = is_scratch_name(name), temp;
	struct node *n;
	uint64_t id = 0;
	int err = 0;

	if (!scratch && !id_from_name(name, &id)) {
		reply_err(req, ENOENT);
		return;
	}
	n = node_find(c, NODE_ROW, id, scratch ? name : NULL);
	if (n) {
		/* A draft exists although the module does not know it. */
		pthread_mutex_lock(&n->lock);
		temp = n->temp;
		/* An open descriptor does not keep a row that another program has deleted. */
		err = !temp && n->draft ? row_stat(c, id, NULL) : 0;
		pthread_mutex_unlock(&n->lock);
		node_unpin(n);
		if (err) {
			reply_err(req, err);
			return;
		}
		if (temp) {
			reply_found(req, c, NODE_ROW, id, scratch ? name : NULL);
			return;
		}
	}
	if (scratch) {
		reply_err(req, ENOENT);
		return;
	}
	reply_found(req, c, NODE_ROW, id, NULL);
}

static void lookup_hits(fuse_req_t req, struct node *dir, const char *name)
{
	struct asked a;
	int err = asked_parse(name, dir->kind == NODE_WITHIN, &a);

	if (!err)
		err = row_stat(dir->coll, a.id, NULL);
	if (err)
		reply_err(req, err);
	else
		reply_found(req, dir->coll, NODE_HITS, dir->kind == NODE_WITHIN, name);
}

static void lookup_link(fuse_req_t req, struct node *dir, const char *name)
{
	uint64_t id;
	int err = hit_check(dir, name, &id);

	if (err)
		reply_err(req, err);
	else
		reply_found(req, dir->coll, NODE_LINK, id, name);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *dir = node_of(parent);

	switch (dir->kind) {
	case NODE_ROOT:
		lookup_coll(req, name);
		break;
	case NODE_COLL:
		lookup_in_coll(req, dir->coll, name);
		break;
	case NODE_BY_ID:
		lookup_row(req, dir->coll, name);
		break;
	case NODE_NEAR:
	case NODE_WITHIN:
		lookup_hits(req, dir, name);
		break;
	case NODE_HITS:
		lookup_link(req, dir, name);
		break;
	default:
		reply_err(req, ENOTDIR);
	}
}

/* ---- listing ---- */

struct listing {
	fuse_req_t req;
	struct dir *d;
	size_t room;
	bool no_memory;
};

static int list_coll(const struct vexfs_stat *st, void *arg)
{
	struct listing *l = arg;
	struct dir *d = l->d;
	char **more;

	if (!caller_may(l->req, st, 4))
		return 0;
	if (d->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		more = realloc(d->names, l->room * sizeof(*more));
		if (!more)
			return 1;
		d->names = more;
	}
	d->names[d->n] = strndup(st->name, sizeof(st->name));
	if (!d->names[d->n])
		return 1;
	d->n++;
	return 0;
}

static int dir_fill(fuse_req_t req, struct dir *d)
{
	struct listing l = { .req = req, .d = d };
	uint32_t n = 0;
	int err;

	switch (d->node->kind) {
	case NODE_ROOT:
		err = vexfs_do_list(opt->device, list_coll, &l, NULL);
		return err > 0 ? ENOMEM : -err;
	case NODE_BY_ID:
		return node_temps(d->node->coll, &d->names, &d->n);
	case NODE_HITS:
		err = hits_get(d->node, &d->hits, &n);
		d->n = n;
		return err;
	case NODE_COLL:
		d->n = COLL_ENTRIES;
		return 0;
	case NODE_NEAR:
	case NODE_WITHIN:
		/*
		 * Attributes of each id would cost one search each for every program that
		 * walks the tree.
		 */
		return 0;
	default:
		return ENOTDIR;
	}
}

static void dir_end(struct leftover *l)
{
	struct dir *d = (struct dir *)l;
	size_t i;

	for (i = 0; d->names && i < d->n; i++)
		free(d->names[i]);
	free(d->names);
	free(d->hits);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void dir_free(struct dir *d)
{
	leftover_remove(&d->left);
	dir_end(&d->left);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct dir *d = calloc(1, sizeof(*d));
	int err;

	if (!d) {
		reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_init(&d->lock, NULL);
	leftover_add(&d->left, dir_end);
	d->node = node_of(ino);
	err = dir_fill(req, d);
	if (err) {
		dir_free(d);
		reply_err(req, err);
		return;
	}
	fi->fh = (uintptr_t)d;
	if (fuse_reply_open(req, fi) == -ENOENT)
		dir_free(d);
}

/* Reads the next part of the walk; 0 or an errno. */
static int walk_on(struct dir *d)
{
	struct vexfs *h;
	int err;

	h = coll_use(d->node->coll, &err);
	if (!h)
		return err;
	d->first += d->have;
	d->walk.count = WALK_IDS;
	d->walk.format = VEXFS_FORMAT_RAW;
	d->walk.ids = (uintptr_t)d->ids;
	err = coll_errno(vexfs_do_walk(h, &d->walk, NULL));
	coll_unuse(d->node->coll);
	d->have = err ? 0 : d->walk.count;
	d->ended = !err && !d->walk.cursor;
	return err;
}

/* Id number @at of the walk; 0, ENODATA at the end, or an errno. */
static int walk_at(struct dir *d, uint64_t at, uint64_t *id)
{
	int err = 0;

	if (at < d->first) {
		/* The position lies before the part that is held: start again. */
		memset(&d->walk, 0, sizeof(d->walk));
		d->first = d->have = 0;
		d->ended = false;
	}
	while (!err && at >= d->first + d->have) {
		if (d->ended)
			return ENODATA;
		err = walk_on(d);
	}
	if (!err)
		*id = d->ids[at - d->first];
	return err;
}

/* Entry number @at after "." and ".."; 0, ENODATA at the end, or an errno. */
static int entry_at(struct dir *d, uint64_t at, char *name, size_t size, struct stat *st)
{
	struct node *n = d->node;
	uint64_t id;
	int err;

	st->st_mode = S_IFREG;
	if (n->kind == NODE_COLL && at < d->n) {
		snprintf(name, size, "%s", coll_entries[at].name);
		st->st_mode = coll_entries[at].kind <= NODE_WITHIN ? S_IFDIR : S_IFREG;
		st->st_ino = node_ino(n->coll, coll_entries[at].kind, 0, NULL);
		return 0;
	}
	if (n->kind == NODE_HITS && at < d->n) {
		hit_name(name, size, (uint32_t)at + 1, &d->hits[at]);
		st->st_mode = S_IFLNK;
		st->st_ino = node_ino(n->coll, NODE_LINK, d->hits[at].id, name);
		return 0;
	}
	if (d->names && at < d->n) {
		snprintf(name, size, "%s", d->names[at]);
		st->st_mode = n->kind == NODE_ROOT ? S_IFDIR : S_IFREG;
		st->st_ino = node_ino(NULL, n->kind, at, name);
		return 0;
	}
	if (n->kind != NODE_BY_ID)
		return ENODATA;
	err = walk_at(d, at - d->n, &id);
	if (err)
		return err;
	snprintf(name, size, "%llu", (unsigned long long)id);
	st->st_ino = node_ino(n->coll, NODE_ROW, id, NULL);
	return 0;
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct dir *d = (struct dir *)(uintptr_t)fi->fh;
	char *buf = malloc(size), name[300];
	size_t used = 0, need;
	int err = 0;

	(void)ino;
	if (!buf) {
		reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_lock(&d->lock);
	for (;; off++) {
		struct stat st = { 0 };

		if (off < 2) {
			snprintf(name, sizeof(name), "%s", off ? ".." : ".");
			st.st_mode = S_IFDIR;
			st.st_ino = FUSE_ROOT_ID;
		} else {
			err = entry_at(d, (uint64_t)off - 2, name, sizeof(name), &st);
			if (err)
				break;
		}
		need = fuse_add_direntry(req, buf + used, size - used, name, &st, off + 1);
		if (need > size - used)
			break;
		used += need;
	}
	pthread_mutex_unlock(&d->lock);
	if (err && err != ENODATA && !used)
		reply_err(req, err);
	else
		fuse_reply_buf(req, buf, used);
	free(buf);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	dir_free((struct dir *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}
