#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# workload.sh VECTORS DIMENSION QUERIES: runs inside a lab. Loads two collections, one with a
# graph, and searches them, so that each subsystem of the module has something to do. Prints
# what was done.

set -eu
dir=$(mktemp -d)
python3 - "$dir/base.fbin" "$1" "$2" <<'PY'
import random, struct, sys
random.seed(1)
n, d = int(sys.argv[2]), int(sys.argv[3])
row = [random.gauss(0, 1) for _ in range(n + d)]
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<II", n, d))
    for i in range(n):
        at = i * 7919 % n
        f.write(struct.pack(f"<{d}f", *(row[at:at + d])))
PY
vexctl create flat --dim "$2" --layout lang:u32
vexctl create graph --dim "$2" --index graph
for c in flat graph; do
	vexctl import $c "$dir/base.fbin"
	vexctl search $c --query "$dir/base.fbin" --limit "$3" -k 10
	vexctl search $c --id 7 -k 10
	vexctl get $c 1 2 3
done > /dev/null
vexctl search flat --query "$dir/base.fbin" --limit 100 -k 10 --filter 'lang == 0' > /dev/null
vexctl search graph --query "$dir/base.fbin" --limit "$3" -k 100 > /dev/null
vexctl delete graph 1 2 3 > /dev/null
vexctl check graph > /dev/null
rm -rf "$dir"
echo "$1 vectors of $2 components, $3 queries"
