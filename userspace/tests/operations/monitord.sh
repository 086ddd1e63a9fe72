# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# vexfs-monitord: its commands, its log, and the history that it writes.

what="trend-analysis without a history prints an error and exits with 6"
p trend-analysis
ok eval 'is $code 6 && has "$(cat "$tmp/err")" "no history yet"'
what="vexfs-monitord status fails when no daemon runs"
ok eval '! $monitord status > /dev/null'
load 9
what="vexfs-monitord start runs the daemon in the background"
ok $monitord start
what="the PID file holds the process id of vexfs-monitord"
pid=$(cat "$tmp/monitord.pid")
ok grep -q vexfs-monitord "/proc/$pid/cmdline"
what="vexfs-monitord status prints the process id of the daemon"
ok has "$($monitord status)" "process $pid"
what="a second vexfs-monitord refuses to start"
ok eval '! $monitord start 2> /dev/null && ! $monitord --foreground start 2> /dev/null'
vexctl tune fpu_budget_us=44
vexctl create seen --dim 4 && vexctl drop seen
sleep 2
kill -HUP "$pid"
sleep 3
what="vexfs-monitord stop succeeds while the daemon runs"
ok $monitord stop
what="vexfs-monitord stop ends the process and removes the PID file"
# The daemon removes its PID file before it ends.
for _ in $(seq 100); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
ok eval '! [ -e "$tmp/monitord.pid" ] && ! kill -0 "$pid" 2> /dev/null'
what="vexfs-monitord stop fails when no daemon runs"
ok eval '! $monitord stop 2> /dev/null'
what="the log of vexfs-monitord has its interval and the number of samples written"
ok eval 'has "$(cat "$tmp/monitor.log")" "started, one sample every 0.2 s" && has "$(cat "$tmp/monitor.log")" "samples written, 0 lost"'
what="timeline has both rates that vexfs-monitord sampled"
p timeline --duration 1m -j --metrics vector_ops,semantic_ops
ok eval 'is $code 0 && holds "$out" ".metrics | length == 2"'
what="vexfs-monitord records a changed setting"
vexctl tune fpu_budget_us=50
$monitord --once 2> "$tmp/err"
p timeline --duration 5m -j
ok holds "$out" '.changes | any(.what == "setting" and .key == "fpu_budget_us" and .to == "50")'
what="vexfs-monitord records events of the module"
ok holds "$out" '.events | any(.kind == "collection-created" and .subject == "seen")'
what="vexfs-monitord records a changed configuration file"
echo "# one more line" >> "$VEXFS_CONFIG"
$monitord --once 2> "$tmp/err"
p timeline --duration 5m -j
ok holds "$out" '.changes | any(.what == "file" and (.key | test("vexfs.conf")))'
what="vexfs-monitord sets a damaged history aside and begins a new one"
cp "$tmp/history.db" "$tmp/good.db"
rm -f "$tmp"/history.db-*
echo "no database at all, but long enough to be looked at as one, that is more than a hundred bytes" > "$tmp/history.db"
echo "................................................................................" >> "$tmp/history.db"
$monitord --once 2> "$tmp/err"
ok eval 'has "$(cat "$tmp/err")" "damaged" && ls "$tmp"/history.db.damaged-* > /dev/null'
mv "$tmp/good.db" "$tmp/history.db"
rm -f "$tmp"/history.db-* "$tmp"/history.db.damaged-*
what="trend-analysis refuses a history that a newer version wrote"
cp "$tmp/history.db" "$tmp/newer.db"
sqlite3 "$tmp/newer.db" 'PRAGMA user_version = 99'
p trend-analysis --history "$tmp/newer.db"
ok eval 'is $code 6 && has "$(cat "$tmp/err")" "newer vexfs"'
what="the history stays readable after vexfs-monitord was killed three times"
for _ in 1 2 3; do $monitord --foreground 2> /dev/null & sleep 0.7; kill -9 $!; wait $! 2> /dev/null; done
p timeline --duration 1m -j
ok holds "$out" '.metrics | length > 5'
what="vexfs-monitord enlarges pools that are too small when pool_optimize is 1"
vexctl tune pool_auto=0 pool_small=0 pool_medium=0 pool_large=0 pool_enabled=1
sed 's/^\[monitor\]/&\npool_optimize = 1/' "$VEXFS_CONFIG" > "$tmp/optimize.conf"
printf '\n[thresholds]\npool_hit_floor = 1\n' >> "$tmp/optimize.conf"
load 6
vexfs-monitord --config "$tmp/optimize.conf" --foreground 2> "$tmp/err" &
for _ in $(seq 80); do [ "$(setting pool_large)" -gt 2 ] && break; sleep 0.1; done
kill $!; wait $! 2> /dev/null
ok eval '[ "$(setting pool_small)" -ge 16 ] && grep -q "optimize" "$tmp/pools.log" && ! has "$(cat "$tmp/err")" "could not be optimized"'
what="vexfs-monitord names the line of an unknown configuration key and suggests the right one"
printf '[monitor]\nintervall = 5\n' > "$tmp/bad.conf"
ok eval '! vexfs-monitord --config "$tmp/bad.conf" --once 2> "$tmp/err" && has "$(cat "$tmp/err")" "bad.conf:2.*did you mean .interval"'
what="vexfs-monitord exits with 2 on a malformed --interval"
vexfs-monitord --interval x 2> /dev/null
ok is $? 2
what="vexfs-monitord samples with the period of --interval, and --help lists its commands"
ok eval 'has "$(vexfs-monitord --help)" "status" && $monitord --interval 3 --once 2> "$tmp/err" && has "$(cat "$tmp/err")" "every 3 s"'
