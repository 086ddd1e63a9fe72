// SPDX-License-Identifier: GPL-2.0
/*
 * The module, collections, and handles to them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static const char *device_path(const char *device)
{
	return device ? device : VEXFS_DEVICE;
}

static int open_device(const char *device, int mode, struct vexfs_error *err)
{
	const char *path = device_path(device);
	int fd = open(path, mode | O_CLOEXEC);
	int e = errno;

	vexfs_error_clear(err);
	if (fd < 0 && e == ENOENT && !strcmp(path, VEXFS_DEVICE) && vexfs_autoload()) {
		fd = open(path, mode | O_CLOEXEC);
		e = errno;
	}
	if (fd >= 0)
		return fd;
	if (e == ENOENT || e == ENXIO || e == ENODEV)
		return vexfs_fail(err, ENODEV, "%s is not there: is the vexfs module loaded?",
				  device_path(device));
	if (e == EACCES)
		return vexfs_fail(err, e, "%s: its mode and group do not allow %s",
				  device_path(device), mode == O_RDONLY ? "reading" : "writing");
	return vexfs_fail(err, e, "%s: %s", device_path(device), strerror(e));
}

static int not_a_device(const char *device, int code, struct vexfs_error *err)
{
	return vexfs_fail(err, ENODEV, "%s does not answer as vexfs does: %s", device_path(device),
			  strerror(code));
}

/* What is wrong with a name, for the message; NULL for a valid one. */
static const char *name_fault(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+-";

	if (!*name)
		return "it is empty";
	if (strlen(name) >= VEXFS_NAME_SIZE)
		return "it is longer than 63 bytes";
	if (*name == '-' || *name == '.')
		return "it begins with '-' or '.'";
	if (name[strspn(name, allowed)])
		return "it holds something other than letters, digits and ._:+-";
	return NULL;
}

/* Copies a name into a request. A name that is too long is an error. */
static int set_name(char *to, const char *name, struct vexfs_error *err)
{
	size_t len;

	if (!name)
		return vexfs_fail(err, EINVAL, "no name of a collection was given");
	len = strlen(name);
	if (len >= VEXFS_NAME_SIZE)
		return vexfs_fail(err, EINVAL, "the name '%.40s...' is not valid: %s", name,
				  name_fault(name));
	memset(to, 0, VEXFS_NAME_SIZE);
	memcpy(to, name, len);
	return 0;
}

int vexfs_do_info(const char *device, struct vexfs_info *info, struct vexfs_error *err)
{
	int fd = open_device(device, O_RDONLY, err);
	int e;

	if (fd < 0)
		return fd;
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	e = vexfs_call(fd, VEXFS_IOC_INFO, info);
	close(fd);
	return e ? not_a_device(device, e, err) : 0;
}

/* Reads constant attributes into the handle. */
static int learn(struct vexfs *h, const char *device, struct vexfs_error *err)
{
	struct vexfs_stat st = {
		.size = sizeof(st),
		.layout_len = VEXFS_LAYOUT_MAX,
		.layout = (uintptr_t)h->layout,
	};
	int e = vexfs_call(h->fd, VEXFS_IOC_STAT, &st);

	if (e == ENOTTY)
		return not_a_device(device, e, err);
	if (e)
		return vexfs_explain(h, err, e, "stat", 0);
	memcpy(h->name, st.name, sizeof(h->name));
	h->name[sizeof(h->name) - 1] = '\0';
	h->dim = st.dim;
	h->type = st.type;
	h->metric = st.metric;
	h->attr_size = st.attr_size;
	h->raw_bytes = st.row_bytes;
	h->layout[st.layout_len <= VEXFS_LAYOUT_MAX ? st.layout_len : 0] = '\0';
	return 0;
}

static int explain_create(const struct vexfs_create *req, int code, struct vexfs_error *err)
{
	const struct settings all = {
		.dim = req->dim, .type = req->type, .metric = req->metric, .index = req->index,
		.code = req->code, .m = req->m, .ef_construction = req->ef_construction,
	};
	const char *fault = name_fault(req->name);
	const char *name = req->name;
	char why[256];

	switch (code) {
	case EEXIST:
		return vexfs_fail(err, code, "a collection '%s' exists already", name);
	case E2BIG:
		if (req->attr_size > VEXFS_ATTR_MAX)
			return vexfs_fail(err, code, "an attribute record of %u bytes: at most %u",
					  req->attr_size, VEXFS_ATTR_MAX);
		if (req->layout_len > VEXFS_LAYOUT_MAX)
			return vexfs_fail(err, code, "a layout of %u bytes: at most %u",
					  req->layout_len, VEXFS_LAYOUT_MAX);
		return vexfs_fail(err, code, "create '%s': something is beyond a limit", name);
	case EINVAL:
		if (fault)
			return vexfs_fail(err, code, "the name '%s' is not valid: %s", name, fault);
		if (vexfs_clash(&all, why, sizeof(why)))
			return vexfs_fail(err, code, "%s", why);
		if (req->mode & ~0777u)
			return vexfs_fail(err, code, "mode %o has bits beyond 0777", req->mode);
		if (req->flags & ~VEXFS_CREATE_DETACHED)
			return vexfs_fail(err, code, "create '%s': flags 0x%x are unknown", name,
					  req->flags & ~VEXFS_CREATE_DETACHED);
		return vexfs_fail(err, code, "create '%s': the module does not take these settings, without saying why",
				  name);
	case ENOSPC:
		return vexfs_fail(err, code, "create '%s': your quota is used up", name);
	case ENOMEM:
		return vexfs_fail(err, code, "create '%s': the kernel has no memory for this", name);
	case EPERM:
	case EACCES:
		return vexfs_fail(err, code, "create '%s': you are not allowed to", name);
	case EROFS:
		return vexfs_fail(err, code,
				  "create '%s': it is to be durable, and no storage takes it: does vexfsd run?",
				  name);
	case EDEADLK:
		return vexfs_fail(err, code, "create '%s': the storage daemon cannot wait for itself",
				  name);
	case EOPNOTSUPP:
		return vexfs_fail(err, code, "create '%s': index %s is not built into the module",
				  name, vexfs_index_name(req->index));
	default:
		return vexfs_fail(err, code, "create '%s': %s", name, strerror(code));
	}
}

static struct vexfs *handle_new(void)
{
	struct vexfs *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	pthread_mutex_init(&new->lock, NULL);
	new->event_fd = -1;
	return new;
}

int vexfs_do_create(const char *device, struct vexfs_create *req, const char *name,
		    const char *layout, struct vexfs **h, struct vexfs_error *err)
{
	struct vexfs *new = NULL;
	int ret, e;
	int fd;

	if (h)
		*h = NULL;
	ret = set_name(req->name, name, err);
	if (ret)
		return ret;
	if (layout && *layout) {
		struct vexfs_layout parsed;

		ret = vexfs_layout_parse(layout, &parsed, err);
		if (ret)
			return ret;
		if (!req->attr_size)
			req->attr_size = parsed.size;
		if (req->attr_size < parsed.size)
			return vexfs_fail(err, EINVAL,
					  "the layout needs %u bytes, the attribute record has %u",
					  parsed.size, req->attr_size);
		req->layout = (uintptr_t)layout;
		req->layout_len = (uint32_t)strlen(layout);
	}
	fd = open_device(device, O_RDWR, err);
	if (fd < 0)
		return fd;
	if (h) {
		new = handle_new();
		if (!new) {
			close(fd);
			return vexfs_fail(err, ENOMEM, "no memory for a handle");
		}
		new->fd = fd;
		new->access = VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE;
	} else {
		req->flags |= VEXFS_CREATE_DETACHED;
	}
	req->size = sizeof(*req);
	e = vexfs_call(fd, VEXFS_IOC_CREATE, req);
	if (e) {
		ret = e == ENOTTY ? not_a_device(device, e, err) : explain_create(req, e, err);
		goto fail;
	}
	if (new) {
		ret = learn(new, device, err);
		if (ret)
			goto fail;
		*h = new;
	} else {
		close(fd);
	}
	return 0;
fail:
	close(fd);
	free(new);
	return ret;
}

/* Opens the device and attaches it: @h has its descriptor and what does not change. */
static int open_attached(struct vexfs *h, const char *device, const char *name,
			 unsigned int flags, struct vexfs_error *err)
{
	struct vexfs_attach req = { .size = sizeof(req), .flags = flags };
	int ret, e;

	h->fd = -1;
	ret = set_name(req.name, name, err);
	if (ret)
		return ret;
	memcpy(h->name, req.name, sizeof(h->name));
	h->access = flags;
	ret = open_device(device, !(flags & VEXFS_ATTACH_WRITE) ? O_RDONLY :
			  flags & VEXFS_ATTACH_READ ? O_RDWR : O_WRONLY, err);
	if (ret < 0)
		return ret;
	h->fd = ret;
	e = vexfs_call(h->fd, VEXFS_IOC_ATTACH, &req);
	if (e == ENOENT)
		ret = vexfs_fail(err, e, "there is no collection '%s'", name);
	else if (e == EINVAL && name_fault(name))
		ret = vexfs_fail(err, e, "the name '%s' is not valid: %s", name, name_fault(name));
	else if (e == EINVAL)
		ret = vexfs_fail(err, e, "open '%s': access 0x%x is not one of read, write, both",
				 name, flags);
	else if (e == EACCES)
		ret = vexfs_fail(err, e, "open '%s': its owner and mode do not allow %s", name,
				 flags == VEXFS_ATTACH_READ ? "reading" :
				 flags == VEXFS_ATTACH_WRITE ? "writing" : "reading and writing");
	else if (e == ENOTTY)
		ret = not_a_device(device, e, err);
	else if (e)
		ret = vexfs_explain(h, err, e, "open", 0);
	else
		ret = learn(h, device, err);
	if (ret)
		close(h->fd);
	return ret;
}

int vexfs_open(const char *device, const char *name, unsigned int flags, struct vexfs **h,
	       struct vexfs_error *err)
{
	struct vexfs *new = handle_new();
	int ret;

	*h = NULL;
	if (!new)
		return vexfs_fail(err, ENOMEM, "no memory for a handle");
	ret = open_attached(new, device, name, flags & ~VEXFS_OPEN_REATTACH, err);
	if (!ret && flags & VEXFS_OPEN_REATTACH) {
		new->again = vexfs_reattach_new(device);
		if (!new->again) {
			close(new->fd);
			ret = vexfs_fail(err, ENOMEM, "no memory for a handle");
		}
	}
	if (ret) {
		free(new);
		return ret;
	}
	*h = new;
	return 0;
}

/* Every request names ids and components: only the same shape can answer it. */
static bool same_shape(const struct vexfs *a, const struct vexfs *b)
{
	return a->dim == b->dim && a->type == b->type && a->metric == b->metric &&
	       a->attr_size == b->attr_size && a->raw_bytes == b->raw_bytes &&
	       !strcmp(a->layout, b->layout);
}

int vexfs_attach_again(struct vexfs *h, const char *device)
{
	struct vexfs *new = calloc(1, sizeof(*new));
	int ret = new ? open_attached(new, device, h->name, h->access, NULL) : -ENOMEM;

	if (!ret && !same_shape(h, new)) {
		close(new->fd);
		ret = -ESTALE;
	}
	if (!ret)
		h->fd = new->fd;
	free(new);
	return -ret;
}

void vexfs_close(struct vexfs *h)
{
	if (!h)
		return;
	if (h->fd >= 0)
		close(h->fd);
	if (h->event_fd >= 0)
		close(h->event_fd);
	pthread_mutex_destroy(&h->lock);
	vexfs_reattach_free(h->again);
	free(h);
}

int vexfs_fd(const struct vexfs *h)
{
	return h->fd;
}

/* @what: "'name'" or "number 7". */
static int drop(const char *device, struct vexfs_drop *req, const char *what,
		struct vexfs_error *err)
{
	bool by_number = req->flags & VEXFS_DROP_SERIAL;
	int fd, e;

	fd = open_device(device, O_RDWR, err);
	if (fd < 0)
		return fd;
	e = vexfs_call(fd, VEXFS_IOC_DROP, req);
	close(fd);
	switch (e) {
	case 0:
		return 0;
	case ENOENT:
		return vexfs_fail(err, e, "there is no collection %s%s", by_number ? "with " : "",
				  what);
	case EPERM:
	case EACCES:
		return vexfs_fail(err, e, "drop %s: only its owner or an administrator may", what);
	case EINVAL:
		if (!by_number && name_fault(req->name))
			return vexfs_fail(err, e, "the name %s is not valid: %s", what,
					  name_fault(req->name));
		return vexfs_fail(err, e, "drop %s: the module refused the request", what);
	case ENOTTY:
		return not_a_device(device, e, err);
	case ENOTEMPTY:
		return vexfs_fail(err, e, "drop %s: it holds vectors", what);
	case EROFS:
		return vexfs_fail(err, e,
				  "drop %s: it is durable, and its storage has failed or is not there",
				  what);
	default:
		return vexfs_fail(err, e, "drop %s: %s", what, strerror(e));
	}
}

static int drop_by_name(const char *device, const char *name, unsigned int flags,
			struct vexfs_error *err)
{
	struct vexfs_drop req = { .size = sizeof(req), .flags = flags };
	char what[VEXFS_NAME_SIZE + 2];
	int ret;

	ret = set_name(req.name, name, err);
	if (ret)
		return ret;
	snprintf(what, sizeof(what), "'%s'", req.name);
	return drop(device, &req, what, err);
}

int vexfs_do_drop(const char *device, const char *name, struct vexfs_error *err)
{
	return drop_by_name(device, name, 0, err);
}

int vexfs_do_drop_empty(const char *device, const char *name, struct vexfs_error *err)
{
	return drop_by_name(device, name, VEXFS_DROP_EMPTY, err);
}

int vexfs_do_drop_serial(const char *device, uint64_t serial, struct vexfs_error *err)
{
	struct vexfs_drop req = {
		.size = sizeof(req), .flags = VEXFS_DROP_SERIAL, .serial = serial,
	};
	char what[32];

	snprintf(what, sizeof(what), "number %llu", (unsigned long long)serial);
	return drop(device, &req, what, err);
}

int vexfs_do_served(const char *device, int fuse, const struct vexfs_served_op *ops,
		    size_t count, struct vexfs_error *err)
{
	struct vexfs_served req = { .size = sizeof(req), .fuse = fuse };
	int fd = open_device(device, O_RDONLY, err), e = 0;

	if (fd < 0)
		return fd;
	while (count && !e) {
		req.count = count < VEXFS_SERVED_MAX ? (uint32_t)count : VEXFS_SERVED_MAX;
		req.ops = (uintptr_t)ops;
		e = vexfs_request_on(fd, VEXFS_IOC_SERVED, &req);
		ops += req.count;
		count -= req.count;
	}
	close(fd);
	switch (e) {
	case 0:
		return 0;
	case EBADF:
		return vexfs_fail(err, e, "descriptor %d is not one of /dev/fuse", fuse);
	case ENOTCONN:
		return vexfs_fail(err, e, "descriptor %d belongs to no file system that is mounted",
				  fuse);
	case ENOTTY:
		return vexfs_fail(err, e, "this module does not count the requests of mounts");
	default:
		return vexfs_fail(err, e, "served requests: %s", strerror(e));
	}
}

static int list(const char *device, uint32_t flags,
		int (*fn)(const struct vexfs_stat *st, void *arg), void *arg,
		struct vexfs_error *err)
{
	enum { ROWS = 64 };
	struct vexfs_stat *rows = calloc(ROWS, sizeof(*rows));
	struct vexfs_list req = {
		.size = sizeof(req),
		.flags = flags,
		.stat_size = sizeof(*rows),
		.stats = (uintptr_t)rows,
	};
	int ret = 0, fd, e;

	if (!rows)
		return vexfs_fail(err, ENOMEM, "no memory to list collections");
	fd = open_device(device, O_RDONLY, err);
	if (fd < 0) {
		free(rows);
		return fd;
	}
	do {
		req.count = ROWS;
		e = vexfs_call(fd, VEXFS_IOC_LIST, &req);
		if (e) {
			ret = e == ENOTTY ? not_a_device(device, e, err) :
			      vexfs_fail(err, e, "list: %s", strerror(e));
			break;
		}
		for (uint32_t i = 0; i < req.count && !ret; i++)
			ret = fn(&rows[i], arg);
	} while (!ret && req.cursor);
	close(fd);
	free(rows);
	return ret;
}

int vexfs_do_list(const char *device, int (*fn)(const struct vexfs_stat *st, void *arg), void *arg,
		  struct vexfs_error *err)
{
	return list(device, 0, fn, arg, err);
}

int vexfs_do_list_all(const char *device, int (*fn)(const struct vexfs_stat *st, void *arg),
		      void *arg, struct vexfs_error *err)
{
	return list(device, VEXFS_LIST_ALL, fn, arg, err);
}

int vexfs_do_stat(struct vexfs *h, struct vexfs_stat *st, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	st->size = sizeof(*st);
	st->flags = 0;		/* of an earlier stat */
	e = vexfs_handle_call(h, VEXFS_IOC_STAT, st);
	if (e == E2BIG)
		return vexfs_fail(err, e, "stat '%s': the layout of %zu bytes needs more room",
				  h->name, strlen(h->layout));
	return e ? vexfs_explain(h, err, e, "stat", 0) : 0;
}

int vexfs_do_set(struct vexfs *h, struct vexfs_set *req, struct vexfs_error *err)
{
	int e;

	vexfs_error_clear(err);
	req->size = sizeof(*req);
	e = vexfs_handle_call(h, VEXFS_IOC_SET, req);
	switch (e) {
	case 0:
		return 0;
	case ENOSPC:
		return vexfs_fail(err, e, "set '%s': it holds more than %llu vectors", h->name,
				  (unsigned long long)req->capacity);
	case E2BIG:
		return vexfs_fail(err, e, "set '%s': a layout of %u bytes: at most %u", h->name,
				  req->layout_len, VEXFS_LAYOUT_MAX);
	case EINVAL:
		if ((req->what & VEXFS_SET_MODE) && (req->mode & ~0777u))
			return vexfs_fail(err, e, "set '%s': mode %o has bits beyond 0777", h->name,
					  req->mode);
		break;
	}
	return vexfs_explain(h, err, e, "set", 0);
}

const char *vexfs_name(const struct vexfs *h)
{
	return h->name;
}

uint32_t vexfs_dim(const struct vexfs *h)
{
	return h->dim;
}

enum vexfs_type vexfs_vector_type(const struct vexfs *h)
{
	return (enum vexfs_type)h->type;
}

enum vexfs_metric vexfs_metric_of(const struct vexfs *h)
{
	return (enum vexfs_metric)h->metric;
}

uint32_t vexfs_attr_size(const struct vexfs *h)
{
	return h->attr_size;
}

const char *vexfs_layout_text(const struct vexfs *h)
{
	return h->layout;
}

size_t vexfs_vector_bytes(const struct vexfs *h, uint32_t format)
{
	return format == VEXFS_FORMAT_F32 ? (size_t)h->dim * sizeof(float) : h->raw_bytes;
}

int vexfs_map(struct vexfs *h, uint64_t offset, size_t bytes, const void **rows,
	      struct vexfs_error *err)
{
	void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, h->fd, (off_t)offset);
	int e = errno;

	vexfs_error_clear(err);
	*rows = NULL;
	if (p == MAP_FAILED) {
		if (e == EINVAL || e == ENXIO)
			return vexfs_fail(err, e, "map '%s': no rows at offset %llu, %zu bytes",
					  h->name, (unsigned long long)offset, bytes);
		return vexfs_explain(h, err, e, "map", 0);
	}
	*rows = p;
	return 0;
}
