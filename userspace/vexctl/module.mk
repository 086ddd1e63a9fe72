# SPDX-License-Identifier: GPL-2.0
#
# vexctl: verbs in files by subject, found by wildcard.

VEXCTL_OBJS := $(patsubst userspace/%.c,build/obj/%.o,$(sort $(wildcard userspace/vexctl/*.c)))

build/bin/vexctl: $(VEXCTL_OBJS) $(COMMON_OBJS) $(LIBVEXFS)
	@mkdir -p $(@D)
	$(HOSTCC_USER) -o $@ $(VEXCTL_OBJS) $(COMMON_OBJS) $(U_LIBS) -lm

PROGRAMS += build/bin/vexctl
