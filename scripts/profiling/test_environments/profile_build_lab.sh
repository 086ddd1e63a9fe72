#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# profile_build_lab.sh off|on: runs inside a lab; see profile_build_test.sh. off is the
# ordinary build.

set -eu
here=$(dirname "$(readlink -f "$0")")
to=$VEXFS_RESULTS
arm=$1
dir=$(mktemp -d)

# slice MEASURED ITEMS COMMAND...: a line of items a second.
slice() {
	local what=$1 items=$2 start
	shift 2
	start=${EPOCHREALTIME/./}
	"$@" > /dev/null
	echo $((items * 1000000 / (${EPOCHREALTIME/./} - start))) >> "$to/rate.$what"
}

"$here/../scripts/vectors.py" "$dir/base.fbin" 5000 64
vexctl create c --dim 64 --index graph
vexctl import c "$dir/base.fbin" > /dev/null
vexctl search c --query "$dir/base.fbin" --limit 100 -k 10 > /dev/null
for i in 1 2 3 4 5; do
	vexctl create "g$i" --dim 64 --index graph
	slice insert 5000 vexctl import "g$i" "$dir/base.fbin"
	vexctl drop "g$i"
	slice graph 2000 vexctl search c --query "$dir/base.fbin" --limit 2000 -k 10
	slice exact 2000 vexctl search c --exact --query "$dir/base.fbin" --limit 2000 -k 10
done

# Exact searches: a graph depends on which of two processors links a vector first.
for metric in l2 ip cos l1; do
	vexctl create "$metric" --dim 64 --metric "$metric"
	vexctl import "$metric" "$dir/base.fbin" > /dev/null
	vexctl search "$metric" --query "$dir/base.fbin" --limit 100 -k 10
done > "$to/answers.$arm"
vexctl search c --exact --query "$dir/base.fbin" --limit 100 -k 100 >> "$to/answers.$arm"
rm -rf "$dir"
