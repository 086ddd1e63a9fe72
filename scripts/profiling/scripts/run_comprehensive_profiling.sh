#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: run_comprehensive_profiling.sh [--quick] [--skip PART]...

	Everything in turn: static call graph, the minimal mount, perf, all tools in one run,
	valgrind, what the profiling build costs, components, bpftrace, planted overflows; then
	the report. A part that lacks something is marked partial and does not stop the others.
	Parts: static minimal perf trace valgrind build components ebpf overflow. --quick
	leaves out those that need an emulated processor or more than a minute: all but
	static, minimal and perf.
	Status: 0 all complete and nothing beyond a limit, 1 otherwise, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
known="static minimal perf trace valgrind build components ebpf overflow"
skip=" "
while [ $# -gt 0 ]; do
	case $1 in
	--quick) skip+="trace valgrind build components ebpf overflow " ;;
	--skip)
		[[ " $known " == *" ${2:-?} "* ]] || wrong "--skip takes one of: $known"
		skip+="$2 "
		shift ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
here=$profiling
bad=0
step() { # PART COMMAND...
	local part=$1 start=$SECONDS status
	shift
	if [[ $skip == *" $part "* ]]; then
		printf '%-11s left out\n' "$part"
		return
	fi
	"$@" > "$out/$part.log" 2>&1
	status=$?
	[ $status = 0 ] || bad=1
	printf '%-11s %-9s %4d s  %s\n' "$part" "$([ $status = 0 ] && echo complete || echo "status $status")" \
		$((SECONDS - start)) "$(grep -vE ': (complete|partial): ' "$out/$part.log" | tail -n 1 | cut -c1-100)"
}
components() {
	local c status=0
	for c in vector_storage search_engine metadata_manager bridge durability; do
		"$here/test_environments/incremental_component_test.sh" --component $c || status=$?
	done
	return $status
}
mkdir -p "$out" || { say "cannot write to $out"; exit 67; }
"$here/scripts/setup_profiling_environment.sh" --check > "$out/setup.log" 2>&1 ||
	grep '^no ' "$out/setup.log"
step static "$here/scripts/run_static_stack_analysis.sh"
step minimal "$here/test_environments/minimal_fuse_test.sh"
step perf "$here/scripts/run_perf_memory_profile.sh"
step trace "$here/scripts/vexfs_trace_manager.sh" run
step valgrind "$here/scripts/run_valgrind_stack_analysis.sh"
step build "$here/test_environments/profile_build_test.sh"
step components components
step ebpf "$here/scripts/run_ebpf_fuse_tracing.sh"
step overflow "$here/test_environments/stack_overflow_reproduction.sh" --all-scenarios
"$here/scripts/analyze_profiling_results.sh" || bad=1
exit $bad
