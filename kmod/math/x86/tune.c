// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of processors by name; see math/prefetch.c for what it is good for.
 */
#include "x86.h"

/*
 * AMD's family 1ah, Zen 5: its first level has 48 KiB, and a scan of rows in memory
 * reaches 1.3 to 1.6 times what it does when it prefetches near. Zen 4 wants near.
 */
void vexfs_x86_tune(bool amd, u32 family)
{
	vexfs_scan_far = amd && family >= 0x1a;
}
