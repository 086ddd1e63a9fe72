/* SPDX-License-Identifier: GPL-2.0 */
/* The texts that a user may give a collection: its name and its layout. */
#ifndef _VEXFS_STORE_NAME_H
#define _VEXFS_STORE_NAME_H

#include <linux/types.h>

/*
 * 1 to @size - 1 ASCII letters, digits and "._:+-", beginning with neither '-' nor
 * '.', ended by a NUL and zeroes up to @size.
 */
bool vexfs_name_valid(const char *name, size_t size);

/*
 * @len bytes of well-formed UTF-8 without control characters and without those that
 * break a line or turn the direction of text. No NUL ends them.
 */
bool vexfs_layout_valid(const char *layout, size_t len);

#endif
