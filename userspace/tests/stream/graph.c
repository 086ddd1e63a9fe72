// SPDX-License-Identifier: GPL-2.0
/* A graph is saved and comes back, beside vectors that have changed since. */
#include <poll.h>
#include <stdlib.h>

#include "tests/stream/stream.h"

#define N	3000u
#define ROOM	(4u << 20)

static float vectors[N][DIM];

static void make_vectors(void)
{
	uint64_t x = 88172645463325252ull;

	for (uint32_t i = 0; i < N; i++)
		for (uint32_t d = 0; d < DIM; d++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			vectors[i][d] = (float)(int32_t)(x >> 32) / 2147483648.0f;
		}
}

static int put_all(int fd, const uint64_t *seqs, uint32_t skip)
{
	uint64_t ids[N], kept[N];
	static float v[N][DIM];
	uint32_t n = 0;
	struct vexfs_put p;

	for (uint32_t i = 0; i < N; i++) {
		if (i == skip)
			continue;
		ids[n] = i;
		kept[n] = seqs ? seqs[i] : 0;
		memcpy(v[n++], vectors[i], sizeof(v[0]));
	}
	p = raw_put(ids, v, NULL, n);
	if (seqs) {
		p.flags = VEXFS_PUT_INSERT | VEXFS_PUT_SEQS;
		p.seqs = (uintptr_t)kept;
	}
	return RAW(fd, VEXFS_IOC_PUT, &p);
}

static int save(int fd, unsigned char *buf, uint32_t *len, struct vexfs_graph_save *out)
{
	struct vexfs_graph_save s = { };
	uint32_t nodes = 0;
	int err;

	*len = 0;
	do {
		s.buf = (uintptr_t)buf + *len;
		s.len = ROOM - *len < 200000 ? ROOM - *len : 200000;
		err = RAW(fd, VEXFS_IOC_GRAPH_SAVE, &s);
		*len += s.len;
		nodes += s.count;
	} while (!err && s.cursor);
	*out = s;
	out->count = nodes;
	return err;
}

/* Nodes begin with id and seq, then say how large they are. */
static uint32_t node_bytes(const unsigned char *at)
{
	uint32_t bytes;

	memcpy(&bytes, at + 16, sizeof(bytes));
	return bytes;
}

/* In parts at the borders of nodes; how many were taken, or -errno. */
static int load_nodes(int fd, const unsigned char *buf, uint32_t len)
{
	uint32_t at = 0, end, taken = 0;

	while (at < len) {
		struct vexfs_graph_load l = { .op = VEXFS_GRAPH_LOAD_NODES };
		int err;

		for (end = at; end < len && end - at < 100000; end += node_bytes(buf + end))
			;
		l.buf = (uintptr_t)buf + at;
		l.len = end - at;
		err = RAW(fd, VEXFS_IOC_GRAPH_LOAD, &l);
		if (err)
			return err;
		taken += l.count;
		at = end;
	}
	return (int)taken;
}

static int begin(int fd, const struct vexfs_graph_save *s)
{
	struct vexfs_graph_load l = {
		.op = VEXFS_GRAPH_LOAD_BEGIN, .m = s->m, .ef_construction = s->ef_construction,
		.code = s->code, .scale = s->scale,
	};

	return RAW(fd, VEXFS_IOC_GRAPH_LOAD, &l);
}

static int finish(int fd, struct vexfs_graph_load *l)
{
	uint64_t done = 0;
	int err;

	*l = (struct vexfs_graph_load){ .op = VEXFS_GRAPH_LOAD_FINISH };
	err = RAW(fd, VEXFS_IOC_GRAPH_LOAD, l);
	/* an emulated machine may need a minute: only a build that stands still has failed */
	for (int still = 0; !err && still < 3000; still++) {
		struct vexfs_stat st = { };

		RAW(fd, VEXFS_IOC_STAT, &st);
		if (st.index_state != VEXFS_INDEX_BUILDING)
			break;
		if (st.index_done != done)
			still = 0;
		done = st.index_done;
		poll(NULL, 0, 10);
	}
	return err;
}

static bool is_sound(int fd, uint64_t vectors_there)
{
	struct vexfs_check c = { };

	if (RAW(fd, VEXFS_IOC_CHECK, &c))
		return false;
	if (c.faults || c.reachable != vectors_there)
		printf("# %llu faults, %llu of %llu reached: %s\n", (unsigned long long)c.faults,
		       (unsigned long long)c.reachable, (unsigned long long)vectors_there, c.report);
	return !c.faults && c.reachable == vectors_there;
}

/* Of a hundred vectors, how many are found by a walk as themselves. */
static int found(int fd)
{
	int good = 0;

	for (uint32_t i = 0; i < N; i += N / 100) {
		uint64_t id = ~0ull;
		struct vexfs_search s = raw_search(vectors[i], 1, 1, &id, NULL, NULL);

		s.flags = 0;
		if (!RAW(fd, VEXFS_IOC_SEARCH, &s) && id == i)
			good++;
	}
	return good;
}

/* A collection that comes back, up to where its graph does. */
static int back(const char *name, const uint64_t *seqs, uint32_t skip,
		const struct vexfs_graph_save *s)
{
	struct vexfs_create c = raw_spec(name, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	struct vexfs_restored done = { };
	int fd = raw_open(), err;

	c.flags = VEXFS_CREATE_RESTORE;
	c.durability = VEXFS_DURABILITY_ASYNC;
	c.index = VEXFS_INDEX_GRAPH;
	c.seq = 2 * N;
	err = RAW(fd, VEXFS_IOC_CREATE, &c);
	if (!err)
		err = put_all(fd, seqs, skip);
	if (!err)
		err = begin(fd, s);
	if (!err)
		err = RAW(fd, VEXFS_IOC_RESTORED, &done);
	is(err, 0, "a collection with its graph is restored");
	return fd;
}

static void damaged(const unsigned char *buf, uint32_t len, const uint64_t *seqs,
		    const struct vexfs_graph_save *s)
{
	unsigned char *bad = malloc(len);
	struct vexfs_graph_load l;
	uint64_t x = 1234567;
	bool good = true;
	int fd = back("damaged", seqs, N, s);

	for (int round = 0; round < 30; round++) {
		memcpy(bad, buf, len);
		for (int i = 0; i < 200; i++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			bad[(x >> 33) % len] = (unsigned char)(x >> 20);
		}
		/* as large as a request may be, whatever its nodes say */
		l = (struct vexfs_graph_load){
			.op = VEXFS_GRAPH_LOAD_NODES, .buf = (uintptr_t)bad + (x >> 40) % 8 * 8,
			.len = 200000,
		};
		RAW(fd, VEXFS_IOC_GRAPH_LOAD, &l);
		if (round % 10 == 9)
			good &= is_sound(fd, stat_of(fd).index_done);
	}
	is(finish(fd, &l), 0, "the build continues after damaged nodes");
	ok(good && is_sound(fd, N), "the graph is consistent");
	ok(found(fd) >= 95, "the graph finds the nearest vectors");
	free(bad);
	close(fd);
}

void graphs(void)
{
	struct vexfs_create c = raw_spec("graph", DIM, VEXFS_TYPE_F32, VEXFS_METRIC_L2, 0);
	unsigned char *buf = malloc(ROOM);
	static uint64_t seqs[N];
	struct vexfs_graph_save s = { .buf = (uintptr_t)buf, .len = 100 };
	struct vexfs_graph_load l = { .op = 99 };
	int fd = raw_open(), taken, again;
	uint32_t len;

	make_vectors();
	c.index = VEXFS_INDEX_GRAPH;
	RAW(fd, VEXFS_IOC_CREATE, &c);
	is(put_all(fd, NULL, N), 0, "vectors of a graph are stored");
	is(RAW(fd, VEXFS_IOC_GRAPH_SAVE, &s), -EINVAL, "save without room for a node");
	is(RAW(fd, VEXFS_IOC_GRAPH_LOAD, &l), -EINVAL, "load with an unknown op");
	is(begin(fd, &s), -EBUSY, "load into a complete graph is refused");
	is(save(fd, buf, &len, &s), 0, "the graph is saved");
	is(s.count, N, "all nodes are saved");
	ok(s.m == 16 && s.ef_construction == 200 && s.code == 0, "the parameters are saved");
	close(fd);
	drop("graph");

	for (uint32_t i = 0; i < N; i++)
		seqs[i] = i + 1;
	/* one was replaced after that, and one deleted */
	seqs[5] = N + 1;
	fd = back("again-graph", seqs, 7, &s);
	taken = load_nodes(fd, buf, len);
	printf("# %d of %u nodes taken\n", taken, N);
	ok(taken > (int)N / 10 * 9 && taken <= (int)N - 2, "load takes most of the nodes");
	ok(is_sound(fd, (uint64_t)taken), "the nodes form a consistent graph");
	again = load_nodes(fd, buf, len);
	ok(again >= 0 && taken + again <= (int)N - 2,
	   "load again takes nodes whose neighbours were missing, none twice, no changed one");
	taken += again;
	is(finish(fd, &l), 0, "the build inserts the other vectors");
	ok(l.nodes == (uint64_t)taken && l.left == N - 1 - (uint64_t)taken, "the counts of loaded and inserted nodes are right");
	ok(stat_of(fd).index_state == VEXFS_INDEX_READY && is_sound(fd, N - 1), "the graph is complete and consistent");
	ok(found(fd) >= 98, "the graph finds the nearest vectors");
	is(load_nodes(fd, buf, len), -EBUSY, "load into the complete graph is refused");
	close(fd);
	damaged(buf, len, seqs, &s);
	free(buf);
}
