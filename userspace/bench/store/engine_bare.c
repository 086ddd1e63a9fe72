// SPDX-License-Identifier: GPL-2.0
/*
 * write(2) and fdatasync(2) only, with group commit. The reference: space is allocated in advance,
 * as a log would do it, since otherwise each flush has the size of the file to write as well.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"

#define AHEAD	(64ll << 20)

struct bare {
	int fd;
	off_t end, allocated;
	struct group *group;
};

static int bare_write(void *arg, uint64_t id, const uint8_t *rows, uint32_t n)
{
	struct bare *b = arg;
	size_t len = (size_t)n * ROW_BYTES;

	(void)id;
	b->end += (off_t)len;
	if (b->end > b->allocated &&
	    !fallocate(b->fd, FALLOC_FL_KEEP_SIZE, b->allocated, b->end - b->allocated + AHEAD))
		b->allocated = b->end + AHEAD;
	while (len) {
		ssize_t k = write(b->fd, rows, len);

		if (k <= 0)
			return -1;
		rows += k;
		len -= (size_t)k;
	}
	return 0;
}

static int bare_sync(void *arg)
{
	return fdatasync(((struct bare *)arg)->fd);
}

static void *bare_open(const char *dir)
{
	struct bare *b = calloc(1, sizeof(*b));
	char path[600];

	snprintf(path, sizeof(path), "%s/bare", dir);
	if (!b)
		return NULL;
	b->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	b->group = group_new(bare_write, bare_sync, b);
	return b->fd < 0 ? NULL : b;
}

static int bare_put(void *e, uint64_t id, const uint8_t *rows, uint32_t n, int sync)
{
	return group_put(((struct bare *)e)->group, id, rows, n, sync);
}

static uint64_t bare_load(void *e, uint64_t *sum)
{
	static uint8_t buf[1 << 20];
	struct bare *b = e;
	uint64_t rows = 0;
	ssize_t n;

	lseek(b->fd, 0, SEEK_SET);
	while ((n = read(b->fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i += ROW_BYTES, rows++)
			*sum += buf[i];
	return rows;
}

static void bare_close(void *e)
{
	struct bare *b = e;

	/* what was allocated and not used */
	if (ftruncate(b->fd, b->end))
		perror("store-bench: bare");
	fdatasync(b->fd);
	close(b->fd);
	group_free(b->group);
	free(b);
}

const struct engine engine_bare = {
	"bare", 1, bare_open, bare_put, bare_load, bare_close,
};
