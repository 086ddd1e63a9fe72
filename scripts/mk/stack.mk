# SPDX-License-Identifier: GPL-2.0
.PHONY: stack-report
stack-report: tools ## maximum stack depth of each op: by call graph, and as measured
	@mkdir -p build/stack
	@scripts/lab run uml --timeout 120 -- scripts/stack-seen > build/stack/seen 2> build/stack/log \
		|| { cat build/stack/log; exit 1; }
	@read -r -a path < <(scripts/lab path uml); . scripts/lab.d/common.sh; . scripts/lab.d/module.sh; \
		top=$$PWD here=$$PWD/scripts/lab.d; \
		dir=$$(build_module "$${path[0]#KDIR=}" uml-stack "$${path[@]:1}" \
			KCFLAGS=-fcallgraph-info=su CCACHE_DISABLE=1) && \
		scripts/stack-report --seen build/stack/seen --json build/stack/report.json "$$dir"
