/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes JSON to a stream. The caller says what comes next; the writer adds commas,
 * quotes and line ends. Its output is always valid: bytes that are not UTF-8 become
 * U+FFFD, numbers that JSON lacks become null.
 */
#ifndef VEXFS_COMMON_JSON_H
#define VEXFS_COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX	32

/**
 * struct json - a writer; initialise it with json_start()
 * @out: the stream
 * @pretty: one member per line, indented
 * @depth: open containers
 * @members: number of members written into each of them
 * @after_key: a key was written and its value is missing
 * @schema: unless 0, the first member of the outermost object, "schema_version"
 */
struct json {
	FILE *out;
	bool pretty;
	unsigned int depth;
	unsigned int members[JSON_DEPTH_MAX + 1];
	bool is_array[JSON_DEPTH_MAX + 1];
	bool after_key;
	unsigned int schema;
};

void json_start(struct json *j, FILE *out, bool pretty);

/* Ends the value with a newline and flushes; -1 when the stream has failed. */
int json_finish(struct json *j);

/*
 * The same for a stream of open_memstream(), which it closes. Returns @text, to be freed, or
 * NULL after an error.
 */
char *json_finish_text(struct json *j, char **text);

/* Closes all open containers: for leaving early with valid output. */
void json_unwind(struct json *j);

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);

/* Values. NaN and infinity become null. */
void json_string(struct json *j, const char *s);
void json_string_n(struct json *j, const char *s, size_t len);
void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
void json_double(struct json *j, double v);
void json_float(struct json *j, float v);	/* shortest text that reads back unchanged */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);

/* Key and value in one call. */
void json_kv_string(struct json *j, const char *key, const char *s);
void json_kv_u64(struct json *j, const char *key, uint64_t v);
void json_kv_i64(struct json *j, const char *key, int64_t v);
void json_kv_double(struct json *j, const char *key, double v);
void json_kv_bool(struct json *j, const char *key, bool v);

#endif
