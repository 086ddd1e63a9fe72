# SPDX-License-Identifier: GPL-2.0
#
# What series over time say: periods, change points, trends, correlation.

ANALYSIS_OBJS := $(patsubst %,build/obj/analysis/%.o,bins change period trend)
ANALYSIS_INC := -Iuserspace/analysis -Iuserspace/$(if $(wildcard userspace/libvexstat),libvexstat,stat)
$(ANALYSIS_OBJS): CFLAGS_USER += -O3 $(ANALYSIS_INC)
