/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control plane seen from programs: requests and answers of the generic netlink
 * family, with the kernel's own message for an error. It knows attributes and messages,
 * not what programs do with them.
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

/* NULL with @err filled in; its code is ENODEV if vexfs is not loaded. */
struct wire *wire_connect(struct vexfs_error *err);
void wire_close(struct wire *n);

/* A request of @cmd; NULL only without memory. */
struct nl_msg *wire_request(struct wire *n, uint8_t cmd, bool dump);

/*
 * Called for each answer with the message (for attributes that occur several times) and
 * the attributes by type, 0 to WIRE_ATTRS - 1. A non-zero result ends the call.
 */
#define WIRE_ATTRS	64
_Static_assert(VEXFS_A_COLLECTION_MAX < WIRE_ATTRS, "the longest list of attributes");
typedef int (*wire_answer_fn)(struct nlmsghdr *h, struct nlattr **attrs, void *arg);

/*
 * Sends @msg (and frees it) and passes the answers to @fn. 0, or -errno with the reason
 * in wire_why(). -EINTR: changes overtook a dump, and its parts may be inconsistent.
 */
int wire_call(struct wire *n, struct nl_msg *msg, wire_answer_fn fn, void *arg);
const char *wire_why(const struct wire *n);

/*
 * Subscribes to @what (VEXFS_A_SUBSCRIPTION_*), then passes each message to @fn until
 * that returns non-zero or @timeout_ms pass without one (0: never). -ENOBUFS: messages
 * were lost; the call may be repeated.
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

/* ---- rows of statistics ---- */

/**
 * struct counter - one counter
 * @name: its name
 * @value: its value
 */
struct counter {
	char name[40];
	uint64_t value;
};

#define ROW_COUNTERS	64

/**
 * struct row - one row of statistics
 * @subject: its subject
 * @name: its name in the subject
 * @time_ns: when it was read
 * @n: number of counters
 * @counter: the counters
 */
struct row {
	char subject[48];
	char name[64];
	uint64_t time_ns;
	unsigned int n;
	struct counter counter[ROW_COUNTERS];
};

/**
 * struct rows - rows in the kernel's order
 * @n: number of them
 * @room: allocated rows
 * @row: the rows
 */
struct rows {
	size_t n;
	size_t room;
	struct row *row;
};

/* All rows of @subject, or of all subjects if NULL, of one time. Errors as in wire_call(). */
int rows_read(struct wire *n, const char *subject, struct rows *rows);
void rows_free(struct rows *rows);
const struct row *rows_find(const struct rows *rows, const char *subject, const char *name);
/* 0 when there is none of that name. */
uint64_t row_value(const struct row *r, const char *counter);
bool row_has(const struct row *r, const char *counter);

/* Parses one message of statistics. */
void row_parse(struct nlmsghdr *h, struct nlattr **attrs, struct row *r);

#endif
