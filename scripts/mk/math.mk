# SPDX-License-Identifier: GPL-2.0
#
# The benchmark of the arithmetic.

.PHONY: bench-math
bench-math: build/bench/math-bench ## the arithmetic against SimSIMD, plain reads, FMA peak and FAISS
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE build/bench/math-bench --output build/bench/math.json $(PARTS)
