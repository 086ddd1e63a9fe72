// SPDX-License-Identifier: GPL-2.0
/*
 * The ops of a worker: prepares a request, sends it, records what the collection contains
 * afterwards. Only vx_worker_op() is measured; it contains only the call.
 */
#include "coll.h"
#include "kstat.h"
#include "mounted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STORM_K		1000
#define STORM_BATCH	32

/* Everything a worker needs for its requests, allocated before the first one. */
struct bench {
	struct vx_coll *coll;
	uint64_t own;		/* ids that this worker owns: index + i * workers */
	uint64_t live, dead;	/* number of entries at the two ends of slot[] */
	uint32_t *slot;		/* own numbers: existing ones first, then deleted ones */
	uint64_t inserted, insert_slots;
	uint64_t turn_left;
	unsigned int turn;
	uint64_t *ids;
	uint32_t *pick;		/* indices into slot[] of this op */
	uint32_t *version;
	float *rows;		/* rows of a batch, to send or to receive */
	uint32_t *attrs;
	uint64_t *out_ids;
	float *out_distances;
	uint32_t *counts;
	uint64_t room;		/* number of results in out_ids */
	const float *vectors;	/* of this op */
	uint32_t priority;	/* and its priority */
	struct vexfs_search search;
	struct vexfs_put put;
	struct vexfs_get get;
	struct vexfs_delete del;
	struct vexfs_distance distance;
	struct vexfs_classify classify;
	struct vexfs_vote votes[VX_TAGS];
	struct vx_files files;
	size_t row_bytes;	/* of a vector as a file */
	struct bench *of;	/* a call of many at a time belongs to this one */
};

static uint64_t own_id(const struct vx_worker *w, uint64_t i)
{
	return w->index + i * w->job->threads;
}

static int fail(struct vx_worker *w, const char *what)
{
	snprintf(w->shared->message, sizeof(w->shared->message), "%.255s", what);
	return -1;
}

/* Room for what a call sends and gets. */
static int call_alloc(struct bench *b, const struct vx_job *job)
{
	const struct vx_coll *c = b->coll;
	uint64_t n = job->batch;

	b->room = n * job->k;
	if (b->room < STORM_K * STORM_BATCH && vx_has_action(job->workload, VX_STORM))
		b->room = STORM_K * STORM_BATCH;
	b->ids = malloc(n * sizeof(*b->ids));
	b->pick = malloc(n * sizeof(*b->pick));
	b->version = malloc(n * sizeof(*b->version));
	b->rows = malloc(n * c->dim * sizeof(*b->rows));
	b->attrs = malloc(n * sizeof(*b->attrs));
	b->out_ids = malloc(b->room * sizeof(*b->out_ids));
	b->out_distances = malloc(b->room * sizeof(*b->out_distances));
	b->counts = malloc((n > STORM_BATCH ? n : STORM_BATCH) * sizeof(*b->counts));
	return b->ids && b->pick && b->version && b->rows && b->attrs && b->out_ids &&
	       b->out_distances && b->counts ? 0 : -1;
}

static void call_free(struct bench *b)
{
	free(b->ids);
	free(b->pick);
	free(b->version);
	free(b->rows);
	free(b->attrs);
	free(b->out_ids);
	free(b->out_distances);
	free(b->counts);
}

int vx_worker_start(struct vx_worker *w)
{
	const struct vx_job *job = w->job;
	struct vx_coll *c = job->coll;
	struct vexfs_error err;
	struct bench *b;
	uint64_t i;

	b = calloc(1, sizeof(*b));
	if (!b)
		return fail(w, "no memory");
	w->priv = b;
	b->coll = c;
	if (vexfs_open(vx_set.device, c->name, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &w->handle,
		       &err))
		return fail(w, err.text);
	b->own = (c->base + job->threads - 1 - w->index) / job->threads;
	b->insert_slots = (c->total - c->base) / job->threads;
	b->slot = malloc(b->own * sizeof(*b->slot));
	if (!b->slot || call_alloc(b, job))
		return fail(w, "no memory");
	for (i = 0; i < b->own; i++)
		b->slot[i] = (uint32_t)i;
	b->live = b->own;
	b->row_bytes = vexfs_vector_bytes(w->handle, VEXFS_FORMAT_RAW);
	if (job->workload->mounted && vx_files_open(&b->files, c))
		return fail(w, "the mount cannot be opened");
	vx_abuse_begin(w);
	return 0;
}

void vx_worker_stop(struct vx_worker *w)
{
	struct bench *b = w->priv;

	if (w->handle)
		vexfs_close(w->handle);
	w->handle = NULL;
	if (!b)
		return;
	vx_files_close(&b->files);
	free(b->slot);
	call_free(b);
	free(b);
	w->priv = NULL;
}

/*
 * A call of its own for a worker that has many under way. What it owns stays with the worker:
 * the calls share slot[], which their ops leave in any order, and none of them deletes.
 */
void *vx_call_new(struct vx_worker *w)
{
	struct bench *of = w->priv, *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->coll = of->coll;
	b->own = of->own;
	b->live = of->live;
	b->slot = of->slot;
	b->row_bytes = of->row_bytes;
	b->of = of;
	if (call_alloc(b, w->job)) {
		call_free(b);
		free(b);
		return NULL;
	}
	return b;
}

void vx_call_free(void *call)
{
	if (!call)
		return;
	call_free(call);
	free(call);
}

unsigned int vx_worker_pick(struct vx_worker *w)
{
	const struct vx_kind *k = w->job->workload->kinds;
	struct bench *b = w->priv;
	unsigned int at, i;

	if (w->job->workload->turns) {
		/* Deletes all, then inserts all: the kind changes when one end is empty. */
		if (b->turn == 0 && b->live < w->job->batch)
			b->turn = 1;
		else if (b->turn == 1 && b->own - b->live < w->job->batch)
			b->turn = 0;
		return b->turn;
	}
	if (w->job->workload->first_alone)
		return w->index > 0;
	at = (unsigned int)vs_rng_below(&w->rng, 100);
	for (i = 0; k[i + 1].name && at >= k[i].share; i++)
		at -= k[i].share;
	return i;
}

static const float *some_queries(struct vx_worker *w, uint64_t n)
{
	struct vx_coll *c = w->job->coll;

	return c->queries + vs_rng_below(&w->rng, c->nqueries - n + 1) * c->dim;
}

static void prepare_search(struct vx_worker *w, uint32_t flags, uint64_t n, uint64_t k, bool filter)
{
	struct bench *b = w->priv;
	struct vexfs_search *s = &b->search;

	memset(s, 0, sizeof(*s));
	b->vectors = some_queries(w, n);
	s->flags = flags;
	s->count = (uint32_t)n;
	s->queries = (uintptr_t)b->vectors;
	s->k = (uint32_t)k;
	s->ef = flags & VEXFS_SEARCH_EXACT ? 0 : (uint32_t)b->coll->ef;
	s->ids = (uintptr_t)b->out_ids;
	s->distances = (uintptr_t)b->out_distances;
	s->counts = (uintptr_t)b->counts;
	s->priority = b->priority;
	s->deadline_ns = (uint64_t)(w->job->deadline * 1e9);
	if (filter) {
		s->filter = (uintptr_t)b->coll->filter.insns;
		s->filter_len = b->coll->filter.count;
	}
}

/* Moves an own number within slot[] to index @to. */
static void swap_slots(struct bench *b, uint64_t from, uint64_t to)
{
	uint32_t t = b->slot[from];

	b->slot[from] = b->slot[to];
	b->slot[to] = t;
}

/* Called before a change is sent: others must accept both the old and the new version. */
static void change_begin(struct vx_id *id, uint32_t version)
{
	__atomic_store_n(&id->seq, id->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&id->before, id->version, __ATOMIC_RELAXED);
	__atomic_store_n(&id->version, version, __ATOMIC_RELAXED);
}

static void change_end(struct vx_id *id, bool done)
{
	if (!done)
		__atomic_store_n(&id->version, id->before, __ATOMIC_RELAXED);
	__atomic_store_n(&id->changed_before, id->changed, __ATOMIC_RELAXED);
	__atomic_store_n(&id->changed, vs_ticks(), __ATOMIC_RELAXED);
	__atomic_store_n(&id->seq, id->seq + 1, __ATOMIC_RELEASE);
}

/* Draws n distinct existing numbers to the front of slot[]. */
static uint64_t draw_live(struct vx_worker *w, uint64_t n)
{
	struct bench *b = w->priv;
	uint64_t i;

	if (n > b->live)
		n = b->live;
	for (i = 0; i < n; i++) {
		swap_slots(b, i + vs_rng_below(&w->rng, b->live - i), i);
		b->ids[i] = own_id(w, b->slot[i]);
	}
	return n;
}

static void prepare_upsert(struct vx_worker *w)
{
	struct bench *b = w->priv;
	struct vx_coll *c = b->coll;
	uint64_t n = w->job->batch, dead = b->own - b->live, i, row;

	/* Deleted ids are inserted first, so that the collection keeps its size. */
	if (dead >= n) {
		for (i = 0; i < n; i++) {
			swap_slots(b, b->live + i + vs_rng_below(&w->rng, dead - i), b->live + i);
			b->ids[i] = own_id(w, b->slot[b->live + i]);
		}
	} else {
		/* One id, unless it is under way in another call of this worker. */
		do
			n = draw_live(w, n);
		while (b->of && c->ids[b->ids[0]].seq & 1);
	}
	row = vs_rng_below(&w->rng, VX_POOL_ROWS - n + 1);
	b->vectors = c->pool + row * c->dim;
	for (i = 0; i < n; i++) {
		b->version[i] = (uint32_t)(2 + row + i);
		vx_attr(b->ids[i], &b->attrs[i]);
		change_begin(&c->ids[b->ids[i]], b->version[i]);
	}
	memset(&b->put, 0, sizeof(b->put));
	b->put.flags = VEXFS_PUT_UPSERT;
	b->put.count = (uint32_t)n;
}

static void prepare_insert(struct vx_worker *w)
{
	struct bench *b = w->priv;
	struct vx_coll *c = b->coll;
	uint64_t n = w->job->batch, i;
	uint64_t gone = 0;

	if (n > b->insert_slots)
		n = b->insert_slots;
	for (i = 0; i < n; i++) {
		uint64_t id = c->base + w->index + ((b->inserted + i) % b->insert_slots) *
			      w->job->threads;

		b->ids[i] = id;
		if (c->ids[id].version) {
			change_begin(&c->ids[id], 0);
			gone++;
		}
	}
	/* All own ids have been used: the oldest are deleted. */
	if (gone) {
		struct vexfs_delete del = { 0 };
		int err;

		del.flags = VEXFS_DELETE_CONTINUE;
		del.count = (uint32_t)n;
		del.ids = (uintptr_t)b->ids;
		err = vexfs_do_delete(w->handle, &del, NULL);
		for (i = 0; i < n; i++)
			if (c->ids[b->ids[i]].seq & 1)
				change_end(&c->ids[b->ids[i]], !err);
	}
	for (i = 0; i < n; i++) {
		vx_data_row(&c->data, b->ids[i], 0, b->rows + i * c->dim);
		vx_attr(b->ids[i], &b->attrs[i]);
		b->version[i] = 1;
		change_begin(&c->ids[b->ids[i]], 1);
	}
	b->vectors = b->rows;
	memset(&b->put, 0, sizeof(b->put));
	b->put.flags = VEXFS_PUT_INSERT;
	b->put.count = (uint32_t)n;
}

static uint64_t deadline_of(const struct vx_worker *w)
{
	return (uint64_t)(w->job->deadline * 1e9);
}

/* One in a hundred is a large request, which no tier holds. */
static void prepare_storm(struct vx_worker *w)
{
	static const uint64_t storm_k[] = { 1, 10, 10, 10, 10, 20, 50, 100 };
	static const uint64_t storm_batch[] = { 1, 1, 1, 1, 2, 2, 4, 8 };

	if (!vs_rng_below(&w->rng, 100))
		prepare_search(w, VEXFS_SEARCH_EXACT, STORM_BATCH, STORM_K, false);
	else
		prepare_search(w, VEXFS_SEARCH_EXACT,
			       storm_batch[vs_rng_below(&w->rng, ARRAY_SIZE(storm_batch))],
			       storm_k[vs_rng_below(&w->rng, ARRAY_SIZE(storm_k))], false);
}

static void prepare_put(struct vx_worker *w)
{
	struct bench *b = w->priv;

	b->put.ids = (uintptr_t)b->ids;
	b->put.vectors = (uintptr_t)b->vectors;
	b->put.attrs = (uintptr_t)b->attrs;
	b->put.priority = b->priority;
	b->put.deadline_ns = deadline_of(w);
}

static void prepare_get(struct vx_worker *w)
{
	struct bench *b = w->priv;

	memset(&b->get, 0, sizeof(b->get));
	b->get.count = (uint32_t)draw_live(w, w->job->batch);
	b->get.ids = (uintptr_t)b->ids;
	b->get.vectors = (uintptr_t)b->rows;
	b->get.priority = b->priority;
	b->get.deadline_ns = deadline_of(w);
}

static void prepare_delete(struct vx_worker *w)
{
	struct bench *b = w->priv;
	uint64_t i;

	memset(&b->del, 0, sizeof(b->del));
	b->del.count = (uint32_t)draw_live(w, w->job->batch);
	b->del.ids = (uintptr_t)b->ids;
	b->del.priority = b->priority;
	b->del.deadline_ns = deadline_of(w);
	for (i = 0; i < b->del.count; i++)
		change_begin(&b->coll->ids[b->ids[i]], 0);
}

static void prepare_distance(struct vx_worker *w)
{
	struct bench *b = w->priv;

	memset(&b->distance, 0, sizeof(b->distance));
	b->vectors = some_queries(w, 1);
	b->distance.count = (uint32_t)draw_live(w, w->job->batch);
	b->distance.query = (uintptr_t)b->vectors;
	b->distance.ids = (uintptr_t)b->ids;
	b->distance.distances = (uintptr_t)b->out_distances;
	b->distance.priority = b->priority;
	b->distance.deadline_ns = deadline_of(w);
}

static void prepare_classify(struct vx_worker *w)
{
	struct bench *b = w->priv;

	memset(&b->classify, 0, sizeof(b->classify));
	b->vectors = some_queries(w, 1);
	b->classify.k = (uint32_t)w->job->k;
	b->classify.query = (uintptr_t)b->vectors;
	b->classify.field_size = 4;
	b->classify.votes = (uintptr_t)b->votes;
	b->classify.count = VX_TAGS;
	b->classify.priority = b->priority;
	b->classify.deadline_ns = deadline_of(w);
}

void vx_worker_prepare(struct vx_worker *w, unsigned int kind)
{
	const struct vx_kind *k = &w->job->workload->kinds[kind];
	struct bench *b = w->priv;
	uint64_t n = w->job->batch;

	b->priority = k->priority ? k->priority : w->job->priority;
	switch (k->action) {
	case VX_EXACT:
		prepare_search(w, VEXFS_SEARCH_EXACT, n, w->job->k, false);
		break;
	case VX_GRAPH:
		prepare_search(w, 0, n, w->job->k, false);
		break;
	case VX_FILTERED:
		prepare_search(w, 0, n, w->job->k, true);
		break;
	case VX_STORM:
		prepare_storm(w);
		break;
	case VX_UPSERT:
	case VX_FILE_WRITE:
		prepare_upsert(w);
		prepare_put(w);
		break;
	case VX_INSERT:
		prepare_insert(w);
		prepare_put(w);
		break;
	case VX_GET:
	case VX_FILE_READ:
	case VX_FILE_LOOKUP:
	case VX_FILE_NEAR:
		prepare_get(w);
		break;
	case VX_DELETE:
	case VX_FILE_UNLINK:
		prepare_delete(w);
		break;
	case VX_DISTANCE:
		prepare_distance(w);
		break;
	case VX_CLASSIFY:
		prepare_classify(w);
		break;
	default:
		break;
	}
}

unsigned long vx_worker_request(struct vx_worker *w, unsigned int kind, void **arg)
{
	struct bench *b = w->priv;

	switch (w->job->workload->kinds[kind].action) {
	case VX_EXACT:
	case VX_GRAPH:
	case VX_FILTERED:
		b->search.size = sizeof(b->search);
		*arg = &b->search;
		return VEXFS_IOC_SEARCH;
	case VX_UPSERT:
		b->put.size = sizeof(b->put);
		*arg = &b->put;
		return VEXFS_IOC_PUT;
	case VX_GET:
		b->get.size = sizeof(b->get);
		*arg = &b->get;
		return VEXFS_IOC_GET;
	case VX_DISTANCE:
		b->distance.size = sizeof(b->distance);
		*arg = &b->distance;
		return VEXFS_IOC_DISTANCE;
	case VX_CLASSIFY:
		b->classify.size = sizeof(b->classify);
		*arg = &b->classify;
		return VEXFS_IOC_CLASSIFY;
	default:
		*arg = NULL;
		return 0;
	}
}

void vx_worker_answered(struct vx_worker *w, unsigned int kind)
{
	struct bench *b = w->priv;

	w->done = 1;
	switch (w->job->workload->kinds[kind].action) {
	case VX_EXACT:
	case VX_GRAPH:
	case VX_FILTERED:
		w->kernel_ns = b->search.kernel_ns;
		w->shared->distances += b->search.distances_done;
		break;
	case VX_UPSERT:
		w->kernel_ns = b->put.kernel_ns;
		break;
	case VX_GET:
		w->kernel_ns = b->get.kernel_ns;
		break;
	case VX_DISTANCE:
		w->kernel_ns = b->distance.kernel_ns;
		break;
	case VX_CLASSIFY:
		w->kernel_ns = b->classify.kernel_ns;
		break;
	default:
		w->kernel_ns = 0;
		break;
	}
}

/* A file is one f32 vector, so the job must have f32 and one vector per op. */
static int file_op(struct vx_worker *w, unsigned int action)
{
	struct bench *b = w->priv;
	int err;

	w->done = 1;
	w->kernel_ns = 0;
	switch (action) {
	case VX_FILE_LOOKUP:
		return vx_file_lookup(&b->files, b->ids[0]);
	case VX_FILE_GETATTR:
		return vx_file_getattr(&b->files);
	case VX_FILE_READDIR:
		return vx_file_readdir(&b->files);
	case VX_FILE_READ:
		w->done = 3;	/* open, read, close */
		return vx_file_read(&b->files, b->ids[0], b->rows, b->row_bytes);
	case VX_FILE_WRITE:
		w->done = 3;
		err = vx_file_write(&b->files, b->ids[0], b->vectors, b->row_bytes);
		b->put.done = !err;
		return err;
	case VX_FILE_UNLINK:
		err = vx_file_unlink(&b->files, b->ids[0]);
		b->del.done = !err;
		return err;
	default:
		return vx_file_near(&b->files, b->ids[0], w->job->k);
	}
}

int vx_worker_op(struct vx_worker *w, unsigned int kind)
{
	struct bench *b = w->priv;
	struct vexfs *h = NULL;
	int err;

	switch (w->job->workload->kinds[kind].action) {
	case VX_EXACT:
	case VX_GRAPH:
	case VX_FILTERED:
		err = vexfs_do_search(w->handle, &b->search, NULL);
		w->done = b->search.count;
		w->kernel_ns = b->search.kernel_ns;
		w->shared->distances += b->search.distances_done;
		return err;
	case VX_STORM:
		err = vexfs_do_search(w->handle, &b->search, NULL);
		w->done = 1;
		w->kernel_ns = b->search.kernel_ns;
		return err;
	case VX_UPSERT:
	case VX_INSERT:
		err = vexfs_do_put(w->handle, &b->put, NULL);
		w->done = b->put.count;
		w->kernel_ns = b->put.kernel_ns;
		return err;
	case VX_GET:
		err = vexfs_do_get(w->handle, &b->get, NULL);
		w->done = b->get.count;
		w->kernel_ns = b->get.kernel_ns;
		return err;
	case VX_DELETE:
		err = vexfs_do_delete(w->handle, &b->del, NULL);
		w->done = b->del.count;
		w->kernel_ns = b->del.kernel_ns;
		return err;
	case VX_DISTANCE:
		err = vexfs_do_distance(w->handle, &b->distance, NULL);
		w->done = b->distance.count;
		w->kernel_ns = b->distance.kernel_ns;
		return err;
	case VX_CLASSIFY:
		err = vexfs_do_classify(w->handle, &b->classify, NULL);
		w->done = 1;
		w->kernel_ns = b->classify.kernel_ns;
		return err;
	case VX_OPEN:
		err = vexfs_open(vx_set.device, b->coll->name, VEXFS_ATTACH_READ, &h, NULL);
		if (!err)
			vexfs_close(h);
		w->done = 1;
		w->kernel_ns = 0;
		return err;
	case VX_SWITCH:
		w->done = 1;
		w->kernel_ns = 0;
		return vx_param_set("simd", b->turn++ & 1 ? b->coll->simd : "scalar") ? -errno : 0;
	case VX_ABUSE:
		w->done = 1;
		w->kernel_ns = 0;
		return vx_abuse(w, vs_rng_next(&w->rng));
	case VX_FILE_LOOKUP:
	case VX_FILE_GETATTR:
	case VX_FILE_READDIR:
	case VX_FILE_READ:
	case VX_FILE_WRITE:
	case VX_FILE_UNLINK:
	case VX_FILE_NEAR:
		return file_op(w, w->job->workload->kinds[kind].action);
	default:
		return -EINVAL;
	}
}

static void check(struct vx_worker *w, unsigned int kind)
{
	unsigned int action = w->job->workload->kinds[kind].action;
	struct bench *b = w->priv;
	uint32_t i;

	switch (action) {
	case VX_EXACT:
	case VX_GRAPH:
	case VX_FILTERED:
	case VX_STORM:
		for (i = 0; i < b->search.count; i++)
			vx_check_search(w, vx_coll_query(b->coll, b->vectors +
							 (size_t)i * b->coll->dim),
					b->out_ids + (size_t)i * b->search.k,
					b->out_distances + (size_t)i * b->search.k, b->counts[i],
					b->search.k, action == VX_EXACT || action == VX_STORM,
					action == VX_FILTERED ? VX_FILTER_TAG : -1);
		break;
	case VX_GET:
	case VX_FILE_READ:
		for (i = 0; i < b->get.count; i++)
			vx_check_row(w, b->ids[i], b->rows + (size_t)i * b->coll->dim);
		break;
	case VX_DISTANCE:
		for (i = 0; i < b->distance.count; i++)
			vx_check_distance(w, b->ids[i], vx_coll_query(b->coll, b->vectors),
					  b->out_distances[i]);
		break;
	default:
		break;
	}
}

void vx_worker_after(struct vx_worker *w, unsigned int kind, int err)
{
	struct bench *b = w->priv;
	struct vx_coll *c = b->coll;
	uint64_t i, n;

	switch (w->job->workload->kinds[kind].action) {
	case VX_UPSERT:
	case VX_FILE_WRITE:
		n = b->put.count;
		for (i = 0; i < n; i++)
			change_end(&c->ids[b->ids[i]], i < b->put.done);
		/* Revived ones stand right behind the live ones. */
		if (n && b->live < b->own && own_id(w, b->slot[b->live]) == b->ids[0])
			b->live += b->put.done;
		break;
	case VX_INSERT:
		for (i = 0; i < b->put.count; i++)
			change_end(&c->ids[b->ids[i]], i < b->put.done);
		b->inserted += b->put.done;
		break;
	case VX_DELETE:
	case VX_FILE_UNLINK:
		n = b->del.done;
		for (i = 0; i < b->del.count; i++)
			change_end(&c->ids[b->ids[i]], i < n);
		/* The first n of slot[] go behind the live ones. */
		for (i = n; i-- > 0;)
			swap_slots(b, i, --b->live);
		break;
	default:
		break;
	}
	if (w->job->verify && !err)
		check(w, kind);
}
