# SPDX-License-Identifier: GPL-2.0
#
# The store of durable collections: a static part of vexfsd, vexctl and their tests.

STORE_SRCS := $(sort $(wildcard userspace/store/*.c))
STORE_OBJS := $(STORE_SRCS:userspace/%.c=build/obj/%.o)
STORE_SAN_OBJS := $(STORE_OBJS:build/obj/%=build/san/%)
