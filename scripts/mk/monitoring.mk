# SPDX-License-Identifier: GPL-2.0

.PHONY: monitoring
monitoring: tools ## module, exporter, Prometheus and Alertmanager in a lab: one alert from end to end; build/monitoring
	@scripts/monitoring

.PHONY: dashboards
dashboards: ## write the Grafana dashboards again
	@userspace/monitoring/grafana/make-dashboards userspace/monitoring/grafana/dashboards

.PHONY: metrics-doc
metrics-doc: tools ## docs/metrics.md, from an exporter in front of a loaded module
	@scripts/lab run uml -- sh -c 'vexctl create a --dim 4; vexctl get a 1; vexfs-exporter --once' 2> /dev/null | \
		userspace/tests/monitoring/metrics_doc.py > build/metrics.md
	@mv build/metrics.md docs/metrics.md
