# SPDX-License-Identifier: GPL-2.0
#
# Tests of the store: power cuts, failing disks, damaged files. They run anywhere, on a
# disk in memory. powercut without sanitizers, for it is about numbers.

STORE_TEST := userspace/tests/store
STORE_TEST_INC := -Iuserspace/store -Iuserspace/tests
STORE_MODEL := memdisk model

$(patsubst %,build/obj/tests/store/%.o,$(STORE_MODEL) powercut): U_CFLAGS += $(STORE_TEST_INC)
$(patsubst %,build/san/tests/store/%.o,$(STORE_MODEL) powercut faults format): U_CFLAGS += $(STORE_TEST_INC)

build/test-bin/store-powercut: $(patsubst %,build/obj/tests/store/%.o,powercut $(STORE_MODEL)) $(STORE_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lpthread
