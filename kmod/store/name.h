/* SPDX-License-Identifier: GPL-2.0 */
/* What may be the name of a collection; nothing else. */
#ifndef _VEXFS_STORE_NAME_H
#define _VEXFS_STORE_NAME_H

#include <linux/types.h>

/*
 * 1 to @size - 1 bytes of printable UTF-8 without '/', not "." or "..", ended by
 * a NUL and zeroes up to @size.
 */
bool vexfs_name_valid(const char *name, size_t size);

#endif
