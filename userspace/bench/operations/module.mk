# SPDX-License-Identifier: GPL-2.0
#
# bench-operations: what the daemon and the verbs of "vexctl performance" cost.
# bench-exporter: what scrapes cost.

ifneq ($(HAVE_SQLITE),)
build/obj/bench/operations/year.o: CFLAGS_USER += $(HISTORY_INC) $(METRICS_INC) $(WIRE_CFLAGS) $(ANALYSIS_INC)

build/bench/year: build/obj/bench/operations/year.o $(HISTORY_OBJS) $(METRICS_OBJS) $(WIRE_OBJS) \
		$(COMMON_OBJS) build/lib/libvexstat.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^ $(HISTORY_LIBS) $(WIRE_LIBS) -lm

build/obj/bench/operations/turns.o: CFLAGS_USER += $(CONFIG_INC) $(HISTORY_INC) $(METRICS_INC) $(WIRE_CFLAGS) -Iuserspace/monitord

build/bench/turns: build/obj/bench/operations/turns.o $(filter-out %/main.o,$(MONITORD_OBJS)) \
		$(CONFIG_OBJS) $(HISTORY_OBJS) $(METRICS_OBJS) $(WIRE_OBJS) $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ $(HISTORY_LIBS) $(WIRE_LIBS) -lm

.PHONY: bench-operations
bench-operations: tools build/bench/year build/bench/turns ## what monitord, history, trend-analysis, report and diagnose cost; build/bench/operations.json
	@userspace/bench/operations/bench-operations
endif

build/bench/collections: build/obj/bench/operations/collections.o $(COMMON_OBJS) build/lib/libvexfs.a
	$(begin)
	$(HOSTCC_USER) -o $@ $^

.PHONY: bench-exporter
bench-exporter: tools build/bench/collections ## what a scrape costs, and vexstress beside scrapes; build/bench/exporter.json
	@userspace/bench/operations/bench-exporter
