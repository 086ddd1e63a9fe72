# SPDX-License-Identifier: GPL-2.0
.PHONY: bench-docs
bench-docs: ## the tables of the benchmarks that were run, as Markdown, with machine and date
	@scripts/bench-docs
