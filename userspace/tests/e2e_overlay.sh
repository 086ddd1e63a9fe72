#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An overlay in a lab: a directory with ordinary programs at work, and its files found by
# what is in them. Prints TAP. VEXFS_MOUNT as in e2e_mount.sh.

set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/bin:$PATH
mount=${VEXFS_MOUNT:-vexfs-mount}
dir=$(mktemp -d)
d=$dir/docs
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

# until SHELL: it becomes true, within two minutes of a busy machine.
until_true() {
	local i
	for ((i = 0; i < 1200; i++)); do
		if (eval "$1") > /dev/null 2>&1; then return 0; fi
		sleep 0.1
	done
	return 1
}

index() { jq ".index.$1" "$m/.mount.json"; }
# metric NAME: its value in the file of metrics
metric() { awk -v name="$1{" 'index($0, name) == 1 { print $NF; exit }' "$dir/m.prom"; }
daemon() { pidof -s vexfs-mount vexfs-mount-san vexfs-mount-passthrough memcheck-amd64-; }

start() {
	$mount --over "$d" --collection overlay "$@" "$m" || { echo "Bail out! cannot mount"; exit 1; }
	daemon > "$dir/pid"
}

stop() {
	local pid i
	pid=$(cat "$dir/pid")
	umount "$m" || return 1
	for ((i = 0; i < 1200; i++)); do
		[ -d "/proc/$pid" ] || return 0
		sleep 0.1
	done
	return 1
}

# Texts of three subjects.
mkdir "$d/kernel" "$d/kitchen"
cat > "$d/kernel/leak.txt" <<'TEXT'
A kernel module leaks memory when slab objects are allocated and never freed.
The kernel memory leak detector kmemleak scans memory for pointers to slab objects.
TEXT
cat > "$d/kernel/slab.txt" <<'TEXT'
The slab allocator hands out kernel objects from caches; kmemleak reports leaked slab memory.
TEXT
cat > "$d/kernel/sched.txt" <<'TEXT'
The kernel scheduler picks the next task of a processor run queue by its virtual runtime.
TEXT
cat > "$d/kitchen/bread.txt" <<'TEXT'
Knead flour, water, yeast and salt; let the dough rise and bake the bread in a hot oven.
TEXT
cat > "$d/kitchen/pizza.txt" <<'TEXT'
Stretch the pizza dough of flour, water, yeast and salt; bake it with tomatoes in a hot oven.
TEXT
head -c 5000 /dev/urandom > "$d/noise.bin"

start
check "the overlay shows the lower directory" 'diff -r "$d" "$m"'
check "all five text files are embedded" 'until_true "[ \"\$(index files)\" = 5 ]"'
check "FILE.near lists the most similar file first" 'ls "$m/kitchen/bread.txt.near" | head -n 1 | grep -q pizza.txt'
check "a link of FILE.near leads to the similar file" 'cmp "$m/kitchen/bread.txt.near/$(ls "$m/kitchen/bread.txt.near" | head -n 1)" "$d/kitchen/pizza.txt"'
check "ls -l of FILE.near shows relative links" 'ls -l "$m/kernel/leak.txt.near" | grep -q -- "-> ../../kernel/slab.txt"'
check ".search/WORDS lists the best file first" 'ls "$m/.search/kernel memory leak" | head -n 1 | grep -q leak.txt'
check "a link of .search leads to the text" 'grep -q kmemleak "$m/.search/kernel memory leak"/0001-*'
check ".search with other words lists another file first" 'ls "$m/.search/hot oven dough" | head -n 2 | grep -q bread.txt'
check "ls does not list .near and .search" '! ls -AR "$m" | grep -qE "near|search"'
check "a binary file has no neighbours" '[ -z "$(ls "$m/noise.bin.near")" ]'
check ".near of a missing file does not exist" '! ls "$m/kernel/none.txt.near"'
check ".near of a directory does not exist" '! ls "$m/kernel.near"'
check "no file can be created in .near and .search" '! touch "$m/kernel/leak.txt.near/x" && ! mkdir "$m/.search/a/b"'
check "getfattr -d does not list the attribute with the id" '! getfattr -d "$m/kernel/leak.txt" | grep -q vexfs'
check "getfattr -n reads the attribute with the id" 'getfattr -n user.vexfs.id "$m/kernel/leak.txt"'

# ---- changes, through the mount and behind its back ----

check "a file written through the mount is embedded" 'echo "Tomatoes and basil on pizza dough from the hot oven" > "$m/kitchen/basil.txt"; until_true "[ \"\$(index files)\" = 6 ]" && ls "$m/kitchen/pizza.txt.near" | grep -q basil.txt'
check "a file written to the lower directory is embedded" 'echo "The run queue of the kernel scheduler holds tasks" > "$d/kernel/queue.txt"; until_true "ls \"$m/kernel/sched.txt.near\" | head -n 1 | grep -q queue.txt"'
check "links follow a renamed file" 'mv "$m/kernel/queue.txt" "$m/kitchen/queue.txt"; until_true "ls -l \"$m/kernel/sched.txt.near\" | grep -q -- \"-> ../../kitchen/queue.txt\""'
check "links follow a renamed directory" 'mv "$m/kitchen" "$m/cuisine"; until_true "ls -l \"$m/cuisine/bread.txt.near\" | grep -q -- \"-> ../../cuisine/pizza.txt\"" && [ "$(index files)" = 7 ]'
leads() { until_true "ls -l \"$m/$1/bread.txt.near\" | grep -q -- \"-> ../../$2\""; }
check "a directory and a file that are renamed are not embedded again" 'n=$(index embedded); mv "$d/cuisine" "$d/meals" && leads meals meals/pizza.txt && mv "$d/meals/pizza.txt" "$d/meals/pie.txt" && leads meals meals/pie.txt && mv "$d/meals" "$d/cuisine" && leads cuisine cuisine/pie.txt && mv "$d/cuisine/pie.txt" "$d/cuisine/pizza.txt" && leads cuisine cuisine/pizza.txt && until_true "[ \"\$(index files)\" = 7 ]" && [ "$(index embedded)" = $n ]'
check "a file changed in the lower directory is embedded again" 'echo "A cat sleeps on the warm roof" > "$d/cuisine/queue.txt"; until_true "ls \"$m/.search/sleeping cat roof\" | head -n 1 | grep -q queue.txt"'
check "the vector of a file deleted in the lower directory is deleted" 'rm "$d/cuisine/queue.txt"; until_true "[ \"\$(index files)\" = 6 ]" && ! ls "$m/.search/sleeping cat roof" | grep -q queue.txt'
check "the vector of a file deleted through the mount is deleted" 'rm "$m/cuisine/basil.txt"; until_true "[ \"\$(index files)\" = 5 ]"'
check "the collection has one vector per file" '[ "$(vexctl -j show overlay | jq .count)" = 5 ]'
check "a copy made through the mount has a vector of its own" 'cp -a "$m/kernel/leak.txt" "$m/kernel/leak2.txt"; until_true "[ \"\$(index files)\" = 6 ]" && ls "$m/kernel/leak.txt.near" | head -n 1 | grep -q leak2.txt'
check "a copy made in the lower directory with all attributes has a vector of its own" 'cp -a "$d/kernel/leak.txt" "$d/kernel/leak3.txt"; until_true "[ \"\$(index files)\" = 7 ]" && [ "$(getfattr --only-values -n user.vexfs.id "$m/kernel/leak.txt")" != "$(getfattr --only-values -n user.vexfs.id "$m/kernel/leak3.txt")" ]'
check "a file that replaces another leaves no vector of the old one" 'echo "slab objects leak from the kernel" > "$dir/one" && mv "$dir/one" "$d/kernel/leak3.txt" && until_true "ls \"$m/.search/slab objects leak from the kernel\" | head -n 1 | grep -q leak3.txt" && until_true "[ \"\$(vexctl -j show overlay | jq .count)\" = 7 ]" && [ "$(index files)" = 7 ]'
check "hidden files are not embedded" 'echo "hidden kernel slab text" > "$m/.hidden.txt"; mkdir "$m/.d"; echo "hidden kernel slab text" > "$m/.d/x.txt"; echo "the last slab text" > "$m/z.txt"; until_true "[ \"\$(index files)\" = 8 ]"; ! ls "$m/.search/hidden kernel slab text" | grep -qE "hidden|x.txt"'
check "symbolic links are not embedded, and loops end" 'ln -s . "$m/loop"; ln -s kernel/leak.txt "$m/ln.txt"; ln -s ln2 "$m/ln2"; ! cat "$m/ln2"; cmp "$m/ln.txt" "$d/kernel/leak.txt" && [ "$(index files)" = 8 ]'
check "a second mount embeds no unchanged file again" 'stop && start && until_true "[ \"\$(index files)\" = 8 ]" && [ "$(index embedded)" = 0 ]'
daemon > "$dir/pid"
check "a second mount embeds what changed in between" 'stop && rm "$d/z.txt" && echo "bread with slab cheese" > "$d/new.txt" && start && until_true "[ \"\$(index embedded)\" = 1 ] && [ \"\$(vexctl -j show overlay | jq .count)\" = 8 ]"'
daemon > "$dir/pid"

# ---- programs at work ----

check "git works in the overlay" 'cd "$m" && mkdir repo && cd repo && git init -q . && git config user.email a@b && git config user.name a && cp ../kernel/*.txt . && git add . && git commit -qm one && git mv leak.txt l.txt && git commit -qm two && git checkout -q HEAD~1 && git fsck && git status --porcelain | wc -l | grep -qx 0 && git gc -q && git log --oneline --all | wc -l | grep -qx 2'
check "tar restores and archives a tree" 'tar -C /usr/include -cf t.tar linux && mkdir "$m/t" && tar -C "$m/t" -xf t.tar && diff -r /usr/include/linux "$m/t/linux" && rm -r "$m/t"'
check "rsync copies a tree" 'rsync -aH /usr/include/asm-generic "$m/" && diff -r /usr/include/asm-generic "$m/asm-generic" && [ -z "$(rsync -aHi /usr/include/asm-generic "$m/")" ] && rm -r "$m/asm-generic"'
check "hard links work" 'ln "$m/new.txt" "$m/new2.txt" && [ "$(stat -c %h "$m/new.txt")" = 2 ] && rm "$m/new2.txt"'
near() { until_true "[ -n \"\$(ls \"$m/$1.near\")\" ]"; }
check "a file keeps its vector when another of its names is removed" 'ln "$m/new.txt" "$m/new2.txt" && near new2.txt && rm "$m/new2.txt" && echo "a later text" > "$m/later.txt" && near later.txt && [ -n "$(ls "$m/new.txt.near")" ] && rm "$m/later.txt"'
check "a file that truncate(2) cuts is embedded again" 'echo "bread in a hot oven, and a cat" > "$m/cut.txt" && until_true "[ \"\$(getfattr --only-values -n user.vexfs.state \"$m/cut.txt\" | cut -d \" \" -f 2)\" = 31 ]" && perl -e "truncate shift, 19 or die" "$m/cut.txt" && [ "$(cat "$d/cut.txt")" = "bread in a hot oven" ] && until_true "[ \"\$(getfattr --only-values -n user.vexfs.state \"$m/cut.txt\" | cut -d \" \" -f 2)\" = 19 ]" && rm "$m/cut.txt"'
check "truncate, append and sparse files work" 'truncate -s 1M "$m/hole" && echo end >> "$m/hole" && [ "$(stat -c %s "$m/hole")" = 1048580 ] && rm "$m/hole"'
check "data written by dd is in the lower directory" 'dd if=/dev/urandom of="$m/dd.bin" bs=64k count=16 status=none && cmp "$m/dd.bin" "$d/dd.bin" && rm "$m/dd.bin"'
check "users set their own attributes, and none of vexfs" 'setfattr -n user.mine -v 1 "$m/new.txt" && getfattr -d "$m/new.txt" | grep -q user.mine && ! setfattr -n user.vexfs.id -v 1 "$m/new.txt"'
check "an unlinked open file can still be read" 'echo x > "$m/gone.txt"; exec 3< "$m/gone.txt"; rm "$m/gone.txt"; [ "$(cat <&3)" = x ]'
check ".mount.json says which way data takes, and why" 'jq -e ".data.opened > 50 and (.data.passthrough or (.data.why_not | length > 0))" "$m/.mount.json"'
check "umount ends the daemon" 'stop'

# ---- embedders that misbehave ----

cat > "$dir/bad" <<'SH'
#!/bin/bash
echo '{"embedder": "bad", "dim": 4, "metric": "cos"}'
while read -r line; do
	case $line in
	*DIE*) exit 1 ;;
	*RUBBISH*) echo 'what?' ;;
	*HANG*) sleep 100 ;;
	*ERROR*) [[ $line == *'"id": 1'* ]] || echo '{"id": 0, "error": "no such word"}' ;;
	*'"id": 1'*) exit 1 ;;
	*) echo '{"id": 0, "vector": [1, 2, 3, 4]}' ;;
	esac
done
SH
chmod 755 "$dir/bad"
rm -rf "${d:?}"/* "${d:?}"/.[a-z]*
for word in GOOD DIE RUBBISH ERROR FINE; do echo "$word" > "$d/$word.txt"; done
vexctl drop overlay > /dev/null
start --embed "$dir/bad" --list-near
check "an embedder that dies, prints garbage or refuses a file affects that file alone" 'until_true "[ \"\$(index files)\" = 2 ] && [ \"\$(index waiting)\" = 0 ] && [ \"\$(index refused)\" = 3 ]"'
check "an embedder that died was started again" '[ "$(index embedder_restarts)" -gt 1 ]'
check "files are readable while the embedder hangs" 'echo HANG > "$m/HANG.txt"; cat "$m"/*.txt > /dev/null'
check "an embedder that hangs is killed after ten seconds" 'until_true "[ \"\$(index refused)\" = 4 ]" && [ "$(index files)" = 2 ]'
check "a file whose new text is refused has no neighbours any more" 'echo ERROR > "$m/FINE.txt"; until_true "[ \"\$(index files)\" = 1 ] && [ \"\$(vexctl -j show overlay | jq .count)\" = 1 ]"'
check "--list-near lists .near directories" 'ls "$m" | grep -qx GOOD.txt.near'
check "umount ends the daemon with a faulty embedder" 'stop'
check "a mount with a missing embedder is refused" '! $mount --over "$d" --collection overlay --embed /nonexistent "$m"'
check "a mount with an embedder of another dimension is refused" '! $mount --over "$d" --collection overlay "$m" 2>&1 | grep -qv components'
vexctl drop overlay > /dev/null

# ---- one that is slow: the walk of the tree ends long before the first batch ----

cat > "$dir/slow" <<'SH'
#!/bin/bash
echo '{"embedder": "slow", "dim": 4, "metric": "cos"}'
while read -r line; do
	[[ $line =~ \"id\":\ ([0-9]+) ]]
	sleep 0.5
	echo "{\"id\": ${BASH_REMATCH[1]}, \"vector\": [1, 2, 3, 4]}"
done
SH
chmod 755 "$dir/slow"
rm -rf "${d:?}"/*
# Whatever order the walk takes, it is in empty directories when a batch begins, and sees a
# file that has not changed before the batch ends.
mkdir "$d"/{a,first,b,second,c}
mkdir "$d"/first/{1..400} "$d"/second/{1..400}
for i in a b c; do echo "$i" > "$d/$i/$i.txt"; done
start --embed "$dir/slow"
check "a slow embedder embeds all files" 'until_true "[ \"\$(index files)\" = 3 ]"'
check "a batch that takes long costs no other file its vector" 'stop && echo new > "$d/b/b.txt" && start --embed "$dir/slow" && until_true "[ \"\$(index files)\" = 3 ] && [ \"\$(vexctl -j show overlay | jq .count)\" = 3 ] && [ \"\$(index waiting)\" = 0 ]" && [ "$(index embedded)" = 1 ]'
daemon > "$dir/pid"
check "umount ends the daemon with a slow embedder" 'stop'
rm -r "$d"/{a,b,c,first,second}
vexctl drop overlay > /dev/null
for word in GOOD DIE RUBBISH ERROR FINE; do echo "$word" > "$d/$word.txt"; done

# ---- more files than descriptors ----

mkdir "$d/many" "$d/many/sub"
for ((i = 0; i < 3000; i++)); do head -c 2 /dev/zero > "$d/many/$i.bin"; done
cp "$d"/many/*.bin "$d/many/sub"
plain=$mount
mount="prlimit --nofile=800 $mount"
start
check "6,000 files are seen through 800 descriptors" '[ "$(find "$m/many" -type f -size -3c | wc -l)" = 6000 ] && ls -lR "$m/many" > /dev/null && diff -r "$d/many" "$m/many"'
check "most of these descriptors are closed again" 'until_true "[ \"\$(ls /proc/$(cat "$dir/pid")/fd | wc -l)\" -lt 620 ]"'
check "an open file stays readable while descriptors are closed" 'exec 3< "$m/many/1.bin"; find "$m" -size -9c > /dev/null; cmp /dev/fd/3 "$d/many/1.bin"'
check "umount ends the daemon with few descriptors" 'stop'
mount=$plain
rm -r "$d/many"
vexctl drop overlay > /dev/null

# ---- names of any bytes, and a full disk below ----

lower=$d
d=$dir/small
mkdir "$d"
mount -t tmpfs -o size=1m none "$d"
newline=$'one\ntwo.txt' bytes=$'\377\376\033.txt' long=$(printf 'x%.0s' {1..251}).txt
for name in "$newline" "$bytes" "$long" "-rf .txt" "near.near"; do echo "a river in the mountain forest" > "$d/$name"; done
start --state "$dir/odd"
check "files with names of any bytes are embedded" 'until_true "[ \"\$(index files)\" = 5 ]"'
check "such names have neighbours, and links that lead to them" 'for name in "$newline" "$bytes" "-rf .txt" "near.near"; do [ "$(cat "$m/$name.near/"* | sort -u)" = "a river in the mountain forest" ] && [ "$(find "$m/$name.near/" -type l -printf x)" = xxxx ] || exit 1; done'
check "a disk that is full below is ENOSPC" '! dd if=/dev/urandom of="$m/big" bs=100k count=20 2> full && grep -qi "no space" full'
check "files are read while the disk is full" 'cmp "$m/$newline" "$d/$newline" && ls "$m/$newline.near"'
check "after that files are written and embedded" 'rm "$m/big" && echo "a summer garden with silver letters" > "$m/new" && until_true "ls \"$m/.search/silver summer garden\" | head -n 1 | grep -q new"'
check "such names are kept in the table" 'stop && start --state "$dir/odd" && until_true "[ \"\$(index files)\" = 6 ]" && [ "$(index embedded)" = 0 ]'
daemon > "$dir/pid"
check "umount ends the daemon after a full disk" 'stop'
umount "$d"
d=$lower
vexctl drop overlay > /dev/null

# ---- others, and a file system that holds no attributes ----

mkdir "$d/secret" "$d/open"
chmod 700 "$d/secret"
echo "the secret plan of the kernel" > "$d/secret/plan.txt"
echo "the open plan of the kernel" > "$d/open/plan.txt"
chmod 755 "$d"
start -o allow_other --state "$dir/state" --metrics "$dir/m.prom"
check "files are embedded with ids in a side table" 'until_true "[ \"\$(index files)\" -ge 6 ]"'
check "a user gets links only to files the user may see" 'setpriv --reuid=1000 --regid=1000 --clear-groups ls -l "$m/.search/plan of the kernel" > seen; grep -q open/plan.txt seen && ! grep -q secret seen'
check "the file of metrics counts files and times the queue, the embedder, searches and requests" 'until_true "[ \"\$(metric vexfs_mount_near_duration_seconds_count)\" -ge 1 ]" && [ "$(metric vexfs_mount_files)" -ge 6 ] && [ "$(metric vexfs_mount_queue_length)" -ge 0 ] && [ "$(metric vexfs_mount_embed_duration_seconds_count)" -ge 6 ] && [ "$(metric vexfs_mount_queue_duration_seconds_count)" -ge 0 ] && grep -q "^vexfs_mount_request_duration_seconds_bucket{mount=.$m.,op=.lookup.,le=" m.prom && ! grep -q plan.txt m.prom'
check "root gets links to all files" 'ls -l "$m/.search/plan of the kernel" | grep -q secret/plan.txt'
check "a file belongs to the user who created it" 'chmod 777 "$d/open"; sleep 1.2; setpriv --reuid=1000 --regid=1000 --clear-groups sh -c "echo kernel > \"$m/open/mine.txt\"" && [ "$(stat -c "%u %g" "$d/open/mine.txt")" = "1000 1000" ]'
check "with a side table no attributes are written" '! getfattr -d "$d/open/plan.txt" | grep -q vexfs'
check "with a side table a second mount embeds no unchanged file again" 'stop && start --state "$dir/state" && until_true "[ \"\$(index files)\" -ge 6 ]" && [ "$(index embedded)" -le 1 ]'
daemon > "$dir/pid"
check "a killed daemon leaves a mount that can be unmounted" 'kill -9 "$(cat "$dir/pid")"; sleep 0.2; ! ls "$m" && umount -l "$m"'
echo "a kernel that is new" > "$d/new.txt"
start --state "$dir/state"
check "the side table is written while mounted" 'until_true "grep -aq /new.txt \"$dir/state\""'
check "after a kill no unchanged file is embedded again" 'n=$(index files); kill -9 "$(cat "$dir/pid")"; sleep 0.2; umount -l "$m"; start --state "$dir/state" && until_true "[ \"\$(index files)\" = $n ]" && [ "$(index embedded)" = 0 ]'
daemon > "$dir/pid"
check "umount at the end" 'stop'
vexctl drop overlay > /dev/null
cd /
rm -rf "$dir"
echo "1..$n"
