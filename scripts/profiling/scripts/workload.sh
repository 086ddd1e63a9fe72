#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# workload.sh VECTORS DIMENSION QUERIES: runs inside a lab. Loads two collections, one with a
# graph, and searches them, so that each subsystem of the module has something to do. Prints
# what was done.

set -eu
dir=$(mktemp -d)
"$(dirname "$(readlink -f "$0")")/vectors.py" "$dir/base.fbin" "$1" "$2"
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
