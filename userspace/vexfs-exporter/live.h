/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page for people: statistics of the last minutes, as JSON and as a page that draws
 * them. Nothing is sampled while nobody requests the page.
 */
#ifndef VEXFS_EXPORTER_LIVE_H
#define VEXFS_EXPORTER_LIVE_H

#include "snapshot.h"

struct live;

struct live *live_new(void);
void live_free(struct live *l);

/* Notes a request; returns true if it is time for a new snapshot because of it. */
void live_seen(struct live *l);
bool live_wants(struct live *l);

/* Adds a snapshot as a point. */
void live_note(struct live *l, const struct snapshot *a);

/* The caller frees the text; NULL without memory. @a may be NULL. */
char *live_json(struct live *l, const struct snapshot *a, size_t *len);
char *live_page(struct live *l, const struct snapshot *a, size_t *len);

#endif
