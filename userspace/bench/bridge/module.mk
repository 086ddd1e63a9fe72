# SPDX-License-Identifier: GPL-2.0
#
# The bridge: searches that are answered together, asynchronous ops, priorities.

build/obj/bench/bridge/bridge.o: CFLAGS_USER += -Iuserspace/vexstress -Iuserspace/bench/report

build/bin/bridge-bench: build/obj/bench/bridge/bridge.o build/obj/bench/report/rows.o \
		build/obj/textio/json.o $(filter-out %/main.o,$(STRESS_OBJS)) $(STRESS_LIBS) $(LIBVEXFS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$(STRESS_LIBS)) $(U_LIBS) $(HISTORY_LIBS) -ljansson -lm

.PHONY: bench-bridge
bench-bridge: tools build/bin/bridge-bench ## what the bridge brings and costs: a table, build/bench/bridge.json; PARTS="crowd graph flood ring paced alone", BEFORE=REVISION, SMOKE=1: small, shows that all runs
	@scripts/bench-bridge
