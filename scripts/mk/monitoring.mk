# SPDX-License-Identifier: GPL-2.0

.PHONY: monitoring
monitoring: tools ## module, exporter, Prometheus and Alertmanager in a lab: an alert and its way; build/monitoring
	@scripts/monitoring

.PHONY: dashboards
dashboards: ## the Grafana dashboards, written anew
	@userspace/monitoring/grafana/make-dashboards userspace/monitoring/grafana/dashboards
