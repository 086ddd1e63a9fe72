/* SPDX-License-Identifier: GPL-2.0 */
/* What the verbs of pools, arithmetic and stack share. */
#ifndef VEXCTL_PERF_PARTS_H
#define VEXCTL_PERF_PARTS_H

#include "perf.h"
#include "wire.h"

/* Sends @action (VEXFS_MANAGE_ACTION_*); @value below 0 means none. 0, or an exit code. */
int manage(struct ctl *c, struct wire *w, uint32_t action, int64_t value, bool keep_hot,
	   uint32_t *done);

/* A verb that performs one action and prints how many objects it affected, under @key. */
int manage_once(struct ctl *c, uint32_t action, int64_t value, bool keep_hot, const char *key,
		const char *text);

/* Changes settings and ends the JSON object. */
int apply_list(struct ctl *c, const struct change_list *l);

/* Prints members of the open object, or lines "name: value". */
void say_number(struct ctl *c, const char *name, double v);
void say_text(struct ctl *c, const char *name, const char *v);

/* Reads a file of the module in debugfs; false after printing why. */
bool debug_file(const char *name, char *buf, size_t size);

/* --duration in milliseconds, --real-time as the step. 0, or an exit code. */
int watch_times(struct ctl *c, const char *otherwise, int64_t *length, int64_t *step);

/*
 * Shows the rows of a subject repeatedly, for --duration: @show prints a line, or members of
 * the JSON value of this time. 0, or an exit code.
 */
int watch_rows(struct ctl *c, const char *subject, void (*show)(struct ctl *, const struct rows *));

/* Reads the rows of one subject. 0, or an exit code. */
int read_rows(struct ctl *c, struct wire *w, const char *subject, struct rows *rows);

/*
 * Reads the rows of a subject and shows them once: @show prints lines, or members of the object
 * of -j. Returns its result, or an exit code.
 */
int show_rows(struct ctl *c, const char *subject,
	      int (*show)(struct ctl *c, struct wire *w, const struct rows *rows));

/* Prints settings that are numbers, as say_number() does. */
void say_settings(struct ctl *c, struct wire *w, const char *const *names, size_t n);

#define TIERS	3
extern const char *const tier_names[TIERS];

#endif
