#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: analyze_profiling_results.sh [--baseline | --component NAME | --stack-overflow-analysis]

	Joins what the tools left in build/profiling into one report, worst first:
	build/profiling/analysis/report.md, report.json, stack.svg, flame.svg.
	--baseline keeps it: later reports say what changed since. --component NAME is about
	one component, --stack-overflow-analysis about stack alone. Parts that are partial or
	were made of other sources are named. Baseline and reports are kept in
	build/profiling/history.db.
	Status: 0 nothing beyond a limit, 1 something is, 2 wrong usage, 6 no results.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
options=()
while [ $# -gt 0 ]; do
	case $1 in
	--baseline|--stack-overflow-analysis) options+=("$1") ;;
	--component) [ $# -ge 2 ] || wrong "--component needs a name"; options+=("$1" "$2"); shift ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
[ -d "$out" ] || { say "there are no results in $out: run_comprehensive_profiling.sh makes some"; exit 6; }
make -s build/bin/vexfs-profile >&2 || exit 69
if [ -s "$out/ebpf/trace.json" ]; then
	jq -r 'select(.type == "map") | .data | .["@depth"] // empty | to_entries | sort_by(-.value)[] |
		"\(.value)\t\(.key | sub("__traceiter_"; ""))"' "$out/ebpf/trace.json" > "$out/ebpf/depths" 2> /dev/null
fi
build/bin/vexfs-profile report "${options[@]}" --history "$out/history.db" "$out"
status=$?
[ ! -e "$out/perf/flame.svg" ] || cp "$out/perf/flame.svg" "$out/analysis/"
exit $status
