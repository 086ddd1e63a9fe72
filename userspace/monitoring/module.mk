# SPDX-License-Identifier: GPL-2.0
#
# What monitoring programs read: rules, configurations, dashboards. Installed as examples;
# Prometheus' own folder is its administrator's.

MONITORING_DIR = $(PREFIX)/share/vexfs/monitoring
MONITORING_FILES := $(wildcard userspace/monitoring/prometheus/*.yml userspace/monitoring/alertmanager/*.yml \
	userspace/monitoring/grafana/dashboards/*.json userspace/monitoring/grafana/provisioning/*/*.yml)
EXTRAS += $(foreach f,$(MONITORING_FILES),$(f):$(MONITORING_DIR)/$(f:userspace/monitoring/%=%))
EXTRAS += build/etc/vexfs-performance-alerts.yml:$(MONITORING_DIR)/prometheus/vexfs-performance-alerts.yml

# With the thresholds that vexfs.conf has when nobody changes it.
build/etc/vexfs-performance-alerts.yml: build/bin/vexctl userspace/vexctl/etc/vexfs.conf.default
	$(begin)
	build/bin/vexctl monitoring rules --config userspace/vexctl/etc/vexfs.conf.default -o $@
install-tools: build/etc/vexfs-performance-alerts.yml
