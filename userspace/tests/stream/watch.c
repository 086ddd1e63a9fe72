// SPDX-License-Identifier: GPL-2.0
/* Readers of changes that nobody waits for. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/stream/stream.h"

static bool dense(const struct vexfs_change *ch, int n, uint64_t first)
{
	for (int i = 0; i < n; i++)
		if (ch[i].seq != first + i)
			return false;
	return true;
}

static void each_kind(int fd, int s)
{
	struct vexfs_set set = { .what = VEXFS_SET_MODE, .mode = 0640 };
	struct vexfs_index_req idx = { .op = VEXFS_INDEX_OP_BUILD };
	struct vexfs_change ch[16];
	float v[3 * DIM], want[DIM];
	int32_t errors[3];
	uint64_t seq;
	int n;

	is(put_some(fd, 10, 2, 0, &seq), 0, "two vectors are inserted");
	ok(readable(s, 10000), "the stream is readable");
	is(put_some(fd, 10, 1, 1, &seq), 0, "a vector is replaced");
	is(delete_one(fd, 11), 0, "a vector is deleted");
	is(RAW(fd, VEXFS_IOC_SET, &set), 0, "settings are changed");
	ok(set.seq == seq + 2, "set returns its sequence number");
	is(RAW(fd, VEXFS_IOC_INDEX, &idx), 0, "an index is built");
	ok(idx.seq == seq + 3, "index returns its sequence number");

	n = changes(s, ch, 16);
	is(n, 6, "six changes are read");
	ok(n == 6 && dense(ch, 6, ch[0].seq) && ch[0].seq == 1, "their sequence numbers have no gap");
	ok(ch[0].op == VEXFS_CHANGE_INSERT && ch[1].op == VEXFS_CHANGE_INSERT &&
	   ch[2].op == VEXFS_CHANGE_UPDATE && ch[3].op == VEXFS_CHANGE_DELETE &&
	   ch[4].op == VEXFS_CHANGE_SET && ch[5].op == VEXFS_CHANGE_INDEX, "their ops are right");
	ok(ch[0].id == 10 && ch[1].id == 11 && ch[2].id == 10 && ch[3].id == 11, "their ids are right");
	ok(ch[0].time_ns > 1600000000ull * 1000000000 && ch[0].time_ns <= ch[5].time_ns,
	   "their times are right");
	is(changes(s, ch + 6, 1), -EAGAIN, "no further change");
	ok(!readable(s, 0), "poll(2) does not report one");

	is(rows(s, ch, 3, v, errors), 1, "rows: one of three vectors still exists");
	fill(want, 10, 1);
	ok(errors[0] == -ESTALE && errors[1] == -ESTALE && !errors[2], "rows: it is the last one, the others are stale");
	ok(!memcmp(v + 2 * DIM, want, sizeof(want)), "rows: the vector is as it was stored");
	is(rows(s, ch + 3, 1, v, errors), 0, "rows: a deletion has no vector");
	is(errors[0], -EINVAL, "rows: EINVAL for a deletion");
}

static void endings(int s)
{
	struct vexfs_change ch[4];

	drop("watched");
	ok(readable(s, 10000), "drop makes the stream readable");
	is(changes(s, ch, 4), 1, "drop: one change is read");
	ok(ch[0].op == VEXFS_CHANGE_DROP, "drop: it is the drop");
	is(changes(s, ch, 4), 0, "drop: then end of file");
	ok(readable(s, 0), "drop: end of file does not block");
}

void watching(void)
{
	struct vexfs_stream_req req;
	struct vexfs_change ch[16];
	int fd = create_durable("watched", 0), s = attach("watched"), s2 = attach("watched");
	char small[31];

	is(changes(s, ch, 1), -EINVAL, "read without a stream is refused");
	is(stream(s, 0, 0, &req), 0, "a stream is opened");
	ok(req.flags == VEXFS_STREAM_SNAPSHOT && !req.from && !req.seq && req.entries >= 512,
	   "it begins with the next change");
	is(stream(s, 0, 0, NULL), -EBUSY, "a second stream of a descriptor is refused");
	is(read(s, small, sizeof(small)) < 0 ? -errno : 0, -EINVAL, "read with room for less than one change is refused");
	is(changes(s, ch, 1), -EAGAIN, "read without changes: EAGAIN");
	each_kind(fd, s);

	is(stream(s2, VEXFS_STREAM_FROM, 99, NULL), -EINVAL, "a stream from a future change is refused");
	is(stream(s2, VEXFS_STREAM_FROM, 2, &req), 0, "a stream from an earlier change is opened");
	ok(req.flags == VEXFS_STREAM_FROM && req.from == 2, "it needs no snapshot");
	is(changes(s2, ch, 16), 4, "it has the later changes");
	ok(dense(ch, 4, 3), "their sequence numbers have no gap");
	endings(s);
	close(s2);
	close(s);
	close(fd);
}

void losing(void)
{
	struct vexfs_stream_req req;
	struct vexfs_change ch[64];
	int fd = create_durable("lost", 0), s = attach("lost"), n, lost = 0;
	uint64_t seq = 0, at = 0;
	bool gaps = false;

	is(stream(s, 0, 0, &req), 0, "a watcher that does not read");
	for (uint32_t i = 0; i < req.entries + 500; i += 500)
		put_some(fd, i, 500, 0, &seq);
	while ((n = changes(s, ch, 64)) > 0) {
		for (int i = 0; i < n; i++) {
			lost += ch[i].op == VEXFS_CHANGE_LOST;
			gaps |= ch[i].op != VEXFS_CHANGE_LOST && ch[i].seq != at + 1;
			at = ch[i].seq;
		}
	}
	is(lost, 1, "watcher: lost changes are reported once");
	ok(at == seq && !gaps, "watcher: it continues at the last change");
	put_some(fd, 1, 1, 1, &seq);
	is(changes(s, ch, 64), 1, "watcher: the next change is read");
	ok(ch[0].seq == seq && ch[0].op == VEXFS_CHANGE_UPDATE, "watcher: no other change is read");
	close(s);
	s = attach("lost");
	is(stream(s, VEXFS_STREAM_FROM, 3, &req), 0, "a stream from a change that is no longer kept");
	ok((req.flags & VEXFS_STREAM_SNAPSHOT) && req.from == seq, "it needs a snapshot");
	close(s);
	close(fd);
	drop("lost");
}

static int child_reads(const char *name, uint64_t s)
{
	struct vexfs_change ch;

	(void)name;
	return read((int)s, &ch, sizeof(ch)) == sizeof(ch) ? 0 : -EIO;
}

static void random_rows(int s)
{
	struct vexfs_change *ch = calloc(4096, sizeof(*ch));
	int32_t *errors = calloc(4096, sizeof(*errors));
	float *v = calloc(4096 * DIM, sizeof(*v));
	uint64_t x = 88172645463325252ull;
	bool good = true;

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 4096; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			ch[i].seq = i % 3 ? x % 200 : x;
			ch[i].slot = i % 2 ? x >> 32 : x % 64;
			ch[i].op = x % 9;
		}
		good &= rows(s, ch, 4096, v, errors) >= 0;
		for (int i = 0; i < 4096; i++)
			good &= !errors[i] || errors[i] == -ESTALE || errors[i] == -EINVAL;
	}
	ok(good, "rows of invalid changes are refused");
	free(ch);
	free(errors);
	free(v);
}

void watching_hostile(void)
{
	int fd = create_durable("hostile", 0), s = attach("hostile"), only_write = raw_open();
	struct vexfs_rows r = { .count = VEXFS_BATCH_MAX + 1 };
	struct vexfs_change ch[4];
	struct vexfs_stream_req bad = { .flags = 1u << 9 };
	pid_t pid;

	raw_attach(only_write, "hostile", VEXFS_ATTACH_WRITE);
	is(stream(only_write, 0, 0, NULL), -EACCES, "a stream without read access is refused");
	close(only_write);
	is(RAW(s, VEXFS_IOC_STREAM, &bad), -EINVAL, "stream: unknown flags");
	is(stream(s, 0, 5, NULL), -EINVAL, "stream: a start without VEXFS_STREAM_FROM");
	is(stream(s, VEXFS_STREAM_STORAGE, 0, NULL), -EOPNOTSUPP, "stream: storage of a volatile collection");
	is(rows(s, ch, 1, NULL, NULL), -ENOTCONN, "rows without a stream");
	is(ack(s, 0, 0), -ENOTCONN, "ack without a stream");
	is(stream(s, 0, 0, NULL), 0, "a stream is opened");
	is(ack(s, 0, 0), -EPERM, "ack by a watcher is refused");
	is(RAW(s, VEXFS_IOC_ROWS, &r), -E2BIG, "rows: too many changes");
	r = (struct vexfs_rows){ .count = 4, .changes = 0xdead0000dead0000ull };
	is(RAW(s, VEXFS_IOC_ROWS, &r), -EFAULT, "rows: changes at an invalid address");
	put_some(fd, 0, 50, 0, NULL);
	is(read(s, (void *)0xdead0000dead0000ull, 64) < 0 ? -errno : 0, -EFAULT,
	   "read to an invalid address");
	random_rows(s);

	while (changes(s, ch, 4) > 0)
		;
	pid = start(child_reads, "", s);
	ok(waits(pid), "a child waits on the same descriptor");
	put_some(fd, 7, 1, 1, NULL);
	is(outcome(pid), 0, "the child reads the change");
	is(changes(s, ch, 4), -EAGAIN, "the parent does not read it again");
	pid = start(child_reads, "", s);
	ok(waits(pid), "another child waits");
	kill(pid, SIGKILL);
	is(outcome(pid), -1000 - SIGKILL, "the child that waits can be killed");
	close(s);
	close(fd);
	drop("hostile");
}

/* ---- a reader beside writers ---- */

#define STORM_IDS	200u
#define STORM_ROUNDS	400u

static void *storm_writer(void *arg)
{
	int fd = attach("storm");
	uint64_t x = (uintptr_t)arg;

	for (uint32_t i = 0; i < STORM_ROUNDS; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		if ((x >> 40) % 4)
			put_some(fd, (x >> 33) % STORM_IDS, 1 + (x >> 50) % 5, x >> 60, NULL);
		else
			delete_one(fd, (x >> 33) % STORM_IDS);
	}
	close(fd);
	return NULL;
}

/* What the reader believes: each vector, or none. */
static float believed[STORM_IDS + 8][DIM];
static bool there[STORM_IDS + 8];

static bool apply(int s, const struct vexfs_change *ch, int n, uint64_t *at)
{
	static float v[64][DIM];
	int32_t errors[64];

	if (rows(s, ch, n, &v[0][0], errors) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		if (ch[i].seq != ++*at)
			return false;
		if (ch[i].op == VEXFS_CHANGE_DELETE) {
			there[ch[i].id] = false;
		} else if (!errors[i]) {
			memcpy(believed[ch[i].id], v[i], sizeof(v[i]));
			there[ch[i].id] = true;
		}
	}
	return true;
}

static bool agrees(int fd)
{
	float v[DIM];

	for (uint64_t id = 0; id < STORM_IDS + 8; id++) {
		int err = get_one(fd, id, v);

		if ((!err) != there[id] || (!err && memcmp(v, believed[id], sizeof(v))))
			return false;
	}
	return true;
}

/* Changes are put on a copy as they come; in the end the copy is the collection. */
void storm(void)
{
	int fd = create_durable("storm", 0), s = attach("storm"), n = 0;
	struct vexfs_change ch[64];
	pthread_t t[3];
	uint64_t at = 0;
	bool good = true;

	stream(s, 0, 0, NULL);
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, storm_writer, (void *)(i * 77 + 1));
	while (good && at < 3 * STORM_ROUNDS / 2) {
		n = changes(s, ch, 64);
		if (n == -EAGAIN && readable(s, 1000))
			continue;
		if (n < 0)
			break;
		good = apply(s, ch, n, &at);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	while (good && (n = changes(s, ch, 64)) > 0)
		good = apply(s, ch, n, &at);
	ok(good && at == stat_of(fd).seq, "a reader beside writers reads every change");
	ok(agrees(fd), "its copy equals the collection");
	close(s);
	close(fd);
	drop("storm");
}
