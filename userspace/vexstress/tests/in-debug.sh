#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vexstress where the kernel looks for mistakes of its own: a little of
# everything, every answer checked, and killed in the middle; then a storm. The
# lab reads the kernel log afterwards.

top=${VEXFS_TOP:-.}
# shellcheck source=userspace/vexstress/tests/tap.sh
. "$top/userspace/vexstress/tests/tap.sh"
cd "$top" || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
brief='--warm-up-time 0.2 --measurement-time 1 --sample-size 5 --threads 2 --dim 24 -q'

for wl in vector mixed; do
	# shellcheck disable=SC2086
	run vexstress $wl $brief --vectors 200 --batch 2 --verify
	case $err in
	*"has no graph"*) skip "$wl, every answer computed again" "this module has no graph" ;;
	*) check "$status" "$wl, every answer computed again" "$out" "$err" ;;
	esac
done
# Ops in queues, and searches that each take all processors, so that they wait and share runs.
vexctl tune search_parallel_bytes=1 > /dev/null
# shellcheck disable=SC2086
run vexstress crowd ${brief%--threads*} --threads 6 --dim 24 -q --vectors 200 --verify
check "$status" "a crowd, every answer computed again" "$out" "$err"
shared=$(awk '$1 == "bridge" && $3 == "coalesced" { n += $7 } END { print n + 0 }' /sys/kernel/debug/vexfs/counters)
[ "$shared" -gt 0 ]
check $? "searches of the crowd shared runs" "$(vexctl performance bridge status)"
vexctl tune search_parallel_bytes=16777216 > /dev/null
# shellcheck disable=SC2086
run vexstress bridge $brief --vectors 200 --depth 8 --verify
check "$status" "ops in queues, every answer computed again" "$out" "$err"
# shellcheck disable=SC2086
run vexstress abuse $brief --vectors 100
check "$status" "hostile requests are refused" "$out" "$err"
vexstress vector --measurement-time 300 --vectors 100 --dim 24 -q --threads 2 2> "$tmp/err" &
pid=$!
while [ "$(pgrep -c -P "$pid")" -lt 2 ] && kill -0 "$pid" 2> /dev/null; do sleep 0.2; done
sleep 2
kill -9 "$pid"
wait "$pid" 2> /dev/null
# shellcheck disable=SC2086
run vexstress point $brief --vectors 100 --verify
check "$status" "the module is well after kill -9" "$out" "$err"
[ "$(vexctl list -j | grep -c vexstress)" = 0 ]
check $? "nothing is left" "$(vexctl list)"
# Too slow here to fill a graph that is worth a walk; vexstress has done that.
run build/lab-bin/vexfs-storm -d 6 -n 300 -w 2 -r 2
check "$status" "a storm" "$out" "$err"
tap_end
