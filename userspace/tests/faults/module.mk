# SPDX-License-Identifier: GPL-2.0
#
# Every allocation fails once: a program for the debug lab.

FAULT_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/tests/faults/*.c)))

build/lab-bin/vexfs-faults: $(FAULT_OBJS)
	@mkdir -p $(@D)
	$(HOSTCC_USER) -o $@ $^ -lm -lpthread

$(FAULT_OBJS): U_CFLAGS += -Iuserspace
TEST_PROGRAMS += build/lab-bin/vexfs-faults
