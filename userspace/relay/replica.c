// SPDX-License-Identifier: GPL-2.0
/*
 * The receiving end. Messages are applied in order and acknowledged afterwards, so a
 * message may arrive twice; applying it again changes nothing. The replica keeps its
 * position in a file. A gap behind that position means that the server has discarded
 * changes, and the replica requests a snapshot; so does a gap between the messages of a
 * snapshot. While a snapshot comes in there is no position.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "outfile.h"
#include "relay.h"

struct replica {
	struct relay *r;
	struct vexfs *h;
	natsSubscription *sub;
	uint64_t applied;	/* last change that was applied */
	uint32_t origin;	/* of the collection that @applied counts in */
	bool placed;		/* @applied is valid */
	bool filling;		/* a snapshot is being received */
	uint64_t at;		/* last message that was taken, by its number at the server */
	unsigned int failed;	/* requests without an answer, in a row */
	uint64_t behind_ns;	/* time of the last change that was applied */
	time_t asked;
	time_t told;
	char place[1100];
	char consumer[100];
};

static void keep_place(struct replica *p)
{
	struct outfile o;

	if (outfile_open(&o, p->place, false))
		return (void)relay_fail("%s", o.why);
	fprintf(o.f, "%" PRIu64 " %" PRIu32 "\n", p->applied, p->origin);
	if (outfile_commit(&o))
		relay_fail("%s", o.why);
}

static void read_place(struct replica *p)
{
	FILE *f = fopen(p->place, "re");

	/* Earlier builds wrote no origin, and sent 0. */
	p->placed = f && fscanf(f, "%" SCNu64 " %" SCNu32, &p->applied, &p->origin) >= 1;
	if (f)
		fclose(f);
}

/* Sequence numbers that the server has and this replica does not. */
static void tell_status(struct replica *p)
{
	natsMsg *msg = NULL;
	struct relay_msg m;
	struct outfile o;
	uint64_t last = p->applied;
	double seconds = 0;
	struct timespec t;

	if ((!p->r->status && !p->r->metrics) || time(NULL) == p->told)
		return;
	p->told = time(NULL);
	if (js_GetLastMsg(&msg, p->r->js, p->r->stream, p->r->subject, NULL, NULL) == NATS_OK) {
		if (!msg_check(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), &m))
			last = m.type == RELAY_CHANGES_OF ? m.seq + m.count - 1 : m.seq;
		natsMsg_Destroy(msg);
	}
	clock_gettime(CLOCK_REALTIME, &t);
	if (last > p->applied && p->behind_ns)
		seconds = (double)t.tv_sec - (double)p->behind_ns / 1e9;
	if (seconds < 0)
		seconds = 0;
	metrics_write(p->r, &(struct relay_lag){
		.replica = true, .seq = p->applied,
		.behind = last > p->applied ? last - p->applied : 0, .seconds = seconds,
	});
	if (!p->r->status || outfile_open(&o, p->r->status, false))
		return;
	fprintf(o.f, "{\"seq\":%" PRIu64 ",\"source_seq\":%" PRIu64 ",\"behind\":%" PRIu64
		",\"seconds\":%.3f,\"snapshot\":%s}\n", p->applied, last,
		last > p->applied ? last - p->applied : 0, seconds,
		p->filling || !p->placed ? "true" : "false");
	outfile_commit(&o);
}

static void ask_for_snapshot(struct replica *p)
{
	struct timespec now;

	p->placed = p->filling = false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (p->asked && now.tv_sec - p->asked < 2)
		return;
	p->asked = now.tv_sec;
	natsConnection_PublishString(p->r->nats, p->r->lost, "lost");
	natsConnection_Flush(p->r->nats);
}

static int begin(struct replica *p, const struct relay_msg *m, const uint8_t *data, size_t len)
{
	struct relay_settings set;
	struct vexfs_create c = { .mode = 0444 };
	struct vexfs_error err;
	char layout[VEXFS_LAYOUT_MAX + 1] = { 0 };

	if (len < sizeof(*m) + sizeof(set))
		return relay_fail("settings are cut short");
	memcpy(&set, data + sizeof(*m), sizeof(set));
	if (set.layout_len > VEXFS_LAYOUT_MAX || len != sizeof(*m) + sizeof(set) + set.layout_len)
		return relay_fail("settings do not fit");
	memcpy(layout, data + sizeof(*m) + sizeof(set), set.layout_len);
	/* What is filled in half has no position, whenever this process ends. */
	if (unlink(p->place) && errno != ENOENT)
		return relay_fail("%s: %s", p->place, strerror(errno));
	if (p->h)
		vexfs_close(p->h);
	p->h = NULL;
	if (vexfs_do_drop(p->r->device, p->r->name, &err) && err.code != ENOENT)
		return relay_fail("%s", err.text);
	c.dim = set.dim;
	c.type = set.type;
	c.metric = set.metric;
	c.index = set.index;
	c.attr_size = m->attr_size;
	/* Only this process may write to it, by its permissions. */
	if (vexfs_do_create(p->r->device, &c, p->r->name, set.layout_len ? layout : NULL, &p->h,
			    &err))
		return relay_fail("%s", err.text);
	p->filling = true;
	p->placed = false;
	p->applied = m->seq;
	p->origin = m->origin;
	return 0;
}

static int put(struct replica *p, struct msg_parts *q, uint32_t at, uint32_t n, uint32_t row,
	       const struct relay_msg *m)
{
	struct vexfs_put req = {
		.flags = VEXFS_PUT_UPSERT, .format = VEXFS_FORMAT_RAW, .count = n,
		.ids = (uintptr_t)(q->ids + at),
		.vectors = (uintptr_t)(q->vectors + (size_t)row * m->row_bytes),
		.attrs = m->attr_size ? (uintptr_t)(q->attrs + (size_t)row * m->attr_size) : 0,
	};
	struct vexfs_error err;

	return vexfs_do_put(p->h, &req, &err) ? relay_fail("%s", err.text) : 0;
}

static int erase(struct replica *p, struct msg_parts *q, uint32_t at, uint32_t n)
{
	struct vexfs_delete req = {
		.flags = VEXFS_DELETE_CONTINUE, .count = n, .ids = (uintptr_t)(q->ids + at),
	};
	struct vexfs_error err = { 0 };

	/* The same message may have arrived before. */
	if (vexfs_do_delete(p->h, &req, &err) && err.code != ENOENT)
		return relay_fail("%s", err.text);
	return 0;
}

static int apply(struct replica *p, struct relay_msg *m)
{
	struct msg_parts q;
	uint32_t row = 0, run;
	int ret = 0;

	if (m->row_bytes != vexfs_vector_bytes(p->h, VEXFS_FORMAT_RAW) ||
	    m->attr_size != vexfs_attr_size(p->h))
		return relay_fail("changes of another collection");
	msg_parts(m, &q);
	for (uint32_t i = 0; !ret && i < m->count; i += run) {
		bool is_put = q.ops[i] <= VEXFS_CHANGE_UPDATE;

		for (run = 1; i + run < m->count; run++)
			if (is_put ? q.ops[i + run] > VEXFS_CHANGE_UPDATE : q.ops[i + run] != q.ops[i])
				break;
		if (is_put)
			ret = put(p, &q, i, run, row, m);
		else if (q.ops[i] == VEXFS_CHANGE_DELETE)
			ret = erase(p, &q, i, run);
		row += is_put ? run : 0;
	}
	return ret;
}

/*
 * Where the message is at the server. False if it was taken before and only the
 * acknowledgement was lost.
 */
static bool is_new(struct replica *p, natsMsg *msg, const struct relay_msg *m, bool *gap)
{
	jsMsgMetaData *meta = NULL;
	uint64_t at = 0;
	bool again = false;

	if (natsMsg_GetMetaData(&meta, msg) == NATS_OK) {
		at = meta->Sequence.Stream;
		again = meta->NumDelivered > 1;
	}
	jsMsgMetaData_Destroy(meta);
	if (again && at <= p->at)
		return false;
	*gap = at != p->at + 1;
	p->at = at;
	/* A snapshot that an earlier process has received. */
	return !(again && m->type == RELAY_BEGIN && p->placed && m->origin == p->origin &&
		 m->seq <= p->applied);
}

static int take(struct replica *p, natsMsg *msg)
{
	uint8_t *data = (uint8_t *)natsMsg_GetData(msg);
	size_t len = (size_t)natsMsg_GetDataLength(msg);
	struct relay_msg m, *whole = (struct relay_msg *)p->r->buf;
	const char *wrong = msg_check(data, len, &m);
	bool gap;
	int ret = 0;

	if (wrong || len > p->r->room) {
		relay_fail("skipped a message: %s", wrong ? wrong : "it is too long");
		ask_for_snapshot(p);
		return 0;
	}
	if (!is_new(p, msg, &m, &gap))
		return 0;
	/* Aligned, and writable. */
	memcpy(whole, data, len);
	if (m.type == RELAY_BEGIN)
		return begin(p, &m, data, len);
	if (p->filling && gap) {
		relay_fail("parts of a snapshot are missing");
		ask_for_snapshot(p);
		return 0;
	}
	if (m.type == RELAY_ROWS)
		return p->filling ? apply(p, whole) : 0;
	if (m.type == RELAY_END) {
		if (p->filling) {
			p->filling = false;
			p->placed = true;
			keep_place(p);
		}
		return 0;
	}
	if (m.type != RELAY_CHANGES_OF || p->filling ||
	    (m.origin == p->origin && m.seq + m.count <= p->applied + 1))
		return 0;
	if (!p->placed || !p->h || m.origin != p->origin || m.seq > p->applied + 1) {
		ask_for_snapshot(p);
		return 0;
	}
	ret = apply(p, whole);
	if (!ret) {
		p->applied = m.seq + m.count - 1;
		p->behind_ns = m.time_ns;
		keep_place(p);
	}
	return ret;
}

/*
 * The server remembers for each consumer what it has acknowledged. Replicas on several
 * machines may have the same name, so a random number goes with it.
 */
static int name_consumer(struct replica *p)
{
	char path[1100], id[17] = "";
	uint64_t number;
	struct outfile o;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.consumer", p->r->state, p->r->name);
	f = fopen(path, "re");
	if (f && (fread(id, 1, 16, f) != 16 || strspn(id, "0123456789abcdef") != 16))
		id[0] = 0;
	if (f)
		fclose(f);
	if (!id[0]) {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return relay_fail("no random number: %s", strerror(errno));
		snprintf(id, sizeof(id), "%016" PRIx64, number);
		if (outfile_write(&o, path, id, 16))
			return relay_fail("%s", o.why);
	}
	snprintf(p->consumer, sizeof(p->consumer), "replica-%s-%s", p->r->name, id);
	for (char *c = p->consumer; *c; c++)
		if (strchr(".:+ ", *c))
			*c = '_';
	return 0;
}

static int subscribe(struct replica *p)
{
	natsStatus st;

	natsSubscription_Destroy(p->sub);
	p->sub = NULL;
	do {
		st = js_PullSubscribe(&p->sub, p->r->js, p->r->subject, p->consumer, NULL, NULL, NULL);
		if (st != NATS_OK)
			nats_Sleep(300);
	} while (st != NATS_OK && !relay_ends);
	return st == NATS_OK ? 0 : -1;
}

/* The server has lost the feed, and with it what it knew of this replica. */
static bool is_forgotten(struct replica *p)
{
	jsConsumerInfo *info = NULL;
	natsStatus st = js_GetConsumerInfo(&info, p->r->js, p->r->stream, p->consumer, NULL, NULL);

	jsConsumerInfo_Destroy(info);
	return st == NATS_NOT_FOUND;
}

static int fetch(struct replica *p)
{
	natsMsgList list = { 0 };
	natsStatus st = natsSubscription_Fetch(&list, p->sub, 64, 500, NULL);
	int ret = 0;

	if (st != NATS_OK) {
		/* No message arrived, or the connection is down and will come back. */
		if (!p->placed && !p->filling)
			ask_for_snapshot(p);
		if (st != NATS_TIMEOUT)
			nats_Sleep(200);
		return ++p->failed % 10 || !is_forgotten(p) ? 0 : subscribe(p);
	}
	p->failed = 0;
	for (int i = 0; !ret && i < list.Count; i++) {
		ret = take(p, list.Msgs[i]);
		if (!ret)
			natsMsg_Ack(list.Msgs[i], NULL);
	}
	natsMsgList_Destroy(&list);
	return ret;
}

int replica_run(struct relay *r)
{
	struct replica p = { .r = r };
	struct vexfs_error err;
	int ret;

	mkdir(r->state, 0700);
	snprintf(p.place, sizeof(p.place), "%s/%s.place", r->state, r->name);
	read_place(&p);
	/* Without the collection the position means nothing. */
	if (vexfs_open(r->device, r->name, VEXFS_ATTACH_READ | VEXFS_ATTACH_WRITE, &p.h, &err))
		p.placed = false;
	ret = name_consumer(&p);
	if (!ret)
		ret = subscribe(&p);
	while (!ret && !relay_ends) {
		ret = fetch(&p);
		tell_status(&p);
	}
	natsSubscription_Destroy(p.sub);
	if (p.h)
		vexfs_close(p.h);
	return relay_ends ? 0 : ret;
}
