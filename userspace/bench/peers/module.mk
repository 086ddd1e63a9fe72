# SPDX-License-Identifier: GPL-2.0
#
# The graph beside hnswlib, FAISS and USearch in one run of the uml lab, and beside
# databases on the host.

BENCH_PEERS := build/bench/peers
BENCH_ASK := build/obj/bench/peers/ask.o $(BENCH_ROWS)

build/obj/bench/%.o: userspace/bench/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -Iuserspace/bench/report $(CFLAGS_USER) -c -o $@ $<

$(BENCH_PEERS)/library: build/obj/bench/peers/library.o $(BENCH_ASK) $(COMMON_OBJS)
	$(begin)
	$(CXX) -o $@ $^ -ldl -lm

build/obj/bench/peers/plots.o: CFLAGS_USER += -Iuserspace/svg

# Arithmetic that finds true neighbours by comparing all with all.
build/obj/bench/peers/plots.o: CFLAGS_USER += -Iuserspace/svg

build/obj/bench/peers/dataset.o: CFLAGS_USER += -O3 -march=native -ffast-math

$(BENCH_PEERS)/dataset: build/obj/bench/peers/dataset.o $(BENCH_ASK) $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $^ -lm

$(BENCH_PEERS)/ours: $(patsubst %,build/obj/bench/peers/%.o,ours ours_change ours_measure) $(BENCH_ASK) \
		$(COMMON_OBJS) build/lib/libvexfs.a
	$(begin)
	$(HOSTCC_USER) -pthread -o $@ $^ -lm

$(BENCH_PEERS)/report: $(patsubst %,build/obj/bench/peers/%.o,report runs plots) $(BENCH_ASK) \
		$(SVG_OBJS) $(COMMON_OBJS)
	$(begin)
	$(HOSTCC_USER) -o $@ $^ -ljansson -lm

.PHONY: bench-peers
bench-peers: $(addprefix $(BENCH_PEERS)/,library dataset ours report) bench-libraries build/bin/vexctl ## the graph beside hnswlib, FAISS, USearch: a table, build/bench/peers.json, plots; SETS="glove100k wide ...", FRESH=1, KEEP=1, SMOKE=1
	@scripts/bench-peers $(SETS)
