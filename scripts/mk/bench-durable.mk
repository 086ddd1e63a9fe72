# SPDX-License-Identifier: GPL-2.0

.PHONY: bench-durable
bench-durable: build/bench/store-bench ## storage engines for the same work: a table, build/bench/store.json; ROUNDS=3
	@scripts/bench-durable $(ROUNDS)
