# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# bridge: each flag changes a setting that the test reads back, and counters are those of ops
# that the test sent before.

vexctl tune --defaults
# place JSON PLACE COUNTER
place() { jq ".places[] | select(.place == \"$2\") | .$3" <<< "$1"; }

what="bridge test runs one op, a burst of 256 ops and an empty request"
p bridge test -j
ok eval 'is $code 0 && holds "$out" ".failed == 0 and ([.cases[].case] == [\"echo\", \"direct\", \"burst\", \"empty\"])"'
what="bridge test --comprehensive also covers timeouts, cancelling, retries and wrong requests"
p bridge test --comprehensive -j
ok eval 'is $code 0 && holds "$out" ".failed == 0 and (.cases | length == 10) and ([.cases[].ok] | all)"'
what="bridge test --comprehensive prints as text how many cases passed"
p bridge test --comprehensive
ok eval 'is $code 0 && has "$out" "10 of 10 cases went well"'
what="bridge status has the counters of all six queues, and the settings"
p bridge status -j
ok holds "$out" '(.places | length == 6) and .bridge_coalesce == 1 and .bridge_batch_size == 200 and .bridge_weight_high == 4'
what="bridge status counts searches and asynchronous ops by the priority of their sender"
before=$out
vexstress bridge --ops 300 --warm-up-time 0 --sample-size 4 -q
vexctl search loaded --id 1,2,3 -k 5 > /dev/null
p bridge status -j
more() { [ "$(place "$out" "$1" "$2")" -gt "$(place "$before" "$1" "$2")" ] || { echo "# $1 $2 did not grow"; return 1; }; }
ok eval 'more async_high completed && more async_medium completed && more async_low completed && more high completed && more medium completed && more low completed'
what="bridge status counts every one of 300 asynchronous ops"
asynchronous() { jq '[.places[] | select(.place | startswith("async_")) | .submitted] | add' <<< "$1"; }
ok eval '[ $(($(asynchronous "$out") - $(asynchronous "$before"))) -ge 300 ]'
what="bridge status prints its counters and settings as text"
p bridge status
ok eval 'is $code 0 && has "$out" "^async_medium" && has "$out" "bridge_batch_size  *200"'
what="bridge latency --current --detailed has the time of each stage of each queue"
p bridge latency --current --detailed -j
ok eval 'holds "$out" "(.stages | length == 15) and .limit_ns == 1000000 and ([.stages[] | select(.stage == \"run\" and .place == \"async_medium\") | .p50_ns > 0] == [true])" && is $code "$(jq "if .within_limit then 0 else 1 end" <<< "$out")"'
what="bridge latency without --detailed has the waiting time alone"
p bridge latency
ok eval 'has "$out" "async_low  *queue" && ! has "$out" "async_low  *run" > /dev/null'
what="bridge queue-status counts ops that wait and ops that were cancelled"
p bridge queue-status -j
ok holds "$out" '.waiting >= 0 and .cancelled > 0 and (.places | length == 6)'
what="bridge analyze --duration --show-bottlenecks gives the share of time that each stage takes"
vexstress bridge --duration 4s --warm-up-time 0 --sample-size 4 -q & busy=$!
p bridge analyze --duration 1s --show-bottlenecks -j
ok eval 'holds "$out" ".completed > 0 and (.stages | length == 3) and ([.stages[].share] | add > 0.9)" && is $code "$(jq "if .bottlenecks == [] then 0 else 1 end" <<< "$out")"'
wait $busy
what="bridge configure --batch-size --batch-timeout changes these settings and turns batches on"
vexctl tune bridge_coalesce=0
p bridge configure --batch-size 100 --batch-timeout 7ms -j
ok eval 'is $code 0 && is "$(setting bridge_batch_size) $(setting bridge_batch_timeout_us) $(setting bridge_coalesce)" "100 7000 1"'
what="bridge configure --enable-priority-scheduling --priority-weights changes these settings"
vexctl tune bridge_priority=0
p bridge configure --enable-priority-scheduling --priority-weights high:8,medium:3,low:2
ok eval 'is $code 0 && is "$(setting bridge_priority) $(setting bridge_weight_high) $(setting bridge_weight_medium) $(setting bridge_weight_low)" "1 8 3 2"'
what="bridge configure --lazy-sync sets 2 ms, or what --sync-threshold says"
vexctl tune bridge_sync_threshold_us=0
p bridge configure --lazy-sync
lazy=$(setting bridge_sync_threshold_us)
p bridge configure --lazy-sync --sync-threshold 500us
ok is "$lazy $(setting bridge_sync_threshold_us)" "2000 500"
what="bridge configure --timeout --retry-attempts --enable-heartbeat changes these settings"
vexctl tune bridge_heartbeat=0
p bridge configure --timeout 20s --retry-attempts 5 --enable-heartbeat
ok eval 'is $code 0 && is "$(setting bridge_timeout_ms) $(setting bridge_retries) $(setting bridge_heartbeat)" "20000 5 1"'
what="bridge configure changes nothing when one of its values is out of range"
p bridge configure --retry-attempts 1 --batch-size 1000000
ok eval 'is $code 1 && is "$(setting bridge_retries) $(setting bridge_batch_size)" "5 100"'
what="bridge configure refuses malformed weights and times with exit code 2"
for bad in "--priority-weights high" "--priority-weights urgent:3" "--priority-weights high:x" "--timeout soon" "--batch-timeout 5"; do
	# shellcheck disable=SC2086 # a flag and its value
	p bridge configure $bad
	[ $code = 2 ] || echo "# $bad: $code"
done
ok is "$code $(setting bridge_weight_high)" "2 8"
what="bridge health-check measures a round trip and checks the heartbeat"
p bridge health-check -j
ok eval 'holds "$out" ".round_trip_ns > 0 and ([.checks[].check] | index(\"heartbeat\") != null)" && is $code "$(jq "if .healthy then 0 else 1 end" <<< "$out")"'
what="vexfs-monitord logs and records that ops were refused"
$monitord --foreground 2> "$tmp/journal" & daemon=$!
for _ in $(seq 100); do [ -s "$tmp/history.db" ] && break; sleep 0.1; done
sleep 1
vexctl tune bridge_depth=4
vexstress submit --ops 200 --warm-up-time 0 --sample-size 4 -q
for _ in $(seq 100); do grep -q "bridge error" "$tmp/journal" && break; sleep 0.1; done
vexctl tune bridge_depth=1024
kill $daemon; wait $daemon 2> /dev/null
ok eval 'has "$(cat "$tmp/journal")" "bridge error: [1-9][0-9]* ops were refused" && has "$(cat "$tmp/monitor.log")" "bridge error" && [ "$(sqlite3 "$tmp/history.db" "select count(*) from event where kind = '"'bridge-error'"'" 2>&1)" -ge 1 ]'
what="bridge health-check exits with 1 after ops were refused"
p bridge health-check -j
ok eval 'is $code 1 && holds "$out" "[.checks[] | select(.check == \"ops refused\") | .well] == [false]"'
what="bridge restart loses no op under load"
vexstress bridge --ops 3000 --verify --warm-up-time 0 --sample-size 4 -q & busy=$!
p bridge restart -j
wait $busy; lost=$?
ok eval 'is "$code $lost" "0 0" && holds "$out" ".drained >= 0"'
what="bridge reset --preserve-data restores the default settings and runs every queued op"
vexctl tune bridge_depth=77 bridge_user_depth=770 bridge_workers=3 bridge_heartbeat=0 >&2
vexstress bridge --ops 3000 --verify --warm-up-time 0 --sample-size 4 -q & busy=$!
p bridge reset --preserve-data -j
wait $busy; lost=$?
ok eval 'is "$code $lost" "0 0" && holds "$out" ".cancelled == 0" && is "$(for s in weight_high batch_size retries depth user_depth workers heartbeat; do setting bridge_$s; done | paste -sd" ")" "4 200 3 1024 16384 8 1"'
what="bridge reset sets the counters to 0"
p bridge reset
p bridge queue-status -j
ok eval 'is $code 0 && holds "$out" ".cancelled == 0 and .dropped == 0"'
vexctl tune --defaults
