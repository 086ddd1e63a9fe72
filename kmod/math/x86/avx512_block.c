// SPDX-License-Identifier: GPL-2.0
/*
 * Block of floats with AVX-512: each loaded component is used 16 times. It decides
 * which pairs to look at, never what their keys are.
 */
#include "avx512_fvec.h"
#include "x86.h"
#include "avx_block.h"

_Static_assert(BLOCK_G == VEXFS_AVX512_BLOCK, "the table says so");

BLOCK_FORMS(vexfs_avx512)
