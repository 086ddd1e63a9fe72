// SPDX-License-Identifier: GPL-2.0
/*
 * The front door of the arithmetic: brings the room up and down. No distance is
 * computed here.
 */
#include "math/fpu.h"
#include "math/math.h"

int vexfs_math_init(void)
{
	return vexfs_fpu_init();
}

void vexfs_math_exit(void)
{
}
