// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile requests, sent without the library. Each must be refused with the error that
 * the ABI names, and must have no effect. A request that is accepted, or refused with
 * another error, counts as a wrong answer.
 */
#include "coll.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define WILD	0xdead000000001000ULL	/* an unmapped address */
#define KERNEL	0xffff888000000000ULL	/* an address in kernel memory */

union request {
	uint32_t size;
	struct vexfs_search search;
	struct vexfs_put put;
	struct vexfs_get get;
	struct vexfs_delete del;
	struct vexfs_distance distance;
	struct vexfs_walk walk;
	struct vexfs_attach attach;
	struct vexfs_create create;
	struct vexfs_drop drop;
	struct vexfs_index_req index;
	struct vexfs_filter_insn insn[8];
	uint64_t word[128];
};

static struct vexfs_filter_insn beyond[] = {
	{ 0x20, 0, 0, 60 },		/* load four bytes at 60: outside a 4 byte record */
	{ 0x16, 0, 0, 0 },		/* return them */
};

static struct vexfs_filter_insn endless[] = {
	{ 0x05, 0, 0, 0xffffffff },	/* jump back: not a program */
};

static float not_a_number[65536 / 64];
static uint64_t some_ids[16];
static uint64_t answer[4096];

enum { SEARCH, PUT, GET, DELETE, DISTANCE, WALK, ATTACH, CREATE, DROP, INDEX };

static const struct {
	unsigned int cmd;
	uint32_t size;
} commands[] = {
	[SEARCH] = { VEXFS_IOC_SEARCH, sizeof(struct vexfs_search) },
	[PUT] = { VEXFS_IOC_PUT, sizeof(struct vexfs_put) },
	[GET] = { VEXFS_IOC_GET, sizeof(struct vexfs_get) },
	[DELETE] = { VEXFS_IOC_DELETE, sizeof(struct vexfs_delete) },
	[DISTANCE] = { VEXFS_IOC_DISTANCE, sizeof(struct vexfs_distance) },
	[WALK] = { VEXFS_IOC_WALK, sizeof(struct vexfs_walk) },
	[ATTACH] = { VEXFS_IOC_ATTACH, sizeof(struct vexfs_attach) },
	[CREATE] = { VEXFS_IOC_CREATE, sizeof(struct vexfs_create) },
	[DROP] = { VEXFS_IOC_DROP, sizeof(struct vexfs_drop) },
	[INDEX] = { VEXFS_IOC_INDEX, sizeof(struct vexfs_index_req) },
};

/* A valid request, in which each case changes one member. */
static void good(struct vx_worker *w, int cmd, union request *r)
{
	const struct vx_coll *c = w->job->coll;

	memset(r, 0, sizeof(*r));
	r->size = commands[cmd].size;
	switch (cmd) {
	case SEARCH:
		r->search.flags = VEXFS_SEARCH_EXACT;
		r->search.count = 1;
		r->search.k = 10;
		r->search.queries = (uintptr_t)c->queries;
		r->search.ids = (uintptr_t)answer;
		break;
	case PUT:
		r->put.flags = VEXFS_PUT_UPDATE;
		r->put.count = 1;
		r->put.ids = (uintptr_t)some_ids;
		r->put.vectors = (uintptr_t)c->pool;
		break;
	case GET:
		r->get.count = 1;
		r->get.ids = (uintptr_t)some_ids;
		break;
	case DELETE:
		r->del.count = 1;
		r->del.ids = (uintptr_t)some_ids;
		break;
	case DISTANCE:
		r->distance.count = 1;
		r->distance.query = (uintptr_t)c->queries;
		r->distance.ids = (uintptr_t)some_ids;
		r->distance.distances = (uintptr_t)answer;
		break;
	case CREATE:
		strcpy(r->create.name, "vexstress.abuse");
		r->create.flags = VEXFS_CREATE_DETACHED;
		r->create.dim = 8;
		r->create.type = VEXFS_TYPE_F32;
		r->create.metric = VEXFS_METRIC_L2;
		break;
	default:
		break;
	}
}

#define CASE(c, errno_, spoil)						\
	do {								\
		if (which == n++) {					\
			good(w, c, r);					\
			*cmd = c;					\
			spoil;						\
			want = errno_;					\
		}							\
	} while (0)

/* Builds case number @which; returns the errno it must cause, or 0 beyond the last. */
static int build(struct vx_worker *w, uint64_t which, union request *r, int *cmd)
{
	const struct vx_coll *c = w->job->coll;
	uint64_t n = 0;
	int want = 0;

	CASE(SEARCH, EINVAL, r->search.k = 0);
	CASE(SEARCH, E2BIG, r->search.k = VEXFS_K_MAX + 1);
	CASE(SEARCH, EINVAL, r->search.count = 0);
	CASE(SEARCH, E2BIG, r->search.count = VEXFS_QUERIES_MAX + 1);
	CASE(SEARCH, E2BIG, r->search.count = ~0u);
	CASE(SEARCH, EFAULT, r->search.queries = 0);
	CASE(SEARCH, EFAULT, r->search.queries = WILD);
	CASE(SEARCH, EFAULT, r->search.queries = KERNEL);
	CASE(SEARCH, EFAULT, r->search.ids = KERNEL);
	CASE(SEARCH, EFAULT, r->search.distances = WILD);
	CASE(SEARCH, EINVAL, r->search.flags |= 1u << 31);
	CASE(SEARCH, EINVAL, r->search.format = 77);
	CASE(SEARCH, EINVAL, r->search.pad = 1);
	CASE(SEARCH, EINVAL, r->search.priority = 9);
	CASE(SEARCH, EDOM, r->search.queries = (uintptr_t)not_a_number);
	CASE(SEARCH, EINVAL, (r->search.filter = (uintptr_t)beyond, r->search.filter_len = 2));
	CASE(SEARCH, EINVAL, (r->search.filter = (uintptr_t)endless, r->search.filter_len = 1));
	CASE(SEARCH, EFAULT, (r->search.filter = WILD, r->search.filter_len = 4));
	CASE(SEARCH, E2BIG, (r->search.filter = (uintptr_t)beyond,
			     r->search.filter_len = VEXFS_FILTER_MAX + 1));
	CASE(SEARCH, EINVAL, r->size = 0);
	CASE(SEARCH, EINVAL, r->size = 4);
	CASE(SEARCH, E2BIG, r->size = 0x80000000u);
	CASE(PUT, EINVAL, r->put.flags = 0);
	CASE(PUT, EINVAL, r->put.flags |= 1u << 30);
	CASE(PUT, EINVAL, r->put.count = 0);
	CASE(PUT, E2BIG, r->put.count = VEXFS_BATCH_MAX + 1);
	CASE(PUT, EFAULT, r->put.ids = WILD);
	CASE(PUT, EFAULT, r->put.vectors = KERNEL);
	CASE(PUT, EDOM, r->put.vectors = (uintptr_t)not_a_number);
	CASE(PUT, ENOENT, r->put.ids = (uintptr_t)(some_ids + 1));
	CASE(PUT, EEXIST, r->put.flags = VEXFS_PUT_INSERT);
	CASE(GET, ENOENT, r->get.ids = (uintptr_t)(some_ids + 1));
	CASE(GET, EFAULT, r->get.ids = WILD);
	CASE(GET, EFAULT, r->get.vectors = KERNEL);
	CASE(GET, EINVAL, r->get.count = 0);
	CASE(GET, E2BIG, r->get.count = ~0u);
	CASE(DELETE, ENOENT, r->del.ids = (uintptr_t)(some_ids + 1));
	CASE(DELETE, EFAULT, r->del.ids = KERNEL);
	CASE(PUT, EINVAL, r->put.pad = 1);
	CASE(GET, EINVAL, r->get.pad = 1);
	CASE(DISTANCE, ENOENT, r->distance.ids = (uintptr_t)(some_ids + 1));
	CASE(DISTANCE, EFAULT, r->distance.query = WILD);
	CASE(DISTANCE, EDOM, r->distance.query = (uintptr_t)not_a_number);
	CASE(WALK, EINVAL, r->walk.count = 0);
	CASE(WALK, EFAULT, (r->walk.count = 1, r->walk.ids = WILD));
	CASE(ATTACH, EBUSY, (memcpy(r->attach.name, c->name, VEXFS_NAME_SIZE),
			     r->attach.flags = VEXFS_ATTACH_READ));
	CASE(CREATE, EINVAL, r->create.dim = 0);
	CASE(CREATE, EINVAL, r->create.type = 99);
	CASE(CREATE, EINVAL, r->create.metric = VEXFS_METRIC_HAMMING);
	CASE(CREATE, EINVAL, memset(r->create.name, 'x', VEXFS_NAME_SIZE));
	CASE(CREATE, EINVAL, r->create.name[0] = 0);
	CASE(CREATE, EINVAL, strcpy(r->create.name, "a/b"));
	CASE(CREATE, EINVAL, r->create.flags |= 1u << 17);
	CASE(CREATE, EEXIST, memcpy(r->create.name, c->name, VEXFS_NAME_SIZE));
	CASE(DROP, ENOENT, strcpy(r->drop.name, "vexstress.never"));
	CASE(INDEX, EINVAL, r->index.op = 12345);
	return want;
}

void vx_abuse_begin(struct vx_worker *w)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(not_a_number); i++)
		not_a_number[i] = __builtin_nanf("");
	/* some_ids[0] exists all the time; the others never do. */
	some_ids[0] = 0;
	for (i = 1; i < ARRAY_SIZE(some_ids); i++)
		some_ids[i] = ~0ULL - 16 + i;
	(void)w;
}

static int count_cases(struct vx_worker *w)
{
	static int known;
	union request r;
	int cmd, n = 0;

	if (known)
		return known;
	while (build(w, (uint64_t)n, &r, &cmd))
		n++;
	known = n;
	return n;
}

/* A structure of random bytes; only its size is right. */
static int noise(struct vx_worker *w, uint64_t which)
{
	static const int which_cmd[] = { SEARCH, PUT, GET, DELETE, DISTANCE, WALK, INDEX, CREATE };
	int cmd = which_cmd[which % (ARRAY_SIZE(which_cmd))];
	union request r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(r.word); i++)
		r.word[i] = vs_rng_next(&w->rng);
	r.size = commands[cmd].size;
	if (ioctl(vexfs_fd(w->handle), commands[cmd].cmd, &r) < 0)
		return 0;
	vx_wrong(w, "a request of random bytes (ioctl 0x%x) was accepted", commands[cmd].cmd);
	return -EPROTO;
}

int vx_abuse(struct vx_worker *w, uint64_t which)
{
	int fd = vexfs_fd(w->handle), want, got, cmd;
	int cases = count_cases(w);
	union request r;
	void *p;

	which %= (uint64_t)cases + 24;
	if (which < (uint64_t)cases) {
		want = build(w, which, &r, &cmd);
		got = ioctl(fd, commands[cmd].cmd, &r) < 0 ? errno : 0;
		/* A module without a graph refuses all requests about one. */
		if (got == want || (cmd == INDEX && got == EOPNOTSUPP))
			return 0;
		vx_wrong(w, "hostile request %llu (ioctl 0x%x) met errno %d, not %d",
			 (unsigned long long)which, commands[cmd].cmd, got, want);
		return -EPROTO;
	}
	switch (which - (uint64_t)cases) {
	case 0:
		got = ioctl(fd, _IO(VEXFS_IOC_MAGIC, 0xee), &r) < 0 ? errno : 0;
		if (got == ENOTTY)
			return 0;
		vx_wrong(w, "an unknown ioctl met errno %d, not ENOTTY", got);
		return -EPROTO;
	case 1:
		got = ioctl(fd, VEXFS_IOC_SEARCH, (void *)(uintptr_t)WILD) < 0 ? errno : 0;
		if (got == EFAULT)
			return 0;
		vx_wrong(w, "a request at a wild address met errno %d, not EFAULT", got);
		return -EPROTO;
	case 2:
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			return 0;
		munmap(p, 4096);
		vx_wrong(w, "rows could be mapped writable");
		return -EPROTO;
	default:
		return noise(w, which);
	}
}
