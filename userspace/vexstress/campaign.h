/* SPDX-License-Identifier: GPL-2.0 */
/* Series of runs; see campaign.c. */
#ifndef VEXSTRESS_CAMPAIGN_H
#define VEXSTRESS_CAMPAIGN_H

#include "kstat.h"

/* Runs jobs group by group and adds them to the result; returns an enum vx_exit. */
int vx_run_jobs(json_t *result, struct vx_job *jobs, size_t n, bool print);

/*
 * noise --calibrate: needs no module. Writes the table to standard output (or JSON), JSON
 * to --output, the curves as SVG to --report.
 */
int vx_cmd_calibrate(void);
int vx_cmd_noise(int argc, char **argv, struct vx_job *jobs, size_t n);
int vx_cmd_ablate(int argc, char **argv, struct vx_job *jobs, size_t n);
int vx_cmd_sweep(int argc, char **argv, const char *what, struct vx_job *jobs, size_t n);
int vx_cmd_interleave(int argc, char **argv, const char *a, const char *b, struct vx_job *jobs,
		      size_t n);

#endif
