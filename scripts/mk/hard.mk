# SPDX-License-Identifier: GPL-2.0
#
# The same tests as `make test' with numbers that take hours: HARD_GROUPS are the groups
# that variables make longer, and all whose names end in -long.

HARD_GROUPS += 15-store 63-vexfsd -long

.PHONY: hard
hard: export STORE_CUTS := 100000
hard: export STORE_HARD := hard
hard: export STORE_FUZZ_SECONDS := 300
hard: export VEXFSD_KILLS := 1000
hard: ## 100,000 power cuts and the like: hours of what make test does in minutes
	@$(MAKE) --no-print-directory test T="$(HARD_GROUPS)"
