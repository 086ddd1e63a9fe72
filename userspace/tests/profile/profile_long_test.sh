#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each tool of scripts/profiling, with a planted leak, deep path, hotspot, slow op and overflow.

# shellcheck source=userspace/vexstress/tests/tap.sh
. userspace/vexstress/tests/tap.sh
s=scripts/profiling/scripts
t=scripts/profiling/test_environments
tmp=$(mktemp -d "$PWD/build/profile-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export VEXFS_PROFILE_DIR=$tmp/profile
complete() { grep -qx 'state=complete' "$VEXFS_PROFILE_DIR/$1/status"; }

gcc -g -O0 -o "$tmp/planted" userspace/tests/profile/plant_leak.c
run $s/run_valgrind_stack_analysis.sh --program planted -- "$tmp/planted"
[ "$status" = 1 ] && [[ $out == *"memcheck  planted  errors 1  lost 4096"*FINDING* ]]
check $? "valgrind: the planted leak is named" "$status $out$err"
jq -e '.[] | select(.tool == "massif") | .stack > 1000000 and .finding' \
	"$VEXFS_PROFILE_DIR/valgrind/summary.json" > /dev/null
check $? "valgrind: the planted stack is a finding" "$out"
run $s/run_valgrind_stack_analysis.sh --program clean -- build/bin/vexctl --help
[ "$status" = 0 ] && complete valgrind
check $? "valgrind: a sound program is none" "$status $out$err"
run $s/run_valgrind_stack_analysis.sh
[ "$status" = 0 ] && complete valgrind && jq -e '
	[.[] | select((.program == "vexfsd" or .program == "vexfs-mount") and .state == "done")] | length == 6' \
	"$VEXFS_PROFILE_DIR/valgrind/summary.json" > /dev/null
check $? "valgrind: our programs, vexfsd and the mount in the lab under all three tools" "$status $out$err"

run $s/run_static_stack_analysis.sh
[ "$status" = 0 ] && jq -e 'length >= 2 and all(.[]; .worst_possible > 0)' "$VEXFS_PROFILE_DIR/static/report.json" > /dev/null &&
	! grep -E '^recursion|not resolved:|ABOVE' "$VEXFS_PROFILE_DIR/static/paths"
check $? "static: each path of calls is within the budget" "$status $out$err"
[ -s "$VEXFS_PROFILE_DIR/static/structures" ] && [ -s "$VEXFS_PROFILE_DIR/static/frames" ]
check $? "static: frames and structures" "$out"

# shellcheck disable=SC2016 # for the lab
run $s/run_perf_memory_profile.sh --plant -- sh -c '
	insmod $VEXFS_TOP/build/module/uml-profile-plant/vexfs_plant_stack.ko scenario=hotspot &&
	cat /proc/kallsyms > $VEXFS_RESULTS/kallsyms &&	# with the names of that module
	rmmod vexfs_plant_stack'
jq -e '[.functions[] | select(.name == "plant_hotspot")][0].self > .samples * 0.2' \
	"$VEXFS_PROFILE_DIR/perf/profile.json" > /dev/null
check $? "perf: the planted hotspot is named" "$status $out$err"
run $s/analyze_profiling_results.sh
[[ $out == *"plant_hotspot (outside of vexfs) takes "* ]]
check $? "the report names it, although it is in no subsystem of vexfs" "$status $out$err"
run $s/run_perf_memory_profile.sh -- sh -c 'vexctl create c --dim 4; echo c > /proc/sysrq-trigger'
[ "$status" = 1 ] && [[ $err == *"the lab ended with status"*": lab: "* ]] && grep -qx state=partial "$VEXFS_PROFILE_DIR/perf/status"
check $? "perf: a lab that dies in the middle is said, and the result partial" "$status $out$err"
run $s/run_perf_memory_profile.sh
[ "$status" = 0 ] && complete perf && jq -e '.subsystems.index > 0 and .subsystems.math > 0' \
	"$VEXFS_PROFILE_DIR/perf/profile.json" > /dev/null
check $? "perf: a load and searches, by subsystem" "$status $out$err"

run $s/vexfs_trace_manager.sh run
[ "$status" = 0 ] && awk -F , 'NR > 1 && $2 > 0 && $4 > 0 { both = 1 } $7 > 0 { free = 1 } END { exit !(both && free) }' \
	"$VEXFS_PROFILE_DIR/trace/joined.csv"
check $? "trace manager: samples and ops of the same seconds" "$status $out$err"

run $t/minimal_fuse_test.sh
[ "$status" = 0 ] && complete minimal
check $? "the minimal mount" "$status $out$err"
for c in vector_storage search_engine metadata_manager bridge durability; do
	run $t/incremental_component_test.sh --component $c --rounds 1
	[ "$status" = 0 ] && jq -e '(.off | length) == 6 and (.on | length) == 6' \
		"$VEXFS_PROFILE_DIR/component-$c/samples.json" > /dev/null
	check $? "component $c without and with" "$status $out$err"
done
run $t/profile_build_test.sh --rounds 1
[ "$status" = 0 ] && [[ $out == *"lines are the same in both builds"* ]] && complete component-profile_insert
check $? "the profiling build gives the same results, and its cost is measured" "$status $out$err"

run $s/run_ebpf_fuse_tracing.sh --plant no_bpf
[ "$status" = 1 ] && [[ $err == *"bpftrace does not start: "*BPF* ]] &&
	grep -qx state=partial "$VEXFS_PROFILE_DIR/ebpf/status"
check $? "bpftrace: without the capability for BPF the reason is printed, and the result partial" "$status $out$err" \
	"$(cat "$VEXFS_PROFILE_DIR/ebpf/status" "$VEXFS_PROFILE_DIR/ebpf/bpftrace.err")"
run $s/run_ebpf_fuse_tracing.sh --plant slow_op
[ "$status" = 0 ] && grep -qE 'SLOW fuse opcode [0-9]+: [0-9]{7}' "$VEXFS_PROFILE_DIR/ebpf/alerts"
check $? "bpftrace: the planted slow op is reported" "$status $out$err"

run $t/stack_overflow_reproduction.sh --all-scenarios
[ "$status" = 0 ] && [ "$(grep -c ' yes$' "$VEXFS_PROFILE_DIR/overflow/verdicts")" = 18 ]
check $? "both planted overflows are counted, reported before the guard page, and contained" "$status $out$err"

run $s/analyze_profiling_results.sh
[ "$status" -le 1 ] && [ -s "$VEXFS_PROFILE_DIR/analysis/report.md" ] &&
	[ "$(grep -cE '^\| (vector_storage|search_engine|metadata_manager|bridge|durability|profile_(insert|graph|exact)) \|.* [1-9][0-9]* \| [1-9]' \
		"$VEXFS_PROFILE_DIR/analysis/report.md")" = 8 ] &&
	grep -q 'SLOW fuse' "$VEXFS_PROFILE_DIR/analysis/report.md"
check $? "all of it is one report" "$status $out$err"

tap_end
