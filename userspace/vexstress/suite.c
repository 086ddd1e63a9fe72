// SPDX-License-Identifier: GPL-2.0
/*
 * The table of suites. A job in it is a workload with keys of its own and, perhaps, a
 * parameter of the module that is set while it runs.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static const struct vx_suite suites[] = {
	{ "alloc", "buffers of one search call: small, large, and small without the pools" },
	{ "pool", "the pools under a storm of all sizes, on and off" },
	{ "dispatch", "cost of a call to the arithmetic: the shortest distance, by variant, and "
		      "with variants exchanged meanwhile" },
	{ "isa", "exact search by each instruction set that the processor has" },
	{ "tlb", "long batches from small pages and from huge ones" },
	{ "fuse", "requests on a mount: names, files, neighbours" },
	{ "async", "asynchronous ops: one at a time, many, and at all priorities" },
	{ "ring", "small ops through io_uring, one at a time and many; and by a system call each" },
	{ "durable", "vectors stored under each kind of durability" },
};

/**
 * struct suite_job - a job of a suite
 * @suite: which
 * @name: of the job
 * @workload: what it runs
 * @keys: keys of the job, as a job file has them: "batch=64 k=1"
 * @setting: parameter of the module while it runs, "simd=scalar", or NULL
 */
static const struct suite_job {
	const char *suite, *name, *workload, *keys, *setting;
} list[] = {
	{ "alloc", "alloc-small", "pools", "vectors=64", "pool_enabled=1" },
	{ "alloc", "alloc-large", "simd", "vectors=1024 batch=8 k=1000", "pool_enabled=1" },
	{ "alloc", "alloc-unpooled", "pools", "vectors=64", "pool_enabled=0" },
	{ "pool", "pool-on", "pools", "", "pool_enabled=1" },
	{ "pool", "pool-off", "pools", "", "pool_enabled=0" },
	{ "dispatch", "dispatch-best", "call", "dim=8", "simd=auto" },
	{ "dispatch", "dispatch-scalar", "call", "dim=8", "simd=scalar" },
	{ "dispatch", "dispatch-switch", "switch", "dim=8", NULL },
	{ "isa", "isa-scalar", "simd", "", "simd=scalar" },
	{ "isa", "isa-avx2", "simd", "", "simd=avx2" },
	{ "isa", "isa-avx512", "simd", "", "simd=avx512" },
	{ "tlb", "tlb-small", "rows", "vectors=8192 dim=512 batch=1024 pages=small", NULL },
	{ "tlb", "tlb-huge", "rows", "vectors=8192 dim=512 batch=1024 pages=huge", NULL },
	{ "fuse", "fuse-meta", "fuse-meta", "", NULL },
	{ "fuse", "fuse-io", "fuse-io", "", NULL },
	{ "fuse", "fuse-near", "fuse-near", "", NULL },
	{ "async", "async-one", "submit", "depth=1", NULL },
	{ "async", "async-many", "submit", "depth=32", NULL },
	{ "async", "async-priorities", "bridge", "depth=32", NULL },
	{ "ring", "ring-one", "uring", "depth=1", NULL },
	{ "ring", "ring-many", "uring", "depth=32", NULL },
	{ "ring", "ring-call", "point", "", NULL },
	{ "durable", "durable-none", "store", "durability=none", NULL },
	{ "durable", "durable-async", "store", "durability=async", NULL },
	{ "durable", "durable-group", "store", "durability=group", NULL },
	{ "durable", "durable-sync", "store", "durability=sync", NULL },
};

const struct vx_suite *vx_suite_at(size_t i)
{
	return i < ARRAY_SIZE(suites) ? &suites[i] : NULL;
}

static int set_keys(struct vx_job *job, const char *keys)
{
	char copy[128], why[300], *p, *save, *eq;

	snprintf(copy, sizeof(copy), "%s", keys);
	for (p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		eq = strchr(p, '=');
		*eq = 0;
		if (vx_option_set(job, p, eq + 1, why, sizeof(why))) {
			vx_say("%s: %s", job->name, why);
			return -1;
		}
	}
	if (!vx_job_check(job, why, sizeof(why)))
		return 0;
	vx_say("%s: %s", job->name, why);
	return -1;
}

int vx_suite_add(const char *name, const struct vx_job *base, struct vx_job *jobs, size_t room)
{
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		struct vx_job *job = &jobs[n];

		if (strcmp(list[i].suite, name))
			continue;
		if (n == room) {
			vx_say("more than %d jobs", VX_JOBS_MAX);
			return -1;
		}
		*job = *base;
		job->wait = true;
		job->suite = true;
		job->setting = list[i].setting;
		job->workload = vx_workload_find(list[i].workload);
		snprintf(job->name, sizeof(job->name), "%s", list[i].name);
		if (set_keys(job, list[i].keys))
			return -1;
		n++;
	}
	return (int)n;
}

static void refuse(const char *name, const struct vx_job *jobs, size_t n)
{
	const char *names[VX_JOBS_MAX], *near;
	size_t i;

	for (i = 0; i < n; i++)
		names[i] = jobs[i].name;
	near = nearest_name(name, names, n);
	vx_say("--tests: none of the jobs is called '%s'%s%s%s", name, near ? "; did you mean '" : "",
	       near ? near : "", near ? "'?" : "");
}

int vx_tests_pick(struct vx_job *jobs, size_t n)
{
	bool keep[VX_JOBS_MAX] = { false };
	char *copy = strdup(vx_set.tests), *name, *save = NULL;
	size_t i, k = 0;
	int ret = -1;

	for (name = copy ? strtok_r(copy, ",", &save) : NULL; name; name = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < n && strcmp(jobs[i].name, name); i++)
			;
		if (i == n) {
			refuse(name, jobs, n);
			goto out;
		}
		keep[i] = true;
	}
	for (i = 0; i < n; i++)
		if (keep[i])
			jobs[k++] = jobs[i];
	if (k)
		ret = (int)k;
	else
		vx_say("--tests names no job");
out:
	free(copy);
	return ret;
}
