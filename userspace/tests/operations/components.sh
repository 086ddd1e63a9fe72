# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# memory-pools, simd and stack: each flag changes a setting that the test reads back, or has
# an effect that the output shows.

vexctl tune --defaults
tier() { jq ".tiers[] | select(.tier == \"$2\") | .$3" <<< "$1"; }

# ---- memory pools ----
what="memory-pools status has four tiers and the settings"
p memory-pools status -j
ok holds "$out" '(.tiers | length == 4) and .pool_enabled == 1 and .pool_limit_mb == 256'
what="memory-pools stats --detailed prints every counter of each tier"
p memory-pools stats --detailed
ok eval 'has "$out" "^small" && has "$out" "high_water"'
what="memory-pools configure changes the six settings that its flags name"
vexctl tune pool_compaction=0
p memory-pools configure --small-buffers 512 --medium-buffers 256 --large-buffers 128 --pool-size 1GB --enable-compaction --compaction-threshold 0.60 -j
ok eval 'is $code 0 && holds "$out" ".changes | length == 6" && is "$(setting pool_small) $(setting pool_medium) $(setting pool_large) $(setting pool_limit_mb) $(setting pool_compaction) $(setting pool_compact_pct)" "512 256 128 1024 1 60"'
what="memory-pools configure refuses a malformed size and changes nothing"
p memory-pools configure --pool-size lots
ok eval 'is $code 2 && is "$(setting pool_limit_mb)" 1024'
what="memory-pools configure changes nothing when one value is above its limit"
p memory-pools configure --small-buffers 99 --medium-buffers 900000
ok eval 'is $code 1 && is "$(setting pool_small) $(setting pool_medium)" "512 256"'
vexctl tune --defaults
what="memory-pools optimize --workload-analysis --quick observes for one second and changes nothing"
p memory-pools optimize --workload-analysis --quick -j
ok eval 'holds "$out" ".observed_seconds == 1 and (.tiers | length == 3) and .changes == []"'
what="memory-pools optimize --auto-resize sets the sizes that it suggests"
vexctl tune pool_auto=0 pool_small=4000 pool_limit_mb=512
p memory-pools optimize --auto-resize --quick -j
ok eval 'is "$(setting pool_small)" "$(tier "$out" small suggested)"'
what="memory-pools optimize --auto turns the automatic management on"
p memory-pools optimize --auto --quick
ok is "$(setting pool_auto)" 1
vexctl tune --defaults
what="memory-pools auto-manage disable turns the management off, and status says so"
p memory-pools auto-manage disable
p memory-pools auto-manage status -j
ok holds "$out" '.pool_auto == 0'
what="memory-pools auto-manage enable sets --min-hit-rate and --max-utilization"
p memory-pools auto-manage enable --min-hit-rate 0.95 --max-utilization 0.70
p memory-pools auto-manage status -j
ok holds "$out" '.pool_auto == 1 and .pool_min_hit_pct == 95 and .pool_max_use_pct == 70'
vexctl tune --defaults
what="memory-pools monitor --duration --real-time prints a table each second"
p memory-pools monitor --duration 1s --real-time -j
ok eval '[ "$(jq -s length <<< "$out")" -ge 2 ]'
what="memory-pools emergency-expand --increase-percent enlarges every tier by that much"
vexctl tune pool_auto=0 pool_small=200
sleep 10
p memory-pools emergency-expand --increase-percent 50
ok eval 'is $code 0 && is "$(setting pool_small) $(setting pool_medium) $(setting pool_large)" "300 96 48"'
what="memory-pools emergency-expand is refused under memory pressure"
echo 2 > /proc/sys/vm/drop_caches
p memory-pools emergency-expand
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "wanted memory back" && is "$(setting pool_small)" 300'
what="memory-pools emergency-expand refuses 5,000 percent with exit code 2"
p memory-pools emergency-expand --increase-percent 5000
ok is $code 2
vexctl tune --defaults
what="memory-pools fragmentation-analysis has the fragmentation of each tier"
p memory-pools fragmentation-analysis -j
ok holds "$out" '.fragmentation | has("small") and has("large")'
compactions() { vexctl -j stats pool | jq '[.stats[].compactions // 0] | add'; }
what="memory-pools defragment --aggressive compacts every fragmented tier"
before=$(compactions)
p memory-pools defragment --aggressive -j
ok eval 'holds "$out" ".above == 0" && is "$(($(compactions) - before))" "$(jq .compacted <<< "$out")"'
what="memory-pools defragment --minimize-downtime compacts one tier at a time, above the threshold only"
p memory-pools defragment --minimize-downtime -j
ok holds "$out" '.one_at_a_time and .above == 0.7'
what="memory-pools reset --graceful drains the pools and fills them again"
load 3
wait
p memory-pools reset --graceful -j
ok eval 'holds "$out" ".drained > 0 and .quiet" && is "$(vexctl -j stats pool | jq ".stats[] | select(.row == \"small\") | .held >= .size")" true'
what="memory-pools reset --preserve-hot-data keeps the magazines and drains fewer buffers"
load 2
wait
p memory-pools reset -j
all=$(jq .drained <<< "$out")
load 2
wait
p memory-pools reset --preserve-hot-data -j
ok eval 'holds "$out" ".magazines_kept" && [ "$(jq .drained <<< "$out")" -lt "$all" ]'
what="memory-pools analyze --duration --show-allocation-patterns counts allocations by caller"
load 4
sleep 0.5
p memory-pools analyze --duration 2s --show-allocation-patterns -j
ok holds "$out" '.seconds == 2 and (.callers | length > 0) and (.callers[0].caller | test("vexfs|search|op|alloc|[a-z]")) and .allocations > 0'
wait
what="memory-pools allocation-trace --duration --show-fragmentation prints each allocation with its caller and size"
load 4
sleep 0.5
p memory-pools allocation-trace --duration 1s --show-fragmentation -j
ok eval 'holds "$(head -n1 <<< "$out")" ".caller != \"\" and .size > 0" && holds "$(tail -n1 <<< "$out")" ".allocations > 0 and (.fragmentation | has(\"small\"))"'
wait
what="memory-pools analyze and allocation-trace leave nothing in tracefs"
ok is "$(ls /sys/kernel/tracing/instances)" ""

# ---- simd ----
variant() { vexctl performance simd status -j | jq -r .variant; }
best=$(variant)
what="simd status marks the variant in use"
p simd status -j
ok holds "$out" '.simd_mask == 7 and .simd_batch == 8 and (.variants | any(.in_use))'
what="simd hardware-check lists the features of the processor"
p simd hardware-check -j
ok eval 'holds "$out" ".avx2 and .fma" && is $code 0'
what="simd configure --enable-avx2-only makes AVX2 the variant in use"
p simd configure --enable-avx2-only
ok eval 'is $code 0 && is "$(variant)" avx2 && is "$(setting simd_mask)" 3'
what="simd compatibility-check exits with 1 while AVX-512 is present and masked out"
p simd compatibility-check -j
if grep -q avx512f /proc/cpuinfo; then ok eval 'is $code 1 && holds "$out" ".compatible == false"'; else ok eval 'is $code 0'; fi
what="simd configure --enable-avx512 succeeds exactly where the processor has AVX-512"
p simd configure --enable-avx512
if grep -q avx512f /proc/cpuinfo; then ok is "$(setting simd_mask)" 7; else ok is $code 1; fi
what="simd configure --disable-avx512 makes AVX2 the variant in use"
p simd configure --disable-avx512
ok eval 'is "$(setting simd_mask)" 3 && is "$(variant)" avx2'
what="simd configure refuses --enable-avx512 together with --disable-avx512"
p simd configure --enable-avx512 --disable-avx512
ok is $code 2
what="simd_mask=0 makes the scalar variant the one in use"
vexctl tune simd_mask=0
ok is "$(variant)" scalar
p simd configure --enable-avx2 --enable-fma
what="simd configure --enable-avx2 --enable-fma after simd_mask=0 brings AVX2 back"
ok eval 'is "$(setting simd_mask)" 3 && is "$(variant)" avx2'
what="simd enable --auto-detect allows every feature and picks the best variant"
vexctl tune simd=scalar
p simd enable --auto-detect
ok eval 'is "$(setting simd_mask)" 7 && is "$(variant)" "$best"'
what="simd configure --batch-size --adaptive-batching --enable-fallback --conservative-mode changes these settings"
p simd configure --batch-size 16 --adaptive-batching --enable-fallback --conservative-mode -j
ok eval 'is $code 0 && is "$(setting simd_batch) $(setting simd_adaptive) $(setting simd_fallback) $(setting fpu_budget_us)" "16 1 1 20" && is "$(($(setting simd_mask) & 4))" 0'
what="with simd_fallback an unusable variant may be set, and the best usable one serves"
vexctl tune simd_mask=1
ok eval 'vexctl tune simd=avx2 && is "$(variant)" scalar'
vexctl tune --defaults
what="without simd_fallback an unusable variant is refused"
vexctl tune simd_mask=1
ok eval '! vexctl tune simd=avx2 2> /dev/null'
vexctl tune --defaults
what="searches give the same results with batches of 2 and of 1,024"
ids=$(seq -s, 1 8)
vexctl create batch --dim 8
for i in 1 2 3 4 5 6 7 8; do vexctl put batch $i --vector "$i,0,0,0,0,0,0,1"; done
answers() { vexctl -j search batch --id "$ids" -k 3 | jq -c '[.results[].ids]'; }
vexctl tune simd_batch=2
one=$(answers)
vexctl tune simd_batch=1024
ok eval '[ -n "$one" ] && is "$(answers)" "$one"'
vexctl drop batch
vexctl tune --defaults
what="simd test --all-algorithms tests every variant"
p simd test --all-algorithms -j
ok holds "$out" '.failed == 0 and (.variants | length >= 2) and .["served meanwhile by"] != "scalar"'
what="simd test tests the variant in use alone"
p simd test -j
ok holds "$out" '.variants | length == 1'
what="during simd test --safe-mode the scalar variant serves, and afterwards the best again"
p simd test --safe-mode -j
ok eval 'holds "$out" ".[\"served meanwhile by\"] == \"scalar\"" && is "$(variant)" "$best" && is "$(setting emergency_mode)" 0'
what="simd benchmark --duration --compare-scalar finds SIMD faster than the scalar variant"
p simd benchmark --duration 1s --compare-scalar -j
ok holds "$out" '.rounds >= 1 and ([.results[] | select(.variant != "scalar" and (.work | test("f32/l2/scan"))) | .times_scalar] | max > 1)'
what="simd restart leaves the best variant in use"
p simd restart
ok eval 'is $code 0 && is "$(variant)" "$best"'

# ---- stack ----
what="stack status has the limit and the deepest use"
p stack status -j
ok holds "$out" '.stack_limit == 3072 and .stack_reuse == 0 and .deepest >= 0'
what="stack configure changes the six settings that its flags name"
vexctl tune stack_optimize=0
p stack configure --limit 2800 --heap-threshold 1024 --large-allocation-threshold 2048 --aggressive-heap --enable-optimization --stack-reuse
ok eval 'is $code 0 && is "$(setting stack_limit) $(setting stack_heap_threshold) $(setting stack_large_threshold) $(setting stack_aggressive) $(setting stack_optimize) $(setting stack_reuse)" "2800 1024 2048 1 1 1"'
what="stack configure changes nothing when one value is below its limit"
p stack configure --limit 10 --heap-threshold 512
ok eval 'is $code 1 && is "$(setting stack_heap_threshold)" 1024'
vexctl tune --defaults
what="stack violations --count --details exits with 0 when there is none"
vexctl reset all
p stack violations --count --details -j
ok eval 'is $code 0 && holds "$out" ".violations == 0 and .records == []"'
what="stack violations exits with 1 and has function and depth of each op above the limit"
p stack configure --limit 1024
vexctl search loaded --id 1 -k 5 > /dev/null
vexctl put loaded 1 --vector 1,0,0,0,0,0,0,1 --upsert > /dev/null 2>&1
vexctl put loaded 99 --vector 1,0,0,0,0,0,0,1 > /dev/null 2>&1
vexctl tune --defaults
p stack violations --count --details -j
ok eval 'is $code 1 && holds "$out" ".violations > 0 and (.records | length > 0) and .records[0].depth > 1024 and .records[0].symbol != \"\""'
what="stack analyze --duration --show-hotspots lists the deepest functions"
p stack analyze --duration 100ms --show-hotspots -j
ok holds "$out" '(.ops | length > 0) and (.hotspots | length > 0) and .hotspots[0].times >= 1'
what="stack clear-violations sets the count to 0 and keeps records and the deepest use"
p stack clear-violations
p stack violations --details -j
ok eval 'is $code 0 && holds "$out" ".violations == 0 and (.records | length > 0)" && holds "$(vexctl performance stack status -j)" ".deepest > 1024"'
what="stack reset-monitoring also clears records and the deepest use"
p stack reset-monitoring
p stack violations --details -j
ok eval 'holds "$out" ".records == []" && holds "$(vexctl performance stack status -j)" ".deepest == 0"'
what="stack monitor --real-time --duration prints a value each second"
p stack monitor --real-time --duration 1s -j
ok eval '[ "$(jq -s length <<< "$out")" -ge 2 ] && holds "$(head -n1 <<< "$out")" ".violations == 0"'
what="stack heap-analysis --duration --show-allocation-sizes counts allocations by size"
load 3
sleep 0.5
p stack heap-analysis --duration 1s --show-allocation-sizes -j
ok holds "$out" '.seconds == 1 and .scratch_bytes > 0 and (.sizes | length > 0)'
wait
