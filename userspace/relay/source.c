// SPDX-License-Identifier: GPL-2.0
/*
 * The sending end. Its position is the last change that the server has. After a restart
 * it continues behind that change, or with a snapshot if the kernel no longer has the
 * changes in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "crc32c.h"
#include "relay.h"

struct source {
	struct relay *r;
	struct vexfs *h;
	int fd;
	uint32_t row_bytes;
	uint32_t attr_size;
	uint32_t origin;
	uint32_t most;		/* rows in one message */
	uint64_t sent;		/* the last change that was sent */
	time_t told;		/* when metrics were written */
	struct vexfs_change *changes;
	int32_t *errors;
	natsSubscription *lost;
};

static int call(int fd, unsigned long req, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, req, arg) ? -errno : 0;
	} while (ret == -EINTR && !relay_ends);
	return ret;
}

static int make_stream(struct relay *r)
{
	const char *subjects[] = { r->subject };
	jsStreamConfig cfg;
	jsErrCode code = 0;
	natsStatus st;

	jsStreamConfig_Init(&cfg);
	cfg.Name = r->stream;
	cfg.Subjects = subjects;
	cfg.SubjectsLen = 1;
	cfg.MaxBytes = (int64_t)r->max_bytes;
	st = js_AddStream(NULL, r->js, &cfg, NULL, &code);
	/* Error 10058: the stream exists with other settings. */
	return st == NATS_OK || code == 10058 ? 0 :
		relay_fail("the stream %s: %s", r->stream, natsStatus_GetText(st));
}

/* Waits for the connection to come back; no number is used for two messages. */
static int publish(struct source *s, struct relay_msg *m, size_t len)
{
	struct relay *r = s->r;
	char id[100];
	jsPubOptions opts;
	unsigned int failed = 0;
	natsStatus st;

	msg_seal(m, len);
	jsPubOptions_Init(&opts);
	snprintf(id, sizeof(id), "%s-%u-%llu-%u-%08x", r->feed, m->type,
		 (unsigned long long)m->seq, m->count, m->crc);
	opts.MsgId = id;
	do {
		st = js_Publish(NULL, r->js, r->subject, m, (int)len, &opts, NULL);
		if (st == NATS_OK)
			break;
		if (!(failed++ % 50))
			relay_fail("change %llu is not at the server yet: %s",
				   (unsigned long long)m->seq, natsStatus_GetText(st));
		nats_Sleep(200);
		/* The server is there and has lost the stream. */
		if (st == NATS_NO_RESPONDERS)
			make_stream(r);
	} while (st != NATS_OK && !relay_ends);
	return st == NATS_OK ? 0 : -EINTR;
}

static struct relay_msg *message(struct source *s, enum relay_type type, uint64_t seq,
				 uint32_t count, uint32_t puts)
{
	struct relay_msg *m = (struct relay_msg *)s->r->buf;

	memset(m, 0, sizeof(*m));
	m->type = (uint16_t)type;
	m->seq = seq;
	m->count = count;
	m->puts = puts;
	m->row_bytes = s->row_bytes;
	m->attr_size = s->attr_size;
	m->origin = s->origin;
	return m;
}

static int send_rows(struct source *s, uint64_t seq)
{
	struct vexfs_walk w = { .format = VEXFS_FORMAT_RAW };
	int ret = 0;

	do {
		struct relay_msg *m = message(s, RELAY_ROWS, seq, s->most, s->most);
		struct msg_parts p, q;

		msg_parts(m, &p);
		w.size = sizeof(w);
		w.count = s->most;
		w.ids = (uintptr_t)p.ids;
		w.vectors = (uintptr_t)p.vectors;
		w.attrs = s->attr_size ? (uintptr_t)p.attrs : 0;
		ret = call(s->fd, VEXFS_IOC_WALK, &w);
		if (ret || !w.count)
			continue;
		/* When fewer rows came than there was space for, the parts move together. */
		m->count = m->puts = w.count;
		msg_parts(m, &q);
		memset(q.ops, VEXFS_CHANGE_INSERT, w.count);
		memmove(q.attrs, p.attrs, (size_t)w.count * s->attr_size);
		memmove(q.vectors, p.vectors, (size_t)w.count * s->row_bytes);
		ret = publish(s, m, msg_size(m));
	} while (!ret && w.cursor && !relay_ends);
	return ret;
}

static int send_snapshot(struct source *s, uint64_t seq)
{
	struct relay_msg *m = message(s, RELAY_BEGIN, seq, 0, 0);
	struct relay_settings *set = (struct relay_settings *)(m + 1);
	const char *layout = vexfs_layout_text(s->h);
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;
	int ret;

	if (vexfs_do_stat(s->h, &st, &err))
		return relay_fail("%s", err.text);
	if (st.count * (s->row_bytes + s->attr_size + 9) > s->r->max_bytes)
		return relay_fail("a snapshot of '%s' is more than the feed keeps: --max-mb", s->r->name);
	*set = (struct relay_settings) {
		.dim = st.dim, .type = st.type, .metric = st.metric, .index = st.index,
		.layout_len = (uint32_t)strlen(layout),
	};
	memcpy(set + 1, layout, set->layout_len);
	ret = publish(s, m, sizeof(*m) + sizeof(*set) + set->layout_len);
	if (!ret)
		ret = send_rows(s, seq);
	if (!ret)
		ret = publish(s, message(s, RELAY_END, seq, 0, 0), sizeof(*m));
	return ret;
}

/* A signal makes a request end early, with those that it has read. */
static int read_rows(struct source *s, const struct vexfs_change *ch, uint32_t n,
		     const struct msg_parts *p)
{
	int ret = 0;

	for (uint32_t at = 0; !ret && at < n;) {
		struct vexfs_rows rows = {
			.size = sizeof(rows), .format = VEXFS_FORMAT_RAW, .count = n - at,
			.changes = (uintptr_t)(ch + at),
			.vectors = (uintptr_t)(p->vectors + (size_t)at * s->row_bytes),
			.attrs = s->attr_size ? (uintptr_t)(p->attrs + (size_t)at * s->attr_size) : 0,
			.errors = (uintptr_t)(s->errors + at),
		};

		ret = call(s->fd, VEXFS_IOC_ROWS, &rows);
		if (!ret && !rows.tried)
			ret = -EIO;
		at += rows.tried;
	}
	return ret;
}

/* Rows that were replaced in the meantime are left out: a later change brings the new ones. */
static int send_changes(struct source *s, const struct vexfs_change *ch, uint32_t n)
{
	struct relay_msg *m = message(s, RELAY_CHANGES_OF, ch->seq, n, n);
	struct msg_parts p, q;
	uint32_t puts = 0;
	int ret;

	msg_parts(m, &p);
	ret = read_rows(s, ch, n, &p);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < n; i++) {
		bool row = ch[i].op <= VEXFS_CHANGE_UPDATE && !s->errors[i];

		p.ids[i] = ch[i].id;
		p.ops[i] = row || ch[i].op > VEXFS_CHANGE_UPDATE ? (uint8_t)ch[i].op :
			   VEXFS_CHANGE_SET;
		if (!row)
			continue;
		memmove(p.attrs + (size_t)puts * s->attr_size, p.attrs + (size_t)i * s->attr_size,
			s->attr_size);
		memmove(p.vectors + (size_t)puts * s->row_bytes, p.vectors + (size_t)i * s->row_bytes,
			s->row_bytes);
		puts++;
	}
	m->puts = puts;
	m->time_ns = ch[n - 1].time_ns;
	msg_parts(m, &q);
	memmove(q.vectors, p.vectors, (size_t)puts * s->row_bytes);
	return publish(s, m, msg_size(m));
}

/* Returns 1 when a replica has lost its position. */
static int asked(struct source *s)
{
	natsMsg *msg = NULL;
	int any = 0;

	while (natsSubscription_NextMsg(&msg, s->lost, 0) == NATS_OK) {
		natsMsg_Destroy(msg);
		any = 1;
	}
	return any;
}

static void tell_lag(struct source *s)
{
	struct relay_lag lag = { .seq = s->sent };
	struct vexfs_error err;
	struct vexfs_stat st;

	if (!s->r->metrics || time(NULL) == s->told)
		return;
	s->told = time(NULL);
	if (!vexfs_do_stat(s->h, &st, &err) && st.seq > s->sent)
		lag.behind = st.seq - s->sent;
	metrics_write(s->r, &lag);
}

static int follow(struct source *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	ssize_t n;
	int ret = 0;

	while (!ret && !relay_ends) {
		if (asked(s))
			return 1;
		tell_lag(s);
		poll(&p, 1, 200);
		n = read(s->fd, s->changes, RELAY_CHANGES * sizeof(*s->changes));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return n ? -errno : -ENOENT;
		n /= (ssize_t)sizeof(*s->changes);
		for (uint32_t i = 0, run; !ret && i < (uint32_t)n; i += run) {
			run = (uint32_t)n - i < s->most ? (uint32_t)n - i : s->most;
			if (s->changes[i].op == VEXFS_CHANGE_LOST)
				return 1;
			for (uint32_t k = 1; k < run; k++)
				if (s->changes[i + k].op == VEXFS_CHANGE_LOST)
					run = k;
			ret = send_changes(s, s->changes + i, run);
			if (!ret)
				s->sent = s->changes[i + run - 1].seq;
		}
	}
	return ret;
}

/*
 * The last change that the server has; 0 when it has none. @whole: the changes behind it are
 * all that a replica needs.
 */
static uint64_t last_sent(struct source *s, bool *whole)
{
	natsMsg *msg = NULL;
	struct relay_msg m;
	uint64_t seq = 0;
	natsStatus st;

	*whole = false;
	do {
		st = js_GetLastMsg(&msg, s->r->js, s->r->stream, s->r->subject, NULL, NULL);
		if (st != NATS_OK && st != NATS_NOT_FOUND)
			nats_Sleep(200);
	} while (st != NATS_OK && st != NATS_NOT_FOUND && !relay_ends);
	if (st != NATS_OK)
		return 0;
	if (!msg_check(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), &m)) {
		*whole = (m.type == RELAY_CHANGES_OF || m.type == RELAY_END) &&
			 m.origin == s->origin;
		seq = m.type == RELAY_CHANGES_OF ? m.seq + m.count - 1 : m.seq;
	}
	natsMsg_Destroy(msg);
	return seq;
}

/* A collection that was dropped and made again has changes of the same numbers. */
static int find_origin(struct source *s)
{
	struct vexfs_stat st = { 0 };
	struct vexfs_error err;
	int64_t of[4];

	if (vexfs_do_stat(s->h, &st, &err))
		return relay_fail("%s", err.text);
	of[0] = st.created;
	of[1] = st.dim;
	of[2] = st.type | st.metric << 8;
	of[3] = st.attr_size;
	s->origin = crc32c(0, of, sizeof(of));
	return 0;
}

static int attach(struct source *s, bool fresh)
{
	struct vexfs_stream_req req = { .size = sizeof(req) };
	struct vexfs_error err;
	bool whole;
	int ret;

	if (s->h)
		vexfs_close(s->h);
	s->h = NULL;
	if (vexfs_open(s->r->device, s->r->name, VEXFS_ATTACH_READ, &s->h, &err))
		return relay_fail("%s", err.text);
	s->fd = vexfs_fd(s->h);
	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
	s->row_bytes = (uint32_t)vexfs_vector_bytes(s->h, VEXFS_FORMAT_RAW);
	s->attr_size = vexfs_attr_size(s->h);
	s->most = RELAY_PAYLOAD / (s->row_bytes + s->attr_size + 24);
	s->most = s->most > RELAY_CHANGES ? RELAY_CHANGES : s->most ? s->most : 1;
	if (find_origin(s))
		return -1;
	req.from = last_sent(s, &whole);
	s->sent = req.from;
	req.flags = whole && !fresh ? VEXFS_STREAM_FROM : 0;
	if (!req.flags)
		req.from = 0;
	ret = call(s->fd, VEXFS_IOC_STREAM, &req);
	/* The collection is younger than the feed of its name. */
	if (ret == -EINVAL && req.flags) {
		req.flags = 0;
		req.from = 0;
		ret = call(s->fd, VEXFS_IOC_STREAM, &req);
	}
	if (ret)
		return relay_fail("the changes of '%s': %s", s->r->name, strerror(-ret));
	if (!(req.flags & VEXFS_STREAM_SNAPSHOT) && whole && !fresh)
		return 0;
	fprintf(stderr, "vexfs-relay: '%s': a snapshot of change %llu\n", s->r->name,
		(unsigned long long)req.from);
	s->sent = req.from;
	return send_snapshot(s, req.from);
}

int source_run(struct relay *r)
{
	struct source s = { .r = r };
	bool fresh = false;
	int ret = make_stream(r);

	s.changes = calloc(RELAY_CHANGES, sizeof(*s.changes));
	s.errors = calloc(RELAY_CHANGES, sizeof(*s.errors));
	if (!s.changes || !s.errors)
		ret = relay_fail("no memory");
	if (!ret && natsConnection_SubscribeSync(&s.lost, r->nats, r->lost) != NATS_OK)
		ret = relay_fail("cannot listen on %s", r->lost);
	while (!ret && !relay_ends) {
		ret = attach(&s, fresh);
		if (!ret)
			ret = follow(&s);
		fresh = ret == 1;
		if (ret == 1)
			ret = 0;
	}
	if (ret < -1)
		relay_fail("'%s': %s", r->name, strerror(-ret));
	natsSubscription_Destroy(s.lost);
	if (s.h)
		vexfs_close(s.h);
	free(s.changes);
	free(s.errors);
	return relay_ends ? 0 : ret;
}
