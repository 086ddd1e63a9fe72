/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processor's counters of other processes, by perf_event_open(). A machine without them
 * still has the kernel's own: processor time, faults, switches.
 */
#ifndef VEXSTRESS_COUNTERS_H
#define VEXSTRESS_COUNTERS_H

#include <jansson.h>
#include <sys/types.h>

struct counters;

/* Of processes and threads that run, from now on. NULL without memory. */
struct counters *counters_attach(const pid_t *ids, size_t n);
/* Of the next program that a child of ours becomes, and of all that it begins. */
struct counters *counters_next_program(void);
/*
 * Stops counting, frees, and gives {counters: {name: value or null}, derived: {...},
 * missing: sentence or null}. With @ops of 0 nothing is said per op.
 */
json_t *counters_read(struct counters *c, double ops);
void counters_print(FILE *f, const json_t *read);

#endif
