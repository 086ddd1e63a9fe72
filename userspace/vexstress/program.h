/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VEXSTRESS_PROGRAM_H
#define VEXSTRESS_PROGRAM_H

#include <stddef.h>

/* Another program of vexfs: the one that was built with this one, or that of the PATH. */
void vx_program(const char *name, char *path, size_t size);

#endif
