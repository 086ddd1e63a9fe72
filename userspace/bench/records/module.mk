# SPDX-License-Identifier: GPL-2.0
#
# bench-records: what run records cost.

.PHONY: bench-records
bench-records: build/bin/vexstress ## what run records cost: the recorder, and a report over 10,000 runs; build/bench/records.json
	@mkdir -p build/bench
	@userspace/bench/records/bench-records build/bin/vexstress build/bench/records.json
