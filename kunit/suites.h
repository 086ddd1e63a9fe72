/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of vexfs_kunit.ko share. Helpers belong here only when a
 * second suite needs them.
 */
#ifndef _VEXFS_SUITES_H
#define _VEXFS_SUITES_H

#include <linux/types.h>

/* Parameter quick=1 or 2: thin out what is slow under emulation; no case goes away. */
extern unsigned int vexfs_kunit_quick;

#endif
