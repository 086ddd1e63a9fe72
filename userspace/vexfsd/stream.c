// SPDX-License-Identifier: GPL-2.0
/*
 * The thread of one collection. It reads changes from the kernel, writes them to the
 * store, and acknowledges what is on the disk. All changes that arrive during one flush
 * share the next one.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "vexfsd.h"

/**
 * struct stream - one attachment to a collection
 * @k: the collection
 * @b: buffers, while they hold changes
 * @meta: settings as of the last change of settings
 * @entries: size of the kernel's ring
 * @read: last change that was read
 * @open_since: arrival of the oldest change that is not on the disk; 0: there is none
 * @dropped: the collection was dropped
 * @gone: the kernel does not have it any more
 */
struct stream {
	struct coll *k;
	struct batch *b;
	struct store_meta meta;
	uint32_t entries;
	uint64_t read;
	uint64_t acked;
	uint64_t open_since;
	bool dropped;
	bool gone;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

static int ack(struct stream *s, uint64_t seq, int error)
{
	struct vexfs_ack a = { .error = (uint32_t)error, .seq = seq };
	int ret = KERNEL(s->k->fd, VEXFS_IOC_ACK, &a);

	if (!ret)
		s->acked = seq;
	return ret;
}

/* One request may end early: while the machine goes to sleep the kernel interrupts all. */
static int rows(struct stream *s, const struct vexfs_change *ch, uint32_t n)
{
	struct batch *b = s->b;
	uint32_t attr = s->meta.attr_size;
	int ret = 0;

	for (uint32_t at = 0; !ret && at < n;) {
		struct vexfs_rows r = {
			.format = VEXFS_FORMAT_RAW, .count = n - at, .changes = (uintptr_t)(ch + at),
			.vectors = (uintptr_t)(b->vectors + (size_t)at * s->meta.row_bytes),
			.attrs = attr ? (uintptr_t)(b->attrs + (size_t)at * attr) : 0,
			.errors = (uintptr_t)(b->errors + at),
		};

		ret = KERNEL(s->k->fd, VEXFS_IOC_ROWS, &r);
		if (!ret && !r.tried)
			ret = -EIO;
		at += r.tried;
	}
	return ret;
}

/* Reads the rows of @n changes, packed together; -EIO when a row no longer exists. */
static int fetch(struct stream *s, const struct vexfs_change *ch, uint32_t n, uint32_t *puts)
{
	struct batch *b = s->b;
	uint32_t row = s->meta.row_bytes, attr = s->meta.attr_size;
	int ret = rows(s, ch, n);

	*puts = 0;
	if (ret)
		return ret;
	for (uint32_t i = 0; i < n; i++) {
		b->ids[i] = ch[i].id;
		b->ops[i] = ch[i].op == VEXFS_CHANGE_INSERT ? STORE_INSERT :
			    ch[i].op == VEXFS_CHANGE_UPDATE ? STORE_UPDATE : STORE_DELETE;
		if (b->ops[i] == STORE_DELETE)
			continue;
		if (b->errors[i])
			return b->errors[i] == -ESTALE ? -EIO : b->errors[i];
		if (*puts != i) {
			memmove(b->vectors + (size_t)*puts * row, b->vectors + (size_t)i * row, row);
			memmove(b->attrs + (size_t)*puts * attr, b->attrs + (size_t)i * attr, attr);
		}
		++*puts;
	}
	return 0;
}

static int append(struct stream *s, const struct vexfs_change *ch, uint32_t n,
		  struct store_error *err)
{
	struct store_rows r = {
		.first_seq = ch->seq, .count = n, .ids = s->b->ids, .ops = s->b->ops,
		.attrs = s->b->attrs, .vectors = s->b->vectors,
	};
	bool rows = false;
	int ret = 0;

	for (uint32_t i = 0; i < n && !rows; i++)
		rows = ch[i].op != VEXFS_CHANGE_DELETE;
	if (rows) {
		ret = quota_check(s->k, &s->meta, err);
		if (ret)
			return ret;
		ret = fetch(s, ch, n, &r.puts);
		if (ret)
			return store_fail(err, ret, "the rows of change %" PRIu64 " and on: %s",
					  (uint64_t)ch->seq, strerror(-ret));
	} else {
		for (uint32_t i = 0; i < n; i++) {
			s->b->ids[i] = ch[i].id;
			s->b->ops[i] = STORE_DELETE;
		}
	}
	return store_append(s->k->c, &r, err);
}

static int settings(struct stream *s, uint64_t seq, struct store_error *err)
{
	struct vexfs_stat st;
	int ret = kernel_meta(s->k->fd, &s->meta, &st);

	if (ret)
		return store_fail(err, ret, "the settings cannot be read: %s", strerror(-ret));
	if (st.durability == VEXFS_DURABILITY_NONE)
		s->dropped = true;
	return store_append_meta(s->k->c, seq, &s->meta, err);
}

static bool is_vector(const struct vexfs_change *ch)
{
	return ch->op >= VEXFS_CHANGE_INSERT && ch->op <= VEXFS_CHANGE_DELETE;
}

static int feed(struct stream *s, uint32_t n, struct store_error *err)
{
	const struct vexfs_change *ch = s->b->changes;
	uint32_t most = BATCH_BYTES / s->meta.row_bytes, run;
	int ret = 0;

	if (!most)
		most = 1;
	for (uint32_t i = 0; !ret && i < n && !s->dropped; i += run) {
		run = 1;
		if (is_vector(&ch[i])) {
			while (i + run < n && run < most && is_vector(&ch[i + run]))
				run++;
			ret = append(s, &ch[i], run, err);
		} else if (ch[i].op == VEXFS_CHANGE_DROP) {
			s->dropped = true;
		} else if (ch[i].op == VEXFS_CHANGE_LOST) {
			ret = store_fail(err, EPROTO, "the kernel lost the position of its storage");
		} else {
			ret = settings(s, ch[i].seq, err);
		}
		s->read = ch[i + run - 1].seq;
	}
	return ret;
}

static int commit(struct stream *s, struct store_error *err)
{
	struct coll *k = s->k;
	uint64_t begin = now_ns(), before = store_durable_seq(k->c);
	int ret = k->snapshot ? store_snapshot_done(k->c, err) : store_commit(k->c, err);

	if (ret)
		return ret;
	metrics_flushed(k->d, now_ns() - begin);
	k->d->counters.changes += store_durable_seq(k->c) - before;
	quota_note(k);
	k->snapshot = false;
	s->open_since = 0;
	ret = ack(s, store_durable_seq(s->k->c), 0);
	return ret ? store_fail(err, ret, "the kernel refuses the acknowledgement: %s",
				strerror(-ret)) : 0;
}

/* How many milliseconds a commit may still be delayed; 0: commit now. */
static int patience(const struct stream *s)
{
	uint64_t half = s->meta.window_ms / 2, age;

	if (s->meta.durability != VEXFS_DURABILITY_ASYNC)
		return 0;
	age = now_ms() - s->open_since;
	return age >= half ? 0 : (int)(half - age);
}

/* Returns 1 when there are more changes, 0 when there are none, or -errno. */
static int read_some(struct stream *s, struct store_error *err)
{
	ssize_t n;

	if (!s->b) {
		s->b = batch_take(s->k->d);
		if (!s->b)
			return 0;
	}
	n = read(s->k->fd, s->b->changes, BATCH_CHANGES * sizeof(*s->b->changes));
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return store_fail(err, errno, "the changes cannot be read: %s", strerror(errno));
	if (!n) {
		s->dropped = true;
		return 0;
	}
	n /= (ssize_t)sizeof(*s->b->changes);
	if (!s->open_since)
		s->open_since = now_ms();
	return feed(s, (uint32_t)n, err) ? -(err->code ? err->code : EIO) : 1;
}

/* Runs until all changes are on the disk, the collection is dropped, or an error occurs. */
static int drain(struct stream *s, struct store_error *err)
{
	int ret;

	for (;;) {
		ret = read_some(s, err);
		if (ret < 0 || s->dropped)
			return ret < 0 ? ret : 0;
		/* Space in the ring for writers, before they have to wait for it. */
		if (s->read - s->acked >= s->entries / 2 || (!ret && s->open_since && !patience(s))) {
			ret = commit(s, err);
			if (ret)
				return ret;
			continue;
		}
		if (!ret)
			return 0;
	}
}

static int carry(struct stream *s, struct store_error *err)
{
	struct pollfd p[] = {
		{ .fd = s->k->fd, .events = POLLIN }, { .fd = s->k->stop, .events = POLLIN },
	};
	int ret = 0;

	while (!ret && !s->dropped && !coll_stopping(s->k)) {
		int wait = s->open_since ? patience(s) : -1;

		if (!s->open_since) {
			batch_give(s->k->d, s->b);
			s->b = NULL;
		}
		if (poll(p, 2, wait) < 0 && errno != EINTR)
			return store_fail(err, errno, "poll: %s", strerror(errno));
		ret = drain(s, err);
	}
	/*
	 * Changes that the kernel has handed over are not delivered again, so they are
	 * stored too.
	 */
	if (!ret && !s->dropped && s->open_since)
		ret = commit(s, err);
	return ret;
}

/* The collection was dropped, or is no longer durable, so it is removed from the store. */
static int forget(struct stream *s, struct store_error *err)
{
	struct coll *k = s->k;
	char name[STORE_NAME_SIZE] = "";
	int ret;

	pthread_mutex_lock(&k->lock);
	if (k->c)
		memcpy(name, store_coll_meta(k->c)->name, sizeof(name));
	ret = k->c ? store_coll_drop(k->c, err) : 0;
	if (!ret) {
		k->c = NULL;
		pthread_mutex_lock(&k->d->lock);
		k->key = k->serial = 0;
		pthread_mutex_unlock(&k->d->lock);
	}
	pthread_mutex_unlock(&k->lock);
	if (ret)
		return ret;
	say(LOG_INFO, "'%s' is no longer durable: its files were removed", name);
	run_write(k->d);
	/* There may be no thread left to report this to. */
	ack(s, s->read, 0);
	return 0;
}

/*
 * Attaches to the stream, behind the last change in the store. A new collection is stored
 * completely.
 */
static int attach(struct stream *s, struct store_error *err)
{
	struct coll *k = s->k;
	struct vexfs_stream_req req = { .flags = VEXFS_STREAM_STORAGE };
	struct vexfs_stat st;
	int ret;

	k->fd = kernel_attach(k->d->opts.device, k->serial, VEXFS_ATTACH_READ);
	s->gone = k->fd == -ENOENT;
	if (k->fd < 0)
		return store_fail(err, k->fd, "cannot attach to it: %s", strerror(-k->fd));
	ret = kernel_meta(k->fd, &s->meta, &st);
	/* its owner did not wait for a storage that failed */
	if (!ret && st.durability == VEXFS_DURABILITY_NONE) {
		s->dropped = true;
		return 0;
	}
	if (!ret && k->c) {
		req.flags |= VEXFS_STREAM_FROM;
		req.from = store_durable_seq(k->c);
	} else if (!ret && !(st.flags & VEXFS_STAT_STORED)) {
		req.flags |= VEXFS_STREAM_FROM;
	}
	if (!ret)
		ret = KERNEL(k->fd, VEXFS_IOC_STREAM, &req);
	if (ret)
		return store_fail(err, ret, "cannot open its change stream: %s", strerror(-ret));
	s->entries = req.entries ? req.entries : 2;
	s->read = s->acked = req.from;
	s->open_since = 0;
	if (!k->c) {
		ret = quota_check(k, &s->meta, err);
		if (ret)
			return ret;
	}
	if ((req.flags & VEXFS_STREAM_SNAPSHOT) && req.from) {
		ret = snapshot_take(k, req.from, err);
	} else if (!k->c) {
		ret = store_coll_create(k->d->s, &s->meta, req.from, &k->c, err);
		if (!ret)
			k->key = store_coll_key(k->c);
	}
	if (ret)
		return ret;
	ret = run_write(k->d);
	if (ret)
		store_fail(err, ret, "cannot write RUN: %s", strerror(-ret));
	return ret;
}

static int open_store(struct coll *k, struct store_error *err)
{
	struct store_coll *c;
	int ret = store_coll_open(k->d->s, k->key, &c, err);

	if (ret)
		return ret;
	pthread_mutex_lock(&k->lock);
	k->c = c;
	pthread_mutex_unlock(&k->lock);
	quota_note(k);
	return 0;
}

/*
 * The collection was dropped, or is no longer durable, while it was not stored: on a full disk
 * its files are to go, rather than to be recovered.
 */
static bool is_unwanted(struct stream *s)
{
	int fd = kernel_attach(s->k->d->opts.device, s->k->serial, VEXFS_ATTACH_READ);
	struct vexfs_stat st;
	bool unwanted;

	if (fd < 0)
		return fd == -ENOENT;
	unwanted = !kernel_meta(fd, &s->meta, &st) && st.durability == VEXFS_DURABILITY_NONE;
	close(fd);
	return unwanted;
}

/*
 * One attachment. It recovers from earlier errors and stores new collections before it
 * reports to the kernel that storage works.
 */
static int serve(struct stream *s, struct store_error *err)
{
	struct coll *k = s->k;
	int ret = 0;

	if (k->key && !k->c)
		ret = open_store(k, err);
	else if (k->c && k->state == COLL_FAILED && !k->restore && is_unwanted(s))
		return forget(s, err);
	else if (k->c && k->state == COLL_FAILED)
		ret = store_coll_recover(k->c, err);
	if (!ret && k->restore && coll_is_kept(k))
		return 0;
	if (!ret && k->restore) {
		coll_state(k, COLL_RESTORING, 0, NULL);
		ret = restore_coll(k, err);
		if (!ret)
			k->restore = false;
	}
	if (!ret && k->unfinished) {
		graph_continue(k);
		k->unfinished = false;
	}
	if (!ret)
		ret = attach(s, err);
	if (!ret && !s->dropped)
		ret = drain(s, err);
	if (!ret && !s->dropped)
		ret = commit(s, err);
	if (!ret && !s->dropped) {
		if (k->state == COLL_FAILED)
			say(LOG_NOTICE, "'%s': changes are stored again", s->meta.name);
		coll_state(k, COLL_STORING, 0, NULL);
		ret = carry(s, err);
	}
	if (!ret && s->dropped)
		ret = forget(s, err);
	return ret;
}

/* Errors that do not pass with time: an administrator must act. */
static bool is_final(const struct stream *s, int ret)
{
	bool refused = ret == -EEXIST || ret == -EINVAL || ret == -EPERM;

	return ret == -EUCLEAN || ret == -ENOTSUP || s->gone ||
	       (refused && s->k->restore && s->k->c);
}

static void failed(struct stream *s, int ret, const struct store_error *err)
{
	struct coll *k = s->k;
	const char *name = k->c ? store_coll_meta(k->c)->name : s->meta.name;

	if (k->state != COLL_FAILED || k->error != -ret)
		say(LOG_ERR, "'%s': %s", name, err->text);
	k->d->counters.failures++;
	coll_state(k, is_final(s, ret) ? COLL_CONFLICT : COLL_FAILED, -ret, err->text);
	if (k->fd >= 0) {
		if (ack(s, s->acked, -ret) && k->state != COLL_CONFLICT)
			say(LOG_DEBUG, "'%s': cannot report the error to the kernel", name);
	}
	batch_give(k->d, s->b);
	s->b = NULL;
}

void stream_run(struct coll *k)
{
	struct stream s = { .k = k };
	struct store_error err;
	int ret;

	for (;;) {
		err.code = 0;
		err.text[0] = 0;
		ret = serve(&s, &err);
		if (!ret)
			break;
		failed(&s, ret, &err);
		if (k->state == COLL_CONFLICT || !coll_sleep(k, RETRY_MS))
			break;
		if (k->fd >= 0)
			close(k->fd);
		k->fd = -1;
	}
	batch_give(k->d, s.b);
	if (k->restore)
		return;
	/* Dropped in the kernel while this thread was not attached. */
	if (ret && s.gone && k->c && k->serial)
		forget(&s, &err);
}
