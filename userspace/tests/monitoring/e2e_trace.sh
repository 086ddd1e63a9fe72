#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # eval reads them
#
# Trace events of the module: off by default, with true fields and without addresses.

n=0
ok() { # COMMAND...: what it is for comes in $what
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
is() { [ "$1" = "$2" ] || { echo "# got '$1', expected '$2'"; return 1; }; }
has() { grep -q -- "$2" <<< "$1" || { echo "# no '$2' in: $(tail -n 5 <<< "$1")"; return 1; }; }

t=/sys/kernel/tracing
new=(vexfs_search_start vexfs_search_done vexfs_put vexfs_delete vexfs_request_done vexfs_pool_miss
	vexfs_stack_violation vexfs_bridge_run)
vexctl create traced --dim 4
vexctl put traced 1 --vector 1,2,3,4
what="trace events of vexfs are off by default"
ok is "$(grep -c vexfs_ $t/trace)" 0
for e in "${new[@]}"; do
	what="trace event $e has fields of fixed width and no pointers"
	ok eval 'f=$(cat $t/events/vexfs/$e/format) && ! grep -E "field:.*(\*|__data_loc|long )" <<< "$f" | grep -v common_'
	echo 1 > $t/events/vexfs/$e/enable
done
vexctl put traced 2 --vector 4,3,2,1
vexctl search traced --vector 1,2,3,4 -k 2 > /dev/null
vexctl delete traced 2
vexctl delete traced 77 2> /dev/null
vexctl tune stack_limit=1024 stack_alarm=1000 pool_enabled=0 > /dev/null
vexctl search traced --vector 1,2,3,4 -k 1000 > /dev/null
out=$(cat $t/trace)
what="vexfs_put has the collection, the number of items and the time"
ok has "$out" 'vexfs_put: op=put serial=[0-9]* collection=traced items=1 ns=[1-9][0-9]* .*err=0'
what="vexfs_search_start and vexfs_search_done are traced for one search"
ok eval 'has "$out" "vexfs_search_start: .*collection=traced queries=1 k=2" && has "$out" "vexfs_search_done: op=exact .*collection=traced .*err=0"'
what="vexfs_delete is traced for a deletion, and with the error for one that fails"
ok eval 'has "$out" "vexfs_delete: .*collection=traced .*err=0" && has "$out" "vexfs_delete: .*err=-2"'
what="vexfs_request_done is traced for an attach"
ok has "$out" 'vexfs_request_done: op=attach'
what="vexfs_stack_violation has depth and limit"
ok has "$out" 'vexfs_stack_violation: op=exact depth=1[0-9]* limit=1024'
what="vexfs_pool_miss has the tier and the size"
ok has "$out" 'vexfs_pool_miss: tier=[a-z]* size=[1-9]'
# Each search uses all processors, so that other searches wait and share its run.
echo 0 > $t/events/vexfs/enable
echo 1 > $t/events/vexfs/vexfs_bridge_run/enable
vexctl tune --defaults search_parallel_bytes=1 > /dev/null
for _ in 1 2 3 4 5; do
	vexstress crowd --threads 6 --vectors 2000 --dim 16 --ops 3000 --warm-up-time 0 --sample-size 4 -q
	out=$(cat $t/trace)
	! grep -q vexfs_bridge_run <<< "$out" || break
done
vexctl tune --defaults > /dev/null
what="vexfs_bridge_run has members, queries and time of a run that several searches shared"
ok has "$out" 'vexfs_bridge_run: collection=[1-9][0-9]* priority=0 members=[2-9][0-9]* queries=[2-9][0-9]* ns=[1-9][0-9]* err=0'
echo 0 > $t/events/vexfs/enable
echo > $t/trace
vexctl search traced --vector 1,2,3,4 > /dev/null
what="no event is traced after all were turned off again"
ok is "$(grep -c vexfs_ $t/trace)" 0
echo "1..$n"
