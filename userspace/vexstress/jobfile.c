// SPDX-License-Identifier: GPL-2.0
/*
 * Job files: INI, as fio's. [global] holds what all jobs share; every other
 * section is a job. Sections run at the same time unless one says "wait". A
 * mistake is reported with its line, and nothing runs.
 */
#include "vexstress.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s;
}

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
	near = vx_nearest(name, names, n);
	snprintf(why, size, "unknown workload '%s'%s%s%s", name, near ? "; did you mean '" : "",
		 near ? near : "", near ? "'?" : "");
	return -1;
}

static int set_key(struct vx_job *job, char *line, char *why, size_t size)
{
	char *eq = strchr(line, '='), *key = line, *value = NULL;

	if (eq) {
		*eq = 0;
		value = trim(eq + 1);
		key = trim(line);
	}
	if (!*key) {
		snprintf(why, size, "there is nothing before the '='");
		return -1;
	}
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

/* A job that was read is complete: does it make sense? */
static int finish_job(const struct vx_job *job, char *why, size_t size)
{
	char reason[200];

	if (!vx_job_check(job, reason, sizeof(reason)))
		return 0;
	snprintf(why, size, "job [%s]: %s", job->name, reason);
	return -1;
}

int vx_jobfile_read(const char *path, const struct vx_job *base, struct vx_job *jobs, int max)
{
	struct vx_job global = *base, *now = NULL;
	char buf[1024], why[400] = "";
	int line = 0, n = 0, section = 0, i;
	FILE *f = fopen(path, "re");

	if (!f) {
		vx_say("cannot read the job file %s: %s", path, strerror(errno));
		return -1;
	}
	while (fgets(buf, sizeof(buf), f)) {
		char *s, *end;

		line++;
		if (!strchr(buf, '\n') && !feof(f)) {
			snprintf(why, sizeof(why), "the line is longer than %zu bytes",
				 sizeof(buf) - 2);
			goto refuse;
		}
		s = trim(buf);
		if (!*s || *s == '#' || *s == ';')
			continue;
		if (*s != '[') {
			if (!now) {
				snprintf(why, sizeof(why), "a key before the first [section]");
				goto refuse;
			}
			if (set_key(now, s, why, sizeof(why)))
				goto refuse;
			continue;
		}
		end = strchr(s, ']');
		if (!end || end[1]) {
			snprintf(why, sizeof(why), "a section is written [name]");
			goto refuse;
		}
		*end = 0;
		s = trim(s + 1);
		if (!*s || strlen(s) >= VX_NAME_SIZE || strpbrk(s, "/ \t")) {
			snprintf(why, sizeof(why),
				 "a section name is 1 to %d characters without '/' or space",
				 VX_NAME_SIZE - 1);
			goto refuse;
		}
		if (now && now != &global && finish_job(now, why, sizeof(why))) {
			line = section;
			goto refuse;
		}
		section = line;
		if (!strcmp(s, "global")) {
			if (n) {
				snprintf(why, sizeof(why), "[global] must come before the jobs");
				goto refuse;
			}
			now = &global;
			continue;
		}
		for (i = 0; i < n; i++) {
			if (!strcmp(jobs[i].name, s)) {
				snprintf(why, sizeof(why), "there already is a job [%s]", s);
				goto refuse;
			}
		}
		if (n == max) {
			snprintf(why, sizeof(why), "more than %d jobs", max);
			goto refuse;
		}
		now = &jobs[n++];
		*now = global;
		snprintf(now->name, sizeof(now->name), "%s", s);
		/* A section named after a workload needs no workload key. */
		if (!now->workload)
			now->workload = vx_workload_find(s);
	}
	if (ferror(f)) {
		vx_say("cannot read the job file %s: %s", path, strerror(errno));
		fclose(f);
		return -1;
	}
	if (now && now != &global && finish_job(now, why, sizeof(why))) {
		line = section;
		goto refuse;
	}
	fclose(f);
	if (!n)
		vx_say("the job file %s has no job in it", path);
	return n ? n : -1;
refuse:
	fclose(f);
	vx_say("%s, line %d: %s", path, line, why);
	return -1;
}
