#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vexstress against the loaded module. Nothing here depends on how fast anything
# is.

top=${VEXFS_TOP:-.}
tests=$top/userspace/vexstress/tests
# shellcheck source=userspace/vexstress/tests/tap.sh
. "$tests/tap.sh"
cd "$top" || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export VEXFS_RESULTS="$tmp/results"
schema=docs/schema/vexstress-result.json
brief='--warm-up-time 0.1 --measurement-time 0.4 --sample-size 5'
# for those that run a workload many times
short='--warm-up-time 0.05 --measurement-time 0.1 --sample-size 4'

left() { vexctl list -j 2> /dev/null | grep -c vexstress; }
nothing_left() { n=$(left); [ "$n" = 0 ]; check $? "no collection is left after $1" "$(vexctl list)"; }
# One Python answers all questions about JSON.
mkfifo "$tmp/questions" "$tmp/answers"
python3 "$tests/validate.py" --serve < "$tmp/questions" > "$tmp/answers" &
exec 8> "$tmp/questions" 9< "$tmp/answers"
ask() {
	echo "$*" >&8
	IFS= read -r answer <&9
	echo "$answer"
}
value() { ask value "$@"; }
valid() {
	why=$(ask valid "$schema" "$1")
	[ "$why" = ok ]
	check $? "$2" "$why"
}
# shellcheck disable=SC2086
probe=$(vexstress mixed $brief --vectors 200 2>&1)
case $probe in *"has no graph"*) graph=0 ;; *) graph=1 ;; esac

# --- every workload, and what it leaves ---
for wl in vector point pools simd churn open abuse semantic mixed; do
	case $wl in
	semantic|mixed)
		if [ $graph = 0 ]; then skip "workload $wl" "this module has no graph"; continue; fi
		size='--vectors 2000' ;;
	*) size= ;;
	esac
	# shellcheck disable=SC2086 # lists of options
	run vexstress $wl $brief $size --threads 2 -o "$tmp/$wl.json"
	check "$status" "workload $wl" "$out" "$err"
	valid "$tmp/$wl.json" "result of $wl is as its schema says"
	ok=$(value "$tmp/$wl.json" "r['jobs'][0]['ops'] > 0 and r['jobs'][0]['success_rate'] == 1")
	[ "$ok" = True ]
	check $? "all ops of $wl succeed" "$(value "$tmp/$wl.json" "r['jobs'][0]['errors_by_errno']")" "$out"
done
nothing_left "the workloads"

# Crowds are sixteen unless told otherwise, and each answer is computed again.
for wl in crowd crowd-graph; do
	if [ $wl = crowd-graph ] && [ $graph = 0 ]; then skip "a $wl" "this module has no graph"; continue; fi
	# shellcheck disable=SC2086
	run vexstress $wl $brief --vectors 2000 --ef 64 --verify -o "$tmp/$wl.json"
	check "$status" "a $wl whose answers are verified" "$out" "$err"
	got=$(value "$tmp/$wl.json" "[(j['options']['threads'], j['errors'], j['verify']['wrong'], j['verify']['checked'] > 0) for j in r['jobs']]")
	[ "$got" = "[(16, 0, 0, True)]" ]
	check $? "has sixteen workers, and all are right" "$got"
done
nothing_left "the crowds"

# --- suites: every job of each, and each answer computed again ---
simd_before=$(cat /sys/module/vexfs/parameters/simd)
pools_before=$(cat /sys/module/vexfs/parameters/pool_enabled)
for suite in alloc pool dispatch isa tlb fuse async ring durable; do
	if [ $suite = fuse ] && [ $graph = 0 ]; then skip "suite $suite" "this module has no graph"; continue; fi
	run vexstress run $suite --ops 40 --warm-up-time 0 --sample-size 4 --vectors 500 --verify -q -o "$tmp/suite.json"
	check "$status" "suite $suite" "$out" "$err"
	valid "$tmp/suite.json" "its result is as its schema says"
	got=$(value "$tmp/suite.json" "all(j['ops'] > 0 and j['errors'] == 0 and j['verify']['wrong'] == 0 for j in r['jobs']) and len(r['jobs']) + len(r.get('skipped', []))")
	case $suite in alloc|dispatch|isa|fuse|async|ring) want=3 ;; pool|tlb) want=2 ;; durable) want=4 ;; esac
	[ "$got" = $want ]
	check $? "$want jobs ran or said why not, and all answers are right" "$got" "$err"
	if [ $suite = durable ] || [ $suite = pool ]; then
		[ "$(value "$tmp/suite.json" "len(r['jobs'])")" = $want ]
		check $? "none of $suite was left out" "$err"
	fi
done
[ "$(cat /sys/module/vexfs/parameters/simd) $(cat /sys/module/vexfs/parameters/pool_enabled)" = "$simd_before $pools_before" ]
check $? "parameters are as before" "$(cat /sys/module/vexfs/parameters/simd)"
nothing_left "the suites"
[ -z "$(ls -d "${TMPDIR:-/tmp}"/vexstress-store.* 2> /dev/null)" ]
check $? "nor a store"
# shellcheck disable=SC2086
run vexstress run isa pool $short --tests isa-scalar,pool-off -q -o "$tmp/suite.json"
[ "$status" = 0 ] && [ "$(value "$tmp/suite.json" "[(j['name'], j['options']['setting']) for j in r['jobs']]")" = "[('isa-scalar', 'simd=scalar'), ('pool-off', 'pool_enabled=0')]" ]
check $? "--tests picks jobs" "$status" "$err"
expect 2 "did you mean 'isa-scalar'" "a job that is not there" vexstress run isa --tests isa-scalr
expect 2 "did you mean 'durable'" "a suite that is not there" vexstress run durabel
# --- many ops under way ---
# asynchronous WORKLOAD: verified, in a closed and in an open loop, and a number of ops.
asynchronous() {
	# shellcheck disable=SC2086
	run vexstress "$1" $brief --verify -o "$tmp/$1.json"
	check "$status" "$1: verified" "$out" "$err"
	valid "$tmp/$1.json" "its result is as its schema says"
	got=$(value "$tmp/$1.json" "[(j['options']['depth'], j['errors'], j['verify']['wrong'], j['verify']['checked'] > 0) for j in r['jobs']]")
	[ "$got" = "[(32, 0, 0, True)]" ]
	check $? "all are right" "$got"
	run vexstress "$1" --ops 500 --depth 7 --warm-up-time 0.1 --sample-size 4 -q -o "$tmp/$1.json"
	check "$status" "$1: a number of ops" "$out" "$err"
	got=$(value "$tmp/$1.json" "[(j['options']['depth'], j['ops'], j['errors']) for j in r['jobs']]")
	[ "$got" = "[(7, 500, 0)]" ]
	check $? "is that number" "$got"
	# shellcheck disable=SC2086
	run vexstress "$1" $brief --rate 500 --arrival poisson -o "$tmp/$1.json"
	check "$status" "$1: an open loop" "$out" "$err"
	got=$(value "$tmp/$1.json" "[(j['errors'], j['latency_corrected']['p99_ns'] > 0) for j in r['jobs']]")
	[ "$got" = "[(0, True)]" ]
	check $? "has latencies from when ops were due" "$got"
}
for wl in submit bridge uring; do
	if why=$(vexstress $wl --ops 1 --warm-up-time 0 --sample-size 4 2>&1 > /dev/null | grep 'cannot run'); then
		skip "workload $wl" "$why"
		continue
	fi
	asynchronous $wl
done
got=$(value "$tmp/bridge.json" "[k['name'] for k in r['jobs'][0]['kinds']]")
[ "$got" = "['high search', 'high get', 'search', 'get', 'low search', 'low get']" ]
check $? "bridge has ops at all priorities" "$got"
expect 2 "give depth instead" "a batch of asynchronous ops is refused" vexstress submit --batch 2
expect 2 "twice as many vectors" "and so is a depth beyond the vectors there are" vexstress submit --depth 4000 --vectors 100
nothing_left "asynchronous ops"

# --- results over time: appended whole, by two at a time, and never twice ---
# shellcheck disable=SC2086
{
	vexstress point open $short --metrics-csv "$tmp/m.csv" > /dev/null 2>&1 &
	other=$!
	run vexstress simd $short --metrics-csv "$tmp/m.csv"
	wait $other
}
[ "$status" = 0 ] && [ "$(head -n 1 "$tmp/m.csv" | cut -d, -f1-3)" = benchmark,mean_time_ns,timestamp ] &&
	[ "$(cut -d, -f1 "$tmp/m.csv" | sed 1d | sort | xargs)" = "open point simd" ]
check $? "a line per job is appended, two runs at a time" "$(cat "$tmp/m.csv")" "$err"
run vexstress trend "$tmp/m.csv"
check "$status" "and trend reads it" "$out" "$err"
[ "$(value "$tmp/vector.json" "r['jobs'][0]['recall']['recall']")" = 1.0 ]
check $? "exact search has recall 1 against an exact computation"
[ "$(value "$tmp/vector.json" "r['jobs'][0]['kernel']['mean_ns'] + r['jobs'][0]['crossing']['mean_ns'] > 0")" = True ]
check $? "time in the kernel and the price of crossing stand beside the latency"
[ "$(value "$tmp/point.json" "r['jobs'][0]['resources']['max_rss_kb'] < 100000")" = True ]
check $? "its own memory stays under 100 MB"

# At 100,000 ops/s a run that is four times as long takes no more memory: it faults in fewer
# than 200 more pages, which is 5 bytes an op. (Resident memory counts pages of libraries, too,
# and how many of those are mapped beside the one asked for changes from run to run.)
for t in 0.5 2; do
	run vexstress point --threads 1 --rate 100000 --batch 64 --warm-up-time 0.2 --measurement-time $t \
		-o "$tmp/rss-$t.json"
	check "$status" "100,000 ops/s for $t s" "$out" "$err"
done
spent() { value "$tmp/rss-$1.json" "r['jobs'][0]['resources']['$2']"; }
[ "$(spent 2 max_rss_kb)" -lt 100000 ] && [ "$(spent 0.5 minor_faults)" -gt 0 ] &&
	[ $(($(spent 2 minor_faults) - $(spent 0.5 minor_faults))) -lt 200 ]
check $? "memory does not grow with the length of a run" \
	"$(spent 0.5 minor_faults) and $(spent 2 minor_faults) faults, $(spent 0.5 max_rss_kb) and $(spent 2 max_rss_kb) KB"

run vexstress point --threads 2 --ops 200000 --batch 64 --warm-up-time 0 --interval 0.02 --sample-size 4 -q \
	-o "$tmp/ops.json"
check "$status" "a number of ops" "$out" "$err"
[ "$(value "$tmp/ops.json" "r['jobs'][0]['ops'] < 201000 and len(r['jobs'][0]['intervals']) > 4")" = True ]
check $? "is done to the end, however many intervals that takes" "$(value "$tmp/ops.json" "r['jobs'][0]['ops']")"

# Warming up is not part of them: so many ops are counted, no more and no fewer, also when
# there is a part left over.
run vexstress point --threads 3 --ops 1000 --warm-up-time 0.3 --warm-up-fixed --sample-size 4 -q -o "$tmp/ops.json"
check "$status" "a number of ops behind a warm-up" "$out" "$err"
[ "$(value "$tmp/ops.json" "r['jobs'][0]['ops']")" = 1000 ]
check $? "is that number, and not what warming up has left of it" "$(value "$tmp/ops.json" "r['jobs'][0]['ops']")"

# Jobs of a group have lengths of their own.
cat > "$tmp/lengths.job" <<'EOT'
[global]
workload = point
vectors = 500
[short]
duration = 300ms
[long]
duration = 1200ms
[counted]
ops = 50
EOT
run vexstress --job "$tmp/lengths.job" --warm-up-time 0.1 --sample-size 4 -q -o "$tmp/lengths.json"
check "$status" "jobs of several lengths side by side" "$out" "$err"
valid "$tmp/lengths.json" "their result is as its schema says"
got=$(value "$tmp/lengths.json" "all(0.3 <= j['seconds'] < 0.9 for j in r['jobs'] if j['name'] == 'short') and all(j['seconds'] >= 1.2 for j in r['jobs'] if j['name'] == 'long') and [j['ops'] for j in r['jobs'] if j['name'] == 'counted'] == [50] and [len(j['intervals']) for j in r['jobs'][:2]] == [4, 4]")
[ "$got" = True ]
check $? "end when each of them says" "$(value "$tmp/lengths.json" "[(j['name'], j['seconds'], j['ops'], len(j['intervals'])) for j in r['jobs']]")"

# The most memory of each of its processes, as the kernel has it, and each of them once. They are
# looked at again and again: when they are busiest depends on the machine.
vexstress point --threads 3 --warm-up-time 0 --measurement-time 3 --sample-size 4 -q -o "$tmp/rss.json" &
pid=$!
mkdir "$tmp/most"
while kill -0 "$pid" 2> /dev/null; do
	for p in $pid $(pgrep -P "$pid"); do
		kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$p/status" 2> /dev/null)
		[ -z "$kb" ] || echo "$kb" > "$tmp/most/$p"
	done
	sleep 0.1
done
wait "$pid"
sum=$(cat "$tmp/most"/* | awk '{ n += $1 } END { print n + 0 }')
rss=$(value "$tmp/rss.json" "r['jobs'][0]['resources']['max_rss_kb']")
[ "$sum" -gt 0 ] && [ "$rss" -gt $((sum * 7 / 10)) ] && [ "$rss" -lt $((sum * 13 / 10)) ]
check $? "memory counts each process once" "$rss KB, /proc says $sum KB"

# --- every answer checked ---
for wl in vector point churn pools semantic mixed; do
	case $wl in
	semantic|mixed) if [ $graph = 0 ]; then skip "verify $wl" "this module has no graph"; continue; fi ;;
	esac
	# shellcheck disable=SC2086
	run vexstress $wl $brief --vectors 600 --dim 33 --threads 2 --verify --metric "$(
		case $wl in point) echo cos ;; mixed) echo ip ;; *) echo l2 ;; esac)" -o "$tmp/v.json"
	check "$status" "$wl, every answer computed again" "$out" "$err"
	checked=$(value "$tmp/v.json" "r['jobs'][0]['verify']['checked']")
	case $wl in churn) ;; *) [ "$checked" -gt 10 ] ;; esac
	check $? "$wl: answers were checked" "$checked"
done

# Narrow types: the oracle rounds what was sent as the ABI says it is held.
for pair in f16-cos bf16-ip i8-l2 u8-l1 b1-jaccard; do
	wl=mixed
	[ $graph = 1 ] || wl=vector
	# shellcheck disable=SC2086
	run vexstress $wl $brief --vectors 600 --dim 33 --threads 2 --verify --type ${pair%-*} \
		--metric ${pair#*-} -o "$tmp/v.json"
	check "$status" "type ${pair%-*}, metric ${pair#*-}, every answer computed again" "$out" "$err"
	checked=$(value "$tmp/v.json" "r['jobs'][0]['verify']['checked']")
	[ "$checked" -gt 10 ]
	check $? "${pair%-*}: answers were checked" "$checked"
done

# --- processes, open loop, batches, data from a file ---
# shellcheck disable=SC2086
run vexstress vector $brief --workers threads --threads 3 --batch 4 --verify
check "$status" "workers as threads, with batches" "$out" "$err"
# shellcheck disable=SC2086
run vexstress point $brief --rate 500 --arrival poisson -o "$tmp/open.json" --ndjson "$tmp/i.ndjson"
check "$status" "an open loop" "$out" "$err"
[ "$(value "$tmp/open.json" "r['jobs'][0]['latency_corrected']['count'] > 0")" = True ]
check $? "latency as measured and from when it was due"
# The run is read while its workers write: an op of each may be in one of them only.
both=$(value "$tmp/open.json" "[sum(b[2] for b in r['jobs'][0][h]) - r['jobs'][0]['latency_corrected']['count'] for h in ('histogram_corrected', 'histogram_available')]")
[ "$(value "$tmp/open.json" "all(abs(n) <= 8 for n in $both) and r['jobs'][0]['latency_corrected']['count'] > 16")" = True ]
check $? "both histograms are kept, with and without unavailable time" "$both"
# A program that never rests shares its processor.
taskset -c 0 sh -c 'while :; do :; done' &
hog=$!
vexstress point --rate 3500 --threads 1 --cpus 0 --measurement-time 1.5 --sample-size 5 -q -o "$tmp/unavailable.json"
kill "$hog"
# (Where ops take so long that nothing is left to wait, there is nothing to count.)
[ "$(value "$tmp/unavailable.json" "r['jobs'][0]['resources']['unavailable_s'] > 0.05 or r['jobs'][0]['latency']['p50_ns'] > 140000")" = True ]
check $? "time that the machine did not run a waiting worker is counted" \
	"$(value "$tmp/unavailable.json" "r['jobs'][0]['resources']")"
[ "$(value "$tmp/unavailable.json" "r['jobs'][0]['latency_available']['mean_ns'] <= r['jobs'][0]['latency_corrected']['mean_ns']")" = True ]
check $? "and the schedule goes on meanwhile: latency without it is no larger"
schema=docs/schema/vexstress-interval.json
valid "$tmp/i.ndjson --lines" "interval lines are as their schema says"
schema=docs/schema/vexstress-result.json
python3 - "$tmp/d.fbin" <<'EOT'
import random, struct, sys
rng = random.Random(1)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<II", 1500, 24))
    for _ in range(1500 * 24):
        f.write(struct.pack("<f", rng.gauss(0, 1)))
EOT
# shellcheck disable=SC2086
run vexstress vector $brief --data "$tmp/d.fbin" --verify -o "$tmp/data.json"
check "$status" "vectors from a file" "$out" "$err"
head -c 50000 "$tmp/d.fbin" > "$tmp/cut.fbin"
# shellcheck disable=SC2086
expect 2 "cut.fbin" "a data file cut short is refused" vexstress vector $brief --data "$tmp/cut.fbin"
nothing_left "these"

# --- targets ---
printf '[targets]\nvector_ops_per_sec = 0.001\nsuccess_rate = 1\npool_hit_rate = 0.1\n' > "$tmp/easy"
# Without its counters nothing can be said about the pools.
# shellcheck disable=SC2086
run vexstress --target "$tmp/easy" $brief --debugfs "$tmp/none" -o "$tmp/t.json"
check "$status" "easy targets are met, status 0" "$out" "$err"
valid "$tmp/t.json" "its result is as its schema says"
[ "$(value "$tmp/t.json" "r['overall_success'], sorted((t['name'], t['skipped']) for t in r['targets'])")" = "True [('pool_hit_rate', True), ('success_rate', False), ('vector_ops_per_sec', False)]" ]
check $? "what cannot be measured is skipped, not met" "$(value "$tmp/t.json" "r['targets']")"
printf '[targets]\nvector_ops_per_sec = 1e15\n' > "$tmp/hard"
# shellcheck disable=SC2086
run vexstress --target "$tmp/hard" $brief -o "$tmp/t.json"
[ "$status" = 1 ] && [ "$(value "$tmp/t.json" "r['overall_success']")" = False ]
check $? "a target out of reach is missed, status 1" "status $status" "$out" "$err"
printf '%s' "$out" | grep -q '^0 met, 1 missed, 0 cannot tell, 0 skipped: 1 of 1 targets measured$' &&
	printf '%s' "$out" | grep -q 'vector_ops_per_sec .* 2 attempts together:'
check $? "the table has both attempts, the last line counts" "$out"
valid "$tmp/t.json" "its result is as its schema says"
# All attempts are one: ops and seconds of all of them make the figure.
got=$(value "$tmp/t.json" "[(len(t['attempts']), abs(t['measured'] / (sum(a['measured'] * a['seconds'] for a in t['attempts']) / sum(a['seconds'] for a in t['attempts'])) - 1) < 1e-6) for t in r['targets']]")
[ "$got" = "[(2, True)]" ]
check $? "attempts are judged together" "$got"
# shellcheck disable=SC2086
run vexstress --target "$tmp/easy" $brief --repeat 2 -o "$tmp/t.json"
[ "$status" = 0 ] && [ "$(value "$tmp/t.json" "[len(t['attempts']) for t in r['targets'] if t['name'] == 'vector_ops_per_sec']")" = "[2]" ]
check $? "repetitions are attempts, too" "status $status" "$(value "$tmp/t.json" "r['targets']")"
# The pools as they are by default serve 97 of 100 requests of their storm.
printf '[targets]\npool_hit_rate = 0.97\n' > "$tmp/pools"
run vexstress --target "$tmp/pools" --warm-up-time 0.2 --measurement-time 1 --sample-size 5 -o "$tmp/t.json"
check "$status" "97 % of what the storm asks the pools for is there" "$(value "$tmp/t.json" "r['targets']")" "$err"
printf '[targets]\npool_hit_rate = 0.1\n' > "$tmp/nothing"
# shellcheck disable=SC2086
run vexstress --target "$tmp/nothing" $brief --debugfs "$tmp/none" -o "$tmp/t.json"
[ "$status" = 0 ] && [ "$(value "$tmp/t.json" "r['overall_success']")" = None ]
check $? "where nothing can be measured there is no success, and no miss" "status $status" "$out"
# shellcheck disable=SC2086
run vexstress --target "$tmp/nothing" $brief --debugfs "$tmp/none" --strict
[ "$status" = 6 ]
check $? "and status 6 when strict" "status $status" "$out"

printf '[targets]\nfuse_ops_per_sec = 1\n' > "$tmp/fuse"
# shellcheck disable=SC2086
run vexstress --target "$tmp/fuse" $brief -o "$tmp/t.json"
[ "$(value "$tmp/t.json" "[(t['verdict'], t['skipped']) for t in r['targets']]")" = "[('met', False)]" ]
check $? "ops on a mount are measured" "$(value "$tmp/t.json" "r['targets']")" "$err"
printf '[targets]\nbridge_ops_per_sec = 1\nbridge_latency_ms = 100000\n' > "$tmp/bridge"
# shellcheck disable=SC2086
run vexstress --target "$tmp/bridge" $brief -o "$tmp/t.json"
got=$(value "$tmp/t.json" "[(t['name'], t['skipped'], t['measured'] > 0) for t in r['targets']], [(j['workload'], j['options']['rate']) for j in r['jobs'][:2]]")
[ "$got" = "[('bridge_latency_ms', False, True), ('bridge_ops_per_sec', False, True)] [('bridge', 0.0), ('bridge', 1.0)]" ]
check $? "asynchronous ops are measured, how many and how late" "$got" "$err"
# shellcheck disable=SC2086
run vexstress fuse-io $brief --verify -o "$tmp/t.json"
check "$status" "what is written as a file is what is read" "$out" "$err"
[ "$(grep -c vexstress /proc/mounts)" = 0 ]
check $? "no mount is left" "$(grep vexstress /proc/mounts)"

# --- ended from outside ---
# shellcheck disable=SC2086
vexstress vector --measurement-time 100 -q -o "$tmp/int.json" 2> "$tmp/err" &
pid=$!
while [ "$(left)" = 0 ] && kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
sleep 1
kill -INT "$pid"
wait "$pid"
status=$?
[ $status = 130 ]
check $? "SIGINT ends it with status 130" "status $status" "$(cat "$tmp/err")"
valid "$tmp/int.json" "it reports what it has"
[ "$(value "$tmp/int.json" "r['interrupted']")" = True ]
check $? "and says that it was interrupted"
nothing_left SIGINT

# shellcheck disable=SC2086
vexstress vector --measurement-time 100 -q --threads 3 2> "$tmp/err" &
pid=$!
while [ "$(pgrep -c -P "$pid")" -lt 3 ] && kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
sleep 0.5
kill -9 "$(pgrep -P "$pid" | head -1)"
wait "$pid"
status=$?
[ $status = 137 ]
check $? "a worker that is killed ends the run with status 137" "status $status" "$(cat "$tmp/err")"
nothing_left "the death of a worker"

# shellcheck disable=SC2086
vexstress vector --measurement-time 100 -q --threads 2 2> "$tmp/err" &
pid=$!
while [ "$(pgrep -c -P "$pid")" -lt 2 ] && kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
sleep 0.5
kids=$(pgrep -P "$pid")
kill -9 "$pid"
wait "$pid" 2> /dev/null
sleep 0.5
alive=0
for k in $kids; do kill -0 "$k" 2> /dev/null && alive=1; done
check $alive "kill -9 takes its workers with it"
# shellcheck disable=SC2086
run vexstress vector $brief --verify
check "$status" "the module is well after that" "$out" "$err"
printf '%s' "$err" | grep -q 'dropped vexstress'
check $? "the next run drops what the killed one had left" "$err"
nothing_left "the next run"

# In another pid namespace the pid of a live run is nobody's.
vexstress vector --measurement-time 100 -q 2> "$tmp/err" &
pid=$!
while [ "$(pgrep -c -P "$pid")" -lt 1 ] && kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
# shellcheck disable=SC2086
run unshare --pid --fork --mount-proc vexstress point $short --vectors 200
check "$status" "a run in a container" "$out" "$err"
[ "$(left)" = 1 ] && ! printf '%s' "$err" | grep -q 'dropped vexstress'
check $? "leaves the collection of a live run outside alone" "$err" "$(vexctl list)"
kill -INT "$pid"
wait "$pid"
! grep -q 'dropping' "$tmp/err"
check $? "which ends in order" "$(cat "$tmp/err")"
nothing_left "both"

# --- the kernel log ---
# shellcheck disable=SC2086
vexstress point $brief --warm-up-fixed --warm-up-time 1 -q > "$tmp/out" 2> "$tmp/err" &
pid=$!
sleep 0.6
echo "KFENCE: planted by a test" > /dev/kmsg
wait "$pid"
status=$?
[ $status = 5 ]
check $? "a kernel log that got worse is status 5" "status $status" "$(cat "$tmp/err")"

# --- baselines, interleaving, ablation, sweeps, noise ---
# shellcheck disable=SC2086
run vexstress point $brief -q --save-baseline first
check "$status" "a baseline is kept" "$err"
run vexctl results list --history "$VEXFS_RESULTS/baselines/history.db" -j
printf '%s' "$out" > "$tmp/kept.json"
got=$(value "$tmp/kept.json" "[(x['kind'], x['name']) for x in r['results']]")
[ "$got" = "[('baseline', 'first')]" ]
check $? "it is in the history, too" "$got" "$err"
# shellcheck disable=SC2086
run vexstress point $brief --baseline first
case $status in 0|1|6) s=0 ;; *) s=1 ;; esac
printf '%s' "$out" | grep -q 'point.ops_per_s .*\(unchanged\|cannot tell\|regressed\|improved\)' || s=1
check $s "a run is held against it" "status $status" "$out" "$err"
# The same against itself; verdicts at this alpha are never chance.
# shellcheck disable=SC2086
run vexstress compare --interleave simd=auto simd=auto simd $short --repeat 4 --alpha 0.001 --format json
printf '%s' "$out" > "$tmp/aa.json"
got=$(value "$tmp/aa.json" "' '.join(sorted({c['verdict'].replace(' ', '-') for c in r['comparisons']}))")
case " $got " in *" improved "*|*" regressed "*) s=1 ;; *" unchanged "*|*" cannot-tell "*) s=0 ;; *) s=1 ;; esac
check $s "the same build twice: unchanged, or cannot tell" "$got"
before=$(cat /sys/module/vexfs/parameters/simd)
# shellcheck disable=SC2086
run vexstress compare --interleave simd=auto simd=scalar simd $short --repeat 6 --format json
printf '%s' "$out" > "$tmp/ab.json"
schema=docs/schema/vexstress-compare.json
valid "$tmp/ab.json" "two settings in turn; the comparison is as its schema says"
got=$(value "$tmp/ab.json" "[c['verdict'] for c in r['comparisons'] if c['metric'] == 'simd.kernel_mean_ns'][0]")
case $got in regressed|"cannot tell") s=0 ;; *) s=1 ;; esac
check $s "scalar arithmetic is no improvement" "$got, status $status"
# shellcheck disable=SC2086
run vexstress ablate simd $short --repeat 2 -j
printf '%s' "$out" > "$tmp/ab.json"
got=$(value "$tmp/ab.json" "' '.join(sorted(c['optimisation'].replace(' ', '-') for c in r['contributions']))")
for what in SIMD-arithmetic memory-pools search-by-codes accounting batching graph-heuristics; do
	case " $got " in *" $what "*) s=0 ;; *) s=1 ;; esac
	check $s "ablation switches off: $what" "$got" "$err"
done
for name in pool_enabled search_batching graph_heuristics accounting stack_optimize search_codes; do
	[ "$(cat /sys/module/vexfs/parameters/$name)" = "$(case $name in search_codes) echo 8 ;; *) echo 1 ;; esac)" ]
	check $? "$name is on again"
done
now=$(cat /sys/module/vexfs/parameters/simd)
[ "$now" = "$before" ] ||
	[ "$(echo "$now" | sed 's/.*\[\(.*\)\].*/\1/')" = "$(echo "$before" | sed 's/.*\[\(.*\)\].*/\1/')" ]
check $? "and sets back what it changed" "$(cat /sys/module/vexfs/parameters/simd)"
# shellcheck disable=SC2086
run vexstress sweep batch=1,16 simd $short --repeat 4 -j
printf '%s' "$out" > "$tmp/ab.json"
[ "$(value "$tmp/ab.json" "[s['value'] for s in r['sweep']]")" = "['1', '16']" ]
check $? "a sweep over batch sizes" "$out" "$err"
# shellcheck disable=SC2086
run vexstress noise point $short --repeat 4
check "$status" "the machine's own noise" "$out" "$err"
grep -q floor "$VEXFS_RESULTS/baselines/noise.json"
check $? "is kept for comparisons"
expect 2 "neither a key of a job nor a parameter" "an unknown tunable" vexstress sweep nonesuch=1,2 point

# --- profiles ---
# shellcheck disable=SC2086
run vexstress run point $short --vectors 200 --perf-stat -o "$tmp/perf.json"
perf=$(value "$tmp/perf.json" "r['jobs'][0]['perf']")
[ "$status" = 0 ] && case $perf in *"'missing': 'cycles"*|*"'cycles': "[0-9]*) true ;; *) false ;; esac
check $? "counters of a run, or which of them are missing" "$status" "$perf" "$err"
if [ ! -e /proc/sys/kernel/perf_event_paranoid ]; then
	expect 1 "has no performance events" "a flame graph is refused where the kernel takes no samples" \
		vexstress run point --flamegraph "$tmp/f.svg"
elif command -v perf > /dev/null; then
	run vexstress run semantic --vectors 300 --ef 32 --threads 1 --profile-time 3s --flamegraph "$tmp/f.svg"
	[ "$status" = 0 ] && grep -q '<title>vexfs_.*_\[k\]' "$tmp/f.svg"
	check $? "a flame graph of a graph search shows the module" "$status" "$err"
fi

# --- the clock is set while a program runs, and between two runs ---
now=$(date +%s)
# shellcheck disable=SC2016 # for the inner shell
run vexstress exec --results "$tmp/clock" -q -o "$tmp/r.json" -- sh -c 'sleep 0.2; date -s "@$1" > /dev/null; sleep 0.2' sh $((now - 7200))
[ "$status" = 0 ] && [ "$(value "$tmp/r.json" "0.4 <= r['wall_s'] < 60")" = True ]
check $? "a clock that goes back two hours is no part of a run" "$status" "$(value "$tmp/r.json" "r['wall_s']")" "$err"
run vexstress exec --results "$tmp/clock" -q -o "$tmp/r.json" -- true
date -s "@$((now + 5))" > /dev/null
run vexstress list --results "$tmp/clock" -o "$tmp/r.json"
[ "$(value "$tmp/r.json" "[x['program'] for x in r]")" = "['sh', 'true']" ]
check $? "runs stand in the order in which they were, whatever the clock said" "$out" "$err"
nothing_left "everything"
tap_end
