// SPDX-License-Identifier: GPL-2.0
/*
 * Exact search, and filters that the kernel must refuse.
 */
#include <math.h>
#include <stdlib.h>

#include "tests/ioctl/test.h"

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
	   "search: the vector itself is first");
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
	ok(counts[0] == 4 && counts[1] == 4 && ids[4] == 11, "two queries: each has its results");
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
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EINVAL, "continue flag without a range search");
	s = good, s.flags |= VEXFS_SEARCH_RANGE, s.radius = raw_f32(NAN);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EDOM, "radius NaN");
	s = good, s.flags |= VEXFS_SEARCH_RANGE, s.radius = raw_f32(-1);
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "radius -1");
	ok(!s.found && !s.more && ids[0] == ~0ULL && isinf(dist[0]), "radius -1: no result");
	s = good, s.queries = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "queries at an invalid address");
	s = good, s.ids = 0;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "no buffer for ids");
	s = good, s.distances = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "distances at an invalid address");
	s = good, s.flags |= VEXFS_QUERY_BY_ID, s.queries = (uintptr_t)&self;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "search by id");
	ok(ids[0] == 10, "search by id: the vector itself is found");
	s = good, s.flags |= VEXFS_QUERY_BY_ID | VEXFS_SEARCH_SKIP_SELF,
	s.queries = (uintptr_t)&self;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "search by id, but not itself");
	ok(s.found == 4 && ids[0] != 10, "search by id, but not itself: others are found");
	self = 424242;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -ENOENT, "search by an unknown id");
	s = good, s.filter_len = 4097, s.filter = (uintptr_t)&insn;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -E2BIG, "filter of 4097 instructions");
	s = good, s.filter_len = 1, s.filter = (uintptr_t)WILD;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), -EFAULT, "filter at an invalid address");
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
	ok(found == 10, "filter that keeps all: all are found");
	is(filtered(fd, F(RET(0)), 1, &found), 0, "filter that keeps none");
	ok(found == 0, "filter that keeps none: none is found");
	is(filtered(fd, F(LD_B(1), JEQ(1, 0, 1), RET(1), RET(0)), 4, &found), 0, "filter by a byte");
	ok(found == 5, "filter by a byte: the odd half is found");
	is(filtered(fd, F(LD_H(4), JEQ(0x107, 0, 1), RET(1), RET(0)), 4, &found), 0,
	   "filter by two bytes, big-endian");
	ok(found == 1, "filter by two bytes: one is found");
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
	is(filtered(fd, F({ 0x60, 0, 0, 99 }, RET(1)), 2, &found), -EINVAL, "scratch memory out of range");
	close(fd);
	raw_drop(ctl, "filtered");
}

/* Numbers in records are big-endian: of every size, at every place. */
void classifying(void)
{
	int fd = raw_create("classes", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, VEXFS_ATTR_MAX);
	unsigned char records[2][VEXFS_ATTR_MAX];
	unsigned int wrong = 0;
	float q[DIM];

	for (unsigned int i = 0; i < VEXFS_ATTR_MAX; i++) {
		records[0][i] = (unsigned char)(i * 37 + 11);
		records[1][i] = (unsigned char)(255 - i * 3);
	}
	put_some(fd, 0, 2, DIM, records);
	fill(q, 0, DIM);
	for (unsigned int size = 1; size <= 8; size *= 2) {
		for (unsigned int at = 0; at + size <= VEXFS_ATTR_MAX; at++) {
			struct vexfs_vote votes[2];
			struct vexfs_classify c = {
				.flags = VEXFS_SEARCH_EXACT, .k = 1, .query = (uintptr_t)q,
				.field_offset = at, .field_size = size,
				.votes = (uintptr_t)votes, .count = 2,
			};
			uint64_t want[2] = { 0, 0 };

			for (unsigned int i = 0; i < size; i++) {
				want[0] = want[0] << 8 | records[0][at + i];
				want[1] = want[1] << 8 | records[1][at + i];
			}
			wrong += RAW(fd, VEXFS_IOC_CLASSIFY, &c) || c.count != 1 ||
				 votes[0].value != want[0];
			c.k = 2, c.count = 2;
			/* one vote each: the smaller value first */
			wrong += RAW(fd, VEXFS_IOC_CLASSIFY, &c) || c.count != 2 ||
				 votes[0].value != (want[0] < want[1] ? want[0] : want[1]) ||
				 votes[1].value != (want[0] < want[1] ? want[1] : want[0]);
		}
	}
	ok(!wrong, "classes are numbers as records have them, of 1, 2, 4 and 8 bytes (%u wrong)",
	   wrong);
	raw_drop(ctl, "classes");
	close(fd);
}

/*
 * A graph cannot answer a query where nothing near passes the filter. That one is
 * compared with every vector; those asked with it are not.
 */
void leaving(void)
{
	enum { N = 20000, NQ = 64, SOLE = 17 };
	/* keeps records of 1 */
	static const struct vexfs_filter_insn ones[] = {
		{ 0x30, 0, 0, 0 }, { 0x15, 0, 1, 1 }, { 0x06, 0, 0, 1 }, { 0x06, 0, 0, 0 },
	};
	struct vexfs_create c = raw_spec("leaving", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 1);
	float *v = calloc(N * DIM, sizeof(*v)), q[NQ * DIM], d[NQ], want[NQ];
	uint64_t *ids = calloc(N, sizeof(*ids)), got[NQ], exact[NQ];
	unsigned char *records = calloc(N, 1);
	uint32_t counts[NQ], wrong = 0;
	struct vexfs_put p = raw_put(ids, v, records, N);
	struct vexfs_search s;
	uint64_t alone;
	int fd = raw_open();

	/* two crowds, far apart; one of them passes */
	for (uint32_t i = 0; i < N; i++) {
		ids[i] = i;
		fill(v + i * DIM, i, DIM);
		v[i * DIM] += i % 2 ? 0 : 1000;
		records[i] = i % 2;
	}
	for (uint32_t i = 0; i < NQ; i++) {
		fill(q + i * DIM, 1000000 + i, DIM);
		q[i * DIM] += i == SOLE ? 1000 : 0;
	}
	c.index = VEXFS_INDEX_GRAPH;
	c.m = 8;
	c.ef_construction = 32;
	is(RAW(fd, VEXFS_IOC_CREATE, &c) ?: RAW(fd, VEXFS_IOC_PUT, &p), 0, "a graph with two clusters");
	s = raw_search(q, NQ, 1, exact, want, counts);
	s.filter = (uintptr_t)ones, s.filter_len = 4;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "the records of the clusters");
	s = raw_search(q, SOLE, 1, got, d, counts);
	s.flags = 0, s.filter = (uintptr_t)ones, s.filter_len = 4;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "queries whose neighbours match the filter");
	ok(s.plan == VEXFS_PLAN_GRAPH_FILTER, "queries whose neighbours match: by the graph");
	alone = s.distances_done;
	s = raw_search(q, NQ, 1, got, d, counts);
	s.flags = 0, s.filter = (uintptr_t)ones, s.filter_len = 4;
	is(RAW(fd, VEXFS_IOC_SEARCH, &s), 0, "one query among them whose neighbours do not match");
	for (uint32_t i = 0; i < NQ; i++)
		wrong += counts[i] != 1;
	ok(!wrong && got[SOLE] == exact[SOLE] && d[SOLE] == want[SOLE], "that query is answered exactly");
	ok(s.plan == VEXFS_PLAN_GRAPH_FILTER && s.distances_done < alone * 8 + 2 * N,
	   "the others are answered by the graph: %llu distances, %llu for %u of them",
	   (unsigned long long)s.distances_done, (unsigned long long)alone, SOLE);
	raw_drop(ctl, "leaving");
	close(fd);
	free(records);
	free(ids);
	free(v);
}
