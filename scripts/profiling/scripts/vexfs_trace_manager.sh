#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: vexfs_trace_manager.sh run [-- COMMAND...]
	       vexfs_trace_manager.sh show

	run records one run of COMMAND (default: a load, searches, deletions) in the uml lab
	with all tools at once, by one configuration (configs/trace.conf): samples of perf,
	trace events of vexfs, memory. The results are joined by time: joined.csv has a line
	for each second, with samples by owner, ops and their time, and free memory.
	show prints joined.csv of the last run. Results: build/profiling/trace.
	Status: 0 complete, 1 partial, 2 wrong command line, 6 nothing to show.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
conf=trace.conf
case ${1:-} in
-h|--help) usage; exit 0 ;;
run) shift ;;
show)
	[ -s "$out/trace/joined.csv" ] || { say "there is no run to show"; exit 6; }
	column -t -s , "$out/trace/joined.csv"
	exit 0 ;;
*) wrong "run or show" ;;
esac
command=(scripts/profiling/scripts/workload.sh 10000 96 1000)
if [ $# -gt 0 ]; then
	[ "$1" = -- ] && [ $# -gt 1 ] || wrong "a command follows --"
	shift
	command=("$@")
fi

begin trace
may_profile || finish
make -s tools build/bin/vexfs-profile >&2 || exit 69
"$lab" build uml --profile 2>&1 | grep -v 'is ready' >&2

# The lab's wall clock is that of this machine: a mark with its reading joins the clocks.
# shellcheck disable=SC2016 # for the lab
inside='
t=/sys/kernel/tracing
to=$VEXFS_RESULTS
cat /proc/kallsyms > $to/kallsyms
echo mono > $t/trace_clock
echo $VEX_BUFFER_KB > $t/buffer_size_kb
for e in $VEX_EVENTS; do echo 1 > $t/events/vexfs/$e/enable || echo "no trace event $e" >> $to/missing; done
date +%s.%N > $t/trace_marker
(while sleep $VEX_PAUSE; do
	echo "${EPOCHREALTIME} $(sed -nE "s/^MemFree: *([0-9]+).*/\1/p" /proc/meminfo)"
done > $to/memory) & reader=$!
"$@"
status=$?
kill $reader
cat $t/trace > $to/events
exit $status'
VEX_EVENTS=$(setting $conf events vexfs vexfs_search_done) \
VEX_BUFFER_KB=$(setting $conf events buffer_kb 8192) \
VEX_PAUSE=$(awk -v n="$(setting $conf memory readings 4)" 'BEGIN { print (n > 0 ? 1 / n : 1) }') \
	perf record -q -k CLOCK_REALTIME -F "$(setting $conf perf frequency 499)" -g \
	-e "$(setting $conf perf event cpu-clock)" -o "$dir/perf.data" -- "$lab" run uml --profile \
	--results "$dir" --timeout "$(setting $conf lab timeout 300)" -- bash -c "$inside" bash "${command[@]}" \
	> "$dir/output" 2> "$dir/messages"
status=$?
[ $status = 0 ] || lacking "the lab ended with status $status: $(last_word "$dir/messages")"
[ ! -e "$dir/missing" ] || lacking "$(paste -sd ';' "$dir/missing")"
build/bin/vexfs-profile perf --kallsyms "$dir/kallsyms" --functions build/module/uml-profile \
	--timeline "$dir/samples.csv" --json "$dir/profile.json" "$dir/perf.data" > "$dir/top" ||
	lacking "the samples could not all be read"
[ -s "$dir/samples.csv" ] || finish

# Seconds since 1970 of all three, and the sums of each second.
awk -F '[ ,]' -v events="$dir/events" '
	function second(t) { s = int(t); if (!(s in seen)) { seen[s] = 1; order[++n] = s } return s }
	FILENAME ~ /samples.csv$/ && FNR > 1 { s = second($1); module[s] += $2; rest[s] += $3 + $4 + $5 + $6 }
	FILENAME ~ /memory$/ { free[second($1)] = $2 }
	END {
		while ((getline line < events) > 0) {
			if (!match(line, /[0-9]+\.[0-9]+: /)) continue
			t = substr(line, RSTART, RLENGTH - 2)
			if (line ~ /tracing_mark_write: [0-9]+\./) {
				sub(/.*tracing_mark_write: /, "", line)
				offset = line - t
			} else if (match(line, /ns=[0-9]+/)) {
				s = second(t + offset)
				ops[s]++
				ns[s] += substr(line, RSTART + 3, RLENGTH - 3)
			} else if (line ~ /vexfs_stack_violation/) deep[second(t + offset)]++
		}
		print "second,samples_module,samples_rest,ops,ms_in_ops,stack_violations,free_kb"
		for (i = 1; i <= n; i++) {
			s = order[i]
			printf "%d,%d,%d,%d,%.1f,%d,%s\n", s, module[s], rest[s], ops[s], ns[s] / 1e6, deep[s], free[s]
		}
	}' "$dir/samples.csv" "$dir/memory" > "$dir/joined" && {
	head -n 1 "$dir/joined"
	tail -n +2 "$dir/joined" | sort -t , -k1,1n
} > "$dir/joined.csv"
rm -f "$dir/joined"
[ "$(wc -l < "$dir/joined.csv")" -gt 1 ] || lacking "there is nothing to join"
cat "$dir/joined.csv"
finish
