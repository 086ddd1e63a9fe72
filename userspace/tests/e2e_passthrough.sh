#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An overlay whose data the kernel passes through itself, in a lab whose kernel can do that.
# VEXFS_MOUNT is a vexfs-mount that was built with libfuse 3.17 or newer. Prints TAP.

set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/bin:$PATH
mount=${VEXFS_MOUNT:?}
dir=$(mktemp -d)
d=$dir/below
m=$dir/m
n=0
chmod 755 "$dir"
mkdir "$d" "$m"
cd "$dir" || exit 1

check() {
	n=$((n + 1))
	if (eval "$2") > "$dir/out" 2> "$dir/err"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		head -n 5 "$dir/out" "$dir/err" | sed 's/^/# /'
	fi
}

until_true() {
	local i
	for ((i = 0; i < 1200; i++)); do
		if (eval "$1") > /dev/null 2>&1; then return 0; fi
		sleep 0.1
	done
	return 1
}

# of GROUP KEY...: a value of .mount.json, 0 if there is none
of() { jq -r ".$1 | if . == null then 0 else . end" "$m/.mount.json"; }

start() {
	$mount --over "$d" --collection passed "$@" "$m" || { echo "Bail out! cannot mount"; exit 1; }
	pid=$(pidof -s "$(basename "$mount")")
}

stop() {
	umount "$m" || return 1
	until_true "[ ! -d /proc/$pid ]"
}

echo "The slab allocator hands out kernel objects from caches" > "$d/slab.txt"
head -c 300000 /dev/urandom > "$d/noise.bin"

# ---- the kernel does it ----

start
check ".mount.json says that the kernel passes data through" '[ "$(of data.passthrough)" = true ] && [ "$(of data.why_not)" = 0 ]'
check "a file is read" 'cmp "$m/noise.bin" "$d/noise.bin"'
check "a file is written and read again" 'head -c 300000 /dev/urandom > one && cp one "$m/one" && cmp one "$d/one" && cmp one "$m/one"'
check "size and time are right at once" '[ "$(stat -c "%s %Y" "$m/one")" = "$(stat -c "%s %Y" "$d/one")" ]'
check "appending, truncating, holes and writing in the middle have the same result as below" 'for t in "$m/edit" plain; do
	echo start > "$t"; echo more >> "$t"; truncate -s 100000 "$t"; echo end >> "$t"
	printf X | dd of="$t" bs=1 seek=50000 conv=notrunc status=none; truncate -s 99999 "$t"; echo x >> "$t"; done
	cmp plain "$d/edit" && cmp plain "$m/edit"'
check "two writers append without loss" 'for i in 1 2; do (for j in {1..200}; do echo "$i $j" >> "$m/both"; done) & done; wait; [ "$(sort -u "$d/both" | wc -l)" = 400 ]'
check "a reader sees what another descriptor wrote" 'exec 3<> "$m/seen"; echo a >&3; [ "$(cat "$m/seen")" = a ] && echo b >> "$d/seen" && [ "$(tail -n 1 "$m/seen")" = b ]'
check "an unlinked open file can be read and written" 'exec 3<> "$m/gone"; rm "$m/gone"; echo x >&3; [ "$(cat /dev/fd/3)" = x ]'
check "a mapped file is written through its mapping" 'head -c 8192 /dev/zero > "$m/map" && python3 -c "import mmap
f = open(\"$m/map\", \"r+b\"); a = mmap.mmap(f.fileno(), 0); a[5000] = 65; a.flush(); a.close()" && [ "$(od -An -j5000 -N1 -c "$d/map" | tr -d " ")" = A ]'
check "direct reads and writes, as the file system below allows them" 'dd if=one of="$d/t" bs=4096 oflag=direct status=none; below=$?; dd if=one of="$m/u" bs=4096 count=8 oflag=direct conv=fsync status=none; [ $? = $below ] && { [ $below != 0 ] || cmp -n 32768 one "$d/u"; }; rm -f "$d/t" "$d/u"'
check "many files are opened and closed" 'mkdir "$m/many" && for i in {1..300}; do echo $i > "$m/many/$i"; done && cat "$m"/many/* | wc -l | grep -qx 300 && rm -r "$m/many"'
check "the daemon was asked for no data but that of .mount.json" '[ "$(of requests.read.count)" -lt 20 ] && [ "$(of requests.write.count)" = 0 ]'
check ".mount.json counts files that were passed through" '[ "$(of data.passed_through)" -gt 500 ] && [ "$(of data.passed_through)" = "$(of data.opened)" ]'

# ---- and what was written is found ----

check "a file that the kernel wrote is embedded" 'echo "Knead flour, water, yeast and salt; bake the bread in a hot oven" > "$m/bread.txt"; until_true "ls \"$m/.search/bread dough oven\" | head -n 1 | grep -q bread.txt"'
check "a file that the kernel wrote again is embedded again" 'echo "A cat sleeps on the warm roof" > "$m/bread.txt"; until_true "ls \"$m/.search/sleeping cat roof\" | head -n 1 | grep -q bread.txt"'
check "a file that is appended to is embedded again" 'echo "The run queue of the kernel scheduler" >> "$m/slab.txt"; until_true "ls \"$m/.search/scheduler run queue\" | head -n 1 | grep -q slab.txt"'
check "umount ends the daemon" 'stop'

# ---- the kernel does not ----

start --no-passthrough
check "--no-passthrough switches it off" '[ "$(of data.passthrough)" = false ] && of data.why_not | grep -q "switched off"'
check "data comes through the daemon then" 'cp one "$m/two" && cmp one "$d/two" && cmp one "$m/two" && [ "$(of requests.write.count)" -gt 0 ] && [ "$(of data.passed_through)" = 0 ]'
check "umount ends the daemon without passthrough" 'stop'
vexctl drop passed > /dev/null

chmod 666 /dev/vexfs /dev/fuse
chown -R 1000:1000 "$d" "$m"
plain=$mount
mount="setpriv --reuid=1000 --regid=1000 --clear-groups $plain"
start
mount=$plain
as() { setpriv --reuid=1000 --regid=1000 --clear-groups "$@"; }
of() { as jq -r ".$1 | if . == null then 0 else . end" "$m/.mount.json"; }
check "without CAP_SYS_ADMIN data comes through the daemon" 'as cp one "$m/three" && cmp one "$d/three" && as cmp one "$m/three"'
check ".mount.json says why" '[ "$(of data.passthrough)" = false ] && of data.why_not | grep -q CAP_SYS_ADMIN'
check "umount ends the daemon of an ordinary user" 'stop'
vexctl drop passed > /dev/null
cd /
rm -rf "$dir"
echo "1..$n"
