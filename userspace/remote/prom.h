/* SPDX-License-Identifier: GPL-2.0 */
/* Queries to Prometheus, or to a server with the same API. */
#ifndef VEXFS_REMOTE_PROM_H
#define VEXFS_REMOTE_PROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROM_LABELS	16

/**
 * struct prom_sample - one series of a response
 * @value: its value
 * @labels: number of entries in @name and @text
 */
struct prom_sample {
	double value;
	unsigned int labels;
	struct {
		const char *name;
		const char *text;
	} label[PROM_LABELS];
};

/* "" when there is no label of that name. */
const char *prom_label(const struct prom_sample *s, const char *name);

/* A non-zero result ends the iteration and is returned. */
typedef int (*prom_fn)(const struct prom_sample *s, void *arg);

/*
 * Evaluates @expr at the server @url, now or @ago_s seconds ago. 0, or -errno with a
 * sentence in @why.
 */
int prom_query(const char *url, const char *expr, double ago_s, prom_fn fn, void *arg,
	       char *why, size_t size);

/* One value of a series. */
typedef int (*prom_point_fn)(int64_t t_ms, double value, void *arg);

/*
 * Asks for @expr over a period, in steps. It has to give one series, or none: -E2BIG for
 * more. Values that are not a number are left out. As prom_query() otherwise.
 */
int prom_range(const char *url, const char *expr, int64_t from_ms, int64_t to_ms, int64_t step_ms,
	       prom_point_fn fn, void *arg, char *why, size_t size);

/* Parses a response. Likewise; -EPROTO if it is not a response of Prometheus. */
int prom_parse(const char *text, size_t len, prom_fn fn, void *arg, char *why, size_t size);

#endif
