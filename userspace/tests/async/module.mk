# SPDX-License-Identifier: GPL-2.0
#
# Asynchronous ops by the raw ioctls; scripts/test.d runs them in the labs.

ASYNC_TEST := build/lab-bin/async_test

$(ASYNC_TEST): $(patsubst userspace/%.c,build/obj/%.o,$(wildcard userspace/tests/async/*.c))
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lpthread

build/obj/tests/async/%.o: userspace/tests/async/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -Iuserspace -c -o $@ $<

TEST_PROGRAMS += $(ASYNC_TEST)
