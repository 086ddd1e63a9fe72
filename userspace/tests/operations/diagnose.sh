# shellcheck shell=bash disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0
#
# diagnose, health, host-check and external-factors. Each check is provoked: one value is
# changed in a copy of the files and counters of a healthy machine. Then diagnose must report
# the check of that name, and at most two findings that follow from the same value.

from=$tmp/copy
# well: makes a copy of a healthy machine, for which no check has a finding.
well() {
	rm -rf "$from"
	mkdir -p "$from/root/proc/pressure" "$from/root/proc/sys/vm" "$from/root/proc/sys/kernel" \
		"$from/root/proc/net" "$from/root/sys/module/vexfs" \
		"$from/root/sys/devices/system/clocksource/clocksource0" \
		"$from/root/sys/kernel/mm/transparent_hugepage" "$from/root/sys/devices/system/node"
	cp "$tmp/stats.json" "$tmp/tune.json" "$from"
	(
		cd "$from/root" || exit
		echo "$version" > sys/module/vexfs/version
		echo 0 > proc/sys/kernel/tainted
		printf 'processor\t: 0\nmicrocode\t: 0x1\nflags\t\t: fpu avx2 fma avx512f x\n\nprocessor\t: 1\nmicrocode\t: 0x1\nflags\t\t: fpu avx2 fma avx512f x\n' > proc/cpuinfo
		printf 'cpu 100 0 100 800 0 0 0 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n' > proc/stat
		echo "0.50 0.40 0.30 1/100 1" > proc/loadavg
		printf 'MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\nSwapTotal: 1000000 kB\nSwapFree: 1000000 kB\n' > proc/meminfo
		for f in cpu memory io; do printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n' > proc/pressure/$f; done
		echo 1 > proc/sys/vm/swappiness
		printf 'head\nhead\n eth0: 1000000 100 0 0 0 0 0 0 1000000 100 0 0 0 0 0 0\n' > proc/net/dev
		printf 'Ip: a\nTcp: a\nTcp: 1 1 1 1 1 1 1 1 1 1 1 1\n' > proc/net/snmp
		echo tsc > sys/devices/system/clocksource/clocksource0/current_clocksource
		echo "always [madvise] never" > sys/kernel/mm/transparent_hugepage/enabled
		echo 0 > sys/devices/system/node/online
		printf 'slabinfo - version: 2.1\n' > proc/slabinfo
		echo "vexfs: version" > dmesg
	)
}
version=$(vexfs-monitord --version | cut -d' ' -f2)
vexctl tune --defaults
vexctl reset all
vexctl -j stats > "$tmp/stats.json"
vexctl -j tune > "$tmp/tune.json"
well
what="diagnose of a healthy machine has no finding and exits with 0"
p diagnose --from "$from" --all -j
ok eval 'is $code 0 && holds "$out" ".critical == 0 and .warnings == 0 and .notes == 0 and .unknown == 0 and .checks >= 25"'
provoked=
# provoke CHECK stats|tune|root|log CHANGE: a jq program, or commands below root.
provoke() {
	well
	case $2 in
	stats|tune) jq "$3" "$tmp/$2.json" > "$from/$2.json" ;;
	root) (cd "$from/root" && eval "$3") ;;
	esac
	what="diagnose finds $1 and gives advice"
	p diagnose --from "$from" -j
	provoked="$provoked $1"
	ok holds "$out" '.findings | length >= 1 and length <= 3 and any(.id == "'"$1"'" and (.severity | . == "note" or . == "warning" or . == "critical") and .evidence != "" and .advice != "")'
}
row() { echo "(.stats[] | select(.subject == \"$1\" and (\"$2\" == \"\" or .row == \"$2\"))) |= (. + $3)"; }
set_to() { echo "(.settings[] | select(.key == \"$1\")) |= (.value = $2 | .at_default = false)"; }
provoke module-version root 'echo 0.0.1 > sys/module/vexfs/version'
provoke kernel-tainted root 'echo 128 > proc/sys/kernel/tainted'
provoke hung-tasks root 'echo 3 > proc/sys/kernel/hung_task_detect_count'
provoke accounting-off tune "$(set_to accounting 0)"
provoke error-rate stats "$(row class vector '{count: 2000, errors: 200}')"
provoke fuse-floor stats "$(row class fuse '{count: 2000, mean_ns: 900000}')"
provoke vector-floor stats "$(row class vector '{count: 2000, mean_ns: 900000}')"
provoke semantic-floor stats "$(row class semantic '{count: 2000, mean_ns: 9000000}')"
provoke slow-tail stats "$(row op get '{count: 2000, p50_ns: 1000, p999_ns: 90000000}')"
provoke events-lost stats "$(row events '' '{raised: 1000, thinned: 600}')"
provoke pools-off tune "$(set_to pool_enabled 0)"
provoke pool-hit-rate stats "$(row pool small '{allocs: 9000, hits: 100}')"
provoke pool-failures stats "$(row pool small '{failures: 3}')"
provoke pool-full stats "$(row pool large '{use_ppm: 950000}')"
provoke pool-fragmentation stats "$(row pool medium '{frag_ppm: 900000}')"
provoke pool-pressure stats "$(row pool small '{waits: 2}')"
provoke pool-worker tune "$(set_to pool_auto 0)"
provoke stack-violations stats "$(row stack '' '{violations: 1}')"
provoke stack-alarms stats "$(row stack '' '{alarms: 1}')"
provoke scratch-failed stats "$(row stack '' '{scratch_failed: 1}')"
provoke stack-optimization tune "$(set_to stack_optimize 0)"
provoke simd-off stats "$(row simd scalar '{in_use: 1}')"
provoke simd-variant stats "$(row simd avx2 '{usable: 0}')"
provoke simd-by-hand tune "$(set_to simd '"avx2"')"
provoke fpu-budget stats "$(row fpu '' '{sections: 5000, over: 500}')"
provoke fpu-refused stats "$(row fpu '' '{refused: 5}')"
provoke config-changed tune "$(set_to slow_op_us 5)"
provoke memory-limit stats "$(row store '' '{bytes: 9000000000}')"
provoke many-collections stats "$(row store '' '{collections: 65000}')"
provoke cpu-flags root 'sed -i "s/avx2//" proc/cpuinfo'
provoke cpu-governor root 'mkdir -p sys/devices/system/cpu/cpu0/cpufreq; echo powersave > sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'
provoke cpu-idle-states root 'd=sys/devices/system/cpu/cpu0/cpuidle/state3; mkdir -p $d; echo 400 > $d/latency; echo 0 > $d/disable; echo C6 > $d/name'
provoke cpu-throttled root 'd=sys/devices/system/cpu/cpu0/thermal_throttle; mkdir -p $d; echo 9 > $d/core_throttle_count'
provoke cpu-microcode root 'sed -i "0,/0x1/s//0x2/" proc/cpuinfo'
provoke cpu-clock root 'echo hpet > sys/devices/system/clocksource/clocksource0/current_clocksource'
provoke cpu-load root 'echo "50.0 9 9 1/1 1" > proc/loadavg'
provoke cpu-pressure root 'echo "some avg10=0 avg60=70.00 avg300=0 total=1" > proc/pressure/cpu'
provoke cpu-debug-kernel root 'echo x > proc/lockdep_stats'
provoke memory-pressure root 'echo "some avg10=0 avg60=15.00 avg300=0 total=1" > proc/pressure/memory'
provoke memory-low root 'sed -i "s/^MemAvailable:.*/MemAvailable: 800000 kB/" proc/meminfo'
provoke memory-swap root 'sed -i "s/^SwapFree:.*/SwapFree: 1000 kB/" proc/meminfo'
provoke memory-swappiness root 'echo 60 > proc/sys/vm/swappiness'
provoke memory-huge-pages root 'echo "always madvise [never]" > sys/kernel/mm/transparent_hugepage/enabled'
provoke memory-numa root 'echo 0-1 > sys/devices/system/node/online; echo 1 > proc/sys/kernel/numa_balancing'
provoke disk-pressure root 'echo "some avg10=0 avg60=60.00 avg300=0 total=1" > proc/pressure/io'
provoke network-errors root 'printf "head\nhead\n eth0: 1000 100 900 0 0 0 0 0 1000 100 0 0 0 0 0 0\n" > proc/net/dev'
provoke network-retransmits root 'printf "Ip: a\nTcp: a\nTcp: 1 1 1 1 1 1 1 1 1 1 100000 9000\n" > proc/net/snmp'
provoke log-oom root 'echo "Out of memory: Killed process 1" >> dmesg'
provoke log-thermal root 'echo "CPU0: Core temperature above threshold, cpu clock throttled" >> dmesg'
provoke log-illegal root 'echo "traps: x[1] trap invalid opcode ip:0" >> dmesg'
provoke log-disk root 'echo "blk_update_request: I/O error, dev sda" >> dmesg'
provoke log-warnings root 'echo "WARNING: CPU: 1 PID: 1 at x.c:1" >> dmesg'
provoke disk-kind root 'mkdir -p sys/block/sda/queue; echo 1 > sys/block/sda/queue/rotational; printf "   8 0 sda 1 1 1 1 1 1 1 1 0 1 1\n" > proc/diskstats'
what="every check of diagnose that a copied machine can show was provoked"
p diagnose --from "$from" --all --comprehensive -j
missing=$(jq -r '.findings[].id' <<< "$out" | grep -vxE "module-loaded|config-wrong|daemon-down|storage-down|storage-readonly|history-bad|disk-room|disk-busy|cpu-steal|selftest|slab-growth|page-owner|workqueues|emergency-mode" | while read -r id; do case " $provoked " in *" $id "*) ;; *) echo "$id" ;; esac; done)
ok is "$missing" ""
what="diagnose finds an unknown key in the configuration (config-wrong)"
cp "$VEXFS_CONFIG" "$tmp/keep.conf"
echo "nonsense = 1" >> "$VEXFS_CONFIG"
p diagnose -j
ok holds "$out" '.findings | any(.id == "config-wrong" and .severity == "critical")'
cp "$tmp/keep.conf" "$VEXFS_CONFIG"
what="diagnose finds that vexfs-monitord does not run (daemon-down)"
sed -i "s|^database.*|database = $tmp/nobody.db|" "$VEXFS_CONFIG"
p diagnose -j
ok holds "$out" '.findings | any(.id == "daemon-down")'
what="diagnose finds a damaged history (history-bad)"
{ echo "this is no history of samples at all, and it is longer than the header of one would be"; echo "...................................."; } > "$tmp/nobody.db"
p diagnose -j
ok eval 'is $code 1 && holds "$out" ".findings | any(.id == \"history-bad\")"'
cp "$tmp/keep.conf" "$VEXFS_CONFIG"
what="diagnose --comprehensive --output writes JSON with the result of the self-test"
p diagnose --comprehensive --output "$tmp/d.json"
ok eval '[ $code -le 1 ] && is "$out" "" && holds "$(cat "$tmp/d.json")" ".checks >= 25 and (.findings | any(.id == \"selftest\" and .severity == \"ok\"))"'
what="diagnose --comprehensive --output FILE.html writes one page with a row per check, and fetches nothing"
p diagnose --comprehensive --output "$tmp/d.html"
ok eval '[ $code -le 1 ] && has "$(head -n1 "$tmp/d.html")" "<!doctype html>" && [ "$(grep -c "^<tr><td" "$tmp/d.html")" = "$(jq .checks "$tmp/d.json")" ] && has "$(cat "$tmp/d.html")" "<td class=good>ok<td>self-test of the arithmetic" && ! grep -qE "(src|href)=.http" "$tmp/d.html"'
what="diagnose --from names the line of malformed JSON and exits with 1"
echo "{" > "$from/stats.json"
p diagnose --from "$from"; rm "$from/stats.json"
ok eval 'is $code 1 && has "$(cat "$tmp/err")" "stats.json: line"'
what="diagnose finds simd=scalar on the running module"
vexctl tune simd=scalar
p diagnose
ok eval 'is $code 1 && has "$out" "without SIMD"'
what="health exits with 1 while SIMD is off"
p health -j
ok eval 'is $code 1 && holds "$out" ".loaded and .optimizations.simd == false and .healthy == false and (.targets | length == 3)"'
vexctl tune --defaults
vexctl reset all
what="health --output writes its four sections"
p health --output "$tmp/health.txt"
ok eval 'has "$(cat "$tmp/health.txt")" "^1. Service" && has "$(cat "$tmp/health.txt")" "^4. Issues" && has "$(cat "$tmp/health.txt")" "memory pools enabled"'
what="host-check has findings of the machine and none of the module"
p host-check --output "$tmp/host.json"
out=$(cat "$tmp/host.json")
ok holds "$out" '.findings | any(.id == "memory-low") and (any(.id == "pools-off") | not)'
what="host-check --apply changes vm.swappiness and reports the change"
sysctl -qw vm.swappiness=60
p host-check --apply -j
ok eval 'holds "$out" ".applied | any(.file == \"/proc/sys/vm/swappiness\" and .to == \"1\")" && is "$(cat /proc/sys/vm/swappiness)" 1'
what="host-check refuses --apply together with --from"
p host-check --apply --from "$from"
ok is $code 2
only() { holds "$out" '.findings | any(.id == "'"$1"'") and ([.[].id | split("-")[0]] | unique | length <= 2)'; }
what="diagnose counts pages by the function of vexfs that allocated them (page-owner)"
well
mkdir -p "$from/root/sys/kernel/debug"
owned() { # owned ORDER FUNCTION COUNT
	local i
	for ((i = 0; i < $3; i++)); do
		printf 'Page allocated via order %s, mask 0x140cca(GFP), pid 1, tgid 1 (x), ts 1 ns\nPFN 0x1 type Movable Block 1 type Movable Flags 0x1\n post_alloc_hook+0x1/0x2\n %s+0x10/0x20 [vexfs]\n vexfs_outer+0x1/0x2 [vexfs]\n\n' "$1" "$2"
	done
	printf 'Page allocated via order 9, mask 0x1, pid 1, tgid 1 (x), ts 1 ns\n post_alloc_hook+0x1/0x2\n other+0x1/0x2 [xfs]\n\n'
}
{ owned 0 vexfs_small 5; owned 4 vexfs_rows 10; } > "$from/root/sys/kernel/debug/page_owner"
p diagnose --from "$from" --comprehensive --all -j
ok holds "$out" '.findings | any(.id == "page-owner" and .severity == "ok" and (.evidence | test("most are of vexfs_rows, 0.6 MiB")))'
owned 10 vexfs_leak 40 >> "$from/root/sys/kernel/debug/page_owner"
p diagnose --from "$from" --comprehensive -j
what="diagnose warns about the function that holds 160 MiB of pages (page-owner)"
ok holds "$out" '.findings | any(.id == "page-owner" and .severity == "warning" and (.evidence | test("vexfs_leak, 160.0 MiB")))'
what="diagnose counts works of vexfs in workqueues and leaves nothing in tracefs"
(while :; do vexctl create work --dim 4; vexctl drop work; done) > /dev/null 2>&1 & works=$!
p diagnose --comprehensive --all -j
kill $works; wait $works 2> /dev/null
vexctl drop work 2> /dev/null
ok eval 'holds "$out" ".findings | any(.id == \"workqueues\" and (.severity == \"ok\" or .severity == \"warning\") and (.evidence | test(\"[1-9][0-9]* works of vexfs were queued, [1-9]\")))" && is "$(ls /sys/kernel/tracing/instances)" ""'
what="external-factors --check-system-load runs the checks of the load alone"
p external-factors --check-system-load -j
ok only cpu-load
what="external-factors --check-network runs the checks of the network alone"
p external-factors --check-network -j
ok only network-errors
what="external-factors --check-storage runs the checks of the disks alone"
p external-factors --check-storage -j
ok only disk-busy
p external-factors --from "$from" -j
what="external-factors --from reads the copy of another machine"
ok holds "$out" '.findings | any(.id == "cpu-load" and .severity == "ok")'
what="external-factors --output writes every finding to the file"
p external-factors --output "$tmp/x.json"
ok holds "$(cat "$tmp/x.json")" '.findings | length > 10'
what="diagnose exits with 3 when the module is not loaded"
vexctl drop loaded
vexctl module unload
p diagnose
ok eval 'is $code 3 && has "$out" "vexfs is not loaded"'
p health
what="health exits with 3 when the module is not loaded"
ok is $code 3
vexctl module load --file "$(find "$VEXFS_TOP"/build/module/uml -maxdepth 1 -name vexfs.ko)"
vexctl create loaded --dim 8 --index graph
for i in 1 2 3 4 5 6 7 8; do vexctl put loaded $i --vector "$i,0,0,0,0,0,0,$i"; done
what="metrics --format json --interval --count writes one object per interval"
p metrics --format json --interval 0.2 --count 3
ok eval 'is "$(jq -s length <<< "$out")" 3 && holds "$(tail -n1 <<< "$out")" "has(\"vexfs_vector_ops_per_sec\") and has(\"mean_execution_time_ms\") and .system_info.cpu_count >= 1"'
what="metrics --format prometheus writes the exposition format"
p metrics --format prometheus
ok eval 'has "$out" "^# TYPE vexfs_simd_enabled gauge" && has "$out" "^vexfs_simd_enabled 1$"'
what="metrics --format csv writes a header and a row with as many fields"
p metrics --format csv --output "$tmp/m.csv"
ok is "$(awk -F, 'NR == 1 { n = NF } END { print NR, n == NF }' "$tmp/m.csv")" "2 1"
what="metrics --json counts ops of a running load"
load 4
sleep 1
p metrics --json
ok holds "$out" '(.metrics.vector_ops + .metrics.semantic_ops) > 0 and .vexfs_memory_pools_enabled == 1'
what="metrics refuses an unknown format with exit code 2"
p metrics --format xml
ok is $code 2
what="monitor --duration --interval writes one object per interval"
p monitor --duration 1s --interval 0.2 -j
ok eval '[ "$(jq -s length <<< "$out")" -ge 3 ]'
what="monitor --real-time --emergency-mode prints the mode"
p monitor --real-time --emergency-mode --duration 1s
ok has "$out" "normal"
