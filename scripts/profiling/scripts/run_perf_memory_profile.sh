#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: run_perf_memory_profile.sh [--plain] [--plant] [-- COMMAND...]

	Runs COMMAND (default: a load, searches, deletions) in the uml lab under perf and says
	in which functions and subsystems of the module and of the lab's kernel the time
	was. --plain takes the ordinary build instead of that of "make PROFILE=1".
	--plant builds the module with planted faults, too, for COMMAND to load.
	Configuration: configs/perf_memory_profile.conf.
	Results: build/profiling/perf: profile.json, stacks.folded, flame.svg, counters,
	memory, stack, pools.
	Status: 0 complete, 1 partial, 2 wrong command line, otherwise the lab's.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
conf=perf_memory_profile.conf
build=(--profile)
flavour=uml-profile
command=()
while [ $# -gt 0 ]; do
	case $1 in
	--plain) build=() flavour=uml ;;
	--plant) build+=(--plant) flavour+=-plant ;;
	--) shift; command=("$@"); break ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
if [ ${#command[@]} = 0 ]; then
	command=(scripts/profiling/scripts/workload.sh "$(setting $conf workload vectors 20000)"
		"$(setting $conf workload dimension 96)" "$(setting $conf workload queries 2000)")
fi

begin perf
may_profile || finish
make -s tools build/bin/vexfs-profile >&2 || exit 69
"$lab" build uml "${build[@]}" 2>&1 | grep -v 'is ready' >&2

# What the lab keeps for us; memory is read ten times a second while the command runs.
# shellcheck disable=SC2016 # for the lab
inside='
cat /proc/kallsyms > "$VEXFS_RESULTS/kallsyms"
(while sleep 0.1; do
	echo "$(cut -d" " -f1 /proc/uptime) $(awk "/^(MemFree|Slab|VmallocUsed):/ { printf \"%s \", \$2 }" /proc/meminfo)"
done > "$VEXFS_RESULTS/memory") & reader=$!
"$@"
status=$?
kill $reader
for f in stack pools counters; do cat /sys/kernel/debug/vexfs/$f > "$VEXFS_RESULTS/$f"; done
cat /proc/pressure/memory > "$VEXFS_RESULTS/pressure"
exit $status'

counters=$(setting $conf perf counters "")
perf record -q -F "$(setting $conf perf frequency 999)" -g -e "$(setting $conf perf event cpu-clock)" \
	-o "$dir/perf.data" -- "$lab" run uml "${build[@]}" --results "$dir" \
	--timeout "$(setting $conf perf timeout 300)" -- sh -c "$inside" sh "${command[@]}" \
	> "$dir/output" 2> "$dir/messages"
status=$?
[ $status = 0 ] || lacking "the lab ended with status $status: $(last_word "$dir/messages")"

if [ -s "$dir/perf.data" ] && [ -s "$dir/kallsyms" ]; then
	build/bin/vexfs-profile perf --kallsyms "$dir/kallsyms" --json "$dir/profile.json" \
		--functions "build/module/$flavour" \
		--folded "$dir/stacks.folded" --flame "$dir/flame.svg" "$dir/perf.data" \
		> "$dir/top" || lacking "the samples could not all be read"
	cat "$dir/top"
	jq -e '.owners.module > 0' "$dir/profile.json" > /dev/null || lacking "no sample is in the module"
else
	lacking "there are no samples: perf or the lab wrote nothing"
fi

# Counters in a run of their own, since they would be multiplexed with the samples.
if [ -n "$counters" ]; then
	LC_ALL=C perf stat -x, -e "$counters" -o "$dir/counters.csv" -- "$lab" run uml "${build[@]}" \
		--timeout "$(setting $conf perf timeout 300)" -- "${command[@]}" > /dev/null 2>&1
	missing=$(awk -F, '/not supported|not counted/ { printf "%s%s", sep, $3; sep = ", " }' "$dir/counters.csv" 2> /dev/null)
	# Lacking hardware is no fault of the run: it is said, and the result is whole.
	[ -z "$missing" ] || say "this machine does not count $missing: cache and bandwidth are not known"
	echo "$missing" > "$dir/counters.missing"
fi
rm -f "$dir/perf.data.old"
finish
