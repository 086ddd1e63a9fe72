// SPDX-License-Identifier: GPL-2.0
/*
 * The receiving end. Messages are applied in order and acknowledged afterwards, so a
 * message may arrive twice; applying it again changes nothing. The replica keeps its
 * position in a file. A gap behind that position means that the server has discarded
 * changes, and the replica requests a snapshot.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "outfile.h"
#include "relay.h"

struct replica {
	struct relay *r;
	struct vexfs *h;
	natsSubscription *sub;
	uint64_t applied;	/* last change that was applied */
	bool placed;		/* @applied is valid */
	bool filling;		/* a snapshot is being received */
	uint64_t behind_ns;	/* time of the last change that was applied */
	time_t asked;
	time_t told;
	char place[1100];
};

static void keep_place(struct replica *p)
{
	struct outfile o;

	if (outfile_open(&o, p->place, false))
		return (void)relay_fail("%s", o.why);
	fprintf(o.f, "%" PRIu64 "\n", p->applied);
	if (outfile_commit(&o))
		relay_fail("%s", o.why);
}

static void read_place(struct replica *p)
{
	FILE *f = fopen(p->place, "re");

	p->placed = f && fscanf(f, "%" SCNu64, &p->applied) == 1;
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
	p->placed = p->filling = false;
	if (time(NULL) - p->asked < 2)
		return;
	p->asked = time(NULL);
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

static int take(struct replica *p, natsMsg *msg)
{
	uint8_t *data = (uint8_t *)natsMsg_GetData(msg);
	size_t len = (size_t)natsMsg_GetDataLength(msg);
	struct relay_msg m, *whole = (struct relay_msg *)p->r->buf;
	const char *wrong = msg_check(data, len, &m);
	int ret = 0;

	if (wrong || len > p->r->room) {
		relay_fail("skipped a message: %s", wrong ? wrong : "it is too long");
		ask_for_snapshot(p);
		return 0;
	}
	/* Aligned, and writable. */
	memcpy(whole, data, len);
	if (m.type == RELAY_BEGIN)
		return begin(p, &m, data, len);
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
	if (m.type != RELAY_CHANGES_OF || p->filling || m.seq + m.count <= p->applied + 1)
		return 0;
	if (!p->placed || !p->h || m.seq > p->applied + 1) {
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

static int subscribe(struct replica *p)
{
	char durable[100];
	natsStatus st;

	snprintf(durable, sizeof(durable), "replica-%s", p->r->name);
	for (char *c = durable; *c; c++)
		if (strchr(".:+ ", *c))
			*c = '_';
	do {
		st = js_PullSubscribe(&p->sub, p->r->js, p->r->subject, durable, NULL, NULL, NULL);
		if (st != NATS_OK)
			nats_Sleep(300);
	} while (st != NATS_OK && !relay_ends);
	return st == NATS_OK ? 0 : -1;
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
		return 0;
	}
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
