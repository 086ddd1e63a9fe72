#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexctl watch and wait in a lab: each kind of change, a snapshot, a place that is not kept,
# and what needs storage when there is none.
set -u
PATH=$PWD/build/bin:$PATH
n=0 failed=0
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		failed=1
		shift 2
		printf '%s\n' "$@" | head -20 | sed 's/^/# /'
	fi
}

out=$(mktemp)
vexctl create w --dim 2
vexctl put w 1 --vector 1,2
vexctl watch w --snapshot --vectors -n 7 > "$out" &
pid=$!
until grep -q snapshot-end "$out"; do sleep 0.05; done
vexctl put w 2 --vector 3,4
vexctl put w 1 --vector 5,6 --update
vexctl delete w 2
vexctl set w --mode 0640
vexctl drop w
wait $pid
result $? "watch ends after the number of lines asked for" "$(cat "$out")"
got=$(jq -r .op "$out" | tr '\n' ' ')
[ "$got" = "snapshot snapshot-end insert update delete set drop " ]
result $? "watch prints a snapshot and then every change" "$got"
[ "$(jq -c 'select(.op == "snapshot" or .op == "update") | [.id, .vector]' "$out" | tr '\n' ' ')" = '[1,[1,2]] [1,[5,6]] ' ]
result $? "watch prints the vectors of changes" "$(cat "$out")"
[ "$(jq -r 'select(.op != "snapshot" and .op != "snapshot-end") | .seq' "$out" | tr '\n' ' ')" = "2 3 4 5 6 " ]
result $? "sequence numbers of watch have no gaps" "$(cat "$out")"

vexctl create w --dim 2
vexctl put w 1 --vector 1,2
[ "$(vexctl watch w --from 0 -n 1 | jq -r .op)" = lost ]
result $? "watch says that a position is no longer kept"
vexctl watch w --from 99 2> "$out"
[ $? = 1 ] && grep -q "has not come to change 99" "$out"
result $? "watch refuses a position beyond the last change" "$(cat "$out")"
vexctl wait w 2> "$out"
[ $? = 1 ] && grep -q "not durable" "$out"
result $? "wait refuses a volatile collection" "$(cat "$out")"
vexctl create d --dim 2 --durable 2> "$out"
[ $? = 1 ] && grep -q "does vexfsd run" "$out"
result $? "create of a durable collection fails without storage" "$(cat "$out")"
vexctl set w --durability sync 2> "$out"
[ $? = 1 ] && grep -q "read-only" "$out" && [ "$(vexctl -j show w | jq -r .durability)" = none ]
result $? "set of a durability fails without storage" "$(cat "$out")"
vexctl drop w
echo "1..$n"
exit $failed
