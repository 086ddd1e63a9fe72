// SPDX-License-Identifier: GPL-2.0
/*
 * Starts and stops the arithmetic. No distance is computed here.
 */
#include "math/clock.h"
#include "math/variant.h"
#include "math/fpu.h"
#include "math/math.h"
#include "math/proof.h"

int vexfs_math_init(void)
{
	int err;

	vexfs_clock_init();
	vexfs_variants_init();
	err = vexfs_math_selftest(NULL, NULL);
	if (err)
		return err;
	err = vexfs_math_calibrate();
	if (err)
		return err;
	vexfs_variants_start();
	return 0;
}

int vexfs_math_restart(void)
{
	int err = vexfs_math_selftest(NULL, NULL);

	if (!err)
		vexfs_variants_start();
	return err;
}

void vexfs_math_exit(void)
{
}
