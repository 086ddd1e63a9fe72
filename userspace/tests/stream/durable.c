// SPDX-License-Identifier: GPL-2.0
/* What writers of durable collections wait for, and what storage does to them. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "tests/stream/stream.h"

static int daemon_fd = -1;

static void set_param(const char *name, const char *value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/vexfs/parameters/%s", name);
	f = fopen(path, "w");
	if (!f || fputs(value, f) < 0 || fclose(f))
		ok(false, "parameter %s", name);
}

/* A durable collection; the test is its storage, and has acknowledged what there is. */
static int stored(const char *name, uint32_t durability)
{
	struct vexfs_stream_req req = { };
	pid_t pid = start(create_work, name, durability);
	int s = storage_attach(name, &req);

	if (s < 0)
		is(s, 0, "storage attaches");
	ack(s, req.from, 0);
	is(outcome(pid), 0, "a durable collection");
	return s;
}

/* Reads and acknowledges what is there; the last number. */
static uint64_t store_all(int s)
{
	struct vexfs_change ch[64];
	uint64_t seq = 0;
	int n;

	while ((n = changes(s, ch, 64)) > 0)
		seq = ch[n - 1].seq;
	if (seq)
		is(ack(s, seq, 0), 0, "storage acknowledges");
	return seq;
}

static void forget(int s, const char *name)
{
	pid_t pid = start(drop_work, name, 0);

	while (readable(s, 5000)) {
		struct vexfs_change ch[64];
		int n = changes(s, ch, 64);

		if (n <= 0)
			break;
		ack(s, ch[n - 1].seq, 0);
	}
	outcome(pid);
	close(s);
}

void without_storage(void)
{
	int fd = create_durable("none", 0), s2;
	struct vexfs_storage st;
	struct vexfs_wait w = { };
	uint64_t changed;

	is(create_durable("early", VEXFS_DURABILITY_GROUP), -EROFS, "durable without storage");
	is(attach("early"), -ENOENT, "there is nothing then");
	is(create_durable("early", 77), -EINVAL, "an unknown durability");
	is(set_durability(fd, VEXFS_DURABILITY_SYNC), -EROFS, "nor does one become durable");
	is(put_some(fd, 1, 1, 0, NULL), 0, "it goes on as before");
	is(RAW(fd, VEXFS_IOC_WAIT, &w), -EOPNOTSUPP, "there is nothing to wait for");
	ok(!stat_of(fd).durability && !(stat_of(fd).flags & VEXFS_STAT_READONLY), "and says so");

	daemon_fd = storage_open(&st);
	ok(daemon_fd >= 0 && st.instance, "the storage daemon");
	s2 = storage_open(NULL);
	is(s2, -EBUSY, "there is one");
	is(raw_attach(daemon_fd, "none", VEXFS_ATTACH_READ), -EBUSY, "its descriptor is no other");
	ok(!readable(daemon_fd, 0), "nothing has changed");
	drop("none");
	ok(readable(daemon_fd, 1000), "now something has");
	is(read(daemon_fd, &changed, sizeof(changed)), sizeof(changed), "which can be read");
	ok(changed > st.changes && !readable(daemon_fd, 0), "once");
	is(create_durable("self", VEXFS_DURABILITY_GROUP), -EDEADLK, "it does not wait for itself");
	close(fd);
}

static bool listed_unstored(const char *name)
{
	struct vexfs_stat st[8] = { };
	struct vexfs_list l = { .flags = VEXFS_LIST_UNSTORED, .stat_size = sizeof(st[0]),
				.count = 8, .stats = (uintptr_t)st };

	if (RAW(daemon_fd, VEXFS_IOC_LIST, &l))
		return false;
	for (uint32_t i = 0; i < l.count; i++)
		if (!strcmp(st[i].name, name))
			return true;
	return false;
}

void waiting(void)
{
	struct vexfs_stream_req req = { };
	pid_t pid = start(create_work, "group", VEXFS_DURABILITY_GROUP), pid2;
	struct vexfs_change ch[8];
	struct vexfs_wait w = { };
	int s, s2, fd, n;

	while (!listed_unstored("group"))
		poll(NULL, 0, 5);
	ok(waits(pid), "who creates a durable collection waits");
	s = storage_attach("group", &req);
	ok(s >= 0 && (req.flags & VEXFS_STREAM_SNAPSHOT) && !req.from, "storage takes it");
	ok(!listed_unstored("group"), "it is no longer looked for");
	ok(waits(pid), "until storage has it");
	is(ack(s, 1, 0), -EINVAL, "storage does not acknowledge what it has not read");
	is(ack(s, 0, 0), 0, "it acknowledges");
	is(outcome(pid), 0, "then the collection is there");
	s2 = storage_attach("group", NULL);
	is(s2, -EBUSY, "there is one storage");
	fd = attach("group");
	is(put_some(fd, 1, 1, 0, NULL), -EDEADLK, "storage does not wait for itself");

	pid = start(put_one_work, "group", 5);
	pid2 = start(put_one_work, "group", 6);
	while (stat_of(fd).seq < 2)
		poll(NULL, 0, 5);
	ok(waits(pid) && waits(pid2), "writers wait");
	ok(stat_of(fd).count == 2, "what they wrote is seen");
	ok(stat_of(fd).durable == 0 && (stat_of(fd).flags & VEXFS_STAT_STORED), "it is not durable");
	n = changes(s, ch, 1);
	w.seq = 2;
	w.deadline_ns = 20000000;
	is(RAW(fd, VEXFS_IOC_WAIT, &w), -ETIME, "nor is waiting for it of use");
	is(ack(s, 1, 0), 0, "the first");
	ok(n == 1 && waits(ch[0].id == 5 ? pid2 : pid), "the second waits on");
	is(outcome(ch[0].id == 5 ? pid : pid2), 0, "the first does not");
	changes(s, ch + 1, 1);
	is(ack(s, 0, 0), -EINVAL, "nothing is taken back");
	is(ack(s, 2, 0), 0, "the second");
	is(outcome(ch[0].id == 5 ? pid2 : pid), 0, "is done, too");
	is(RAW(fd, VEXFS_IOC_WAIT, &w), 0, "now it is durable");
	ok(w.durable == 2 && stat_of(fd).durable == 2, "and says so");
	w.seq = 3;
	is(RAW(fd, VEXFS_IOC_WAIT, &w), -EINVAL, "a change that was not");

	pid = start(put_one_work, "group", 7);
	ok(waits(pid), "a writer waits");
	kill(pid, SIGKILL);
	is(outcome(pid), -1000 - SIGKILL, "and can be killed");
	store_all(s);
	close(fd);
	forget(s, "group");
}

/* Storage gets every version that it has not acknowledged. */
void keeping(void)
{
	int s = stored("keep", VEXFS_DURABILITY_ASYNC), fd, n, good = 0;
	struct vexfs_change ch[64];
	int32_t errors[64];
	float v[64 * DIM], want[DIM];
	pid_t pid;

	set_param("async_window_ms", "60000");
	for (uint32_t i = 0; i < 40; i++) {
		pid = start(i % 10 == 9 ? delete_work : put_one_work, "keep", 5);
		if (outcome(pid))
			ok(false, "write %u", i);
	}
	fd = attach("keep");
	is(stat_of(fd).count, 0, "all deleted");
	n = changes(s, ch, 64);
	is(n, 40, "forty changes");
	is(rows(s, ch, n, v, errors), 36, "and the vectors of all that had one");
	fill(want, 5, 1);
	for (int i = 0; i < n; i++)
		good += !errors[i] && !memcmp(v + i * DIM, want, sizeof(want));
	is(good, 36, "as they were stored");
	is(ack(s, ch[19].seq, 0), 0, "half of them is acknowledged");
	is(rows(s, ch + 20, 20, v, errors), 18, "the other half is still kept");
	is(ack(s, ch[39].seq, 0), 0, "all of them");
	is(rows(s, ch, n, v, errors), 0, "then none is");
	set_param("async_window_ms", "50");
	close(fd);
	forget(s, "keep");
}

/* The ring is full: writers wait for storage. */
void filling(void)
{
	int s = stored("full", VEXFS_DURABILITY_ASYNC), fd = attach("full");
	struct vexfs_change *ch = calloc(65536, sizeof(*ch));
	struct vexfs_stream_req req;
	uint64_t at = 0, gaps = 0;
	pid_t pid, killed;
	int n, w = attach("full");

	stream(w, 0, 0, &req);
	close(w);
	set_param("async_window_ms", "60000");
	pid = start(put_many_work, "full", req.entries * 2);
	while (stat_of(fd).seq + 1000 < req.entries)
		poll(NULL, 0, 10);
	ok(waits(pid), "a writer waits");
	ok(stat_of(fd).seq < req.entries, "for room in the ring");
	is(outcome(start(put_late_work, "full", req.entries)), -ETIME, "no longer than until its deadline");
	killed = start(put_many_work, "full", req.entries);
	ok(waits(killed), "another one, too");
	kill(killed, SIGKILL);
	is(outcome(killed), -1000 - SIGKILL, "which can be killed");
	while ((n = changes(s, ch, 65536)) > 0 || readable(s, 1000)) {
		for (int i = 0; i < n; i++)
			gaps += ch[i].seq != ++at || ch[i].op == VEXFS_CHANGE_LOST;
		if (n > 0)
			ack(s, at, 0);
	}
	is(outcome(pid), 0, "it goes on as storage does");
	ok(!gaps && at == stat_of(fd).seq && at >= req.entries * 2, "and nothing was overwritten");
	set_param("async_window_ms", "50");
	free(ch);
	close(fd);
	forget(s, "full");
}

void failing(void)
{
	int s = stored("fail", VEXFS_DURABILITY_GROUP), fd = attach("fail");
	struct vexfs_change ch[8];
	float v[DIM];
	pid_t pid = start(put_one_work, "fail", 1);

	while (changes(s, ch, 8) < 1)
		poll(NULL, 0, 5);
	is(ack(s, 0, 100000), -EINVAL, "an error that is none");
	is(ack(s, 0, ENOSPC), 0, "storage is full");
	is(outcome(pid), -EROFS, "a writer is told");
	is(outcome(start(put_one_work, "fail", 2)), -EROFS, "others are refused");
	is(outcome(start(drop_work, "fail", 0)), -EROFS, "a drop is, too");
	is(get_one(fd, 1, v), 0, "readers go on");
	ok((stat_of(fd).flags & VEXFS_STAT_READONLY) && stat_of(fd).storage_error == ENOSPC,
	   "and anybody can see why");
	is(ack(s, 1, 0), 0, "storage is well again");
	ok(!(stat_of(fd).flags & VEXFS_STAT_READONLY) && stat_of(fd).durable == 1,
	   "what it had not got was not lost");
	pid = start(put_one_work, "fail", 2);
	while (changes(s, ch, 8) < 1)
		poll(NULL, 0, 5);
	ack(s, ch[0].seq, 0);
	is(outcome(pid), 0, "writers go on");
	close(fd);
	forget(s, "fail");
}

/* Storage dies, and comes back. */
void returning(void)
{
	int s = stored("back", VEXFS_DURABILITY_GROUP), fd = attach("back");
	struct vexfs_stream_req req = { };
	struct vexfs_change ch[8];
	float v[2 * DIM], want[DIM];
	int32_t errors[2];
	pid_t pid;

	set_param("storage_wait_ms", "0");
	pid = start(put_one_work, "back", 1);
	while (!readable(s, 1000))
		;
	store_all(s);
	is(outcome(pid), 0, "a vector");
	pid = start(put_one_work, "back", 2);
	while (!readable(s, 1000))
		;
	close(s);
	is(outcome(pid), -EROFS, "storage dies, and a writer is told");
	is(outcome(start(put_one_work, "back", 3)), -EROFS, "others are refused");
	is(outcome(start(delete_work, "back", 1)), -EROFS, "nor is anything deleted");
	close(daemon_fd);
	ok(stat_of(fd).flags & VEXFS_STAT_READONLY, "it is read-only");
	daemon_fd = storage_open(NULL);
	set_param("storage_wait_ms", "10000");

	pid = start(put_one_work, "back", 4);
	ok(waits(pid), "where storage is expected, writers wait");
	req.flags = VEXFS_STREAM_FROM;
	req.from = 1;
	s = storage_attach("back", &req);
	ok(s >= 0 && !(req.flags & VEXFS_STREAM_SNAPSHOT) && req.from == 1, "it goes on where it was");
	while (stat_of(fd).seq < 3)
		poll(NULL, 0, 5);
	is(changes(s, ch, 8), 2, "with what it had not got");
	ok(ch[0].seq == 2 && ch[0].id == 2 && ch[1].seq == 3 && ch[1].id == 4, "and what came then");
	is(rows(s, ch, 2, v, errors), 2, "vectors included");
	fill(want, 2, 1);
	ok(!memcmp(v, want, sizeof(want)), "as they were stored");
	ack(s, 3, 0);
	is(outcome(pid), 0, "the writer goes on");
	close(s);
	req = (struct vexfs_stream_req){ };
	s = storage_attach("back", &req);
	ok(s >= 0 && (req.flags & VEXFS_STREAM_SNAPSHOT) && req.from == 3,
	   "storage that has nothing begins with a snapshot");
	pid = start(put_one_work, "back", 9);
	ok(waits(pid), "whose end writers wait for");
	while (changes(s, ch, 8) < 1)
		poll(NULL, 0, 5);
	ack(s, ch[0].seq, 0);
	is(outcome(pid), 0, "and then go on");
	close(fd);
	forget(s, "back");
}

void async(void)
{
	int s = stored("async", VEXFS_DURABILITY_ASYNC), fd = attach("async");
	pid_t pid;

	is(outcome(start(put_one_work, "async", 1)), 0, "a writer does not wait");
	poll(NULL, 0, 120);
	pid = start(put_one_work, "async", 2);
	ok(waits(pid), "but when a change is older than the window");
	ok(stat_of(fd).window_ms == 50 && stat_of(fd).seq == 1, "then nothing is changed");
	store_all(s);
	is(outcome(pid), 0, "until storage has got it");
	store_all(s);
	close(fd);
	forget(s, "async");
}

/* From none to durable and back, with vectors in it. */
void changing(void)
{
	int fd = create_durable("change", 0), s;
	struct vexfs_stream_req req = { };
	struct vexfs_change ch[8];
	pid_t pid;

	put_some(fd, 0, 100, 0, NULL);
	pid = start(set_work, "change", VEXFS_DURABILITY_SYNC);
	s = storage_attach("change", &req);
	ok(s >= 0 && (req.flags & VEXFS_STREAM_SNAPSHOT) && req.from == 101,
	   "one that becomes durable needs a snapshot");
	ok(waits(pid), "for which its owner waits");
	is(ack(s, 101, 0), 0, "storage has it");
	is(outcome(pid), 0, "then it is durable");
	ok(stat_of(fd).durability == VEXFS_DURABILITY_SYNC && stat_of(fd).durable == 101, "and says so");
	is(outcome(start(set_work, "change", VEXFS_DURABILITY_NONE)), 0, "it is durable no longer");
	is(changes(s, ch, 8), 1, "storage is told");
	ok(ch[0].op == VEXFS_CHANGE_SET && !stat_of(fd).durability, "by a change of settings");
	ack(s, ch[0].seq, 0);
	close(s);
	is(put_some(fd, 1000, 40000, 0, NULL), 0, "writers wait for nobody");
	close(fd);
	drop("change");
}

void dropping(void)
{
	int s = stored("drop", VEXFS_DURABILITY_GROUP), fd = attach("drop");
	struct vexfs_change ch[8];
	struct vexfs_stream_req req = { };
	pid_t pid = start(drop_work, "drop", 0);
	char out[8];
	FILE *p;

	while (changes(s, ch, 8) < 1)
		poll(NULL, 0, 5);
	ok(ch[0].op == VEXFS_CHANGE_DROP, "a drop is a change");
	ok(waits(pid), "and durable, too");
	ack(s, ch[0].seq, 0);
	is(outcome(pid), 0, "when storage has it");
	is(changes(s, ch, 8), 0, "it is the last one");
	close(s);
	close(fd);

	/* the module does not go while somebody reads its changes, and says why */
	s = stored("stay", VEXFS_DURABILITY_GROUP);
	p = popen("rmmod vexfs 2>/dev/null; echo $?", "r");
	ok(p && fgets(out, sizeof(out), p) && atoi(out) != 0, "the module stays");
	if (p)
		pclose(p);
	close(s);

	/* a storage daemon that is gone for good does not hold the owner for ever */
	close(daemon_fd);
	fd = attach("stay");
	is(put_some(fd, 1, 1, 0, NULL), -EROFS, "without storage nothing is written");
	is(set_durability(fd, VEXFS_DURABILITY_NONE), 0, "the owner gives up durability");
	is(put_some(fd, 1, 1, 0, NULL), 0, "and goes on");
	s = attach("stay");
	is(stream(s, VEXFS_STREAM_STORAGE, 0, &req), -EOPNOTSUPP, "storage has no part in it");
	close(s);
	close(fd);
	drop("stay");
	daemon_fd = storage_open(NULL);
}
