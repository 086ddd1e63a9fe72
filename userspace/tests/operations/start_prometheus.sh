# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# start_prometheus PORT: a Prometheus with the data in $work/data, on that port or one above it.
# Sets $server, its pid, and $url. To be sourced.

start_prometheus() {
	local port=$1
	printf 'global: {}\n' > "$work/prometheus.yml"
	while (exec 3<> /dev/tcp/127.0.0.1/$port) 2> /dev/null; do port=$((port + 1)); done
	prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=30d \
		--web.listen-address=127.0.0.1:$port > "$work/server.log" 2>&1 &
	server=$!
	url=http://127.0.0.1:$port
	for _ in $(seq 300); do
		curl -sf "$url/-/ready" > /dev/null && break
		sleep 0.1
	done
}
