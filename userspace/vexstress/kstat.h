/* SPDX-License-Identifier: GPL-2.0 */
/* Counters and parameters of the loaded module. */
#ifndef VEXSTRESS_KSTAT_H
#define VEXSTRESS_KSTAT_H

#include "vexstress.h"

/* A counter of a subject, summed over its instances; -1 when there is none. */
int vx_counter(const char *subject, const char *counter, uint64_t *since_load);

/* Module parameters; -1 with errno. */
int vx_param_get(const char *name, char *buf, size_t size);
int vx_param_set(const char *name, const char *value);
void vx_param_chosen(char *value);

#endif
