/* SPDX-License-Identifier: GPL-2.0 */
/*
 * History: samples of figures over a year in one SQLite file, and what happened
 * meanwhile. It knows names and numbers; what they mean is the caller's business.
 *
 * A sample is one row: the figures that changed since the one before, with all of
 * them every so often. Samples are rolled up to five minutes and to an hour: for each
 * figure how many values, their mean, smallest and largest, and for figures that ask
 * for it a sketch of their distribution, which can be merged.
 *
 * One writer; readers never wait for it and never make it wait (WAL). A writer that is
 * killed loses the sample it was writing and nothing else.
 *
 * An epoch is a time over which counters can be compared: it ends when the module was
 * loaded anew, the machine booted, or the clock jumped back. No rate is computed from
 * one epoch to the next, nor across a gap.
 */
#ifndef VEXFS_HISTORY_H
#define VEXFS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_PATH	"/var/lib/vexfs/history.db"
#define HISTORY_SCHEMA	2
#define HISTORY_NAME	128

struct history;

enum history_kind {
	HISTORY_GAUGE,
	HISTORY_COUNTER,	/* read as a rate per second */
};

/**
 * struct history_error - what is wrong
 * @code: an errno value
 * @text: a sentence
 */
struct history_error {
	int code;
	char text[300];
};

/**
 * struct history_series - a figure
 * @name: its name, "class/vector/count" say
 * @unit: of its values
 * @kind: enum history_kind
 * @sketch: keep its distribution in rollups
 * @scale: what the stored integers are multiplied by
 */
struct history_series {
	char name[HISTORY_NAME];
	char unit[24];
	enum history_kind kind;
	bool sketch;
	double scale;
};

enum history_access { HISTORY_READ, HISTORY_WRITE };

/*
 * Opens the file; for writing it is made where it is missing and brought to the newest
 * schema. NULL with @err filled in: ENOENT no history yet, EUCLEAN damaged, EPROTO written
 * by a newer version, EROFS and ENOSPC as they are.
 */
struct history *history_open(const char *path, enum history_access how, struct history_error *err);
void history_close(struct history *h);

/* Moves a damaged file aside; @to says where. 0 or -1. */
int history_set_aside(const char *path, char *to, size_t size);

/* ---- writing ---- */

/* The number of a figure, made when it is new; negative on error. */
int history_series(struct history *h, const struct history_series *s, struct history_error *err);

/*
 * A new epoch from the next sample on. @why stands in the history as a change.
 */
int history_epoch(struct history *h, int64_t t_ms, const char *why, struct history_error *err);

/* One figure of the sample that is being put together. */
int history_put(struct history *h, int series, int64_t value);
/* Writes it. A clock that went back begins a new epoch by itself. 0 or -1. */
int history_sample(struct history *h, int64_t t_ms, struct history_error *err);

int history_add_event(struct history *h, int64_t t_ms, const char *kind, const char *subject,
		      uint64_t a, uint64_t b, struct history_error *err);
/* Settings, module, kernel, files: what was other than before. */
int history_add_change(struct history *h, int64_t t_ms, const char *what, const char *key,
		       const char *from, const char *to, struct history_error *err);

/* The value that the last such change left; "" when there was none. */
void history_last_change(struct history *h, const char *what, const char *key, char *value,
			 size_t size);

/**
 * struct history_limits - how long and how much
 * @raw_s: seconds that samples are kept
 * @mid_s: that five minutes are
 * @long_s: that hours are
 * @bytes: the file may take; the oldest go first
 */
struct history_limits {
	int64_t raw_s;
	int64_t mid_s;
	int64_t long_s;
	int64_t bytes;
};

#define HISTORY_LIMITS_DEFAULT { 2 * 86400, 30 * 86400, 365 * 86400, 200ll << 20 }

/* Rolls up what is complete by @t_ms, and forgets what is too old. 0 or -1. */
int history_tidy(struct history *h, int64_t t_ms, const struct history_limits *l,
		 struct history_error *err);
int64_t history_bytes(struct history *h);
/* For tests: the file may not grow beyond so many pages, as on a full disk. */
void history_limit_pages(struct history *h, unsigned int pages);

/* ---- reading ---- */

/**
 * struct history_point - a figure over a stretch of time
 * @t: its beginning, milliseconds since 1970
 * @span: its length in milliseconds
 * @mean: of the values
 * @min: smallest
 * @max: largest
 * @n: samples
 * @epoch: number of the epoch
 */
struct history_point {
	int64_t t;
	int64_t span;
	double mean;
	double min;
	double max;
	uint32_t n;
	int32_t epoch;
};

#define HISTORY_SKETCH	1400

/**
 * struct history_values - a figure over a period
 * @series: which; name empty when the history does not know it
 * @n: points
 * @room: room for
 * @p: they, oldest first within an epoch
 * @sketch: counts by bucket, merged over the period
 * @sketched: values in it
 */
struct history_values {
	struct history_series series;
	size_t n;
	size_t room;
	struct history_point *p;
	uint32_t *sketch;
	uint64_t sketched;
};

/*
 * Reads @n figures by name between @from and @to, in the finest form that covers the
 * period and is not finer than @step_ms (0: the finest). 0 or -1; a name that the
 * history does not know has no points.
 */
int history_read(struct history *h, const char *const *names, size_t n, int64_t from, int64_t to,
		 int64_t step_ms, struct history_values *out, struct history_error *err);
void history_values_free(struct history_values *v, size_t n);
double history_quantile(const struct history_values *v, double q);

/* First and last moment there are samples of; false when there are none. */
bool history_range(struct history *h, int64_t *from, int64_t *to);

typedef int (*history_series_fn)(const struct history_series *s, void *arg);
int history_each_series(struct history *h, history_series_fn fn, void *arg,
			struct history_error *err);

/**
 * struct history_note - an event or a change
 * @t: when
 * @kind: what happened, or what changed
 * @subject: to what, or its key
 * @from: value before, "" for events
 * @to: value after
 * @a: first number of an event
 * @b: second
 */
struct history_note {
	int64_t t;
	const char *kind;
	const char *subject;
	const char *from;
	const char *to;
	uint64_t a;
	uint64_t b;
};

typedef int (*history_note_fn)(const struct history_note *n, void *arg);
int history_events(struct history *h, int64_t from, int64_t to, history_note_fn fn, void *arg,
		   struct history_error *err);
int history_changes(struct history *h, int64_t from, int64_t to, history_note_fn fn, void *arg,
		    struct history_error *err);

/* ---- records: runs, baselines, reports ---- */

/**
 * struct history_record - a stored result
 * @id: its number
 * @t: when it was made
 * @kind: "run", "baseline" or "report"
 * @name: a word for it
 * @machine: where it was made
 * @archived: it is kept whatever its age
 * @size: bytes of it
 */
struct history_record {
	int64_t id;
	int64_t t;
	char kind[16];
	char name[HISTORY_NAME];
	char machine[HISTORY_NAME];
	bool archived;
	size_t size;
};

int64_t history_record_add(struct history *h, const struct history_record *r, const void *data,
			   size_t size, struct history_error *err);
typedef int (*history_record_fn)(const struct history_record *r, void *arg);
int history_records(struct history *h, const char *kind, history_record_fn fn, void *arg,
		    struct history_error *err);
/* The bytes of a record, to be freed; NULL when there is none or on error. */
char *history_record_get(struct history *h, int64_t id, struct history_record *r, size_t *size,
			 struct history_error *err);
int history_record_archive(struct history *h, int64_t id, bool on, struct history_error *err);
/* Those made before @t that are not archived; with @dry only counted. Their number, or -1. */
int history_record_prune(struct history *h, int64_t t, const char *kind, bool dry,
			 struct history_error *err);

#endif
