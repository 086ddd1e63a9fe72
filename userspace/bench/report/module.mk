# SPDX-License-Identifier: GPL-2.0
#
# The rows of benchmarks.

build/tests/rows-test: build/san/bench/report/rows_test.o build/san/bench/report/rows.o \
		$(patsubst %,build/san/textio/%.o,escape json outfile)
	$(begin)
	$(HOSTCC_USER) $(U_SAN) -o $@ $^ -lm


UNIT_TESTS += build/tests/rows-test
