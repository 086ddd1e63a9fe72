/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program that makes vectors of texts, over the line protocol of docs/embedding.md.
 * It is started again when it dies, hangs or prints rubbish, and has no more rights than
 * it needs. It must not know files or the module.
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
 * struct embed_item - a text, and what became of it
 * @text: the text
 * @len: bytes
 * @vector: room for the embedder's components
 * @done: @vector was filled in
 * @why: why it was not
 */
struct embed_item {
	const char *text;
	size_t len;
	float *vector;
	bool done;
	char why[120];
};

/*
 * Starts @command with the shell, as @user where we are root. NULL after a sentence. @name
 * and @dim: what it says that it is.
 */
struct embedder *embedder_start(const char *command, const char *user);
const char *embedder_name(const struct embedder *e);
uint32_t embedder_dim(const struct embedder *e);
const char *embedder_metric(const struct embedder *e);
/* How often it had to be started again. */
unsigned int embedder_restarts(const struct embedder *e);

/* Up to EMBED_BATCH items. One that brings the embedder down does not take the others along. */
void embedder_run(struct embedder *e, struct embed_item *items, unsigned int n);
void embedder_stop(struct embedder *e);

#endif
