/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages over HTTP. One thread serves all clients. A client that waits for a snapshot
 * is suspended, so that a slow module delays no other client; a slow client is
 * disconnected.
 */
#ifndef VEXFS_EXPORTER_SERVER_H
#define VEXFS_EXPORTER_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct server;

/**
 * struct server_opts - how to serve
 * @fd: a listening socket; the server closes it
 * @names: with collections, if the module shows them
 * @most: how many of them with labels
 * @compat: with compatibility names, unless a request says ?compat=no
 * @deadline_ms: how long a request waits for a snapshot
 */
struct server_opts {
	int fd;
	bool names;
	size_t most;
	bool compat;
	unsigned int deadline_ms;
};

/* Returns NULL with a sentence in @why. */
struct server *server_start(const struct server_opts *opts, char *why, size_t size);
/* Call it a few times a second: it ends waits that exceed the deadline. */
void server_tick(struct server *s);
void server_stop(struct server *s);

#endif
