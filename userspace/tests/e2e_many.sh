#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Many files at once below an overlay, in a lab: more than its queue and the kernel's queue of
# events take. Prints TAP. VEXFS_MOUNT as in e2e_mount.sh. WATCHES=1: also what takes a minute. With
# a million of them, which takes 20 minutes and 10 GiB:
#
#	scripts/lab run uml --mem 14G --timeout 4000 -- env FILES=1000000 userspace/tests/e2e_many.sh

set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/bin:$PATH
mount=${VEXFS_MOUNT:-vexfs-mount}
files=${FILES:-12000}
queue=${QUEUE:-500}
events=${EVENTS:-1000}
[ "$files" -lt 1000000 ] || queue=65536 events=16384
dir=$(mktemp -d)
d=$dir/below
m=$dir/m
n=0
begun=$(date +%s)
mkdir "$d" "$m"
cd "$dir" || exit 1

check() {
	n=$((n + 1))
	if (eval "$2") > "$dir/out" 2> "$dir/err"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		head -n 5 "$dir/out" "$dir/err" | sed 's/^/# /'
		jq -c .index "$m/.mount.json" | sed 's/^/# /'
	fi
}

index() { jq ".index.$1" "$m/.mount.json"; }

start() {
	$mount --over "$d" --collection many --embed "vexfs-embed --packed --dim 16" --queue "$queue" "$@" \
		"$m" || { echo "Bail out! cannot mount"; exit 1; }
	pid=$(pidof -s vexfs-mount vexfs-mount-san memcheck-amd64-)
}

stop() {
	local i
	umount "$m" || return 1
	for ((i = 0; i < 1200; i++)); do
		[ -d "/proc/$pid" ] || return 0
		sleep 0.1
	done
	return 1
}

# make FIRST LAST: files with a line of text, in ten directories, all at once.
make() {
	perl -e 'chdir shift or die; ($a, $b) = @ARGV; @w = qw(kernel bread river cloud paper engine garden letter);
		for (0 .. 9) { mkdir $_ }
		for ($a .. $b) { open F, ">", ($_ % 10) . "/$_" or die "$!\n";
			print F join(" ", map { $w[($n = $n * 69069 + 1 & 0xffffffff) >> 16 & 7] } 0 .. 6), " number $_\n"; close F }' "$d" "$1" "$2"
}

# settled N: the overlay has N files and nothing to do, within 40 minutes. Remembers the longest queue.
longest=0
settled() {
	local i now
	for ((i = 0; i < 8000; i++)); do
		now=$(jq -r '.index | "\(.files) \(.waiting) \(.walking) \(.found)"' "$m/.mount.json")
		set -- "$1" $now
		[ "${3:-0}" -le "$longest" ] || longest=$3
		[ "$now" != "$1 0 false ${5:-}" ] || return 0
		sleep 0.3
	done
	return 1
}

# until_true SHELL: it becomes true, within two minutes of a busy machine.
until_true() {
	local i
	for ((i = 0; i < 1200; i++)); do
		if (eval "$1") > /dev/null 2>&1; then return 0; fi
		sleep 0.1
	done
	return 1
}

# The state of a file is that of its contents.
current() { [ "$(getfattr --only-values -n user.vexfs.state "$1" | cut -d " " -f 1)" = "$(date -r "$1" +%s%N)" ]; }

mount -t tmpfs -o size=80%,nr_inodes=0 none "$d"
echo "$events" > /proc/sys/fs/inotify/max_queued_events
half=$((files / 2))

make 1 "$half"
start
settled "$half"
check "$half files that exist at the start are embedded" '[ "$(index files)" = '$half' ] && [ "$(index embedded)" = '$half' ]'
check "the walk found them" '[ "$(index found)" = '$half' ] && [ "$(index walks)" -ge 1 ]'
make $((half + 1)) "$files"
settled "$files"
check "as many that are created at once are embedded" '[ "$(index files)" = '$files' ]'
check "the kernel dropped events, and the tree was walked again" '[ "$(index overflows)" -ge 1 ] && [ "$(index walks)" -ge 2 ]'
check "no more files waited than --queue says" '[ '$longest' -gt 0 ] && [ '$longest' -le '$queue' ]'
check "each file has its vector" '[ "$(vexctl -j show many | jq .count)" = '$files' ]'

# Each fourth is removed, each fourth written anew, a directory renamed, while nobody keeps up.
before=$(index overflows)
perl -e 'chdir shift or die; for (1 .. shift) { $f = ($_ % 10) . "/$_"; $_ % 4 == 1 and unlink $f;
	next if $_ % 4 != 2; open F, ">>", $f; print F "a summer market\n"; close F } rename "4", "four"' "$d" "$files"
left=$(find "$d" -type f | wc -l)
settled "$left"
check "files that were removed, written and renamed at once are followed" '[ "$(index files)" = '$left' ] && [ "$(index overflows)" -gt '"$before"' ]'
check "no vector of a removed file is left" '[ "$(vexctl -j show many | jq .count)" = '$left' ]'
check "what was written is embedded" 'for i in 2 6 '$((files - 2))' '$((files - 6))'; do f=$(find "$d" -type f -name "$i"); tail -n 1 "$f" | grep -q market && until_true "current $f" || exit 1; done'
check "links lead to files that exist" 'for i in 3 7 104 '$((files - 1))'; do f=$(find "$d" -type f -name "$i"); l=$m/${f#"$d"/}.near; [ "$(find "$l" -type l | wc -l)" = 10 ] && [ -z "$(find -L "$l" -type l)" ] || exit 1; done'
check "the daemon's memory is bounded" 'kib=$(sed -n "s/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p" /proc/'"$pid"'/status); echo "$kib KiB"; [ -n "'"${VEXFS_MOUNT:-}"'" ] || [ "$kib" -lt $((40000 + '$files' / 3)) ]'
sed 's/^/# memory of the daemon: /' "$dir/out"
check "umount ends the daemon" 'stop'
start
settled "$left"
check "a second mount finds all of them, and embeds none again" '[ "$(index files)" = '$left' ] && [ "$(index embedded)" = 0 ]'
check "umount ends the daemon again" 'stop'
vexctl drop many > /dev/null

# ---- fewer descriptors than a batch has files ----

umount "$d"
mkdir "$d/0"
make 1 400
plain=$mount
mount="prlimit --nofile=100 $mount"
start --state "$dir/state"
mount=$plain
settled 400
check "with 100 descriptors 400 files are embedded" '[ "$(index files)" = 400 ]'
check "umount ends the daemon with few descriptors" 'stop'
vexctl drop many > /dev/null

# ---- fewer watches than directories, which takes a minute ----

if [ "${WATCHES:-0}" = 1 ]; then
	most=$(cat /proc/sys/fs/inotify/max_user_watches)
	echo 3 > /proc/sys/fs/inotify/max_user_watches
	start --state "$dir/state"
	settled 400
	# Ten directories have three watches, so most of these are noticed by a walk.
	rm "$d"/?/??? && make 401 500
	settled 199
	check "with too few watches, files that come and go are followed" '[ "$(index files)" = 199 ] && [ "$(vexctl -j show many | jq .count)" = 199 ]'
	check "umount ends the daemon with too few watches" 'stop'
	echo "$most" > /proc/sys/fs/inotify/max_user_watches
	vexctl drop many > /dev/null
fi
echo "# $files files, $(($(date +%s) - begun)) s"
cd /
rm -rf "$dir"
echo "1..$n"
