#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# planted-in-lab.sh ROUNDS MOST SECONDS: in a lab, with the module of plant_slow.py. Measures with
# and without each plant of 3, 10 and 30 % in turns, ROUNDS of them, and more, up to MOST, until
# the noise of both sides is a tenth of what was planted; what the difference is has no part in
# that. Leaves PLANT-SIZE-a-ROUND.json and PLANT-SIZE-b-ROUND.json in $VEXFS_RESULTS.

set -u
rounds=$1 most=$2 seconds=$3
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
# noise NAME: standard error, in percent, of the ratio of both sides' median ops
noise() {
	python3 - "$VEXFS_RESULTS/$1" <<-'PY'
		import glob, json, math, statistics, sys
		def variance(side):
		    logs = [math.log(next(m["value"] for m in json.load(open(f))["metrics"]
		                          if m["name"].endswith(".p50_ns")))
		            for f in glob.glob(f"{sys.argv[1]}-{side}-*.json")]
		    return statistics.variance(logs) / len(logs)
		print(f"{100 * math.sqrt(variance('a') + variance('b')):.2f}")
	PY
}
# pairs NAME PERCENT OFF ON WORKLOAD OPTION...: A B, B A, so that what drifts hits both
pairs() {
	local name=$1 percent=$2 off=$3 on=$4 r=0 side
	shift 4
	while [ "$r" -lt "$most" ]; do
		r=$((r + 1))
		for side in $( ((r % 2)) && echo a b || echo b a); do
			set_to "$([ "$side" = a ] && echo "$off" || echo "$on")"
			measure "$name-$side-$r" "$@"
		done
		[ "$r" -ge "$rounds" ] && [ $((r % 4)) = 0 ] || continue
		! awk -v p="$percent" -v noise="$(noise "$name")" 'BEGIN { exit !(noise <= p / 10) }' || break
	done
	echo "$name $(noise "$name") % after $r rounds" >> "$VEXFS_RESULTS/noise"
	set_to "$off"
}

# What these compare stays in the processor's own cache, which neighbours do not share: ops of
# milliseconds, so that each sleeps for its share; a graph, whose searches compute what they
# gather; all sizes of the pools.
set_to search_threads=1
scan=(simd --vectors 8000 --batch 128)
graph=(semantic --vectors 1000 --dim 32 --ef 100)
pools=(pools --vectors 500)
pairs all-scalar 30 plant_scalar=0 plant_scalar=1000 "${graph[@]}"
middle() { # middle NAME-SIDE: the median of its runs' median ops
	local f
	for f in "$VEXFS_RESULTS/$1"-*.json; do
		f=${f##*/}
		median "${f%.json}"
	done | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
graph_ns=$(middle all-scalar-a) scalar_ns=$(middle all-scalar-b)
if ! awk -v a="$graph_ns" -v s="$scalar_ns" 'BEGIN { exit !(s >= 1.3 * a) }'; then
	echo "the scalar variant takes $scalar_ns ns instead of $graph_ns: no 30 % can be planted" >&2
	exit 1
fi
pairs sleep-0 10 plant_sleep=0 plant_sleep=0 "${scan[@]}"
for percent in 3 10 30; do
	share=$(awk -v p=$percent -v a="$graph_ns" -v s="$scalar_ns" 'BEGIN { printf "%d", 10 * p / (s / a - 1) + 0.5 }')
	pairs sleep-$percent $percent plant_sleep=0 plant_sleep=$percent "${scan[@]}"
	pairs alloc-$percent $percent plant_alloc=0 plant_alloc=$percent "${graph[@]}"
	pairs scalar-$percent $percent plant_scalar=0 plant_scalar="$share" "${graph[@]}"
done
# pools that keep nothing: what that costs is as large as it is
was=
for tier in small medium large; do was+=" pool_$tier=$(cat $params/pool_$tier)"; done
set_to "pool_auto=0"
pairs pool-none 10 "$was" "pool_small=0 pool_medium=0 pool_large=0" "${pools[@]}"
