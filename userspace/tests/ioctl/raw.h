/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctls of /dev/vexfs without a library between, for tests that must see
 * what the kernel itself answers. Calls return 0 or -errno.
 */
#ifndef VEXFS_IOCTL_RAW_H
#define VEXFS_IOCTL_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vexfs.h>

static inline int raw(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

/* Sets the size and calls. */
#define RAW(fd, cmd, req) ((req)->size = sizeof(*(req)), raw(fd, cmd, req))

static inline int raw_open(void)
{
	return open(VEXFS_DEVICE, O_RDWR | O_CLOEXEC);
}

static inline struct vexfs_create raw_spec(const char *name, uint32_t dim, uint8_t type,
					   uint8_t metric, uint32_t attr_size)
{
	struct vexfs_create c = {
		.dim = dim,
		.type = type,
		.metric = metric,
		.attr_size = attr_size,
	};

	snprintf(c.name, sizeof(c.name), "%s", name);
	return c;
}

/* A descriptor attached to a new collection, or -errno. */
static inline int raw_create(const char *name, uint32_t dim, uint8_t type, uint8_t metric,
			     uint32_t attr_size)
{
	struct vexfs_create c = raw_spec(name, dim, type, metric, attr_size);
	int fd = raw_open(), err;

	if (fd < 0)
		return -errno;
	err = RAW(fd, VEXFS_IOC_CREATE, &c);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static inline int raw_attach(int fd, const char *name, uint32_t flags)
{
	struct vexfs_attach a = { .flags = flags };

	snprintf(a.name, sizeof(a.name), "%s", name);
	return RAW(fd, VEXFS_IOC_ATTACH, &a);
}

static inline int raw_drop(int fd, const char *name)
{
	struct vexfs_drop d = { };

	snprintf(d.name, sizeof(d.name), "%s", name);
	return RAW(fd, VEXFS_IOC_DROP, &d);
}

static inline struct vexfs_put raw_put(const uint64_t *ids, const void *vectors,
				       const void *attrs, uint32_t n)
{
	return (struct vexfs_put) {
		.flags = VEXFS_PUT_UPSERT,
		.count = n,
		.ids = (uintptr_t)ids,
		.vectors = (uintptr_t)vectors,
		.attrs = (uintptr_t)attrs,
	};
}

static inline struct vexfs_search raw_search(const void *queries, uint32_t n, uint32_t k,
					     uint64_t *ids, float *distances, uint32_t *counts)
{
	return (struct vexfs_search) {
		.flags = VEXFS_SEARCH_EXACT,
		.count = n,
		.queries = (uintptr_t)queries,
		.k = k,
		.ids = (uintptr_t)ids,
		.distances = (uintptr_t)distances,
		.counts = (uintptr_t)counts,
	};
}

static inline uint32_t raw_f32(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

#endif
