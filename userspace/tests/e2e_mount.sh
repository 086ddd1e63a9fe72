#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A mount of collections in a lab, used by programs that know nothing of vexfs. Prints TAP.
# VEXFS_MOUNT names the program to test: the one with sanitizers, or valgrind in front. IDS: how
# many a collection has that is listed (100,000).

set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/bin:$PATH
mount=${VEXFS_MOUNT:-vexfs-mount}
dir=$(mktemp -d)
m=$dir/m
n=0
chmod 755 "$dir"
mkdir "$m"
cd "$dir" || exit 1

# check NAME SHELL: the shell's text succeeds.
check() {
	n=$((n + 1))
	if (eval "$2") > "$dir/out" 2> "$dir/err"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		head -n 5 "$dir/out" "$dir/err" | sed 's/^/# /'
	fi
}

# refused NAME WORDS SHELL: it fails, and says WORDS on stderr.
refused() {
	n=$((n + 1))
	if (eval "$3") > "$dir/out" 2> "$dir/err"; then
		echo "not ok $n - $1"
		echo "# it succeeded"
	elif grep -qiE -- "$2" "$dir/err"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		head -n 3 "$dir/err" | sed 's/^/# /'
	fi
}

# Another user: $1 is uid and gid, $2 supplementary groups or -.
as() {
	local id=$1 groups=$2
	shift 2
	if [ "$groups" = - ]; then groups=--clear-groups; else groups=--groups=$groups; fi
	setpriv --reuid="$id" --regid="$id" "$groups" "$@"
}

# floats X...: the bytes of floats.
floats() { perl -e 'print pack("f*", @ARGV)' "$@"; }

start() {
	$mount "$@" "$m" || { echo "Bail out! cannot mount"; exit 1; }
}

# Tells the module of a request that $1 would have answered.
served() {
	perl -e 'open D, "<", "/dev/vexfs" or die; open F, "+<", shift or die;
		$op = pack("QlL", 1000, 0, 0);
		$r = pack("LlLLQ", 24, fileno(F), 1, 0, unpack("Q", pack("P", $op)));
		ioctl(D, 0xBB60, $r) or die "$!\n"' "$1"
}

# Until the file system is gone and the daemon, too.
stop() {
	local pid i
	pid=$(cat "$dir/pid" 2> /dev/null)
	umount "$m" || return 1
	for ((i = 0; i < 200; i++)); do
		[ -n "$pid" ] && [ -d "/proc/$pid" ] || return 0
		sleep 0.05
	done
	return 1
}

# The daemon has its end of the mount open; there is one of its name in this lab.
daemon() { pidof -s vexfs-mount vexfs-mount-san vexfs-mount-passthrough memcheck-amd64- ; }

# ---- a collection, made and filled by hand ----

start -o allow_other
daemon > "$dir/pid"
b=$m/a/by-id
check "a mount without collections is empty" '[ -z "$(ls "$m")" ]'
check "mkdir creates a collection" 'mkdir "$m/a@dim=4,metric=l2,attr=lang:u8,year:u16,mtime:u64"'
check "the directory has the name of the collection, without options" '[ "$(ls "$m")" = a ] && vexctl show a'
check "mkdir takes index, code and size of a graph" 'mkdir "$m/g@dim=4,metric=cos,index=graph,code=i8,m=8,ef=100,capacity=10" && vexctl -j show g | jq -e ".index == \"graph\" and .code == \"i8\" and .m == 8 and .capacity == 10" && rmdir "$m/g"'
check "a name with other options does not exist" '! stat "$m/a@dim=5" && [ "$(ls "$m")" = a ]'
check "a collection has its eight entries" '[ "$(ls -A "$m/a" | tr "\n" " ")" = ".info.json .query .schema .stats.json by-id near within " ]'
for i in 1 2 3 4 5 6 7 8; do floats $i 0 0 0 > "$b/$i" || echo "# cannot write $i"; done
check "eight vectors are listed in by-id" '[ "$(ls "$b" | sort -n | tr "\n" " ")" = "1 2 3 4 5 6 7 8 " ]'
check "vexctl show counts eight vectors" '[ "$(vexctl -j show a | jq .count)" = 8 ]'
check "a file of by-id has the bytes that were written" 'floats 3 0 0 0 | cmp - "$b/3"'
check "a file of by-id has size, type and one link" '[ "$(stat -c "%s %F %h" "$b/3")" = "16 regular file 1" ]'
check "near/ID lists the nearest vectors without ID itself" '[ "$(ls "$m/a/near/1" | head -n 1)" = 0001-1.0000-2 ] && [ "$(ls "$m/a/near/1" | wc -l)" = 7 ]'
check "near/ID@k=2 lists two vectors" '[ "$(ls "$m/a/near/1@k=2" | tr "\n" " ")" = "0001-1.0000-2 0002-4.0000-3 " ]'
check "a link of near/ID leads to the vector" 'cmp "$m/a/near/1/0001-1.0000-2" "$b/2"'
check "within/ID@r=R lists the vectors in the radius" '[ "$(ls "$m/a/within/4@r=1.5" | wc -l)" = 2 ]'
check "extended attributes set and get fields of the record" 'setfattr -n user.vexfs.lang -v 3 "$b/2" && setfattr -n user.vexfs.year -v 2020 "$b/2" && [ "$(getfattr --only-values -n user.vexfs.year "$b/2")" = 2020 ]'
check "vexctl get has a field that was set as an attribute" 'vexctl -j get a 2 | jq -e ".. | .lang? // empty | . == 3"'
check "near/ID@filter= lists vectors that match" '[ "$(ls "$m/a/near/1@filter=lang==3")" = 0001-4.0000-3 ] || [ "$(ls "$m/a/near/1@filter=lang==3")" = 0001-1.0000-2 ]'
check "near/ID takes several options" '[ "$(ls "$m/a/near/1@k=2,ef=128,exact,filter=lang==3" | wc -l)" = 1 ]'
check "getfattr lists the fields of the record alone" '[ "$(getfattr "$b/2" 2> /dev/null | grep -c user.vexfs)" = 3 ]'
check "the attributes seq and type can be read" '[ "$(getfattr --only-values -n user.vexfs.type "$b/2")" = f32 ] && getfattr -n user.vexfs.seq "$b/2"'
check "rename changes the id" 'mv "$b/8" "$b/88" && [ ! -e "$b/8" ] && floats 8 0 0 0 | cmp - "$b/88"'
check "rename keeps the record" 'mv "$b/2" "$b/22" && [ "$(getfattr --only-values -n user.vexfs.lang "$b/22")" = 3 ] && mv "$b/22" "$b/2"'
check "rename onto another replaces it" 'mv "$b/88" "$b/7" && [ "$(ls "$b" | wc -l)" = 7 ] && floats 8 0 0 0 | cmp - "$b/7"'
check "unlink deletes the vector" 'rm "$b/7" && [ "$(vexctl -j show a | jq .count)" = 6 ]'
check "a vector is overwritten in place" 'floats 9 9 9 9 > "$b/6" && vexctl -j get a 6 | jq -e ".. | .vector? // empty | . == [9,9,9,9]"'
check "a partial write keeps the other components" 'floats 5 | dd of="$b/6" bs=4 seek=2 conv=notrunc status=none && floats 9 9 5 9 | cmp - "$b/6"'
check "dd overwrites the last component" 'floats 7 | dd of="$b/6" bs=4 seek=3 conv=notrunc,fsync status=none && floats 9 9 5 7 | cmp - "$b/6"'
check "a vector is written in pieces by appending" 'perl -e '"'"'open F, ">>", shift or die; syswrite F, pack("f2", 1, 2); syswrite F, pack("f2", 3, 4); close F or die "$!\n"'"'"' "$b/55" && floats 1 2 3 4 | cmp - "$b/55" && rm "$b/55"'
check "what a sparse write leaves out is zero" 'floats 4 | dd of="$b/55" bs=4 seek=3 status=none && floats 0 0 0 4 | cmp - "$b/55" && rm "$b/55"'
check "two writers of a vector write the same one" 'exec 3<> "$b/55" && exec 4<> "$b/55" && floats 1 2 3 4 >&3 && floats 5 6 >&4 && exec 3>&- && exec 4>&- && floats 5 6 3 4 | cmp - "$b/55" && rm "$b/55"'
check "appending to a complete vector fails" '! floats 1 >> "$b/6"; floats 9 9 5 7 | cmp - "$b/6"'
refused "too short is EINVAL at close" "invalid" 'floats 1 2 | dd of="$b/50" status=none'
check "a vector of the wrong size leaves no file" '[ ! -e "$b/50" ] && [ "$(ls "$b" | grep -c 50)" = 0 ]'
refused "too short is EINVAL at fsync" "invalid" 'floats 1 2 | dd of="$b/51" conv=fsync status=none'
refused "too long is EFBIG" "too large" 'floats 1 2 3 4 5 | dd of="$b/52" bs=20 status=none'
refused "an empty file is none" "invalid" 'touch "$b/53"'
check "touch sets the time of a vector" 'touch -d "2001-02-03 04:05:06 UTC" "$b/6" && [ "$(stat -c %Y "$b/6")" = 981173106 ]'
check "a write sets the time of a vector" 'floats 1 1 1 1 > "$b/6" && [ $(($(date +%s) - $(stat -c %Y "$b/6"))) -lt 100 ]'
refused "NaN is refused at close" "." 'perl -e "print pack(q(f4), q(nan), 1, 1, 1)" | dd of="$b/54" status=none'
refused "no hard links" "not permitted" 'ln "$b/1" "$b/9"'
refused "no symbolic links" "not permitted" 'ln -s 1 "$b/9"'
refused "no directories in there" "not permitted" 'mkdir "$b/9"'
refused "no pipes" "not permitted" 'mkfifo "$b/9"'
for name in x 01 -1 1x 18446744073709551616 '' ' 1' $'a\nb' $'\377\376' '1 '; do
	[ -n "$name" ] || continue
	refused "a name that is no id: $(printf %q "$name")" "invalid" 'floats 1 1 1 1 > "$b/$name"'
done
check "the smallest and the largest ids can be used" 'for i in 0 9223372036854775808 18446744073709551614; do floats 1 2 3 4 > "$b/$i" && [ -e "$b/$i" ] && rm "$b/$i" || exit 1; done'
refused "mode of a vector is its collection's" "not permitted" 'chmod 777 "$b/1"'
check "chmod to the present mode succeeds" 'chmod "$(stat -c %a "$b/1")" "$b/1"'
check ".info.json has dimension, metric and name" 'jq -e ".dim == 4 and .metric == \"l2\" and .name == \"a\"" "$m/a/.info.json"'
check ".stats.json has the number of vectors" 'jq -e ".count == 6" "$m/a/.stats.json"'
check ".schema has the fields of the record" 'grep -qx "year:u16@1" "$m/a/.schema"'
check ".query answers a query in JSON" 'exec 3<> "$m/a/.query"; echo "{\"vector\": [1, 0, 0, 0], \"k\": 2}" >&3; cat <&3 > q; [ "$(jq -s "map(.id) | tostring" q)" = "\"[1,2]\"" ]'
check ".query@k=1 answers a query in floats" 'exec 3<> "$m/a/.query@k=1"; floats 4 0 0 0 >&3; [ "$(cat <&3 | jq .id)" = 4 ]'
check ".query answers several queries of one descriptor" 'exec 3<> "$m/a/.query@k=1"; for i in 1 2 3; do floats $i 0 0 0 >&3; [ "$(cat <&3 | jq .id)" = $i ] || exit 1; done'
check ".query takes a radius, a filter and an id" 'exec 3<> "$m/a/.query"; echo "{\"id\": 4, \"radius\": 1.5, \"exact\": true, \"filter\": \"year == 0\"}" >&3; [ "$(cat <&3 | wc -l)" = 2 ]'
for q in '{"vector": [1]}' '{' '{}' '{"id": 4, "k": 0}' '{"id": 4, "filter": "nonsense =="}' 'rubbish'; do
	check ".query refuses $q" 'exec 3<> "$m/a/.query"; printf %s "$q" >&3; ! cat <&3'
done
refused "near what is not there" "no such" 'ls "$m/a/near/4444"'
refused "near with wrong options" "invalid" 'ls "$m/a/near/1@k=0"'
refused "near with a wrong filter" "invalid" 'ls "$m/a/near/1@filter=nosuch==1"'
refused "a link that was not found" "no such" 'readlink "$m/a/near/1/0001-0.0000-5" || stat "$m/a/near/1/0001-0.0000-5"'
check "statfs counts the vectors as used files" '[ "$(($(stat -f -c "%c - %d" "$m")))" = 6 ]'
check "find and du walk the mount" 'find "$m" -type f | grep -q by-id/1 && du -s "$m"'

# ---- many ids ----

ids=${IDS:-100000}
mkdir "$m/ids@dim=1,metric=l2"
perl -e '$n = shift; print pack("VV", $n, 1), pack("f", 0) x $n' "$ids" > ids.fbin
vexctl -q import ids ids.fbin > /dev/null
rm ids.fbin
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(cat "$dir/pid")/status"; }
was=$(peak)
check "a listing has $ids ids" '[ "$(ls -f "$m/ids/by-id" | grep -c "^[0-9]")" = '"$ids"' ]'
check "the daemon keeps none of them" '[ -n "${VEXFS_MOUNT:-}" ] || [ $(($(peak) - '"$was"')) -lt 2000 ]'
vexctl drop ids > /dev/null

# ---- copies ----

check "cp -a copies vectors out of the mount" 'cp -a "$b" rows && [ "$(ls rows | wc -l)" = 6 ] && cmp rows/3 "$b/3"'
check "mkdir creates a collection for a copy" 'mkdir -m 755 "$m/copy@dim=4,attr=lang:u8,year:u16,mtime:u64"'
check "cp -a into the mount keeps bytes, times and attributes" 'cp -a rows/. "$m/copy/by-id/" && diff -r rows "$m/copy/by-id" && [ "$(stat -c %Y rows/2)" = "$(stat -c %Y "$m/copy/by-id/2")" ] && [ "$(getfattr --only-values -n user.vexfs.lang "$m/copy/by-id/2")" = 3 ]'
check "rsync finds nothing to do" '[ -z "$(rsync -rti rows/ "$m/copy/by-id/" | grep "^>f")" ]'
check "rsync copies into the mount and out of it" 'rm "$m/copy/by-id"/* && rsync -rtX rows/ "$m/copy/by-id/" && mkdir rows2 && rsync -rtX "$m/copy/by-id/" rows2/ && diff -r rows rows2 && [ "$(getfattr --only-values -n user.vexfs.year "$m/copy/by-id/2")" = 2020 ]'
check "rsync leaves no temporary files" '[ "$(ls -A "$m/copy/by-id" | grep -vc "^[0-9]*$")" = 0 ]'
check "tar archives a collection and restores it" 'tar --xattrs --xattrs-include="user.*" -C "$m/copy/by-id" -cf t.tar . && rm "$m/copy/by-id"/* && tar --xattrs --xattrs-include="user.*" -C "$m/copy/by-id" -xf t.tar && diff -r rows "$m/copy/by-id"'
check "a vector is replaced by a rename, as editors do" 'floats 5 5 5 5 > "$m/copy/by-id/.3.tmp" && mv "$m/copy/by-id/.3.tmp" "$m/copy/by-id/3" && floats 5 5 5 5 | cmp - "$m/copy/by-id/3" && ls -A "$m/copy/by-id" | grep -vc tmp'
refused "a temporary file of wrong length becomes no vector" "." 'echo x > "$m/copy/by-id/.x" && mv "$m/copy/by-id/.x" "$m/copy/by-id/3"'
check "a temporary file can be unlinked" 'rm "$m/copy/by-id/.x" && [ ! -e "$m/copy/by-id/.x" ]'
refused "between collections it is a copy" "." 'perl -e "rename(shift, shift) or die \"\$!\n\"" "$b/1" "$m/copy/by-id/99"'
check "mv moves a vector to another collection" 'mv "$m/copy/by-id/3" "$b/333" && [ ! -e "$m/copy/by-id/3" ] && floats 5 5 5 5 | cmp - "$b/333" && rm "$b/333"'
check "1,000 vectors are copied in" 'mkdir src && perl -e "for (0..999) { open F, q(>), qq(src/\$_); print F pack(q(f4), \$_, \$_ % 7, 1, 1); close F }" && mkdir "$m/big@dim=4" && cp src/* "$m/big/by-id/" && [ "$(ls "$m/big/by-id" | wc -l)" = 1000 ] && diff -r src "$m/big/by-id"'
check "an open file that is unlinked can still be read" 'exec 3< "$m/big/by-id/7" && rm "$m/big/by-id/7" && cmp src/7 - <&3'
refused "rmdir of a full one" "not empty" 'rmdir "$m/big"'
check "rmdir drops an emptied collection" 'rm "$m/big/by-id"/* && rmdir "$m/big" && [ ! -e "$m/big" ] && ! vexctl show big'
check "files of a collection that vexctl dropped give an error" 'mkdir "$m/gone@dim=4" && exec 3<> <(:) 4<> "$m/gone/.query" && floats 1 2 3 4 > "$m/gone/by-id/1" && vexctl drop gone && ! floats 1 2 3 4 > "$m/gone/by-id/2"; sleep 1.2; [ ! -e "$m/gone" ]'
check "a collection created again under the same name is shown" 'vexctl create gone --dim 8 && [ "$(jq .dim "$m/gone/.info.json")" = 8 ] && rmdir "$m/gone"'

# ---- mappings ----

mkdir "$m/map@dim=2048"
map() { "$top/build/test-bin/mount_map" "$1" "$m/map/by-id" map; }
check "a vector that is written through a mapping is stored at msync and at fsync, and not before" 'map msync'
check "a mapping is stored at close" 'map close'
check "a mapping that outlives its descriptor is stored at munmap" 'map munmap'
check "a mapping is stored when its program is killed" 'map kill'
check "NaN in a mapping is refused at msync and at close, and not stored" 'map refused'
check "a file that was created is filled through a mapping" 'map created && rm "$m/map/by-id/8"'
check "a file of half a vector is not stored from a mapping" 'map short'
check "a private mapping changes nothing" 'map private'
check "a descriptor for reading is mapped for reading only" 'map read-only'
check "a mapping of an unlinked file brings nothing back" 'map unlinked'
check ".query cannot be mapped" 'map query'
rm "$m/map/by-id"/* && rmdir "$m/map"

# ---- others ----

chmod 700 "$m/a"
check "chmod changes the mode of the collection" '[ "$(vexctl -j show a | jq -r .mode)" = 0600 ] || vexctl -j show a | grep -q 0600'
check "a user without permission does not see the collection" '! as 1000 - ls "$m" | grep -qx a'
refused "a user without permission sees no attributes of the collection" "no such" 'as 1000 - stat "$m/a"'
refused "a user without permission does not enter the collection" "no such|denied" 'as 1000 - ls "$m/a/by-id"'
refused "a user without permission reads no vector" "no such|denied" 'as 1000 - cat "$m/a/by-id/1"'
refused "a user without permission gets no neighbours" "no such|denied" 'as 1000 - ls "$m/a/near/1"'
refused "the module refuses that user, too" "." 'as 1000 - vexctl get a 1'
chmod 755 "$m/a"
sleep 1.2
check "every user reads a collection with mode 0755" 'as 1000 - cat "$m/a/by-id/1" > /dev/null && as 1000 - ls "$m/a/near/1" && as 1000 - ls "$m" | grep -qx a'
refused "a user without write permission writes no vector" "denied" 'as 1000 - dd if=src/1 of="$m/a/by-id/1" status=none'
refused "a user without write permission deletes no vector" "denied|not permitted" 'as 1000 - rm -f "$m/a/by-id/1"'
refused "a user without write permission renames no vector" "denied|not permitted" 'as 1000 - mv "$m/a/by-id/1" "$m/a/by-id/1111"'
refused "a user without write permission sets no field" "denied|not permitted" 'as 1000 - setfattr -n user.vexfs.lang -v 1 "$m/a/by-id/1"'
refused "a user without write permission does not drop the collection" "not permitted|denied|not empty" 'as 1000 - rmdir "$m/a"'
refused "only the owner changes the mode of a collection" "not permitted" 'as 1000 - chmod 777 "$m/a"'
chgrp 2000 "$m/a"
chmod 750 "$m/a"
sleep 1.2
check "members of its group read a collection" 'as 1000 2000 cat "$m/a/by-id/1" > /dev/null && as 1000 2000 ls "$m" | grep -qx a && as 2000 - ls "$m/a/by-id"'
refused "users outside the group do not read the collection" "no such|denied" 'as 1000 3000 cat "$m/a/by-id/1"'
check "another user creates a collection" 'as 1000 - mkdir -m 700 "$m/theirs@dim=4" && [ "$(stat -c "%u %g" "$m/theirs")" = "1000 1000" ] && floats 1 2 3 4 | as 1000 - dd of="$m/theirs/by-id/1" status=none'
check "the module, too, gives that user the ownership" 'as 1000 - vexctl get theirs 1'
refused "a third user reads nothing of another user's collection" "no such|denied" 'as 1001 - cat "$m/theirs/by-id/1"'
check "root sees the collections of all users" 'ls "$m" | grep -qx theirs && cat "$m/theirs/by-id/1" > /dev/null'
check "the owner empties and drops a collection" 'as 1000 - rm "$m/theirs/by-id/1" && as 1000 - rmdir "$m/theirs" && ! vexctl show theirs'
check "root gives a collection to another user" 'chown 1000:1000 "$m/a" && sleep 1.2 && as 1000 - ls "$m/a/by-id" && chown 0:0 "$m/a"'

# ---- the daemon ----

check "the module counts requests of the mount in class fuse" 'sleep 0.5; [ "$(awk "/^class fuse count/ { print \$7 }" /sys/kernel/debug/vexfs/counters)" -gt 1000 ]'
check ".mount.json has the durations of requests" 'jq -e ".requests.lookup.count > 100 and .requests.lookup.p50_ns > 0" "$m/.mount.json"'
refused "a program without /dev/fuse cannot report requests" "bad file descriptor" 'served /dev/null'
refused "a program whose /dev/fuse is not mounted cannot report requests" "not connected" 'served /dev/fuse'
check "umount ends the daemon" 'stop'
vexctl drop copy > /dev/null 2>&1
vexctl drop a > /dev/null 2>&1

# Without anything open the module can go, and whoever asks then is told.
if [ "${VEXFS_LAB:-}" = uml ]; then
	start
	daemon > "$dir/pid"
	mkdir "$m/k@dim=4"
	floats 1 2 3 4 > "$m/k/by-id/1"
	kill -9 "$(cat "$dir/pid")"
	refused "a killed daemon leaves a mount that answers ENOTCONN" "not connected" 'ls "$m/k"'
	check "umount -l unmounts" 'umount -l "$m"'
	start
	daemon > "$dir/pid"
	check "a vector is there after mounting again" 'floats 1 2 3 4 | cmp - "$m/k/by-id/1"'
	check "umount ends the daemon again" 'stop'
	vexctl drop k > /dev/null

	start
	daemon > "$dir/pid"
	mkdir "$m/k@dim=4" && rmdir "$m/k"
	check "the module is unloaded under an idle mount" 'for i in {1..100}; do ! vexctl module unload || exit 0; sleep 0.1; done; exit 1'
	refused "a mount without the module answers ENODEV" "no such device" 'mkdir "$m/k@dim=4"'
	check "a mount works when the module is loaded again" 'vexctl module load --file "$(find "$VEXFS_TOP/build/module/uml" -maxdepth 1 -name vexfs.ko)" && mkdir "$m/k@dim=4" && floats 1 2 3 4 > "$m/k/by-id/1" && floats 1 2 3 4 | cmp - "$m/k/by-id/1" && rm "$m/k/by-id/1" && rmdir "$m/k"'
	check "umount ends the daemon after a module was loaded again" 'stop'
fi

# ---- an ordinary user, whom the devices allow it ----

modes=$(stat -c "%a %n" /dev/vexfs /dev/fuse)
chmod 666 /dev/vexfs /dev/fuse
mkdir theirs
chown 1000:1000 theirs
check "an ordinary user mounts" 'as 1000 - $mount "$dir/theirs" && as 1000 - mkdir "theirs/u@dim=4" && floats 1 2 3 4 | as 1000 - dd of=theirs/u/by-id/1 status=none && [ "$(as 1000 - ls theirs/u/by-id)" = 1 ]'
check "the mount of a user is closed to others" '! as 1001 - ls theirs && ! ls theirs'
refused "a user mounts on no directory of another" "denied|not permitted|no write access" 'as 1000 - $mount "$m"'
check "a user unmounts" 'as 1000 - fusermount3 -u "$dir/theirs" && ! mountpoint -q theirs && as 1000 - vexctl drop u'
echo "$modes" | while read -r mode file; do chmod "$mode" "$file"; done

# ---- by mount(8), which looks for its helper in /sbin alone ----

helper=$(command -v "$mount") || helper=$(command -v vexfs-mount)
mkdir old sbin
mount --bind "$(readlink -f /sbin)" old && ln -s "$dir"/old/* sbin/ &&
	ln -s "$helper" sbin/mount.fuse.vexfs && mount --bind sbin "$(readlink -f /sbin)"
cat > fstab <<FSTAB
vexfs $m fuse.vexfs noauto,nofail,_netdev,x-systemd.automount,allow_other,timeout=0.5 0 0
$dir/notes $dir/seen fuse.vexfs over,collection=notes,nosuid 0 0
FSTAB
mkdir notes seen
echo a note > notes/one
check "mount -t fuse.vexfs mounts the collections" 'mount -t fuse.vexfs -o ro,nodev vexfs "$m" && findmnt -no SOURCE,FSTYPE,OPTIONS "$m" | grep -qE "^vexfs +fuse.vexfs +ro,.*nodev"'
check "mount -o ro refuses changes" '! mkdir "$m/k@dim=4" 2> err; grep -qi "read-only" err; umount "$m"'
check "mount DIRECTORY takes options from fstab" 'mount -T fstab "$m" && findmnt -no OPTIONS "$m" | grep -q allow_other && umount "$m"'
check "mount -a mounts an overlay whose directory is the source" 'mount -T fstab -a && [ "$(cat seen/one)" = "a note" ] && ! mountpoint -q "$m" && findmnt -no FSTYPE,OPTIONS seen | grep -q "fuse.vexfs.*nosuid"'
check "mount -a a second time mounts nothing more" 'mount -T fstab -a && [ "$(findmnt -nt fuse.vexfs | wc -l)" = 1 ] && umount seen'
check "mount -f only pretends" 'timeout 20 mount -f -t fuse.vexfs vexfs "$m" && ! mountpoint -q "$m"'
refused "mount with an unknown option" "did you mean .allow_other" 'mount -t fuse.vexfs -o allow_othr vexfs "$m"'
refused "mount with a wrong value" "number of seconds" 'mount -t fuse.vexfs -o timeout=soon vexfs "$m"'
refused "mount -o over without a collection" "needs --collection" 'mount -t fuse.vexfs -o over notes seen'
refused "mount of a missing directory as overlay" "no such file" 'mount -t fuse.vexfs -o over,collection=notes "$dir/none" seen'
refused "mount -o remount" "umount" 'mount -t fuse.vexfs vexfs "$m" && mount -o remount,ro "$m"'
umount "$m"
umount "$(readlink -f /sbin)"
umount -l old
vexctl drop notes > /dev/null

# ---- by vexctl ----

check "vexctl mount says that nothing is mounted" 'vexctl mount | grep -q "nothing of vexfs" && vexctl -j mount | jq -e ".mounts == []"'
check "vexctl mount takes options" 'vexctl mount "$m" --allow-other --timeout 0 -o noatime'
check "vexctl mount lists the mount with its options" 'vexctl mount | grep -q "on $m\$" && vexctl -j mount | jq -e ".mounts | length == 1 and (.[0].options | test(\"noatime\"))"'
refused "vexctl umount of another file system" "nothing of vexfs is mounted" 'vexctl umount /proc'
refused "vexctl umount while it is in use" "a program is in it" 'cd "$m" && vexctl umount "$m"'
check "vexctl umount unmounts" 'vexctl -j umount "$m" | jq -e ".unmounted == \"$m\"" && ! mountpoint -q "$m"'
refused "vexctl mount without a directory is refused" "is missing" 'vexctl mount --over /tmp'
refused "vexctl mount on a missing directory is refused" "no-such" 'vexctl mount /no-such'
check "vexctl mount mounts an overlay" 'vexctl mount --over "$dir/notes" --collection notes "$m" && cat "$m/one" && vexctl mount >&2 && vexctl mount | grep -q " on $m\$"'
check "vexctl umount --lazy unmounts an overlay" 'vexctl umount --lazy "$m" && ! [ -e "$m/one" ]'

# ---- a path so long that the metrics of the mount are too large ----

long=$dir
while [ ${#long} -lt 3600 ]; do long=$long/$(printf 'x%.0s' {1..250}); done
mkdir -p "$long"
$mount -f --metrics "$dir/large.prom" "$long" 2> said &
pid=$!
written() { grep -as "^vexfs_mount_$1{" large.prom | awk '{ print $NF }'; }
for ((i = 0; i < 600; i++)); do
	ls "$long"/.mount.json "$long"/none > /dev/null 2>&1
	cat "$long/.mount.json" > /dev/null 2>&1
	[ "$(written metrics_incomplete)" != 1 ] || break
	sleep 0.1
done
check "metrics that would be too large are left out, and the file says so" '[ "$(written metrics_incomplete)" = 1 ] && [ "$(stat -c %s large.prom)" -le 262144 ]'
check "what is left has complete families" '[ -n "$(written written_timestamp_seconds)" ] && [ -z "$(tail -c 1 large.prom | tr -d "\n")" ] && for f in $(sed -n "s/^# TYPE \([^ ]*\) .*/\1/p" large.prom); do grep -q "^$f[_a-z]*{" large.prom || exit 1; done && [ "$(grep -c "_bucket{.*le=.+Inf" large.prom)" = "$(grep -c "_count{" large.prom)" ]'
check "the daemon says once that metrics are left out" '[ "$(grep -c "some metrics are left out" said)" = 1 ]'
umount "$long"
wait "$pid"

cd /
rm -rf "$dir"
echo "1..$n"
