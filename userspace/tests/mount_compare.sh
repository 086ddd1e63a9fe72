#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# mount_compare on a mount of collections and on an overlay, in a lab. Prints TAP.
# VEXFS_MOUNT as in e2e_mount.sh.
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/bin:$PATH
mount=${VEXFS_MOUNT:-vexfs-mount}
dir=$(mktemp -d)
cd "$dir" || exit 1
mkdir m ref below over
n=0

# compare DIRECTORY ROW-BYTES OPS SEED
compare() {
	n=$((n + 1))
	"$top/build/test-bin/mount_compare" "$1" ref "$2" "$3" "$4" |
		sed "/^1\.\./d; s|^ok 1 -|ok $n - $1:|; s|^not ok 1 -|not ok $n - $1:|"
	find ref "$1" -mindepth 1 -delete
}

$mount m && mkdir m/c@dim=128 || exit 1
for seed in 1 2 3; do compare m/c/by-id 512 5000 $seed; done
rmdir m/c
umount m
$mount --over below --collection compare over || exit 1
for seed in 4 5; do compare over 0 5000 $seed; done
umount over
vexctl drop compare > /dev/null
cd /
rm -rf "$dir"
echo "1..$n"
