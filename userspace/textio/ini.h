/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of [sections] with "key = value" lines; '#' and ';' begin comments. This file
 * knows the syntax only; sections and keys are up to the caller.
 */
#ifndef VEXFS_COMMON_INI_H
#define VEXFS_COMMON_INI_H

#include <stddef.h>

/*
 * Called for each section (@key is NULL) and for each key in it; @value is NULL for a key
 * without '='. To refuse, writes the reason to @why and returns non-zero.
 */
typedef int (*ini_fn)(void *arg, const char *section, const char *key, const char *value,
		      char *why, size_t size);

/*
 * 0, or -1 with a sentence in @why that begins with the file name and, for an error in a
 * line, its number. Parsing stops at the first error.
 */
int ini_read(const char *path, ini_fn fn, void *arg, char *why, size_t size);

#endif
