// SPDX-License-Identifier: GPL-2.0
/*
 * Entries that exist in the overlay only: F.near with links to the files nearest to F,
 * .search/WORDS with links to matching files, and .mount.json.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "over.h"

#define SUFFIX		".near"
#define SUFFIX_LEN	(sizeof(SUFFIX) - 1)
#define BASE_MAX	200	/* bytes of the file's name in the name of its link */

/* An open directory of links. */
struct links {
	struct leftover left;
	struct near *found;
	unsigned int n;
	bool root;	/* .search itself is listed as empty */
};

double over_timeout(const struct over_node *n)
{
	return n->kind == OVER_REAL ? opt->timeout : 0;
}

/* Mode of a directory of links: a user who may read the file may read it. */
static void dir_stat(struct stat *st, mode_t readable)
{
	st->st_mode = S_IFDIR | (readable & 0444) | (readable & 0444) >> 2;
	st->st_nlink = 2;
	st->st_size = 0;
	st->st_blocks = 0;
}

/*
 * Gives links only to files that the caller may stat, which the kernel decides with the
 * caller's credentials. Files that the caller may not stat are left out, and so are their
 * ranks.
 */
static void leave_out(fuse_req_t req, struct near *found, unsigned int *n)
{
	unsigned int i, kept = 0;
	struct stat st;
	bool none;

	if (!opt->allow_other)
		return;
	none = caller_begin(req) != 0;
	for (i = 0; i < *n; i++) {
		if (!none && !fstatat(over_root.fd, found[i].path, &st, AT_SYMLINK_NOFOLLOW))
			found[kept++] = found[i];
		else
			free(found[i].path);
	}
	caller_end();
	*n = kept;
}

static int links_of(fuse_req_t req, const struct over_node *n, struct links *l)
{
	int err;

	memset(l, 0, sizeof(*l));
	if (n->kind == OVER_SEARCH) {
		l->root = true;
		return 0;
	}
	err = n->kind == OVER_NEAR ? index_near_file(n->text, opt->k, &l->found, &l->n) :
	      index_near_words(n->text, opt->k, &l->found, &l->n);
	/* A file that is not embedded yet, or cannot be, has no neighbours. */
	if (err == EAGAIN || err == ENOENT)
		err = 0;
	if (!err)
		leave_out(req, l->found, &l->n);
	return err;
}

static void link_name(char *buf, size_t size, unsigned int rank, const struct near *f)
{
	const char *base = strrchr(f->path, '/');

	base = base ? base + 1 : f->path;
	snprintf(buf, size, "%04u-%.4f-%.*s", rank, (double)f->distance, BASE_MAX, base);
}

/* The relative path from the directory of links to the file: up to the root, then down. */
static int link_target(const struct over_node *dir, const char *path, char *buf, size_t size)
{
	const char *p = dir->kind == OVER_NEAR ? dir->text : ".search/words";
	unsigned int depth = 1;
	size_t at = 0;

	for (; *p; p++)
		depth += *p == '/';
	while (depth-- && at + 3 < size) {
		memcpy(buf + at, "../", 3);
		at += 3;
	}
	return (size_t)snprintf(buf + at, size - at, "%s", path) < size - at ? 0 : ENAMETOOLONG;
}

static void reply_virtual(fuse_req_t req, enum over_kind kind, const char *text,
			  const struct stat *st)
{
	struct over_node *n = over_virtual(kind, text, st);
	struct fuse_entry_param e = { .generation = 1 };

	if (!n) {
		reply_err(req, ENOMEM);
		return;
	}
	e.ino = (uintptr_t)n;
	e.attr = n->st;
	if (fuse_reply_entry(req, &e) == -ENOENT)
		over_forget(n, 1);
}

static void lookup_near(fuse_req_t req, struct over_node *dir, const char *name)
{
	char base[NAME_MAX + 1], path[PATH_MAX];
	size_t len = strlen(name);
	struct stat st;
	int err;

	if (len <= SUFFIX_LEN || len > NAME_MAX || strcmp(name + len - SUFFIX_LEN, SUFFIX)) {
		reply_err(req, ENOENT);
		return;
	}
	memcpy(base, name, len - SUFFIX_LEN);
	base[len - SUFFIX_LEN] = 0;
	if (fstatat(dir->fd, base, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) {
		reply_err(req, ENOENT);
		return;
	}
	err = over_path(dir, path, sizeof(path));
	len = strlen(path);
	if (!err && (size_t)snprintf(path + len, sizeof(path) - len, "%s%s", len ? "/" : "", base) >=
		    sizeof(path) - len)
		err = ENAMETOOLONG;
	if (err) {
		reply_err(req, err);
		return;
	}
	dir_stat(&st, st.st_mode);
	reply_virtual(req, OVER_NEAR, path, &st);
}

static void lookup_link(fuse_req_t req, struct over_node *dir, const char *name)
{
	char want[NAME_MAX + 1], target[PATH_MAX];
	unsigned int rank = (unsigned int)strtoul(name, NULL, 10);
	struct stat st = dir->st;
	struct links l;
	int err = links_of(req, dir, &l);

	if (!err && (!rank || rank > l.n))
		err = ENOENT;
	if (!err) {
		link_name(want, sizeof(want), rank, &l.found[rank - 1]);
		err = strcmp(want, name) ? ENOENT :
		      link_target(dir, l.found[rank - 1].path, target, sizeof(target));
	}
	near_free(l.found, l.n);
	if (err) {
		reply_err(req, err);
		return;
	}
	st.st_mode = S_IFLNK | 0777;
	st.st_nlink = 1;
	st.st_size = (off_t)strlen(target);
	reply_virtual(req, OVER_LINK, target, &st);
}

void near_lookup(fuse_req_t req, struct over_node *dir, const char *name)
{
	struct stat st = { 0 };

	switch (dir->kind) {
	case OVER_REAL:
		if (dir != &over_root || (strcmp(name, ".search") && strcmp(name, ".mount.json"))) {
			lookup_near(req, dir, name);
			break;
		}
		if (fstat(over_root.fd, &st)) {
			reply_err(req, errno);
			break;
		}
		dir_stat(&st, 0444);
		if (!strcmp(name, ".mount.json")) {
			st.st_mode = S_IFREG | 0444;
			st.st_nlink = 1;
		}
		reply_virtual(req, st.st_nlink == 2 ? OVER_SEARCH : OVER_JSON, NULL, &st);
		break;
	case OVER_SEARCH:
		reply_virtual(req, OVER_WORDS, name, &dir->st);
		break;
	case OVER_NEAR:
	case OVER_WORDS:
		lookup_link(req, dir, name);
		break;
	default:
		reply_err(req, ENOTDIR);
	}
}

static void links_end(struct leftover *left)
{
	struct links *l = (struct links *)left;

	near_free(l->found, l->n);
	free(l);
}

void near_opendir(fuse_req_t req, struct over_node *n, struct fuse_file_info *fi)
{
	struct links *l = malloc(sizeof(*l));
	int err = l ? links_of(req, n, l) : ENOMEM;

	if (err) {
		free(l);
		reply_err(req, err);
		return;
	}
	leftover_add(&l->left, links_end);
	fi->fh = (uintptr_t)l;
	if (fuse_reply_open(req, fi) == -ENOENT)
		near_releasedir(fi);
}

void near_readdir(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off, bool plus)
{
	const struct links *l = (const struct links *)(uintptr_t)fi->fh;
	char *buf = malloc(size), name[NAME_MAX + 1];
	size_t used = 0, need;

	if (!buf) {
		reply_err(req, ENOMEM);
		return;
	}
	for (; off < (off_t)l->n + 2; off++) {
		struct fuse_entry_param p = {
			.attr = { .st_ino = FUSE_ROOT_ID, .st_mode = S_IFDIR },
		};

		if (off < 2) {
			snprintf(name, sizeof(name), "%s", off ? ".." : ".");
		} else {
			link_name(name, sizeof(name), (unsigned int)off - 1, &l->found[off - 2]);
			p.attr.st_mode = S_IFLNK;
		}
		need = plus ? fuse_add_direntry_plus(req, buf + used, size - used, name, &p, off + 1) :
			      fuse_add_direntry(req, buf + used, size - used, name, &p.attr, off + 1);
		if (need > size - used)
			break;
		used += need;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

void near_releasedir(struct fuse_file_info *fi)
{
	struct links *l = (struct links *)(uintptr_t)fi->fh;

	leftover_remove(&l->left);
	links_end(&l->left);
}

/* ---- .mount.json ---- */

struct json_text {
	struct leftover left;
	char *text;
};

static void json_end(struct leftover *l)
{
	struct json_text *t = (struct json_text *)l;

	free(t->text);
	free(t);
}

void json_open(fuse_req_t req, struct fuse_file_info *fi)
{
	struct json_text *t = calloc(1, sizeof(*t));
	json_t *o = t ? serve_json() : NULL;

	if (o) {
		json_object_set_new(o, "index", index_json());
		json_object_set_new(o, "data", data_json());
	}
	if (o)
		t->text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	if (!t || !t->text) {
		free(t);
		reply_err(req, ENOMEM);
		return;
	}
	leftover_add(&t->left, json_end);
	fi->fh = (uintptr_t)t;
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi) == -ENOENT)
		json_release(fi);
}

void json_read(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t off)
{
	const char *text = ((const struct json_text *)(uintptr_t)fi->fh)->text;
	size_t len = strlen(text);

	if (off < 0 || (size_t)off >= len)
		size = 0;
	else if (size > len - (size_t)off)
		size = len - (size_t)off;
	fuse_reply_buf(req, size ? text + off : NULL, size);
}

void json_release(struct fuse_file_info *fi)
{
	struct json_text *t = (struct json_text *)(uintptr_t)fi->fh;

	leftover_remove(&t->left);
	json_end(&t->left);
}
