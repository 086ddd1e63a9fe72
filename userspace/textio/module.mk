# SPDX-License-Identifier: GPL-2.0
#
# How userspace is compiled: every userspace/*/module.mk uses these rules and
# variables. Objects go to build/obj, those with sanitizers to build/san.

HOSTCC_USER ?= $(CC)
HOSTCXX_USER ?= $(CXX)
U_WARN := -Wall -Wextra -Wshadow -Wno-missing-field-initializers
U_INC := -Ikmod/include/uapi -Iuserspace/textio -Iuserspace/libvexfs
U_DEFS := -D_GNU_SOURCE -DVEXFS_VERSION=\"$(shell cat VERSION)\"
U_CFLAGS := -std=gnu11 -O2 -g -fdebug-prefix-map=$(CURDIR)=. $(U_WARN) -fPIC -MMD -MP $(U_INC) $(U_DEFS) $(U_EXTRA)
U_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# A line a file, as the kernel does it; V=1 shows the commands, -s nothing.
ifeq ($(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS)))),)
  ifneq ($(V),1)
    MAKEFLAGS += --silent
    said = ; printf '  %-7s %s\n' $(if $(filter %.o,$@),CC,MAKE) $@
  endif
endif
begin = @mkdir -p $(@D)$(said)

# What compiling takes, on a machine that has nothing yet. Order only: it is
# looked at once in a tree, and no object is older for it.
build/packages: userspace/textio/module.mk
	@mkdir -p $(@D)
	@scripts/need gcc:gcc ld:binutils pkg-config:pkg-config /usr/include/stdio.h:libc6-dev \
		/usr/include/libnl3/netlink/genl/genl.h:libnl-genl-3-dev \
		/usr/include/libkmod.h:libkmod-dev /usr/include/jansson.h:libjansson-dev
	@touch $@

build/obj/%.o: userspace/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(CFLAGS_USER) -c -o $@ $<

build/san/%.o: userspace/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -O1 $(U_SAN) -c -o $@ $<

COMMON_OBJS := $(patsubst %,build/obj/textio/%.o,cmdline escape ini json nearest outfile parse)

-include $(shell find build/obj build/san build/libfuse -name '*.d' 2>/dev/null)
