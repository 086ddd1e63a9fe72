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
	is(RAW(fd, VEXFS_IOC_CREATE, &c), -EINVAL, "what is not durable does not come back");
	c = spec("no");
	c.flags = 0;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), -EINVAL, "only what comes back says whose it is");
	c = spec("no");
	c.uid = ~0u;
	is(RAW(fd, VEXFS_IOC_CREATE, &c), -EINVAL, "an owner that is none");
	close(fd);
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
	is(RAW(fd, VEXFS_IOC_CREATE, &c), 0, "a collection comes back");
	is(attach("again"), -ENOENT, "nobody sees it yet");
	is(put_back(fd, N, 20001, how), -EINVAL, "numbers that were not");
	is(put_back(fd, N, 20000, VEXFS_PUT_UPSERT | VEXFS_PUT_SEQS), -EINVAL, "nothing comes twice");
	is(put_some(fd, 1, 1, 0, NULL), -EINVAL, "nor without its number");
	is(delete_one(fd, 0), -EINVAL, "nor does it go");
	is(put_back(fd, N, 20000, how), 0, "its vectors");
	close(fd);
	is(attach("again"), -ENOENT, "what is left half-way is not there");

	fd = raw_open();
	is(RAW(fd, VEXFS_IOC_CREATE, &c), 0, "once more");
	is(put_back(fd, N, 20000, how), 0, "its vectors");
	is(RAW(fd, VEXFS_IOC_RESTORED, &done), 0, "all of them");
	is(RAW(fd, VEXFS_IOC_RESTORED, &done), -EINVAL, "once");
	st = stat_of(fd);
	ok(st.serial == done.serial && st.count == N && st.seq == 20000 && st.mode == 0640 &&
	   st.uid == 1234 && st.gid == 567 && st.created == 1700000000 && st.capacity == 6000 &&
	   st.attr_size == 4 && st.durability == VEXFS_DURABILITY_GROUP && st.durable == 20000,
	   "it is as it was");
	is(get_one(fd, 7 * (N - 1), v), 0, "its vectors can be read");
	is(RAW(fd, VEXFS_IOC_CHECK, &check), 0, "it is checked");
	ok(!check.faults && check.vectors == N, "and sound");
	is(put_back(fd, N, 20000, how), -EINVAL, "nothing comes back any more");
	fd2 = raw_open();
	is(RAW(fd2, VEXFS_IOC_CREATE, &c), 0, "another of the name");
	is(RAW(fd2, VEXFS_IOC_RESTORED, &done), -EEXIST, "finds it taken");
	close(fd2);

	pid = start(put_one_work, "again", 7);
	ok(waits(pid), "writers wait for storage");
	s = storage_attach("again", &req);
	ok(s >= 0 && !(req.flags & VEXFS_STREAM_SNAPSHOT), "which goes on where it was");
	while (changes(s, ch, 4) < 1)
		readable(s, 1000);
	ok(ch[0].seq == 20001 && ch[0].op == VEXFS_CHANGE_UPDATE && ch[0].id == 7,
	   "with the next number");
	ack(s, 20001, 0);
	is(outcome(pid), 0, "the writer goes on");
	close(s);
	close(fd);
}
