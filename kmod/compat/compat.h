/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows that kernels differ. A difference is found by a
 * compile probe (probes.txt) and bridged here, so that the other rooms are
 * written for the newest kernel and for no version in particular.
 */
#ifndef _VEXFS_COMPAT_H
#define _VEXFS_COMPAT_H

#include "features.h"

#endif
