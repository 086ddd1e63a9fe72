/* SPDX-License-Identifier: GPL-2.0 */
/* What the verbs of pools, arithmetic and stack share. */
#ifndef VEXCTL_PERF_PARTS_H
#define VEXCTL_PERF_PARTS_H

#include "perf.h"
#include "wire.h"

/* Does @action (VEXFS_MANAGE_ACTION_*); @value below 0 is none. 0, or an exit code. */
int manage(struct ctl *c, struct wire *w, uint32_t action, int64_t value, bool keep_hot,
	   uint32_t *done);

/* A verb that does one thing, and says how many it was done to under @key. */
int manage_once(struct ctl *c, uint32_t action, int64_t value, bool keep_hot, const char *key,
		const char *text);

/* Changes settings, and ends the JSON object. */
int apply_list(struct ctl *c, const struct change_list *l);

/* Members of the open object, or lines "name: value". */
void say_number(struct ctl *c, const char *name, double v);
void say_text(struct ctl *c, const char *name, const char *v);

/* A file of the module in debugfs; false with a sentence on stderr when it cannot be read. */
bool debug_file(const char *name, char *buf, size_t size);

/* --duration as milliseconds, --real-time as the step. 0, or an exit code. */
int watch_times(struct ctl *c, const char *otherwise, int64_t *length, int64_t *step);

/* The rows of one subject, for good. 0, or an exit code. */
int read_rows(struct ctl *c, struct wire *w, const char *subject, struct rows *rows);

#define TIERS	3
extern const char *const tier_names[TIERS];

#endif
