#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_benchmarks.sh [WORKLOAD-OR-SUITE...]: a campaign of vexstress in a lab. Leaves in
# build/benchmarks: result.json, report.html, metrics.csv (one line per workload and
# run, appended) and trend.svg. The environment:
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
[ $# -gt 0 ] || set -- vector semantic point pools simd churn mixed
mkdir -p "$out" || exit 1

"$top/scripts/lab" run "$lab" --timeout 7200 --results "$out" -- \
	vexstress run "--$mode" "$@" -o "$out/result.json" -r "$out/report.html" \
	--metrics-csv "$out/metrics.csv"
status=$?
[ -e "$out/result.json" ] || exit $status
[ -z "$name" ] || cp "$out/result.json" "$out/$name.json" || exit 1
"$top/build/bin/vexstress" trend "$out/metrics.csv" -q -r "$out/trend.svg"
echo "In build/benchmarks: result.json, report.html, metrics.csv, trend.svg${name:+, $name.json}."
exit $status
