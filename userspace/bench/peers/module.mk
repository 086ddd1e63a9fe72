# SPDX-License-Identifier: GPL-2.0
#
# The graph beside hnswlib, FAISS and USearch in one run of the uml lab.

BENCH_PEERS := build/bench/peers

# The peers get what they are fastest with: this machine's own instructions.
$(BENCH_PEERS)/peers: userspace/bench/peers/peers.cc
	$(begin)
	@scripts/need g++:g++ /usr/include/hnswlib/hnswlib.h:libhnswlib-dev \
		/usr/include/faiss/IndexHNSW.h:libfaiss-dev /usr/include/x86_64-linux-gnu/openblas_config.h:libopenblas-dev
	u=$$(scripts/fetch-data usearch) && $(CXX) -std=c++17 -O3 -march=native -fopenmp -w \
		-isystem $$u/include -isystem $$u/simsimd/include -isystem $$u/fp16/include \
		-DUSEARCH_USE_SIMSIMD=1 -DUSEARCH_USE_FP16LIB=1 -DUSEARCH_USE_OPENMP=0 \
		-o $@ $< -lfaiss -lopenblas -lpthread

$(BENCH_PEERS)/dataset: userspace/bench/peers/dataset.c
	$(begin)
	$(CC) -std=gnu11 -O3 -march=native -ffast-math -Wall -Wextra -o $@ $< -lm -lpthread

$(BENCH_PEERS)/ours: userspace/bench/peers/ours.c build/lib/libvexfs.a
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -pthread -o $@ $< build/lib/libvexfs.a -lm

$(BENCH_PEERS)/report: userspace/bench/peers/report.c
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) -o $@ $< -ljansson -lm

.PHONY: bench-peers
bench-peers: $(addprefix $(BENCH_PEERS)/,peers dataset ours report) build/bin/vexctl ## the graph beside hnswlib, FAISS, USearch: a table, build/bench/peers.json, plots; SETS="glove100k wide ...", FRESH=1, KEEP=1
	@scripts/bench-peers $(SETS)
