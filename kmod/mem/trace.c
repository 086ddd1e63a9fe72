// SPDX-License-Identifier: GPL-2.0
/* Defines the tracepoints of this layer, below all files that use them. */
#define CREATE_TRACE_POINTS
#include "mem/pool_trace.h"
