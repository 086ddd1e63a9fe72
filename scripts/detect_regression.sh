#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# detect_regression.sh [BASELINE [CURRENT]]: compares two results of vexstress and
# writes regression-report.md. Without arguments: build/benchmarks/baseline.json and
# result.json, as scripts/run_benchmarks.sh leaves them. The environment: REPORT, where
# the report goes.
#
# A metric that lost 10 % or more is a REGRESSION, 5 % or more a WARNING, as far as the
# statistics prove it. Exit status: 0 no regression, 1 a regression, 2 the results cannot
# be compared.

set -u -o pipefail

top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
out=$top/build/benchmarks
baseline=${1:-$out/baseline.json}
current=${2:-$out/result.json}
report=${REPORT:-regression-report.md}
stress=$top/build/bin/vexstress

if [ $# -gt 2 ]; then
	echo "usage: detect_regression.sh [BASELINE [CURRENT]]" >&2
	exit 2
fi
for file in "$baseline" "$current"; do
	if [ ! -r "$file" ]; then
		echo "detect_regression: there is no $file; SAVE_BASELINE=baseline scripts/run_benchmarks.sh makes a baseline" >&2
		exit 2
	fi
done
make -s -C "$top" build/bin/vexstress >&2 || exit 2
table=$("$stress" compare "$baseline" "$current" --format markdown)
status=$?
case $status in
0|1) ;;
*)	echo "detect_regression: the results cannot be compared (status $status)" >&2; exit 2 ;;
esac
table=$(printf '%s\n' "$table" | sed 's/| regressed (fails) |/| REGRESSION |/; s/| regressed |/| WARNING |/
	s/| improved |/| improvement |/')
# the report is read elsewhere: directories of this machine say nothing there
table=${table//"$baseline"/"${baseline##*/}"}
table=${table//"$current"/"${current##*/}"}
failed=$(printf '%s\n' "$table" | grep -c '| REGRESSION |')
warned=$(printf '%s\n' "$table" | grep -c '| WARNING |')
{
	echo "# Regression report"
	echo
	echo "Baseline \`${baseline##*/}\`, current \`${current##*/}\`: $failed regressions of 10 % or more, $warned warnings of 5 % or more."
	echo
	printf '%s\n' "$table"
} > "$report.part" && mv "$report.part" "$report" || { rm -f "$report.part"; exit 2; }
echo "$failed regressions, $warned warnings; see $report"
# the verdict of the comparison, not of its text
exit $status
