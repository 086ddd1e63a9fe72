// SPDX-License-Identifier: GPL-2.0
/* A collection comes back from storage as it was. */
#include <stdlib.h>

#include "tests/stream/stream.h"

#define N	5000u

static int put_back(int fd, uint32_t n, uint64_t last, uint32_t flags)
{
	uint64_t *ids = calloc(n, sizeof(*ids)), *seqs = calloc(n, sizeof(*seqs));
	float *v = calloc((size_t)n * DIM, sizeof(*v));
	struct vexfs_put p = raw_put(ids, v, NULL, n);
	int err;

	for (uint32_t i = 0; i < n; i++) {
		/* neither in order nor all of the numbers there were */
		ids[i] = i * 7;
		seqs[i] = last - i * 2;
		fill(v + (size_t)i * DIM, ids[i], 0);
	}
	p.flags = flags;
	p.seqs = (uintptr_t)seqs;
	err = RAW(fd, VEXFS_IOC_PUT, &p);
	free(ids);
	free(seqs);
	free(v);
	return err;
}

static struct vexfs_create spec(const char *name)
{
	struct vexfs_create c = raw_spec(name, DIM, VEXFS_TYPE_F32, VEXFS_METRIC_COS, 4);

	c.flags = VEXFS_CREATE_RESTORE;
	c.mode = 0640;
	c.uid = 1234;
	c.gid = 567;
	c.seq = 20000;
	c.created = 1700000000;
	c.durability = VEXFS_DURABILITY_GROUP;
	c.capacity = 6000;
	return c;
}

static void refused(void)
{
	struct vexfs_create c = spec("no");
	int fd = raw_open();

	c.durability = 0;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), -EINVAL, "restore of a volatile collection is refused");
	c = spec("no");
	c.flags = 0;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), -EINVAL, "an owner without VEXFS_CREATE_RESTORE is refused");
	c = spec("no");
	c.uid = ~0u;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), -EINVAL, "restore with an invalid owner is refused");
	close(fd);
}

static int build_work(const char *name, uint64_t arg)
{
	struct vexfs_index_req req = { .op = VEXFS_INDEX_OP_BUILD };
	int fd = attach(name);

	(void)arg;
	return fd < 0 ? fd : RAW(fd, VEXFS_IOC_INDEX, &req);
}

/* A request that waits for storage must not keep storage from loading a graph. */
static void building(int fd)
{
	struct vexfs_graph_load load = { .op = VEXFS_GRAPH_LOAD_FINISH };
	struct vexfs_stream_req req = { .flags = VEXFS_STREAM_FROM, .from = 20001 };
	pid_t pid = start(build_work, "again", 0);
	int s;

	ok(waits(pid), "the creation of a graph waits for storage");
	is(RAW(fd, VEXFS_IOC_GRAPH_LOAD, &load), -ENOENT, "storage loads a graph meanwhile");
	ok(waits(pid), "... and the creation still waits");
	s = storage_attach("again", &req);
	while (!readable(s, 1000) && waits(pid))
		;
	ok(store_all(s) == 20002, "the graph is created when storage is there");
	is(outcome(pid), 0, "... and durable");
	close(s);
}

void restoring(void)
{
	const uint32_t how = VEXFS_PUT_INSERT | VEXFS_PUT_SEQS;
	struct vexfs_create c = spec("again");
	struct vexfs_stream_req req = { .flags = VEXFS_STREAM_FROM, .from = 20000 };
	struct vexfs_restored done = { };
	struct vexfs_change ch[4];
	struct vexfs_stat st;
	struct vexfs_check check = { };
	float v[DIM];
	int fd = raw_open(), s, fd2;
	pid_t pid;

	refused();
	is(RAW(fd, VEXFS_IOC_CREATE, &c), 0, "restore begins");
	is(attach("again"), -ENOENT, "a collection being restored is not visible");
	is(put_back(fd, N, 20001, how), -EINVAL, "put with sequence numbers beyond the last one is refused");
	is(put_back(fd, N, 20000, VEXFS_PUT_UPSERT | VEXFS_PUT_SEQS), -EINVAL, "put of existing ids is refused");
	is(put_some(fd, 1, 1, 0, NULL), -EINVAL, "put without sequence numbers is refused");
	is(delete_one(fd, 0), -EINVAL, "delete is refused");
	is(put_back(fd, N, 20000, how), 0, "the vectors are restored");
	close(fd);
	is(attach("again"), -ENOENT, "a collection whose restore was abandoned does not exist");

	fd = raw_open();
	is(RAW(fd, VEXFS_IOC_CREATE, &c), 0, "restore begins again");
	is(put_back(fd, N, 20000, how), 0, "the vectors are restored again");
	is(RAW(fd, VEXFS_IOC_RESTORED, &done), 0, "restore is completed");
	is(RAW(fd, VEXFS_IOC_RESTORED, &done), -EINVAL, "restore cannot be completed twice");
	st = stat_of(fd);
	ok(st.serial == done.serial && st.count == N && st.seq == 20000 && st.mode == 0640 &&
	   st.uid == 1234 && st.gid == 567 && st.created == 1700000000 && st.capacity == 6000 &&
	   st.attr_size == 4 && st.durability == VEXFS_DURABILITY_GROUP && st.durable == 20000,
	   "stat shows what was restored");
	is(get_one(fd, 7 * (N - 1), v), 0, "restored vectors can be read");
	is(RAW(fd, VEXFS_IOC_CHECK, &check), 0, "check of the restored collection");
	ok(!check.faults && check.vectors == N, "check finds no fault");
	is(put_back(fd, N, 20000, how), -EINVAL, "put with sequence numbers is refused after the restore");
	fd2 = raw_open();
	is(RAW(fd2, VEXFS_IOC_CREATE, &c), 0, "a second restore of the name begins");
	is(RAW(fd2, VEXFS_IOC_RESTORED, &done), -EEXIST, "a second restore of the name cannot be completed");
	close(fd2);

	pid = start(put_one_work, "again", 7);
	ok(waits(pid), "writers of a restored collection wait for storage");
	s = storage_attach("again", &req);
	ok(s >= 0 && !(req.flags & VEXFS_STREAM_SNAPSHOT), "storage continues without a snapshot");
	while (changes(s, ch, 4) < 1)
		readable(s, 1000);
	ok(ch[0].seq == 20001 && ch[0].op == VEXFS_CHANGE_UPDATE && ch[0].id == 7,
	   "the next change has the next sequence number");
	ack(s, 20001, 0);
	is(outcome(pid), 0, "the writer continues");
	close(s);
	building(fd);
	close(fd);
}
