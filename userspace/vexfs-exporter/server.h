/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages over HTTP. One thread serves all clients; who waits for a reading is set
 * aside, so that a slow module keeps nobody else waiting, and who is slow himself loses
 * his connection.
 */
#ifndef VEXFS_EXPORTER_SERVER_H
#define VEXFS_EXPORTER_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct server;

/**
 * struct server_opts - how to serve
 * @fd: a listening socket; the server closes it
 * @names: with collections, where the module lets us see them
 * @most: of them with labels
 * @compat: with promised names, unless a request says ?compat=no
 * @deadline_ms: how long a request waits for a reading
 */
struct server_opts {
	int fd;
	bool names;
	size_t most;
	bool compat;
	unsigned int deadline_ms;
};

/* NULL with a sentence in @why. */
struct server *server_start(const struct server_opts *opts, char *why, size_t size);
/* To be called a few times a second: ends what has waited too long. */
void server_tick(struct server *s);
void server_stop(struct server *s);

#endif
