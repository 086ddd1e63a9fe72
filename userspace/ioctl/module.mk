# SPDX-License-Identifier: GPL-2.0
#
# Tests that talk to /dev/vexfs themselves; scripts/test.d runs them in the labs.

LAB_TESTS := build/lab-bin/ioctl_test build/lab-bin/vexfs-storm

build/lab-bin/ioctl_test: $(patsubst userspace/%.c,build/obj/%.o, \
	userspace/ioctl/ioctl_test.c $(wildcard userspace/ioctl/test_*.c))
build/lab-bin/vexfs-storm: build/obj/ioctl/storm.o
$(LAB_TESTS):
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm -lpthread

build/obj/ioctl/%.o: userspace/ioctl/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -Iuserspace -c -o $@ $<

TEST_PROGRAMS += $(LAB_TESTS)
