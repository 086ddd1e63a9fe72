# SPDX-License-Identifier: GPL-2.0
#
# The arithmetic beside SimSIMD, plain reads, the peak of FMA, and FAISS.

# Its peers are fetched or installed, never part of the tree.
SIMSIMD_VERSION := 6.5.5
M_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vexfs
SIMSIMD_DIR := $(M_CACHE)/simsimd-$(SIMSIMD_VERSION)

$(SIMSIMD_DIR)/include/simsimd/simsimd.h:
	@scripts/need npm:npm
	@mkdir -p $(SIMSIMD_DIR)
	cd $(M_CACHE) && npm pack --silent simsimd@$(SIMSIMD_VERSION) > /dev/null
	tar -xzf $(M_CACHE)/simsimd-$(SIMSIMD_VERSION).tgz -C $(SIMSIMD_DIR) \
		--strip-components=1 --no-same-owner -m package/include package/LICENSE

build/obj/bench/math/bench_simsimd.o: userspace/bench/math/bench_simsimd.c \
		$(SIMSIMD_DIR)/include/simsimd/simsimd.h
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(M_INC) -O3 -Wno-unused-function \
		-isystem $(SIMSIMD_DIR)/include -c -o $@ $<

# FAISS speaks C++ only; the product does not.
build/obj/bench/math/bench_faiss.o: userspace/bench/math/bench_faiss.cc userspace/bench/math/bench_faiss.h
	$(begin)
	@scripts/need g++:g++ /usr/include/faiss/IndexFlat.h:libfaiss-dev \
		/usr/include/x86_64-linux-gnu/openblas_config.h:libopenblas-dev
	$(CXX) -O2 -Wall -Wextra -fopenmp -c -o $@ $<

build/bench/math-bench: $(patsubst %,build/obj/bench/math/%.o,bench bench_peak bench_simsimd \
		bench_memory bench_block bench_faiss) build/obj/tests/math/drive.o $(M_FILES:%=build/math/%.o) \
		$(COMMON_OBJS)
	$(begin)
	$(CXX) -o $@ $^ -fopenmp -lfaiss -lopenblas -lm

build/obj/bench/math/%.o: userspace/bench/math/%.c | build/packages
	$(begin)
	$(HOSTCC_USER) $(U_CFLAGS) $(M_INC) -c -o $@ $<

.PHONY: bench-math
bench-math: build/bench/math-bench ## the arithmetic against SimSIMD, plain reads, FMA peak and FAISS
	@scripts/bench-machine begin math
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE build/bench/math-bench --output build/bench/math.json $(PARTS); \
		status=$$?; scripts/bench-machine end math $$status; exit $$status
