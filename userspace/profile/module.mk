# SPDX-License-Identifier: GPL-2.0
#
# vexfs-profile reads what the tools of scripts/profiling wrote. It is for a clone of the
# sources and is not installed.

PROFILE_NAMES := judge main parts perf perfdata report symbols write
PROFILE_OBJS := $(PROFILE_NAMES:%=build/obj/profile/%.o)

$(PROFILE_OBJS): CFLAGS_USER += -Iuserspace/libvexstat $(JSONIN_INC)
# History needs SQLite; without it reports are not kept, and say so.
ifneq ($(wildcard /usr/include/sqlite3.h),)
$(PROFILE_OBJS): CFLAGS_USER += -DHAVE_HISTORY -Iuserspace/history
PROFILE_HISTORY := $(HISTORY_OBJS)
PROFILE_LIBS := -lsqlite3
endif

build/bin/vexfs-profile: $(PROFILE_OBJS) $(JSONIN_OBJS) $(PROFILE_HISTORY) $(COMMON_OBJS) \
		build/lib/libvexsvg.a build/lib/libvexstat.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^ $(PROFILE_LIBS) -ljansson -lm

TEST_PROGRAMS += build/bin/vexfs-profile
