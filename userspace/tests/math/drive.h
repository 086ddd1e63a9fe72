/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs the arithmetic of the module in userspace: finds out what the processor
 * has, imports vectors, and settles the keys that a form leaves open. It cuts
 * nothing into sections; that is the kernel's business.
 */
#ifndef VEXFS_DRIVE_H
#define VEXFS_DRIVE_H

#include "math/arch.h"
#include "math/ops.h"

/* Bits of enum vexfs_cpu. */
u32 drive_cpu(void);

extern const struct vexfs_math_variant *const drive_variants[];
extern const unsigned int drive_nr_variants;

const char *drive_type_name(u32 type);
const char *drive_metric_name(u32 metric);

/* One row at once; 0 or -EDOM. */
int drive_import(const struct vexfs_math_conv *conv, const struct vexfs_space *sp, void *row,
		 u32 *aux, const void *src, bool raw);
/* The same in the smallest parts there are. */
int drive_import_parts(const struct vexfs_math_conv *conv, const struct vexfs_space *sp,
		       void *row, u32 *aux, const void *src, bool raw);

/* Keys of @n rows by pointer through @scan or gather, none of them open. */
void drive_gather(const struct vexfs_math_ops *form, const struct vexfs_space *sp,
		  const void *q, u32 q_aux, const void *const *rows, const u32 *aux, u32 n,
		  u32 *keys);
void drive_scan(const struct vexfs_math_ops *form, const struct vexfs_space *sp,
		const void *q, u32 q_aux, const void *rows, const u32 *aux, u32 n, u32 *keys);
/* One row in parts of @step bytes. */
u32 drive_parts(const struct vexfs_math_ops *form, const struct vexfs_space *sp,
		const void *q, u32 q_aux, const void *row, u32 aux, u32 step);

#endif
