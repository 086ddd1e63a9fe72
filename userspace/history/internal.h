/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this library share. */
#ifndef VEXFS_HISTORY_INTERNAL_H
#define VEXFS_HISTORY_INTERNAL_H

#include <sqlite3.h>

#include "history.h"

/* All values are written at least this often, so that a reader need not go far back. */
#define KEY_EVERY	120
#define ROLL_KEY_EVERY	24

/* Rollups; level 0 are the samples themselves. */
#define LEVEL_MID	1
#define LEVEL_LONG	2
#define MID_MS		300000ll
#define LONG_MS		3600000ll

/* Samples have a gap between them if their distance exceeds the usual one by this factor. */
#define GAP_TIMES	5

#define SERIES_MAX	100000

/**
 * struct series - a series, as the writer or a reader sees it
 * @s: name and other attributes
 * @last: value in the last sample
 * @now: value in the sample that is being assembled
 * @had: it was in the last sample
 * @has: it is in the new one
 */
struct series {
	struct history_series s;
	int64_t last;
	int64_t now;
	bool had;
	bool has;
};

struct history {
	sqlite3 *db;
	char *path;
	bool writer;
	bool broken;	/* reading the first and last row found damage */
	int epoch;
	int64_t last_t;
	unsigned int since_key;
	size_t n;
	size_t room;
	struct series *series;
	size_t slots;
	int *slot;
	sqlite3_stmt *insert;
};

/**
 * struct bytes - a blob that grows
 * @p: its bytes
 * @n: length
 * @room: allocated bytes
 * @failed: an allocation failed
 */
struct bytes {
	uint8_t *p;
	size_t n;
	size_t room;
	bool failed;
};

void bytes_u(struct bytes *b, uint64_t v);
void bytes_s(struct bytes *b, int64_t v);
void bytes_raw(struct bytes *b, const void *p, size_t n);

/**
 * struct cursor - reads a blob; never past its end
 * @p: position
 * @end: end of the blob
 * @bad: it ended within a value
 */
struct cursor {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

uint64_t cursor_u(struct cursor *c);
int64_t cursor_s(struct cursor *c);
void cursor_raw(struct cursor *c, void *to, size_t n);

/**
 * struct roll - a series in a rollup
 * @n: number of values, 0 for none
 * @mean: of the values
 * @min: smallest
 * @max: largest
 * @sketch: counts by bucket, or NULL
 */
struct roll {
	uint32_t n;
	float mean;
	float min;
	float max;
	uint32_t *sketch;
};

/* Encodes a row of rollups: series that are equal in @last are left out unless @key. */
void roll_write(struct bytes *b, const struct roll *now, struct roll *last, size_t n, bool key,
		uint32_t usual);
/* Applies the row to @now, which is indexed by series. False: the row is damaged. */
bool roll_read(struct cursor *c, struct roll *now, size_t n, bool key, uint32_t usual,
	       const bool *wanted);

unsigned int sketch_bucket(double v);
double sketch_value(unsigned int bucket);

int next_epoch(struct history *h, int level, int epoch);
bool epoch_edges(struct history *h, int level, int epoch, int64_t *first, int64_t *last);
void level_edges(struct history *h, int level, int64_t *first, int64_t *last);

int fail_db(struct history *h, struct history_error *err, const char *what);
int fail_with(struct history_error *err, int code, const char *text);
int run_sql(struct history *h, const char *sql, struct history_error *err);
sqlite3_stmt *prepare(struct history *h, const char *sql, struct history_error *err);
int load_series(struct history *h, struct history_error *err);

#endif
