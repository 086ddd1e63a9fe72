// SPDX-License-Identifier: GPL-2.0
/* Helpers for every kind of directory: complete reads, complete writes, replacement of a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "io.h"

int store_write_all(struct store_io *io, struct store_file *f, const void *buf, size_t len,
		    uint64_t off)
{
	const char *from = buf;

	while (len) {
		ssize_t n = io->ops->write(io, f, from, len, off);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		if (!n)
			return -EIO;
		from += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int store_read_all(struct store_io *io, struct store_file *f, void *buf, size_t len,
		   uint64_t off)
{
	ssize_t n = io->ops->read(io, f, buf, len, off);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -ENODATA;
}

int store_replace(struct store_io *io, const char *name, const void *data, size_t len)
{
	struct store_file *f;
	char part[80];
	int err;

	snprintf(part, sizeof(part), "%s.new", name);
	err = io->ops->open(io, part, STORE_CREATE, &f);
	if (err)
		return err;
	err = store_write_all(io, f, data, len, 0);
	if (!err)
		err = io->ops->datasync(io, f);
	io->ops->close(io, f);
	/* Files that the new contents refer to must be durable first. */
	if (!err)
		err = io->ops->syncdir(io);
	if (!err)
		err = io->ops->rename(io, part, name);
	if (err) {
		io->ops->unlink(io, part);
		return err;
	}
	return io->ops->syncdir(io);
}

int store_slurp(struct store_io *io, const char *name, size_t max, void **data, size_t *len)
{
	struct store_file *f;
	int64_t size;
	int err;

	*data = NULL;
	err = io->ops->open(io, name, STORE_READ, &f);
	if (err)
		return err;
	size = io->ops->size(io, f);
	if (size < 0)
		err = (int)size;
	else if ((uint64_t)size > max)
		err = -EFBIG;
	if (!err) {
		*data = malloc(size ? (size_t)size : 1);
		err = *data ? store_read_all(io, f, *data, (size_t)size, 0) : -ENOMEM;
	}
	io->ops->close(io, f);
	if (err) {
		free(*data);
		*data = NULL;
		return err;
	}
	*len = (size_t)size;
	return 0;
}
