/* SPDX-License-Identifier: GPL-2.0 */
/*
 * History: a year of samples in one SQLite file, and the events in between. This library
 * knows names and numbers; their meaning is up to the caller.
 *
 * A sample is one row: the values that changed since the previous sample, and at
 * intervals all of them. Samples are rolled up to five minutes and to an hour. A rollup
 * has for each series the number of values, their mean, minimum and maximum, and on
 * request a sketch of their distribution, which can be merged.
 *
 * There is one writer. Readers do not wait for it and do not delay it (WAL). A writer
 * that is killed loses only the sample it was writing.
 *
 * An epoch is a time over which counters can be compared. It ends when the module is
 * reloaded, the machine boots, or the clock jumps back. No rate is computed across epochs
 * or gaps.
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
 * struct history_error - what went wrong
 * @code: an errno value
 * @text: a sentence
 */
struct history_error {
	int code;
	char text[300];
};

/**
 * struct history_series - a series
 * @name: its name, for example "class/vector/count"
 * @unit: unit of its values
 * @kind: enum history_kind
 * @sketch: keep its distribution in rollups
 * @scale: factor from stored integers to values
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
 * Opens the file. For writing, it is created if missing, and migrated to the newest
 * schema. NULL with @err filled in: ENOENT no history yet, EUCLEAN damaged, EPROTO
 * written by a newer version, EROFS and ENOSPC as usual.
 */
struct history *history_open(const char *path, enum history_access how, struct history_error *err);
void history_close(struct history *h);

/* Renames a damaged file; @to receives the new name. 0 or -1. */
int history_set_aside(const char *path, char *to, size_t size);

/* ---- writing ---- */

/* The number of a series, which is created if new; negative on error. */
int history_series(struct history *h, const struct history_series *s, struct history_error *err);
/* The number of the series of that name, or -1. */
int history_find(const struct history *h, const char *name);

/* Starts a new epoch with the next sample. @why is recorded as a change. */
int history_epoch(struct history *h, int64_t t_ms, const char *why, struct history_error *err);

/* Adds one value to the next sample. */
int history_put(struct history *h, int series, int64_t value);
/* Writes the sample. If the clock went back, a new epoch begins by itself. 0 or -1. */
int history_sample(struct history *h, int64_t t_ms, struct history_error *err);

int history_add_event(struct history *h, int64_t t_ms, const char *kind, const char *subject,
		      uint64_t a, uint64_t b, struct history_error *err);
/* Records a change: settings, module, kernel, files. */
int history_add_change(struct history *h, int64_t t_ms, const char *what, const char *key,
		       const char *from, const char *to, struct history_error *err);

/* The value after the last such change; "" when there was none. */
void history_last_change(struct history *h, const char *what, const char *key, char *value,
			 size_t size);

/**
 * struct history_limits - retention
 * @raw_s: seconds that samples are kept
 * @mid_s: seconds that five-minute rollups are kept
 * @long_s: seconds that hourly rollups are kept
 * @bytes: limit of the file's size; the oldest data is deleted first
 */
struct history_limits {
	int64_t raw_s;
	int64_t mid_s;
	int64_t long_s;
	int64_t bytes;
};

#define HISTORY_LIMITS_DEFAULT { 2 * 86400, 30 * 86400, 365 * 86400, 200ll << 20 }

/* Rolls up what is complete by @t_ms, and deletes what exceeds the limits. 0 or -1. */
int history_tidy(struct history *h, int64_t t_ms, const struct history_limits *l,
		 struct history_error *err);
int64_t history_bytes(struct history *h);
/* For tests: limits the file to so many pages, as a full disk would. */
void history_limit_pages(struct history *h, unsigned int pages);

/* ---- reading ---- */

/**
 * struct history_point - a series over an interval
 * @t: its start, milliseconds since 1970
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
 * struct history_values - a series over a period
 * @series: the series; its name is empty if the history does not know it
 * @n: number of points
 * @room: allocated points
 * @p: points, oldest first within an epoch
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
 * Reads @n series by name between @from and @to, at the finest resolution that covers the
 * period and is not finer than @step_ms (0: the finest). 0 or -1; unknown names have no
 * points.
 */
int history_read(struct history *h, const char *const *names, size_t n, int64_t from, int64_t to,
		 int64_t step_ms, struct history_values *out, struct history_error *err);
void history_values_free(struct history_values *v, size_t n);
double history_quantile(const struct history_values *v, double q);

/* Times of the first and the last sample; false when there are none. */
bool history_range(struct history *h, int64_t *from, int64_t *to);

typedef int (*history_series_fn)(const struct history_series *s, void *arg);
int history_each_series(struct history *h, history_series_fn fn, void *arg,
			struct history_error *err);

/**
 * struct history_note - an event or a change
 * @t: its time
 * @kind: kind of event, or what changed
 * @subject: its subject, or the key
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
 * @t: when it was created
 * @kind: "run", "baseline" or "report"
 * @name: a label
 * @machine: where it was measured
 * @archived: keep it regardless of its age
 * @size: its bytes
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

/*
 * Adds a record, unless the same one is there: with the same contents, kind, name, machine and
 * time. Its number in both cases, or -1.
 */
int64_t history_record_add(struct history *h, const struct history_record *r, const void *data,
			   size_t size, struct history_error *err);
/* The same for a copy, whose time is that of the copying: one of another time is the same, too. */
int64_t history_record_import(struct history *h, const struct history_record *r, const void *data,
			      size_t size, struct history_error *err);
typedef int (*history_record_fn)(const struct history_record *r, void *arg);
int history_records(struct history *h, const char *kind, history_record_fn fn, void *arg,
		    struct history_error *err);
/*
 * Records of a kind with their contents, in the order in which they were added; of one name, or
 * of all where @name is NULL. Ends early when @fn does not return 0, and returns that.
 */
typedef int (*history_contents_fn)(const struct history_record *r, const char *data, size_t size,
				   void *arg);
int history_record_contents(struct history *h, const char *kind, const char *name,
			    history_contents_fn fn, void *arg, struct history_error *err);
/* The contents of a record, to be freed; NULL when there is none or on error. */
char *history_record_get(struct history *h, int64_t id, struct history_record *r, size_t *size,
			 struct history_error *err);
int history_record_archive(struct history *h, int64_t id, bool on, struct history_error *err);
/*
 * Deletes records older than @t that are not archived; with @dry only counts them. Their
 * number, or -1.
 */
int history_record_prune(struct history *h, int64_t t, const char *kind, bool dry,
			 struct history_error *err);

#endif
