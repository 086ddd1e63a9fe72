#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# valgrind_lab.sh vexfsd|vexfs-mount VALGRIND...: runs inside a lab; the program under that
# command with a little to do, and ended in order. Status: the program's, or 1.

set -u
program=$1
shift
dir=$(mktemp -d)

wait_for() { # COMMAND...: at most 120 s
	local i
	for ((i = 0; i < 1200; i++)); do
		"$@" > /dev/null 2>&1 && return
		sleep 0.1
	done
	echo "not up within 120 s: $*"
	return 1
}

row=1,2,3,4
case $program in
vexfsd)
	"$@" vexfsd --store "$dir/store" & pid=$!
	wait_for test -S /run/vexfs/vexfsd.sock || { kill $pid; exit 1; }
	vexctl create kept --dim 4 --durable || exit 1
	for id in 1 2 3 4 5 6 7 8; do vexctl put kept $id --vector $row || exit 1; done
	vexctl delete kept 1 && vexctl drop kept || exit 1
	kill $pid
	wait $pid ;;
vexfs-mount)
	mkdir "$dir/m"
	vexctl create seen --dim 4 && vexctl put seen 1 --vector $row || exit 1
	# What one thread answers is there before the kernel asks another one about it, which
	# drd does not see: it would call that a race.
	threads=()
	[[ "$*" != *--tool=drd* ]] || threads=(--threads 1)
	"$@" vexfs-mount -f "${threads[@]}" "$dir/m" & pid=$!
	wait_for test -e "$dir/m/seen" || { kill $pid; exit 1; }
	ls -R "$dir/m" > /dev/null
	head -c 16 /dev/zero > "$dir/m/seen/by-id/2" && cat "$dir/m/seen/by-id/1" > /dev/null || exit 1
	umount "$dir/m"
	wait $pid ;;
*) echo "vexfsd or vexfs-mount"; exit 2 ;;
esac
