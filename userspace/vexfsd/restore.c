// SPDX-License-Identifier: GPL-2.0
/*
 * Restores a collection of the store into the kernel, completely or not at all. It is
 * invisible until its last row has been loaded.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "vexfsd.h"

struct restoring {
	struct coll *k;
	int fd;
	uint64_t rows;
	int error;
};

static int put(void *arg, const struct store_rows *r)
{
	struct restoring *s = arg;
	struct vexfs_put p = {
		.flags = VEXFS_PUT_INSERT | VEXFS_PUT_SEQS, .format = VEXFS_FORMAT_RAW,
	};
	uint32_t row = store_coll_meta(s->k->c)->row_bytes;
	uint32_t attr = store_coll_meta(s->k->c)->attr_size;
	uint32_t done = 0;

	while (done < r->count) {
		uint32_t n = r->count - done < VEXFS_BATCH_MAX ? r->count - done : VEXFS_BATCH_MAX;

		p.count = n;
		p.ids = (uintptr_t)(r->ids + done);
		p.seqs = (uintptr_t)(r->seqs + done);
		p.vectors = (uintptr_t)(r->vectors + (size_t)done * row);
		p.attrs = attr ? (uintptr_t)(r->attrs + (size_t)done * attr) : 0;
		s->error = KERNEL(s->fd, VEXFS_IOC_PUT, &p);
		if (s->error)
			return s->error;
		if (!p.done)
			return s->error = -EIO;
		done += p.done;
	}
	s->rows += r->count;
	if (coll_stopping(s->k))
		return s->error = -EINTR;
	return 0;
}

static int create(struct coll *k, int fd)
{
	const struct store_meta *m = store_coll_meta(k->c);
	struct store_meta has;
	struct vexfs_stat st;
	int ret;
	struct vexfs_create c = {
		.flags = VEXFS_CREATE_RESTORE, .dim = m->dim, .type = m->type, .metric = m->metric,
		.index = m->index, .mode = m->mode, .attr_size = m->attr_size,
		.capacity = m->capacity, .m = m->m, .ef_construction = m->ef_construction,
		.code = m->code, .layout_len = m->layout_len, .layout = (uintptr_t)m->layout,
		.durability = m->durability, .uid = m->uid, .gid = m->gid,
		.seq = store_durable_seq(k->c), .created = m->created,
	};

	memcpy(c.name, m->name, sizeof(c.name));
	ret = KERNEL(fd, VEXFS_IOC_CREATE, &c);
	if (!ret)
		ret = kernel_meta(fd, &has, &st);
	/* The kernel would read behind the rows of the store, or leave some out. */
	if (!ret && (has.row_bytes != m->row_bytes || has.attr_size != m->attr_size))
		ret = -EUCLEAN;
	return ret;
}

static void took(const struct timespec *begin, const char *name, uint64_t rows)
{
	struct timespec end;
	double s;

	clock_gettime(CLOCK_MONOTONIC, &end);
	s = (double)(end.tv_sec - begin->tv_sec) + (double)(end.tv_nsec - begin->tv_nsec) / 1e9;
	say(LOG_INFO, "'%s': %" PRIu64 " vectors restored in %.2f s", name, rows, s);
}

int restore_coll(struct coll *k, struct store_error *err)
{
	struct restoring s = { .k = k, .fd = kernel_open(k->d->opts.device) };
	struct store_visit visit = { .rows = put, .arg = &s };
	struct vexfs_restored done = { 0 };
	struct timespec begin;
	int ret;

	if (s.fd < 0)
		return store_fail(err, s.fd, "the device: %s", strerror(-s.fd));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ret = create(k, s.fd);
	if (ret)
		store_fail(err, ret, "the kernel refuses to create it: %s", strerror(-ret));
	if (!ret) {
		ret = store_coll_live(k->c, &visit, err);
		if (s.error)
			ret = store_fail(err, s.error, "the kernel refuses its vectors: %s",
					 strerror(-s.error));
	}
	if (!ret) {
		ret = graph_begin(k, s.fd);
		if (ret)
			store_fail(err, ret, "the kernel refuses its graph: %s",
				   strerror(-ret));
	}
	if (!ret) {
		/* from here on it is visible, and it must be known as ours to whoever sees it */
		pthread_mutex_lock(&k->d->adopt_lock);
		ret = KERNEL(s.fd, VEXFS_IOC_RESTORED, &done);
		if (ret)
			store_fail(err, ret, "its name is in use or not allowed: %s",
				   strerror(-ret));
		pthread_mutex_lock(&k->d->lock);
		if (!ret)
			k->serial = done.serial;
		pthread_mutex_unlock(&k->d->lock);
		pthread_mutex_unlock(&k->d->adopt_lock);
	}
	if (!ret) {
		took(&begin, store_coll_meta(k->c)->name, s.rows);
		/* Searches are exact until the graph is loaded. */
		if (graph_finish(k, s.fd))
			say(LOG_WARNING, "'%s' has no graph", store_coll_meta(k->c)->name);
	}
	close(s.fd);
	return ret;
}
