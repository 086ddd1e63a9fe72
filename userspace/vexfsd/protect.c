// SPDX-License-Identifier: GPL-2.0
/*
 * Writers in the kernel wait for this process, so this process must never wait for them.
 * It must not need memory that is freed only when they continue, nor a file system that
 * one of them serves.
 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <syslog.h>

#include "vexfsd.h"

#define FILES_MAX	(1u << 20)
#define FILES_FEW	4096u

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER	57
#endif

/* As many as there may be by default (fs.nr_open), or as many as we may have. */
static void allow_files(void)
{
	struct rlimit limit = { .rlim_cur = FILES_MAX, .rlim_max = FILES_MAX };

	if (!setrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		if (!setrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur >= FILES_FEW)
			return;
	}
	say(LOG_WARNING, "no more than %llu open files, of which each collection has three",
	    (unsigned long long)limit.rlim_cur);
}

void protect(void)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "we");

	if (!f || fputs("-1000", f) < 0 || fflush(f))
		say(LOG_WARNING, "the out-of-memory killer may take this process: %s",
		    strerror(errno));
	if (f)
		fclose(f);
	allow_files();
	/* Pages become resident on first use, and stay resident. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		say(LOG_WARNING, "memory may be swapped out: %s", strerror(errno));
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		say(LOG_WARNING, "memory may be reclaimed by writing: %s", strerror(errno));
}

/* The process behind a vexfs mount may wait for a durable change, which waits for this daemon. */
int store_place_ok(const char *path, char *why, size_t room)
{
	struct statfs fs;
	char parent[PATH_MAX];
	char *end;

	if (statfs(path, &fs)) {
		/* The store is created in its parent directory. */
		snprintf(parent, sizeof(parent), "%s", path);
		end = strrchr(parent, '/');
		if (end && end != parent)
			*end = 0;
		if (statfs(end && end != parent ? parent : "/", &fs)) {
			snprintf(why, room, "%s: %s", path, strerror(errno));
			return -errno;
		}
	}
	if (fs.f_type != FUSE_SUPER_MAGIC)
		return 0;
	snprintf(why, room, "%s lies on a FUSE mount, whose process may wait for this one", path);
	return -EINVAL;
}
