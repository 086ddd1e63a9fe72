/* SPDX-License-Identifier: GPL-2.0 */
/* What prevents unloading of the module. */
#ifndef VEXCTL_HOLDERS_H
#define VEXCTL_HOLDERS_H

#include <stddef.h>
#include <stdint.h>

#include "vexfs.h"

/*
 * Other programs that have the device open or mapped, as far as this user may see: how many,
 * and "name (pid), ..." as far as there is room. Names are as the programs chose them.
 */
unsigned int holders(const char *device, char *text, size_t size);

/* Collections that are lost when the module is unloaded. 0 or -errno. */
int volatile_collections(const char *device, uint64_t *n, struct vexfs_error *err);

#endif
