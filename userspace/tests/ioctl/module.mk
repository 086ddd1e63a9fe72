# SPDX-License-Identifier: GPL-2.0
#
# Tests that talk to /dev/vexfs themselves; scripts/test.d runs them in the labs.

LAB_TESTS := build/lab-bin/ioctl_test build/lab-bin/vexfs-storm build/lab-bin/vexfs-memcg

build/lab-bin/ioctl_test: $(patsubst userspace/%.c,build/obj/%.o, \
	userspace/tests/ioctl/ioctl_test.c $(wildcard userspace/tests/ioctl/test_*.c))
build/lab-bin/vexfs-storm: build/obj/tests/ioctl/storm.o
build/lab-bin/vexfs-memcg: build/obj/tests/ioctl/memcg.o
$(LAB_TESTS):
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm -lpthread

# The same as a program of 32 bits, for the kernel's compat path; a test builds it
# where the compiler can (gcc -m32 with libc6-dev-i386). The kernel's headers are those of
# both, but stand where only the 64-bit compiler looks.
build/lab-bin/ioctl_test32: userspace/tests/ioctl/ioctl_test.c $(wildcard userspace/tests/ioctl/test_*.c) \
		userspace/tests/ioctl/test.h userspace/tests/ioctl/raw.h userspace/tests/tap.h \
		kmod/include/uapi/linux/vexfs.h
	$(begin)
	$(HOSTCC_USER) -m32 -static -std=gnu11 -O2 $(U_WARN) -D_FILE_OFFSET_BITS=64 $(U_INC) \
		-isystem /usr/include/$$($(HOSTCC_USER) -print-multiarch) \
		$(U_DEFS) -Iuserspace -o $@ $(filter %.c,$^) -lm -lpthread

build/obj/tests/ioctl/%.o: userspace/tests/ioctl/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -Iuserspace -c -o $@ $<

TEST_PROGRAMS += $(LAB_TESTS)
