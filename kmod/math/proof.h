/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The self-test of the variants at load, the calibration after it, and the debugfs files that
 * repeat them. For this directory and for debugfs.
 */
#ifndef _VEXFS_MATH_PROOF_H
#define _VEXFS_MATH_PROOF_H

struct seq_file;

struct vexfs_math_variant;

/* Called for each variant except the scalar one, after @cases comparisons. */
typedef void (*vexfs_selftest_report)(const struct vexfs_math_variant *e, unsigned int cases,
				      void *arg);

/*
 * Compare every usable variant with the scalar one; a variant that differs is
 * disabled. @report may be NULL. Process context. -ENOMEM when there is no memory
 * to do it in.
 */
int vexfs_math_selftest(vexfs_selftest_report report, void *arg);

/* Measure what the work of every usable variant costs, so that sections fit. */
int vexfs_math_calibrate(void);

/* The file vexfs/simd/variants: what there is, what is in use, what cannot be. */
void vexfs_math_show_variants(struct seq_file *m);

/* The files vexfs/simd/selftest and vexfs/simd/bench: run again when read. */
void vexfs_math_show_selftest(struct seq_file *m);
void vexfs_math_show_bench(struct seq_file *m);

#endif
