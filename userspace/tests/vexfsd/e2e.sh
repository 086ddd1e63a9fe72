#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexfsd with the real module, in a lab whose results folder is the disk. Prints TAP.
#
#	e2e.sh first [KILLS]	everything up to a power cut, which ends the lab under load
#	e2e.sh second		the next boot: all that was acknowledged is there
#	e2e.sh small, small_again	the least of both, for emulated kernels

set -u
disk=$VEXFS_RESULTS
store=$disk/store
load=$VEXFS_TOP/build/test-bin/durable-load
dir=$(mktemp -d)
n=0
d=
cd "$dir" || exit 1

# ok NAME COMMAND...: the command succeeds.
ok() {
	local name=$1 got
	shift
	n=$((n + 1))
	"$@" > out 2> err
	got=$?
	if [ $got -eq 0 ]; then
		echo "ok $n - $name ${VEXFSD_TIMES:+[$SECONDS s]}"
	else
		echo "not ok $n - $name"
		echo "# $*: status $got"
		head -n 5 out err | sed 's/^/# /'
	fi
	grep '^# ' out | head -n 3
	return $got
}

# says CODE WORDS COMMAND...: ends with CODE and says WORDS.
says() {
	local want=$1 words=$2 got
	shift 2
	n=$((n + 1))
	"$@" > out 2> err
	got=$?
	if [ $got = "$want" ] && cat out err | grep -q -- "$words"; then
		echo "ok $n - $* says $words"
	else
		echo "not ok $n - $*"
		echo "# wanted $want and '$words', got $got"
		head -n 5 out err | sed 's/^/# /'
	fi
}

start() {
	local where=${1:-$store}
	[ $# = 0 ] || shift
	vexfsd --store "$where" "$@" 2>> "$disk/daemon.log" &
	d=$!
}

# A state of all collections, by vexctl store info.
state() {
	local i
	for i in $(seq 600); do
		vexctl -j store info 2> /dev/null |
			jq -e "[.collections[].state] | all(. == \"$1\") and length >= $2" > /dev/null &&
			return
		sleep 0.05
	done
	vexctl store info
	return 1
}

stop() {
	kill "$d"
	wait "$d"
}

killed() {
	kill -9 "$d"
	wait "$d" 2> /dev/null
	return 0
}

ids_and_settings() {
	vexctl -j show "$1" | jq -cS 'del(.serial, .bytes, .index_bytes, .stride)'
}

first() {
	local kills=${1:-12} i
	start
	ok "the daemon comes up" state storing 0
	says 1 "in use" vexfsd --store "$store" --socket "$dir/other"
	ln -s "$store" link
	says 1 "symbolic link" vexfsd --store "$dir/link" --socket "$dir/other"
	mkdir -m 0777 open
	says 1 "writable by others" vexfsd --store "$dir/open" --socket "$dir/other"
	mkdir -m 0700 theirs && chown 1234 theirs
	says 1 "belongs to user" vexfsd --store "$dir/theirs" --socket "$dir/other"

	ok "a durable collection" "$load" create a
	ok "writers, all acknowledged" "$load" load a "$disk/log" 8 1000
	ok "it is stored" state storing 1
	ok "what they wrote is there" "$load" verify a "$disk/log"

	killed
	says 1 "read-only" vexctl put a 99 --vector "$(seq -s, 24)"
	says 1 "vexfsd does not run, and 1 of 1" vexctl performance diagnose
	start
	ok "it goes on where it was" state storing 1
	ok "and takes more" "$load" load a "$disk/log" 4 300
	"$load" load a "$disk/log" 8 $((kills * 450)) > load.out 2>&1 &
	w=$!
	for i in $(seq "$kills"); do
		sleep "0.$((RANDOM % 300 + 50))"
		killed
		start
	done
	ok "writers outlive $kills kills of the daemon" wait "$w"
	sed 's/^/# /' load.out | head -n 3
	ok "it is stored again" state storing 1
	ok "nothing acknowledged was lost" "$load" verify a "$disk/log"
	ok "the store is sound" vexctl store check
	ok "the collection is sound" vexctl check a

	everything
	module_again
	full_disk
	namespaces
	users
	ok "all is stored" state storing 3
	vexctl -j show all | jq -cS . > "$disk/all.json"
	sync -f "$disk/all.json"
	# The power goes while writers are at work.
	"$load" load a "$disk/log" 8 60000 > /dev/null 2>&1 &
	sleep 1
	echo "1..$n"
	sleep 0.2
	echo b > /proc/sysrq-trigger
	sleep 10
}

# A collection with everything that one can have, and one that becomes durable late.
everything() {
	ok "one with everything" vexctl create all --dim 3 --type i8 --metric cos --durability group \
		--layout lang:u8,year:u16 --mode 0604 --capacity 500
	ok "a vector with a record" vexctl put all 7 --vector 1,2,3 --attr lang=3,year=2020
	ok "another capacity" vexctl set all --capacity 600
	ok "one that is not durable" vexctl create late --dim 2
	for i in 1 2 3 4 5; do vexctl put late $i --vector $i,$i; done
	vexctl delete late 4
	ok "becomes it" vexctl set late --durability sync
	ok "and takes more" vexctl put late 6 --vector 6,6
	ok "one that is dropped" vexctl create gone --dim 2 --durability group
	ok "goes" vexctl drop gone
	ok "three are stored" state storing 3
	says 0 "late" vexctl store info
	ok "compaction" vexctl store compact
	ok "a backup" vexctl store backup "$dir/backup"
	says 0 "sound" vexctl store check --store "$dir/backup"
	says 1 "already" vexctl store backup "$dir/backup"
	ok "a collection is dropped" vexctl drop all
	ok "the two others are not" state storing 2
	says 1 "exists" vexctl store restore "$dir/backup"
	vexctl drop late; vexctl drop a
	ok "all are dropped" state storing 0
	ok "all come back" vexctl store restore "$dir/backup"
	ok "and are stored" state storing 3
	says 0 "1,2,3" vexctl get all 7
	says 0 "6,6" vexctl get late 6
	ok "what was deleted is not" test -z "$(vexctl get late 4 2> /dev/null)"
	ok "what was acknowledged is there" "$load" verify a "$disk/log"
}

built() {
	local i
	for i in $(seq 600); do
		vexctl -j show "$1" | jq -e '.index_state == "ready"' > /dev/null && return
		sleep 0.05
	done
	vexctl show "$1"
	return 1
}

# Let go of the module, which goes and comes.
module_again() {
	local ko
	ko=$(find "$VEXFS_TOP"/build/module/uml* -maxdepth 1 -name vexfs.ko | head -n 1)
	ids_and_settings all > before
	# a graph that is being built is not saved
	ok "its graph is built" built a
	exec 9<> /dev/vexfs
	says 1 "in use" vexctl module unload
	exec 9>&-
	ok "after which all is stored again" state storing 3
	ok "the daemon lets go, and the module goes" vexctl module unload
	ok "and comes" vexctl module load --file "$ko"
	ok "all is back" state storing 3
	ids_and_settings all > after
	ok "as it was" diff before after
	# The backup came with fewer links; those that were built since were saved at the end.
	ok "its graph was loaded whole" awk "/'a': [0-9]+ vectors are in the graph/"' {
		for (i = 1; i < NF; i++) { if ($(i + 1) == "vectors") in_graph = $i; if ($(i + 1) == "are" && $(i + 2) == "being") rest = $i }
	} END { exit !(in_graph >= 100 && rest == 0) }' "$disk/daemon.log"
	ok "with its vectors" "$load" verify a "$disk/log"
	ok "sound" vexctl check a
	vexctl create volatile --dim 2
	says 1 "not durable and would be lost" vexctl module upgrade --file "$ko"
	ok "all is where it was" state storing 3
	tail -f /dev/null > /dev/vexfs &
	holder=$!
	says 1 "in use by tail ($holder)" vexctl module upgrade --file "$ko" --drop-volatile --wait 0
	(sleep 1; kill $holder) &
	ok "an upgrade waits for who goes" vexctl module upgrade --file "$ko" --drop-volatile --wait 20
	wait $holder 2> /dev/null
	says 1 "no collection" vexctl show volatile
	ok "what is durable is back" state storing 3
	ids_and_settings all > after
	ok "again as it was" diff before after
}

# A disk that is full and is freed: read-only meanwhile, nothing lost.
full_disk() {
	stop
	mkdir small
	mount -t tmpfs -o size=4m,mode=0700 small small
	cp -a "$store"/. small/
	start "$dir/small"
	ok "on a small disk" state storing 3
	: > full.log
	head -c 4m /dev/zero > small/ballast 2> /dev/null
	"$load" load a full.log 4 2500 > load.out 2>&1 &
	w=$!
	for i in $(seq 100); do
		vexctl -j store info | jq -e '.collections[] | select(.state == "failed")' > /dev/null && break
		sleep 0.05
	done
	says 0 "No space left" vexctl store info
	says 1 "read-only" vexctl put a 99 --vector "$(seq -s, 24)"
	ok "reads go on" "$load" verify a "$disk/log" full.log
	rm small/ballast
	ok "it recovers by itself" state storing 3
	ok "writers have gone on" wait "$w"
	ok "nothing acknowledged was lost" "$load" verify a "$disk/log" full.log
	stop
	mount -o remount,ro small
	says 1 "Read-only file system" vexfsd --store "$dir/small" --socket "$dir/other"
	says 0 "sound" vexctl store check --store "$dir/small"
	mount -o remount,rw small
	rm -rf "$store"
	cp -a small "$store"
	cat full.log >> "$disk/log"
	sync
	start
	ok "the large disk again" state storing 3
}

module_anew() {
	vexctl module unload > out 2>&1 || return
	vexctl module load --file "$(find "$VEXFS_TOP"/build/module/uml* -maxdepth 1 -name vexfs.ko |
		head -n 1)"
}

# COUNT collections are stored and KEPT are kept.
kept() {
	local i
	for i in $(seq 600); do
		vexctl -j store info 2> /dev/null | jq -e "[.collections[].state] |
			(map(select(. == \"storing\")) | length) == $1 and
			(map(select(. == \"kept\")) | length) == $2" > /dev/null && return
		sleep 0.05
	done
	vexctl store info
	return 1
}

# Of a user namespace that goes with the module nobody is left who could reach it.
namespaces() {
	ok "one of another user namespace" unshare -Ur sh -c \
		'vexctl create theirs --dim 2 --durability group --mode 0666 && vexctl put theirs 1 --vector 3,4'
	ok "is stored" kept 4 0
	ok "the module goes and comes" module_anew
	ok "it is kept, the others are back" kept 3 1
	says 1 "no kept collection" vexctl store claim a
	says 1 "exists" vexctl store claim theirs --as a
	says 1 "no name" vexctl store claim theirs --as .x/y
	ok "root claims it" vexctl store claim theirs --as ours
	ok "it is stored" kept 4 0
	says 0 "3,4" vexctl get ours 1
	ok "it is root's" test "$(vexctl -j show ours | jq -r '"\(.uid) \(.mode)"')" = "0 0600"
	says 1 "no kept collection" vexctl store claim theirs
	ok "the module goes and comes again" module_anew
	ok "and it comes back" kept 4 0
	says 0 "3,4" vexctl get ours 1
	vexctl drop ours
	ok "it goes as any other" state storing 3
}

as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }

# Is @LINE among the metrics, soon?
metric() {
	local i
	for i in $(seq 200); do
		grep -qxE "$1" vexfsd.prom 2> /dev/null && return
		sleep 0.1
	done
	cat vexfsd.prom
	return 1
}

# 768,000 bytes of vectors at a time, where a user may have 1 MiB.
users() {
	local i
	stop
	start "$store" --user-mb 1 --metrics "$dir/vexfsd.prom"
	ok "a limit for users" state storing 3
	chmod 0666 /dev/vexfs
	chmod 0755 "$dir"
	{ printf '\xb8\x0b\x00\x00\x40\x00\x00\x00'; yes abcdefghijklmno | head -c 768000; } > big.fbin
	ok "a user makes one" as 1001 vexctl create mine --dim 64 --durability group
	ok "and puts vectors into it" as 1001 vexctl import mine big.fbin --first-id 0
	for i in 1 2 3 4; do
		as 1001 vexctl import mine big.fbin --first-id $((i * 3000)) > import.out 2>&1 || break
	done
	ok "until the limit" grep -q "read-only" import.out
	says 0 "quota exceeded" vexctl store info
	ok "the log says whose" grep -q "'mine': the collections of user 1001 take . MiB in the store, of 1 that" "$disk/daemon.log"
	says 0 "64" as 1001 vexctl show mine
	says 1 "'mine' since storage says: Disk quota exceeded" vexctl performance diagnose
	ok "metrics count it" metric 'vexfsd_readonly_collections 1'
	ok "by state" metric 'vexfsd_collections\{state="failed"\} 1'
	ok "and the flushes" metric 'vexfsd_flush_duration_seconds_count [1-9][0-9]*'
	ok "another user goes on" as 1002 vexctl create other --dim 64 --durability group
	ok "and puts" as 1002 vexctl import other big.fbin --first-id 0
	ok "so does root" "$load" load a "$disk/log" 2 100
	says 1 "no storage takes it" as 1001 vexctl create more --dim 2 --durability group
	ok "the way out: not durable" as 1001 vexctl set mine --durability none
	ok "it leaves the store" state storing 4
	ok "and goes" as 1001 vexctl drop mine
	ok "the user has room again" as 1001 vexctl create mine --dim 64 --durability group
	ok "for vectors" as 1001 vexctl import mine big.fbin --first-id 0
	ok "nothing is read-only" metric 'vexfsd_readonly_collections 0'
	ok "diagnose finds it well" test -z "$(vexctl -j performance diagnose |
		jq -r '.findings[] | select(.id | startswith("storage-")) | select(.severity != "ok") | .evidence')"
	vexctl drop mine; vexctl drop other
	stop
	start
}

# What a kernel of the distribution has to do, in an emulator: little, and another boot.
small() {
	start
	ok "the daemon comes up" state storing 0
	ok "a durable collection" "$load" create a
	ok "writers, all acknowledged" "$load" load a "$disk/log" 2 1500
	ok "what they wrote is there" "$load" verify a "$disk/log"
	"$load" load a "$disk/log" 2 60000 > /dev/null 2>&1 &
	sleep 2
	echo "1..$n"
	sleep 0.5
	echo b > /proc/sysrq-trigger
	sleep 30
}

small_again() {
	start
	ok "after the power cut it is back" state storing 1
	ok "what was acknowledged is there" "$load" verify a "$disk/log"
	ok "the store is sound" vexctl store check
	ok "the collection is sound" vexctl check a
	stop
	echo "1..$n"
}

second() {
	start
	ok "after the power cut all is back" state storing 3
	ok "what was acknowledged is there" "$load" verify a "$disk/log"
	ok "the store is sound" vexctl store check
	ok "the collection is sound" vexctl check a
	vexctl -j show all | jq -cS . > all.json
	for key in name dim type metric mode capacity count seq layout created; do
		ok "$key is as it was" test "$(jq -c ".$key" all.json)" = "$(jq -c ".$key" "$disk/all.json")"
	done
	says 0 "1,2,3" vexctl get all 7
	stop
	says 0 "sound" vexctl store check --store "$store"
	echo "1..$n"
}

"$@"
