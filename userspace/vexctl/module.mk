# SPDX-License-Identifier: GPL-2.0
#
# vexctl: verbs in files by subject, found by wildcard.

VEXCTL_SRCS := $(sort $(wildcard userspace/vexctl/*.c userspace/vexctl/perf/*.c))
ifneq ($(HAVE_SQLITE),)
VEXCTL_DEFS := -DHAVE_SQLITE
else
# Verbs that look back need the history.
VEXCTL_SRCS := $(filter-out $(addprefix userspace/vexctl/perf/,back.c forecast.c page_past.c past.c report.c results.c),$(VEXCTL_SRCS))
endif
VEXCTL_OBJS := $(VEXCTL_SRCS:userspace/%.c=build/obj/%.o)

# libnl-3 for the control plane, libkmod for the module. Asked for when compiling:
# before that they may not be installed yet.
VEXCTL_RULES := userspace/monitoring/prometheus/vexfs-performance-alerts.yml.in
VEXCTL_CFLAGS = $(VEXCTL_DEFS) -Iuserspace/vexctl $(CONFIG_INC) $(HISTORY_INC) $(METRICS_INC) $(ANALYSIS_INC) \
	$(JSONIN_INC) -Iuserspace/svg $(WIRE_CFLAGS) $(EXPOSITION_CFLAGS) $(REMOTE_CFLAGS) \
	$(shell pkg-config --cflags libkmod) -DVEXCTL_RULES=\"$(VEXCTL_RULES)\"
VEXCTL_LIBS = $(WIRE_LIBS) $(REMOTE_LIBS) $(JSONIN_LIBS) $(shell pkg-config --libs libkmod)
$(VEXCTL_OBJS): CFLAGS_USER += $(VEXCTL_CFLAGS)
build/obj/vexctl/monitoring.o: $(VEXCTL_RULES)
build/obj/vexctl/store.o build/obj/vexctl/dump.o: U_CFLAGS += -Iuserspace/store

VEXCTL_PARTS := $(WIRE_OBJS) $(EXPOSITION_OBJS) $(REMOTE_OBJS) $(METRICS_OBJS) $(ANALYSIS_OBJS) \
	$(CONFIG_OBJS) $(HISTORY_OBJS) $(JSONIN_OBJS) $(COMMON_OBJS) build/lib/libvexstat.a \
	$(STORE_OBJS) build/lib/libvexsvg.a

build/bin/vexctl: $(VEXCTL_OBJS) $(VEXCTL_PARTS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -o $@ $(VEXCTL_OBJS) $(VEXCTL_PARTS) $(U_LIBS) $(VEXCTL_LIBS) $(HISTORY_LIBS) \
		-lm -lpthread

PROGRAMS += build/bin/vexctl
HEADERS += kmod/include/uapi/linux/vexfs_netlink.h
