# SPDX-License-Identifier: GPL-2.0
#
# Writes the expected output of vexctl again. Read the difference before it is
# committed: reading it is the whole check.

.PHONY: golden
golden: tools ## write userspace/tests/golden, the expected output of every verb of vexctl, again
	@rm -rf build/golden && mkdir -p build/golden
	@scripts/lab run uml --results build/golden -- userspace/tests/e2e_golden.sh \
		--update "$(CURDIR)/build/golden" > build/golden.tap
	@! grep '^not ok' build/golden.tap
	@rm -f userspace/tests/golden/*.txt && cp build/golden/*.txt userspace/tests/golden/
	@git diff --stat -- userspace/tests/golden || true
