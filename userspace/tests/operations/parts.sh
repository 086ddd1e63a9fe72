# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# memory-pools, simd and stack: each flag changes a setting that is read back, or says in
# its answer what it did.

vexctl tune --defaults
tier() { jq ".tiers[] | select(.tier == \"$2\") | .$3" <<< "$1"; }

# ---- memory pools ----
what="memory-pools status"
p memory-pools status -j
ok holds "$out" '(.tiers | length == 4) and .pool_enabled == 1 and .pool_limit_mb == 256'
what="memory-pools stats --detailed: every figure"
p memory-pools stats --detailed
ok eval 'has "$out" "^small" && has "$out" "high_water"'
what="memory-pools configure --small-buffers --medium-buffers --large-buffers --pool-size --enable-compaction --compaction-threshold"
vexctl tune pool_compaction=0
p memory-pools configure --small-buffers 512 --medium-buffers 256 --large-buffers 128 --pool-size 1GB --enable-compaction --compaction-threshold 0.60 -j
ok eval 'is $code 0 && holds "$out" ".changes | length == 6" && is "$(setting pool_small) $(setting pool_medium) $(setting pool_large) $(setting pool_limit_mb) $(setting pool_compaction) $(setting pool_compact_pct)" "512 256 128 1024 1 60"'
what="memory-pools configure: a size that is none is refused, and nothing has changed"
p memory-pools configure --pool-size lots
ok eval 'is $code 2 && is "$(setting pool_limit_mb)" 1024'
what="memory-pools configure: beyond the limit is refused as a whole"
p memory-pools configure --small-buffers 99 --medium-buffers 900000
ok eval 'is $code 1 && is "$(setting pool_small) $(setting pool_medium)" "512 256"'
vexctl tune --defaults
what="memory-pools optimize --workload-analysis --quick: what it saw in a second, and changes nothing"
p memory-pools optimize --workload-analysis --quick -j
ok eval 'holds "$out" ".observed_seconds == 1 and (.tiers | length == 3) and .changes == []"'
what="memory-pools optimize --auto-resize: the sizes that it suggests"
vexctl tune pool_auto=0 pool_small=4000 pool_limit_mb=512
p memory-pools optimize --auto-resize --quick -j
ok eval 'is "$(setting pool_small)" "$(tier "$out" small suggested)"'
what="memory-pools optimize --auto: the worker is on"
p memory-pools optimize --auto --quick
ok is "$(setting pool_auto)" 1
vexctl tune --defaults
what="memory-pools auto-manage disable, status"
p memory-pools auto-manage disable
p memory-pools auto-manage status -j
ok holds "$out" '.pool_auto == 0'
what="memory-pools auto-manage enable --min-hit-rate --max-utilization"
p memory-pools auto-manage enable --min-hit-rate 0.95 --max-utilization 0.70
p memory-pools auto-manage status -j
ok holds "$out" '.pool_auto == 1 and .pool_min_hit_pct == 95 and .pool_max_use_pct == 70'
vexctl tune --defaults
what="memory-pools monitor --duration --real-time: a table each second"
p memory-pools monitor --duration 1s --real-time -j
ok eval '[ "$(jq -s length <<< "$out")" -ge 2 ]'
what="memory-pools emergency-expand --increase-percent: every tier is larger by that"
vexctl tune pool_auto=0 pool_small=200
sleep 10
p memory-pools emergency-expand --increase-percent 50
ok eval 'is $code 0 && is "$(setting pool_small) $(setting pool_medium) $(setting pool_large)" "300 96 48"'
what="memory-pools emergency-expand: refused under memory pressure, in words"
echo 2 > /proc/sys/vm/drop_caches
p memory-pools emergency-expand
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "wanted memory back" && is "$(setting pool_small)" 300'
what="memory-pools emergency-expand: beyond what is sensible is refused"
p memory-pools emergency-expand --increase-percent 5000
ok is $code 2
vexctl tune --defaults
what="memory-pools fragmentation-analysis"
p memory-pools fragmentation-analysis -j
ok holds "$out" '.fragmentation | has("small") and has("large")'
compactions() { vexctl -j stats pool | jq '[.stats[].compactions // 0] | add'; }
what="memory-pools defragment --aggressive: every tier that has any is packed"
before=$(compactions)
p memory-pools defragment --aggressive -j
ok eval 'holds "$out" ".above == 0" && is "$(($(compactions) - before))" "$(jq .compacted <<< "$out")"'
what="memory-pools defragment --minimize-downtime: one at a time, above the threshold only"
p memory-pools defragment --minimize-downtime -j
ok holds "$out" '.one_at_a_time and .above == 0.7'
what="memory-pools reset --graceful: drained, full again, counted anew"
load 3
wait
p memory-pools reset --graceful -j
ok eval 'holds "$out" ".drained > 0 and .quiet" && is "$(vexctl -j stats pool | jq ".stats[] | select(.row == \"small\") | .held >= .size")" true'
what="memory-pools reset --preserve-hot-data: fewer are drained, for magazines stay warm"
load 2
wait
p memory-pools reset -j
all=$(jq .drained <<< "$out")
load 2
wait
p memory-pools reset --preserve-hot-data -j
ok eval 'holds "$out" ".magazines_kept" && [ "$(jq .drained <<< "$out")" -lt "$all" ]'
what="memory-pools analyze --duration --show-allocation-patterns: who asks for what"
load 4
sleep 0.5
p memory-pools analyze --duration 2s --show-allocation-patterns -j
ok holds "$out" '.seconds == 2 and (.callers | length > 0) and (.callers[0].caller | test("vexfs|search|op|alloc|[a-z]")) and .allocations > 0'
wait
what="memory-pools allocation-trace --duration --show-fragmentation: each as it happens"
load 4
sleep 0.5
p memory-pools allocation-trace --duration 1s --show-fragmentation -j
ok eval 'holds "$(head -n1 <<< "$out")" ".caller != \"\" and .size > 0" && holds "$(tail -n1 <<< "$out")" ".allocations > 0 and (.fragmentation | has(\"small\"))"'
wait
what="and nothing of it stays in tracefs"
ok is "$(ls /sys/kernel/tracing/instances)" ""

# ---- simd ----
variant() { vexctl performance simd status -j | jq -r .variant; }
best=$(variant)
what="simd status: which is in use"
p simd status -j
ok holds "$out" '.simd_mask == 7 and .simd_batch == 8 and (.variants | any(.in_use))'
what="simd hardware-check: what the processor has"
p simd hardware-check -j
ok eval 'holds "$out" ".avx2 and .fma" && is $code 0'
what="simd configure --enable-avx2-only: AVX2 is in use"
p simd configure --enable-avx2-only
ok eval 'is $code 0 && is "$(variant)" avx2 && is "$(setting simd_mask)" 3'
what="simd compatibility-check: AVX-512 is there and forbidden, exit code 1"
p simd compatibility-check -j
if grep -q avx512f /proc/cpuinfo; then ok eval 'is $code 1 && holds "$out" ".compatible == false"'; else ok eval 'is $code 0'; fi
what="simd configure --enable-avx512, where there is one"
p simd configure --enable-avx512
if grep -q avx512f /proc/cpuinfo; then ok is "$(setting simd_mask)" 7; else ok is $code 1; fi
what="simd configure --disable-avx512"
p simd configure --disable-avx512
ok eval 'is "$(setting simd_mask)" 3 && is "$(variant)" avx2'
what="simd configure: enabling and forbidding at once is a mistake, exit code 2"
p simd configure --enable-avx512 --disable-avx512
ok is $code 2
what="simd configure --enable-avx2 --enable-fma, from nothing"
vexctl tune simd_mask=0
ok is "$(variant)" scalar
p simd configure --enable-avx2 --enable-fma
what="and it is AVX2"
ok eval 'is "$(setting simd_mask)" 3 && is "$(variant)" avx2'
what="simd enable --auto-detect: everything, and the best"
vexctl tune simd=scalar
p simd enable --auto-detect
ok eval 'is "$(setting simd_mask)" 7 && is "$(variant)" "$best"'
what="simd configure --batch-size --adaptive-batching --enable-fallback --conservative-mode"
p simd configure --batch-size 16 --adaptive-batching --enable-fallback --conservative-mode -j
ok eval 'is $code 0 && is "$(setting simd_batch) $(setting simd_adaptive) $(setting simd_fallback) $(setting fpu_budget_us)" "16 1 1 20" && is "$(($(setting simd_mask) & 4))" 0'
what="with --enable-fallback, what cannot be used stands for the best"
vexctl tune simd_mask=1
ok eval 'vexctl tune simd=avx2 && is "$(variant)" scalar'
vexctl tune --defaults
what="without it, it is refused"
vexctl tune simd_mask=1
ok eval '! vexctl tune simd=avx2 2> /dev/null'
vexctl tune --defaults
what="the batch size is used: so many queries are compared together, one fewer are not"
ids=$(seq -s, 1 8)
plan() { vexctl -j search batch --id "$1" -k 1 --exact 2> /dev/null | jq -r '.plan // empty'; }
vexctl create batch --dim 8
for i in 1 2 3 4 5 6 7 8; do vexctl put batch $i --vector "$i,0,0,0,0,0,0,1"; done
answers() { vexctl -j search batch --id "$ids" -k 3 | jq -c '[.results[].ids]'; }
vexctl tune simd_batch=2
one=$(answers)
vexctl tune simd_batch=1024
ok eval '[ -n "$one" ] && is "$(answers)" "$one"'
vexctl drop batch
vexctl tune --defaults
what="simd test --all-algorithms: every variant"
p simd test --all-algorithms -j
ok holds "$out" '.failed == 0 and (.variants | length >= 2) and .["served meanwhile by"] != "scalar"'
what="simd test, without: that in use"
p simd test -j
ok holds "$out" '.variants | length == 1'
what="simd test --safe-mode: the scalar reference serves meanwhile, and not after"
p simd test --safe-mode -j
ok eval 'holds "$out" ".[\"served meanwhile by\"] == \"scalar\"" && is "$(variant)" "$best" && is "$(setting emergency_mode)" 0'
what="simd benchmark --duration --compare-scalar: AVX2 is faster than none"
p simd benchmark --duration 1s --compare-scalar -j
ok holds "$out" '.rounds >= 1 and ([.results[] | select(.variant != "scalar" and (.work | test("f32/l2/scan"))) | .times_scalar] | max > 1)'
what="simd restart: tested anew, the best in use"
p simd restart
ok eval 'is $code 0 && is "$(variant)" "$best"'

# ---- stack ----
what="stack status"
p stack status -j
ok holds "$out" '.stack_limit == 3072 and .stack_reuse == 0 and .deepest >= 0'
what="stack configure --limit --heap-threshold --large-allocation-threshold --aggressive-heap --enable-optimization --stack-reuse"
vexctl tune stack_optimize=0
p stack configure --limit 2800 --heap-threshold 1024 --large-allocation-threshold 2048 --aggressive-heap --enable-optimization --stack-reuse
ok eval 'is $code 0 && is "$(setting stack_limit) $(setting stack_heap_threshold) $(setting stack_large_threshold) $(setting stack_aggressive) $(setting stack_optimize) $(setting stack_reuse)" "2800 1024 2048 1 1 1"'
what="stack configure: below what is legal is refused as a whole"
p stack configure --limit 10 --heap-threshold 512
ok eval 'is $code 1 && is "$(setting stack_heap_threshold)" 1024'
vexctl tune --defaults
what="stack violations --count --details: none, exit code 0"
vexctl reset all
p stack violations --count --details -j
ok eval 'is $code 0 && holds "$out" ".violations == 0 and .records == []"'
what="a limit that ops go beyond: violations, with where, how deep and who, exit code 1"
p stack configure --limit 1024
vexctl search loaded --id 1 -k 5 > /dev/null
vexctl put loaded 1 --vector 1,0,0,0,0,0,0,1 --upsert > /dev/null 2>&1
vexctl put loaded 99 --vector 1,0,0,0,0,0,0,1 > /dev/null 2>&1
vexctl tune --defaults
p stack violations --count --details -j
ok eval 'is $code 1 && holds "$out" ".violations > 0 and (.records | length > 0) and .records[0].depth > 1024 and .records[0].symbol != \"\""'
what="stack analyze --duration --show-hotspots: the functions"
p stack analyze --duration 100ms --show-hotspots -j
ok holds "$out" '(.ops | length > 0) and (.hotspots | length > 0) and .hotspots[0].times >= 1'
what="stack clear-violations: counted anew; records and the deepest stay"
p stack clear-violations
p stack violations --details -j
ok eval 'is $code 0 && holds "$out" ".violations == 0 and (.records | length > 0)" && holds "$(vexctl performance stack status -j)" ".deepest > 1024"'
what="stack reset-monitoring: those go, too"
p stack reset-monitoring
p stack violations --details -j
ok eval 'holds "$out" ".records == []" && holds "$(vexctl performance stack status -j)" ".deepest == 0"'
what="stack monitor --real-time --duration"
p stack monitor --real-time --duration 1s -j
ok eval '[ "$(jq -s length <<< "$out")" -ge 2 ] && holds "$(head -n1 <<< "$out")" ".violations == 0"'
what="stack heap-analysis --duration --show-allocation-sizes: by size"
load 3
sleep 0.5
p stack heap-analysis --duration 1s --show-allocation-sizes -j
ok holds "$out" '.seconds == 1 and .scratch_bytes > 0 and (.sizes | length > 0)'
wait
