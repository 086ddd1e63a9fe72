#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fio with verify and stress-ng's file system stressors on an overlay, a daemon that is
# killed under load, in a lab. Prints TAP. STRESS_SECONDS of each; VEXFS_MOUNT as in e2e_mount.sh.
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/bin:$PATH
mount=${VEXFS_MOUNT:-vexfs-mount}
seconds=${STRESS_SECONDS:-30}
dir=$(mktemp -d)
cd "$dir" || exit 1
mkdir below over m
n=0

check() {
	n=$((n + 1))
	if (eval "$2") > "$dir/out" 2>&1; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		tail -n 8 "$dir/out" | sed 's/^/# /'
	fi
}

start() { $mount --over "$dir/below" --collection stress --state "$dir/state" over; }
daemon() { pidof -s vexfs-mount vexfs-mount-san memcheck-amd64-; }

# ended: the daemon of the mount is gone, within two minutes.
ended() {
	local i
	for ((i = 0; i < 1200; i++)); do
		daemon > /dev/null || return 0
		sleep 0.1
	done
	return 1
}

fio_run() {
	fio --name=verify --directory="$dir/over" --rw="$1" --bsrange=512-128k --size=24M --numjobs=2 \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --time_based=0 --fallocate=none \
		--ioengine="$2" --unlink=1 --randseed=1 "${@:3}" && ! ls over/verify* 2> /dev/null
}

# stress STRESSOR...: by name, those that this stress-ng knows
stress() {
	local name args=()
	for name; do
		! stress-ng --stressors | tr ' ' '\n' | grep -qx "$name" || args+=("--$name" 2)
	done
	stress-ng --temp-path "$dir/over" --timeout "$seconds" --verify --metrics-brief \
		--hdd-bytes 8m --fallocate-bytes 8m "${args[@]}"
}

start || { echo "Bail out! cannot mount"; exit 1; }
check "fio verifies random writes" 'fio_run randwrite psync'
check "fio verifies random reads and writes by mmap" 'fio_run randrw mmap'
check "fio verifies writes with io_uring" 'fio_run write io_uring --iodepth=8'
check "stress-ng of names and directories succeeds" 'stress dentry dir dirdeep filename link rename symlink touch utime'
check "stress-ng of file data succeeds" 'stress hdd fallocate seek readahead copy-file fiemap io open'
check "stress-ng of attributes and locks succeeds" 'stress xattr chmod chown flock lockf lease fstat getdent'
check "the daemon answers after stress-ng" 'daemon && jq -e .requests over/.mount.json'
check "stress-ng leaves no file in the lower directory" '[ -z "$(find below -name "stress-ng*" -o -name "verify*")" ]'
check "umount ends the daemon after stress-ng" 'umount over && ended'

# ---- killed under load ----

for i in {1..200}; do echo "text $i of a kernel" > "below/$i.txt"; done
for round in 1 2 3; do
	start || { echo "Bail out! cannot mount again"; exit 1; }
	(cd over && while cat ./*.txt > /dev/null && cp 1.txt "new.$round" && rm "new.$round"; do :; done) \
		2> /dev/null &
	load=$!
	sleep 1
	check "programs end with an error when the daemon is killed under load, round $round" \
		'kill -9 "$(daemon)" && wait_load() { local i; for ((i = 0; i < 600; i++)); do kill -0 '$load' 2> /dev/null || return 0; sleep 0.1; done; return 1; }; wait_load'
	check "umount -l unmounts after the kill, round $round" 'umount -l over && ended'
done
start
check "all files are there after mounting again" '[ "$(ls over/*.txt | wc -l)" = 200 ]'
check "umount at the end" 'umount over && ended'
vexctl drop stress > /dev/null
cd /
rm -rf "$dir"
echo "1..$n"
