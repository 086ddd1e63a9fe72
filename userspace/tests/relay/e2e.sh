#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexfs-relay with a real nats-server, between two collections of one lab. It prints TAP.

set -u
dir=$(mktemp -d)
cd "$dir" || exit 1
url=nats://127.0.0.1:14222
n=0

ok() {
	local name=$1 got
	shift
	n=$((n + 1))
	"$@" > out 2> err
	got=$?
	if [ $got -eq 0 ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# $*: status $got"
		tail -n 5 out err source.log replica.log | sed 's/^/# /'
	fi
}

server() {
	nats-server -a 127.0.0.1 -p 14222 -js -sd "$dir/js" > nats.log 2>&1 &
	nats=$!
	for _ in $(seq 200); do
		(exec 8<> /dev/tcp/127.0.0.1/14222) 2> /dev/null && return
		sleep 0.05
	done
}

source_() {
	vexfs-relay source src --feed f --url $url --max-mb 4 --metrics "$dir/source.prom" 2>> source.log &
	source=$!
}

replica() {
	vexfs-relay replica rep --feed f --url $url --state "$dir/state" --status "$dir/status.json" \
		--metrics "$dir/replica.prom" \
		2>> replica.log &
	replica=$!
}

killed() {
	kill -9 "$1"
	wait "$1" 2> /dev/null
	return 0
}

rows() { seq "$1" "$2" | awk '{ print $1 "\t" $1 "," $1 % 7 "," $1 % 11 "," $1 % 13 }'; }

put() {
	local id v
	rows "$1" "$2" | while read -r id v; do echo "$id $v"; done > list
	while read -r id v; do vexctl put src "$id" --upsert --vector "$v" --attr "n=$id" || return; done < list
}

# What a replica publishes that has lost its position.
lost() {
	exec 8<> /dev/tcp/127.0.0.1/14222
	printf 'CONNECT {"verbose":false}\r\nPUB vexfs.f.lost 4\r\nlost\r\nPING\r\n' >&8
	while read -r -t 5 line <&8; do
		[ "${line%$'\r'}" != PONG ] || break
	done
	exec 8>&-
}

# The replica is killed while a snapshot comes in: until it is complete there is no position.
killed_in_snapshot() {
	local i
	lost
	for ((i = 0; i < 200000; i++)); do
		[ -e "$dir/state/rep.place" ] || break
	done
	killed "$replica"
	[ -e "$dir/state/rep.place" ] || cut=$((cut + 1))
}

# same [TRIES]: waits until source and replica have the same ids, vectors and records.
same() {
	local i
	for i in $(seq "${1:-300}"); do
		if vexctl export src a.fbin --ids a.npy --attrs a.u8bin > /dev/null 2>&1 &&
				vexctl export rep b.fbin --ids b.npy --attrs b.u8bin > /dev/null 2>&1 &&
				cmp -s a.fbin b.fbin && cmp -s a.npy b.npy && cmp -s a.u8bin b.u8bin; then
			return
		fi
		sleep 0.1
	done
	vexctl list
	return 1
}

# The second replica is where the source is.
follows() {
	local i
	for i in $(seq 200); do
		jq -e ".seq == $(vexctl -j show src | jq .sequence) and .behind == 0 and (.snapshot | not)" second.json 2> /dev/null && return
		sleep 0.1
	done
	cat second.json second.log
	return 1
}

answers() {
	vexctl search src -k 5 --vector 40,5,7,1 > a
	vexctl search rep -k 5 --vector 40,5,7,1 > b
	diff a b
}

server
vexctl create src --dim 4 --layout n:u32
ok "30 vectors are put into the source" put 1 30
source_
replica
ok "a new replica becomes equal to the source" same
ok "source and replica give the same search results" answers
ok "vectors of the source are put and replaced" put 20 40
ok "vectors of the source are deleted" vexctl delete src 3 7
ok "puts and deletions reach the replica" same
ok "the replica has mode 0444" test "$(vexctl -j show rep | jq -r .mode)" = 0444
sleep 1.5
ok "the status file says that the replica is not behind" jq -e '.behind == 0 and .seconds == 0 and .seq > 40' status.json
ok "the metrics of the replica say that it is not behind" grep -qx 'vexfs_relay_behind_changes{feed="f"} 0' replica.prom
ok "the metrics of the source have its sequence number" grep -qx "vexfs_relay_sequence{feed=\"f\"} $(vexctl -j show src | jq .sequence)" source.prom
killed "$nats"
ok "vectors are put while the NATS server is down" put 41 50
server
ok "changes reach the replica after the NATS server was restarted" same
killed "$source"
ok "vectors are put while the relay of the source is down" put 51 55
source_
ok "changes reach the replica after the relay of the source was restarted" same
killed "$replica"
snapshots=$(grep -c snapshot source.log)
ok "vectors are put while the relay of the replica is down" put 56 60
replica
ok "changes reach the replica after its relay was restarted" same
ok "a replica that was down shortly needs no new snapshot" test "$(grep -c snapshot source.log)" = "$snapshots"
kill "$replica"
wait "$replica" 2> /dev/null
serial=$(vexctl -j show rep | jq .serial)
replica
ok "vectors are put after the relay of the replica was ended and started" put 61 63
ok "changes reach the replica after that" same
ok "a replica that was ended and started needs no new snapshot" test "$(grep -c snapshot source.log)" = "$snapshots"
ok "... and keeps its collection" test "$(vexctl -j show rep | jq .serial)" = "$serial"
# In a user namespace of its own it is as on another machine: names of collections are free.
chmod 0666 /dev/vexfs
unshare -Ur vexfs-relay replica rep --feed f --url $url --state "$dir/state2" --status "$dir/second.json" 2>> second.log &
second=$!
ok "a second replica of the same name follows the feed" follows
ok "vectors are put while there are two replicas of the same name" put 21 40
ok "... and reach the first" same
ok "... and the second" follows
ok "two replicas of the same name need no snapshot" test "$(grep -c snapshot source.log)" = "$snapshots"
killed "$second"
killed "$nats"
rm -rf "$dir/js"
server
ok "vectors are put after the server has lost what it had" put 64 66
ok "changes reach the replica after the server has lost what it had" same
killed "$source"
vexctl drop src
vexctl create src --dim 4 --layout n:u32
# Somebody who reads the changes makes the kernel keep them.
vexctl watch src > /dev/null &
watcher=$!
sleep 1
{ printf '\x2c\x01\x00\x00\x04\x00\x00\x00'; yes abcdefghijklmno | head -c 4800; } > other.fbin
ok "another collection of the name has more changes than the feed" vexctl import src other.fbin --first-id 500 --attr n=9
source_
ok "the replica becomes equal to the other collection" same
kill $watcher
killed "$replica"
# 40,000 vectors, four times, are more than 4 MB of messages.
{ printf '\x40\x9c\x00\x00\x04\x00\x00\x00'; yes abcdefghijklmno | head -c 640000; } > big.fbin
for i in 1 2 3 4; do
	ok "40,000 vectors are imported while the replica is down, round $i" vexctl import src big.fbin --first-id 1000 --upsert --attr n=$i
done
sleep 2
replica
ok "a replica that missed messages becomes equal to the source again" same 12
ok "the source logs that it sent a snapshot" grep -q 'a snapshot of change [1-9][0-9]*' source.log
ok "source and replica give the same search results after the snapshot" answers
cut=0
for i in 1 2 3 4 5; do
	killed_in_snapshot
	replica
	ok "a replica that was killed beside a snapshot becomes equal, round $i" same 100
done
echo "# $cut of 5 snapshots were cut"
# All of these vectors differ.
{ printf '\x40\x9c\x00\x00\x04\x00\x00\x00'; LC_ALL=C tr -dc a-z < /dev/urandom | head -c 640000; } > random.fbin
vexctl import src random.fbin --first-id 1000 --upsert --attr n=7 > /dev/null &
w=$!
while kill -0 $w 2> /dev/null; do
	kill -STOP "$source"
	kill -CONT "$source"
done
ok "the replica becomes equal to a source whose relay was stopped at times" same
killed "$source"
killed "$replica"
killed "$nats"
echo "1..$n"
