# SPDX-License-Identifier: GPL-2.0
#
# What series over time say: periods, change points, trends, correlation.

ANALYSIS_OBJS := $(patsubst %,build/obj/analysis/%.o,bins change period policy trend)
ANALYSIS_INC := -Iuserspace/analysis -Iuserspace/libvexstat
$(ANALYSIS_OBJS) build/obj/analysis/analysis_test.o: CFLAGS_USER += -O3 $(ANALYSIS_INC)

build/tests/analysis-test: build/obj/analysis/analysis_test.o $(ANALYSIS_OBJS) \
		build/lib/libvexstat.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm

UNIT_TESTS += build/tests/analysis-test
