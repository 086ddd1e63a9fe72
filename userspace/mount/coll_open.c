// SPDX-License-Identifier: GPL-2.0
/*
 * The collections that this mount uses. They are opened by name and known by serial
 * number, so that a collection that was dropped and created again counts as another one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coll.h"

#define IDLE_NS		2000000000ull

static struct coll *colls;
static pthread_mutex_t coll_lock = PTHREAD_MUTEX_INITIALIZER;

int coll_errno(int err)
{
	if (err < 0)
		err = -err;
	/* The error that a program expects of a file whose collection was dropped. */
	return err == ENOTCONN ? EIO : err;
}

/* Opened with the daemon's own rights; the kernel checks those of the callers. */
static struct vexfs *open_any(const char *name, int *err)
{
	static const unsigned int modes[] = {
		VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, VEXFS_ATTACH_READ, VEXFS_ATTACH_WRITE,
	};
	struct vexfs *h;
	size_t i;

	for (i = 0; i < 3; i++) {
		*err = -vexfs_open(opt->device, name, modes[i], &h, NULL);
		if (!*err)
			return h;
		if (*err != EACCES)
			break;
	}
	return NULL;
}

static struct coll *find(const char *name)
{
	struct coll *c;

	for (c = colls; c; c = c->next)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void learn_layout(struct coll *c, const struct vexfs *h)
{
	const struct vexfs_field *f;

	if (vexfs_layout_parse(vexfs_layout_text(h), &c->layout, NULL))
		c->layout.count = 0;
	if (c->layout.size > c->st.attr_size)
		c->layout.count = 0;
	f = vexfs_layout_find(&c->layout, "mtime");
	c->mtime = f && (f->type == VEXFS_FIELD_U64 || f->type == VEXFS_FIELD_U32 ||
			 f->type == VEXFS_FIELD_I64) ? f : NULL;
}

static void coll_end(struct leftover *l)
{
	struct coll *c = (struct coll *)l;

	if (c->h)
		vexfs_close(c->h);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->change);
	free(c);
}

/* A collection that was not known; takes ownership of @h. */
static struct coll *adopt(struct vexfs *h, int *err)
{
	struct coll *c = calloc(1, sizeof(*c));

	*err = ENOMEM;
	if (c) {
		c->st.size = sizeof(c->st);
		*err = -vexfs_do_stat(h, &c->st, NULL);
	}
	if (!c || *err) {
		free(c);
		vexfs_close(h);
		return NULL;
	}
	memcpy(c->name, c->st.name, sizeof(c->name));
	c->name[sizeof(c->name) - 1] = 0;
	c->serial = c->st.serial;
	c->st_at = now_ns();
	c->h = h;
	c->idle_since = c->st_at;
	c->changed.tv_sec = c->st.created;
	if (c->st.seq)
		clock_gettime(CLOCK_REALTIME, &c->changed);
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->change, NULL);
	learn_layout(c, h);
	leftover_add(&c->left, coll_end);
	return c;
}

/* Removes a dropped collection from the list; nodes may still refer to it. */
static void delist(struct coll *c)
{
	struct coll **p;

	for (p = &colls; *p && *p != c; p = &(*p)->next)
		;
	if (*p)
		*p = c->next;
	c->next = NULL;
}

static void coll_free(struct coll *c)
{
	leftover_remove(&c->left);
	coll_end(&c->left);
}

void coll_hold(struct coll *c)
{
	pthread_mutex_lock(&coll_lock);
	c->refs++;
	pthread_mutex_unlock(&coll_lock);
}

void coll_put(struct coll *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&coll_lock);
	/* The last node is gone: frees the entry and its handle. */
	if (!--c->refs) {
		delist(c);
		coll_free(c);
	}
	pthread_mutex_unlock(&coll_lock);
}

struct coll *coll_get(const char *name, int *err)
{
	struct vexfs_stat st;
	struct coll *c, *other;
	struct vexfs *h;

	pthread_mutex_lock(&coll_lock);
	c = find(name);
	if (c)
		c->refs++;
	pthread_mutex_unlock(&coll_lock);
	if (c) {
		*err = coll_stat(c, false, &st);
		if (!*err)
			return c;
		pthread_mutex_lock(&coll_lock);
		delist(c);
		pthread_mutex_unlock(&coll_lock);
		coll_put(c);
	}
	h = open_any(name, err);
	if (!h)
		return NULL;
	c = adopt(h, err);
	if (!c)
		return NULL;
	pthread_mutex_lock(&coll_lock);
	other = find(name);
	if (other && other->serial == c->serial) {
		/* Two threads opened it at the same time. */
		coll_free(c);
		c = other;
	} else {
		if (other)
			delist(other);
		c->next = colls;
		colls = c;
	}
	c->refs++;
	pthread_mutex_unlock(&coll_lock);
	return c;
}

/* Opens it again, under its lock; another collection of that name does not count. */
static int reopen(struct coll *c)
{
	struct vexfs_stat st = { .size = sizeof(st) };
	struct vexfs *h;
	int err;

	h = open_any(c->name, &err);
	if (!h)
		return err;
	err = -vexfs_do_stat(h, &st, NULL);
	if (!err && (st.serial != c->serial || (st.flags & VEXFS_STAT_DROPPED)))
		err = ENOENT;
	if (err) {
		vexfs_close(h);
		return err;
	}
	c->h = h;
	return 0;
}

struct vexfs *coll_use(struct coll *c, int *err)
{
	struct vexfs *h;

	*err = 0;
	pthread_mutex_lock(&c->lock);
	if (!c->h)
		*err = reopen(c);
	h = *err ? NULL : c->h;
	if (h)
		c->users++;
	pthread_mutex_unlock(&c->lock);
	return h;
}

void coll_unuse(struct coll *c)
{
	pthread_mutex_lock(&c->lock);
	if (!--c->users)
		c->idle_since = now_ns();
	pthread_mutex_unlock(&c->lock);
}

int coll_stat(struct coll *c, bool fresh, struct vexfs_stat *st)
{
	uint64_t now = now_ns();
	int err = 0;

	pthread_mutex_lock(&c->lock);
	if (fresh || !c->st_at || (double)(now - c->st_at) > opt->timeout * 1e9) {
		struct vexfs_stat new = { .size = sizeof(new) };

		err = c->h ? 0 : reopen(c);
		if (!err)
			err = -vexfs_do_stat(c->h, &new, NULL);
		if (!err && (new.flags & VEXFS_STAT_DROPPED))
			err = ENOENT;
		if (!err) {
			if (new.seq != c->st.seq)
				clock_gettime(CLOCK_REALTIME, &c->changed);
			c->st = new;
			c->st_at = now;
		} else {
			c->st_at = 0;
		}
		if (c->h && !c->users)
			c->idle_since = now;
	}
	*st = c->st;
	pthread_mutex_unlock(&c->lock);
	return err;
}

void coll_touched(struct coll *c)
{
	pthread_mutex_lock(&c->lock);
	clock_gettime(CLOCK_REALTIME, &c->changed);
	c->st_at = 0;
	pthread_mutex_unlock(&c->lock);
}

void coll_sweep(void)
{
	uint64_t now = now_ns();
	struct coll *c;

	pthread_mutex_lock(&coll_lock);
	for (c = colls; c; c = c->next) {
		pthread_mutex_lock(&c->lock);
		if (c->h && !c->users && now - c->idle_since > IDLE_NS) {
			vexfs_close(c->h);
			c->h = NULL;
		}
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&coll_lock);
}
