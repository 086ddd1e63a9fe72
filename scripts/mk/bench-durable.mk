# SPDX-License-Identifier: GPL-2.0

.PHONY: bench-durable
bench-durable: tools build/bench/store-bench build/bin/durable-bench ## storage engines for the same work, and what durability costs others: tables, build/bench/store.json, durable.json; PARTS="engines cost restart" ROUNDS=3 VECTORS=100000 BEFORE=REVISION SMOKE=1
	@ROUNDS=$(ROUNDS) scripts/bench-durable
