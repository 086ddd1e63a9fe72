# SPDX-License-Identifier: GPL-2.0
#
# libvexstat: statistics for vexstress and for whoever compares results.

STAT_OBJS := build/obj/libvexstat/clock.o build/obj/libvexstat/hist.o build/obj/libvexstat/vexstat.o build/obj/libvexstat/calibrate.o
build/obj/libvexstat/vexstat.o build/obj/libvexstat/calibrate.o: CFLAGS_USER += -O3
STAT_SAN_OBJS := $(STAT_OBJS:build/obj/%=build/san/%)

build/lib/libvexstat.a: $(STAT_OBJS)
	$(begin)
	rm -f $@
	$(AR) rcs $@ $(STAT_OBJS)

build/tests/stat-test: build/obj/libvexstat/stat_test.o build/lib/libvexstat.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm

UNIT_TESTS += build/tests/stat-test
