// SPDX-License-Identifier: GPL-2.0
/*
 * Turns an errno into a sentence: the meanings that all operations share. Meanings of one
 * operation are in its own file.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "escape.h"
#include "internal.h"

static int fail_v(struct vexfs_error *err, int code, unsigned int position, const char *fmt,
		  va_list args)
{
	char text[sizeof(err->text)];

	if (err) {
		err->code = code;
		err->position = position;
		vsnprintf(text, sizeof(text), fmt, args);
		escape_text(err->text, sizeof(err->text), text, strlen(text));
	}
	return -code;
}

int vexfs_fail(struct vexfs_error *err, int code, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = fail_v(err, code, 0, fmt, args);
	va_end(args);
	return ret;
}

int vexfs_fail_at(struct vexfs_error *err, int code, unsigned int position, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = fail_v(err, code, position, fmt, args);
	va_end(args);
	return ret;
}

void vexfs_error_clear(struct vexfs_error *err)
{
	if (err) {
		err->code = 0;
		err->position = 0;
		err->text[0] = '\0';
	}
}

int vexfs_call(int fd, unsigned long op, void *req)
{
	return ioctl(fd, op, req) < 0 ? errno : 0;
}

int vexfs_request_on(int fd, unsigned long op, void *req)
{
	int e;

	do
		e = vexfs_call(fd, op, req);
	while (e == EINTR);
	return e;
}

int vexfs_explain(const struct vexfs *h, struct vexfs_error *err, int code, const char *what,
		  uint64_t deadline_ns)
{
	const char *name = h->name;

	switch (code) {
	case ENOENT:
		return vexfs_fail(err, code, "%s: collection '%s' was dropped", what, name);
	case EACCES:
		if (!(h->access & VEXFS_ATTACH_WRITE))
			return vexfs_fail(err, code, "%s: '%s' is open for reading only", what, name);
		if (!(h->access & VEXFS_ATTACH_READ))
			return vexfs_fail(err, code, "%s: '%s' is open for writing only", what, name);
		return vexfs_fail(err, code, "%s: owner and mode of '%s' do not allow it", what,
				  name);
	case EPERM:
		return vexfs_fail(err, code, "%s: only the owner of '%s' or an administrator may",
				  what, name);
	case ENOMEM:
		return vexfs_fail(err, code, "%s: the kernel has no memory for this", what);
	case ETIME:
		return vexfs_fail(err, code, "%s: not done within the deadline of %.3f ms", what,
				  (double)deadline_ns / 1e6);
	case EINTR:
		return vexfs_fail(err, code, "%s: interrupted by a signal", what);
	case EFAULT:
		return vexfs_fail(err, code, "%s: a pointer in the request leads to no memory",
				  what);
	case EINVAL:
		return vexfs_fail(err, code,
				  "%s: '%s' (%u-dimensional, %s, %s) does not take these arguments",
				  what, name, h->dim, vexfs_type_name(h->type),
				  vexfs_metric_name(h->metric));
	case ENOTTY:
	case EOPNOTSUPP:
		return vexfs_fail(err, code, "%s: the loaded module does not have this operation",
				  what);
	case EROFS:
		return vexfs_fail(err, code,
				  "%s: the storage of '%s' has failed or is not there: it is read-only",
				  what, name);
	case ENODEV:
		return vexfs_fail(err, code, "%s '%s': vexfs is not loaded", what, name);
	case ESTALE:
		return vexfs_fail(err, code, "%s: '%s' is another collection now, of another shape",
				  what, name);
	case EDEADLK:
		return vexfs_fail(err, code, "%s: the storage daemon cannot wait for itself", what);
	case EBADF:
		return vexfs_fail(err, code, "%s: the handle's descriptor is not open for this",
				  what);
	default:
		return vexfs_fail(err, code, "%s '%s': %s", what, name, strerror(code));
	}
}

bool vexfs_is_dropped(const struct vexfs *h)
{
	struct vexfs_stat st = { .size = sizeof(st) };
	int e = vexfs_handle_call(h, VEXFS_IOC_STAT, &st);

	return e == ENOENT || (!e && (st.flags & VEXFS_STAT_DROPPED));
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Without a deadline the clock is not read, which may cost a system call. */
void vexfs_deadline_start(struct vexfs_deadline *clock, uint64_t deadline_ns)
{
	clock->deadline_ns = deadline_ns;
	clock->start_ns = deadline_ns ? now_ns() : 0;
}

int vexfs_deadline_left(const struct vexfs_deadline *clock, __u64 *left)
{
	uint64_t gone;

	*left = 0;
	if (!clock->deadline_ns)
		return 0;
	gone = now_ns() - clock->start_ns;
	if (gone >= clock->deadline_ns)
		return ETIME;
	*left = clock->deadline_ns - gone;
	return 0;
}
