// SPDX-License-Identifier: GPL-2.0
/*
 * Making, filling, judging and dropping the collection of a job. A name holds
 * the pid of its vexstress, so that what a killed one left is found and
 * dropped by the next.
 */
#include "coll.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME_PREFIX	"vexstress."
#define FILL_BATCH	1024

struct fill {
	struct vx_coll *coll;
	uint64_t from, to;
	int err;
	char message[400];
};

static void *fill_part(void *arg)
{
	struct fill *f = arg;
	struct vx_coll *c = f->coll;
	struct vexfs_put put = { 0 };
	uint64_t *ids = malloc(FILL_BATCH * sizeof(*ids));
	float *rows = malloc((size_t)FILL_BATCH * c->dim * sizeof(*rows));
	uint32_t *attrs = malloc(FILL_BATCH * sizeof(*attrs));
	struct vexfs_error err;
	uint64_t at;

	if (!ids || !rows || !attrs) {
		f->err = ENOMEM;
		snprintf(f->message, sizeof(f->message), "no memory");
		goto out;
	}
	for (at = f->from; at < f->to && !vx_signal; at += put.count) {
		uint32_t i;

		put.count = f->to - at < FILL_BATCH ? (uint32_t)(f->to - at) : FILL_BATCH;
		for (i = 0; i < put.count; i++) {
			ids[i] = at + i;
			vx_data_row(&c->data, at + i, 0, rows + (size_t)i * c->dim);
			vx_attr(at + i, &attrs[i]);
		}
		put.flags = VEXFS_PUT_INSERT;
		put.ids = (uintptr_t)ids;
		put.vectors = (uintptr_t)rows;
		put.attrs = (uintptr_t)attrs;
		if (vexfs_do_put(c->handle, &put, &err)) {
			f->err = err.code;
			snprintf(f->message, sizeof(f->message), "%s", err.text);
			break;
		}
		for (i = 0; i < put.count; i++)
			c->ids[at + i].version = 1;
	}
out:
	free(ids);
	free(rows);
	free(attrs);
	return NULL;
}

static int fill(struct vx_coll *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct fill part[16];
	pthread_t tid[16];
	unsigned int n, i, started = 0;
	int err = 0;

	n = cpus < 1 ? 1 : cpus > 16 ? 16 : (unsigned int)cpus;
	if (c->base < 4096)
		n = 1;
	memset(part, 0, sizeof(part));
	for (i = 0; i < n; i++) {
		part[i].coll = c;
		part[i].from = c->base * i / n;
		part[i].to = c->base * (i + 1) / n;
		if (pthread_create(&tid[i], NULL, fill_part, &part[i]))
			break;
		started++;
	}
	for (i = 0; i < started; i++) {
		pthread_join(tid[i], NULL);
		if (part[i].err && !err) {
			err = part[i].err;
			vx_say("filling the collection of %s: %s", c->job->name, part[i].message);
		}
	}
	if (started < n) {
		vx_say("cannot start a thread: %s", strerror(errno));
		return -1;
	}
	return err ? -1 : 0;
}

/* One quiet search of every query; how many of the results belong there. */
struct judged {
	uint64_t hits, due, wrong;
	uint64_t queries;
};

struct truth {
	double *best;	/* nqueries x k, ascending */
	uint32_t *have;
};

static void truth_add(struct truth *t, uint64_t q, uint64_t k, double d)
{
	double *best = t->best + q * k;
	uint32_t n = t->have[q];

	if (n == k && d >= best[k - 1])
		return;
	if (n < k)
		t->have[q] = ++n;
	for (n--; n > 0 && best[n - 1] > d; n--)
		best[n] = best[n - 1];
	best[n] = d;
}

/* Exact distances of the k nearest of every query, computed here. */
static int truth_make(struct vx_coll *c, struct truth *t, uint64_t nq, uint64_t k, int tag)
{
	float *tmp = malloc(c->dim * sizeof(*tmp));
	uint64_t id, q;

	t->best = malloc(nq * k * sizeof(*t->best));
	t->have = calloc(nq, sizeof(*t->have));
	if (!tmp || !t->best || !t->have) {
		free(tmp);
		free(t->best);
		free(t->have);
		return -1;
	}
	for (id = 0; id < c->total && !vx_signal; id++) {
		const float *row;

		if (!c->ids[id].version || (tag >= 0 && vx_tag(id) != (uint32_t)tag))
			continue;
		row = vx_coll_row(c, id, c->ids[id].version, tmp);
		for (q = 0; q < nq; q++)
			truth_add(t, q, k, vx_exact_distance(c, c->queries + q * c->dim, row));
	}
	free(tmp);
	return 0;
}

static int judge(struct vx_coll *c, const struct truth *t, uint64_t nq, uint64_t k, uint64_t ef,
		 uint32_t flags, int tag, struct judged *out)
{
	uint64_t *ids = malloc(nq * k * sizeof(*ids)), q, i;
	uint32_t *counts = malloc(nq * sizeof(*counts));
	float *distances = malloc(nq * k * sizeof(*distances));
	float *tmp = malloc(c->dim * sizeof(*tmp));
	struct vexfs_search s = { 0 };
	struct vexfs_error err;
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (!ids || !distances || !counts || !tmp)
		goto out;
	s.flags = flags;
	s.count = (uint32_t)nq;
	s.queries = (uintptr_t)c->queries;
	s.k = (uint32_t)k;
	s.ef = (uint32_t)ef;
	s.ids = (uintptr_t)ids;
	s.distances = (uintptr_t)distances;
	s.counts = (uintptr_t)counts;
	if (tag >= 0) {
		s.filter = (uintptr_t)c->filter.insns;
		s.filter_len = c->filter.count;
	}
	if (vexfs_do_search(c->handle, &s, &err)) {
		vx_say("recall of %s: %s", c->job->name, err.text);
		goto out;
	}
	out->queries = nq;
	for (q = 0; q < nq; q++) {
		const float *query = c->queries + q * c->dim;
		double last = t->have[q] ? t->best[q * k + t->have[q] - 1] : 0;
		uint32_t n = counts[q] < t->have[q] ? counts[q] : t->have[q];

		out->due += t->have[q];
		for (i = 0; i < n; i++) {
			uint64_t id = ids[q * k + i];
			const float *row;
			double d, tol;

			if (id >= c->total || !c->ids[id].version) {
				out->wrong++;
				continue;
			}
			/* As near as the farthest true one, give or take a rounding. */
			row = vx_coll_row(c, id, c->ids[id].version, tmp);
			d = vx_exact_distance(c, query, row);
			tol = vx_tolerance(c, query, row, d);
			out->hits += d <= last + tol;
			out->wrong += fabs(d - (double)distances[q * k + i]) > tol;
		}
	}
	ret = 0;
out:
	free(ids);
	free(distances);
	free(counts);
	free(tmp);
	return ret;
}

/* For narrow types the stored rows are rounded: the module's exact search is the truth. */
static int truth_from_module(struct vx_coll *c, struct truth *t, uint64_t nq, uint64_t k, int tag)
{
	uint64_t *ids = malloc(nq * k * sizeof(*ids)), q, i;
	uint32_t *counts = malloc(nq * sizeof(*counts));
	float *distances = malloc(nq * k * sizeof(*distances));
	struct vexfs_search s = { 0 };
	int ret = -1;

	t->best = malloc(nq * k * sizeof(*t->best));
	t->have = calloc(nq, sizeof(*t->have));
	s.flags = VEXFS_SEARCH_EXACT;
	s.count = (uint32_t)nq;
	s.queries = (uintptr_t)c->queries;
	s.k = (uint32_t)k;
	s.ids = (uintptr_t)ids;
	s.distances = (uintptr_t)distances;
	s.counts = (uintptr_t)counts;
	if (tag >= 0) {
		s.filter = (uintptr_t)c->filter.insns;
		s.filter_len = c->filter.count;
	}
	if (ids && counts && distances && t->best && t->have &&
	    !vexfs_do_search(c->handle, &s, NULL)) {
		for (q = 0; q < nq; q++) {
			t->have[q] = counts[q];
			for (i = 0; i < counts[q]; i++)
				t->best[q * k + i] = (double)distances[q * k + i];
		}
		ret = 0;
	}
	free(ids);
	free(counts);
	free(distances);
	if (ret) {
		free(t->best);
		free(t->have);
	}
	return ret;
}

/* The same by the module's own distances. */
static int judge_narrow(struct vx_coll *c, const struct truth *t, uint64_t nq, uint64_t k,
			uint64_t ef, uint32_t flags, int tag, struct judged *out)
{
	uint64_t *ids = malloc(nq * k * sizeof(*ids)), q, i;
	uint32_t *counts = malloc(nq * sizeof(*counts));
	float *distances = malloc(nq * k * sizeof(*distances));
	struct vexfs_search s = { 0 };
	int ret = -1;

	memset(out, 0, sizeof(*out));
	s.flags = flags;
	s.count = (uint32_t)nq;
	s.queries = (uintptr_t)c->queries;
	s.k = (uint32_t)k;
	s.ef = (uint32_t)ef;
	s.ids = (uintptr_t)ids;
	s.distances = (uintptr_t)distances;
	s.counts = (uintptr_t)counts;
	if (tag >= 0) {
		s.filter = (uintptr_t)c->filter.insns;
		s.filter_len = c->filter.count;
	}
	if (ids && counts && distances && !vexfs_do_search(c->handle, &s, NULL)) {
		for (q = 0; q < nq; q++) {
			out->due += t->have[q];
			for (i = 0; i < counts[q] && i < t->have[q]; i++)
				out->hits += (double)distances[q * k + i] <=
					     t->best[q * k + t->have[q] - 1];
		}
		out->queries = nq;
		ret = 0;
	}
	free(ids);
	free(counts);
	free(distances);
	return ret;
}

/* Recall of one kind of search; -1 when it could not be had. */
static double recall(struct vx_coll *c, uint64_t nq, uint64_t k, uint64_t ef, uint32_t flags,
		     int tag, struct truth *kept, struct judged *j)
{
	bool narrow = c->job->type != VEXFS_TYPE_F32;
	struct truth own, *t = kept ? kept : &own;
	int err;

	if (!kept && (narrow ? truth_from_module(c, &own, nq, k, tag)
			     : truth_make(c, &own, nq, k, tag)))
		return -1;
	err = narrow ? judge_narrow(c, t, nq, k, ef, flags, tag, j)
		     : judge(c, t, nq, k, ef, flags, tag, j);
	if (!kept) {
		free(own.best);
		free(own.have);
	}
	return err ? -1 : j->due ? (double)j->hits / (double)j->due : 1;
}

static uint64_t queries_judged(const struct vx_coll *c)
{
	/* Some 2e9 multiplications are a second or so. */
	uint64_t n = 2000000000u / (c->base * c->dim + 1);

	n = n < 50 ? 50 : n > 200 ? 200 : n;
	if (vx_set.profile == VX_PROFILE_QUICK && n > 100)
		n = 100;
	return n < c->nqueries ? n : c->nqueries;
}

/* The smallest ef that reaches recall 0.95 with something to spare. */
static int find_ef(struct vx_coll *c)
{
	static const uint64_t tries[] = { 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024 };
	uint64_t nq = queries_judged(c), k = c->job->k;
	struct truth t;
	struct judged j;
	size_t i;

	if (c->job->ef) {
		c->ef = c->job->ef;
		return 0;
	}
	if (c->job->type != VEXFS_TYPE_F32 ? truth_from_module(c, &t, nq, k, -1)
					   : truth_make(c, &t, nq, k, -1))
		return -1;
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		double r;

		c->ef = tries[i] > k ? tries[i] : k;
		r = recall(c, nq, k, c->ef, 0, -1, &t, &j);
		if (r < 0 || r >= 0.965)
			break;
	}
	free(t.best);
	free(t.have);
	return 0;
}

static bool has_action(const struct vx_workload *wl, unsigned int action)
{
	const struct vx_kind *k;

	for (k = wl->kinds; k->name; k++)
		if (k->action == action)
			return true;
	return false;
}

void vx_coll_finish(struct vx_job *job)
{
	struct vx_coll *c = job->coll;
	const struct vx_workload *wl = job->workload;
	bool graph = has_action(wl, VX_GRAPH), exact = has_action(wl, VX_EXACT);
	struct judged j = { 0 };
	uint64_t nq;

	if (!c || vx_signal || (!graph && !exact))
		return;
	nq = queries_judged(c);
	job->recall_queries = nq;
	job->recall = recall(c, nq, job->k, c->ef, graph ? 0 : VEXFS_SEARCH_EXACT, -1, NULL, &j);
	job->checked += j.queries;
	job->wrong += j.wrong;
	if (j.wrong && !job->message[0])
		snprintf(job->message, sizeof(job->message),
			 "%llu of %llu results of quiet searches have a wrong distance or id",
			 (unsigned long long)j.wrong, (unsigned long long)j.due);
	if (!graph && job->recall >= 0 && job->recall < 1) {
		job->wrong++;
		if (!job->message[0])
			snprintf(job->message, sizeof(job->message),
				 "exact search has recall %.6f against an exact computation",
				 job->recall);
	}
	if (has_action(wl, VX_FILTERED))
		job->recall_filtered = recall(c, nq, job->k, c->ef, 0, VX_FILTER_TAG, NULL, &j);
}

static int make(struct vx_coll *c)
{
	const struct vx_job *job = c->job;
	struct vexfs_create req = { 0 };
	struct vexfs_error err;
	int ret;

	req.dim = c->dim;
	req.type = (uint8_t)job->type;
	req.metric = (uint8_t)job->metric;
	req.index = (uint8_t)job->workload->needs_index;
	req.m = (uint32_t)job->m;
	req.ef_construction = (uint32_t)job->ef_construction;
	req.code = job->code;
	req.attr_size = 4;
	ret = vexfs_do_create(vx_set.device, &req, c->name, "tag:u32", &c->handle, &err);
	if (ret) {
		vx_say("%s", err.text);
		return err.code == ENODEV || err.code == ENOENT ? VX_NO_DEVICE : VX_MISSED;
	}
	return VX_OK;
}

int vx_coll_setup(struct vx_job *job)
{
	static unsigned int serial;
	const struct vx_workload *wl = job->workload;
	struct vexfs_info info = { 0 };
	struct vexfs_layout layout;
	struct vexfs_error err;
	struct vx_coll *c;
	uint64_t i;
	int ret;

	if (vexfs_do_info(vx_set.device, &info, &err)) {
		vx_say("%s", err.text);
		return VX_NO_DEVICE;
	}
	if (wl->needs_index == VEXFS_INDEX_GRAPH && !(info.features & VEXFS_FEATURE_GRAPH)) {
		snprintf(job->note, sizeof(job->note), "this module has no graph");
		return VX_SKIPPED;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return VX_MISSED;
	job->coll = c;
	c->job = job;
	c->dim = (uint32_t)job->dim;
	c->base = job->vectors ? job->vectors : wl->vectors;
	c->ef = job->ef;
	snprintf(c->name, sizeof(c->name), NAME_PREFIX "%d.%u.%.30s", (int)getpid(), serial++,
		 job->name);
	if (vx_data_open(&c->data, &c->dim, job->type, job->seed, c->base, job->data))
		return VX_USAGE;
	if (c->data.rows && c->data.nrows < c->base) {
		if (job->vectors) {
			vx_say("data file %s holds %llu vectors, and %llu are asked for", job->data,
			       (unsigned long long)c->data.nrows, (unsigned long long)c->base);
			return VX_USAGE;
		}
		c->base = c->data.nrows;
	}
	c->total = c->base + (has_action(wl, VX_INSERT) ? c->base / 2 + 4 * VX_WORKERS_MAX : 0);
	c->ids = mmap(NULL, c->total * sizeof(*c->ids), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->ids == MAP_FAILED)
		c->ids = NULL;
	c->nqueries = job->batch > 1024 ? job->batch * 2 : 2048;
	c->pool = malloc((size_t)VX_POOL_ROWS * c->dim * sizeof(float));
	c->queries = malloc(c->nqueries * c->dim * sizeof(float));
	if (!c->ids || !c->pool || !c->queries) {
		vx_say("no memory for the data of %s", job->name);
		return VX_MISSED;
	}
	for (i = 0; i < VX_POOL_ROWS; i++)
		vx_data_row(&c->data, (1ULL << 40) + i, 0, c->pool + i * c->dim);
	for (i = 0; i < c->nqueries; i++)
		vx_data_row(&c->data, i, 1, c->queries + i * c->dim);
	if (has_action(wl, VX_FILTERED) &&
	    (vexfs_layout_parse("tag:u32", &layout, &err) ||
	     vexfs_filter_compile(&layout, "tag == 7", &c->filter, &err))) {
		vx_say("filter: %s", err.text);
		return VX_MISSED;
	}
	ret = make(c);
	if (ret)
		return ret;
	if (fill(c))
		return VX_MISSED;
	if (vx_signal || !has_action(wl, VX_GRAPH))
		return VX_OK;
	return find_ef(c) ? VX_MISSED : VX_OK;
}

void vx_coll_drop(struct vx_job *job)
{
	struct vx_coll *c = job->coll;
	struct vexfs_error err;

	if (!c)
		return;
	if (c->handle) {
		vexfs_close(c->handle);
		if (vexfs_do_drop(vx_set.device, c->name, &err))
			vx_say("dropping %s: %s", c->name, err.text);
	}
	if (c->ids)
		munmap(c->ids, c->total * sizeof(*c->ids));
	free(c->pool);
	free(c->queries);
	vexfs_filter_free(&c->filter);
	vx_data_close(&c->data);
	free(c);
	job->coll = NULL;
}

struct names {
	char (*name)[VEXFS_NAME_SIZE];
	size_t n;
};

static int orphan(const struct vexfs_stat *st, void *arg)
{
	struct names *all = arg;
	int pid;
	void *grown;

	if (sscanf(st->name, NAME_PREFIX "%d.", &pid) != 1 || st->uid != geteuid())
		return 0;
	if (pid == getpid() || !kill(pid, 0) || errno != ESRCH)
		return 0;
	grown = realloc(all->name, (all->n + 1) * sizeof(*all->name));
	if (!grown)
		return 0;
	all->name = grown;
	memcpy(all->name[all->n++], st->name, VEXFS_NAME_SIZE);
	return 0;
}

void vx_coll_sweep(void)
{
	struct names all = { NULL, 0 };
	size_t i;

	if (!vexfs_do_list(vx_set.device, orphan, &all, NULL))
		for (i = 0; i < all.n; i++)
			if (!vexfs_do_drop(vx_set.device, all.name[i], NULL))
				vx_say("dropped %s, which a killed vexstress had left", all.name[i]);
	free(all.name);
}
