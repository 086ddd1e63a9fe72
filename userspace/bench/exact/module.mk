# SPDX-License-Identifier: GPL-2.0
#
# Exact search beside FAISS and USearch, one thread, in one run of the uml lab.

BENCH_EXACT := build/bench/exact

$(BENCH_EXACT)/bandwidth: userspace/bench/exact/bandwidth.c
	$(begin)
	$(CC) -O3 -march=native -Wall -Wextra -o $@ $<

# The peers get what they are fastest with: their own SIMD, this machine's.
$(BENCH_EXACT)/exact: userspace/bench/exact/exact.cc build/lib/libvexfs.a $(COMMON_OBJS)
	$(begin)
	@scripts/need g++:g++ /usr/include/faiss/IndexFlat.h:libfaiss-dev \
		/usr/include/x86_64-linux-gnu/openblas_config.h:libopenblas-dev
	u=$$(scripts/fetch-data usearch) && $(CXX) -std=c++17 -O3 -march=native -fopenmp -Wno-uninitialized -Wno-cpp \
		-Ikmod/include/uapi -Iuserspace/libvexfs -Iuserspace/textio \
		-isystem $$u/include -isystem $$u/simsimd/include -isystem $$u/fp16/include \
		-DUSEARCH_USE_SIMSIMD=1 -DUSEARCH_USE_FP16LIB=1 -DUSEARCH_USE_OPENMP=0 \
		-o $@ $< $(COMMON_OBJS) build/lib/libvexfs.a -lfaiss -lopenblas -lm

.PHONY: bench-exact
bench-exact: $(BENCH_EXACT)/exact $(BENCH_EXACT)/bandwidth ## exact search beside FAISS and USearch: a table, build/bench/exact.json
	@scripts/bench-exact
