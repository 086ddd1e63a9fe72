# SPDX-License-Identifier: GPL-2.0
#
# docs/man/vexctl.8 is made from docs/man/vexctl.8.in and the table of verbs, and
# kept in the tree so that it can be read and installed without building.

.PHONY: man
man: build/bin/vexctl ## docs/man/vexctl.8 from the table of verbs
	@build/bin/vexctl help --mdoc > build/vexctl.mdoc
	@sed -e '/^@VERBS@$$/{r build/vexctl.mdoc' -e 'd}' -e 's/@DATE@/November 20, 2026/' \
		docs/man/vexctl.8.in > docs/man/vexctl.8
