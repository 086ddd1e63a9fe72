/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads JSON with jansson. Its names and those of our writer (json.h) cannot be used in
 * the same file. A value that is missing, or of another type, reads as nothing.
 */
#ifndef VEXFS_JSONIN_H
#define VEXFS_JSONIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Values belong to a document; only the document is freed. */
typedef void jsonin;

/* The only value of a file, or the next of a stream; NULL with a sentence in @why. */
jsonin *jsonin_file(const char *path, char *why, size_t size);
jsonin *jsonin_next(FILE *f, char *why, size_t size);
jsonin *jsonin_parse(const char *text, size_t len, char *why, size_t size);
void jsonin_free(jsonin *doc);

const jsonin *jsonin_get(const jsonin *v, const char *key);
size_t jsonin_count(const jsonin *v);
const jsonin *jsonin_at(const jsonin *v, size_t i);
bool jsonin_is_object(const jsonin *v);
bool jsonin_is_integer(const jsonin *v);
bool jsonin_true(const jsonin *v);
const char *jsonin_text(const jsonin *v);	/* NULL for other types */
double jsonin_number(const jsonin *v);		/* NAN for other types */
int64_t jsonin_integer(const jsonin *v);

/* Calls @fn for each member; a non-zero result stops. */
typedef int (*jsonin_fn)(const char *key, const jsonin *v, void *arg);
int jsonin_each(const jsonin *v, jsonin_fn fn, void *arg);

#endif
