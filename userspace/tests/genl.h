/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink with nothing but sockets, for tests of vexfs's family: they
 * must see what the kernel itself answers, and send what no library would. One
 * test program is one file, which has these to itself.
 */
#ifndef VEXFS_TESTS_GENL_H
#define VEXFS_TESTS_GENL_H

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vexfs_netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUF_SIZE	65536

static int family;
static uint32_t seq;

/* ---- messages ---- */

struct msg {
	union {
		struct nlmsghdr h;
		char buf[BUF_SIZE];
	};
};

static inline void *tail(struct msg *m)
{
	return m->buf + NLMSG_ALIGN(m->h.nlmsg_len);
}

static inline void begin(struct msg *m, int type, int flags, int cmd)
{
	struct genlmsghdr g = { .cmd = (uint8_t)cmd, .version = 1 };

	memset(m, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	m->h.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	m->h.nlmsg_type = (uint16_t)type;
	m->h.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	m->h.nlmsg_seq = ++seq;
	memcpy(m->buf + NLMSG_HDRLEN, &g, sizeof(g));
}

static inline void put(struct msg *m, int type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = (uint16_t)type };
	char *to = tail(m);

	memcpy(to, &a, sizeof(a));
	memcpy(to + NLA_HDRLEN, data, len);
	memset(to + NLA_HDRLEN + len, 0, NLA_ALIGN(len) - len);
	m->h.nlmsg_len = NLMSG_ALIGN(m->h.nlmsg_len) + (uint32_t)NLA_ALIGN(NLA_HDRLEN + len);
}

static inline void put_text(struct msg *m, int type, const char *text)
{
	put(m, type, text, strlen(text) + 1);
}

static inline void put_u32(struct msg *m, int type, uint32_t v)
{
	put(m, type, &v, sizeof(v));
}

static inline struct nlattr *nest_begin(struct msg *m, int type)
{
	struct nlattr *a = tail(m);

	put(m, type | NLA_F_NESTED, "", 0);
	return a;
}

static inline void nest_end(struct msg *m, struct nlattr *a)
{
	a->nla_len = (uint16_t)((char *)tail(m) - (char *)a);
}

static inline void put_setting(struct msg *m, const char *key, int64_t v)
{
	struct nlattr *a = nest_begin(m, VEXFS_A_TUNE_SETTING);

	put_text(m, VEXFS_A_SETTING_KEY, key);
	put(m, VEXFS_A_SETTING_VALUE, &v, sizeof(v));
	nest_end(m, a);
}

static inline const struct nlattr *find(const void *from, size_t len, int type)
{
	const char *p = from, *end = p + len;

	while (end - p >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)p;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > end - p)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		p += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static inline const void *body(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}

/* ---- talking ---- */

static inline int open_socket(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	struct timeval tv = { .tv_sec = 20 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), one = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return -1;
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

/**
 * struct answer - what came back
 * @err: 0 or -errno
 * @why: the kernel's sentence
 * @offset: of the attribute at fault, or 0
 * @messages: answers before the end
 * @parts: datagrams they came in
 * @interrupted: the dump was overtaken by changes
 * @first: the first answer
 */
struct answer {
	int err;
	char why[128];
	uint32_t offset;
	unsigned int messages;
	unsigned int parts;
	bool interrupted;
	struct msg first;
};

static inline void read_tlvs(struct answer *a, const struct nlmsghdr *h, const char *from)
{
	size_t len = h->nlmsg_len - (size_t)(from - (const char *)h);
	const struct nlattr *t;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	t = find(from, len, NLMSGERR_ATTR_MSG);
	if (t)
		snprintf(a->why, sizeof(a->why), "%s", (const char *)body(t));
	t = find(from, len, NLMSGERR_ATTR_OFFS);
	if (t)
		memcpy(&a->offset, body(t), sizeof(a->offset));
}

/* True at the end of the answer. */
static inline bool take(struct answer *a, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	const char *tlvs = (const char *)(e + 1);

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		a->interrupted = true;
	if (h->nlmsg_type == NLMSG_ERROR) {
		a->err = e->error;
		if (!(h->nlmsg_flags & NLM_F_CAPPED))
			tlvs += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
		read_tlvs(a, h, tlvs);
		return true;
	}
	if (h->nlmsg_type == NLMSG_DONE) {
		memcpy(&a->err, NLMSG_DATA(h), sizeof(a->err));
		a->err = a->err < 0 ? a->err : 0;
		read_tlvs(a, h, (const char *)NLMSG_DATA(h) + sizeof(int));
		return true;
	}
	if (!a->messages++)
		memcpy(a->first.buf, h, h->nlmsg_len);
	return false;
}

static inline void ask_by(int fd, struct msg *m, struct answer *a)
{
	static char buf[BUF_SIZE];
	bool end = false;

	memset(a, 0, offsetof(struct answer, first));
	memset(&a->first, 0, 256);
	if (send(fd, m, m->h.nlmsg_len, 0) < 0) {
		a->err = -errno;
		return;
	}
	while (!end) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		struct nlmsghdr *h = (void *)buf;

		if (n < 0) {
			a->err = -errno;
			return;
		}
		a->parts++;
		for (; NLMSG_OK(h, (size_t)n) && !end; h = NLMSG_NEXT(h, n))
			if (h->nlmsg_seq == m->h.nlmsg_seq)
				end = take(a, h);
	}
}

static inline void ask(struct msg *m, struct answer *a)
{
	int fd = open_socket();

	ask_by(fd, m, a);
	close(fd);
}

static inline const struct nlattr *got(const struct answer *a, int type)
{
	return find(a->first.buf + NLMSG_HDRLEN + GENL_HDRLEN,
		    a->first.h.nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, type);
}

static inline bool resolve(void)
{
	static struct msg m;
	static struct answer a;
	const struct nlattr *id;

	begin(&m, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	put_text(&m, CTRL_ATTR_FAMILY_NAME, VEXFS_FAMILY_NAME);
	ask(&m, &a);
	id = got(&a, CTRL_ATTR_FAMILY_ID);
	if (!id)
		return false;
	family = *(const uint16_t *)body(id);
	return true;
}

/* A socket that is told of @what, VEXFS_A_SUBSCRIPTION_*; or -errno. */
static inline int subscribe(int what)
{
	static struct msg m;
	static struct answer a;
	int fd = open_socket();

	if (fd < 0)
		return -errno;
	begin(&m, family, NLM_F_ACK, VEXFS_CMD_SUBSCRIBE);
	put(&m, what, "", 0);
	ask_by(fd, &m, &a);
	if (a.err) {
		close(fd);
		return a.err;
	}
	return fd;
}

#endif
