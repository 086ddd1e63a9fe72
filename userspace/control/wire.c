// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink with libnl-3: connecting, requests, dumps that are repeated when
 * changes overtook them, and the kernel's message for an error.
 */
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wire.h"

/* How often to repeat a dump that was overtaken by changes. */
#define DUMP_TRIES	10
/* Of a message, or as many messages of a dump as the kernel sends in one piece. */
#define MESSAGE_MAX	(1 << 16)
/* What a dump is asked for: a name at most. All of the buffer is cleared for each request. */
#define DUMP_REQUEST	1024

/**
 * struct wire - a connection
 * @sock: libnl's socket
 * @family: number of the family
 * @why: the last error as a sentence
 * @err: its -errno, 0 when there was none
 * @stop: non-zero result of @fn, which ended the call
 * @fn: callback for answers
 * @arg: its argument
 * @done: the call has ended
 */
struct wire {
	struct nl_sock *sock;
	int family;
	char why[256];
	int err;
	int stop;
	wire_answer_fn fn;
	void *arg;
	bool done;
};

/* Maps libnl's own error numbers as far as they can be told apart. */
static int from_libnl(int err)
{
	switch (-err) {
	case NLE_SUCCESS:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_INTR:
	case NLE_DUMP_INTR:
		return -EINTR;
	case NLE_PERM:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	default:
		return -EIO;
	}
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[WIRE_ATTRS];
	struct wire *n = arg;

	if (!n->fn || n->stop)
		return NL_OK;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, WIRE_ATTRS - 1, NULL) < 0)
		return NL_SKIP;
	n->stop = n->fn(nlmsg_hdr(msg), attrs, n->arg);
	return NL_OK;
}

static void keep_error(struct wire *n, int err, struct nlattr *attrs, int len)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1] = { 0 };

	n->err = err;
	if (len > 0)
		nla_parse(tb, NLMSGERR_ATTR_MAX, attrs, len, NULL);
	if (tb[NLMSGERR_ATTR_MSG])
		snprintf(n->why, sizeof(n->why), "%s", nla_get_string(tb[NLMSGERR_ATTR_MSG]));
	else
		snprintf(n->why, sizeof(n->why), "%s", strerror(-err));
}

/* A dump that fails reports that at its end: the error, then the message. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct wire *n = arg;
	int *err = nlmsg_data(h);

	n->done = true;
	if (nlmsg_datalen(h) >= (int)sizeof(*err) && *err < 0)
		keep_error(n, *err, (struct nlattr *)(err + 1),
			   h->nlmsg_flags & NLM_F_ACK_TLVS ?
			   nlmsg_datalen(h) - (int)sizeof(*err) : 0);
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct wire *n = arg;

	(void)msg;
	n->done = true;
	return NL_STOP;
}

/* The kernel's message is in the attributes after the copy of the request. */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct nlmsghdr *h = (struct nlmsghdr *)((char *)e - NLMSG_HDRLEN);
	int len = (int)h->nlmsg_len - (int)NLMSG_HDRLEN - (int)sizeof(*e);
	char *attrs = (char *)(e + 1);
	struct wire *n = arg;

	(void)from;
	if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
		int copy = (int)NLMSG_ALIGN(e->msg.nlmsg_len) - (int)NLMSG_HDRLEN;

		attrs += copy;
		len -= copy;
	}
	n->done = true;
	keep_error(n, e->error, (struct nlattr *)attrs, h->nlmsg_flags & NLM_F_ACK_TLVS ? len : 0);
	return NL_STOP;
}

static int any_sequence(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

static void set_options(struct wire *n)
{
	int one = 1, fd = nl_socket_get_fd(n->sock);

	/* Kernels without these options report less; everything else works. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	nl_socket_modify_cb(n->sock, NL_CB_VALID, NL_CB_CUSTOM, on_valid, n);
	nl_socket_modify_cb(n->sock, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, n);
	nl_socket_modify_cb(n->sock, NL_CB_ACK, NL_CB_CUSTOM, on_ack, n);
	nl_socket_modify_err_cb(n->sock, NL_CB_CUSTOM, on_error, n);
}

static struct wire *no_wire(struct wire *n, struct vexfs_error *err, int code, const char *why)
{
	err->code = code;
	snprintf(err->text, sizeof(err->text), "%s", why);
	wire_close(n);
	return NULL;
}

struct wire *wire_connect(struct vexfs_error *err)
{
	struct wire *n = calloc(1, sizeof(*n));
	char why[160];
	int ret;

	if (n)
		n->sock = nl_socket_alloc();
	if (!n || !n->sock) {
		free(n);
		return no_wire(NULL, err, ENOMEM, "no memory");
	}
	ret = genl_connect(n->sock);
	if (ret) {
		snprintf(why, sizeof(why), "cannot open a netlink socket: %s", nl_geterror(ret));
		return no_wire(n, err, EIO, why);
	}
	n->family = genl_ctrl_resolve(n->sock, VEXFS_FAMILY_NAME);
	if (n->family < 0)
		return no_wire(n, err, ENODEV,
			       "vexfs is not loaded: modprobe vexfs, or vexctl module load");
	nl_socket_set_buffer_size(n->sock, 1 << 20, 0);
	/* Without looking at each message's size first; no part of a dump is larger than 32 KiB. */
	nl_socket_disable_msg_peek(n->sock);
	nl_socket_set_msg_buf_size(n->sock, MESSAGE_MAX);
	set_options(n);
	return n;
}

void wire_close(struct wire *n)
{
	if (!n)
		return;
	nl_socket_free(n->sock);
	free(n);
}

struct nl_msg *wire_request(struct wire *n, uint8_t cmd, bool dump)
{
	struct nl_msg *msg = nlmsg_alloc_size(dump ? DUMP_REQUEST : MESSAGE_MAX);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, n->family, 0,
				dump ? NLM_F_DUMP : NLM_F_ACK, cmd, VEXFS_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int call_once(struct wire *n, struct nl_msg *msg)
{
	int err;

	n->done = false;
	n->err = 0;
	n->stop = 0;
	/* A repetition is a new request. */
	nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ;
	err = nl_send_auto(n->sock, msg);
	while (err >= 0 && !n->done)
		err = nl_recvmsgs_default(n->sock);
	if (n->err)
		return n->err;
	if (err < 0) {
		snprintf(n->why, sizeof(n->why), "%s", nl_geterror(err));
		return from_libnl(err);
	}
	return n->stop;
}

int wire_call(struct wire *n, struct nl_msg *msg, wire_answer_fn fn, void *arg)
{
	int err;

	if (!msg) {
		snprintf(n->why, sizeof(n->why), "no memory");
		return -ENOMEM;
	}
	n->fn = fn;
	n->arg = arg;
	err = call_once(n, msg);
	nlmsg_free(msg);
	return err;
}

const char *wire_why(const struct wire *n)
{
	return n->why;
}

int wire_listen(struct wire *n, int what)
{
	struct nl_msg *msg = wire_request(n, VEXFS_CMD_SUBSCRIBE, false);

	/* events may arrive before the answer */
	nl_socket_modify_cb(n->sock, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	if (msg && nla_put_flag(msg, what)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return wire_call(n, msg, NULL, NULL);
}

int wire_receive(struct wire *n, int timeout_ms, wire_answer_fn fn, void *arg)
{
	struct pollfd p = { .fd = nl_socket_get_fd(n->sock), .events = POLLIN };
	int err;

	n->fn = fn;
	n->arg = arg;
	n->stop = 0;
	while (!n->stop) {
		err = poll(&p, 1, timeout_ms ? timeout_ms : -1);
		if (err <= 0)
			return err ? -errno : 0;
		err = nl_recvmsgs_default(n->sock);
		if (err == -NLE_NOMEM)
			return -ENOBUFS;
		if (err < 0)
			return from_libnl(err);
	}
	return n->stop;
}

/* ---- rows of statistics ---- */

/* For a thousand names per look, for which snprintf() is slow. */
static void copy_name(char *to, size_t size, const char *name)
{
	size_t len = strnlen(name, size - 1);

	memcpy(to, name, len);
	to[len] = '\0';
}

/**
 * struct attrs - attributes that are walked over
 * @p: the next one
 * @left: bytes from there to the end
 *
 * A look has more than a thousand counters, and libnl calls a function for each step.
 */
struct attrs {
	const char *p;
	size_t left;
};

/* The type of the next attribute, and its contents in @inner; -1 at the end. */
static int next_attr(struct attrs *a, struct attrs *inner)
{
	struct nlattr h;
	size_t whole;

	if (a->left < NLA_HDRLEN)
		return -1;
	memcpy(&h, a->p, sizeof(h));
	if (h.nla_len < NLA_HDRLEN || h.nla_len > a->left)
		return -1;
	*inner = (struct attrs){ a->p + NLA_HDRLEN, h.nla_len - NLA_HDRLEN };
	whole = NLA_ALIGN((size_t)h.nla_len);
	if (whole > a->left)
		whole = a->left;
	a->p += whole;
	a->left -= whole;
	return h.nla_type & NLA_TYPE_MASK;
}

static void parse_counter(struct attrs a, struct counter *k)
{
	struct attrs in;
	int type;

	k->name[0] = '\0';
	k->value = 0;
	while ((type = next_attr(&a, &in)) >= 0) {
		if (type == VEXFS_A_COUNTER_NAME)
			copy_name(k->name, in.left < sizeof(k->name) ? in.left + 1 : sizeof(k->name),
				  in.p);
		else if (type == VEXFS_A_COUNTER_VALUE && in.left >= sizeof(k->value))
			memcpy(&k->value, in.p, sizeof(k->value));
	}
}

void row_parse(struct nlmsghdr *h, struct nlattr **attrs, struct row *r)
{
	struct attrs a = { (const char *)genlmsg_attrdata(nlmsg_data(h), 0),
			   (size_t)genlmsg_attrlen(nlmsg_data(h), 0) }, in;
	int type;

	r->n = 0;
	copy_name(r->subject, sizeof(r->subject), wire_text(attrs, VEXFS_A_STATS_SUBJECT));
	copy_name(r->name, sizeof(r->name), wire_text(attrs, VEXFS_A_STATS_ROW));
	r->time_ns = wire_u64(attrs, VEXFS_A_STATS_TIME_NS);
	while (r->n < ROW_COUNTERS && (type = next_attr(&a, &in)) >= 0)
		if (type == VEXFS_A_STATS_COUNTER)
			parse_counter(in, &r->counter[r->n++]);
}

static int add_row(struct nlmsghdr *h, struct nlattr **attrs, void *arg)
{
	struct rows *rows = arg;

	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 32;
		struct row *more = realloc(rows->row, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		rows->row = more;
		rows->room = room;
	}
	row_parse(h, attrs, &rows->row[rows->n++]);
	return 0;
}

int rows_read(struct wire *n, const char *subject, struct rows *rows)
{
	int err = -EINTR;

	for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++) {
		struct nl_msg *msg = wire_request(n, VEXFS_CMD_STATS_GET, true);

		if (msg && subject && nla_put_string(msg, VEXFS_A_STATS_SUBJECT, subject)) {
			nlmsg_free(msg);
			msg = NULL;
		}
		rows->n = 0;
		err = wire_call(n, msg, add_row, rows);
	}
	return err;
}

void rows_free(struct rows *rows)
{
	free(rows->row);
	*rows = (struct rows){ 0 };
}

const struct row *rows_find(const struct rows *rows, const char *subject, const char *name)
{
	for (size_t i = 0; i < rows->n; i++)
		if (!strcmp(rows->row[i].subject, subject) &&
		    (!name || !strcmp(rows->row[i].name, name)))
			return &rows->row[i];
	return NULL;
}

static const struct counter *find(const struct row *r, const char *counter)
{
	for (unsigned int i = 0; r && i < r->n; i++)
		if (!strcmp(r->counter[i].name, counter))
			return &r->counter[i];
	return NULL;
}

uint64_t row_value(const struct row *r, const char *counter)
{
	const struct counter *k = find(r, counter);

	return k ? k->value : 0;
}

bool row_has(const struct row *r, const char *counter)
{
	return find(r, counter);
}
