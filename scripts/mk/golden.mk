# SPDX-License-Identifier: GPL-2.0
#
# What vexctl is expected to print, written anew. Read the difference before it
# is committed: it is the whole check.

.PHONY: golden
golden: tools ## userspace/tests/golden: what every verb of vexctl prints, written anew
	@rm -rf build/golden && mkdir -p build/golden
	@scripts/lab run uml --results build/golden -- userspace/tests/e2e_golden.sh \
		--update "$(CURDIR)/build/golden" > build/golden.tap
	@! grep '^not ok' build/golden.tap
	@rm -f userspace/tests/golden/*.txt && cp build/golden/*.txt userspace/tests/golden/
	@git diff --stat -- userspace/tests/golden || true
