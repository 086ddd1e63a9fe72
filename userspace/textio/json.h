/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writing JSON to a stream, nothing else. The caller says what comes next and
 * the writer puts commas, quotes and line ends in the right places. It must
 * never write anything that a strict parser refuses: bytes that are not UTF-8
 * become U+FFFD, numbers that JSON does not know become null.
 */
#ifndef VEXFS_COMMON_JSON_H
#define VEXFS_COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX	32

/**
 * struct json - a writer; set it up with json_start()
 * @out: where the text goes
 * @pretty: one member a line, indented
 * @depth: containers open
 * @members: what has been written into each of them
 * @after_key: a key was written and waits for its value
 * @schema: when not 0, the first member of the outermost object, "schema_version"
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

/* Closes every container that is still open: for leaving early, still valid. */
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
void json_float(struct json *j, float v);	/* shortest text that reads back the same */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);

/* Key and value in one go. */
void json_kv_string(struct json *j, const char *key, const char *s);
void json_kv_u64(struct json *j, const char *key, uint64_t v);
void json_kv_i64(struct json *j, const char *key, int64_t v);
void json_kv_double(struct json *j, const char *key, double v);
void json_kv_bool(struct json *j, const char *key, bool v);

#endif
