// SPDX-License-Identifier: GPL-2.0
/*
 * Job files in INI format, like fio's. [global] holds what all jobs share; every other
 * section is a job. Jobs run at the same time unless one says "wait". An error is
 * reported with its line, and nothing runs.
 */
#include "ini.h"
#include "vexstress.h"

#include <string.h>

static int set_workload(struct vx_job *job, const char *name, char *why, size_t size)
{
	const char *names[32], *near;
	const struct vx_workload *wl;
	size_t n;

	job->workload = vx_workload_find(name);
	if (job->workload)
		return 0;
	for (n = 0; n < 32 && (wl = vx_workload_at(n)); n++)
		names[n] = wl->name;
	near = nearest_name(name, names, n);
	snprintf(why, size, "unknown workload '%s'%s%s%s", name, near ? "; did you mean '" : "",
		 near ? near : "", near ? "'?" : "");
	return -1;
}

static int set_key(struct vx_job *job, const char *key, const char *value, char *why, size_t size)
{
	if (!strcmp(key, "workload") || !strcmp(key, "class")) {
		if (!value || !*value) {
			snprintf(why, size, "%s needs a value", key);
			return -1;
		}
		return set_workload(job, value, why, size);
	}
	if (!strcmp(key, "wait") || !strcmp(key, "stonewall")) {
		job->wait = true;
		return 0;
	}
	return vx_option_set(job, key, value, why, size);
}

/* Checks a complete job for contradictions. */
static int finish_job(const struct vx_job *job, char *why, size_t size)
{
	char reason[200];

	if (!vx_job_check(job, reason, sizeof(reason)))
		return 0;
	snprintf(why, size, "job [%s]: %s", job->name, reason);
	return -1;
}

struct reading {
	struct vx_job global, *now, *jobs;
	int n, max;
};

static int begin_section(struct reading *r, const char *name, char *why, size_t size)
{
	int i;

	if (r->now && r->now != &r->global && finish_job(r->now, why, size))
		return -1;
	if (!*name || strlen(name) >= VX_NAME_SIZE || strpbrk(name, "/ \t")) {
		snprintf(why, size, "a section name is 1 to %d characters without '/' or space",
			 VX_NAME_SIZE - 1);
		return -1;
	}
	if (strcmp(shown(name), name)) {
		snprintf(why, size, "a section name has no control characters and is UTF-8");
		return -1;
	}
	if (!strcmp(name, "global")) {
		if (r->n) {
			snprintf(why, size, "[global] must come before the jobs");
			return -1;
		}
		r->now = &r->global;
		return 0;
	}
	for (i = 0; i < r->n; i++) {
		if (!strcmp(r->jobs[i].name, name)) {
			snprintf(why, size, "there already is a job [%s]", name);
			return -1;
		}
	}
	if (r->n == r->max) {
		snprintf(why, size, "more than %d jobs", r->max);
		return -1;
	}
	r->now = &r->jobs[r->n++];
	*r->now = r->global;
	snprintf(r->now->name, sizeof(r->now->name), "%s", name);
	/* A section named after a workload needs no workload key. */
	if (!r->now->workload)
		r->now->workload = vx_workload_find(name);
	return 0;
}

static int on_line(void *arg, const char *section, const char *key, const char *value, char *why,
		   size_t size)
{
	struct reading *r = arg;

	return key ? set_key(r->now, key, value, why, size)
		   : begin_section(r, section, why, size);
}

int vx_jobfile_read(const char *path, const struct vx_job *base, struct vx_job *jobs, int max)
{
	struct reading r = { .global = *base, .jobs = jobs, .max = max };
	char why[600];

	if (ini_read(path, on_line, &r, why, sizeof(why))) {
		vx_say("job file %s", why);
		return -1;
	}
	if (!r.n) {
		vx_say("the job file %s has no job in it", path);
		return -1;
	}
	if (finish_job(r.now, why, sizeof(why))) {
		vx_say("job file %s: %s", path, why);
		return -1;
	}
	return r.n;
}
