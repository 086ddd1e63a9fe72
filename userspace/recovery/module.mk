# SPDX-License-Identifier: GPL-2.0
#
# vexfs-performance-recovery: five journalled steps of vexctl.

RECOVERY_OBJS := build/obj/recovery/journal.o build/obj/recovery/main.o
$(RECOVERY_OBJS): CFLAGS_USER += $(ALERT_CFLAGS) $(CONFIG_INC) $(JSONIN_INC)

build/bin/vexfs-performance-recovery: $(RECOVERY_OBJS) $(ALERT_OBJS) build/obj/remote/http.o \
		$(CONFIG_OBJS) $(JSONIN_OBJS) $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ $(REMOTE_LIBS) $(JSONIN_LIBS) -lm

PROGRAMS += build/bin/vexfs-performance-recovery
