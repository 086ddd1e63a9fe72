#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: minimal_fuse_test.sh

	The baseline: a mount of one collection in the uml lab with everything optional off (no
	graph, records, pools, codes, accounting, batches or storage daemon), used for lookups,
	reads and writes. Keeps how deep each kind of op was and how long the requests took.
	Results: build/profiling/minimal. Status: 0 complete, 1 partial, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/../scripts/common.sh"
case ${1:-} in
'') ;;
-h|--help) usage; exit 0 ;;
*) wrong "unknown option $1" ;;
esac
begin minimal
make -s tools >&2 || exit 69
# shellcheck disable=SC2016 # for the lab
inside='
mkdir -p /tmp/m
vexfs-mount -f /tmp/m & mount=$!
for i in $(seq 100); do grep -q " /tmp/m " /proc/mounts && break; sleep 0.1; done
vexctl create small --dim 16
cd /tmp/m/small/by-id || exit 1
vector=$(mktemp)
head -c 64 /dev/zero > "$vector"
for round in 1 2 3 4 5; do
	start=${EPOCHREALTIME/./}
	for i in $(seq 40); do
		cat "$vector" > $i; read -r -N 1 x < $i; [ -e $i ]
	done 2> /dev/null
	echo $((120000000 / (${EPOCHREALTIME/./} - start)))
done > "$VEXFS_RESULTS/requests_per_s"
[ "$(ls | wc -l)" -ge 40 ] || echo "rows are missing"
cd /
cat /sys/kernel/debug/vexfs/stack > "$VEXFS_RESULTS/stack"
umount /tmp/m
wait $mount'
"$lab" run uml --profile --cpus 1 --results "$dir" --timeout 300 \
	--params "pool_enabled=0 search_codes=0 accounting=0 search_batching=0 search_threads=1" -- \
	bash -c "$inside" > "$dir/output" 2> "$dir/messages"
status=$?
[ $status = 0 ] || lacking "the lab ended with status $status: $(last_word "$dir/messages")"
[ -s "$dir/requests_per_s" ] || lacking "nothing was measured"
! grep 'rows are missing' "$dir/output" || lacking "the mount lost rows"
sort -n "$dir/requests_per_s" 2> /dev/null | awk '{ v[NR] = $1 } END { if (NR) print "mount with nothing optional: " v[int((NR + 1) / 2)] " files/s (median of " NR ")" }'
finish
