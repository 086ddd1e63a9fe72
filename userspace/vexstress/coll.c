// SPDX-License-Identifier: GPL-2.0
/*
 * Creates, fills and drops the collection of a job. Its name contains the pid of its
 * vexstress and the number of that pid's namespace, so that the next vexstress there
 * finds and drops what a killed one left.
 */
#include "coll.h"
#include "transport.h"
#include "kstat.h"
#include "mounted.h"
#include "storage.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_PREFIX	"vexstress."
#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+-"
#define FILL_BATCH	1024

/* The number of our pid namespace; 0 if /proc does not say. */
static unsigned long long pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (unsigned long long)st.st_ino;
}

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
	req.durability = job->durability;
	ret = vexfs_do_create(vx_set.device, &req, c->name, "tag:u32", &c->handle, &err);
	if (ret) {
		vx_say("%s", err.text);
		return err.code == ENODEV || err.code == ENOENT ? VX_NO_DEVICE : VX_MISSED;
	}
	return VX_OK;
}

/*
 * Memory for many rows, populated at once: page faults would take longer than generating
 * the rows, above all in a lab.
 */
static float *rows_alloc(struct vx_coll *c)
{
	size_t bytes = vx_coll_room(c) * sizeof(float);
	void *p;

	if (!c->job->pages) {
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, bytes, c->job->pages == VX_PAGES_HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		snprintf(c->job->note, sizeof(c->job->note),
			 "this kernel gives no choice of pages: %s", strerror(errno));
	memset(p, 0, bytes);
	return p;
}

/* A job that exchanges the variant must be able to, and what was chosen comes back. */
static int prepare_switch(struct vx_coll *c)
{
	char now[256];

	if (!vx_has_action(c->job->workload, VX_SWITCH))
		return VX_OK;
	if (vx_param_get("simd", now, sizeof(now))) {
		snprintf(c->job->note, sizeof(c->job->note), "this module has no parameter simd");
		return VX_SKIPPED;
	}
	vx_param_chosen(now);
	if (vx_param_set("simd", now)) {
		snprintf(c->job->note, sizeof(c->job->note), "the parameter simd cannot be set: %s",
			 strerror(errno));
		return VX_SKIPPED;
	}
	snprintf(c->simd, sizeof(c->simd), "%.31s", now);
	return VX_OK;
}

/* The rows to send, and the rows as they will be stored: answers are computed from the latter. */
static int make_rows(struct vx_coll *c)
{
	uint64_t i;

	c->nqueries = c->job->batch > 1024 ? c->job->batch * 2 : 2048;
	c->npool = vx_has_action(c->job->workload, VX_UPSERT) ||
		   vx_has_action(c->job->workload, VX_FILE_WRITE) ||
		   vx_has_action(c->job->workload, VX_ABUSE) ? VX_POOL_ROWS : 0;
	c->queries = rows_alloc(c);
	c->queries_held = c->job->type == VEXFS_TYPE_F32 ? c->queries : rows_alloc(c);
	if (!c->queries || !c->queries_held)
		return -1;
	c->pool = c->queries + c->nqueries * c->dim;
	c->pool_held = c->queries_held + c->nqueries * c->dim;
	for (i = 0; i < c->npool; i++)
		vx_data_row(&c->data, (1ULL << 40) + i, 0, c->pool + i * c->dim);
	for (i = 0; i < c->nqueries; i++)
		vx_data_row(&c->data, i, 1, c->queries + i * c->dim);
	if (c->queries_held != c->queries)
		vx_hold(c->job->type, c->queries, c->queries_held, vx_coll_room(c));
	return 0;
}

static void free_rows(struct vx_coll *c)
{
	if (c->queries_held && c->queries_held != c->queries)
		munmap(c->queries_held, vx_coll_room(c) * sizeof(float));
	if (c->queries)
		munmap(c->queries, vx_coll_room(c) * sizeof(float));
}

/* Whether module and kernel have what the workload needs; else why not in job->note. */
static bool has_parts(struct vx_job *job, const struct vexfs_info *info)
{
	const struct vx_transport_ops *transport = vx_transport_of(job->workload);

	if (job->workload->needs_index == VEXFS_INDEX_GRAPH &&
	    !(info->features & VEXFS_FEATURE_GRAPH)) {
		snprintf(job->note, sizeof(job->note), "this module has no graph");
		return false;
	}
	return !transport || transport->there(job->note, sizeof(job->note));
}

int vx_coll_setup(struct vx_job *job)
{
	static unsigned int serial;
	const struct vx_workload *wl = job->workload;
	struct vexfs_info info = { 0 };
	struct vexfs_layout layout;
	struct vexfs_error err;
	struct vx_coll *c;
	int ret;

	if (vexfs_do_info(vx_set.device, &info, &err)) {
		vx_say("%s", err.text);
		return VX_NO_DEVICE;
	}
	if (!has_parts(job, &info))
		return VX_SKIPPED;
	c = calloc(1, sizeof(*c));
	if (!c)
		return VX_MISSED;
	job->coll = c;
	c->job = job;
	if (!job->metric)
		job->metric = job->type == VEXFS_TYPE_B1 ? VEXFS_METRIC_HAMMING : VEXFS_METRIC_L2;
	c->dim = (uint32_t)job->dim;
	c->base = job->vectors ? job->vectors : wl->vectors;
	c->ef = job->ef;
	snprintf(c->name, sizeof(c->name), NAME_PREFIX "%d.%llu.%u.%.18s", (int)getpid(),
		 pid_namespace(), serial++, job->name);
	/* names of jobs are free, those of collections are not */
	for (char *at = c->name; *(at += strspn(at, NAME_CHARS));)
		*at = '_';
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
	c->total = c->base + (vx_has_action(wl, VX_INSERT) ? c->base / 2 + 4 * VX_WORKERS_MAX : 0);
	c->ids = mmap(NULL, c->total * sizeof(*c->ids), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->ids == MAP_FAILED)
		c->ids = NULL;
	if (!c->ids || make_rows(c)) {
		vx_say("no memory for the data of %s", job->name);
		return VX_MISSED;
	}
	/* small pages that cannot be had otherwise are what there is */
	if (job->note[0] && job->pages == VX_PAGES_HUGE)
		return VX_SKIPPED;
	ret = prepare_switch(c);
	if (!ret && job->durability)
		ret = vx_storage_start(job);
	if (ret)
		return ret;
	if (vx_has_action(wl, VX_FILTERED) &&
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
	if (wl->mounted) {
		ret = vx_mount_start(c, job->note, sizeof(job->note));
		if (ret)
			return ret;
	}
	if (vx_signal || !vx_has_action(wl, VX_GRAPH))
		return VX_OK;
	return vx_find_ef(c) ? VX_MISSED : VX_OK;
}

void vx_coll_drop(struct vx_job *job)
{
	struct vx_coll *c = job->coll;
	struct vexfs_error err;

	if (!c)
		return;
	vx_mount_stop(c);
	if (c->handle) {
		vexfs_close(c->handle);
		if (vexfs_do_drop(vx_set.device, c->name, &err))
			vx_say("dropping %s: %s", c->name, err.text);
	}
	vx_storage_stop();
	if (c->simd[0] && vx_param_set("simd", c->simd))
		vx_say("cannot set simd back to %s: %s", c->simd, strerror(errno));
	if (c->ids)
		munmap(c->ids, c->total * sizeof(*c->ids));
	free_rows(c);
	vexfs_filter_free(&c->filter);
	vx_data_close(&c->data);
	free(c);
	job->coll = NULL;
}

struct names {
	unsigned long long space;
	char (*name)[VEXFS_NAME_SIZE];
	size_t n;
};

static int orphan(const struct vexfs_stat *st, void *arg)
{
	unsigned long long space;
	struct names *all = arg;
	int pid;
	void *grown;

	if (sscanf(st->name, NAME_PREFIX "%d.%llu.", &pid, &space) != 2 || st->uid != geteuid())
		return 0;
	/* A pid is valid in its own namespace only: in another one its run may be alive. */
	if (!space || space != all->space)
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
	struct names all = { pid_namespace(), NULL, 0 };
	size_t i;

	if (!vexfs_do_list(vx_set.device, orphan, &all, NULL))
		for (i = 0; i < all.n; i++)
			if (!vexfs_do_drop(vx_set.device, all.name[i], NULL))
				vx_say("dropped %s, which a killed vexstress had left", all.name[i]);
	free(all.name);
}
