// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search, and filters that the kernel must refuse.
 */
#include <math.h>

#include "ioctl/test.h"

void searching(int fd)
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

void filtering(void)
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
