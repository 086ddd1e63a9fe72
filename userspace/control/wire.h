/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control plane from this side: requests and answers of the generic netlink
 * family, with the kernel's own sentence when it refuses. Knows attributes and
 * messages, not what programs do with them.
 */
#ifndef VEXFS_WIRE_H
#define VEXFS_WIRE_H

#include <linux/vexfs_netlink.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

#include "vexfs.h"

struct wire;

/* NULL with @err filled in; its code is ENODEV where vexfs is not loaded. */
struct wire *wire_connect(struct vexfs_error *err);
void wire_close(struct wire *n);

/* A request of @cmd; NULL only when memory is short. */
struct nl_msg *wire_request(struct wire *n, uint8_t cmd, bool dump);

/*
 * Called for each answer: the message (for attributes that come many times), and
 * the attributes by type, 0 to WIRE_ATTRS - 1. Other than 0 ends the call.
 */
#define WIRE_ATTRS	32
typedef int (*wire_answer_fn)(struct nlmsghdr *h, struct nlattr **attrs, void *arg);

/*
 * Sends @msg (and frees it), hands the answers to @fn. 0, or -errno with the
 * reason in wire_why(). -EINTR: changes overtook a dump, and what came of it may
 * not fit together.
 */
int wire_call(struct wire *n, struct nl_msg *msg, wire_answer_fn fn, void *arg);
const char *wire_why(const struct wire *n);

/*
 * Subscribes to @what (VEXFS_A_SUBSCRIPTION_*), then hands each message to @fn until it returns other
 * than 0 or @timeout_ms pass without one (0: never). -ENOBUFS says that messages were
 * lost; calling again goes on.
 */
int wire_listen(struct wire *n, int what);
int wire_receive(struct wire *n, int timeout_ms, wire_answer_fn fn, void *arg);

static inline const char *wire_text(struct nlattr **attrs, int type)
{
	return attrs[type] ? nla_get_string(attrs[type]) : "";
}

static inline uint64_t wire_u64(struct nlattr **attrs, int type)
{
	return attrs[type] ? nla_get_u64(attrs[type]) : 0;
}

static inline uint32_t wire_u32(struct nlattr **attrs, int type)
{
	return attrs[type] ? nla_get_u32(attrs[type]) : 0;
}

/* ---- rows of the account ---- */

/**
 * struct counter - one figure
 * @name: its name
 * @value: its value
 */
struct counter {
	char name[40];
	uint64_t value;
};

#define ROW_COUNTERS	64

/**
 * struct row - one row of the account
 * @subject: which account
 * @name: which row of it
 * @time_ns: when it was read
 * @n: how many figures
 * @counter: they
 */
struct row {
	char subject[48];
	char name[64];
	uint64_t time_ns;
	unsigned int n;
	struct counter counter[ROW_COUNTERS];
};

/**
 * struct rows - rows in the order in which the kernel gave them
 * @n: how many
 * @room: room for
 * @row: they
 */
struct rows {
	size_t n;
	size_t room;
	struct row *row;
};

/* Every row of @subject, or of all when NULL, at one moment. As wire_call(). */
int rows_read(struct wire *n, const char *subject, struct rows *rows);
void rows_free(struct rows *rows);
const struct row *rows_find(const struct rows *rows, const char *subject, const char *name);
/* 0 when there is none of that name. */
uint64_t row_value(const struct row *r, const char *counter);
bool row_has(const struct row *r, const char *counter);

/* Reads one message of the account. */
void row_parse(struct nlmsghdr *h, struct nlattr **attrs, struct row *r);

#endif
