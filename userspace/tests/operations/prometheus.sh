#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Verbs that look back, over a real Prometheus instead of the database: two machines with half a
# day of history, of which one became slower an hour ago.
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
ok "a history for Prometheus" promtool tsdb create-blocks-from openmetrics "$work/history.om" "$work/data"
printf 'global: {}\n' > "$work/prometheus.yml"
port=9471
while (exec 3<> /dev/tcp/127.0.0.1/$port) 2> /dev/null; do port=$((port + 1)); done
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=30d \
	--web.listen-address=127.0.0.1:$port > "$work/log" 2>&1 &
server=$!
url=http://127.0.0.1:$port
for _ in $(seq 300); do
	curl -sf $url/-/ready > /dev/null && break
	sleep 0.1
done
p() { build/bin/vexctl performance "$@"; }
json() { # WHAT FILTER COMMAND...
	n=$((n + 1))
	"${@:3}" -j > "$work/out" 2> "$work/err"
	if jq -e "$2" "$work/out" > "$work/jq" 2>&1; then echo "ok $n - $1"; else echo "not ok $n - $1"; cat "$work/out" "$work/err" | head -c 2000 | sed 's/^/# /'; fi
}
periods=(--period1 '11h ago to 2h ago' --period2 '50m ago to now' --prometheus "$url")
status 1 "the machine that became slower did" p compare-periods "${periods[@]}" --instance a.example
json "by two fifths" '.verdicts[] | select(.metric == "vector_ops") | .verdict == "regressed" and .change_percent > -42 and .change_percent < -38' \
	p compare-periods "${periods[@]}" --instance a.example:9939
json "the other did not" '.regression_detected == false' p compare-periods "${periods[@]}" --instance b
json "both together, by a quarter" '.verdicts[] | select(.metric == "vector_ops") | .change_percent > -29 and .change_percent < -24' \
	p compare-periods "${periods[@]}"
json "when it was" ".trends[] | select(.metric == \"vector_ops\").change_points | length == 1 and (.[0].time - ($now - 3600) | fabs) < 900" \
	p trend-analysis --duration 11h --detect-degradation --metrics vector_ops --prometheus $url --instance a.example
printf '[monitor]\nprometheus = %s\n' $url > "$work/vexfs.conf"
json "where vexfs.conf names it" '.verdicts[] | select(.metric == "vectors" or .metric == "vector_ops") | .verdict == "regressed"' \
	env VEXFS_CONFIG="$work/vexfs.conf" build/bin/vexctl performance compare-periods --period1 '11h ago to 2h ago' --period2 '50m ago to now'
status 6 "a machine that is not there: cannot tell" p compare-periods "${periods[@]}" --instance c
status 6 "no server: cannot tell" p compare-periods --period1 '11h ago to 2h ago' --period2 '1h ago to now' --prometheus http://127.0.0.1:1
status 2 "an instance that is an expression" p compare-periods "${periods[@]}" --instance 'a"} or vector(1)'
status 2 "two sources" p compare-periods "${periods[@]}" --history x
status 2 "an instance without a server" p compare-periods --period1 '2h ago to 1h ago' --period2 '1h ago to now' --instance a --history /nonexistent
# Every verb that looks back does so there: 0, 1 or 6, and says which machine.
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
there "check" p regression-check --baseline-period 10h --current-period 30m --prometheus $url --instance a.example
there "trends" p trend-analysis --duration 11h --prometheus $url --instance a.example
there "the timeline" p timeline --duration 11h --metrics vector_ops --prometheus $url --instance a.example
there "a forecast" p forecast --duration 11h --ahead 1h --metrics vector_ops --prometheus $url --instance a.example
there "investigation" p investigate --duration 11h --prometheus $url --instance a.example
status 6 "resources: node_exporter is not there" p resource-analysis --duration 2h --prometheus $url --instance a.example
p report --duration 11h --prometheus $url --instance a.example -o "$work/report.html"
there "a report" cat "$work/report.html"
p regression-report --duration 11h --prometheus $url --instance a.example -o "$work/worse.md"
there "a report of what got worse" cat "$work/worse.md"
echo "1..$n"
