# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# compare and regression-analysis, reports, results, configure, the emergency mode, the
# complete reset, validate, tune and ablate; and the recovery.

variant() { vexctl performance simd status -j | jq -r .variant; }
# metrics RATE FILE [HOST]: twenty values of vector ops about a rate, as metrics -j writes them.
metrics() {
	jq -nc --argjson rate "$1" --arg host "${3:-here}" 'range(20) | {schema_version: 1, timestamp: ., metrics: {vector_ops: ($rate * (1 + 0.01 * ((. * 7) % 5 - 2))), error_rate: 0, pool_hit_rate: (if $rate < 2000 then 0.7 + 0.001 * (. % 3) else 0.99 + 0.001 * (. % 3) end)}, system_info: {hostname: $host, kernel: "k"}}' > "$2"
}
metrics 2000 "$tmp/base.json"
metrics 1600 "$tmp/slow.json"
metrics 2005 "$tmp/same.json"
metrics 1600 "$tmp/other.json" elsewhere
what="compare --baseline --current --threshold --json: regression_detected, exit code 1"
p compare --baseline "$tmp/base.json" --current "$tmp/slow.json" --threshold 0.05 --json
ok eval 'is $code 1 && is "$(jq .regression_detected <<< "$out")" true && holds "$out" ".metrics[] | select(.metric == \"vector_ops\") | .regression and .basis == \"statistics\" and .change_percent < -15"'
what="compare: no regression, exit code 0"
p compare --baseline "$tmp/base.json" --current "$tmp/same.json" --json
ok eval 'is $code 0 && is "$(jq .regression_detected <<< "$out")" false'
what="compare: another machine is no regression, exit code 6 and words"
p compare --baseline "$tmp/base.json" --current "$tmp/other.json" --json
ok eval 'is $code 6 && holds "$out" ".other_machine" && has "$(cat "$tmp/err")" "another machine"'
what="compare: single values, said to be such"
head -n1 "$tmp/base.json" > "$tmp/one.json"
p compare --baseline "$tmp/one.json" --current "$tmp/slow.json" --json
ok holds "$out" '.metrics[0].basis == "single values"'
what="compare with how it is now"
p compare --baseline "$tmp/base.json"
ok eval '[ $code = 0 ] || [ $code = 1 ] || [ $code = 6 ]'
what="compare: a baseline that is not there, or none: a sentence, exit code 1"
p compare --baseline "$tmp/nothing.json"
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "make one"'
echo '{"a":1}' > "$tmp/bad.json"
p compare --baseline "$tmp/bad.json" --current "$tmp/base.json"
what="compare: JSON of another kind"
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "neither metrics"'
what="regression-analysis --baseline --current --detailed --output: intervals, limits and a suspect"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/slow.json" --detailed --output "$tmp/ra.json"
ok eval 'is $code 1 && holds "$(cat "$tmp/ra.json")" "(.suspected_cause | test(\"pools\")) and (.metrics[] | select(.metric == \"vector_ops\") | has(\"low_percent\") and .warn == 0.05 and .fail == 0.1)"'
what="regression-analysis --threshold, compare --output"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/slow.json" --threshold 50% -j
ok eval 'is $code 0'
p compare --baseline "$tmp/base.json" --current "$tmp/slow.json" --output "$tmp/c.json"
what="compare --output"
ok holds "$(cat "$tmp/c.json")" .regression_detected
what="thresholds: policy s2 lets through what the default does not"
cp "$VEXFS_CONFIG" "$tmp/keep.conf"
printf '[thresholds]\npolicy = s2\n' >> "$VEXFS_CONFIG"
metrics 1800 "$tmp/tenth.json"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/tenth.json" --json
ok holds "$out" '.metrics[] | select(.metric == "vector_ops") | .regression == false'
cp "$tmp/keep.conf" "$VEXFS_CONFIG"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/tenth.json" --json
what="and the default does not"
ok holds "$out" '.metrics[] | select(.metric == "vector_ops") | .regression'

# ---- reports ----
[ -e "$tmp/made.db" ] || make_history "$tmp/made.db"
h="--history $tmp/made.db"
what="report --duration --detailed --output FILE.html: one file, charts, nothing fetched"
p report --history "$tmp/made.db" --duration 30d --detailed --output "$tmp/r.html"
ok eval 'is $code 0 && has "$(head -c 300 "$tmp/r.html")" "<!doctype html>" && [ "$(grep -c "<svg" "$tmp/r.html")" -ge 3 ] && ! grep -qE "(src|href)=.http" "$tmp/r.html" && has "$(cat "$tmp/r.html")" "pool_small"'
[ -z "${VEXFS_RESULTS:-}" ] || cp "$tmp/r.html" "$VEXFS_RESULTS/report.html"
what="report as Markdown"
p report $h --duration 7d
ok eval 'has "$out" "^# vexfs performance" && has "$out" "| vector_ops |"'
what="report as JSON"
p report $h --duration 7d --output "$tmp/r.json"
ok holds "$(cat "$tmp/r.json")" '.metrics[] | select(.metric == "vector_ops") | .worse'
what="regression-report --duration --output FILE.html: what got worse, exit code 1"
p regression-report --history "$tmp/made.db" --duration 14d --output "$tmp/rr.html"
ok eval 'is $code 1 && has "$(cat "$tmp/rr.html")" "vector_ops" && ! grep -q "<h2>fuse_ops" "$tmp/rr.html"'

# ---- results ----
r="--history $tmp/results.db"
rm -f "$tmp"/results.db*
$monitord --database "$tmp/results.db" --once 2> /dev/null
what="results import, list, show, archive, prune"
id=$(vexctl results import "$tmp/base.json" --name before --kind baseline $r -j | jq .id)
vexctl results import - --name second $r < "$tmp/slow.json" > /dev/null
ok holds "$(vexctl results list $r -j)" '.results | length == 2 and any(.name == "before" and .kind == "baseline")'
what="results show --output gives it back as it came"
vexctl results show "$id" --output "$tmp/back.json" $r
ok cmp "$tmp/base.json" "$tmp/back.json"
what="results archive keeps it, prune takes the other; --dry-run neither"
vexctl results archive "$id" $r
ok eval 'is "$(vexctl results prune --older-than 1ms --dry-run $r -j | jq .pruned)" 1 && is "$(vexctl results prune --older-than 1ms $r -j | jq .pruned)" 1 && is "$(vexctl results list $r -j | jq ".results | length")" 1'
what="results show of one that is not there: exit code 1"
vexctl results show 999 $r 2> /dev/null
ok is $? 1

# ---- the emergency mode ----
vexctl tune --defaults
what="emergency-mode status: off, exit code 0"
p emergency-mode status -j
ok eval 'is $code 0 && holds "$out" ".enabled == false"'
what="emergency-mode enable --disable-optimizations: scalar, at once"
p emergency-mode enable --disable-optimizations -j
ok eval 'is $code 0 && is "$(variant)" scalar && is "$(setting emergency_mode)" 1 && is "$(setting simd_mask)" 7'
what="emergency-mode enable --safe-mode --minimal-features"
p emergency-mode enable --safe-mode --minimal-features -j
ok eval 'holds "$out" ".safe_mode and .minimal_features and .optimizations_disabled == false" && is "$(setting emergency_mode)" 6 && [ "$(variant)" != scalar ]'
what="in safe mode the pools stay as they are"
vexctl tune pool_small=2 pool_auto=1
for _ in 1 2 3 4; do vexctl search loaded --id 1,2,3 -k 5 > /dev/null; done
sleep 2.5
ok is "$(setting pool_small)" 2
what="emergency-mode enable: all of it; answers are the same"
a=$(vexctl -j search loaded --id 1,2,3 -k 5 | jq -c '[.results[].ids]')
p emergency-mode enable -j
b=$(vexctl -j search loaded --id 1,2,3 -k 5 | jq -c '[.results[].ids]')
ok eval 'is "$(setting emergency_mode)" 7 && [ -n "$a" ] && is "$a" "$b"'
what="it stands in the configuration, which is applied when the module is loaded anew"
vexctl tune emergency_mode=0
vexctl apply --file "$VEXFS_CONFIG"
ok is "$(setting emergency_mode)" 7
what="status says what is off, exit code 1"
p emergency-mode status
ok eval 'is $code 1 && has "$out" "one worker"'
what="diagnose says so, too"
p diagnose -j
ok holds "$out" '.findings | any(.id == "emergency-mode")'
what="emergency-mode disable: as before, and out of the configuration"
p emergency-mode disable
ok eval 'is $code 0 && [ "$(variant)" != scalar ] && ! grep -q emergency_mode "$VEXFS_CONFIG" && grep -q "^database" "$VEXFS_CONFIG"'
vexctl tune --defaults

# ---- configure ----
cp "$top/userspace/vexctl/etc/vexfs.conf.default" "$VEXFS_CONFIG.default"
what="configure --reset-to-optimal: settings, and the user's file is kept beside"
vexctl tune fpu_budget_us=77
cp "$VEXFS_CONFIG" "$tmp/keep.conf"
p configure --reset-to-optimal -j
ok eval 'is $code 0 && is "$(setting fpu_budget_us)" 50 && cmp "$VEXFS_CONFIG" "$VEXFS_CONFIG.default" && cmp "$tmp/keep.conf" "$(jq -r .kept <<< "$out")"'
what="configure --reset-to-optimal --dry-run --module-only: says it, and changes nothing"
vexctl tune fpu_budget_us=66
p configure --reset-to-optimal --dry-run --module-only
ok is "$(setting fpu_budget_us)" 66
vexctl tune --defaults
what="configure without a word what: exit code 2"
p configure
ok is $code 2
cp "$tmp/keep.conf" "$VEXFS_CONFIG"

# ---- the complete reset ----
export VEXFS_CACHE=$tmp/cache
mkdir -p "$VEXFS_CACHE" && touch "$VEXFS_CACHE/a" "$VEXFS_CACHE/b"
ko=$(find "$VEXFS_TOP"/build/module/uml -maxdepth 1 -name vexfs.ko)
what="full-reset is refused while there are collections"
p full-reset --file "$ko"
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "--drop-volatile" && vexctl show loaded > /dev/null'
what="full-reset --dry-run says five steps and does none"
p full-reset --dry-run -j
ok eval 'holds "$out" ".dry_run and (.steps | length >= 5)" && vexctl show loaded > /dev/null && [ -e "$VEXFS_CACHE/a" ]'
what="full-reset --drop-volatile: unloaded, cache empty, default configuration, loaded, applied"
vexctl tune fpu_budget_us=77
p full-reset --drop-volatile --file "$ko" -j
ok eval 'is $code 0 && holds "$out" ".success and ([.steps[].done] | all)" && ! vexctl show loaded 2> /dev/null && is "$(ls "$VEXFS_CACHE")" "" && cmp "$VEXFS_CONFIG" "$VEXFS_CONFIG.default" && is "$(setting fpu_budget_us)" 50'
cp "$tmp/keep.conf" "$VEXFS_CONFIG"
vexctl create loaded --dim 8 --index graph
for i in 1 2 3 4 5 6 7 8; do vexctl put loaded $i --vector "$i,0,0,0,0,0,0,$i"; done

# ---- recovery, beside a vexctl that fails where it is told to ----
mkdir -p "$tmp/bin"
real=$(command -v vexctl)
cat > "$tmp/bin/vexctl" <<-EOT
	#!/bin/sh
	echo "\$*" >> "$tmp/called"
	case "\$*" in
	*"\$FAIL"*) [ -z "\$FAIL" ] || exit 1 ;;
	esac
	case "\$*" in
	*validate*) echo '{"overall_success": '"\${VALID:-true}"'}'; exit 0 ;;
	*bridge*) exit 2 ;;
	*simd*) [ -z "\$SLEEP" ] || sleep 5 ;;
	esac
	exec $real "\$@"
EOT
chmod +x "$tmp/bin/vexctl"
# An Alertmanager's ear: what is posted goes to files.
ip link set lo up 2> /dev/null
/usr/bin/python3 "$top/userspace/tests/operations/ear.py" "$tmp/heard" 19093 & ear=$!
sed -i '/^\[monitor\]/a alertmanager = http://127.0.0.1:19093\nwebhook = http://127.0.0.1:19093/hook' "$VEXFS_CONFIG"
recover() { PATH=$tmp/bin:$PATH vexfs-performance-recovery --config "$VEXFS_CONFIG" "$@"; }
for _ in $(seq 100); do (: < /dev/tcp/127.0.0.1/19093) 2> /dev/null && break; sleep 0.1; done
what="recovery --dry-run: five steps are said, none is done, nothing is written"
rm -f "$tmp/called" "$tmp/recovery.log"
out=$(recover --dry-run --reason why); code=$?
ok eval 'is $code 0 && is "$(grep -c "^would" <<< "$out")" 5 && ! [ -e "$tmp/called" ] && ! [ -e "$tmp/recovery.log" ]'
what="recovery: five steps, in order, exit code 0"
out=$(recover --reason "a test"); code=$?
ok eval 'is $code 0 && is "$(grep -oE "memory-pools reset|simd restart|clear-violations|reset-monitoring|bridge restart|validate" "$tmp/called" | tr "\n" ";")" "memory-pools reset;simd restart;clear-violations;reset-monitoring;bridge restart;validate;"'
what="each is journalled before and after"
ok is "$(cut -d' ' -f2,3 "$tmp/recovery.log.journal" | tr '\n' ';')" "begin pools;end pools;begin simd;end simd;begin stack;end stack;begin bridge;end bridge;begin validate;end validate;finish all;"
what="Alertmanager was told: VexFSPerformanceRecoverySuccess"
ok holds "$(cat "$tmp/heard_api_v2_alerts")" '.[0].labels.alertname == "VexFSPerformanceRecoverySuccess" and (.[0].annotations.description | test("a test")) and .[0].startsAt'
what="and the webhook"
ok holds "$(cat "$tmp/heard_hook")" '.[0].labels.severity == "info"'
for step in "memory-pools:pools" "simd:simd" "clear-violations:stack" "bridge:bridge"; do
	what="recovery with step ${step#*:} failing: it goes on, and says which failed"
	rm -f "$tmp/called" "$tmp"/heard*
	out=$(FAIL=${step%:*} recover); code=$?
	ok eval 'is $code 0 && has "$out" "steps that failed: ${step#*:}" && has "$(cat "$tmp/called")" validate && has "$(cat "$tmp/heard_api_v2_alerts")" "Steps that failed: ${step#*:}"'
done
for valid in false null; do
	what="recovery that is validated as $valid: exit code 1, VexFSPerformanceRecoveryFailed"
	rm -f "$tmp"/heard*
	out=$(VALID=$valid recover); code=$?
	ok eval 'is $code 1 && holds "$(cat "$tmp/heard_api_v2_alerts")" ".[0].labels.alertname == \"VexFSPerformanceRecoveryFailed\" and .[0].labels.severity == \"critical\""'
done
what="recovery that is killed in a step: the next says so, and begins anew"
SLEEP=1 PATH=$tmp/bin:$PATH vexfs-performance-recovery --config "$VEXFS_CONFIG" > /dev/null & victim=$!
for _ in $(seq 100); do grep -q "begin simd" <(tail -n1 "$tmp/recovery.log.journal") && break; sleep 0.1; done
what="while it runs, another one is refused"
recover > /dev/null 2> "$tmp/err"; code=$?
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "another recovery runs"'
kill -9 $victim; wait $victim 2> /dev/null
sleep 5
out=$(recover); code=$?
what="and after it was killed, the next begins anew"
ok eval 'is $code 0 && has "$out" "ended during step .simd"'
what="an Alertmanager that does not answer changes nothing but the log"
kill $ear; wait $ear 2> /dev/null
out=$(recover); code=$?
ok eval 'is $code 0 && has "$(cat "$tmp/recovery.log")" "cannot push the alert"'
what="recovery --settle --no-notify --profile; a wrong one: exit code 2"
rm -f "$tmp/called"
recover --settle 0 --no-notify --profile smoke > /dev/null
ok eval 'has "$(cat "$tmp/called")" "validate --smoke" && ! recover --profile nonsense 2> /dev/null'

# ---- the daemon's policy ----
what="monitord [recovery] auto=on: what stays bad is recovered from, once, and not again before it cools down"
rm -f "$tmp/called" "$tmp/monitor.log"
sed -i -e '/^alertmanager/d' -e '/^webhook/d' -e '/^\[recovery\]/a auto = on\nafter = 1\ncool_down = 60' "$VEXFS_CONFIG"
printf '[thresholds]\nvector_ops_floor = 1000000000\n' >> "$VEXFS_CONFIG"
load 8
PATH=$tmp/bin:$PATH VALID=true $monitord --foreground 2> /dev/null & daemon=$!
sleep 7
kill $daemon; wait $daemon
ok eval 'has "$(cat "$tmp/monitor.log")" "recovery begins" && is "$(grep -c validate "$tmp/called")" 1'
wait
what="auto=advise: said, and nothing done"
rm -f "$tmp/called" "$tmp/monitor.log"
sed -i 's/^auto = on/auto = advise/' "$VEXFS_CONFIG"
load 6
PATH=$tmp/bin:$PATH $monitord --foreground 2> /dev/null & daemon=$!
sleep 5
kill $daemon; wait $daemon
ok eval 'has "$(cat "$tmp/monitor.log")" "run vexfs-performance-recovery" && ! [ -e "$tmp/called" ]'
wait
cp "$tmp/keep.conf" "$VEXFS_CONFIG"
vexctl tune --defaults
