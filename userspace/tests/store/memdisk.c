// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memdisk.h"

#define SECTOR	512u

enum event_type { EV_CREATE, EV_WRITE, EV_TRUNCATE, EV_RENAME, EV_UNLINK, EV_SYNC, EV_SYNCDIR,
		  EV_SYNC_FAILED };

struct event {
	enum event_type type;
	size_t inode;
	uint64_t off;
	size_t len;
	uint8_t *data;
	char name[48];
	char to[48];
};

struct bytes {
	uint8_t *data;
	size_t len;
	size_t room;
};

struct entry {
	char name[48];
	size_t inode;
};

struct dir {
	struct entry *at;
	size_t n;
};

struct memdisk {
	struct store_io io;
	struct bytes *inodes;
	size_t ninodes;
	struct dir dir;
	struct event *events;
	size_t nevents;
	size_t room;
	uint64_t seed;
	struct memfault fault;
	uint64_t calls;
	bool faulted;
	uint64_t limit;
	/* what there was before the first event */
	struct bytes *first;
	size_t nfirst;
	struct dir first_dir;
};

struct store_file {
	size_t inode;
};

uint64_t mem_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "no memory\n");
		abort();
	}
	return p;
}

static struct memdisk *disk(struct store_io *io)
{
	return (struct memdisk *)io;
}

static void bytes_resize(struct bytes *b, size_t len)
{
	if (len > b->room) {
		b->room = len * 2;
		b->data = must(realloc(b->data, b->room));
	}
	if (len > b->len)
		memset(b->data + b->len, 0, len - b->len);
	b->len = len;
}

static void bytes_write(struct bytes *b, const void *data, size_t len, uint64_t off)
{
	if (off + len > b->len)
		bytes_resize(b, (size_t)off + len);
	if (len)
		memcpy(b->data + off, data, len);
}

static struct bytes bytes_copy(const struct bytes *b)
{
	struct bytes c = { 0 };

	bytes_resize(&c, b->len);
	if (b->len)
		memcpy(c.data, b->data, b->len);
	return c;
}

static struct entry *dir_find(struct dir *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->at[i].name, name))
			return &d->at[i];
	return NULL;
}

static void dir_set(struct dir *d, const char *name, size_t inode)
{
	struct entry *e = dir_find(d, name);

	if (!e) {
		d->at = must(realloc(d->at, (d->n + 1) * sizeof(*d->at)));
		e = &d->at[d->n++];
		snprintf(e->name, sizeof(e->name), "%s", name);
	}
	e->inode = inode;
}

static bool dir_remove(struct dir *d, const char *name)
{
	struct entry *e = dir_find(d, name);

	if (!e)
		return false;
	*e = d->at[--d->n];
	return true;
}

static struct dir dir_copy(const struct dir *d)
{
	struct dir c = { NULL, d->n };

	if (d->n) {
		c.at = must(calloc(d->n, sizeof(*c.at)));
		memcpy(c.at, d->at, d->n * sizeof(*c.at));
	}
	return c;
}

static size_t inode_new(struct memdisk *d)
{
	d->inodes = must(realloc(d->inodes, (d->ninodes + 1) * sizeof(*d->inodes)));
	d->inodes[d->ninodes] = (struct bytes) { 0 };
	return d->ninodes++;
}

static struct event *event(struct memdisk *d, enum event_type type, size_t inode)
{
	struct event *e;

	if (d->nevents == d->room) {
		d->room = d->room ? d->room * 2 : 64;
		d->events = must(realloc(d->events, d->room * sizeof(*d->events)));
	}
	e = &d->events[d->nevents++];
	memset(e, 0, sizeof(*e));
	e->type = type;
	e->inode = inode;
	return e;
}

/* 0, the planted error of this call, or 1 for half a write. */
static int fault(struct memdisk *d, bool is_write)
{
	struct memfault *f = &d->fault;

	d->calls++;
	if (!f->at || d->calls < f->at || d->calls >= f->at + f->calls)
		return 0;
	d->faulted = true;
	if (f->half && is_write && d->calls == f->at) {
		f->calls++;
		return 1;
	}
	return -f->code;
}

static int m_open(struct store_io *io, const char *name, enum store_open how,
		  struct store_file **f)
{
	struct memdisk *d = disk(io);
	struct entry *e = dir_find(&d->dir, name);
	size_t inode;
	int err;

	if (how == STORE_CREATE) {
		err = fault(d, false);
		if (err)
			return err;
		inode = inode_new(d);
		dir_set(&d->dir, name, inode);
		snprintf(event(d, EV_CREATE, inode)->name, 48, "%s", name);
	} else if (e) {
		inode = e->inode;
	} else {
		return -ENOENT;
	}
	*f = must(malloc(sizeof(**f)));
	(*f)->inode = inode;
	return 0;
}

static void m_close(struct store_io *io, struct store_file *f)
{
	(void)io;
	free(f);
}

static ssize_t m_read(struct store_io *io, struct store_file *f, void *buf, size_t len,
		      uint64_t off)
{
	struct bytes *b = &disk(io)->inodes[f->inode];

	if (off >= b->len)
		return 0;
	if (len > b->len - off)
		len = b->len - (size_t)off;
	memcpy(buf, b->data + off, len);
	return (ssize_t)len;
}

static uint64_t in_use(struct memdisk *d)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < d->dir.n; i++)
		sum += d->inodes[d->dir.at[i].inode].len;
	return sum;
}

static ssize_t m_write(struct store_io *io, struct store_file *f, const void *buf, size_t len,
		       uint64_t off)
{
	struct memdisk *d = disk(io);
	int err = fault(d, true);
	struct event *e;

	if (err < 0)
		return err;
	if (err == 1 && len > 1)
		len /= 2;
	if (d->limit && in_use(d) + len > d->limit) {
		d->faulted = true;
		return -ENOSPC;
	}
	e = event(d, EV_WRITE, f->inode);
	e->off = off;
	e->len = len;
	e->data = must(malloc(len));
	memcpy(e->data, buf, len);
	bytes_write(&d->inodes[f->inode], buf, len, off);
	return (ssize_t)len;
}

static int64_t m_size(struct store_io *io, struct store_file *f)
{
	return (int64_t)disk(io)->inodes[f->inode].len;
}

static int m_truncate(struct store_io *io, struct store_file *f, uint64_t size)
{
	struct memdisk *d = disk(io);
	int err = fault(d, false);

	if (err)
		return err;
	event(d, EV_TRUNCATE, f->inode)->off = size;
	bytes_resize(&d->inodes[f->inode], (size_t)size);
	return 0;
}

static int m_allocate(struct store_io *io, struct store_file *f, uint64_t off, uint64_t len)
{
	(void)f;
	(void)off;
	(void)len;
	return fault(disk(io), false);
}

static int m_datasync(struct store_io *io, struct store_file *f)
{
	int err = fault(disk(io), false);

	event(disk(io), err ? EV_SYNC_FAILED : EV_SYNC, f->inode);
	return err;
}

static int m_rename(struct store_io *io, const char *from, const char *to)
{
	struct memdisk *d = disk(io);
	struct entry *e = dir_find(&d->dir, from);
	struct event *ev;
	int err = fault(d, false);
	size_t inode;

	if (err)
		return err;
	if (!e)
		return -ENOENT;
	inode = e->inode;
	ev = event(d, EV_RENAME, inode);
	snprintf(ev->name, sizeof(ev->name), "%s", from);
	snprintf(ev->to, sizeof(ev->to), "%s", to);
	dir_remove(&d->dir, from);
	dir_set(&d->dir, to, inode);
	return 0;
}

static int m_unlink(struct store_io *io, const char *name)
{
	struct memdisk *d = disk(io);
	int err = fault(d, false);

	if (err)
		return err;
	if (!dir_remove(&d->dir, name))
		return -ENOENT;
	snprintf(event(d, EV_UNLINK, 0)->name, 48, "%s", name);
	return 0;
}

static int m_syncdir(struct store_io *io)
{
	int err = fault(disk(io), false);

	if (!err)
		event(disk(io), EV_SYNCDIR, 0);
	return err;
}

static int m_list(struct store_io *io, int (*fn)(void *arg, const char *name), void *arg)
{
	struct memdisk *d = disk(io);
	int ret = 0;

	for (size_t i = 0; !ret && i < d->dir.n; i++)
		ret = fn(arg, d->dir.at[i].name);
	return ret;
}

static int m_random(struct store_io *io, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len--)
		*to++ = (uint8_t)mem_random(&disk(io)->seed);
	return 0;
}

static const struct store_io_ops mem_ops = {
	.open = m_open, .close = m_close, .read = m_read, .write = m_write, .size = m_size,
	.truncate = m_truncate, .allocate = m_allocate, .datasync = m_datasync,
	.rename = m_rename, .unlink = m_unlink, .syncdir = m_syncdir, .list = m_list,
	.random = m_random,
};

struct memdisk *memdisk_new(uint64_t seed)
{
	struct memdisk *d = must(calloc(1, sizeof(*d)));

	d->io.ops = &mem_ops;
	d->seed = seed;
	return d;
}

void memdisk_free(struct memdisk *d)
{
	for (size_t i = 0; i < d->ninodes; i++)
		free(d->inodes[i].data);
	for (size_t i = 0; i < d->nfirst; i++)
		free(d->first[i].data);
	for (size_t i = 0; i < d->nevents; i++)
		free(d->events[i].data);
	free(d->inodes);
	free(d->first);
	free(d->events);
	free(d->dir.at);
	free(d->first_dir.at);
	free(d);
}

struct store_io *memdisk_io(struct memdisk *d)
{
	return &d->io;
}

size_t memdisk_events(const struct memdisk *d)
{
	return d->nevents;
}

bool memdisk_is_flush(const struct memdisk *d, size_t i)
{
	return d->events[i].type == EV_SYNC || d->events[i].type == EV_SYNCDIR;
}

void memdisk_fault(struct memdisk *d, const struct memfault *f)
{
	d->fault = f ? *f : (struct memfault) { 0 };
	if (f && !f->calls)
		d->fault.calls = 1;
	d->calls = 0;
	d->faulted = false;
}

bool memdisk_faulted(const struct memdisk *d)
{
	return d->faulted;
}

void memdisk_limit(struct memdisk *d, uint64_t bytes)
{
	d->limit = bytes;
}

/* ---- cutting ---- */

/* True when an unflushed change survives the cut. */
static bool there(enum cut how, uint64_t *seed)
{
	return how == CUT_PRESENT || (how == CUT_TORN && (mem_random(seed) & 1));
}

static void apply_file(struct bytes *b, const struct event *e, enum cut how, uint64_t *seed)
{
	if (e->type == EV_TRUNCATE) {
		if (there(how, seed))
			bytes_resize(b, (size_t)e->off);
		return;
	}
	if (how != CUT_TORN) {
		if (how == CUT_PRESENT)
			bytes_write(b, e->data, e->len, e->off);
		return;
	}
	/* The new size may survive without the bytes. */
	if ((mem_random(seed) & 3) == 0 && e->off + e->len > b->len)
		bytes_resize(b, (size_t)e->off + e->len);
	for (size_t done = 0; done < e->len;) {
		uint64_t at = e->off + done;
		size_t n = SECTOR - (size_t)(at % SECTOR);

		if (n > e->len - done)
			n = e->len - done;
		if (mem_random(seed) & 1)
			bytes_write(b, e->data + done, n, at);
		done += n;
	}
}

static void apply_dir(struct dir *d, const struct event *e, enum cut how, uint64_t *seed)
{
	struct entry *from;

	if (!there(how, seed))
		return;
	if (e->type == EV_CREATE) {
		dir_set(d, e->name, e->inode);
	} else if (e->type == EV_UNLINK) {
		dir_remove(d, e->name);
	} else {
		from = dir_find(d, e->name);
		if (!from || from->inode != e->inode)
			return;
		dir_remove(d, e->name);
		dir_set(d, e->to, e->inode);
	}
}

static bool is_dir_event(const struct event *e)
{
	return e->type == EV_CREATE || e->type == EV_RENAME || e->type == EV_UNLINK;
}

/*
 * Which event makes each change stable: for a write the next flush of its file, and none when
 * that flush failed; for a name the next flush of the directory.
 */
static bool *stable_events(const struct memdisk *d, size_t upto)
{
	bool *stable = must(calloc(upto + 1, sizeof(*stable)));

	for (size_t i = 0; i < upto; i++) {
		const struct event *e = &d->events[i];

		for (size_t k = i + 1; k < upto && !stable[i]; k++) {
			const struct event *s = &d->events[k];

			if (is_dir_event(e)) {
				stable[i] = s->type == EV_SYNCDIR;
			} else if (s->inode == e->inode) {
				if (s->type == EV_SYNC_FAILED)
					break;
				stable[i] = s->type == EV_SYNC;
			}
		}
	}
	return stable;
}

struct memdisk *memdisk_cut(const struct memdisk *d, size_t upto, enum cut how, uint64_t seed)
{
	struct memdisk *c = memdisk_new(seed ^ 0x5eed);
	bool *stable = stable_events(d, upto);

	c->ninodes = d->ninodes;
	c->inodes = must(calloc(d->ninodes + 1, sizeof(*c->inodes)));
	for (size_t i = 0; i < d->nfirst; i++)
		c->inodes[i] = bytes_copy(&d->first[i]);
	c->dir = dir_copy(&d->first_dir);
	for (size_t i = 0; i < upto; i++) {
		const struct event *e = &d->events[i];
		enum cut now = stable[i] ? CUT_PRESENT : how;

		if (is_dir_event(e))
			apply_dir(&c->dir, e, now, &seed);
		else if (e->type == EV_WRITE || e->type == EV_TRUNCATE)
			apply_file(&c->inodes[e->inode], e, now, &seed);
	}
	free(stable);
	/* Later events are recorded on top of this state. */
	c->nfirst = c->ninodes;
	c->first = must(calloc(c->nfirst + 1, sizeof(*c->first)));
	for (size_t i = 0; i < c->nfirst; i++)
		c->first[i] = bytes_copy(&c->inodes[i]);
	c->first_dir = dir_copy(&c->dir);
	return c;
}

uint8_t *memdisk_file(struct memdisk *d, size_t i, const char **name, size_t *len)
{
	struct bytes *b;

	if (i >= d->dir.n)
		return NULL;
	b = &d->inodes[d->dir.at[i].inode];
	*name = d->dir.at[i].name;
	*len = b->len;
	return b->data;
}

int memdisk_put(struct memdisk *d, const char *name, const void *data, size_t len)
{
	size_t inode = inode_new(d);

	bytes_write(&d->inodes[inode], data, len, 0);
	dir_set(&d->dir, name, inode);
	return 0;
}
