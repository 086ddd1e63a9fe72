# SPDX-License-Identifier: GPL-2.0
.PHONY: stack-report
stack-report: tools ## maximum stack depth of each op: by call graph, and as measured
	@mkdir -p build/stack
	@scripts/lab run uml --timeout 120 -- scripts/stack-seen > build/stack/seen 2> build/stack/log \
		|| { cat build/stack/log; exit 1; }
	@dir=$$(scripts/stack-graph) && \
		scripts/stack-report --seen build/stack/seen --json build/stack/report.json "$$dir"
