/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes metrics in the text format of Prometheus (0.0.4) and in OpenMetrics (1.0.0). The
 * caller names families and samples; this file adds escaping, suffixes and comment lines.
 * It knows no metric by name.
 */
#ifndef VEXFS_EXPOSITION_H
#define VEXFS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum expo_format {
	EXPO_PROMETHEUS,
	EXPO_OPENMETRICS,
};

enum expo_kind {
	EXPO_COUNTER,
	EXPO_GAUGE,
	EXPO_HISTOGRAM,
	EXPO_INFO,
};

/**
 * struct expo - text that is being written
 * @format: one of the two formats
 * @text: the text; not terminated
 * @len: its bytes
 * @room: allocated bytes
 * @limit: maximum of bytes
 * @error: ENOMEM, or EFBIG beyond @limit; nothing is added after an error
 * @series: samples written
 * @name: current family, without suffix
 * @kind: its kind
 * @family: where it begins
 * @family_series: samples before it
 */
struct expo {
	enum expo_format format;
	char *text;
	size_t len;
	size_t room;
	size_t limit;
	int error;
	size_t series;
	char name[128];
	enum expo_kind kind;
	size_t family;
	size_t family_series;
};

struct expo_label {
	const char *name;
	const char *value;
};

#define EXPO_TEXT_TYPE	"text/plain; version=0.0.4; charset=utf-8"
#define EXPO_OPEN_TYPE	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/* The format for a client that sent this Accept header (or none, NULL). */
enum expo_format expo_negotiate(const char *accept);
const char *expo_content_type(enum expo_format format);

void expo_begin(struct expo *e, enum expo_format format, size_t limit);
/* Completes the text. 0, or -errno. */
int expo_end(struct expo *e);
/*
 * After EFBIG: removes the family that did not fit, so that the text has complete families, and
 * more can be added within a larger limit. false: there was another error, or none.
 */
bool expo_cut(struct expo *e, size_t limit);
void expo_free(struct expo *e);

/*
 * Begins a family. @name is without "_total", "_info" and the like; @unit, unless NULL,
 * is its last part.
 */
void expo_family(struct expo *e, const char *name, enum expo_kind kind, const char *unit,
		 const char *help);

/* Samples of a counter, a gauge or an info. A label with the value NULL or "" is left out. */
void expo_u64(struct expo *e, const struct expo_label *labels, unsigned int n, uint64_t v);
void expo_double(struct expo *e, const struct expo_label *labels, unsigned int n, double v);
/* @v divided by 10 to the power of @places (at most 18), exactly. */
void expo_fixed(struct expo *e, const struct expo_label *labels, unsigned int n, uint64_t v,
		unsigned int places);

#define EXPO_EDGES	32

/**
 * struct expo_edges - upper edges of buckets as text, made once for many histograms
 * @n: number of them
 * @text: each, ascending, without the infinite one
 */
struct expo_edges {
	unsigned int n;
	char text[EXPO_EDGES][32];
};

void expo_edges(struct expo_edges *edges, const double *le, unsigned int n);

/**
 * struct expo_buckets - a histogram
 * @edges: of its buckets
 * @count: values in each, not cumulative
 * @total: all values, including those above the last edge
 * @sum: of all values
 */
struct expo_buckets {
	const struct expo_edges *edges;
	const uint64_t *count;
	uint64_t total;
	double sum;
};

void expo_histogram(struct expo *e, const struct expo_label *labels, unsigned int n,
		    const struct expo_buckets *b);

/* A number in the shortest form that reads back unchanged. */
const char *expo_number(char buf[32], double v);

/* @from as part of a metric's name: characters that are not allowed become '_'. */
void expo_name(char *to, size_t size, const char *from);

#endif
