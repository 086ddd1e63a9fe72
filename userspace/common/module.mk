# SPDX-License-Identifier: GPL-2.0
#
# How userspace is compiled: every userspace/*/module.mk uses these rules and
# variables. Objects go to build/obj, those with sanitizers to build/san.

HOSTCC_USER ?= $(CC)
HOSTCXX_USER ?= $(CXX)
U_WARN := -Wall -Wextra -Wshadow -Wno-missing-field-initializers
U_INC := -Ikmod/include/uapi -Iuserspace/common -Iuserspace/lib
U_DEFS := -D_GNU_SOURCE -DVEXFS_VERSION=\"$(shell cat VERSION)\"
U_CFLAGS := -std=gnu11 -O2 -g $(U_WARN) -fPIC -MMD -MP $(U_INC) $(U_DEFS)
U_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

build/obj/%.o: userspace/%.c
	@mkdir -p $(@D)
	$(HOSTCC_USER) $(U_CFLAGS) $(CFLAGS_USER) -c -o $@ $<

build/san/%.o: userspace/%.c
	@mkdir -p $(@D)
	$(HOSTCC_USER) $(U_CFLAGS) -O1 $(U_SAN) -c -o $@ $<

COMMON_OBJS := $(patsubst %,build/obj/common/%.o,ini json nearest)

-include $(shell find build/obj build/san -name '*.d' 2>/dev/null)
