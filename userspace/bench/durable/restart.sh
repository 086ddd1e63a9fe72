#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How fast a durable collection with a graph is back, in a lab whose results folder has the
# store. Prints a table; ratios are of this one run.
#
#	restart.sh VECTORS

set -u
vectors=$1
store=$VEXFS_RESULTS/store
bytes=$((vectors * 128 * 4))
log=/tmp/daemon.log
ko=$(find "$VEXFS_TOP"/build/module/uml -maxdepth 1 -name vexfs.ko)
d=

die() { echo "bench-durable: $*" >&2; tail -n 5 $log >&2; exit 1; }
now() { date +%s.%N; }
calc() { awk "BEGIN { printf \"%.3f\", $1 }"; }

start() {
	vexfsd --store "$store" 2>> $log &
	d=$!
	until vexctl store info > /dev/null 2>&1; do sleep 0.05; done
}

ready() { until vexctl -j show bench 2> /dev/null | jq -e '.index_state == "ready"' > /dev/null; do sleep 0.1; done; }
row() { printf '%-46s %12s %12s %8s %8s\n' "$@"; }

start
# 16 values to a component, each vector another: as good as random for a graph that is built.
{ printf "\\x$(printf %02x $((vectors & 255)))\\x$(printf %02x $((vectors >> 8 & 255)))\\x$(printf %02x $((vectors >> 16 & 255)))\\x$(printf %02x $((vectors >> 24)))\\x80\\0\\0\\0"
	head -c $((vectors * 96)) /dev/urandom | base64 -w 0; } > /tmp/v.i8bin
vexctl create bench --dim 128 --type f32 --durability group --index none || die "create"
t=$(now)
vexctl import bench /tmp/v.i8bin --first-id 0 -q || die "import"
loaded=$(calc "$(now) - $t")
t=$(now)
vexctl index build bench > /dev/null || die "the graph"
ready
built=$(calc "$(now) - $t")
kill $d; wait $d
[ "$(find "$store" -name '*.seg' | wc -l)" -gt 1 ] || die "no graph was saved"

rmmod vexfs && insmod "$ko" || die "the module does not come back"
: > $log
t=$(now)
start
until grep -q "'bench': [0-9]* vectors restored" $log; do kill -0 $d || die "the daemon ended"; sleep 0.02; done
rows=$(sed -nE "s/.*'bench': [0-9]* vectors restored in ([0-9.]*) s.*/\1/p" $log)
ready
graph=$(calc "$(now) - $t - $rows")
count=$(vexctl -j show bench | jq .count)
[ "$count" = "$vectors" ] || die "$count vectors came back"
kill $d; wait $d
t=$(now)
cat "$store"/*.seg > /dev/null
read_=$(calc "$(now) - $t")
row "$vectors x 128 f32" value beside ratio goal
row "rows restored, MB/s; beside reading the files" "$(calc "$bytes / $rows / 1e6")" \
	"$(calc "$(du -sb "$store" | cut -f1) / $read_ / 1e6")" "$(calc "$bytes / $rows / ($(du -sb "$store" | cut -f1) / $read_)")" 0.5
row "graph loaded, s; beside built from the rows" "$graph" "$built" "$(calc "$built / $graph")" 20
row "import without a graph, s" "$loaded" "" "" ""
