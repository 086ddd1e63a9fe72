// SPDX-License-Identifier: GPL-2.0
/*
 * The chain by which this layer tells those above it what happens; see notify.h.
 */
#include "mem/notify.h"

ATOMIC_NOTIFIER_HEAD(vexfs_mem_chain);
