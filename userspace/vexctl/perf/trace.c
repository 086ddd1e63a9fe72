// SPDX-License-Identifier: GPL-2.0
/*
 * Reads trace events through a tracefs instance of its own, so that other users of
 * tracing are not affected; the instance is removed at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

#define TRACEFS	"/sys/kernel/tracing"

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static struct trace_row *row_of(struct trace *t, const char *caller, unsigned int bucket,
				unsigned int tier)
{
	struct trace_row *r;

	for (size_t i = 0; i < t->n; i++)
		if (t->row[i].bucket == bucket && t->row[i].tier == tier &&
		    !strcmp(t->row[i].caller, caller))
			return &t->row[i];
	if (t->n == TRACE_ROWS)
		return NULL;
	r = &t->row[t->n++];
	*r = (struct trace_row){ .bucket = bucket, .tier = tier };
	snprintf(r->caller, sizeof(r->caller), "%s", caller);
	return r;
}

struct taking {
	struct trace *t;
	trace_fn fn;
	void *arg;
};

static void take_line(const char *line, void *taking)
{
	struct taking *to = taking;
	struct trace *t = to->t;
	const char *s = strstr(line, "vexfs_pool_alloc: caller=");
	unsigned int tier, bucket = 0;
	struct trace_row *r;
	char caller[80];
	size_t size;

	if (!s) {
		t->frees += strstr(line, "vexfs_pool_free: ") != NULL;
		t->lost += strstr(line, "LOST") != NULL;
		return;
	}
	s += strlen("vexfs_pool_alloc: caller=");
	snprintf(caller, sizeof(caller), "%.*s", (int)strcspn(s, "+ "), s);
	s = strstr(s, " size=");
	if (!s || sscanf(s, " size=%zu tier=%u", &size, &tier) != 2)
		return;
	while (bucket < 30 && size > (size_t)64 << bucket)
		bucket++;
	t->allocs++;
	if (to->fn)
		to->fn(caller, size, tier, to->arg);
	r = row_of(t, caller, bucket, tier);
	if (!r) {
		t->lost++;
		return;
	}
	r->count++;
	r->bytes += size;
}

static void read_pipe(int fd, int64_t end, trace_line_fn fn, void *arg)
{
	static char buf[1 << 16];
	size_t have = 0;

	while (!stop_wanted()) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - perf_now_ms();
		ssize_t n;

		if (left <= 0)
			return;
		poll(&p, 1, left < 100 ? (int)left : 100);
		n = read(fd, buf + have, sizeof(buf) - 1 - have);
		if (n <= 0) {
			/* An empty pipe is polled again after a pause. */
			if (p.revents)
				usleep(10000);
			continue;
		}
		have += (size_t)n;
		buf[have] = '\0';
		for (char *nl; (nl = strchr(buf, '\n')); ) {
			*nl = '\0';
			fn(buf, arg);
			have -= (size_t)(nl + 1 - buf);
			memmove(buf, nl + 1, have + 1);
		}
		if (have == sizeof(buf) - 1)
			have = 0;
	}
}

static int by_bytes(const void *a, const void *b)
{
	const struct trace_row *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->caller, y->caller);
}

int trace_lines(int64_t ms, const char *const *events, trace_line_fn fn, void *arg)
{
	char dir[100], path[200];
	int fd, ret = 0;

	if (access(TRACEFS "/instances", F_OK))
		return -errno;
	snprintf(dir, sizeof(dir), TRACEFS "/instances/vexctl-%d", (int)getpid());
	if (mkdir(dir, 0700))
		return -errno;
	snprintf(path, sizeof(path), "%s/trace_pipe", dir);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		ret = -errno;
	for (size_t i = 0; !ret && events[i]; i++) {
		snprintf(path, sizeof(path), "events/%s/enable", events[i]);
		if (write_file(dir, path, "1"))
			ret = -errno;
	}
	if (!ret)
		read_pipe(fd, perf_now_ms() + ms, fn, arg);
	if (fd >= 0)
		close(fd);
	write_file(dir, "events/enable", "0");
	rmdir(dir);
	return ret;
}

int trace_pools(struct ctl *c, int64_t ms, struct trace *t, trace_fn fn, void *arg)
{
	static const char *const events[] = { "vexfs/vexfs_pool_alloc", "vexfs/vexfs_pool_free", NULL };
	struct taking to = { t, fn, arg };
	int err;

	memset(t, 0, sizeof(*t));
	if (access(TRACEFS "/instances", F_OK)) {
		ctl_refuse(c, errno, errno == EACCES ? "tracing takes root" :
			   "the kernel does not trace, or tracefs is not mounted on " TRACEFS);
		return EXIT_CANNOT_TELL;
	}
	stop_on_signals();
	err = trace_lines(ms, events, take_line, &to);
	if (err)
		return ctl_refuse(c, -err, "cannot enable the trace events of vexfs: %s",
				  strerror(-err));
	qsort(t->row, t->n, sizeof(t->row[0]), by_bytes);
	return 0;
}
