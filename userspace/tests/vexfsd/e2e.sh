#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexfsd with the real module, in a lab whose results folder is the disk. It prints TAP.
#
#	e2e.sh first [KILLS]	everything up to a power cut, which ends the lab under load
#	e2e.sh second		the next boot: every acknowledged vector is there
#	e2e.sh small, small_again	short versions of both, for emulated kernels

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

# says CODE WORDS COMMAND...: the command exits with CODE and prints WORDS.
says() {
	local want=$1 words=$2 got
	shift 2
	n=$((n + 1))
	"$@" > out 2> err
	got=$?
	if [ $got = "$want" ] && cat out err | grep -q -- "$words"; then
		echo "ok $n - $* exits with $want and prints: $words"
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

# state STATE COUNT: waits until at least COUNT collections are in the store, all in STATE.
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
	ok "vexfsd starts with an empty store" state storing 0
	says 1 "in use" vexfsd --store "$store" --socket "$dir/other"
	ln -s "$store" link
	says 1 "symbolic link" vexfsd --store "$dir/link" --socket "$dir/other"
	mkdir -m 0777 open
	says 1 "writable by others" vexfsd --store "$dir/open" --socket "$dir/other"
	mkdir -m 0700 theirs && chown 1234 theirs
	says 1 "belongs to user" vexfsd --store "$dir/theirs" --socket "$dir/other"

	ok "a durable collection is created" "$load" create a
	ok "8 writers get every put acknowledged" "$load" load a "$disk/log" 8 1000
	ok "the durable collection is in the store" state storing 1
	ok "every acknowledged vector is in the collection" "$load" verify a "$disk/log"

	killed
	says 1 "read-only" vexctl put a 99 --vector "$(seq -s, 24)"
	says 1 "vexfsd does not run, and 1 of 1" vexctl performance diagnose
	start
	ok "a restarted vexfsd stores the collection again" state storing 1
	ok "4 writers get every put acknowledged by the restarted vexfsd" "$load" load a "$disk/log" 4 300
	"$load" load a "$disk/log" 8 $((kills * 450)) > load.out 2>&1 &
	w=$!
	for i in $(seq "$kills"); do
		sleep "0.$((RANDOM % 300 + 50))"
		killed
		start
	done
	ok "8 writers get every put acknowledged during $kills kills of vexfsd" wait "$w"
	sed 's/^/# /' load.out | head -n 3
	ok "vexfsd stores the collection again after $kills kills" state storing 1
	ok "no acknowledged vector was lost by $kills kills" "$load" verify a "$disk/log"
	ok "the store has no errors after $kills kills" vexctl store check
	ok "the collection has no errors after $kills kills" vexctl check a

	everything
	module_again
	full_disk
	namespaces
	users
	unfinished
	stopped_at_times
	changing_backup
	many
	set_back
	ok "three collections are stored before the power cut" state storing 3
	vexctl -j show all | jq -cS . > "$disk/all.json"
	sync -f "$disk/all.json"
	# The power is cut while writers put vectors.
	"$load" load a "$disk/log" 8 60000 > /dev/null 2>&1 &
	sleep 1
	echo "1..$n"
	sleep 0.2
	echo b > /proc/sysrq-trigger
	sleep 10
}

# A collection with every property, and one that becomes durable after its creation.
everything() {
	ok "a durable collection with type, metric, layout, mode and capacity is created" vexctl create all --dim 3 --type i8 --metric cos --durability group \
		--layout lang:u8,year:u16 --mode 0604 --capacity 500
	ok "a vector with a record is put" vexctl put all 7 --vector 1,2,3 --attr lang=3,year=2020
	ok "the capacity of a durable collection is changed" vexctl set all --capacity 600
	ok "a volatile collection is created" vexctl create late --dim 2
	for i in 1 2 3 4 5; do vexctl put late $i --vector $i,$i; done
	vexctl delete late 4
	ok "a volatile collection with vectors becomes durable" vexctl set late --durability sync
	ok "a collection that became durable accepts a put" vexctl put late 6 --vector 6,6
	ok "a durable collection is created to be dropped" vexctl create gone --dim 2 --durability group
	ok "a durable collection is dropped" vexctl drop gone
	ok "three collections are stored, and the dropped one is not" state storing 3
	says 0 "late" vexctl store info
	ok "the store is compacted" vexctl store compact
	ok "a backup of the store is made" vexctl store backup "$dir/backup"
	says 0 "sound" vexctl store check --store "$dir/backup"
	says 1 "already" vexctl store backup "$dir/backup"
	ok "one of three collections is dropped after the backup" vexctl drop all
	ok "the two other collections stay in the store" state storing 2
	says 1 "exists" vexctl store restore "$dir/backup"
	vexctl drop late; vexctl drop a
	ok "the store is empty after all collections were dropped" state storing 0
	ok "the backup is restored" vexctl store restore "$dir/backup"
	ok "the restored collections are in the store" state storing 3
	says 0 "1,2,3" vexctl get all 7
	says 0 "6,6" vexctl get late 6
	ok "a vector deleted before the backup is not restored" test -z "$(vexctl get late 4 2> /dev/null)"
	ok "every acknowledged vector is restored" "$load" verify a "$disk/log"
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

# The module is unloaded, loaded and upgraded while vexfsd runs.
module_again() {
	local ko
	ko=$(find "$VEXFS_TOP"/build/module/uml* -maxdepth 1 -name vexfs.ko | head -n 1)
	ids_and_settings all > before
	# A graph that is being built is not saved.
	ok "the graph of the restored collection is built" built a
	exec 9<> /dev/vexfs
	says 1 "in use" vexctl module unload
	exec 9>&-
	ok "all collections are stored after a refused unload" state storing 3
	ok "vexfsd closes the device, and the module is unloaded" vexctl module unload
	ok "the module is loaded again" vexctl module load --file "$ko"
	ok "all collections come back after the module was reloaded" state storing 3
	ids_and_settings all > after
	ok "a collection keeps its ids and settings when the module is reloaded" diff before after
	# The backup had fewer links; those built since then were saved at the unload.
	ok "the complete graph is loaded from the store" awk "/'a': [0-9]+ vectors are in the graph/"' {
		for (i = 1; i < NF; i++) { if ($(i + 1) == "vectors") in_graph = $i; if ($(i + 1) == "are" && $(i + 2) == "being") rest = $i }
	} END { exit !(in_graph >= 100 && rest == 0) }' "$disk/daemon.log"
	ok "a collection keeps its vectors when the module is reloaded" "$load" verify a "$disk/log"
	ok "the collection has no errors after the module was reloaded" vexctl check a
	vexctl create volatile --dim 2
	says 1 "not durable and would be lost" vexctl module upgrade --file "$ko"
	ok "a refused upgrade leaves all collections as they were" state storing 3
	tail -f /dev/null > /dev/vexfs &
	holder=$!
	says 1 "in use by tail ($holder)" vexctl module upgrade --file "$ko" --drop-volatile --wait 0
	(sleep 1; kill $holder) &
	ok "an upgrade with --wait waits until the last user closes the device" vexctl module upgrade --file "$ko" --drop-volatile --wait 20
	wait $holder 2> /dev/null
	says 1 "no collection" vexctl show volatile
	ok "the durable collections are back after the upgrade" state storing 3
	ids_and_settings all > after
	ok "a collection keeps its ids and settings in an upgrade" diff before after
}

# How often the daemon has removed the files of a collection.
removed() { grep -c "files were removed\|removing its files" "$disk/daemon.log"; }

# gone NAME: waits until a collection is not in the store.
gone() {
	local i
	for i in $(seq 200); do
		vexctl -j store info | jq -e ".collections[] | select(.name == \"$1\")" > /dev/null || return 0
		sleep 0.05
	done
	vexctl store info
	return 1
}

# While the disk is full the collections are read-only; after space is freed nothing is lost.
full_disk() {
	local removed
	stop
	# So that it fits.
	vexctl store compact --store "$store" > compact.out || cat compact.out
	removed=$(removed)
	mkdir small
	mount -t tmpfs -o size=4m,mode=0700 small small
	cp -a "$store"/. small/
	ln -s /dev/vexfs device
	start "$dir/small" --device "$dir/device"
	ok "vexfsd stores three collections on a small disk" state storing 3
	for i in extra spare; do
		vexctl create $i --dim 2 --durability group
		vexctl put $i 1 --vector 1,2
	done
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
	ok "a collection is readable while the disk is full" "$load" verify a "$disk/log" full.log
	# The daemon tries again twice a second.
	rm device
	sleep 1.5
	ln -s /dev/vexfs device
	ok "a collection stays in the store while the device is not there" test "$(removed)" = "$removed"
	{ printf '\x40\x9c\x00\x00\x02\x00\x00\x00'; yes abcdefg | head -c 320000; } > pairs.fbin
	vexctl import extra pairs.fbin --first-id 10 > import.out 2>&1
	ok "an import fails on the full disk" is_in extra failed
	ok "a collection on the full disk is made volatile" vexctl set extra --durability none
	ok "its files leave the full disk" gone extra
	ok "another one, that nobody has written to" vexctl set spare --durability none
	ok "its files leave the full disk, too" gone spare
	vexctl drop extra; vexctl drop spare
	rm small/ballast
	ok "collections become writable again after space was freed" state storing 3
	ok "writers continue after the disk was full" wait "$w"
	ok "no acknowledged vector was lost by the full disk" "$load" verify a "$disk/log" full.log
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
	ok "vexfsd stores three collections on the large disk again" state storing 3
}

module_anew() {
	vexctl module unload > out 2>&1 || return
	vexctl module load --file "$(find "$VEXFS_TOP"/build/module/uml* -maxdepth 1 -name vexfs.ko |
		head -n 1)"
}

# kept COUNT KEPT: waits until COUNT collections are stored and KEPT are kept without an owner.
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

# Nobody can reach a collection of a user namespace that ended before the module was reloaded.
namespaces() {
	ok "a durable collection is created in another user namespace" unshare -Ur sh -c \
		'vexctl create theirs --dim 2 --durability group --mode 0666 && vexctl put theirs 1 --vector 3,4'
	ok "the collection of another user namespace is stored" kept 4 0
	ok "the module is reloaded after the user namespace ended" module_anew
	ok "the collection of the ended namespace is kept, the others come back" kept 3 1
	killed
	start
	ok "it is kept when vexfsd was killed" kept 3 1
	stop
	start
	ok "it is kept when vexfsd was started again" kept 3 1
	says 1 "no kept collection" vexctl store claim a
	says 1 "exists" vexctl store claim theirs --as a
	says 1 "no name" vexctl store claim theirs --as .x/y
	ok "root claims a kept collection" vexctl store claim theirs --as ours
	ok "a claimed collection is stored" kept 4 0
	says 0 "3,4" vexctl get ours 1
	ok "a claimed collection belongs to root, with mode 0600" test "$(vexctl -j show ours | jq -r '"\(.uid) \(.mode)"')" = "0 0600"
	says 1 "no kept collection" vexctl store claim theirs
	ok "the module is reloaded after the claim" module_anew
	ok "a claimed collection comes back after a reload" kept 4 0
	says 0 "3,4" vexctl get ours 1
	vexctl drop ours
	ok "a claimed collection can be dropped" state storing 3
}

# is_in NAME STATE: waits until a collection of the store is in a state.
is_in() {
	local i
	for i in $(seq 600); do
		vexctl -j store info 2> /dev/null | jq -e ".collections[] |
			select(.name == \"$1\" and .state == \"$2\")" > /dev/null && return
		sleep 0.05
	done
	vexctl store info
	return 1
}

reload() {
	stop
	vexctl module unload > out 2>&1 && vexctl module load --file "$(find "$VEXFS_TOP"/build/module/uml* \
		-maxdepth 1 -name vexfs.ko | head -n 1)"
}

# Whatever ends vexfsd before it has restored everything, the store keeps what is left.
unfinished() {
	local i removed
	removed=$(removed)
	ok "the module is loaded anew while vexfsd is down" reload
	vexctl create all --dim 2
	start
	ok "a collection whose name is taken is not restored" is_in all conflict
	killed
	start
	ok "... and still in the store when vexfsd was killed" is_in all conflict
	vexctl drop all
	stop
	start
	ok "... and restored when the name is free" state storing 3
	ok "the module is loaded anew" reload
	chown 1234 "$store"/*.head
	start
	ok "a collection that cannot be opened is not restored" state failed 3
	killed
	start
	ok "... and still in the store when vexfsd was killed" state failed 3
	says 1 "3 collections cannot be opened and are not in the backup" vexctl store backup "$dir/none"
	chown 0 "$store"/*.head
	ok "... and restored as soon as it can be" state storing 3
	for i in 1 2 3 4; do
		reload
		start
		sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
		killed
		start
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		killed
		start
		ok "collections are restored by the third vexfsd after two kills, round $i" state storing 3
		[ "$(vexctl -j store info | jq '.collections | length')" = 3 ] || echo "# not three collections"
	done
	killed
	rm "$store/RUN"
	start
	ok "vexfsd finds the collections without RUN" state storing 3
	ok "nothing was removed from the store" test "$(removed)" = "$removed"
	ok "there are three collections in the store" test "$(vexctl -j store info | jq '.collections | length')" = 3
	ok "no acknowledged vector was lost" "$load" verify a "$disk/log"
	ok "its graph is built" built a
	ok "a backup is made" vexctl store backup "$dir/backup2"
	vexctl drop late; vexctl drop all; vexctl drop a
	stop
	ok "a backup is restored while vexfsd is down" vexctl store restore "$dir/backup2" --store "$store"
	start
	ok "... and vexfsd takes it up" state storing 3
	says 0 "6,6" vexctl get late 6
	ok "nothing was removed from the store but what was dropped" test "$(removed)" = $((removed + 3))
}

# What a signal interrupts in the kernel is not stored as if it were complete.
stopped_at_times() {
	local i
	{ printf '\x50\xc3\x00\x00\x10\x00\x00\x00'; head -c 800000 /dev/urandom; } > random.i8bin
	ok "a durable collection for random vectors is created" vexctl create random --dim 16 --type i8 --durability group
	for i in 1 2 3 4; do
		vexctl import random random.i8bin --first-id 1 --upsert > import.out 2>&1 &
		w=$!
		while kill -0 $w 2> /dev/null; do
			kill -STOP "$d"
			kill -CONT "$d"
		done
		wait $w || cat import.out
	done
	ok "the module is loaded anew after vexfsd was stopped at times" reload
	start
	ok "the collections are restored" state storing 4
	vexctl export random again.i8bin
	ok "the vectors are those that were put" cmp random.i8bin again.i8bin
	vexctl drop random
}

# A backup has all collections, also while others come and go.
changing_backup() {
	local i bad=0
	(
		while [ ! -e enough ]; do
			vexctl create guest --dim 2 --durability group
			vexctl drop guest
		done
	) > /dev/null 2>&1 &
	w=$!
	for i in 1 2 3 4 5; do
		rm -rf "$dir/often"
		vexctl store backup "$dir/often" > often.out 2>&1 || { bad=1; sed 's/^/# /' often.out; }
		for k in a all late; do
			vexctl -j store info --store "$dir/often" | jq -r '.collections[].name' | grep -qx $k || bad=1
		done
	done
	touch enough
	wait $w
	ok "five backups beside collections that come and go have all others" test $bad = 0
}

# A daemon has 1024 descriptors by default, and needs three for each collection.
many() {
	local i bad=0
	stop
	ulimit -Sn 64
	start
	ulimit -Sn "$(ulimit -Hn)"
	for i in $(seq 20); do
		vexctl create "many$i" --dim 2 --durability group || { bad=1; break; }
	done
	ok "20 more durable collections are created beside a soft limit of 64 descriptors" test $bad = 0
	ok "all of them are stored" state storing 23
	for i in $(seq 20); do vexctl drop "many$i"; done
}

# Somebody sets the clock back by an hour. The graph is saved when an eighth has changed.
set_back() {
	local before
	before=$(ls "$store")
	date -s "@$(($(date +%s) - 3600))" > /dev/null
	ok "8 writers get every put acknowledged after the clock was set back" "$load" load a "$disk/log" 8 3000
	ok "the graph is saved although the clock was set back" other_files "$before"
}

other_files() {
	local i
	for i in $(seq 200); do
		[ "$(ls "$store")" = "$1" ] || return 0
		sleep 0.1
	done
	return 1
}

as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }

# metric LINE: waits until LINE is among the metrics.
metric() {
	local i
	for i in $(seq 200); do
		grep -qxE "$1" vexfsd.prom 2> /dev/null && return
		sleep 0.1
	done
	cat vexfsd.prom
	return 1
}

# A user may store 1 MiB; each import has 768,000 bytes of vectors.
users() {
	local i
	stop
	start "$store" --user-mb 1 --metrics "$dir/vexfsd.prom"
	ok "vexfsd starts with a limit per user" state storing 3
	chmod 0666 /dev/vexfs
	chmod 0755 "$dir"
	{ printf '\xb8\x0b\x00\x00\x40\x00\x00\x00'; yes abcdefghijklmno | head -c 768000; } > big.fbin
	ok "a user creates a durable collection" as 1001 vexctl create mine --dim 64 --durability group
	ok "a user imports vectors below the limit" as 1001 vexctl import mine big.fbin --first-id 0
	for i in 1 2 3 4; do
		as 1001 vexctl import mine big.fbin --first-id $((i * 3000)) > import.out 2>&1 || break
	done
	ok "an import above the limit of the user fails" grep -q "read-only" import.out
	says 0 "quota exceeded" vexctl store info
	ok "the log names the user above the limit" grep -q "'mine': the collections of user 1001 take . MiB in the store, of 1 that" "$disk/daemon.log"
	says 0 "64" as 1001 vexctl show mine
	says 1 "'mine' since storage says: Disk quota exceeded" vexctl performance diagnose
	ok "metrics count one read-only collection" metric 'vexfsd_readonly_collections 1'
	ok "metrics count collections by state" metric 'vexfsd_collections\{state="failed"\} 1'
	ok "metrics have the duration of flushes" metric 'vexfsd_flush_duration_seconds_count [1-9][0-9]*'
	ok "another user creates a collection while the first is above the limit" as 1002 vexctl create other --dim 64 --durability group
	ok "another user imports vectors while the first is above the limit" as 1002 vexctl import other big.fbin --first-id 0
	ok "root puts vectors while a user is above the limit" "$load" load a "$disk/log" 2 100
	says 1 "no storage takes it" as 1001 vexctl create more --dim 2 --durability group
	ok "a user above the limit makes the collection volatile" as 1001 vexctl set mine --durability none
	ok "a collection made volatile leaves the store" state storing 4
	ok "a collection made volatile can be dropped" as 1001 vexctl drop mine
	ok "the user creates a durable collection again" as 1001 vexctl create mine --dim 64 --durability group
	ok "the user imports vectors below the limit again" as 1001 vexctl import mine big.fbin --first-id 0
	ok "metrics count no read-only collection at the end" metric 'vexfsd_readonly_collections 0'
	ok "diagnose has no finding about the storage at the end" test -z "$(vexctl -j performance diagnose |
		jq -r '.findings[] | select(.id | startswith("storage-")) | select(.severity != "ok") | .evidence')"
	vexctl drop mine; vexctl drop other
	stop
	start
}

# A short test for kernels of a distribution in an emulator; small_again runs in the next boot.
small() {
	start
	ok "vexfsd starts with an empty store" state storing 0
	ok "a durable collection is created" "$load" create a
	ok "2 writers get every put acknowledged" "$load" load a "$disk/log" 2 1500
	ok "every acknowledged vector is in the collection" "$load" verify a "$disk/log"
	"$load" load a "$disk/log" 2 60000 > /dev/null 2>&1 &
	sleep 2
	echo "1..$n"
	sleep 0.5
	echo b > /proc/sysrq-trigger
	sleep 30
}

small_again() {
	start
	ok "the collection is back after the power cut" state storing 1
	ok "every acknowledged vector is there after the power cut" "$load" verify a "$disk/log"
	ok "the store has no errors after the power cut" vexctl store check
	ok "the collection has no errors after the power cut" vexctl check a
	stop
	echo "1..$n"
}

second() {
	start
	ok "all three collections are back after the power cut" state storing 3
	ok "every acknowledged vector is there after the power cut" "$load" verify a "$disk/log"
	ok "the store has no errors after the power cut" vexctl store check
	ok "the collection has no errors after the power cut" vexctl check a
	vexctl -j show all | jq -cS . > all.json
	for key in name dim type metric mode capacity count seq layout created; do
		ok "a collection has the same $key after the power cut" test "$(jq -c ".$key" all.json)" = "$(jq -c ".$key" "$disk/all.json")"
	done
	says 0 "1,2,3" vexctl get all 7
	stop
	says 0 "sound" vexctl store check --store "$store"
	echo "1..$n"
}

"$@"
