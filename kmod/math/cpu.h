/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the processor can do and the system lets it do. Found once; boot
 * parameters that take a feature away count.
 */
#ifndef _VEXFS_MATH_CPU_H
#define _VEXFS_MATH_CPU_H

#include <linux/types.h>

/* Bits of enum vexfs_cpu that may be used. */
u32 vexfs_cpu_features(void);

/**
 * vexfs_cpu_lacks - say why an instruction set cannot be used
 * @needs: bits of enum vexfs_cpu
 *
 * Returns NULL when it can, else a phrase for the log: what is missing, and
 * whether it is the processor's or the system's doing.
 */
const char *vexfs_cpu_lacks(u32 needs);

/*
 * Does the kernel advise against an instruction set, though it works? Registers of 512
 * bits make some processors slower in all that they do.
 */
bool vexfs_cpu_avoids(u32 needs);

/* Tells the variants which processor this is. */
void vexfs_cpu_tune(void);

#endif
