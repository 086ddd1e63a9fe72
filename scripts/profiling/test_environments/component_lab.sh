#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# component_lab.sh COMPONENT off|on: runs inside a lab; see incremental_component_test.sh.

set -eu
component=$1 arm=$2
to=$VEXFS_RESULTS
slices=6
dir=$(mktemp -d)

# measure ITEMS COMMAND...: items a second, one line for each slice.
measure() {
	local items=$1 i start end
	shift
	"$@" > /dev/null || exit 1		# caches and codes are made once
	for ((i = 0; i < slices; i++)); do
		start=${EPOCHREALTIME/./}
		"$@" > /dev/null || exit 1
		end=${EPOCHREALTIME/./}
		echo $((items * 1000000 / (end - start)))
	done > "$to/rate"
}

"$(dirname "$(readlink -f "$0")")/../scripts/vectors.py" "$dir/base.fbin" 20000 64
case $component in
vector_storage)
	echo "exact queries/s" > "$to/unit"
	vexctl create c --dim 64 && vexctl import c "$dir/base.fbin" > /dev/null
	measure 1000 vexctl search c --query "$dir/base.fbin" --limit 1000 -k 10 ;;
search_engine)
	echo "queries/s" > "$to/unit"
	index=none
	[ "$arm" = off ] || index=graph
	vexctl create c --dim 64 --index $index && vexctl import c "$dir/base.fbin" > /dev/null
	measure 2000 vexctl search c --query "$dir/base.fbin" --limit 2000 -k 10 ;;
metadata_manager)
	echo "exact queries/s" > "$to/unit"
	if [ "$arm" = off ]; then
		vexctl create c --dim 64 && vexctl import c "$dir/base.fbin" > /dev/null
		measure 1000 vexctl search c --query "$dir/base.fbin" --limit 1000 -k 10
	else
		vexctl create c --dim 64 --layout lang:u32 && vexctl import c "$dir/base.fbin" > /dev/null
		measure 1000 vexctl search c --query "$dir/base.fbin" --limit 1000 -k 10 --filter 'lang == 0'
	fi ;;
bridge)
	echo "exact queries/s of 8 programs" > "$to/unit"
	vexctl create c --dim 64 && vexctl import c "$dir/base.fbin" > /dev/null
	eight() {
		local i
		for i in 1 2 3 4 5 6 7 8; do vexctl search c --query "$dir/base.fbin" --limit 200 -k 10 & done
		wait
	}
	measure 1600 eight ;;
durability)
	echo "vectors/s" > "$to/unit"
	durable=
	daemon=
	if [ "$arm" = on ]; then
		vexfsd --store "$dir/store" & daemon=$!
		for ((i = 0; i < 100; i++)); do [ -S /run/vexfs/vexfsd.sock ] && break; sleep 0.1; done
		durable=--durable
	fi
	# shellcheck disable=SC2086 # an option or nothing
	vexctl create c --dim 64 $durable || exit 1
	measure 20000 vexctl import --upsert c "$dir/base.fbin" ;;
esac
cat /sys/kernel/debug/vexfs/stack > "$to/stack.$arm"
[ -z "${daemon:-}" ] || { kill "$daemon"; wait "$daemon"; }
rm -rf "$dir"
