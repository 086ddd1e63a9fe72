#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # eval reads them
#
# vexfs-exporter with the real module: its metrics equal the counters of the module, it serves
# names of collections only with the permission to see them, and no client stops it.

here=$(dirname "$(readlink -f "$0")")
n=0
ok() { # COMMAND...: what it is for comes in $what
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
is() { [ "$1" = "$2" ] || { echo "# got '$1', expected '$2'"; return 1; }; }
has() { grep -q -- "$2" <<< "$1" || { echo "# no '$2' in: $(head -c 600 <<< "$1")"; return 1; }; }
hasnt() { ! grep -q -- "$2" <<< "$1" || { echo "# '$2' is there: $(grep -m 3 -- "$2" <<< "$1")"; return 1; }; }
# never_less BEFORE AFTER: no counter of the first text is smaller in the second or missing there.
never_less() {
	awk '$NF ~ /^[0-9]/ && $1 ~ /(_total|_bucket|_count|_sum)({|$)/ {
		if (NR == FNR) { was[$1] = $NF; next }
		now[$1] = $NF
	} END {
		for (k in was) { n++; if (now[k] + 0 < was[k] + 0) { print "# " k " was " was[k] " and is " now[k]; bad = 1 } }
		exit bad || !n
	}' <(printf '%s\n' "$1") <(printf '%s\n' "$2")
}
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 >= b + 0) }' || { echo "# $1 is less than $2"; return 1; }; }

port=9090
url=http://127.0.0.1:$port
fetch() { curl -s --max-time 20 "$@"; }
value() { # SERIES [TEXT]
	local text=${2-$(fetch $url/metrics)}
	awk -v name="$1" 'index($0, name " ") == 1 { print $NF; exit }' <<< "$text"
}
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null; rm -rf "$tmp"' EXIT
start() { # PORT ARGUMENT...: an exporter in the background; its pid in $pid
	vexfs-exporter --listen "$1" "${@:2}" 2> "$tmp/err.$1" & pid=$!
	pids+=("$pid")
	for _ in $(seq 100); do fetch "http://127.0.0.1:$1/-/ready" | grep -q '^ready' && return; sleep 0.05; done
	cat "$tmp/err.$1"
	return 1
}

vexctl create alpha --dim 8
vexctl create beta --dim 8
for i in 1 2 3; do vexctl put alpha $i --vector 1,2,3,4,5,6,7,$i; done > /dev/null

# ---- what it serves ----
start $port; main=$pid
what="/healthz and /-/ready answer"
ok eval 'is "$(fetch $url/healthz)" ok && is "$(fetch $url/-/ready)" ready'
text=$(fetch -D "$tmp/head" $url/metrics)
what="/metrics has the text format by default"
ok has "$(cat "$tmp/head")" 'text/plain; version=0.0.4'
what="promtool accepts /metrics without compatibility names"
ok promtool check metrics <<< "$(fetch "$url/metrics?compat=no")"
what="promtool complains about the units of compatibility names alone"
ok is "$(promtool check metrics <<< "$text" 2>&1 | grep -v '^vexfs_[a-z]*_ops_per_sec metric names should not contain abbreviated units')" ""
what="/metrics has the OpenMetrics format when the client accepts it"
fetch -D "$tmp/head" -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5' $url/metrics > "$tmp/om"
ok eval 'has "$(cat "$tmp/head")" "application/openmetrics-text; version=1.0.0" && is "$(tail -n 1 "$tmp/om")" "# EOF"'
for name in vexfs_fuse_ops_per_sec vexfs_vector_ops_per_sec vexfs_semantic_ops_per_sec \
		vexfs_memory_pool_hit_rate vexfs_small_pool_utilization vexfs_medium_pool_utilization \
		vexfs_large_pool_utilization vexfs_memory_pool_utilization vexfs_memory_pools_enabled \
		vexfs_simd_enabled vexfs_simd_acceleration_enabled vexfs_stack_optimization_enabled \
		vexfs_bridge_optimization_enabled vexfs_stack_violations_total; do
	what="/metrics has $name"
	ok has "$text" "^$name [0-9]"
done
what="/metrics has every subject of the module's statistics"
missing=$(vexctl stats -j | /usr/bin/python3 -c '
import json, sys
text = open(sys.argv[1]).read()
for row in json.load(sys.stdin)["stats"]:
    if row["subject"] not in ("class", "errors", "store") and "vexfs_" + row["subject"] + "_" not in text:
        print(row["subject"])
' <(printf '%s' "$text") 2>&1)
ok is "$missing" ""
what="/metrics has the true counts of vectors, collections and puts"
ok eval 'is "$(value vexfs_vectors)" 3 && is "$(value vexfs_collections)" 2 &&
	is "$(value "vexfs_ops_total{op=\"put\",class=\"vector\"}")" 3'
what="the histogram of /metrics counts every put"
ok is "$(value 'vexfs_op_duration_seconds_count{op="put",class="vector"}')" 3
what="counters of /metrics do not decrease when the module's statistics are reset"
before=$(fetch $url/metrics)
vexctl reset all > /dev/null
sleep 0.1
after=$(fetch $url/metrics)
ok eval 'is "$(value "vexfs_ops_total{op=\"put\",class=\"vector\"}" "$after")" 3 && never_less "$before" "$after"'
what="/metrics counts errors by errno"
vexctl get alpha 99 > /dev/null 2>&1
ok has "$(fetch $url/metrics)" 'vexfs_op_errors_total{op="get",class="vector",errno="ENOENT"} 1'
what="docs/metrics.md lists the metrics that are served (make metrics-doc)"
ok diff <(vexfs-exporter --once | "$here/metrics_doc.py") "$VEXFS_TOP/docs/metrics.md"
what="/metrics has series per collection when root runs the exporter"
ok eval 'is "$(value "vexfs_collection_vectors{collection=\"alpha\"}")" 3 &&
	is "$(value "vexfs_collection_changes_total{collection=\"@rest\"}")" 0'
what="/metrics counts ops of a collection by kind, and its errors"
vexctl search alpha --vector 1,2,3,4,5,6,7,8 -k 2 > /dev/null
vexctl search alpha --id 1 -k 2 > /dev/null
vexctl get alpha 2 > /dev/null
vexctl delete alpha 3 > /dev/null
sleep 0.1
t=$(fetch $url/metrics)
of() { value "vexfs_collection_ops_total{collection=\"$1\",op=\"$2\"}" "$t"; }
ok eval 'is "$(of alpha search) $(of alpha put) $(of alpha delete)" "2 3 1" && at_least "$(of alpha read)" 2 &&
	is "$(value "vexfs_collection_op_errors_total{collection=\"alpha\"}" "$t")" 1'
what="/metrics counts ops of one collection in no other"
ok is "$(of beta search) $(of beta read) $(of beta put) $(of beta delete)" "0 0 0 0"
what="debugfs has the counts of /metrics for a collection"
ops=/sys/kernel/debug/vexfs/collections/alpha/ops
ok is "$(sed -n 's/^\(searches\|puts\|deletes\|errors\) //p' $ops | paste -sd' ')" "2 3 1 1"
what="/metrics counts how often locks were taken and contended"
ok eval 'at_least "$(value "vexfs_lock_acquired_total{lock=\"ids\"}" "$t")" 4 && has "$t" "^vexfs_lock_contended_total{lock=\"slots\"} [0-9]"'
what="vexctl reset lock begins the counts of locks anew, and those of /metrics go on"
ids() { vexctl stats lock | awk '$1 == "lock/ids" && $2 == "acquired" { print $3 }'; }
had=$(ids)
vexctl reset lock
ok eval 'at_least "$had" 1 && is "$(ids)" 0 && sleep 0.1 && never_less "$t" "$(fetch $url/metrics)"'
what="a reset leaves the ops of collections, which are counted since their creation"
vexctl reset all
ok eval 'is "$(sed -n "s/^puts //p" $ops)" 3 && never_less "$t" "$(fetch $url/metrics)"'
what="/metrics has the times of parts of one op in 64"
for i in $(seq 40); do vexctl put alpha 1 --vector 1,2,3,4,5,6,7,8 --upsert; done > /dev/null
sleep 0.1
t=$(fetch $url/metrics)
ok eval 'at_least "$(value vexfs_timed_ops_total "$t")" 1 && at_least "$(value vexfs_timed_in_seconds_total "$t")" 0.0000001'
what="the page at / contains its data and loads nothing"
page=$(fetch $url/)
ok eval 'has "$page" "\"collections\":\[{\"name\":\"alpha\"" && hasnt "$page" "src=" && hasnt "$page" "https*://[^w]"'
what="/live.json is valid JSON"
ok eval 'fetch $url/live.json | /usr/bin/python3 -m json.tool > /dev/null'

# ---- permissions ----
admin=$(cat /sys/module/vexfs/parameters/admin_gid)
gid=$(cat /sys/module/vexfs/parameters/device_gid)
echo 7001 > /sys/module/vexfs/parameters/device_gid
echo 7002 > /sys/module/vexfs/parameters/admin_gid
as() { setpriv --reuid 1000 --regid 1000 "$@"; }
exporter=$(command -v vexfs-exporter)
what="without the group of /dev/vexfs the exporter serves vexfs_up 0 and says why"
out=$(as --clear-groups "$exporter" --once 2> "$tmp/err"); code=$?
ok eval 'is $code 3 && has "$out" "^vexfs_up 0" && has "$(cat "$tmp/err")" "group of /dev/vexfs"'
what="in the group of /dev/vexfs the exporter serves totals and no names of collections"
out=$(as --groups 7001 "$exporter" --once)
ok eval 'has "$out" "^vexfs_vectors 2" && hasnt "$out" alpha && hasnt "$out" vexfs_collection_vectors'
what="in the administrators' group the exporter serves names of collections"
out=$(as --groups 7001,7002 "$exporter" --once)
ok has "$out" '^vexfs_collection_vectors{collection="alpha"} 2'
echo "$admin" > /sys/module/vexfs/parameters/admin_gid
echo "$gid" > /sys/module/vexfs/parameters/device_gid

# ---- addresses and files ----
what="an exporter whose port is taken names the port and the likely owner"
out=$(vexfs-exporter 2>&1); code=$?
ok eval 'is $code 1 && has "$out" "port 9090 of 127.0.0.1 is taken, maybe by Prometheus"'
what="--listen unix:PATH serves metrics on a Unix socket"
vexfs-exporter --listen "unix:$tmp/sock" & pids+=($!)
for _ in $(seq 100); do [ -S "$tmp/sock" ] && break; sleep 0.05; done
ok has "$(curl -s --unix-socket "$tmp/sock" http://x/metrics)" '^vexfs_up 1'
what="an exporter started by socket activation serves metrics"
/usr/bin/python3 - "$exporter" 9191 <<'P' & pids+=($!)
import os, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[2])))
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
s.detach()
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[1], [sys.argv[1]])
P
for _ in $(seq 100); do fetch http://127.0.0.1:9191/healthz > /dev/null && break; sleep 0.05; done
ok has "$(fetch http://127.0.0.1:9191/metrics)" '^vexfs_up 1'
what="the exporter listens on the loopback address alone"
ok eval '! ss -ltn 2> /dev/null | grep -q "0.0.0.0:9090\|\*:9090"'
for bad in "-l nonsense:x:y" "-l 300000" "-n -1" "--deadline 0" "-i 5" "word" "--nonsense"; do
	what="vexfs-exporter $bad is refused"
	# shellcheck disable=SC2086 # several words
	ok eval '! vexfs-exporter $bad > /dev/null 2>&1'
done
what="--textfile writes a file for node_exporter"
mkdir "$tmp/text"
ok eval 'vexfs-exporter --textfile "$tmp/text" && has "$(cat "$tmp/text/vexfs.prom")" "^vexfs_up 1"'
what="--textfile on a full disk leaves the old file unchanged"
mkdir "$tmp/full"; mount -t tmpfs -o size=96k none "$tmp/full"
echo old > "$tmp/full/vexfs.prom"; head -c 80000 /dev/zero > "$tmp/full/filler"
vexfs-exporter --textfile "$tmp/full" 2> "$tmp/err"; code=$?
ok eval 'is $code 1 && is "$(cat "$tmp/full/vexfs.prom")" old && [ -s "$tmp/err" ] && is "$(ls "$tmp/full")" "filler
vexfs.prom"'
umount "$tmp/full"

# ---- series of the busiest collections ----
for i in $(seq 8); do vexctl create "many$i" --dim 4; done
start 9192 --busiest 3
u=http://127.0.0.1:9192/metrics
what="--busiest 3 gives three collections their own series and sums up the rest"
t=$(fetch $u)
ok eval 'is "$(grep -c "^vexfs_collection_vectors{" <<< "$t")" 4 && is "$(value vexfs_collections_unlabelled "$t")" 7 &&
	has "$t" "^vexfs_collection_vectors{collection=\"alpha\"} 2"'
what="a collection that becomes busy gets its own series, and the sum of the rest does not decrease"
for i in $(seq 20); do vexctl put many7 "$i" --vector 1,2,3,4; done > /dev/null
sleep 0.1
t=$(fetch $u)
ok eval 'has "$t" "collection=\"many7\"" && is "$(value "vexfs_collection_changes_total{collection=\"@rest\"}" "$t")" 20 &&
	is "$(value "vexfs_collection_ops_total{collection=\"@rest\",op=\"put\"}" "$t")" 20'

what="the exporter frees the memory of its snapshots"
anon() { awk '/^RssAnon/ { print $2 }' "/proc/$main/status"; }
snapshots() { for _ in $(seq "$1"); do fetch $url/metrics > /dev/null; sleep 0.06; done; }
snapshots 5
before=$(anon)
snapshots 40 # each takes about 64 KB of messages
ok at_least $((before + 1024)) "$(anon)"
what="the exporter uses less than 10 MB of memory"
ok at_least 10240 "$(awk '/^VmHWM/ { print $2 }' "/proc/$main/status")"

# ---- clients ----
/usr/bin/python3 "$here/hostile_clients.py" $port "$main" > "$tmp/clients"
while IFS= read -r line; do
	case $line in
	"ok - "*) n=$((n + 1)); echo "ok $n - ${line#ok - }" ;;
	"not ok - "*) n=$((n + 1)); echo "not ok $n - ${line#not ok - }" ;;
	*) echo "$line" ;;
	esac
done < "$tmp/clients"

# ---- the module is unloaded and loaded ----
ko=$(sed -n 's/^vexfs //p' /proc/modules)
file=$(find "$VEXFS_TOP/build/module/uml" -name vexfs.ko | head -n 1)
what="without the module vexfs_up is 0, and the page says that vexfs is not loaded"
vexctl module unload
ok eval '[ -n "$ko" ] && is "$(value vexfs_up)" 0 && has "$(fetch $url/)" "vexfs is not loaded"'
what="the exporter serves metrics again after the module was reloaded"
vexctl module load --file "$file"
ok eval 'is "$(value vexfs_up)" 1 && is "$(value vexfs_collections)" 0'
what="the exporter survives reloads of the module during 200 scrapes"
(for _ in $(seq 200); do fetch $url/metrics > /dev/null; done) & storm=$!
for _ in $(seq 5); do
	for _ in $(seq 50); do vexctl module unload 2> /dev/null && break; done
	vexctl module load --file "$file"
done
wait $storm
ok eval 'is "$(value vexfs_up)" 1 && kill -0 $main'
what="the exporter exits with 0 on SIGTERM"
kill "$main"; wait "$main"
ok is $? 0
echo "1..$n"
