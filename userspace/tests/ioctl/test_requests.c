// SPDX-License-Identifier: GPL-2.0
/*
 * Requests as such, and collections: sizes from the past and the future, wild pointers,
 * names that are none, create, attach and drop.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "tests/ioctl/test.h"

/* ---- sizes ---- */

void sizes(void)
{
	struct { struct vexfs_info info; uint64_t tail; } longer = { };
	static char page[8192];
	struct vexfs_info info = { };

	is(RAW(ctl, VEXFS_IOC_INFO, &info), 0, "info");
	ok(info.abi == VEXFS_ABI && info.version[0] && info.simd[0], "info has values");
	info.size = 4;
	info.abi = 77;
	is(raw(ctl, VEXFS_IOC_INFO, &info), 0, "a request of 4 bytes, as of an old program");
	ok(info.abi == 77, "nothing is written beyond the size given");
	info.size = 3;
	is(raw(ctl, VEXFS_IOC_INFO, &info), -EINVAL, "a size smaller than its own field");
	info.size = 0;
	is(raw(ctl, VEXFS_IOC_INFO, &info), -EINVAL, "size 0");
	longer.info.size = sizeof(longer);
	is(raw(ctl, VEXFS_IOC_INFO, &longer), 0, "a longer request with a zero tail");
	longer.info.size = sizeof(longer);
	longer.tail = 1;
	is(raw(ctl, VEXFS_IOC_INFO, &longer), -E2BIG, "a longer request with something in the tail");
	*(uint32_t *)page = sizeof(page);
	is(raw(ctl, VEXFS_IOC_INFO, page), -E2BIG, "a request longer than a page");
	*(uint32_t *)page = ~0u;
	is(raw(ctl, VEXFS_IOC_INFO, page), -E2BIG, "size 2^32 - 1");
	is(raw(ctl, VEXFS_IOC_INFO, NULL), -EFAULT, "a null pointer as request");
	is(raw(ctl, VEXFS_IOC_INFO, WILD), -EFAULT, "a request at an invalid address");
	is(raw(ctl, _IO(VEXFS_IOC_MAGIC, 0x7f), &info), -ENOTTY, "an unknown ioctl");
	is(raw(ctl, _IO('W', 0x00), &info), -ENOTTY, "an ioctl of another driver");
	is(raw(ctl, 0x5600, &info), -ENOTTY, "an ioctl of a terminal (VT_OPENQRY)");
	is(raw(ctl, 0x5603, &info), -ENOTTY, "an ioctl of a terminal (VT_GETSTATE)");
}

/* ---- names ---- */

int create_named(const char *name, size_t len)
{
	struct vexfs_create c = raw_spec("", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	int err;

	c.flags = VEXFS_CREATE_DETACHED;
	memcpy(c.name, name, len < sizeof(c.name) ? len : sizeof(c.name));
	err = RAW(ctl, VEXFS_IOC_CREATE, &c);
	if (!err) {
		struct vexfs_drop d = { };

		memcpy(d.name, c.name, sizeof(d.name));
		err = RAW(ctl, VEXFS_IOC_DROP, &d);
	}
	return err;
}

void names(void)
{
	char a[4096];

	memset(a, 'a', sizeof(a));
	is(create_named("", 0), -EINVAL, "a name of 0 bytes");
	is(create_named(a, 1), 0, "a name of 1 byte");
	is(create_named(a, 63), 0, "a name of 63 bytes");
	is(create_named(a, 64), -EINVAL, "a name of 64 bytes");
	is(create_named(a, 4096), -EINVAL, "a name of 4096 bytes");
	is(create_named("a/b", 3), -EINVAL, "a name with a slash");
	is(create_named("..", 2), -EINVAL, "the name ..");
	is(create_named(".", 1), -EINVAL, "the name .");
	is(create_named("a\nb", 3), -EINVAL, "a name with a newline");
	is(create_named("a\177b", 3), -EINVAL, "a name with DEL");
	is(create_named("a\033[2J", 5), -EINVAL, "a name with an escape sequence");
	is(create_named("a\0b", 3), -EINVAL, "a name with something behind its end");
	is(create_named("A-z.0_9:+", 9), 0, "a name with every allowed character");
	is(create_named("-a", 2), -EINVAL, "a name like an option");
	is(create_named(".a", 2), -EINVAL, "a name like a hidden file");
	is(create_named("a@b", 3), -EINVAL, "a name with an at sign");
	is(create_named("a b", 3), -EINVAL, "a name with a space");
	is(create_named("caf\xc3\xa9", 5), -EINVAL, "a name in UTF-8");
	is(create_named("caf\xe9", 4), -EINVAL, "a name in Latin-1");
	is(create_named("\xc0\xaf", 2), -EINVAL, "an overlong slash");
	is(create_named("\xed\xa0\x80", 3), -EINVAL, "half a surrogate pair");
	is(create_named("\xf4\x90\x80\x80", 4), -EINVAL, "a character beyond Unicode");
	is(create_named("a\xe2\x80\xae" "b", 5), -EINVAL, "a name that turns the text around");
	is(create_named("a%s'\"\\", 6), -EINVAL, "a name with quotes");
	is(create_named("$(x)", 4), -EINVAL, "a name with special characters of shells");
}

/* ---- create, attach, drop ---- */

static int create_with(struct vexfs_create *c)
{
	int fd = raw_open(), err;

	err = RAW(fd, VEXFS_IOC_CREATE, c);
	close(fd);
	if (!err)
		raw_drop(ctl, "made");
	return err;
}

#define CREATE(want, what, ...) do {						\
	struct vexfs_create spec = raw_spec("made", DIM, VEXFS_TYPE_F32,	\
					    VEXFS_METRIC_L2, 0);		\
	struct vexfs_create *c = &spec;						\
										\
	__VA_ARGS__;								\
	is(create_with(c), want, what);						\
} while (0)

void creating(void)
{
	CREATE(0, "create", (void)c);
	CREATE(-EINVAL, "dimension 0", c->dim = 0);
	CREATE(0, "dimension 65536", c->dim = 65536);
	CREATE(-EINVAL, "dimension 65537", c->dim = 65537);
	CREATE(-EINVAL, "dimension 2^32 - 1", c->dim = ~0u);
	CREATE(-EINVAL, "type 0", c->type = 0);
	CREATE(-EINVAL, "type 7", c->type = 7);
	CREATE(-EINVAL, "metric 0", c->metric = 0);
	CREATE(-EINVAL, "metric 7", c->metric = 7);
	CREATE(-EINVAL, "hamming of floats", c->metric = VEXFS_METRIC_HAMMING);
	CREATE(-EINVAL, "cosine of bits", c->type = VEXFS_TYPE_B1; c->metric = VEXFS_METRIC_COS);
	CREATE(-EINVAL, "index 2", c->index = 2);
	CREATE(-EINVAL, "graph parameters without a graph", c->m = 16);
	CREATE(0, "i8 codes without a graph", c->code = VEXFS_CODE_I8);
	CREATE(0, "i8 codes of halves", c->code = VEXFS_CODE_I8; c->type = VEXFS_TYPE_BF16);
	CREATE(-EINVAL, "bf16 codes without a graph", c->code = VEXFS_CODE_BF16);
	CREATE(-EINVAL, "code 4", c->code = 4);
	CREATE(-EINVAL, "code 2^32 - 1", c->code = ~0u);
	CREATE(-EINVAL, "i8 codes of i8", c->code = VEXFS_CODE_I8; c->type = VEXFS_TYPE_I8);
	CREATE(-EINVAL, "i8 codes under l1", c->code = VEXFS_CODE_I8; c->metric = VEXFS_METRIC_L1);
	CREATE(0, "i8 codes of 4096", c->code = VEXFS_CODE_I8; c->dim = 4096);
	CREATE(-EINVAL, "i8 codes of 4097", c->code = VEXFS_CODE_I8; c->dim = 4097);
	CREATE(-EINVAL, "mode 01777", c->mode = 01777);
	CREATE(-E2BIG, "record of 65 bytes", c->attr_size = 65);
	CREATE(0, "record of 64 bytes", c->attr_size = 64);
	CREATE(-E2BIG, "layout of 1025 bytes", c->layout_len = 1025);
	CREATE(-EFAULT, "wild layout", c->layout_len = 10; c->layout = (uintptr_t)WILD);
	CREATE(-EINVAL, "unknown flags", c->flags = 1u << 31);
	CREATE(-EINVAL, "padding", c->pad0 = 1);
}

static int drop_empty(const char *name)
{
	struct vexfs_drop d = { .flags = VEXFS_DROP_EMPTY };

	snprintf(d.name, sizeof(d.name), "%s", name);
	return RAW(ctl, VEXFS_IOC_DROP, &d);
}

static void *put_one(void *arg)
{
	int fd = (int)(intptr_t)arg;

	return (void *)(intptr_t)put_some(fd, 1, 1, DIM, NULL);
}

/* A put and a drop of the empty collection at once: one of them succeeds, whichever. */
static int race_once(void)
{
	int fd = raw_create("empty", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), dropped;
	pthread_t writer;
	void *put;

	if (fd < 0 || pthread_create(&writer, NULL, put_one, (void *)(intptr_t)fd))
		return -EIO;
	dropped = drop_empty("empty");
	pthread_join(writer, &put);
	close(fd);
	if (dropped)
		raw_drop(ctl, "empty");
	return (!dropped && (intptr_t)put == -ENOENT) || (dropped == -ENOTEMPTY && !put) ? 0 : -EIO;
}

static void dropping_empty(void)
{
	int fd = raw_create("empty", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), i, err = 0;
	uint64_t id = 1;
	struct vexfs_delete del = { .count = 1, .ids = (uintptr_t)&id };

	is(put_some(fd, 1, 1, DIM, NULL), 0, "put a vector");
	is(drop_empty("empty"), -ENOTEMPTY, "drop if empty, with a vector");
	is(RAW(fd, VEXFS_IOC_DELETE, &del), 0, "delete the vector");
	is(drop_empty("empty"), 0, "drop if empty, without one");
	is(drop_empty("empty"), -ENOENT, "drop if empty again");
	close(fd);
	for (i = 0; i < 200 && !err; i++)
		err = race_once();
	is(err, 0, "a put beside it is refused, or keeps the collection, 200 times");
}

void attaching(void)
{
	int fd = raw_create("one", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), other, ro;
	struct vexfs_create again = raw_spec("one", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	struct vexfs_put p = { };
	struct vexfs_stat st = { };
	struct vexfs_drop d = { .flags = 1 };

	ok(fd >= 0, "create attaches");
	is(RAW(fd, VEXFS_IOC_CREATE, &again), -EBUSY, "create on an attached descriptor");
	is(RAW(ctl, VEXFS_IOC_CREATE, &again), -EEXIST, "a name that is taken");
	is(raw_attach(fd, "one", VEXFS_ATTACH_READ), -EBUSY, "attach twice");
	other = raw_open();
	is(raw_attach(other, "none", VEXFS_ATTACH_READ), -ENOENT, "attach to an unknown name");
	is(raw_attach(other, "one", 0), -EINVAL, "attach without access");
	is(raw_attach(other, "one", 4), -EINVAL, "attach with unknown flags");
	is(RAW(other, VEXFS_IOC_PUT, &p), -ENOTCONN, "put before attach");
	is(RAW(other, VEXFS_IOC_STAT, &st), -ENOTCONN, "stat before attach");
	is(raw_attach(other, "one", VEXFS_ATTACH_READ), 0, "attach to read");
	is(RAW(other, VEXFS_IOC_PUT, &p), -EACCES, "put on a descriptor for reading");
	close(other);
	ro = open(VEXFS_DEVICE, O_RDONLY);
	is(raw_attach(ro, "one", VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE), -EACCES,
	   "attach to write through a descriptor opened for reading");
	close(ro);
	snprintf(d.name, sizeof(d.name), "one");
	is(RAW(ctl, VEXFS_IOC_DROP, &d), -EINVAL, "drop by number with a name");
	is(raw_drop(ctl, "one"), 0, "drop");
	is(raw_drop(ctl, "one"), -ENOENT, "drop again");
	is(put_some(fd, 0, 1, DIM, NULL), -ENOENT, "put after the drop");
	is(RAW(fd, VEXFS_IOC_STAT, &st), 0, "stat after the drop");
	ok(st.flags & VEXFS_STAT_DROPPED, "stat shows that it was dropped");
	close(fd);
	dropping_empty();
}
