# SPDX-License-Identifier: GPL-2.0
#
# Tests of the store: power cuts, failing disks, damaged files. They run anywhere, on a
# disk in memory. powercut without sanitizers, for it is about numbers.

STORE_TEST := userspace/tests/store
STORE_TEST_INC := -Iuserspace/store -Iuserspace/tests
STORE_MODEL := memdisk model

$(patsubst %,build/obj/tests/store/%.o,$(STORE_MODEL) powercut): U_CFLAGS += $(STORE_TEST_INC)
$(patsubst %,build/san/tests/store/%.o,$(STORE_MODEL) powercut faults format dump): U_CFLAGS += $(STORE_TEST_INC)

build/test-bin/store-powercut: $(patsubst %,build/obj/tests/store/%.o,powercut $(STORE_MODEL)) $(STORE_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lpthread

build/test-bin/store-faults build/test-bin/store-format: build/test-bin/store-%: $(patsubst %,build/san/tests/store/%.o,$(STORE_MODEL)) \
		build/san/tests/store/%.o $(STORE_SAN_OBJS)
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ -lpthread

build/test-bin/store-dump: build/san/tests/store/dump.o $(STORE_SAN_OBJS)
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ -lpthread

FUZZ_CC ?= clang
build/fuzz/store: $(STORE_TEST)/fuzz.c $(STORE_TEST)/memdisk.c $(STORE_SRCS) $(wildcard userspace/store/*.h)
	$(begin)
	$(FUZZ_CC) -std=gnu11 -O1 -g $(U_INC) $(U_DEFS) $(STORE_TEST_INC) -fsanitize=fuzzer,address,undefined \
		-o $@ $(filter %.c,$^) -lpthread

STORE_TESTS := build/test-bin/store-powercut build/test-bin/store-faults build/test-bin/store-format \
	build/test-bin/store-dump
.PHONY: store-tests
store-tests: $(STORE_TESTS)
