# SPDX-License-Identifier: GPL-2.0
#
# The control plane for programs: generic netlink with libnl-3. Asked for when
# compiling: before that it may not be installed yet.

WIRE_OBJS := build/obj/control/wire.o
WIRE_CFLAGS = $(shell pkg-config --cflags libnl-genl-3.0) -Iuserspace/control
WIRE_LIBS = $(shell pkg-config --libs libnl-genl-3.0)
$(WIRE_OBJS): CFLAGS_USER += $(WIRE_CFLAGS)
