# SPDX-License-Identifier: GPL-2.0
#
# Exact search beside FAISS and USearch, one thread, in one run of the uml lab.

BENCH_EXACT := build/bench/exact
BENCH_EXACT_OBJS := $(patsubst %,build/obj/bench/exact/%.o,exact turns collection search types insert)

$(BENCH_EXACT)/bandwidth: userspace/bench/exact/bandwidth.c
	$(begin)
	$(CC) -O3 -march=native -Wall -Wextra -o $@ $<

$(BENCH_EXACT)/exact: $(BENCH_EXACT_OBJS) $(BENCH_ROWS) build/lib/libvexfs.a $(COMMON_OBJS)
	$(begin)
	@scripts/need /usr/include/x86_64-linux-gnu/openblas_config.h:libopenblas-dev
	$(CXX) -o $@ $^ -fopenmp -lopenblas -ldl -lm

.PHONY: bench-exact
bench-exact: $(BENCH_EXACT)/exact $(BENCH_EXACT)/bandwidth bench-libraries ## exact search beside FAISS and USearch: a table, build/bench/exact.json; PARTS="search types insert", SMOKE=1: small, shows that all runs
	@scripts/bench-exact
