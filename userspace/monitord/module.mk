# SPDX-License-Identifier: GPL-2.0
#
# vexfs-monitord: samples into the history. Left out where SQLite is missing.

ifneq ($(HAVE_SQLITE),)
MONITORD_OBJS := $(patsubst %,build/obj/monitord/%.o,judge log main push sample sinks telemetry watch)
$(MONITORD_OBJS): CFLAGS_USER += $(CONFIG_INC) $(HISTORY_INC) $(METRICS_INC) $(WIRE_CFLAGS) -Iuserspace/alert

build/bin/vexfs-monitord: $(MONITORD_OBJS) $(CONFIG_OBJS) $(HISTORY_OBJS) $(METRICS_OBJS) \
		$(WIRE_OBJS) $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ $(HISTORY_LIBS) $(WIRE_LIBS) -lm

PROGRAMS += build/bin/vexfs-monitord
else
tools: no-monitord
.PHONY: no-monitord
no-monitord:
	@echo "vexfs-monitord and the history were left out: SQLite is missing (libsqlite3-dev)."
endif
