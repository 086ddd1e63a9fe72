# SPDX-License-Identifier: GPL-2.0
#
# The libraries that benchmarks compare with, each a shared object. Which there are is
# found out by the script, and what is up to date is not built again.

BENCH_CONTENDERS := build/bench/contenders

.PHONY: bench-libraries
bench-libraries:
	@scripts/bench-libraries $(BENCH_CONTENDERS)

build/obj/bench/%.o: userspace/bench/%.cc | build/packages
	$(begin)
	@scripts/need g++:g++
	$(CXX) -std=c++17 -O2 -g -Wall -Wextra -MMD -MP $(U_INC) -Iuserspace/bench/report \
		-Iuserspace/bench/contenders $(CXXFLAGS_BENCH) -c -o $@ $<

BENCH_ROWS := build/obj/bench/report/rows.o
