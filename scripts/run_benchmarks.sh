#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_benchmarks.sh [--profile] [WORKLOAD-OR-SUITE...]: a campaign of vexstress in a lab.
# Leaves in build/benchmarks: result.json, report.html, metrics.csv (one line per workload
# and run, appended) and trend.svg.
#
# With --profile nothing is measured: perf follows the lab from its host while the workloads
# (default: semantic, the graph search, over 5,000 vectors) run twenty seconds each. Leaves
# flame.svg, stacks.folded and profile.json there. Needs the uml lab. What comes before the
# measurement is in the picture, too: keep collections small.
#
# The environment:
#
#   BENCHMARK_MODE   quick (default), full or ci: how long is measured
#   LAB              where (default uml; host for this machine's own kernel)
#   SAVE_BASELINE    a name: keep the result as build/benchmarks/NAME.json, too
#
# Exits with the status of vexstress: 0, or what vexstress(1) says.

set -u -o pipefail

top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
mode=${BENCHMARK_MODE:-quick}
lab=${LAB:-uml}
out=$top/build/benchmarks

case $mode in
quick|full|ci) ;;
*)	echo "run_benchmarks: BENCHMARK_MODE is quick, full or ci, not '$mode'" >&2; exit 2 ;;
esac
name=${SAVE_BASELINE:-}
if [[ -n $name && ! $name =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]]; then
	echo "run_benchmarks: '$name' is no name for a baseline: letters, digits, '.', '_' and '-'" >&2
	exit 2
fi
profile=0
if [ "${1:-}" = --profile ]; then
	profile=1
	shift
fi
case ${1:-} in
-h|--help) sed -n '/^# run_benchmarks/,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
-*)	echo "run_benchmarks: unknown option '$1'; --profile is the only one" >&2; exit 2 ;;
esac
mkdir -p "$out" || exit 1

if [ $profile = 1 ]; then
	if [ "$lab" != uml ]; then
		echo "run_benchmarks: --profile looks into the uml lab from its host; elsewhere: vexstress run WORKLOAD --flamegraph FILE" >&2
		exit 2
	fi
	[ $# -gt 0 ] || set -- semantic --vectors 5000 --ef 64
	rm -f "$out/flame.svg" "$out/stacks.folded" "$out/profile.json"
	"$top/scripts/profiling/scripts/run_perf_memory_profile.sh" -- \
		vexstress run "$@" -q --profile-time 20s
	status=$?
	for file in flame.svg stacks.folded profile.json; do
		[ ! -s "$top/build/profiling/perf/$file" ] || cp "$top/build/profiling/perf/$file" "$out" || exit 1
	done
	[ ! -e "$out/flame.svg" ] || echo "In build/benchmarks: flame.svg, stacks.folded, profile.json."
	exit $status
fi
[ $# -gt 0 ] || set -- vector semantic point pools simd churn mixed

"$top/scripts/lab" run "$lab" --timeout 7200 --results "$out" -- \
	vexstress run "--$mode" "$@" -o "$out/result.json" -r "$out/report.html" \
	--metrics-csv "$out/metrics.csv"
status=$?
[ -e "$out/result.json" ] || exit $status
[ -z "$name" ] || cp "$out/result.json" "$out/$name.json" || exit 1
"$top/build/bin/vexstress" trend "$out/metrics.csv" -q -r "$out/trend.svg"
echo "In build/benchmarks: result.json, report.html, metrics.csv, trend.svg${name:+, $name.json}."
exit $status
