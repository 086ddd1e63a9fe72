/* SPDX-License-Identifier: GPL-2.0 */
/* "Did you mean": the known name nearest to a misspelt one. */
#ifndef VEXFS_COMMON_NEAREST_H
#define VEXFS_COMMON_NEAREST_H

#include <stddef.h>

/* NULL if no name is near. */
const char *nearest_name(const char *name, const char *const *names, size_t n);

#endif
