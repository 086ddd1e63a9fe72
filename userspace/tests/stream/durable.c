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

int stored(const char *name, uint32_t durability)
{
	struct vexfs_stream_req req = { };
	pid_t pid = start(create_work, name, durability);
	int s = storage_attach(name, &req);

	if (s < 0)
		is(s, 0, "storage opens the stream");
	ack(s, req.from, 0);
	is(outcome(pid), 0, "a durable collection is created");
	return s;
}

uint64_t store_all(int s)
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

void forget(int s, const char *name)
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

	is(create_durable("early", VEXFS_DURABILITY_GROUP), -EROFS, "without storage no durable collection can be created");
	is(attach("early"), -ENOENT, "the refused collection does not exist");
	is(create_durable("early", 77), -EINVAL, "an unknown durability is refused");
	is(set_durability(fd, VEXFS_DURABILITY_SYNC), -EROFS, "without storage no collection can become durable");
	is(put_some(fd, 1, 1, 0, NULL), 0, "the volatile collection still accepts writes");
	is(RAW(fd, VEXFS_IOC_WAIT, &w), -EOPNOTSUPP, "wait on a volatile collection is refused");
	ok(!stat_of(fd).durability && !(stat_of(fd).flags & VEXFS_STAT_READONLY), "stat of the volatile collection: no durability, not read-only");

	daemon_fd = storage_open(&st);
	ok(daemon_fd >= 0 && st.instance, "a descriptor becomes the storage daemon");
	s2 = storage_open(NULL);
	is(s2, -EBUSY, "a second storage daemon is refused");
	is(raw_attach(daemon_fd, "none", VEXFS_ATTACH_READ), -EBUSY, "the descriptor of storage attaches to no collection");
	ok(!readable(daemon_fd, 0), "storage: not readable without a change");
	drop("none");
	ok(readable(daemon_fd, 1000), "storage: readable after a change");
	is(read(daemon_fd, &changed, sizeof(changed)), sizeof(changed), "storage: the number of changes is read");
	ok(changed > st.changes && !readable(daemon_fd, 0), "storage: it is read once");
	is(create_durable("self", VEXFS_DURABILITY_GROUP), -EDEADLK, "storage cannot create a collection that waits for storage");
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
	ok(waits(pid), "create: the caller waits for storage");
	s = storage_attach("group", &req);
	ok(s >= 0 && (req.flags & VEXFS_STREAM_SNAPSHOT) && !req.from, "create: storage opens the stream, with a snapshot");
	ok(!listed_unstored("group"), "create: the collection is no longer listed as without storage");
	ok(waits(pid), "create: the caller waits until storage acknowledges");
	is(ack(s, 1, 0), -EINVAL, "ack beyond the last change that was read is refused");
	is(ack(s, 0, 0), 0, "create: storage acknowledges");
	is(outcome(pid), 0, "create: the caller continues");
	s2 = storage_attach("group", NULL);
	is(s2, -EBUSY, "a second storage stream of a collection is refused");
	fd = attach("group");
	is(put_some(fd, 1, 1, 0, NULL), -EDEADLK, "storage cannot write to the collection");

	pid = start(put_one_work, "group", 5);
	pid2 = start(put_one_work, "group", 6);
	while (stat_of(fd).seq < 2)
		poll(NULL, 0, 5);
	ok(waits(pid) && waits(pid2), "put: two writers wait");
	ok(stat_of(fd).count == 2, "put: readers see vectors that are not durable yet");
	ok(stat_of(fd).durable == 0 && (stat_of(fd).flags & VEXFS_STAT_STORED), "put: stat shows that they are not durable");
	n = changes(s, ch, 1);
	w.seq = 2;
	w.deadline_ns = 20000000;
	is(RAW(fd, VEXFS_IOC_WAIT, &w), -ETIME, "wait ends with ETIME");
	is(ack(s, 1, 0), 0, "storage acknowledges the first change");
	ok(n == 1 && waits(ch[0].id == 5 ? pid2 : pid), "the writer of the second change still waits");
	is(outcome(ch[0].id == 5 ? pid : pid2), 0, "the writer of the first change continues");
	changes(s, ch + 1, 1);
	is(ack(s, 0, 0), -EINVAL, "ack of an earlier change is refused");
	is(ack(s, 2, 0), 0, "storage acknowledges the second change");
	is(outcome(ch[0].id == 5 ? pid2 : pid), 0, "the writer of the second change continues");
	is(RAW(fd, VEXFS_IOC_WAIT, &w), 0, "wait succeeds");
	ok(w.durable == 2 && stat_of(fd).durable == 2, "wait and stat show the durable sequence number");
	w.seq = 3;
	is(RAW(fd, VEXFS_IOC_WAIT, &w), -EINVAL, "wait for a future sequence number is refused");

	pid = start(put_one_work, "group", 7);
	ok(waits(pid), "a writer waits");
	kill(pid, SIGKILL);
	is(outcome(pid), -1000 - SIGKILL, "a writer that waits can be killed");
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
	is(stat_of(fd).count, 0, "all vectors are deleted");
	n = changes(s, ch, 64);
	is(n, 40, "the stream has forty changes");
	is(rows(s, ch, n, v, errors), 36, "rows of deleted vectors are kept until they are acknowledged");
	fill(want, 5, 1);
	for (int i = 0; i < n; i++)
		good += !errors[i] && !memcmp(v + i * DIM, want, sizeof(want));
	is(good, 36, "rows are as they were stored");
	is(ack(s, ch[19].seq, 0), 0, "half of the changes is acknowledged");
	is(rows(s, ch + 20, 20, v, errors), 18, "rows of the other half are still kept");
	is(ack(s, ch[39].seq, 0), 0, "all changes are acknowledged");
	is(rows(s, ch, n, v, errors), 0, "no row is kept");
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
	ok(waits(pid), "full ring: a writer waits");
	ok(stat_of(fd).seq < req.entries, "full ring: not all of its vectors are stored");
	is(outcome(start(put_late_work, "full", req.entries)), -ETIME, "full ring: a writer ends at its deadline");
	killed = start(put_many_work, "full", req.entries);
	ok(waits(killed), "full ring: another writer waits");
	kill(killed, SIGKILL);
	is(outcome(killed), -1000 - SIGKILL, "full ring: it can be killed");
	while ((n = changes(s, ch, 65536)) > 0 || readable(s, 1000)) {
		for (int i = 0; i < n; i++)
			gaps += ch[i].seq != ++at || ch[i].op == VEXFS_CHANGE_LOST;
		if (n > 0)
			ack(s, at, 0);
	}
	is(outcome(pid), 0, "full ring: the writer continues when storage reads");
	ok(!gaps && at == stat_of(fd).seq && at >= req.entries * 2, "full ring: no change was overwritten");
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
	is(ack(s, 0, 100000), -EINVAL, "ack with an invalid errno is refused");
	is(ack(s, 0, ENOSPC), 0, "storage reports ENOSPC");
	is(outcome(pid), -EROFS, "ENOSPC: the writer that waits ends with EROFS");
	is(outcome(start(put_one_work, "fail", 2)), -EROFS, "ENOSPC: other writers end with EROFS");
	is(outcome(start(drop_work, "fail", 0)), -EROFS, "ENOSPC: drop ends with EROFS");
	is(get_one(fd, 1, v), 0, "ENOSPC: readers are not affected");
	ok((stat_of(fd).flags & VEXFS_STAT_READONLY) && stat_of(fd).storage_error == ENOSPC,
	   "ENOSPC: stat has the reason");
	is(ack(s, 1, 0), 0, "storage acknowledges again");
	ok(!(stat_of(fd).flags & VEXFS_STAT_READONLY) && stat_of(fd).durable == 1,
	   "no change was lost");
	pid = start(put_one_work, "fail", 2);
	while (changes(s, ch, 8) < 1)
		poll(NULL, 0, 5);
	ack(s, ch[0].seq, 0);
	is(outcome(pid), 0, "writers continue");
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
	is(outcome(pid), 0, "a vector is stored");
	pid = start(put_one_work, "back", 2);
	while (!readable(s, 1000))
		;
	close(s);
	is(outcome(pid), -EROFS, "storage dies: the writer that waits ends with EROFS");
	is(outcome(start(put_one_work, "back", 3)), -EROFS, "storage dies: other writers end with EROFS");
	is(outcome(start(delete_work, "back", 1)), -EROFS, "storage dies: delete ends with EROFS");
	close(daemon_fd);
	ok(stat_of(fd).flags & VEXFS_STAT_READONLY, "storage dies: stat shows read-only");
	daemon_fd = storage_open(NULL);
	set_param("storage_wait_ms", "10000");

	pid = start(put_one_work, "back", 4);
	ok(waits(pid), "storage is starting: writers wait");
	req.flags = VEXFS_STREAM_FROM;
	req.from = 1;
	s = storage_attach("back", &req);
	ok(s >= 0 && !(req.flags & VEXFS_STREAM_SNAPSHOT) && req.from == 1, "storage continues after its last acknowledged change");
	while (stat_of(fd).seq < 3)
		poll(NULL, 0, 5);
	is(changes(s, ch, 8), 2, "storage reads the missed changes");
	ok(ch[0].seq == 2 && ch[0].id == 2 && ch[1].seq == 3 && ch[1].id == 4, "they are the change before and the one after its death");
	is(rows(s, ch, 2, v, errors), 2, "their vectors can be read");
	fill(want, 2, 1);
	ok(!memcmp(v, want, sizeof(want)), "the vectors are as they were stored");
	ack(s, 3, 0);
	is(outcome(pid), 0, "the writer continues");
	close(s);
	req = (struct vexfs_stream_req){ };
	s = storage_attach("back", &req);
	ok(s >= 0 && (req.flags & VEXFS_STREAM_SNAPSHOT) && req.from == 3,
	   "a new store begins with a snapshot");
	pid = start(put_one_work, "back", 9);
	ok(waits(pid), "writers wait for the end of the snapshot");
	while (changes(s, ch, 8) < 1)
		poll(NULL, 0, 5);
	ack(s, ch[0].seq, 0);
	is(outcome(pid), 0, "writers continue after the snapshot");
	close(fd);
	forget(s, "back");
}

void async(void)
{
	int s = stored("async", VEXFS_DURABILITY_ASYNC), fd = attach("async");
	pid_t pid;

	is(outcome(start(put_one_work, "async", 1)), 0, "async: a writer does not wait");
	poll(NULL, 0, 120);
	pid = start(put_one_work, "async", 2);
	ok(waits(pid), "async: it waits when a change is older than the window");
	ok(stat_of(fd).window_ms == 50 && stat_of(fd).seq == 1, "async: it has changed nothing yet");
	store_all(s);
	is(outcome(pid), 0, "async: it continues after an acknowledgement");
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
	   "a collection that becomes durable needs a snapshot");
	ok(waits(pid), "its owner waits for the snapshot");
	is(ack(s, 101, 0), 0, "storage acknowledges the snapshot");
	is(outcome(pid), 0, "the collection is durable");
	ok(stat_of(fd).durability == VEXFS_DURABILITY_SYNC && stat_of(fd).durable == 101, "stat shows its durability");
	is(outcome(start(set_work, "change", VEXFS_DURABILITY_NONE)), 0, "the collection becomes volatile");
	is(changes(s, ch, 8), 1, "storage reads one change");
	ok(ch[0].op == VEXFS_CHANGE_SET && !stat_of(fd).durability, "it is a change of settings");
	ack(s, ch[0].seq, 0);
	close(s);
	is(put_some(fd, 1000, 40000, 0, NULL), 0, "writers of a volatile collection do not wait");
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
	ok(ch[0].op == VEXFS_CHANGE_DROP, "drop is a change");
	ok(waits(pid), "the caller of drop waits for storage");
	ack(s, ch[0].seq, 0);
	is(outcome(pid), 0, "drop: the caller continues");
	is(changes(s, ch, 8), 0, "drop is the last change");
	close(s);
	close(fd);

	/* the module does not go while somebody reads its changes, and says why */
	s = stored("stay", VEXFS_DURABILITY_GROUP);
	p = popen("rmmod vexfs 2>/dev/null; echo $?", "r");
	ok(p && fgets(out, sizeof(out), p) && atoi(out) != 0, "the module cannot be unloaded while storage is attached");
	if (p)
		pclose(p);
	close(s);

	/* a storage daemon that is gone for good does not hold the owner for ever */
	close(daemon_fd);
	fd = attach("stay");
	is(put_some(fd, 1, 1, 0, NULL), -EROFS, "without storage writes end with EROFS");
	is(set_durability(fd, VEXFS_DURABILITY_NONE), 0, "the owner makes the collection volatile");
	is(put_some(fd, 1, 1, 0, NULL), 0, "writes succeed again");
	s = attach("stay");
	is(stream(s, VEXFS_STREAM_STORAGE, 0, &req), -EOPNOTSUPP, "storage cannot open a volatile collection");
	close(s);
	close(fd);
	drop("stay");
	daemon_fd = storage_open(NULL);
}
