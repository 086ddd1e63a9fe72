/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vexfs-relay: ships the changes of a collection through NATS JetStream to another vexfs.
 * The stream there is called vexfs-NAME and has one subject, vexfs.NAME.changes. A
 * replica that has lost its position publishes on vexfs.NAME.lost and receives a
 * snapshot.
 */
#ifndef VEXFS_RELAY_H
#define VEXFS_RELAY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <nats/nats.h>

#include "vexfs.h"

#define RELAY_PAYLOAD	(512u << 10)	/* below the server's default limit of 1 MB */
#define RELAY_CHANGES	4096u

enum relay_type {
	RELAY_BEGIN	= 1,	/* a snapshot begins: the settings */
	RELAY_ROWS	= 2,	/* rows of the snapshot */
	RELAY_END	= 3,	/* the snapshot is complete */
	RELAY_CHANGES_OF = 4,	/* changes @seq, @seq + 1, ... */
	RELAY_DROP	= 5,	/* the collection was dropped */
};

/* Numbers are little-endian, like all machines that vexfs runs on. */
struct relay_msg {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint64_t seq;		/* sequence number of the first change, or of the snapshot */
	uint64_t time_ns;	/* time of the last change in the message */
	uint32_t count;
	uint32_t puts;
	uint32_t row_bytes;
	uint32_t attr_size;
	uint32_t crc;		/* crc32c of the whole message, in which this field counts as 0 */
	uint32_t origin;	/* of the collection: another of its name has another */
};

#define RELAY_MAGIC	0x594c5256u
#define RELAY_VERSION	1

/* The settings of RELAY_BEGIN; the layout follows. */
struct relay_settings {
	uint32_t dim;
	uint32_t layout_len;
	uint8_t type;
	uint8_t metric;
	uint8_t index;
	uint8_t pad[5];
};

struct relay {
	const char *name;	/* the collection on this machine */
	const char *feed;	/* the stream on the server */
	const char *url;
	const char *device;
	const char *state;	/* directory for the replica's position */
	const char *status;	/* file for the replica's lag */
	const char *metrics;	/* file for Prometheus */
	uint64_t max_bytes;
	natsConnection *nats;
	jsCtx *js;
	char stream[80];
	char subject[100];
	char lost[100];
	uint8_t *buf;		/* RELAY_PAYLOAD and one more row */
	size_t room;
};

extern volatile sig_atomic_t relay_ends;

__attribute__((format(printf, 1, 2)))
int relay_fail(const char *fmt, ...);
int relay_connect(struct relay *r);

/* wire.c */
size_t msg_size(const struct relay_msg *m);
struct msg_parts {
	uint64_t *ids;
	uint8_t *ops;
	uint8_t *attrs;
	uint8_t *vectors;
};

/* Pointers into the buffer of @m, which has space for all parts. */
void msg_parts(struct relay_msg *m, struct msg_parts *p);
void msg_seal(struct relay_msg *m, size_t len);
/* Returns NULL, or a sentence that says what is wrong with these bytes. */
const char *msg_check(const void *data, size_t len, struct relay_msg *m);

/* metrics.c */
struct relay_lag {
	bool replica;
	uint64_t seq;		/* the last change that was sent, or applied */
	uint64_t behind;	/* changes that are not */
	double seconds;		/* age of the first of these */
};

/* Writes @r->metrics, if there is one. */
void metrics_write(const struct relay *r, const struct relay_lag *lag);

int source_run(struct relay *r);
int replica_run(struct relay *r);

#endif
