#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # eval reads them
#
# The scripts of docs/examples/bpftrace, run to their end in a kernel with BPF.
scripts=$(dirname "$(readlink -f "$0")")/../../../docs/examples/bpftrace
n=0
ok() { # COMMAND...: what it is for comes in $what
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; sed 's/^/# /' "$tmp/out" "$tmp/err"; fi
}
has() { grep -Eq -- "$1" "$tmp/out"; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trace() { # SCRIPT [ARGUMENT]: while the ops of work() run
	bpftrace "$scripts/$1" "${@:2}" > "$tmp/out" 2> "$tmp/err" & pid=$!
	# It says so on standard output once probes are attached; events are enabled then.
	for _ in $(seq 600); do grep -q Attaching "$tmp/out" && enabled && break; kill -0 $pid 2> /dev/null || break; sleep 0.1; done
	work > /dev/null 2>&1
	kill -INT $pid
	wait $pid
	code=$?
	sed "s/^/# $1: /" "$tmp/out"
}
enabled() { [ "$(bpftool perf 2> /dev/null | grep -c vexfs)" -gt 0 ] || sleep 3; }
work() {
	vexctl put traced 1 --vector 1,2,3,4 --upsert
	vexctl put traced 2 --vector 2,3,4,5 --upsert
	vexctl search traced --vector 1,2,3,4 -k 2
	vexctl delete traced 2
	vexctl get traced 99
	vexctl tune pool_enabled=0 stack_limit=1024 stack_alarm=1000
	vexctl search traced --vector 1,2,3,4 -k 1
	vexctl put traced 3 --vector 2,3,4,5 --upsert
	vexctl tune pool_enabled=1 stack_limit=3072 stack_alarm=2800
}
vexctl create traced --dim 4

what="vexfs-latency.bt ends with 0"
trace vexfs-latency.bt
ok [ $code = 0 ]
what="times of searches, puts and deletes, by collection"
ok eval 'has "^@search_us\[traced\]:" && has "^@put_us\[traced\]:" && has "^@delete_us\[traced\]:"'
what="vexfs-slow.bt ends with 0"
trace vexfs-slow.bt 1
ok [ $code = 0 ]
what="a line for each request above 1 us, with collection and error"
ok eval 'has "^vexctl +put +traced +1 " && has "^vexctl +delete +traced " && has "^vexctl +get +traced .* -2$"'
what="vexfs-misses.bt ends with 0"
trace vexfs-misses.bt
ok [ $code = 0 ]
what="what the pools could not serve, and the deepest stacks"
ok eval 'has "^@misses\[" && has "^@deepest\["'
echo "1..$n"
