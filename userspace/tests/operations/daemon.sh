# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# vexfs-monitord, and verbs that read what it wrote.

what="without a history: a sentence, exit code 6"
p trend-analysis
ok eval 'is $code 6 && has "$(cat "$tmp/err")" "no history yet"'
what="status: it does not run"
ok eval '! $monitord status > /dev/null'
load 9
what="start, in the background"
ok $monitord start
what="the PID file holds its own process id"
pid=$(cat "$tmp/monitord.pid")
ok grep -q vexfs-monitord "/proc/$pid/cmdline"
what="status says it runs"
ok has "$($monitord status)" "process $pid"
what="a second one does not start"
ok eval '! $monitord start 2> /dev/null && ! $monitord --foreground start 2> /dev/null'
vexctl tune fpu_budget_us=44
vexctl create seen --dim 4 && vexctl drop seen
sleep 2
kill -HUP "$pid"
sleep 3
what="stop"
ok $monitord stop
what="and it is gone, with its PID file"
# it has let go of its PID file, and may need a moment to end
for _ in $(seq 100); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
ok eval '! [ -e "$tmp/monitord.pid" ] && ! kill -0 "$pid" 2> /dev/null'
what="stop, when it does not run: exit code 1"
ok eval '! $monitord stop 2> /dev/null'
what="it says what it did"
ok eval 'has "$(cat "$tmp/monitor.log")" "started, one sample every 0.2 s" && has "$(cat "$tmp/monitor.log")" "samples written, 0 lost"'
what="the samples are there: rates of what was done"
p timeline --duration 1m -j --metrics vector_ops,semantic_ops
ok eval 'is $code 0 && holds "$out" ".metrics | length == 2"'
what="a change of a setting is noted"
vexctl tune fpu_budget_us=50
$monitord --once 2> "$tmp/err"
p timeline --duration 5m -j
ok holds "$out" '.changes | any(.what == "setting" and .key == "fpu_budget_us" and .to == "50")'
what="events as they came"
ok holds "$out" '.events | any(.kind == "collection-created" and .subject == "seen")'
what="a configuration that changes is noted"
echo "# one more line" >> "$VEXFS_CONFIG"
$monitord --once 2> "$tmp/err"
p timeline --duration 5m -j
ok holds "$out" '.changes | any(.what == "file" and (.key | test("vexfs.conf")))'
what="a damaged history is set aside, and a new one begins"
cp "$tmp/history.db" "$tmp/good.db"
rm -f "$tmp"/history.db-*
echo "no database at all, but long enough to be looked at as one, that is more than a hundred bytes" > "$tmp/history.db"
echo "................................................................................" >> "$tmp/history.db"
$monitord --once 2> "$tmp/err"
ok eval 'has "$(cat "$tmp/err")" "damaged" && ls "$tmp"/history.db.damaged-* > /dev/null'
mv "$tmp/good.db" "$tmp/history.db"
rm -f "$tmp"/history.db-* "$tmp"/history.db.damaged-*
what="a history of a newer version: refused in words, and left as it is"
cp "$tmp/history.db" "$tmp/newer.db"
sqlite3 "$tmp/newer.db" 'PRAGMA user_version = 99'
p trend-analysis --history "$tmp/newer.db"
ok eval 'is $code 6 && has "$(cat "$tmp/err")" "newer vexfs"'
what="killed at any moment, it goes on"
for _ in 1 2 3; do $monitord --foreground 2> /dev/null & sleep 0.7; kill -9 $!; wait $! 2> /dev/null; done
p timeline --duration 1m -j
ok holds "$out" '.metrics | length > 5'
what="pools that are too small are optimized, where that is wanted"
vexctl tune pool_auto=0 pool_small=0 pool_medium=0 pool_large=0 pool_enabled=1
sed 's/^\[monitor\]/&\npool_optimize = 1/' "$VEXFS_CONFIG" > "$tmp/optimize.conf"
printf '\n[thresholds]\npool_hit_floor = 1\n' >> "$tmp/optimize.conf"
load 6
vexfs-monitord --config "$tmp/optimize.conf" --foreground 2> "$tmp/err" &
for _ in $(seq 80); do [ "$(setting pool_large)" -gt 2 ] && break; sleep 0.1; done
kill $!; wait $! 2> /dev/null
ok eval '[ "$(setting pool_small)" -ge 16 ] && grep -q "optimize" "$tmp/pools.log" && ! has "$(cat "$tmp/err")" "could not be optimized"'
what="a wrong configuration: which line, exit code 1"
printf '[monitor]\nintervall = 5\n' > "$tmp/bad.conf"
ok eval '! vexfs-monitord --config "$tmp/bad.conf" --once 2> "$tmp/err" && has "$(cat "$tmp/err")" "bad.conf:2.*did you mean .interval"'
what="usage: exit code 2"
vexfs-monitord --interval x 2> /dev/null
ok is $? 2
what="an interval that is asked for, and help"
ok eval 'has "$(vexfs-monitord --help)" "status" && $monitord --interval 3 --once 2> "$tmp/err" && has "$(cat "$tmp/err")" "every 3 s"'
