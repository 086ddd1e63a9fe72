# SPDX-License-Identifier: GPL-2.0

.PHONY: operations-matrix
operations-matrix: tools ## each verb and flag of "vexctl performance" that was promised, and the test that uses it
	@scripts/test.d/12-operations > build/operations.tap; status=$$?; cat build/test/operations.md; \
		grep "^not ok\|^#" build/operations.tap; exit $$status
