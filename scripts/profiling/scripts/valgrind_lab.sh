#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# valgrind_lab.sh vexfsd|vexfs-mount: runs inside a lab; the program under memcheck with a
# little to do, and ended in order. Status: the program's.

set -u
log=$VEXFS_RESULTS/memcheck-$1.log
options=(--leak-check=full --show-leak-kinds=definite --num-callers=30 "--log-file=$log")
dir=$(mktemp -d)
wait_for() { # COMMAND...: at most 60 s
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" > /dev/null 2>&1 && return
		sleep 0.1
	done
	echo "not up within 60 s: $*"
	return 1
}
case $1 in
vexfsd)
	valgrind "${options[@]}" vexfsd --store "$dir/store" & pid=$!
	wait_for test -S /run/vexfs/vexfsd.sock || { tail -n 3 "$log"; kill $pid; exit 1; }
	vexctl create kept --dim 4 --durable && vexctl put kept 1 --vector 1,2,3,4
	kill $pid
	wait $pid ;;
vexfs-mount)
	mkdir "$dir/m"
	vexctl create seen --dim 4
	valgrind "${options[@]}" vexfs-mount -f "$dir/m" & pid=$!
	wait_for test -e "$dir/m/seen" || { tail -n 3 "$log"; kill $pid; exit 1; }
	ls -R "$dir/m" > /dev/null
	umount "$dir/m"
	wait $pid ;;
*) echo "vexfsd or vexfs-mount"; exit 2 ;;
esac
