# SPDX-License-Identifier: GPL-2.0
#
# Change streams, storage and durability by the raw ioctls; scripts/test.d runs it in a lab.

STREAM_TEST := build/lab-bin/stream_test

$(STREAM_TEST): $(patsubst userspace/%.c,build/obj/%.o,$(wildcard userspace/tests/stream/*.c))
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lpthread

build/obj/tests/stream/%.o: userspace/tests/stream/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -Iuserspace -c -o $@ $<

TEST_PROGRAMS += $(STREAM_TEST)
