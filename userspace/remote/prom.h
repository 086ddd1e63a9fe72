/* SPDX-License-Identifier: GPL-2.0 */
/* Asking Prometheus, or what speaks its API. */
#ifndef VEXFS_REMOTE_PROM_H
#define VEXFS_REMOTE_PROM_H

#include <stdbool.h>
#include <stddef.h>

#define PROM_LABELS	16

/**
 * struct prom_sample - one series of an answer
 * @value: of it
 * @labels: of @name and @text
 */
struct prom_sample {
	double value;
	unsigned int labels;
	struct {
		const char *name;
		const char *text;
	} label[PROM_LABELS];
};

/* "" when there is none of that name. */
const char *prom_label(const struct prom_sample *s, const char *name);

/* Other than 0 ends the reading and is returned. */
typedef int (*prom_fn)(const struct prom_sample *s, void *arg);

/*
 * Asks the server at @url for @expr, now or (@ago_s) some time ago. 0, or -errno with a
 * sentence in @why.
 */
int prom_query(const char *url, const char *expr, double ago_s, prom_fn fn, void *arg,
	       char *why, size_t size);

/* Reads an answer that has come. Likewise; -EPROTO for what is no answer of Prometheus. */
int prom_parse(const char *text, size_t len, prom_fn fn, void *arg, char *why, size_t size);

#endif
