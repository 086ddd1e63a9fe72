/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Figures and parameters of the loaded module, as its files show them.
 */
#ifndef VEXSTRESS_KSTAT_H
#define VEXSTRESS_KSTAT_H

#include "vexstress.h"

char *vx_kstat_text(const char *file);		/* malloc()ed, or NULL */

/* Sums over all tiers since load; -1 when there is no such file. */
int vx_pools_read(uint64_t *allocs, uint64_t *hits);
int vx_stack_read(const char *figure, uint64_t *since_load);

/* Module parameters; -1 with errno. */
int vx_param_get(const char *name, char *buf, size_t size);
int vx_param_set(const char *name, const char *value);
void vx_param_chosen(char *value);

#endif
