// SPDX-License-Identifier: GPL-2.0
/*
 * Ioctls of /dev/vexfs for the daemon. It does not use libvexfs, which has no functions
 * for storage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vexfsd.h"

int kernel_open(const char *device)
{
	int fd = open(device ? device : VEXFS_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int kernel_call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

int kernel_attach(const char *device, uint64_t serial, unsigned int flags)
{
	struct vexfs_attach a = { .flags = flags | VEXFS_ATTACH_SERIAL, .serial = serial };
	int fd = kernel_open(device), ret;

	/* Without a device nothing is known about the collection. */
	if (fd < 0)
		return fd == -ENOENT ? -ENODEV : fd;
	ret = KERNEL(fd, VEXFS_IOC_ATTACH, &a);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int kernel_meta(int fd, struct store_meta *meta, struct vexfs_stat *st)
{
	char layout[STORE_LAYOUT_MAX + 1] = { 0 };
	int ret;

	memset(st, 0, sizeof(*st));
	st->layout = (uintptr_t)layout;
	st->layout_len = STORE_LAYOUT_MAX;
	ret = KERNEL(fd, VEXFS_IOC_STAT, st);
	if (ret)
		return ret;
	if (st->layout_len > STORE_LAYOUT_MAX)
		return -E2BIG;
	*meta = (struct store_meta) {
		.dim = st->dim, .type = st->type, .metric = st->metric, .index = st->index,
		.durability = (uint8_t)st->durability, .mode = st->mode, .uid = st->uid,
		.gid = st->gid, .attr_size = st->attr_size, .capacity = st->capacity,
		.m = st->m, .ef_construction = st->ef_construction, .code = st->code,
		.row_bytes = st->row_bytes, .created = st->created, .user_ns = st->user_ns,
		.window_ms = st->window_ms, .layout_len = st->layout_len,
	};
	memcpy(meta->name, st->name, sizeof(meta->name));
	meta->name[sizeof(meta->name) - 1] = 0;
	memcpy(meta->layout, layout, st->layout_len);
	return 0;
}

int kernel_list(int fd, uint32_t flags, int (*fn)(void *arg, const struct vexfs_stat *st),
		void *arg)
{
	enum { ROWS = 64 };
	struct vexfs_stat *rows = calloc(ROWS, sizeof(*rows));
	struct vexfs_list l = { .flags = flags, .stat_size = sizeof(*rows),
				.stats = (uintptr_t)rows };
	int ret = rows ? 0 : -ENOMEM;

	do {
		l.count = ROWS;
		if (!ret)
			ret = KERNEL(fd, VEXFS_IOC_LIST, &l);
		for (uint32_t i = 0; !ret && i < l.count; i++)
			ret = fn(arg, &rows[i]);
	} while (!ret && l.cursor);
	free(rows);
	return ret;
}
