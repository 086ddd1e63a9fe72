// SPDX-License-Identifier: GPL-2.0
/*
 * The calling process of a request, and what the module would allow it. Inside a
 * collection the kernel checks owner, group and mode (default_permissions). This file
 * decides what the kernel cannot know: which collections a caller may see by name, and
 * who owns a new one.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caller.h"
#include "mount.h"

#define GROUPS_MAX	65536
#define CAP_BIT_DAC_OVERRIDE	1
#define CAP_BIT_DAC_READ_SEARCH	2

/* Supplementary groups and capabilities of the calling thread. */
struct caller {
	gid_t *groups;
	int n;
	uint64_t caps;
};

static void read_groups(struct caller *c, char *text)
{
	char *at = text, *end;
	int room = 0;

	for (;;) {
		unsigned long v = strtoul(at, &end, 10);
		gid_t *more;

		if (end == at)
			return;
		if (c->n == room) {
			room = room ? 2 * room : 32;
			more = room > GROUPS_MAX ? NULL : realloc(c->groups, room * sizeof(*more));
			if (!more)
				return;
			c->groups = more;
		}
		c->groups[c->n++] = (gid_t)v;
		at = end;
	}
}

/* What cannot be read counts as nothing: a process that has ended has no groups. */
static void caller_read(struct caller *c, pid_t pid)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;

	memset(c, 0, sizeof(*c));
	if (pid <= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &room, f) > 0) {
		if (!strncmp(line, "Groups:", 7))
			read_groups(c, line + 7);
		else if (!strncmp(line, "CapEff:", 7))
			c->caps = strtoull(line + 7, NULL, 16);
	}
	free(line);
	fclose(f);
}

static bool in_group(const struct caller *c, gid_t gid)
{
	int i;

	for (i = 0; i < c->n; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

bool caller_may(fuse_req_t req, const struct vexfs_stat *st, unsigned int want)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct caller c;
	unsigned int bits;
	bool may;

	/* No other user can use the mount, and the module has checked this one. */
	if (!opt->allow_other)
		return true;
	if (ctx->uid == st->uid)
		bits = st->mode >> 6;
	else if (ctx->gid == st->gid)
		bits = st->mode >> 3;
	else if (((st->mode >> 3) & want) == (st->mode & want))
		bits = st->mode;	/* the result is the same for members and others */
	else
		bits = 8;
	if (bits != 8 && !(want & ~bits))
		return true;
	if (bits != 8 && ctx->uid)
		return false;
	caller_read(&c, ctx->pid);
	if (bits == 8)
		bits = in_group(&c, st->gid) ? st->mode >> 3 : st->mode;
	may = !(want & ~bits) || (c.caps >> CAP_BIT_DAC_OVERRIDE & 1) ||
	      (!(want & 2) && (c.caps >> CAP_BIT_DAC_READ_SEARCH & 1));
	free(c.groups);
	return may;
}

/* glibc's functions change all threads; these system calls change only the calling one. */
static int set_ids(uid_t uid, gid_t gid)
{
	if (syscall(SYS_setresgid, -1, gid, -1))
		return errno;
	if (syscall(SYS_setresuid, -1, uid, -1))
		return errno;
	return 0;
}

static __thread bool acting;
static __thread gid_t own_groups[64];
static __thread int own_ngroups;

int caller_begin(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct caller c;
	int err;

	acting = false;
	if (geteuid())
		return ctx->uid == geteuid() ? 0 : EPERM;
	if (!ctx->uid && !ctx->gid)
		return 0;
	own_ngroups = getgroups(64, own_groups);
	if (own_ngroups < 0)
		return errno;
	caller_read(&c, ctx->pid);
	err = syscall(SYS_setgroups, (size_t)c.n, c.groups) ? errno : 0;
	free(c.groups);
	if (err)
		return err;
	acting = true;
	err = set_ids(ctx->uid, ctx->gid);
	if (err)
		caller_end();
	return err;
}

void caller_end(void)
{
	if (!acting)
		return;
	acting = false;
	/* A thread that cannot restore its own credentials must not answer another request. */
	if (syscall(SYS_setresuid, -1, 0, -1) || syscall(SYS_setresgid, -1, 0, -1) ||
	    syscall(SYS_setgroups, (size_t)own_ngroups, own_groups))
		abort();
}
