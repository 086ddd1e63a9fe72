// SPDX-License-Identifier: GPL-2.0
/* Where the tracepoints of this layer are defined: below every file that has one. */
#define CREATE_TRACE_POINTS
#include "mem/pool_trace.h"
