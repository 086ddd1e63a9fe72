# SPDX-License-Identifier: GPL-2.0
#
# vexctl: verbs in files by subject, found by wildcard.

VEXCTL_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/vexctl/*.c)))

# libnl-3 for the control plane, libkmod for the module. Asked for when compiling:
# before that they may not be installed yet.
VEXCTL_RULES := userspace/monitoring/prometheus/vexfs-performance-alerts.yml.in
VEXCTL_CFLAGS = $(WIRE_CFLAGS) $(EXPOSITION_CFLAGS) $(REMOTE_CFLAGS) $(shell pkg-config --cflags libkmod) \
	-DVEXCTL_RULES=\"$(VEXCTL_RULES)\"
VEXCTL_LIBS = $(WIRE_LIBS) $(REMOTE_LIBS) $(JSONIN_LIBS) $(shell pkg-config --libs libkmod)
$(VEXCTL_OBJS): CFLAGS_USER += $(VEXCTL_CFLAGS)
build/obj/vexctl/monitoring.o: $(VEXCTL_RULES)
build/obj/vexctl/store.o: U_CFLAGS += -Iuserspace/store

build/bin/vexctl: $(VEXCTL_OBJS) $(WIRE_OBJS) $(EXPOSITION_OBJS) $(REMOTE_OBJS) $(JSONIN_OBJS) $(COMMON_OBJS) $(STORE_OBJS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $(VEXCTL_OBJS) $(WIRE_OBJS) $(EXPOSITION_OBJS) $(REMOTE_OBJS) $(JSONIN_OBJS) $(COMMON_OBJS) $(STORE_OBJS) $(U_LIBS) \
		$(VEXCTL_LIBS) -lm -lpthread

PROGRAMS += build/bin/vexctl
HEADERS += kmod/include/uapi/linux/vexfs_netlink.h
