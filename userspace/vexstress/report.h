/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VEXSTRESS_REPORT_H
#define VEXSTRESS_REPORT_H

#include "vexstress.h"

/* The charts of a result with their headings, as part of an HTML page. */
void vx_report_charts(FILE *f, const json_t *result);

/* A section for each job: figures, density, cumulative distribution. */
void vx_report_benchmarks(FILE *f, const json_t *result);

#endif
