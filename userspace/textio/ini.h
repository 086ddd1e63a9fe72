/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of [sections] with "key = value" lines; '#' and ';' begin comments. This
 * reader knows the form; what sections and keys mean is the caller's business.
 */
#ifndef VEXFS_COMMON_INI_H
#define VEXFS_COMMON_INI_H

#include <stddef.h>

/*
 * Called for each section (@key is NULL) and for each key in it; @value is NULL
 * where a key stands without '='. Returns other than 0 after writing to @why what
 * is wrong.
 */
typedef int (*ini_fn)(void *arg, const char *section, const char *key, const char *value,
		      char *why, size_t size);

/*
 * 0, or -1 with a sentence in @why that begins with the name of the file and, where
 * a line is at fault, its number. Reading stops at the first fault.
 */
int ini_read(const char *path, ini_fn fn, void *arg, char *why, size_t size);

#endif
