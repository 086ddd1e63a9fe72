# SPDX-License-Identifier: GPL-2.0
#
# vexfs-profile reads what the tools of scripts/profiling wrote. It is for a clone of the
# sources and is not installed.

PROFILE_NAMES := main perf perfdata symbols
PROFILE_OBJS := $(PROFILE_NAMES:%=build/obj/profile/%.o)

build/bin/vexfs-profile: $(PROFILE_OBJS) $(COMMON_OBJS) build/lib/libvexsvg.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -lm

TEST_PROGRAMS += build/bin/vexfs-profile
