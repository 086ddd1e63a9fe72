# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# compare, regression-analysis, report, results, configure, emergency-mode and full-reset;
# vexfs-performance-recovery and the recovery policy of vexfs-monitord.

variant() { vexctl performance simd status -j | jq -r .variant; }
# metrics RATE FILE [HOST]: twenty values of vector ops about a rate, as metrics -j writes them.
metrics() {
	jq -nc --argjson rate "$1" --arg host "${3:-here}" 'range(20) | {schema_version: 1, timestamp: ., metrics: {vector_ops: ($rate * (1 + 0.01 * ((. * 7) % 5 - 2))), error_rate: 0, pool_hit_rate: (if $rate < 2000 then 0.7 + 0.001 * (. % 3) else 0.99 + 0.001 * (. % 3) end)}, system_info: {hostname: $host, kernel: "k"}}' > "$2"
}
metrics 2000 "$tmp/base.json"
metrics 1600 "$tmp/slow.json"
metrics 2005 "$tmp/same.json"
metrics 1600 "$tmp/other.json" elsewhere
what="compare --baseline --current --threshold --json finds a regression and exits with 1"
p compare --baseline "$tmp/base.json" --current "$tmp/slow.json" --threshold 0.05 --json
ok eval 'is $code 1 && is "$(jq .regression_detected <<< "$out")" true && holds "$out" ".metrics[] | select(.metric == \"vector_ops\") | .regression and .basis == \"statistics\" and .change_percent < -15"'
what="compare exits with 0 when nothing regressed"
p compare --baseline "$tmp/base.json" --current "$tmp/same.json" --json
ok eval 'is $code 0 && is "$(jq .regression_detected <<< "$out")" false'
what="compare exits with 6 for metrics of two machines, and says so"
p compare --baseline "$tmp/base.json" --current "$tmp/other.json" --json
ok eval 'is $code 6 && holds "$out" ".other_machine" && has "$(cat "$tmp/err")" "another machine"'
what="compare marks a comparison of single values as such"
head -n1 "$tmp/base.json" > "$tmp/one.json"
p compare --baseline "$tmp/one.json" --current "$tmp/slow.json" --json
ok holds "$out" '.metrics[0].basis == "single values"'
what="compare without --current takes the metrics of now"
p compare --baseline "$tmp/base.json"
ok eval '[ $code = 0 ] || [ $code = 1 ] || [ $code = 6 ]'
what="compare exits with 1 when the file of --baseline does not exist"
p compare --baseline "$tmp/nothing.json"
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "make one"'
echo '{"a":1}' > "$tmp/bad.json"
p compare --baseline "$tmp/bad.json" --current "$tmp/base.json"
what="compare exits with 1 when the file of --baseline holds other JSON"
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "neither metrics"'
what="regression-analysis --detailed has confidence intervals, limits and a suspected cause"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/slow.json" --detailed --output "$tmp/ra.json"
ok eval 'is $code 1 && holds "$(cat "$tmp/ra.json")" "(.suspected_cause | test(\"pools\")) and (.metrics[] | select(.metric == \"vector_ops\") | has(\"low_percent\") and .warn == 0.05 and .fail == 0.1)"'
what="regression-analysis exits with 0 for a change below --threshold"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/slow.json" --threshold 50% -j
ok eval 'is $code 0'
p compare --baseline "$tmp/base.json" --current "$tmp/slow.json" --output "$tmp/c.json"
what="compare --output writes its JSON to the file"
ok holds "$(cat "$tmp/c.json")" .regression_detected
what="regression-analysis with policy = s2 lets a change of 10 % through"
cp "$VEXFS_CONFIG" "$tmp/keep.conf"
printf '[thresholds]\npolicy = s2\n' >> "$VEXFS_CONFIG"
metrics 1800 "$tmp/tenth.json"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/tenth.json" --json
ok holds "$out" '.metrics[] | select(.metric == "vector_ops") | .regression == false'
cp "$tmp/keep.conf" "$VEXFS_CONFIG"
p regression-analysis --baseline "$tmp/base.json" --current "$tmp/tenth.json" --json
what="regression-analysis with the default policy finds a change of 10 %"
ok holds "$out" '.metrics[] | select(.metric == "vector_ops") | .regression'

# ---- reports ----
[ -e "$tmp/made.db" ] || make_history "$tmp/made.db"
h="--history $tmp/made.db"
what="report --detailed --output FILE.html writes one file with charts that fetches nothing"
p report --history "$tmp/made.db" --duration 30d --detailed --output "$tmp/r.html"
ok eval 'is $code 0 && has "$(head -c 300 "$tmp/r.html")" "<!doctype html>" && [ "$(grep -c "<svg" "$tmp/r.html")" -ge 3 ] && ! grep -qE "(src|href)=.http" "$tmp/r.html" && has "$(cat "$tmp/r.html")" "pool_small"'
[ -z "${VEXFS_RESULTS:-}" ] || cp "$tmp/r.html" "$VEXFS_RESULTS/report.html"
what="report writes Markdown to standard output"
p report $h --duration 7d
ok eval 'has "$out" "^# vexfs performance" && has "$out" "| vector_ops |"'
what="report --output FILE.json marks the metric that got worse"
p report $h --duration 7d --output "$tmp/r.json"
ok holds "$(cat "$tmp/r.json")" '.metrics[] | select(.metric == "vector_ops") | .worse'
what="regression-report has the metrics that got worse alone, and exits with 1"
p regression-report --history "$tmp/made.db" --duration 14d --output "$tmp/rr.html"
ok eval 'is $code 1 && has "$(cat "$tmp/rr.html")" "vector_ops" && ! grep -q "<h2>fuse_ops" "$tmp/rr.html"'

what="a name in .html gets a page from every verb: trend-analysis, host-check, compare, diagnose"
# page COMMAND...: one page, whose <pre> or table holds what the verb found.
page() {
	p "$@" --output "$tmp/page.html"
	[ "$code" != 2 ] && has "$(head -n1 "$tmp/page.html")" "<!doctype html>" && has "$(tail -n1 "$tmp/page.html")" "</html>" &&
		is "$(grep -c "<!doctype" "$tmp/page.html")" 1 && ! grep -qE "(src|href)=.http" "$tmp/page.html"
}
ok eval 'page trend-analysis $h --duration 30d && grep -q "^vector_ops" "$tmp/page.html" && page host-check &&
	page compare --baseline "$tmp/base.json" --current "$tmp/slow.json" && page diagnose && grep -q "<table" "$tmp/page.html"'
what="timeline --mark-degradation-points --output FILE.html has charts with their jumps, changes and events"
ok eval 'page timeline $h --duration 14d --mark-degradation-points --metrics vector_ops,fuse_ops && is "$code" 1 && is "$(grep -c "<svg" "$tmp/page.html")" 2 &&
	grep -q "<li class=bad>.* worse" "$tmp/page.html" && grep -q "<h2>What happened</h2>" "$tmp/page.html"'
what="names and messages in such a page are escaped"
page compare --baseline "$tmp/base.json" --current "$tmp/slow.json"
ok eval '! grep -q "&amp;lt;" "$tmp/page.html" && grep -q "<pre>" "$tmp/page.html"'
what="timeline -j --output FILE.html is refused with exit code 2, and writes no file"
rm -f "$tmp/page.html"
p timeline $h --duration 7d -j --output "$tmp/page.html"
ok eval 'is $code 2 && ! [ -e "$tmp/page.html" ] && has "$(cat "$tmp/err")" "name it .json"'
what="metrics --output takes its form from .json, .csv and .prom"
p metrics --output "$tmp/f.json"; p metrics --output "$tmp/f.csv"; p metrics --output "$tmp/f.prom"
ok eval 'jq -e .metrics "$tmp/f.json" > /dev/null && has "$(head -n1 "$tmp/f.csv")" , && grep -q "^vexfs_[a-z_]* [0-9]" "$tmp/f.prom"'
what="metrics --format csv --output FILE.json is refused"
p metrics --format csv --output "$tmp/g.json"
ok eval 'is $code 2 && ! [ -e "$tmp/g.json" ]'

# ---- results ----
r="--history $tmp/results.db"
rm -f "$tmp"/results.db*
$monitord --database "$tmp/results.db" --once 2> /dev/null
what="results list has both results that results import stored"
id=$(vexctl results import "$tmp/base.json" --name before --kind baseline $r -j | jq .id)
vexctl results import - --name second $r < "$tmp/slow.json" > /dev/null
ok holds "$(vexctl results list $r -j)" '.results | length == 2 and any(.name == "before" and .kind == "baseline")'
what="results show --output writes the bytes that were imported"
vexctl results show "$id" --output "$tmp/back.json" $r
ok cmp "$tmp/base.json" "$tmp/back.json"
# refused TEXT COMMAND...: exit code 1, TEXT among the errors, and as many results as before.
refused() {
	local want=$1 before; shift
	before=$(vexctl results list $r -j | jq '.results | length')
	"$@" > /dev/null 2> "$tmp/err"
	is $? 1 && has "$(cat "$tmp/err")" "$want" && is "$(vexctl results list $r -j | jq '.results | length')" "$before"
}
head -c 300 "$tmp/base.json" > "$tmp/cut.json"
head -n1 "$tmp/base.json" | jq -c '.schema_version = 2' > "$tmp/later.json"
echo '{"schema_version": 1}' > "$tmp/hollow.json"
printf 'words\n' > "$tmp/words"
printf '<p>caf\351</p>\n' > "$tmp/latin.html"
: > "$tmp/empty"
what="results import refuses JSON that is cut short"
ok refused "JSON: line" vexctl results import "$tmp/cut.json" $r
what="results import refuses another schema_version"
ok refused "of another schema_version" vexctl results import "$tmp/later.json" --kind baseline $r
what="results import refuses JSON that is no result"
ok refused "neither a result" vexctl results import "$tmp/hollow.json" $r
what="results import refuses text as a run, and takes it as a report"
ok eval 'refused "JSON: line" vexctl results import "$tmp/words" $r && vexctl results import "$tmp/words" --kind report --name words $r > /dev/null'
what="results import refuses a report that is no UTF-8"
ok refused "it is no report" vexctl results import "$tmp/latin.html" --kind report $r
what="results import refuses a report in JSON that is cut short"
ok refused "JSON: line" vexctl results import "$tmp/cut.json" --kind report $r
what="results import refuses an empty file and one that is not there"
ok eval 'refused "nothing in it" vexctl results import "$tmp/empty" $r && refused "No such file" vexctl results import "$tmp/gone" $r'
what="results list exits with 2 for an unknown --kind"
vexctl results list --kind rum $r > /dev/null 2>&1
ok is $? 2
vexctl results prune --kind report --older-than 1ms $r > /dev/null
what="results prune removes results that are not archived, and none with --dry-run"
vexctl results archive "$id" $r
ok eval 'is "$(vexctl results prune --older-than 1ms --dry-run $r -j | jq .pruned)" 1 && is "$(vexctl results prune --older-than 1ms $r -j | jq .pruned)" 1 && is "$(vexctl results list $r -j | jq ".results | length")" 1'
what="results show exits with 1 for an unknown result"
vexctl results show 999 $r 2> /dev/null
ok is $? 1

# ---- the emergency mode ----
vexctl tune --defaults
what="emergency-mode status exits with 0 while the mode is off"
p emergency-mode status -j
ok eval 'is $code 0 && holds "$out" ".enabled == false"'
what="emergency-mode enable --disable-optimizations switches to the scalar variant at once"
p emergency-mode enable --disable-optimizations -j
ok eval 'is $code 0 && is "$(variant)" scalar && is "$(setting emergency_mode)" 1 && is "$(setting simd_mask)" 7'
what="emergency-mode enable --safe-mode --minimal-features keeps the SIMD variant"
p emergency-mode enable --safe-mode --minimal-features -j
ok eval 'holds "$out" ".safe_mode and .minimal_features and .optimizations_disabled == false" && is "$(setting emergency_mode)" 6 && [ "$(variant)" != scalar ]'
what="in safe mode the pools are not resized automatically"
vexctl tune pool_small=2 pool_auto=1
for _ in 1 2 3 4; do vexctl search loaded --id 1,2,3 -k 5 > /dev/null; done
sleep 2.5
ok is "$(setting pool_small)" 2
what="emergency-mode enable turns everything off, and searches give the same results"
a=$(vexctl -j search loaded --id 1,2,3 -k 5 | jq -c '[.results[].ids]')
p emergency-mode enable -j
b=$(vexctl -j search loaded --id 1,2,3 -k 5 | jq -c '[.results[].ids]')
ok eval 'is "$(setting emergency_mode)" 7 && [ -n "$a" ] && is "$a" "$b"'
what="vexctl apply restores the emergency mode from the configuration"
vexctl tune emergency_mode=0
vexctl apply --file "$VEXFS_CONFIG"
ok is "$(setting emergency_mode)" 7
what="emergency-mode status exits with 1 and lists what is off"
p emergency-mode status
ok eval 'is $code 1 && has "$out" "one worker"'
what="diagnose finds the emergency mode"
p diagnose -j
ok holds "$out" '.findings | any(.id == "emergency-mode")'
what="emergency-mode disable restores the settings and removes its line from the configuration"
p emergency-mode disable
ok eval 'is $code 0 && [ "$(variant)" != scalar ] && ! grep -q emergency_mode "$VEXFS_CONFIG" && grep -q "^database" "$VEXFS_CONFIG"'
vexctl tune --defaults

# ---- configure ----
cp "$top/userspace/vexctl/etc/vexfs.conf.default" "$VEXFS_CONFIG.default"
what="configure --reset-to-optimal restores settings and configuration, and keeps a copy of the user's file"
vexctl tune fpu_budget_us=77
cp "$VEXFS_CONFIG" "$tmp/keep.conf"
p configure --reset-to-optimal -j
ok eval 'is $code 0 && is "$(setting fpu_budget_us)" 50 && cmp "$VEXFS_CONFIG" "$VEXFS_CONFIG.default" && cmp "$tmp/keep.conf" "$(jq -r .kept <<< "$out")"'
what="configure --reset-to-optimal --dry-run --module-only changes nothing"
vexctl tune fpu_budget_us=66
p configure --reset-to-optimal --dry-run --module-only
ok is "$(setting fpu_budget_us)" 66
vexctl tune --defaults
what="configure without an option exits with 2"
p configure
ok is $code 2
cp "$tmp/keep.conf" "$VEXFS_CONFIG"

# ---- the complete reset ----
export VEXFS_CACHE=$tmp/cache
mkdir -p "$VEXFS_CACHE" && touch "$VEXFS_CACHE/a" "$VEXFS_CACHE/b"
ko=$(find "$VEXFS_TOP"/build/module/uml -maxdepth 1 -name vexfs.ko)
what="full-reset is refused while there are collections, and names --drop-volatile"
p full-reset --file "$ko"
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "--drop-volatile" && vexctl show loaded > /dev/null'
what="full-reset --dry-run lists its steps and runs none"
p full-reset --dry-run -j
ok eval 'holds "$out" ".dry_run and (.steps | length >= 5)" && vexctl show loaded > /dev/null && [ -e "$VEXFS_CACHE/a" ]'
what="full-reset --drop-volatile reloads the module, empties the cache and restores the default configuration"
vexctl tune fpu_budget_us=77
p full-reset --drop-volatile --file "$ko" -j
ok eval 'is $code 0 && holds "$out" ".success and ([.steps[].done] | all)" && ! vexctl show loaded 2> /dev/null && is "$(ls "$VEXFS_CACHE")" "" && cmp "$VEXFS_CONFIG" "$VEXFS_CONFIG.default" && is "$(setting fpu_budget_us)" 50'
cp "$tmp/keep.conf" "$VEXFS_CONFIG"
vexctl create loaded --dim 8 --index graph
for i in 1 2 3 4 5 6 7 8; do vexctl put loaded $i --vector "$i,0,0,0,0,0,0,$i"; done

# ---- recovery, with a vexctl before the real one whose steps can be made to fail ----
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
# What is posted to Alertmanager or to the webhook goes to files.
ip link set lo up 2> /dev/null
/usr/bin/python3 "$top/userspace/tests/operations/alert_receiver.py" "$tmp/heard" 19093 & receiver=$!
sed -i '/^\[monitor\]/a alertmanager = http://127.0.0.1:19093\nwebhook = http://127.0.0.1:19093/hook' "$VEXFS_CONFIG"
recover() { PATH=$tmp/bin:$PATH vexfs-performance-recovery --config "$VEXFS_CONFIG" "$@"; }
for _ in $(seq 100); do (: < /dev/tcp/127.0.0.1/19093) 2> /dev/null && break; sleep 0.1; done
what="vexfs-performance-recovery --dry-run lists five steps, runs none and writes nothing"
rm -f "$tmp/called" "$tmp/recovery.log"
out=$(recover --dry-run --reason why); code=$?
ok eval 'is $code 0 && is "$(grep -c "^would" <<< "$out")" 5 && ! [ -e "$tmp/called" ] && ! [ -e "$tmp/recovery.log" ]'
what="vexfs-performance-recovery runs its five steps in order and exits with 0"
out=$(recover --reason "a test"); code=$?
ok eval 'is $code 0 && is "$(grep -oE "memory-pools reset|simd restart|clear-violations|reset-monitoring|bridge restart|validate" "$tmp/called" | tr "\n" ";")" "memory-pools reset;simd restart;clear-violations;reset-monitoring;bridge restart;validate;"'
what="vexfs-performance-recovery writes the begin and the end of each step to its journal"
ok is "$(cut -d' ' -f2,3 "$tmp/recovery.log.journal" | tr '\n' ';')" "begin pools;end pools;begin simd;end simd;begin stack;end stack;begin bridge;end bridge;begin validate;end validate;finish all;"
what="vexfs-performance-recovery sends VexFSPerformanceRecoverySuccess to Alertmanager"
ok holds "$(cat "$tmp/heard_api_v2_alerts")" '.[0].labels.alertname == "VexFSPerformanceRecoverySuccess" and (.[0].annotations.description | test("a test")) and .[0].startsAt'
what="vexfs-performance-recovery sends its result to the webhook"
ok holds "$(cat "$tmp/heard_hook")" '.[0].labels.severity == "info"'
for step in "memory-pools:pools" "simd:simd" "clear-violations:stack" "bridge:bridge"; do
	what="vexfs-performance-recovery goes on after a failed step ${step#*:} and names it"
	rm -f "$tmp/called" "$tmp"/heard*
	out=$(FAIL=${step%:*} recover); code=$?
	ok eval 'is $code 0 && has "$out" "steps that failed: ${step#*:}" && has "$(cat "$tmp/called")" validate && has "$(cat "$tmp/heard_api_v2_alerts")" "Steps that failed: ${step#*:}"'
done
for valid in false null; do
	what="vexfs-performance-recovery exits with 1 and sends VexFSPerformanceRecoveryFailed when overall_success is $valid"
	rm -f "$tmp"/heard*
	out=$(VALID=$valid recover); code=$?
	ok eval 'is $code 1 && holds "$(cat "$tmp/heard_api_v2_alerts")" ".[0].labels.alertname == \"VexFSPerformanceRecoveryFailed\" and .[0].labels.severity == \"critical\""'
done
what="vexfs-performance-recovery without space for its journal stops, exits with 1 and sends VexFSPerformanceRecoveryFailed"
rm -f "$tmp/called" "$tmp"/heard*
mkdir -p "$tmp/tiny" && mount -t tmpfs -o size=4k none "$tmp/tiny"
head -c 8192 /dev/zero > "$tmp/tiny/fill" 2> /dev/null
sed "s|^log = .*recovery.log|log = $tmp/tiny/recovery.log|" "$VEXFS_CONFIG" > "$tmp/tiny.conf"
out=$(recover --config "$tmp/tiny.conf" 2> /dev/null); code=$?
umount "$tmp/tiny"
ok eval 'is $code 1 && has "$out" "cannot write the journal" && ! [ -e "$tmp/called" ] && holds "$(cat "$tmp/heard_api_v2_alerts")" ".[0].labels.alertname == \"VexFSPerformanceRecoveryFailed\""'
SLEEP=1 PATH=$tmp/bin:$PATH vexfs-performance-recovery --config "$VEXFS_CONFIG" > /dev/null & victim=$!
for _ in $(seq 100); do grep -q "begin simd" <(tail -n1 "$tmp/recovery.log.journal") && break; sleep 0.1; done
what="a second vexfs-performance-recovery is refused while one runs"
recover > /dev/null 2> "$tmp/err"; code=$?
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "another recovery runs"'
kill -9 $victim; wait $victim 2> /dev/null
sleep 5
out=$(recover); code=$?
what="vexfs-performance-recovery names the step in which the last one was killed, and starts again"
ok eval 'is $code 0 && has "$out" "ended during step .simd"'
what="vexfs-performance-recovery logs that Alertmanager does not answer, and exits with 0"
kill $receiver; wait $receiver 2> /dev/null
out=$(recover); code=$?
ok eval 'is $code 0 && has "$(cat "$tmp/recovery.log")" "cannot push the alert"'
what="vexfs-performance-recovery --profile chooses the validation, and an unknown profile is refused"
rm -f "$tmp/called"
recover --settle 0 --no-notify --profile smoke > /dev/null
ok eval 'has "$(cat "$tmp/called")" "validate --smoke" && ! recover --profile nonsense 2> /dev/null'

# ---- the daemon's policy ----
what="vexfs-monitord with auto = on starts one recovery and waits for cool_down"
rm -f "$tmp/called" "$tmp/monitor.log"
sed -i -e '/^alertmanager/d' -e '/^webhook/d' -e '/^\[recovery\]/a auto = on\nafter = 1\ncool_down = 60' "$VEXFS_CONFIG"
printf '[thresholds]\nvector_ops_floor = 1000000000\n' >> "$VEXFS_CONFIG"
load 8
PATH=$tmp/bin:$PATH VALID=true $monitord --foreground 2> /dev/null & daemon=$!
sleep 7
kill $daemon; wait $daemon
ok eval 'has "$(cat "$tmp/monitor.log")" "recovery begins" && is "$(grep -c validate "$tmp/called")" 1'
wait
what="vexfs-monitord with auto = advise advises a recovery and starts none"
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
