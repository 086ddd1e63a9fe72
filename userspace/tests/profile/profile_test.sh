#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexfs-profile on files with a planted hotspot, and on broken ones.

# shellcheck source=userspace/vexstress/tests/tap.sh
. userspace/vexstress/tests/tap.sh
p=$PWD/build/bin/vexfs-profile
here=$PWD/userspace/tests/profile
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 "$here/make_perfdata.py" "$tmp"

# --- samples ---
run "$p" perf --kallsyms "$tmp/kallsyms" --functions "$tmp/su" --json "$tmp/p.json" \
	--folded "$tmp/folded" --flame "$tmp/flame.svg" "$tmp/perf.data"
[ "$status" = 0 ] && [[ $out == *"60.00 %  60.00 %  index      hot_scan"* ]]
check $? "the planted hotspot is named with its share and subsystem" "$status $out$err"
cmp "$tmp/folded" - <<'EOT'
lab kernel;do_syscall_[k];vexfs_put.isra.0_[k] 20
lab kernel;do_syscall_[k];vexfs_search_[k];hot_scan_[k] 60
lab kernel;schedule_[k];[libc.so.6];[host kernel]_[k] 10
lab programs 10
EOT
check $? "stacks have the lab's names; libraries and the host's kernel are one frame" "$(cat "$tmp/folded")"
python3 - "$tmp/p.json" <<'EOT'
import json, sys
p = json.load(open(sys.argv[1]))
assert p["samples"] == 100 and p["outside"] == 5 and not p["truncated"], p
assert p["owners"] == {"module": 80, "lab_kernel": 0, "host_library": 0, "lab_programs": 10,
                       "host_kernel": 10}, p["owners"]
assert p["subsystems"] == {"index": 60, "store": 20}, p["subsystems"]
f = {x["name"]: x for x in p["functions"]}
assert f["vexfs_search"]["self"] == 0 and f["vexfs_search"]["total"] == 60
EOT
check $? "owners, subsystems, self and total add up" "$(cat "$tmp/p.json")"
grep -q '<title>hot_scan_\[k\]: 60 samples' "$tmp/flame.svg"
check $? "the flame graph shows it" "$err"
run "$p" perf --kallsyms "$tmp/kallsyms" --functions "$tmp/su" "$tmp/perf.order"
[ "$status" = 0 ] && [[ $out == *hot_scan* ]]
check $? "a process has its last name by time, also where that stands first in the file" "$status $out$err"

# --- what cannot be read is a sentence ---
run "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.cut"
[ "$status" = 1 ] && [[ $err == *"ends in the middle"* ]] && [[ $out == *hot_scan* ]]
check $? "a file that ends in the middle gives a partial result, and says so" "$status $err"
run "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.chain"
[ "$status" = 0 ] && [[ $out == *hot_scan* ]]
check $? "a sample whose length is wrong is left out" "$status $err"
expect 6 "did not see the lab" "no sample of the lab" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.other"
expect 2 "no file of perf" "another byte order" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.magic"
expect 2 "lack address" "samples without what is needed" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.form"
expect 2 "names no events" "attributes behind the end" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.attrs"
expect 2 "too short" "a header cut short" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.short"
expect 2 "empty" "an empty file" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/perf.empty"
expect 2 "No such file" "no file" "$p" perf --kallsyms "$tmp/kallsyms" "$tmp/none"
expect 2 "kptr_restrict" "kallsyms without addresses" "$p" perf --kallsyms "$tmp/kallsyms.hidden" "$tmp/perf.data"
expect 2 "takes one file" "no kallsyms" "$p" perf "$tmp/perf.data"
expect 2 "unknown command" "an unknown command" "$p" nonsense

# --- the report on stored results, with a planted deep path, leak, hotspot and slow op ---
cp -r "$here/stored" "$tmp/profile"
run "$p" report --history "$tmp/h.db" "$tmp/profile"
[ "$status" = 1 ] && [[ $out == *"BEYOND a planted overflow was not caught"*"BEYOND do_search"*planted_deep*planted-leak*planted_hotspot*"SLOW fuse"*search_engine* ]]
check $? "the report names what was planted, worst first" "$status $out$err"
cmp "$here/report.md" "$tmp/profile/analysis/report.md"
check $? "the report is as stored" "$(diff "$here/report.md" "$tmp/profile/analysis/report.md" | head)"
[[ $err == *"partial: perf: the lab ended with status 74"* && $err == *"component-bridge: it was made of other sources"* ]]
check $? "what is partial or of another build is a sentence each" "$err"
python3 - "$tmp/profile/analysis" <<'EOT'
import json, sys, xml.dom.minidom
r = json.load(open(sys.argv[1] + "/report.json"))
assert r["beyond_limit"] and r["stack"][0]["entry"] == "do_search" and r["stack"][0]["seen"] == 2000
assert [c["component"] for c in r["components"]] == ["search_engine"]
assert r["components"][0]["verdict"] == "improved"
xml.dom.minidom.parse(sys.argv[1] + "/stack.svg")
EOT
check $? "JSON and SVG say the same" "$(head -c 300 "$tmp/profile/analysis/report.json")"
run "$p" report --baseline --history "$tmp/h.db" "$tmp/profile"
run "$p" report --history "$tmp/h.db" "$tmp/profile"
[[ $out != *baseline* && $err != *baseline* ]]
check $? "the same results differ from the baseline in nothing" "$out$err"
sed -i 's/"worst_possible": 1200/"worst_possible": 1500/' "$tmp/profile/static/report.json"
sed -i 's/"on": .*/"on": [1500, 1510, 1490, 1505, 1495, 1502, 1498, 1501]}/' "$tmp/profile/component-search_engine/samples.json"
run "$p" report --history "$tmp/h.db" "$tmp/profile"
[[ $out == *"do_put can use 1500 bytes of stack, 300 more than in the baseline"* ]]
check $? "a path that became deeper than in the baseline" "$out$err"
[[ $out == *"search_engine changes the speed by +50 %, in the baseline by +198 to +202 %"* ]]
check $? "and a component whose interval does not touch the baseline's" "$out$err"
run "$p" report --component search_engine "$tmp/profile"
[ "$status" = 1 ] && [[ $out == *search_engine* && $out != *planted_hotspot* ]]
check $? "a component alone" "$status $out$err"
run "$p" report --stack-overflow-analysis "$tmp/profile"
[ "$status" = 1 ] && [[ $out == *"do_search"* && $out != *planted-leak* && $out != *planted_hotspot* ]]
check $? "stack alone" "$status $out$err"
expect 6 "made of other sources\|no result of component" "a component that does not count" "$p" report --component bridge "$tmp/profile"
expect 6 "holds no results" "a directory without results" "$p" report "$tmp/su"
expect 6 "No such file" "no directory" "$p" report "$tmp/nothing"
expect 2 "one of" "two scopes at once" "$p" report --baseline --component bridge "$tmp/profile"
for f in static/report.json perf/profile.json valgrind/summary.json component-search_engine/samples.json; do
	cp -r "$here/stored" "$tmp/broken"
	head -c 60 "$here/stored/$f" > "$tmp/broken/$f"
	run "$p" report "$tmp/broken"
	[ "$status" -le 1 ] && [[ $err == *"partial: ${f%%/*}: ${f#*/}: "* ]]
	check $? "$f cut short is said, and the rest is reported" "$status $err"
	rm -rf "$tmp/broken"
done

# --- the static call graph ---
mkdir -p "$tmp/graph/kmod"
echo 'node: { title: "f" label: "f\\nf.c:1:1\\n16 bytes (static)" }' > "$tmp/graph/kmod/a.ci"
touch "$tmp/graph/kmod/a.o"
run scripts/stack-report "$tmp/graph"
[[ $out == *"0 entries"* && $err != *"no call graph"* ]]
check $? "a call graph of all objects is read" "$status $out$err"
touch "$tmp/graph/kmod/b.o"
expect 2 "1 objects have no call graph, .*b.o" "an object without one is refused" scripts/stack-report "$tmp/graph"

# --- the scripts' command lines; nothing is started ---
for s in scripts/profiling/scripts/*.sh scripts/profiling/test_environments/*.sh; do
	case $s in
	*common.sh|*_lab.sh|*/workload.sh) continue ;;
	esac
	run "$s" --help
	[ "$status" = 0 ] && [[ $out == usage:* ]]
	check $? "${s##*/} --help" "$status $err"
	run "$s" --nonsense
	[ "$status" = 2 ] && [ -n "$err" ]
	check $? "${s##*/} refuses what it does not know" "$status $err"
done
t=scripts/profiling/test_environments
expect 2 "deep_recursion or large_allocations" "a scenario that is none" $t/stack_overflow_reproduction.sh --scenario x
expect 2 "vector_storage" "a component that is none" $t/incremental_component_test.sh --component x
expect 2 "a number" "rounds that are none" $t/incremental_component_test.sh --component bridge --rounds x
expect 2 "PROFILE is 1" "PROFILE of another value" make PROFILE=yes help

# --- tools that are missing, of another version, or not allowed: a sentence, and partial ---
s=scripts/profiling/scripts
export VEXFS_NO_INSTALL=1 VEXFS_PROFILE_DIR=$tmp/out2
mkdir "$tmp/bin"
ln -sf /usr/sbin/* /usr/bin/* /bin/* "$tmp/bin/" 2> /dev/null
lacks() { # PART SENTENCE NAME COMMAND...
	local part=$1 sentence=$2 name=$3
	shift 3
	PATH=$tmp/bin run "$@"
	[ "$status" = 1 ] && [[ $err == *"$sentence"* ]] &&
		grep -qx 'state=partial' "$VEXFS_PROFILE_DIR/$part/status" &&
		grep -q "^why=.*$sentence" "$VEXFS_PROFILE_DIR/$part/status"
	check $? "$name" "$status $out$err" "$(cat "$VEXFS_PROFILE_DIR/$part/status")"
}
rm -f "$tmp/bin/perf" "$tmp/bin/valgrind" "$tmp/bin/bpftrace"
lacks perf "perf is missing" "no perf" $s/run_perf_memory_profile.sh
lacks trace "perf is missing" "no perf for the trace manager" $s/vexfs_trace_manager.sh run
lacks valgrind "valgrind is missing" "no valgrind" $s/run_valgrind_stack_analysis.sh
lacks ebpf "bpftrace is missing" "no bpftrace" $s/run_ebpf_fuse_tracing.sh
printf '#!/bin/sh\necho bpftrace v0.1.9\n' > "$tmp/bin/bpftrace"
cat > "$tmp/bin/perf" <<'EOT'
#!/bin/sh
echo "Access to performance monitoring and observability operations is limited." >&2
exit 255
EOT
chmod +x "$tmp/bin/bpftrace" "$tmp/bin/perf"
lacks perf "perf may not be used here" "no permission for perf" $s/run_perf_memory_profile.sh
lacks trace "perf may not be used here" "no permission for perf of the trace manager" $s/vexfs_trace_manager.sh run
PATH=$tmp/bin run $s/setup_profiling_environment.sh --check
[ "$status" = 1 ] && [[ $out == *"no   bpftrace"*"version 0.1.9 is older than"* ]] &&
	[[ $out == *"no   valgrind"*"apt-get install valgrind"* ]] && [[ $out == *"no   counters"* ]]
check $? "the setup script names what is missing, too old, and not counted" "$status $out$err"

tap_end
