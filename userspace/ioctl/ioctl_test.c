// SPDX-License-Identifier: GPL-2.0
/*
 * What /dev/vexfs answers to requests that are wrong, and that what it answers to
 * right ones is right: one check for each line of the table of errors, for each
 * way to get a request wrong that we could think of. Runs as root in a lab.
 */
#include <grp.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "ioctl/raw.h"
#include "tests/tap.h"

#define WILD	((void *)0xdead0000dead0000ULL)
#define DIM	8u

static int ctl;		/* a descriptor that is attached to nothing */

static void is(int got, int want, const char *what)
{
	if (got == want)
		ok(true, "%s", what);
	else
		ok(false, "%s: got %d (%s), want %d (%s)", what, got, strerror(-got), want,
		   strerror(-want));
}

static float noise(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 32;
	return (int32_t)x / 2147483648.0f;
}

static void fill(float *v, uint64_t id, uint32_t dim)
{
	for (uint32_t i = 0; i < dim; i++)
		v[i] = noise(id * 1000 + i);
}

/* @n vectors with ids from @first on. */
static int put_some(int fd, uint64_t first, uint32_t n, uint32_t dim, const void *attrs)
{
	uint64_t *ids = calloc(n, sizeof(*ids));
	float *v = calloc((size_t)n * dim, sizeof(*v));
	struct vexfs_put p = raw_put(ids, v, attrs, n);
	int err;

	for (uint32_t i = 0; i < n; i++) {
		ids[i] = first + i;
		fill(v + (size_t)i * dim, ids[i], dim);
	}
	err = RAW(fd, VEXFS_IOC_PUT, &p);
	free(v);
	free(ids);
	return err;
}

static uint64_t count_of(int fd)
{
	struct vexfs_stat st = { };

	return RAW(fd, VEXFS_IOC_STAT, &st) ? ~0ULL : st.count;
}

static bool sound(int fd)
{
	struct vexfs_check c = { };

	if (RAW(fd, VEXFS_IOC_CHECK, &c))
		return false;
	if (c.faults)
		printf("# %llu faults: %s\n", (unsigned long long)c.faults, c.report);
	return !c.faults;
}

/* ---- sizes ---- */

static void sizes(void)
{
	struct { struct vexfs_info info; uint64_t tail; } longer = { };
	static char page[8192];
	struct vexfs_info info = { };

	is(RAW(ctl, VEXFS_IOC_INFO, &info), 0, "info");
	ok(info.abi == VEXFS_ABI && info.version[0] && info.simd[0], "info says something");
	info.size = 4;
	info.abi = 77;
	is(raw(ctl, VEXFS_IOC_INFO, &info), 0, "a request of 4 bytes is an old program's");
	ok(info.abi == 77, "nothing is written beyond the size given");
	info.size = 3;
	is(raw(ctl, VEXFS_IOC_INFO, &info), -EINVAL, "a size that does not hold itself");
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
	is(raw(ctl, VEXFS_IOC_INFO, NULL), -EFAULT, "no request at all");
	is(raw(ctl, VEXFS_IOC_INFO, WILD), -EFAULT, "a wild request");
	is(raw(ctl, _IO('V', 0x7f), &info), -ENOTTY, "an ioctl that there is not");
	is(raw(ctl, _IO('W', 0x00), &info), -ENOTTY, "somebody else's ioctl");
}

/* ---- names ---- */

static int create_named(const char *name, size_t len)
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

static void names(void)
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
	is(create_named("caf\xc3\xa9", 5), 0, "a name in UTF-8");
	is(create_named("caf\xe9", 4), -EINVAL, "a name in Latin-1");
	is(create_named("\xc0\xaf", 2), -EINVAL, "an overlong slash");
	is(create_named("\xed\xa0\x80", 3), -EINVAL, "half a surrogate pair");
	is(create_named("\xf4\x90\x80\x80", 4), -EINVAL, "a character beyond Unicode");
	is(create_named("a\xe2\x80\xae" "b", 5), -EINVAL, "a name that turns the text around");
	is(create_named("a b%s'\"\\$(x)", 13), 0, "a name with everything a shell loves");
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

static void creating(void)
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

static void attaching(void)
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
	is(raw_attach(other, "none", VEXFS_ATTACH_READ), -ENOENT, "attach to what there is not");
	is(raw_attach(other, "one", 0), -EINVAL, "attach for nothing");
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
	is(RAW(ctl, VEXFS_IOC_DROP, &d), -EINVAL, "drop with flags");
	is(raw_drop(ctl, "one"), 0, "drop");
	is(raw_drop(ctl, "one"), -ENOENT, "drop again");
	is(put_some(fd, 0, 1, DIM, NULL), -ENOENT, "put after the drop");
	is(RAW(fd, VEXFS_IOC_STAT, &st), 0, "stat after the drop");
	ok(st.flags & VEXFS_STAT_DROPPED, "stat says dropped");
	close(fd);
}

/* ---- put, get, delete ---- */

static void putting(int fd)
{
	uint64_t ids[4] = { 10, 11, 12, 13 };
	float v[4 * DIM];
	int32_t errors[4] = { 7, 7, 7, 7 };
	struct vexfs_put p, good;
	int err;

	for (int i = 0; i < 4; i++)
		fill(v + i * DIM, ids[i], DIM);
	good = raw_put(ids, v, NULL, 4);
	p = good;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "put");
	ok(p.done == 4 && p.kernel_ns, "put says how many and how long");
	p = good, p.count = 0;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put of nothing");
	p = good, p.count = VEXFS_BATCH_MAX + 1;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -E2BIG, "put of 65537");
	p = good, p.count = ~0u;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -E2BIG, "put of 2^32 - 1");
	p = good, p.flags = 0;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put without saying which");
	p = good, p.flags |= 1u << 20;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put with unknown flags");
	p = good, p.format = 2;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put in format 2");
	p = good, p.priority = 3;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EINVAL, "put with priority 3");
	p = good, p.ids = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with wild ids");
	p = good, p.vectors = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with wild vectors");
	p = good, p.vectors = ~0ULL - 3;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with vectors that wrap around");
	p = good, p.errors = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EFAULT, "put with wild errors");

	p = good, p.flags = VEXFS_PUT_INSERT;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EEXIST, "insert of an id that is there");
	ok(p.done == 0, "and nothing was stored");
	ids[2] = 99;
	p = good, p.flags = VEXFS_PUT_UPDATE;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -ENOENT, "update of an id that is not there");
	ok(p.done == 2, "but those before it were stored");
	p = good, p.flags = VEXFS_PUT_UPDATE | VEXFS_PUT_CONTINUE, p.errors = (uintptr_t)errors;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "update that goes on");
	ok(p.done == 3 && !errors[0] && !errors[1] && errors[2] == -ENOENT && !errors[3],
	   "says which was refused");

	v[DIM + 3] = NAN;
	p = good, p.flags = VEXFS_PUT_UPSERT;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -EDOM, "put with NaN");
	ok(p.done == 1, "the one before it was stored");
	v[DIM + 3] = -INFINITY;
	errors[0] = 7;
	p = good, p.flags = VEXFS_PUT_UPSERT | VEXFS_PUT_CONTINUE, p.errors = (uintptr_t)errors;
	err = RAW(fd, VEXFS_IOC_PUT, &p);
	is(err, 0, "put with infinity that goes on");
	ok(p.done == 3 && !errors[0] && errors[1] == -EDOM && !errors[2] && !errors[3],
	   "says which was refused");
	v[DIM + 3] = 0;

	ids[0] = 0, ids[1] = ~0ULL, ids[2] = 0, ids[3] = ~0ULL;
	p = good, p.flags = VEXFS_PUT_INSERT | VEXFS_PUT_CONTINUE, p.errors = (uintptr_t)errors;
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "ids 0 and 2^64 - 1, twice in one request");
	ok(p.done == 2 && errors[2] == -EEXIST && errors[3] == -EEXIST,
	   "the second of each is refused");
	ok(sound(fd), "the collection is sound");
}

static void getting(int fd)
{
	uint64_t ids[3] = { 10, 77777, ~0ULL };
	float v[3 * DIM], want[DIM];
	int32_t errors[3] = { 7, 7, 7 };
	struct vexfs_get g, good = {
		.count = 3, .ids = (uintptr_t)ids, .vectors = (uintptr_t)v,
		.errors = (uintptr_t)errors,
	};

	memset(v, 0xff, sizeof(v));
	put_some(fd, 10, 1, DIM, NULL);
	fill(want, 10, DIM);
	g = good;
	is(RAW(fd, VEXFS_IOC_GET, &g), 0, "get");
	ok(g.done == 2 && !errors[0] && errors[1] == -ENOENT && !errors[2], "get says which are there");
	ok(!memcmp(v, want, sizeof(want)), "what was put is what is got");
	memset(want, 0, sizeof(want));
	ok(!memcmp(v + DIM, want, sizeof(want)), "zeroes for what is not there");
	g = good, g.errors = 0;
	is(RAW(fd, VEXFS_IOC_GET, &g), -ENOENT, "get of an unknown id without errors");
	g = good, g.flags = 1;
	is(RAW(fd, VEXFS_IOC_GET, &g), -EINVAL, "get with flags");
	g = good, g.count = 0;
	is(RAW(fd, VEXFS_IOC_GET, &g), -EINVAL, "get of nothing");
	g = good, g.count = 65537;
	is(RAW(fd, VEXFS_IOC_GET, &g), -E2BIG, "get of 65537");
	g = good, g.vectors = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_GET, &g), -EFAULT, "get to a wild place");
	g = good, g.vectors = 0;
	is(RAW(fd, VEXFS_IOC_GET, &g), 0, "get of nothing but whether it is there");
}

static void deleting(int fd)
{
	uint64_t ids[3] = { 500, 501, 502 };
	int32_t errors[3] = { 7, 7, 7 };
	struct vexfs_delete d, good = { .count = 3, .ids = (uintptr_t)ids };

	put_some(fd, 500, 3, DIM, NULL);
	ids[1] = 66666;
	d = good;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -ENOENT, "delete of an unknown id");
	ok(d.done == 1, "the one before it went");
	d = good, d.flags = VEXFS_DELETE_CONTINUE, d.errors = (uintptr_t)errors;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), 0, "delete that goes on");
	ok(d.done == 1 && errors[0] == -ENOENT && errors[1] == -ENOENT && !errors[2],
	   "says which were not there");
	d = good, d.flags = 2;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EINVAL, "delete with unknown flags");
	d = good, d.pad = 1;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EINVAL, "delete with padding");
	d = good, d.count = 0;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EINVAL, "delete of nothing");
	d = good, d.count = 65537;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -E2BIG, "delete of 65537");
	d = good, d.ids = 0;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -EFAULT, "delete without ids");
}

/* Requests large enough to see the clock move, whatever its grain. */
static void deadlines(int fd)
{
	const uint32_t n = VEXFS_BATCH_MAX, nq = VEXFS_QUERIES_MAX;
	uint64_t *ids = calloc(n, sizeof(*ids));
	float *v = calloc((size_t)n * DIM, sizeof(*v));
	uint32_t *counts = calloc(n, sizeof(*counts));
	struct vexfs_put p = raw_put(ids, v, NULL, n);
	struct vexfs_get g = {
		.count = n, .ids = (uintptr_t)ids, .errors = (uintptr_t)counts, .deadline_ns = 1,
	};
	struct vexfs_delete d = {
		.flags = VEXFS_DELETE_CONTINUE, .count = n, .ids = (uintptr_t)ids, .deadline_ns = 1,
	};
	struct vexfs_search s = raw_search(v, nq, 1, ids, NULL, counts);

	for (uint32_t i = 0; i < n; i++)
		ids[i] = 1000000 + i;
	p.deadline_ns = 1;
	is(RAW(fd, VEXFS_IOC_PUT, &p), -ETIME, "put with a deadline of 1 ns");
	is(RAW(fd, VEXFS_IOC_GET, &g), -ETIME, "get with a deadline of 1 ns");
	is(RAW(fd, VEXFS_IOC_DELETE, &d), -ETIME, "delete with a deadline of 1 ns");
	s.deadline_ns = 1;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -ETIME, "search with a deadline of 1 ns");
	ok(sound(fd), "is sound");
	free(counts);
	free(v);
	free(ids);
}

static void measuring(int fd)
{
	uint64_t ids[2] = { 10, 99999 }, self = 10;
	float q[DIM], d[2];
	int32_t errors[2];
	struct vexfs_distance r, good = {
		.count = 2, .query = (uintptr_t)q, .ids = (uintptr_t)ids,
		.distances = (uintptr_t)d, .errors = (uintptr_t)errors,
	};

	fill(q, 10, DIM);
	r = good;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), 0, "distance");
	ok(d[0] == 0 && isinf(d[1]) && errors[1] == -ENOENT && r.done == 1,
	   "to itself 0, to nothing infinite");
	r = good, r.errors = 0;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -ENOENT, "distance to an unknown id without errors");
	r = good, r.flags = VEXFS_QUERY_BY_ID, r.query = (uintptr_t)&self;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), 0, "distance from a stored vector");
	self = 123456;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -ENOENT, "distance from an unknown one");
	r = good, r.flags = 2;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -EINVAL, "distance with unknown flags");
	r = good, r.query = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -EFAULT, "distance from a wild place");
	q[1] = NAN;
	r = good;
	is(RAW(fd, VEXFS_IOC_DISTANCE, &r), -EDOM, "distance from NaN");
}

static void walking(int fd)
{
	uint64_t ids[3], seen = 0;
	struct vexfs_walk w = { .count = 3, .ids = (uintptr_t)ids };
	int err = 0;

	do {
		w.count = 3;
		err = RAW(fd, VEXFS_IOC_WALK, &w);
		seen += w.count;
	} while (!err && w.cursor);
	is(err, 0, "walk");
	ok(seen == count_of(fd), "walk sees every vector once");
	w.cursor = ~0ULL, w.count = 3;
	is(RAW(fd, VEXFS_IOC_WALK, &w), 0, "walk from beyond the end");
	ok(!w.count && !w.cursor, "finds nothing");
	w.cursor = 0, w.count = 0;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -EINVAL, "walk without room");
	w.cursor = 0, w.count = 65537;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -E2BIG, "walk with room for 65537");
	w.count = 3, w.flags = 1;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -EINVAL, "walk with flags");
	w.flags = 0, w.ids = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_WALK, &w), -EFAULT, "walk to a wild place");
}

/* ---- search ---- */

static void searching(int fd)
{
	uint64_t ids[32], self = 10;
	float q[2 * DIM], dist[32];
	uint32_t counts[2];
	struct vexfs_search s, good;
	struct vexfs_filter_insn insn = { .code = 0x06 /* ret k */, .k = 1 };

	fill(q, 10, DIM);
	fill(q + DIM, 11, DIM);
	good = raw_search(q, 1, 4, ids, dist, NULL);
	s = good;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "search");
	ok(s.found == 4 && ids[0] == 10 && dist[0] == 0 && dist[1] <= dist[2] && s.plan,
	   "finds the vector itself first");
	s = good, s.k = 0;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "k 0");
	s = good, s.k = 4097;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -E2BIG, "k 4097");
	s = good, s.k = ~0u;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -E2BIG, "k 2^32 - 1");
	s = good, s.count = 0;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "no queries");
	s = good, s.count = 4097;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -E2BIG, "4097 queries");
	s = good, s.count = 2;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "two queries without counts");
	s = good, s.count = 2, s.counts = (uintptr_t)counts;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "two queries");
	ok(counts[0] == 4 && counts[1] == 4 && ids[4] == 11, "each has its answer");
	s = good, s.flags |= 1u << 30;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "unknown flags");
	s = good, s.pad = 1;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "padding");
	s = good, s.format = 9;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "format 9");
	s = good, s.ef = 4097;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -E2BIG, "ef 4097");
	s = good, s.flags |= VEXFS_SEARCH_SKIP_SELF;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "skip self without an id");
	s = good, s.flags |= VEXFS_SEARCH_AFTER;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "continue what is not a range search");
	s = good, s.flags |= VEXFS_SEARCH_RANGE, s.radius = raw_f32(NAN);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EDOM, "radius NaN");
	s = good, s.flags |= VEXFS_SEARCH_RANGE, s.radius = raw_f32(-1);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "radius -1");
	ok(!s.found && !s.more && ids[0] == ~0ULL && isinf(dist[0]), "finds nothing");
	s = good, s.queries = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "wild queries");
	s = good, s.ids = 0;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "no place for ids");
	s = good, s.distances = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "wild distances");
	s = good, s.flags |= VEXFS_QUERY_BY_ID, s.queries = (uintptr_t)&self;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "search by id");
	ok(ids[0] == 10, "finds itself");
	s = good, s.flags |= VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF,
	s.queries = (uintptr_t)&self;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "search by id, but not itself");
	ok(s.found == 4 && ids[0] != 10, "finds others");
	self = 424242;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -ENOENT, "search by an unknown id");
	s = good, s.filter_len = 4097, s.filter = (uintptr_t)&insn;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -E2BIG, "filter of 4097 instructions");
	s = good, s.filter_len = 1, s.filter = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "wild filter");
	q[0] = INFINITY;
	s = good;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EDOM, "search for infinity");
}

static int filtered(int fd, const struct vexfs_filter_insn *f, uint32_t len, uint32_t *found)
{
	uint64_t ids[16];
	float q[DIM] = { 0 };
	struct vexfs_search s = raw_search(q, 1, 16, ids, NULL, NULL);
	int err;

	s.filter = (uintptr_t)f;
	s.filter_len = len;
	err = RAW(fd, VEXFS_IOC_SEARCH, &s);
	*found = s.found;
	return err;
}

#define F(...) (const struct vexfs_filter_insn[]){ __VA_ARGS__ }
#define LD_W(at)	{ 0x20, 0, 0, at }
#define LD_H(at)	{ 0x28, 0, 0, at }
#define LD_B(at)	{ 0x30, 0, 0, at }
#define RET(x)		{ 0x06, 0, 0, x }
#define JEQ(x, t, f)	{ 0x15, t, f, x }

static void filtering(void)
{
	int fd = raw_create("filtered", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 6);
	uint8_t attrs[10][6];
	uint32_t found;

	for (int i = 0; i < 10; i++)
		memcpy(attrs[i], (uint8_t[6]){ i, i & 1, 0, 0, 1, i }, 6);
	put_some(fd, 0, 10, DIM, attrs);
	is(filtered(fd, F(RET(1)), 1, &found), 0, "filter that keeps all");
	ok(found == 10, "keeps all");
	is(filtered(fd, F(RET(0)), 1, &found), 0, "filter that keeps none");
	ok(found == 0, "keeps none");
	is(filtered(fd, F(LD_B(1), JEQ(1, 0, 1), RET(1), RET(0)), 4, &found), 0, "filter by a byte");
	ok(found == 5, "keeps the odd half");
	is(filtered(fd, F(LD_H(4), JEQ(0x107, 0, 1), RET(1), RET(0)), 4, &found), 0,
	   "filter by two bytes, big-endian");
	ok(found == 1, "keeps one");
	is(filtered(fd, F(LD_W(2), RET(1)), 2, &found), 0, "the last four bytes of the record");
	is(filtered(fd, F(LD_W(3), RET(1)), 2, &found), -EINVAL, "one byte beyond the record");
	is(filtered(fd, F(LD_B(6), RET(1)), 2, &found), -EINVAL, "the byte after the record");
	is(filtered(fd, F(LD_B(~0u), RET(1)), 2, &found), -EINVAL, "a load from before it");
	is(filtered(fd, F(LD_W(0xfffff000), RET(1)), 2, &found), -EINVAL, "ancillary data");
	is(filtered(fd, F({ 0x40, 0, 0, 0 }, RET(1)), 2, &found), -EINVAL, "an indirect load");
	is(filtered(fd, F({ 0xb1, 0, 0, 0 }, RET(1)), 2, &found), -EINVAL, "a header-length load");
	is(filtered(fd, F({ 0x05, 0, 0, 7 }, RET(1)), 2, &found), -EINVAL, "a jump out of the program");
	is(filtered(fd, F(LD_B(0)), 1, &found), -EINVAL, "a program without a return");
	is(filtered(fd, F({ 0x34, 0, 0, 0 }, RET(1)), 2, &found), -EINVAL, "a division by 0");
	is(filtered(fd, F({ 0xffff, 0, 0, 0 }, RET(1)), 2, &found), -EINVAL, "no instruction at all");
	is(filtered(fd, F({ 0x60, 0, 0, 99 }, RET(1)), 2, &found), -EINVAL, "memory that there is not");
	close(fd);
	raw_drop(ctl, "filtered");
}

/* ---- full, quota, settings, list ---- */

static void set_param(const char *name, const char *value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/vexfs/parameters/%s", name);
	f = fopen(path, "w");
	if (!f || fputs(value, f) < 0 || fclose(f))
		ok(false, "parameter %s", name);
}

static void filling(void)
{
	struct vexfs_create c = raw_spec("small", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	struct vexfs_set set = { .what = VEXFS_SET_CAPACITY, .capacity = 4 };
	struct vexfs_put p;
	float v[DIM] = { 1 };
	uint64_t id = 3;
	int fd = raw_open();

	c.capacity = 5;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), 0, "create with room for 5");
	is(put_some(fd, 0, 5, DIM, NULL), 0, "fill it");
	is(put_some(fd, 5, 1, DIM, NULL), -ENOSPC, "one too many");
	p = raw_put(&id, v, NULL, 1);
	is(RAW(fd, VEXFS_IOC_PUT, &p), 0, "an update of a full collection");
	is(RAW(fd, VEXFS_IOC_SET, &set), -ENOSPC, "less room than it holds");
	set.capacity = 6;
	is(RAW(fd, VEXFS_IOC_SET, &set), 0, "more room");
	is(put_some(fd, 5, 1, DIM, NULL), 0, "one more");
	ok(count_of(fd) == 6 && sound(fd), "is sound");

	set_param("max_user_kb", "976");
	is(put_some(fd, 0, 6, DIM, NULL), 0, "small things under a quota");
	set.capacity = 0;
	RAW(fd, VEXFS_IOC_SET, &set);
	is(put_some(fd, 100, 30000, DIM, NULL), -ENOSPC, "more than the quota");
	set_param("max_user_kb", "0");
	ok(sound(fd), "is sound");
	is(put_some(fd, 100, 30000, DIM, NULL), 0, "without it, all");
	close(fd);
	raw_drop(ctl, "small");
	set_param("max_collections", "0");
	is(create_named("more", 4), -ENOSPC, "too many collections");
	set_param("max_collections", "65536");
}

static void setting(int fd)
{
	static const char text[] = "a: u32";
	char back[64] = "";
	struct vexfs_set s = { .what = VEXFS_SET_MODE, .mode = 0640 };
	struct vexfs_stat st = { };

	is(RAW(fd, VEXFS_IOC_SET, &s), 0, "set the mode");
	s.mode = 01000;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "mode 01000");
	s.what = 0;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "set nothing");
	s.what = 1u << 9;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "set what there is not");
	s.what = VEXFS_SET_UID, s.uid = ~0u;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EINVAL, "owner -1");
	s.what = VEXFS_SET_LAYOUT, s.layout_len = 1025;
	is(RAW(fd, VEXFS_IOC_SET, &s), -E2BIG, "layout of 1025 bytes");
	s.layout_len = sizeof(text), s.layout = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SET, &s), -EFAULT, "wild layout");
	s.layout = (uintptr_t)text;
	is(RAW(fd, VEXFS_IOC_SET, &s), 0, "set the layout");
	st.layout = (uintptr_t)back, st.layout_len = sizeof(back);
	is(RAW(fd, VEXFS_IOC_STAT, &st), 0, "stat with it");
	ok(st.layout_len == sizeof(text) && !strcmp(back, text) && st.mode == 0640,
	   "gives back what was set");
	st.layout = (uintptr_t)WILD, st.layout_len = 4;
	is(RAW(fd, VEXFS_IOC_STAT, &st), -EFAULT, "stat with a wild layout");
}

static void listing(void)
{
	struct vexfs_stat rows[2];
	struct vexfs_list l = { .stat_size = sizeof(rows[0]), .stats = (uintptr_t)rows };
	uint32_t seen = 0;
	int err;

	raw_create("list-a", 1, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	raw_create("list-b", 1, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	raw_create("list-c", 1, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	do {
		l.count = 2;
		err = RAW(ctl, VEXFS_IOC_LIST, &l);
		for (uint32_t i = 0; !err && i < l.count; i++)
			seen += !strncmp(rows[i].name, "list-", 5);
	} while (!err && l.cursor);
	is(err, 0, "list");
	ok(seen == 3, "sees each collection once");
	l.count = 0;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -EINVAL, "list without room");
	l.count = 1, l.stat_size = 0;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -EINVAL, "list of rows of 0 bytes");
	l.stat_size = 1u << 20;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -E2BIG, "list of rows of a megabyte");
	l.stat_size = sizeof(rows[0]), l.stats = (uintptr_t)WILD;
	is(RAW(ctl, VEXFS_IOC_LIST, &l), -EFAULT, "list to a wild place");
	raw_drop(ctl, "list-a");
	raw_drop(ctl, "list-b");
	raw_drop(ctl, "list-c");
}

/* ---- users ---- */

/* Runs @fn as another user in a child; its exit status. */
static int as_user(uid_t uid, gid_t gid, int (*fn)(int), int arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			_exit(99);
		_exit(-fn(arg));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -255;
}

static int u_attach_read(int unused)
{
	(void)unused;
	return raw_attach(raw_open(), "users", VEXFS_ATTACH_READ);
}

static int u_attach_write(int unused)
{
	(void)unused;
	return raw_attach(raw_open(), "users", VEXFS_ATTACH_WRITE);
}

static int u_drop(int unused)
{
	(void)unused;
	return raw_drop(raw_open(), "users");
}

static int u_list(int unused)
{
	struct vexfs_stat row;
	struct vexfs_list l = { .stat_size = sizeof(row), .stats = (uintptr_t)&row, .count = 1 };

	(void)unused;
	return RAW(raw_open(), VEXFS_IOC_LIST, &l) ?: -(int)l.count;
}

static int u_use(int fd)
{
	return put_some(fd, 1, 1, DIM, NULL);
}

static int u_chmod(int fd)
{
	struct vexfs_set s = { .what = VEXFS_SET_MODE, .mode = 0666 };

	return RAW(fd, VEXFS_IOC_SET, &s);
}

static int u_chown(int fd)
{
	struct vexfs_set s = { .what = VEXFS_SET_UID, .uid = 0 };

	return RAW(fd, VEXFS_IOC_SET, &s);
}

static int u_received(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1)
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return put_some(fd, 2, 1, DIM, NULL);
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int u_namespace(int unused)
{
	int err;

	(void)unused;
	if (unshare(CLONE_NEWUSER))
		return -77;
	err = raw_attach(raw_open(), "users", VEXFS_ATTACH_READ);
	if (err != -ENOENT)
		return -EPROTO;
	/* the same name is free here */
	err = raw_create("users", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	if (err < 0)
		return err;
	close(err);
	return raw_drop(raw_open(), "users");
}

static void users(void)
{
	int fd = raw_create("users", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), sock[2], err;
	struct vexfs_set s = {
		.what = VEXFS_SET_UID | VEXFS_SET_GID | VEXFS_SET_MODE,
		.uid = 1000, .gid = 100, .mode = 0640,
	};

	is(RAW(fd, VEXFS_IOC_SET, &s), 0, "give it to user 1000, group 100, 0640");
	is(as_user(1000, 1000, u_attach_write, 0), 0, "the owner may write");
	is(as_user(2000, 100, u_attach_read, 0), 0, "the group may read");
	is(as_user(2000, 100, u_attach_write, 0), -EACCES, "the group may not write");
	is(as_user(2000, 2000, u_attach_read, 0), -EACCES, "others may not read");
	is(as_user(2000, 2000, u_list, 0), 0, "nor see it in the list");
	is(as_user(1000, 1000, u_list, 0), -1, "the owner sees it in the list");
	is(as_user(2000, 100, u_drop, 0), -EACCES, "the group may not drop it");
	is(as_user(2000, 2000, u_use, fd), 0, "an inherited descriptor keeps its rights");
	is(as_user(2000, 100, u_chmod, fd), -EACCES, "but another's mode cannot be changed with it");
	is(as_user(1000, 1000, u_chown, fd), -EACCES, "nor can the owner give it away");
	is(as_user(1000, 1000, u_chmod, fd), 0, "the owner changes the mode");
	socketpair(AF_UNIX, SOCK_STREAM, 0, sock);
	is(send_fd(sock[0], fd), 0, "a descriptor goes over a socket");
	is(as_user(3000, 3000, u_received, sock[1]), 0, "and works for another user");
	err = as_user(4000, 4000, u_namespace, 0);
	if (err == -77)
		skip("names in another user namespace", "no user namespaces here");
	else
		is(err, 0, "names in another user namespace");
	is(as_user(1000, 1000, u_drop, 0), 0, "the owner drops it");
	close(fd);
}

/* ---- descriptors, signals, memory ---- */

static void descriptors(void)
{
	int fd = raw_create("fds", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), copy = dup(fd);
	pid_t pid;

	close(fd);
	is(put_some(copy, 0, 3, DIM, NULL), 0, "a duplicate outlives the original");
	pid = fork();
	if (!pid)
		_exit(put_some(copy, 3, 3, DIM, NULL) ? 1 : 0);
	waitpid(pid, NULL, 0);
	ok(count_of(copy) == 6, "what a child puts is there for its parent");
	is(syscall(SYS_delete_module, "vexfs", O_NONBLOCK) < 0 ? -errno : 0, -EAGAIN,
	   "the module does not go while a descriptor is open");
	pid = fork();
	if (!pid) {
		for (uint64_t i = 1000;; i += 5000)
			put_some(copy, i % 100000, 5000, DIM, NULL);
	}
	usleep(150000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(sound(copy), "sound after its writer was killed");
	raw_drop(ctl, "fds");
	close(copy);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void alarm_in(int ms, bool restart)
{
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval t = { .it_value = { .tv_usec = ms * 1000 } };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static void signals(void)
{
	const uint32_t n = 20000, dim = 256, nq = 4096, k = 100;
	int fd = raw_create("slow", dim, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	float *q = calloc((size_t)nq * dim, sizeof(*q));
	uint64_t *ids = calloc((size_t)nq * k, sizeof(*ids));
	uint32_t *counts = calloc(nq, sizeof(*counts));
	struct vexfs_search s = raw_search(q, nq, k, ids, NULL, counts);

	put_some(fd, 0, n, dim, NULL);
	alarm_in(10, false);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINTR, "a signal ends a long search");
	s = raw_search(q, nq, k, ids, NULL, counts);
	s.deadline_ns = 5000000;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -ETIME, "so does the deadline");
	s = raw_search(q, 64, k, ids, NULL, counts);
	alarm_in(1, true);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "SA_RESTART starts it again");
	raw_drop(ctl, "slow");
	close(fd);
	free(counts);
	free(ids);
	free(q);
}

static sig_atomic_t bus;

static void on_bus(int sig)
{
	(void)sig;
	bus++;
	_exit(42);
}

static void mapping(void)
{
	int fd = raw_create("mapped", 16, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), status;
	float want[16];
	struct vexfs_stat st = { };
	float *rows;
	pid_t pid;
	bool same = true;

	put_some(fd, 0, 3000, 16, NULL);
	ok(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	   errno == EACCES, "rows cannot be mapped for writing");
	rows = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);
	ok(rows != MAP_FAILED, "rows can be mapped");
	RAW(fd, VEXFS_IOC_STAT, &st);
	for (uint32_t i = 0; i < 3000; i++) {
		fill(want, i, 16);
		same &= !memcmp((char *)rows + (size_t)i * st.stride, want, sizeof(want));
	}
	ok(same, "mapped rows are the rows");
	ok(mprotect(rows, 4096, PROT_READ | PROT_WRITE) < 0, "nor made writable later");
	pid = fork();
	if (!pid) {
		volatile char *beyond = (char *)rows + (1 << 20) - 1;

		signal(SIGBUS, on_bus);
		_exit(*beyond ? 1 : 2);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 42, "beyond the rows there is SIGBUS");
	raw_drop(ctl, "mapped");
	close(fd);
	fill(want, 2999, 16);
	ok(!memcmp((char *)rows + 2999ul * st.stride, want, sizeof(want)),
	   "a mapping outlives the drop");
	munmap(rows, 1 << 20);
}

static void memory_returns(void)
{
	int fd = raw_create("churn", 64, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0), tries;
	const uint32_t n = 60000;
	uint64_t *ids = calloc(n, sizeof(*ids));
	struct vexfs_delete d = { .count = n, .ids = (uintptr_t)ids };
	struct vexfs_stat full = { }, empty = { };

	put_some(fd, 0, n, 64, NULL);
	RAW(fd, VEXFS_IOC_STAT, &full);
	for (uint32_t i = 0; i < n; i++)
		ids[i] = i;
	is(RAW(fd, VEXFS_IOC_DELETE, &d), 0, "delete everything");
	for (tries = 0; tries < 500; tries++) {
		RAW(fd, VEXFS_IOC_STAT, &empty);
		if (empty.bytes < full.bytes / 20)
			break;
		usleep(10000);
	}
	printf("# %llu bytes with %u vectors, %llu without\n", (unsigned long long)full.bytes, n,
	       (unsigned long long)empty.bytes);
	ok(empty.bytes < full.bytes / 20 && !empty.count, "memory comes back");
	ok(sound(fd), "is sound");
	raw_drop(ctl, "churn");
	close(fd);
	free(ids);
}

int main(void)
{
	int fd;

	ctl = raw_open();
	if (ctl < 0) {
		perror(VEXFS_DEVICE);
		return 1;
	}
	sizes();
	names();
	creating();
	attaching();
	fd = raw_create("errors", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	ok(fd >= 0, "a collection for the errors");
	putting(fd);
	getting(fd);
	deleting(fd);
	measuring(fd);
	put_some(fd, 0, 200, DIM, NULL);
	walking(fd);
	searching(fd);
	setting(fd);
	deadlines(fd);
	close(fd);
	raw_drop(ctl, "errors");
	filtering();
	filling();
	listing();
	users();
	descriptors();
	signals();
	mapping();
	memory_returns();
	return done();
}
