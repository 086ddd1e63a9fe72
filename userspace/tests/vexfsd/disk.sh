#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexfsd on a disk of its own, in a lab of Debian's kernel. Prints TAP.
#
#	disk.sh load	100,000 vectors, and more until the power goes
#	disk.sh again	what the next boot finds
#
# The results folder has the vectors and the queries, and gets the answers and the log of
# what was acknowledged: it is no part of the disk and survives.

set -u
load=$VEXFS_TOP/build/test-bin/durable-load
results=$VEXFS_RESULTS
n=0
d=

ok() {
	local name=$1 got
	shift
	n=$((n + 1))
	"$@" > /tmp/out 2> /tmp/err
	got=$?
	if [ $got -eq 0 ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# $*: status $got"
		head -n 5 /tmp/out /tmp/err /tmp/daemon.log | sed 's/^/# /'
	fi
	grep '^# ' /tmp/out | head -n 3
	return $got
}

start() {
	mkdir -p /mnt/disk
	mount -t ext4 /dev/vda /mnt/disk || return
	vexfsd --store /mnt/disk/store 2> /tmp/daemon.log &
	d=$!
}

# COUNT collections are stored.
stored() {
	for _ in $(seq 1200); do
		vexctl -j store info 2> /dev/null |
			jq -e "[.collections[].state] | all(. == \"storing\") and length == $1" > /dev/null &&
			return
		sleep 0.1
	done
	vexctl store info
	return 1
}

# The answers to all queries go to FILE.
answers() {
	local q
	while read -r q; do
		vexctl search big -k 10 --exact --vector "$q" || return
	done < "$results/queries" > "$1"
	[ -s "$1" ]
}

load() {
	ok "the disk is mounted, the daemon comes up" start
	ok "it answers" stored 0
	ok "a durable collection" vexctl create big --dim 32 --type i8 --durability group --index none
	ok "100,000 vectors" vexctl import big "$results/big.i8bin" --first-id 1
	ok "searches answer" answers "$results/answers"
	ok "another collection, with a graph" "$load" create a
	ok "both are stored" stored 2
	"$load" load a "$results/log" 4 600000 > /dev/null 2>&1 &
	sleep 8
	echo "1..$n"
	# whoever waits for this file cuts the power, and it is written behind what stands above
	: > "$results/cut"
	sleep 600
}

again() {
	ok "the disk is mounted, the daemon comes up" start
	ok "both collections are back" stored 2
	ok "store check finds nothing" vexctl store check
	ok "all 100,000 vectors are there" test "$(vexctl -j show big | jq .count)" = 100000
	ok "searches answer" answers /tmp/answers
	ok "their answers are those before the cut" diff /tmp/answers "$results/answers"
	ok "of what came after it, all that was acknowledged is there" "$load" verify a "$results/log"
	ok "the collections are sound" vexctl check big
	ok "the graph, too" vexctl check a
	kill "$d"
	ok "the daemon ends with 0" wait "$d"
	ok "the disk is let go of" umount /mnt/disk
	echo "1..$n"
}

"$@"
