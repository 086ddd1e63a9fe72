/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program that makes vectors from texts, over the line protocol of docs/embedding.md.
 * It is restarted when it dies, hangs or violates the protocol, and runs with few rights.
 * This file must not know files or the module.
 */
#ifndef VEXFS_MOUNT_EMBEDDER_H
#define VEXFS_MOUNT_EMBEDDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMBED_TIMEOUT_MS	10000
#define EMBED_MEMORY		(512ull << 20)
#define EMBED_BATCH		64

struct embedder;

/**
 * struct embed_item - a text and its result
 * @text: the text
 * @len: its bytes
 * @vector: buffer for the embedder's components
 * @done: @vector is filled
 * @why: why it is not
 */
struct embed_item {
	const char *text;
	size_t len;
	float *vector;
	bool done;
	char why[120];
};

/*
 * Starts @command with the shell, as @user if we are root. Returns NULL after printing
 * why. In the background it leaves the processors to others.
 */
struct embedder *embedder_start(const char *command, const char *user, bool background);
const char *embedder_name(const struct embedder *e);
uint32_t embedder_dim(const struct embedder *e);
const char *embedder_metric(const struct embedder *e);
/* How often it was restarted. */
unsigned int embedder_restarts(const struct embedder *e);

/* Embeds up to EMBED_BATCH items. One that crashes the embedder does not spoil the others. */
void embedder_run(struct embedder *e, struct embed_item *items, unsigned int n);
void embedder_stop(struct embedder *e);

#endif
