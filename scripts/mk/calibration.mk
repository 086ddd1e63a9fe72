# SPDX-License-Identifier: GPL-2.0

.PHONY: calibration
calibration: build/bin/vexstress ## how often vexstress's comparisons are wrong, and right: docs/calibration, docs/vexstress.md
	@scripts/calibration
