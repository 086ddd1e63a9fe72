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
daemon() { pidof -s vexfs-mount vexfs-mount-san memcheck-amd64-; }

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
check "what is below is there" 'diff -r "$d" "$m"'
check "five texts are embedded" 'until_true "[ \"\$(index files)\" = 5 ]"'
check "a file is near to its like" 'ls "$m/kitchen/bread.txt.near" | head -n 1 | grep -q pizza.txt'
check "the link leads there" 'cmp "$m/kitchen/bread.txt.near/$(ls "$m/kitchen/bread.txt.near" | head -n 1)" "$d/kitchen/pizza.txt"'
check "ls -l shows it" 'ls -l "$m/kernel/leak.txt.near" | grep -q -- "-> ../../kernel/slab.txt"'
check "words find files" 'ls "$m/.search/kernel memory leak" | head -n 1 | grep -q leak.txt'
check "and what they lead to" 'grep -q kmemleak "$m/.search/kernel memory leak"/0001-*'
check "other words, other files" 'ls "$m/.search/hot oven dough" | head -n 2 | grep -q bread.txt'
check "nothing of it is listed" '! ls -AR "$m" | grep -qE "near|search"'
check "what is no text has no neighbours" '[ -z "$(ls "$m/noise.bin.near")" ]'
check "what is not there has none" '! ls "$m/kernel/none.txt.near"'
check "a directory has none" '! ls "$m/kernel.near"'
check "nothing is made in there" '! touch "$m/kernel/leak.txt.near/x" && ! mkdir "$m/.search/a/b"'
check "ids are hidden from copies" '! getfattr -d "$m/kernel/leak.txt" | grep -q vexfs'
check "and can be asked for" 'getfattr -n user.vexfs.id "$m/kernel/leak.txt"'

# ---- changes, through the mount and behind its back ----

check "written through the mount" 'echo "Tomatoes and basil on pizza dough from the hot oven" > "$m/kitchen/basil.txt"; until_true "[ \"\$(index files)\" = 6 ]" && ls "$m/kitchen/pizza.txt.near" | grep -q basil.txt'
check "written behind its back" 'echo "The run queue of the kernel scheduler holds tasks" > "$d/kernel/queue.txt"; until_true "ls \"$m/kernel/sched.txt.near\" | head -n 1 | grep -q queue.txt"'
check "renamed" 'mv "$m/kernel/queue.txt" "$m/kitchen/queue.txt"; until_true "ls -l \"$m/kernel/sched.txt.near\" | grep -q -- \"-> ../../kitchen/queue.txt\""'
check "a renamed directory" 'mv "$m/kitchen" "$m/cuisine"; until_true "ls -l \"$m/cuisine/bread.txt.near\" | grep -q -- \"-> ../../cuisine/pizza.txt\"" && [ "$(index files)" = 7 ]'
check "changed" 'echo "A cat sleeps on the warm roof" > "$d/cuisine/queue.txt"; until_true "ls \"$m/.search/sleeping cat roof\" | head -n 1 | grep -q queue.txt"'
check "deleted behind its back" 'rm "$d/cuisine/queue.txt"; until_true "[ \"\$(index files)\" = 6 ]" && ! ls "$m/.search/sleeping cat roof" | grep -q queue.txt'
check "deleted through the mount" 'rm "$m/cuisine/basil.txt"; until_true "[ \"\$(index files)\" = 5 ]"'
check "the collection holds no more" '[ "$(vexctl -j show overlay | jq .count)" = 5 ]'
check "a copy is another file" 'cp -a "$m/kernel/leak.txt" "$m/kernel/leak2.txt"; until_true "[ \"\$(index files)\" = 6 ]" && ls "$m/kernel/leak.txt.near" | head -n 1 | grep -q leak2.txt'
check "a copy behind its back, with all attributes" 'cp -a "$d/kernel/leak.txt" "$d/kernel/leak3.txt"; until_true "[ \"\$(index files)\" = 7 ]" && [ "$(getfattr --only-values -n user.vexfs.id "$m/kernel/leak.txt")" != "$(getfattr --only-values -n user.vexfs.id "$m/kernel/leak3.txt")" ]'
check "a file that replaces another leaves nothing of it" 'echo "slab objects leak from the kernel" > "$dir/one" && mv "$dir/one" "$d/kernel/leak3.txt" && until_true "ls \"$m/.search/slab objects leak from the kernel\" | head -n 1 | grep -q leak3.txt" && until_true "[ \"\$(vexctl -j show overlay | jq .count)\" = 7 ]" && [ "$(index files)" = 7 ]'
check "hidden files are left alone" 'echo "hidden kernel slab text" > "$m/.hidden.txt"; mkdir "$m/.d"; echo "hidden kernel slab text" > "$m/.d/x.txt"; echo "the last slab text" > "$m/z.txt"; until_true "[ \"\$(index files)\" = 8 ]"; ! ls "$m/.search/hidden kernel slab text" | grep -qE "hidden|x.txt"'
check "symbolic links are no files, loops no trouble" 'ln -s . "$m/loop"; ln -s kernel/leak.txt "$m/ln.txt"; ln -s ln2 "$m/ln2"; ! cat "$m/ln2"; cmp "$m/ln.txt" "$d/kernel/leak.txt" && [ "$(index files)" = 8 ]'
check "mounted again, nothing is embedded anew" 'stop && start && until_true "[ \"\$(index files)\" = 8 ]" && [ "$(index embedded)" = 0 ]'
daemon > "$dir/pid"
check "what changed in between is" 'stop && rm "$d/z.txt" && echo "bread with slab cheese" > "$d/new.txt" && start && until_true "[ \"\$(index embedded)\" = 1 ] && [ \"\$(vexctl -j show overlay | jq .count)\" = 8 ]"'
daemon > "$dir/pid"

# ---- programs at work ----

check "git" 'cd "$m" && mkdir repo && cd repo && git init -q . && git config user.email a@b && git config user.name a && cp ../kernel/*.txt . && git add . && git commit -qm one && git mv leak.txt l.txt && git commit -qm two && git checkout -q HEAD~1 && git fsck && git status --porcelain | wc -l | grep -qx 0 && git gc -q && git log --oneline --all | wc -l | grep -qx 2'
check "tar in and out" 'tar -C /usr/include -cf t.tar linux && mkdir "$m/t" && tar -C "$m/t" -xf t.tar && diff -r /usr/include/linux "$m/t/linux" && rm -r "$m/t"'
check "rsync" 'rsync -aH /usr/include/asm-generic "$m/" && diff -r /usr/include/asm-generic "$m/asm-generic" && [ -z "$(rsync -aHi /usr/include/asm-generic "$m/")" ] && rm -r "$m/asm-generic"'
check "a hard link" 'ln "$m/new.txt" "$m/new2.txt" && [ "$(stat -c %h "$m/new.txt")" = 2 ] && rm "$m/new2.txt"'
check "truncate, append, holes" 'truncate -s 1M "$m/hole" && echo end >> "$m/hole" && [ "$(stat -c %s "$m/hole")" = 1048580 ] && rm "$m/hole"'
check "dd with mmap and direct reading" 'dd if=/dev/urandom of="$m/dd.bin" bs=64k count=16 status=none && cmp "$m/dd.bin" "$d/dd.bin" && rm "$m/dd.bin"'
check "attributes of others" 'setfattr -n user.mine -v 1 "$m/new.txt" && getfattr -d "$m/new.txt" | grep -q user.mine && ! setfattr -n user.vexfs.id -v 1 "$m/new.txt"'
check "an open file that is unlinked" 'echo x > "$m/gone.txt"; exec 3< "$m/gone.txt"; rm "$m/gone.txt"; [ "$(cat <&3)" = x ]'
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
check "one that dies, prints rubbish or refuses spoils only its own" 'until_true "[ \"\$(index files)\" = 2 ] && [ \"\$(index waiting)\" = 0 ] && [ \"\$(index refused)\" = 3 ]"'
check "and was started again" '[ "$(index embedder_restarts)" -gt 1 ]'
check "reading goes on meanwhile" 'echo HANG > "$m/HANG.txt"; cat "$m"/*.txt > /dev/null'
check "one that hangs is ended after ten seconds" 'until_true "[ \"\$(index refused)\" = 4 ]" && [ "$(index files)" = 2 ]'
check "--list-near lists them" 'ls "$m" | grep -qx GOOD.txt.near'
check "umount" 'stop'
check "without an embedder there is no mount" '! $mount --over "$d" --collection overlay --embed /nonexistent "$m"'
check "nor with one that makes other vectors" '! $mount --over "$d" --collection overlay "$m" 2>&1 | grep -qv components'
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
check "files of a slow embedder" 'until_true "[ \"\$(index files)\" = 3 ]"'
check "a batch that takes long costs no other file its vector" 'stop && echo new > "$d/b/b.txt" && start --embed "$dir/slow" && until_true "[ \"\$(index files)\" = 3 ] && [ \"\$(vexctl -j show overlay | jq .count)\" = 3 ] && [ \"\$(index waiting)\" = 0 ]" && [ "$(index embedded)" = 1 ]'
daemon > "$dir/pid"
check "umount after that" 'stop'
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
check "and most are closed again" 'until_true "[ \"\$(ls /proc/$(cat "$dir/pid")/fd | wc -l)\" -lt 620 ]"'
check "files that are open meanwhile stay" 'exec 3< "$m/many/1.bin"; find "$m" -size -9c > /dev/null; cmp /dev/fd/3 "$d/many/1.bin"'
check "umount with few descriptors" 'stop'
mount=$plain
rm -r "$d/many"
vexctl drop overlay > /dev/null

# ---- others, and a file system that holds no attributes ----

mkdir "$d/secret" "$d/open"
chmod 700 "$d/secret"
echo "the secret plan of the kernel" > "$d/secret/plan.txt"
echo "the open plan of the kernel" > "$d/open/plan.txt"
chmod 755 "$d"
start -o allow_other --state "$dir/state"
check "side table: files are embedded" 'until_true "[ \"\$(index files)\" -ge 6 ]"'
check "others get links to what they may see" 'setpriv --reuid=1000 --regid=1000 --clear-groups ls -l "$m/.search/plan of the kernel" > seen; grep -q open/plan.txt seen && ! grep -q secret seen'
check "root gets all" 'ls -l "$m/.search/plan of the kernel" | grep -q secret/plan.txt'
check "what others make belongs to them" 'chmod 777 "$d/open"; sleep 1.2; setpriv --reuid=1000 --regid=1000 --clear-groups sh -c "echo kernel > \"$m/open/mine.txt\"" && [ "$(stat -c "%u %g" "$d/open/mine.txt")" = "1000 1000" ]'
check "no attributes are written" '! getfattr -d "$d/open/plan.txt" | grep -q vexfs'
check "umount, and again" 'stop && start --state "$dir/state" && until_true "[ \"\$(index files)\" -ge 6 ]" && [ "$(index embedded)" -le 1 ]'
daemon > "$dir/pid"
check "killed: not connected; mounted again" 'kill -9 "$(cat "$dir/pid")"; sleep 0.2; ! ls "$m" && umount -l "$m"'
echo "a kernel that is new" > "$d/new.txt"
start --state "$dir/state"
check "the table is written while it is mounted" 'until_true "grep -aq /new.txt \"$dir/state\""'
check "so a killed daemon embeds nothing anew" 'n=$(index files); kill -9 "$(cat "$dir/pid")"; sleep 0.2; umount -l "$m"; start --state "$dir/state" && until_true "[ \"\$(index files)\" = $n ]" && [ "$(index embedded)" = 0 ]'
daemon > "$dir/pid"
check "umount at the end" 'stop'
vexctl drop overlay > /dev/null
cd /
rm -rf "$dir"
echo "1..$n"
