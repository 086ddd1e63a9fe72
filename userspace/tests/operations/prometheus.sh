#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Verbs that read the history, from a real Prometheus instead of the database: two machines with
# half a day of history, of which one became slower an hour ago.
work=$(mktemp -d)
trap 'kill "$server" 2> /dev/null; wait; rm -rf "$work"' EXIT
n=0
ok() { # WHAT COMMAND...
	n=$((n + 1))
	if "${@:2}" > "$work/out" 2>&1; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' "$work/out"; fi
}
status() { # CODE WHAT COMMAND...
	n=$((n + 1))
	"${@:3}" > "$work/out" 2>&1
	local got=$?
	if [ $got = "$1" ]; then echo "ok $n - $2"; else echo "not ok $n - $2: status $got"; sed 's/^/# /' "$work/out"; fi
}

now=$(date +%s)
awk -v now="$now" 'BEGIN {
	srand(1)
	print "# TYPE vexfs_ops counter"
	for (m = 0; m < 2; m++) {
		count = 0
		for (t = now - 43200; t <= now; t += 60) {
			rate = m ? 50 : t > now - 3600 ? 60 : 100
			count += 60 * rate * (0.98 + 0.04 * rand())
			printf "vexfs_ops_total{class=\"vector\",op=\"put\",instance=\"%s:9939\"} %.0f %d\n", m ? "b" : "a.example", count, t
		}
	}
	print "# TYPE vexfs_vectors gauge"
	for (m = 0; m < 2; m++)
		for (t = now - 43200; t <= now; t += 60)
			printf "vexfs_vectors{instance=\"%s:9939\"} %d %d\n", m ? "b" : "a.example", m ? 7 : 1000, t
	print "# EOF"
}' > "$work/history.om"
ok "promtool makes a history for Prometheus" promtool tsdb create-blocks-from openmetrics "$work/history.om" "$work/data"
# shellcheck source=userspace/tests/operations/start_prometheus.sh
. userspace/tests/operations/start_prometheus.sh
start_prometheus 9471
p() { build/bin/vexctl performance "$@"; }
json() { # WHAT FILTER COMMAND...
	n=$((n + 1))
	"${@:3}" -j > "$work/out" 2> "$work/err"
	if jq -e "$2" "$work/out" > "$work/jq" 2>&1; then echo "ok $n - $1"; else echo "not ok $n - $1"; cat "$work/out" "$work/err" | head -c 2000 | sed 's/^/# /'; fi
}
periods=(--period1 '11h ago to 2h ago' --period2 '50m ago to now' --prometheus "$url")
status 1 "compare-periods finds that machine a became slower" p compare-periods "${periods[@]}" --instance a.example
json "compare-periods gives the change of machine a, -40 %" '.verdicts[] | select(.metric == "vector_ops") | .verdict == "regressed" and .change_percent > -42 and .change_percent < -38' \
	p compare-periods "${periods[@]}" --instance a.example:9939
json "compare-periods finds no regression of machine b" '.regression_detected == false' p compare-periods "${periods[@]}" --instance b
json "compare-periods without --instance gives the change of both machines together, -27 %" '.verdicts[] | select(.metric == "vector_ops") | .change_percent > -29 and .change_percent < -24' \
	p compare-periods "${periods[@]}"
json "trend-analysis dates the change of machine a" ".trends[] | select(.metric == \"vector_ops\").change_points | length == 1 and (.[0].time - ($now - 3600) | fabs) < 900" \
	p trend-analysis --duration 11h --detect-degradation --metrics vector_ops --prometheus $url --instance a.example
printf '[monitor]\nprometheus = %s\n' $url > "$work/vexfs.conf"
json "compare-periods uses the Prometheus that vexfs.conf names" '.verdicts[] | select(.metric == "vectors" or .metric == "vector_ops") | .verdict == "regressed"' \
	env VEXFS_CONFIG="$work/vexfs.conf" build/bin/vexctl performance compare-periods --period1 '11h ago to 2h ago' --period2 '50m ago to now'
status 6 "compare-periods exits with 6 for an unknown machine" p compare-periods "${periods[@]}" --instance c
status 6 "compare-periods exits with 6 when no server answers" p compare-periods --period1 '11h ago to 2h ago' --period2 '1h ago to now' --prometheus http://127.0.0.1:1
status 2 "compare-periods refuses an --instance that contains an expression" p compare-periods "${periods[@]}" --instance 'a"} or vector(1)'
status 2 "compare-periods refuses --prometheus together with --history" p compare-periods "${periods[@]}" --history x
status 2 "compare-periods refuses --instance without --prometheus" p compare-periods --period1 '2h ago to 1h ago' --period2 '1h ago to now' --instance a --history /nonexistent
# Every verb that reads the history does so there: it exits with 0, 1 or 6 and prints the metric.
there() { # WHAT COMMAND...
	n=$((n + 1))
	"${@:2}" > "$work/out" 2> "$work/err"
	local got=$?
	if [[ $got =~ ^[016]$ ]] && grep -q vector_ops "$work/out" && ! grep -q . "$work/err"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1: status $got"
		cat "$work/out" "$work/err" | head -20 | sed 's/^/# /'
	fi
}
there "regression-check reads the history from Prometheus" p regression-check --baseline-period 10h --current-period 30m --prometheus $url --instance a.example
there "trend-analysis reads the history from Prometheus" p trend-analysis --duration 11h --prometheus $url --instance a.example
there "timeline reads the history from Prometheus" p timeline --duration 11h --metrics vector_ops --prometheus $url --instance a.example
there "forecast reads the history from Prometheus" p forecast --duration 11h --ahead 1h --metrics vector_ops --prometheus $url --instance a.example
there "investigate reads the history from Prometheus" p investigate --duration 11h --prometheus $url --instance a.example
status 6 "resource-analysis exits with 6 without metrics of node_exporter" p resource-analysis --duration 2h --prometheus $url --instance a.example
p report --duration 11h --prometheus $url --instance a.example -o "$work/report.html"
there "report reads the history from Prometheus" cat "$work/report.html"
p regression-report --duration 11h --prometheus $url --instance a.example -o "$work/worse.md"
there "regression-report reads the history from Prometheus" cat "$work/worse.md"
echo "1..$n"
