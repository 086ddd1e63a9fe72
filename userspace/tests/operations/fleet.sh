#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexctl fleet over a real Prometheus: six machines with 13 hours of history. One became slow three
# hours ago, one stopped to answer 20 minutes ago, one runs another version.
work=$(mktemp -d)
trap 'kill "$server" 2> /dev/null; wait; rm -rf "$work"' EXIT
n=0
ok() { # WHAT COMMAND...
	n=$((n + 1))
	if "${@:2}" > "$work/log" 2>&1; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' "$work/log"; fi
}
run() { # CODE WHAT VERB...: what it prints goes to $work/out
	n=$((n + 1))
	build/bin/vexctl fleet "${@:3}" > "$work/out" 2> "$work/err"
	local got=$?
	if [ $got = "$1" ]; then echo "ok $n - $2"; else echo "not ok $n - $2: status $got"; head -20 "$work/out" "$work/err" | sed 's/^/# /'; fi
}
json() { # WHAT FILTER: about the last output
	ok "$1" jq -e "$2" "$work/out"
}

now=$(date +%s)
awk -v now="$now" '
function series(metric, m, labels) { return sprintf("%s{instance=\"m%d:9890\"%s}", metric, m, labels) }
# The time of the last sample of a machine.
function last(m) { return m == 5 ? now - 1200 : now }
function slow(m, t) { return m == 6 && t > now - 10800 }
BEGIN {
	from = now - 46800
	print "# TYPE vexfs_ops counter"
	for (m = 1; m <= 6; m++) {
		count = 0
		for (t = from; t <= last(m); t += 60) {
			count += 60 * (slow(m, t) ? 25 : 98 + m)
			printf "%s %d %d\n", series("vexfs_ops_total", m, ",class=\"vector\",op=\"exact\""), count, t
		}
	}
	# Ops take 1 to 2 ms; on the slow machine 16 to 32 ms.
	print "# TYPE vexfs_op_duration_seconds histogram"
	split("0.001 0.002 0.016 0.032 +Inf", le)
	for (m = 1; m <= 6; m++) {
		split("", b)
		for (t = from; t <= last(m); t += 60)
			for (i = 1; i <= 5; i++) {
				b[i] += (slow(m, t) ? i >= 4 : i >= 2) * 60 * (slow(m, t) ? 25 : 98 + m) * (i == 2 && m <= 5 ? 1 - m / 1000 : 1)
				sample[m, t, i] = b[i]
			}
		for (i = 1; i <= 5; i++)
			for (t = from; t <= last(m); t += 60)
				printf "%s %d %d\n", series("vexfs_op_duration_seconds_bucket", m, ",class=\"vector\",op=\"exact\",le=\"" le[i] "\""), sample[m, t, i], t
	}
	print "# TYPE vexfs_up gauge"
	for (m = 1; m <= 6; m++)
		for (t = from; t <= last(m); t += 60)
			print series("vexfs_up", m), 1, t
	print "# TYPE vexfs_vectors gauge"
	for (m = 1; m <= 6; m++)
		for (t = from; t <= last(m); t += 60)
			print series("vexfs_vectors", m), m * 1000, t
	print "# TYPE vexfs_build info"
	for (m = 1; m <= 6; m++)
		for (t = from; t <= last(m); t += 60)
			print series("vexfs_build_info", m, ",version=\"" (m == 4 ? "0.9" : "1.0") "\",simd=\"avx2\""), 1, t
	print "# EOF"
}' > "$work/history.om"
ok "a history for Prometheus" promtool tsdb create-blocks-from openmetrics "$work/history.om" "$work/data"
# shellcheck source=userspace/tests/operations/start_prometheus.sh
. userspace/tests/operations/start_prometheus.sh
start_prometheus 9491
at=(--prometheus "$url")

run 1 "status says that something is wrong" status -j "${at[@]}"
json "six machines are known" '.machines == 6 and ([.fleet[].machine] == ["m1:9890","m2:9890","m3:9890","m4:9890","m5:9890","m6:9890"])'
json "the slow one stands out, and no other" '[.fleet[] | select(.outlier).machine] == ["m6:9890"]'
json "for its rate" '.fleet[5].stands_out | test("ops_per_s -")'
json "its p99 is that of its histogram" '.fleet[5].p99_s > 0.016 and .fleet[5].p99_s <= 0.032 and .fleet[0].p99_s < 0.0161'
json "one that does not answer any more is down" '.fleet[4].up == 0 and .fleet[4].ops_per_s == null and ([.fleet[] | select(.up == 1)] | length == 5)'
run 1 "status as text" status "${at[@]}"
ok "it names what is down" grep -q '^m5:9890 *down' "$work/out"
ok "it counts versions" grep -q '^4 on version 1.0 with avx2' "$work/out"
ok "and the odd one" grep -q '^1 on version 0.9 with avx2' "$work/out"

run 0 "top by vectors" top -j --by vectors -n 2 "${at[@]}"
json "has the two with most of them" '[.fleet[].machine] == ["m6:9890","m4:9890"]'

run 0 "compare with three and a half hours ago" compare -j --ago 12600s "${at[@]}"
json "the slow machine had four times the rate" '.fleet[5] | .before.ops_per_s / .ops_per_s | . > 4 and . < 4.4'
json "and an eighth of the p99 or less" '.fleet[5] | .p99_s / .before.p99_s > 7'
json "the others are as they were" '[.fleet[:4][] | .before.ops_per_s / .ops_per_s | . > 0.99 and . < 1.01] | all'
json "what is down had values before" '.fleet[4] | .before.ops_per_s > 102 and .before.up == 1 and .up == 0'
run 0 "compare as text" compare --ago 12600s "${at[@]}"
ok "the change is in per cent" grep -Eq '^m6:9890 +104\.[0-9] +2[45]\.[0-9] +-7[56]\.[0-9]%' "$work/out"
ok "no change is none" grep -Eq '^m1:9890 .* [-+]0\.0%' "$work/out"
run 0 "before any history there is nothing to compare with" compare -j --ago 2d "${at[@]}"
json "which is said as null" '.fleet[0].before.ops_per_s == null and .fleet[0].ops_per_s > 90'
run 2 "a time that is none is refused" compare --ago 'x[5m]' "${at[@]}"
run 1 "a server that is not there" compare --prometheus http://127.0.0.1:1
ok "is named" grep -q '127.0.0.1:1' "$work/err"
echo "1..$n"
