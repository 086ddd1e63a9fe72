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
