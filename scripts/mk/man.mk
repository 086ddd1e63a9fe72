# SPDX-License-Identifier: GPL-2.0
#
# vexctl(8) is made from docs/man/vexctl.8.in and the table of verbs, and the page
# of each group of verbs from the table alone. They are kept in the tree so that
# they can be read and installed without building.

.PHONY: man
man: build/bin/vexctl ## docs/man/vexctl*.8 from the table of verbs
	@scripts/man-pages docs/man
