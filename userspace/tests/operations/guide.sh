# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# The scripts of the troubleshooting guide, kept in guide/, with the commands of this project and
# the exporter on its default port; and every metric of promised.list.

guide=$top/userspace/tests/operations/guide
scripts=$tmp/guide
mkdir -p "$scripts/bin"
ip link set lo up 2> /dev/null
vexctl tune --defaults
vexctl performance stack clear-violations > /dev/null
vexfs-exporter 2> "$scripts/exporter" & exporter=$!
/usr/bin/python3 "$top/userspace/tests/operations/alert_receiver.py" "$scripts/heard" 19099 & receiver=$!
for _ in $(seq 100); do (: < /dev/tcp/127.0.0.1/19099) 2> /dev/null && curl -s http://localhost:9090/-/ready | grep -q '^ready' && break; sleep 0.1; done
load 4; loader=$!
sleep 2
what="the guide's health check prints all its sections, each with a value"
out=$("$guide/health-check" 2>&1)
ok eval 'has "$out" "^FUSE Operations: [0-9.]* ops/sec" && has "$out" "^Vector Operations: [0-9.]*[1-9][0-9.]* ops/sec" && has "$out" "^Memory pools enabled" && has "$out" "^SIMD acceleration enabled" && has "$out" "^Bridge optimization enabled" && has "$out" "^Stack violations: 0$" && has "$out" "^Memory pool hit rate: [0-9.]*%" && hasnt "$out" "violations detected"'
vexctl tune simd=scalar
what="the guide's health check says that SIMD is disabled with simd=scalar"
sleep 1
ok has "$("$guide/health-check" 2>&1)" "^SIMD acceleration disabled"
vexctl tune simd=auto
wait $loader

# --- regression: the baseline is the present state, or one with far better memory ---
mkdir -p "$scripts/runs"
load 6; loader=$!
sleep 1
vexctl performance metrics --json > "$scripts/now.json"
export ALERTMANAGER=http://127.0.0.1:19099 WORK=$scripts/runs RECOVERY=$scripts/bin/recovery RECOVERY_LOG=$scripts/recovery.log SETTLE=0
printf '#!/bin/sh\necho called >> "%s/recovered"\n' "$scripts" > "$scripts/bin/recovery"
chmod +x "$scripts/bin/recovery"
wait $loader
what="the guide's regression script finds no regression against metrics of an idle machine"
vexctl performance metrics --json > "$scripts/idle.json"
out=$(BASELINE_FILE=$scripts/idle.json "$guide/regression" 2>&1)
ok eval 'hasnt "$out" "regression detected" && ! [ -e "$scripts/recovered" ]'
what="the guide's regression script reports a regression of memory, sends the alert and starts the recovery"
jq '.metrics.memory = 1000' "$scripts/idle.json" > "$scripts/better.json"
out=$(BASELINE_FILE=$scripts/better.json "$guide/regression" 2>&1)
ok eval 'has "$out" "regression detected" && holds "$(cat "$scripts/runs/regression-report.json")" ".regression_detected" && has "$(cat "$scripts/heard_api_v2_alerts")" VexFSPerformanceRegression && [ -e "$scripts/recovered" ]'

# --- recovery: the steps are real, the result of the validation is set ---
printf '#!/bin/sh\ncase "$*" in *validate*) echo "{\\"overall_success\\": $VALID}" ;; *) exec %s "$@" ;; esac\n' "$(command -v vexctl)" > "$scripts/bin/vexctl"
chmod +x "$scripts/bin/vexctl"
for valid in true false null; do
	rm -f "$scripts/heard_api_v2_alerts" "$scripts/recovery.log"
	what="the guide's recovery script runs every step and sends the alert of a validation that says $valid"
	out=$(VALID=$valid PATH=$scripts/bin:$PATH "$guide/recovery" 2>&1); code=$?
	said=$([ $valid = true ] && echo Success || echo Failed)
	ok eval 'is $code $([ $valid = true ]; echo $?) && is "$(grep -c successfully "$scripts/recovery.log")" 3 && hasnt "$out" "reset failed\|restart failed\|Bridge restart failed" && has "$(cat "$scripts/heard_api_v2_alerts")" "VexFSPerformanceRecovery$said"'
done

# --- the two monitors, with thresholds that an idle module meets, or does not ---
mkdir -p /run/systemd/journal
/lib/systemd/systemd-journald 2> "$scripts/journald" & journald=$!
for _ in $(seq 100); do [ -S /run/systemd/journal/dev-log ] && break; sleep 0.1; done
ln -sf /run/systemd/journal/dev-log /dev/log
export INTERVAL=0.3
vexctl tune pool_auto=0
# monitor_pools THRESHOLD: the pool monitor for two seconds.
monitor_pools() {
	LOG_FILE=$scripts/pools.log ALERT_THRESHOLD=$1 "$guide/pool-monitor" > /dev/null 2>&1 & monitor=$!
	sleep 2
	kill $monitor; wait $monitor 2> /dev/null
	journalctl --sync 2> /dev/null
}
what="the guide's pool monitor logs hit rate and use, and is silent above the threshold"
monitor_pools 0
ok eval 'has "$(cat "$scripts/pools.log")" "^[-0-9]* [:0-9]* HIT_RATE:[0-9.]* SMALL:[0-9.]* MEDIUM:[0-9.]* LARGE:[0-9.]*$" && hasnt "$(journalctl -q -o cat)" "below threshold" && is "$(setting pool_auto)" 0'
what="the guide's pool monitor warns below the threshold, and has the pools managed"
monitor_pools 1.1
ok eval 'has "$(journalctl -q -o cat PRIORITY=4)" "VexFS memory pool hit rate below threshold: [0-9.]" && is "$(setting pool_auto)" 1'
vexctl tune --defaults
# monitoring THRESHOLD: the daemon for three seconds beside a load.
monitoring() {
	rm -f "$scripts"/heard_*
	load 4; loader=$!
	PIDFILE=$scripts/daemon.pid LOGFILE=$scripts/daemon.log VECTOR_THRESHOLD=$1 MEMORY_POOL_THRESHOLD=0 \
		ALERT_WEBHOOK=http://127.0.0.1:19099/api/v2/alerts FUSE_THRESHOLD=1e9 SEMANTIC_THRESHOLD=0 "$guide/monitoring-daemon" start > "$scripts/said"
	sleep 3
	pid=$(cat "$scripts/daemon.pid")
	alive=$(tr '\0' ' ' < "/proc/$pid/cmdline")
	PIDFILE=$scripts/daemon.pid "$guide/monitoring-daemon" stop >> "$scripts/said"
	wait $loader
}
what="the guide's monitoring daemon logs rates, and sends no alert above the thresholds, nor for a class without ops"
monitoring 0
ok eval 'has "$(cat "$scripts/daemon.log")" "^[-0-9]* [:0-9]* FUSE:0[0-9.]* VECTOR:[0-9.]*[1-9][0-9.]* SEMANTIC:[0-9.]* POOL:[0-9.]*$" && ! [ -e "$scripts/heard_api_v2_alerts" ]'
what="the guide's monitoring daemon sends an alert below a threshold; the PID file has its own process id, which ends it"
monitoring 1000000000
ok eval 'holds "$(jq -s . < "$scripts/heard_api_v2_alerts")" "all(.[][]; .labels.alertname == \"VexFSVectorPerformanceLow\")" && has "$alive" "monitoring-daemon start" && ! [ -e "/proc/$pid" ] && ! [ -e "$scripts/daemon.pid" ] && is "$(cat "$scripts/said")" "Performance monitoring started
Performance monitoring stopped"'
kill $journald; wait $journald 2> /dev/null

# --- promised metrics ---
curl -s http://localhost:9090/metrics > "$scripts/scrape"
vexctl performance metrics --json > "$scripts/metrics.json"
what="every metric of operations/promised.list is in a scrape or in metrics --json"
absent=$(grep -v '^#' "$top/userspace/tests/operations/promised.list" | while read -r where name; do
	case $where in
	scrape) grep -q "^${name}[ {]" "$scripts/scrape" || echo "$name" ;;
	json) jq -e --arg n "$name" '[.. | objects | has($n)] | any' "$scripts/metrics.json" > /dev/null || echo "$name" ;;
	null) jq -e --arg n "$name" 'has($n) and .[$n] == null' "$scripts/metrics.json" > /dev/null || echo "$name" ;;
	esac
done)
ok is "$absent" ""
what="metrics --json has values for copying, buffers and sizes after some ops, and a share of each processor"
vexctl create promised --dim 4
for i in $(seq 130); do vexctl put promised "$i" --vector 1,2,3,4; done > /dev/null
ok eval 'vexctl performance metrics --json | jq -e "
	([.context_creation_time_ms, .context_copy_time_ms, .context_serialization_time_ms, .context_size_bytes] | all(. > 0)) and
	(.cpu_per_core | length == \$cpus and all(. >= 0 and . <= 100))" --argjson cpus "$(nproc)" > /dev/null'
vexctl drop promised
kill $exporter $receiver; wait $exporter $receiver 2> /dev/null
