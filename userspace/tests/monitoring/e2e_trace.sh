#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # eval reads them
#
# Trace events: there, off by default, true, and without addresses.

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
what="nothing is traced unless asked for"
ok is "$(grep -c vexfs_ $t/trace)" 0
for e in "${new[@]}"; do
	what="$e has fields of fixed width and no pointers"
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
what="a put by its collection"
ok has "$out" 'vexfs_put: op=put serial=[0-9]* collection=traced items=1 ns=[1-9][0-9]* .*err=0'
what="a search when it begins and when it is done"
ok eval 'has "$out" "vexfs_search_start: .*collection=traced queries=1 k=2" && has "$out" "vexfs_search_done: op=exact .*collection=traced .*err=0"'
what="a deletion, and one that fails with its error"
ok eval 'has "$out" "vexfs_delete: .*collection=traced .*err=0" && has "$out" "vexfs_delete: .*err=-2"'
what="other requests"
ok has "$out" 'vexfs_request_done: op=attach'
what="a stack violation with depth and limit"
ok has "$out" 'vexfs_stack_violation: op=exact depth=1[0-9]* limit=1024'
what="a pool miss with its tier"
ok has "$out" 'vexfs_pool_miss: tier=[a-z]* size=[1-9]'
# each search takes all processors, so that others wait and share its run
echo 0 > $t/events/vexfs/enable
echo 1 > $t/events/vexfs/vexfs_bridge_run/enable
vexctl tune --defaults search_parallel_bytes=1 > /dev/null
for _ in 1 2 3 4 5; do
	vexstress crowd --threads 6 --vectors 2000 --dim 16 --ops 3000 --warm-up-time 0 --sample-size 4 -q
	out=$(cat $t/trace)
	! grep -q vexfs_bridge_run <<< "$out" || break
done
vexctl tune --defaults > /dev/null
what="a run that several searches shared, with its members, queries and time"
ok has "$out" 'vexfs_bridge_run: collection=[1-9][0-9]* priority=0 members=[2-9][0-9]* queries=[2-9][0-9]* ns=[1-9][0-9]* err=0'
echo 0 > $t/events/vexfs/enable
echo > $t/trace
vexctl search traced --vector 1,2,3,4 > /dev/null
what="and nothing once they are off again"
ok is "$(grep -c vexfs_ $t/trace)" 0
echo "1..$n"
