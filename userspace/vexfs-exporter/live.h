/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page for people: what has been read over the last minutes, as JSON and as a page
 * that draws it. Nothing is sampled while nobody looks.
 */
#ifndef VEXFS_EXPORTER_LIVE_H
#define VEXFS_EXPORTER_LIVE_H

#include "snapshot.h"

struct live;

struct live *live_new(void);
void live_free(struct live *l);

/* Somebody looks; and is it time for another reading because of that? */
void live_seen(struct live *l);
bool live_wants(struct live *l);

/* A reading becomes a point in time. */
void live_note(struct live *l, const struct snapshot *a);

/* Text to be freed, or NULL without memory. @a may be NULL. */
char *live_json(struct live *l, const struct snapshot *a, size_t *len);
char *live_page(struct live *l, const struct snapshot *a, size_t *len);

#endif
