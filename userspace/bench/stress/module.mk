# SPDX-License-Identifier: GPL-2.0

build/obj/bench/stress/overhead.o: CFLAGS_USER += -Iuserspace/vexstress

.PHONY: bench-stress
bench-stress: tools build/bin/vexstress-overhead ## what vexstress itself costs, against a bare loop
	@mkdir -p build/bench
	@scripts/lab run uml --cpus 1 --results build/bench -- build/bin/vexstress-overhead build/bench/stress.json
