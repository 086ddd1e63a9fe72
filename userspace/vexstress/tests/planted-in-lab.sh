#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# planted-in-lab.sh ROUNDS SECONDS: in a lab, with the module of plant_slow.py. Finds out how
# much of each plant is 3, 10 and 30 %, and measures with and without it in turns. Leaves
# PLANT-SIZE-a-ROUND.json and PLANT-SIZE-b-ROUND.json in $VEXFS_RESULTS, and "sizes".

set -u
rounds=$1 seconds=$2
params=/sys/module/vexfs/parameters

set_to() { # set_to "PARAMETER=VALUE..."
	local pair
	for pair in $1; do echo "${pair#*=}" > "$params/${pair%%=*}" || exit 1; done
}
measure() { # measure FILE WORKLOAD OPTION...
	local file=$1
	shift
	vexstress run "$@" -q --threads 1 --sample-size 5 --warm-up-time 0.1 \
		--measurement-time "$seconds" -o "$VEXFS_RESULTS/$file.json" > /dev/null || exit 1
}
median() { # median FILE: nanoseconds of the median op, which other load of the host hardly moves
	python3 -c 'import json, sys
print([m["value"] for m in json.load(open(sys.argv[1]))["metrics"] if m["name"].endswith(".p50_ns")][0])' \
		"$VEXFS_RESULTS/$1.json"
}
pairs() { # pairs NAME OFF ON WORKLOAD OPTION...: A B, B A, so that what drifts hits both
	local name=$1 off=$2 on=$3 r side
	shift 3
	for ((r = 1; r <= rounds; r++)); do
		for side in $( ((r % 2)) && echo a b || echo b a); do
			set_to "$([ "$side" = a ] && echo "$off" || echo "$on")"
			measure "$name-$side-$r" "$@"
		done
	done
	set_to "$off"
}

# ops long enough to sleep in; a graph, whose searches compute what they gather; all sizes
set_to search_threads=1
scan=(simd --vectors 40000 --batch 8)
graph=(semantic --vectors 2000 --ef 100)
pools=(pools --vectors 500)
# the least of five medians: what load adds is not part of it
for r in 1 2 3 4 5; do
	measure base-scan-$r "${scan[@]}"
	measure base-graph-$r "${graph[@]}"
	set_to plant_scalar=1000
	measure all-scalar-$r "${graph[@]}"
	set_to plant_scalar=0
done
least() { for r in 1 2 3 4 5; do median "$1-$r"; done | sort -n | head -n 1; }
scan_ns=$(least base-scan) graph_ns=$(least base-graph) scalar_ns=$(least all-scalar)
if ! awk -v a="$graph_ns" -v s="$scalar_ns" 'BEGIN { exit !(s >= 1.3 * a) }'; then
	echo "the scalar variant takes $scalar_ns ns instead of $graph_ns: no 30 % can be planted" >&2
	exit 1
fi
for percent in 0 3 10 30; do
	read -r sleep ns share < <(awk -v p=$percent -v t="$scan_ns" -v a="$graph_ns" -v s="$scalar_ns" 'BEGIN {
			printf "%d %d %d\n", t * p / 100 + 0.5, a * p / 100 + 0.5, 1000 * p / 100 / (s / a - 1) + 0.5 }')
	echo "$percent $sleep $ns $share" >> "$VEXFS_RESULTS/sizes"
	pairs sleep-$percent plant_sleep=0 plant_sleep="$sleep" "${scan[@]}"
	[ $percent = 0 ] || pairs alloc-$percent plant_alloc=0 plant_alloc="$ns" "${graph[@]}"
	[ $percent = 0 ] || pairs scalar-$percent plant_scalar=0 plant_scalar="$share" "${graph[@]}"
done
# pools that keep nothing: what that costs is as large as it is
was=
for tier in small medium large; do was+=" pool_$tier=$(cat $params/pool_$tier)"; done
set_to "pool_auto=0"
pairs pool-none "$was" "pool_small=0 pool_medium=0 pool_large=0" "${pools[@]}"
