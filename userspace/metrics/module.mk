# SPDX-License-Identifier: GPL-2.0
#
# Metrics of module and machine that operators look at first.

METRICS_OBJS := build/obj/metrics/host.o build/obj/metrics/metrics.o
METRICS_INC := -Iuserspace/metrics
$(METRICS_OBJS): CFLAGS_USER += $(METRICS_INC) $(WIRE_CFLAGS)
