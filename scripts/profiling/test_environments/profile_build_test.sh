#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: profile_build_test.sh [--rounds N]

	What the build of "make PROFILE=1" costs, and whether it gives the same results: the
	ordinary module and that of PROFILE=1 in the uml lab, in turns, each in a boot of its
	own (default 3 rounds). Measured are inserts into a graph, searches of it and exact
	searches; the answers to exact searches, with all digits, must be the same.
	Results: build/profiling/component-profile_insert, -profile_graph, -profile_exact:
	samples.json; off is the ordinary build. component-profile_exact has the answers, too.
	Status: 0 complete and the same results, 1 partial or other results, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/../scripts/common.sh"
rounds=3
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=${2:-}; shift ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
[[ $rounds =~ ^[1-9][0-9]?$ ]] || wrong "--rounds takes a number from 1 to 99"

measured="insert graph exact"
for m in $measured; do begin "component-profile_$m"; done
make -s tools >&2 || exit 69
for build in "" --profile; do
	# shellcheck disable=SC2086 # an option or nothing
	"$lab" build uml $build 2>&1 | grep -v 'is ready' >&2
done
for ((round = 1; round <= rounds; round++)); do
	for arm in off on; do
		build=
		[ $arm = off ] || build=--profile
		# shellcheck disable=SC2086 # an option or nothing
		"$lab" run uml $build --results "$dir" --timeout 300 -- \
			scripts/profiling/test_environments/profile_build_lab.sh $arm \
			> "$dir/output" 2> "$dir/messages" || {
			lacking "round $round, $arm: the lab ended with status $?: $(last_word "$dir/messages")"
			continue
		}
		for m in $measured; do
			cat "$dir/rate.$m" >> "$out/component-profile_$m/rates.$arm"
			rm -f "$dir/rate.$m"
		done
	done
done
n=$(wc -l < "$dir/answers.off" 2> /dev/null || echo 0)
if [ "$n" -lt 100 ] || [ ! -s "$dir/answers.on" ]; then
	lacking "there are no answers to compare"
elif ! cmp -s "$dir/answers.off" "$dir/answers.on"; then
	lacking "the profiling build gives other results: $(diff "$dir/answers.off" "$dir/answers.on" | grep -c '^<') of $n lines of $dir/answers.off differ"
else
	echo "results: $n lines are the same in both builds"
fi
whole=$trouble
for m in $measured; do
	dir=$out/component-profile_$m
	samples_json "profile_$m" "$(case $m in insert) echo vectors/s ;; *) echo queries/s ;; esac)"
	part=component-profile_$m
	if [ -n "$whole" ]; then write_status partial "$whole"; else write_status complete; fi
done
finish
