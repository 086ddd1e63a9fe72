# SPDX-License-Identifier: GPL-2.0

.PHONY: netlink-regen
netlink-regen: ## the netlink code, from docs/netlink/vexfs.yaml
	@scripts/netlink-regen
