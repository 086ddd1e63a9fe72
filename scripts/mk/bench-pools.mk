# SPDX-License-Identifier: GPL-2.0
.PHONY: bench-pools
bench-pools: ## pools and statistics against the kernel's allocators; writes build/bench/pools.json
	@scripts/bench-pools
