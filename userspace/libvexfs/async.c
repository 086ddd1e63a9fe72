// SPDX-License-Identifier: GPL-2.0
/* Ops that are submitted, and whose completions are reaped. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

#define PART		64u	/* completions that are dispatched together */
#define REQUEST_MAX	4096u	/* bytes of a structure, beyond all there will be */

ssize_t vexfs_submit_many(struct vexfs *h, const struct vexfs_submission *ops, size_t count,
			  struct vexfs_error *err)
{
	struct vexfs_submit req = { .size = sizeof(req) };
	size_t done = 0;
	int e = 0;

	vexfs_error_clear(err);
	if (!count)
		return vexfs_fail(err, EINVAL, "submit: no ops");
	while (done < count && !e) {
		size_t n = count - done;

		req.entries = (uintptr_t)(ops + done);
		req.count = n < VEXFS_SUBMIT_MAX ? (uint32_t)n : VEXFS_SUBMIT_MAX;
		e = vexfs_handle_call(h, VEXFS_IOC_SUBMIT, &req);
		done += req.done;
	}
	switch (e) {
	case 0:
		break;
	case EBUSY:
		vexfs_fail(err, e, "submit: as many ops of this handle of '%s' as may be are under way",
			   h->name);
		break;
	case EINVAL:
		vexfs_fail(err, e, "submit: op %zu has a size, a priority or flags that are not valid",
			   done);
		break;
	case ENOTTY:
	case EOPNOTSUPP:
		vexfs_fail(err, e, "submit: the loaded module cannot queue operation 0x%x",
			   ops[done].cmd);
		break;
	default:
		vexfs_explain(h, err, e, "submit", 0);
	}
	return done ? (ssize_t)done : -e;
}

int vexfs_submit(struct vexfs *h, uint32_t op, void *req, size_t size, uint64_t user_data,
		 struct vexfs_error *err)
{
	const struct vexfs_submission one = {
		.user_data = user_data, .arg = (uintptr_t)req, .cmd = op,
	};
	uint32_t bytes = (uint32_t)size;
	ssize_t n;

	if (size < sizeof(bytes) || size > REQUEST_MAX)
		return vexfs_fail(err, EINVAL, "submit: a structure of %zu bytes", size);
	/* every structure begins with it */
	memcpy(req, &bytes, sizeof(bytes));
	n = vexfs_submit_many(h, &one, 1, err);
	return n < 0 ? (int)n : 0;
}

ssize_t vexfs_reap(struct vexfs *h, struct vexfs_completion *done, size_t max, size_t min,
		   uint64_t timeout_ns, struct vexfs_error *err)
{
	struct vexfs_reap req = {
		.size = sizeof(req), .completions = (uintptr_t)done, .timeout_ns = timeout_ns,
	};
	int e;

	vexfs_error_clear(err);
	if (!max || min > max)
		return vexfs_fail(err, EINVAL, "reap: %zu completions with room for %zu", min, max);
	req.max = max < VEXFS_SUBMIT_MAX ? (uint32_t)max : VEXFS_SUBMIT_MAX;
	req.min = min < req.max ? (uint32_t)min : req.max;
	e = vexfs_handle_call(h, VEXFS_IOC_REAP, &req);
	if (!e)
		return req.got;
	if (e == ETIME)
		return vexfs_fail(err, e, "reap: nothing of '%s' was done within %.3f ms", h->name,
				  (double)timeout_ns / 1e6);
	return vexfs_explain(h, err, e, "reap", 0);
}

static const char *op_name(uint32_t op)
{
	switch (op) {
	case VEXFS_IOC_PUT:
		return "put";
	case VEXFS_IOC_GET:
		return "get";
	case VEXFS_IOC_DELETE:
		return "delete";
	case VEXFS_IOC_DISTANCE:
		return "distance";
	case VEXFS_IOC_WALK:
		return "walk";
	case VEXFS_IOC_SEARCH:
		return "search";
	case VEXFS_IOC_CLASSIFY:
		return "classify";
	case VEXFS_IOC_ROWS:
		return "rows";
	default:
		return "op";
	}
}

int vexfs_result(const struct vexfs *h, uint32_t op, const struct vexfs_completion *done,
		 struct vexfs_error *err)
{
	const char *what = op_name(op);

	vexfs_error_clear(err);
	switch (-done->res) {
	case 0:
		return 0;
	case ECANCELED:
		return vexfs_fail(err, ECANCELED, "%s: it was cancelled", what);
	case ETIME:
		return vexfs_fail(err, ETIME,
				  "%s: not done by its deadline: it waited %.3f ms and ran %.3f ms", what,
				  (double)done->queued_ns / 1e6, (double)done->run_ns / 1e6);
	case ENOENT:
		if (!vexfs_is_dropped(h))
			return vexfs_fail(err, ENOENT, "%s: an id that is not in '%s'", what, h->name);
		break;
	case EEXIST:
		return vexfs_fail(err, EEXIST, "%s: an id that is in '%s' already", what, h->name);
	}
	return vexfs_explain(h, err, -done->res, what, 0);
}

static int cancel(struct vexfs *h, uint64_t user_data, uint32_t flags, struct vexfs_error *err)
{
	struct vexfs_cancel req = {
		.size = sizeof(req), .user_data = user_data, .flags = flags,
	};
	int e = vexfs_handle_call(h, VEXFS_IOC_CANCEL, &req);

	vexfs_error_clear(err);
	if (e && e != ENOENT)
		return vexfs_explain(h, err, e, "cancel", 0);
	return (int)req.found;
}

int vexfs_cancel(struct vexfs *h, uint64_t user_data, struct vexfs_error *err)
{
	return cancel(h, user_data, 0, err);
}

int vexfs_cancel_all(struct vexfs *h, struct vexfs_error *err)
{
	return cancel(h, 0, VEXFS_CANCEL_ALL, err);
}

int vexfs_submit_callback(struct vexfs *h, uint32_t op, void *req, size_t size,
			  struct vexfs_callback *callback, struct vexfs_error *err)
{
	return vexfs_submit(h, op, req, size, (uintptr_t)callback, err);
}

static void call_back(struct vexfs *h, const struct vexfs_completion *done)
{
	struct vexfs_callback *callback = (struct vexfs_callback *)(uintptr_t)done->user_data;

	callback->done(h, callback, done);
}

/* Completions that come from now on make it readable again. */
static void event_clear(struct vexfs *h)
{
	int fd = __atomic_load_n(&h->event_fd, __ATOMIC_ACQUIRE);
	uint64_t n;

	/* nothing to read: no op has completed, or another thread has read it */
	if (fd >= 0 && read(fd, &n, sizeof(n)) < 0)
		return;
}

ssize_t vexfs_dispatch(struct vexfs *h, size_t min, uint64_t timeout_ns, struct vexfs_error *err)
{
	struct vexfs_completion done[PART];
	ssize_t n, all = 0;

	event_clear(h);
	do {
		size_t wanted = min > (size_t)all ? min - (size_t)all : 0;

		n = vexfs_reap(h, done, PART, wanted < PART ? wanted : PART, timeout_ns, err);
		for (ssize_t i = 0; i < n; i++)
			call_back(h, &done[i]);
		all += n > 0 ? n : 0;
	} while (n == PART);
	return all ? all : n;
}

/* The first time, and with the lock held. It is readable at once: some may be done already. */
static int event_make(struct vexfs *h, struct vexfs_error *err)
{
	struct vexfs_eventfd req = { .size = sizeof(req) };
	int e;

	req.fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	if (req.fd < 0)
		return vexfs_fail(err, errno, "event descriptor: %s", strerror(errno));
	e = vexfs_handle_call(h, VEXFS_IOC_EVENTFD, &req);
	if (e) {
		close(req.fd);
		return vexfs_explain(h, err, e, "event descriptor", 0);
	}
	__atomic_store_n(&h->event_fd, req.fd, __ATOMIC_RELEASE);
	return req.fd;
}

int vexfs_event_fd(struct vexfs *h, struct vexfs_error *err)
{
	int fd;

	vexfs_error_clear(err);
	pthread_mutex_lock(&h->lock);
	fd = h->event_fd >= 0 ? h->event_fd : event_make(h, err);
	pthread_mutex_unlock(&h->lock);
	return fd;
}
