# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# Telemetry of vexfs-monitord to each sink, with a real receiver, and the alerts that it sends.

tele=$tmp/tele
mkdir -p "$tele"
# with SECONDS LINE...: runs the daemon for SECONDS, with LINEs as its section [telemetry].
with() {
	local seconds=$1
	shift
	{ cat "$VEXFS_CONFIG"; printf '[telemetry]\n'; printf '%s\n' "$@"; } > "$tele/conf"
	vexfs-monitord --config "$tele/conf" --interval 0.2 --foreground 2> "$tele/err" & daemon=$!
	for _ in $(seq 100); do grep -q started "$tele/err" && break; sleep 0.05; done
	vexctl create heard --dim 4 && vexctl drop heard
	sleep "$seconds"
	kill $daemon; wait $daemon
}
ip link set lo up 2> /dev/null
/usr/bin/python3 "$top/userspace/tests/operations/telemetry_receivers.py" "$tele" & receivers=$!
for _ in $(seq 100); do [ -e "$tele/ready" ] && break; sleep 0.1; done
cat > "$tele/handler" <<-EOT
	#!/bin/sh
	echo batch >> $tele/batches
	cat >> $tele/handled
EOT
chmod +x "$tele/handler"
mkdir -p /run/systemd/journal
/lib/systemd/systemd-journald 2> "$tele/journald" & journald=$!
for _ in $(seq 100); do [ -S /run/systemd/journal/socket ] && [ -S /run/systemd/journal/dev-log ] && break; sleep 0.1; done
ln -sf /run/systemd/journal/dev-log /dev/log

load 6
with 2 sampling_rate=1 export_interval=0.5 "file = $tele/file" "exec = $tele/handler" "socket = $tele/socket" "statsd = 127.0.0.1:18125" "log = journal"
# each FILE: every line is a JSON object with a metric or an event, and the file has both.
each() { [ -s "$1" ] && jq -es 'all(.[]; has("time") and has("host") and (has("metric") or has("event"))) and any(.[]; .metric == "vector_ops" and .value > 0) and any(.[]; .event == "collection-created" and .subject == "heard")' < "$1" > /dev/null || { echo "# $(head -c 300 "$1")"; return 1; }; }
what="[telemetry] file gets one line per value or event"
ok each "$tele/file"
what="[telemetry] exec gives the program one line per value or event"
ok each "$tele/handled"
what="[telemetry] socket sends the listener one line per value or event"
sleep 0.3
ok each "$tele/socket.got"
what="[telemetry] file, exec and socket get the same lines"
ok eval 'is "$(sort "$tele/file" | cksum)" "$(sort "$tele/handled" | cksum)" && is "$(sort "$tele/file" | cksum)" "$(sort "$tele/socket.got" | cksum)"'
what="[telemetry] statsd sends well-formed gauges and counters"
ok eval 'has "$(cat "$tele/statsd.got")" "^vexfs.vector_ops:[0-9.e+-]*|g$" && has "$(cat "$tele/statsd.got")" "^vexfs.event.collection-created:1|c$" && ! grep -vqE "^vexfs\.[a-zA-Z0-9_.-]+:[0-9.e+-]+\|[gc]$" "$tele/statsd.got"'
what="[telemetry] log = journal writes one field per metric, which journalctl reads back"
journalctl --sync 2> /dev/null; sleep 0.5
ok eval 'holds "$(journalctl -q -o json SYSLOG_IDENTIFIER=vexfs-monitord | jq -s .)" "any(.[]; .VEXFS_VECTOR_OPS != null and .VEXFS_CPU_BUSY != null) and any(.[]; .VEXFS_EVENT == \"collection-created\" and .VEXFS_SUBJECT == \"heard\")"'
what="[telemetry] exec lets a running program finish its batch when the daemon ends"
printf '#!/bin/sh\ncat >> %s/slow; sleep 1; echo >> %s/slow-ended\n' "$tele" "$tele" > "$tele/slow-handler"
chmod +x "$tele/slow-handler"
with 0.3 sampling_rate=1 export_interval=0.1 "exec = $tele/slow-handler"
ok eval '[ -s "$tele/slow" ] && is "$(sort "$tele/slow" | uniq -d)" "" && [ -s "$tele/slow-ended" ] && ! grep "was killed" "$tele/err"'
what="[telemetry] exec kills a program that runs for longer than 3 s"
printf '#!/bin/sh\nsleep 60\n' > "$tele/slow-handler"
with 0.3 sampling_rate=1 export_interval=0.1 "exec = $tele/slow-handler"
ok grep -q "was killed: it ran for longer than 3 s" "$tele/err"
what="[telemetry] log = syslog writes lines with metrics"
with 1 sampling_rate=1 export_interval=0.5 "log = syslog"
journalctl --sync 2> /dev/null; sleep 0.5
ok has "$(journalctl -q -o cat)" "metrics.* vector_ops="
what="[telemetry] sampling_rate = 0.2 sends a fifth of the samples and every event"
rm -f "$tele/file"
with 4 sampling_rate=0.2 export_interval=0.5 "file = $tele/file"
taken=$(jq -s '[.[] | select(.metric == "load")] | length' < "$tele/file")
written=$(sed -n 's/.*ended: \([0-9]*\) samples.*/\1/p' "$tele/err")
ok eval '[ "$written" -ge 5 ] && is "$taken" $(((written + 4) / 5)) && is "$(grep -c collection-created "$tele/file")" 1'
what="[telemetry] batch_size bounds each batch, and a full batch is sent before export_interval ends"
rm -f "$tele/batches" "$tele/handled"
with 2 sampling_rate=1 batch_size=10 export_interval=3600 "exec = $tele/handler"
ok eval '[ "$(wc -l < "$tele/handled")" -le $((10 * $(wc -l < "$tele/batches"))) ] && [ "$(wc -l < "$tele/batches")" -ge 4 ]'
what="[telemetry] retention_days rotates the file each day and removes old files"
echo '{}' > "$tele/file"; touch -d yesterday "$tele/file"
touch "$tele/file.2020-01-01" "$tele/file.$(date -d '5 days ago' +%F)" "$tele/file.other" "$tele/file.2020-01-01x"
with 1 sampling_rate=1 retention_days=10 export_interval=0.3 "file = $tele/file"
ok eval '[ -e "$tele/file.$(date -d yesterday +%F)" ] && ! [ -e "$tele/file.2020-01-01" ] && [ -e "$tele/file.$(date -d "5 days ago" +%F)" ] && [ -e "$tele/file.other" ] && [ -e "$tele/file.2020-01-01x" ]'
what="[telemetry] socket keeps values until the receiver starts, and loses none"
rm -f "$tele/late.got"
{ cat "$VEXFS_CONFIG"; printf '[telemetry]\nsampling_rate=1\nexport_interval=0.3\nsocket = %s\n' "$tele/late"; } > "$tele/conf"
vexfs-monitord --config "$tele/conf" --interval 0.2 --foreground 2> "$tele/err" & daemon=$!
for _ in $(seq 100); do grep -q "telemetry to socket" "$tele/err" && break; sleep 0.1; done
sleep 1
touch "$tele/open-late"
for _ in $(seq 100); do [ -s "$tele/late.got" ] && grep -q "goes on" "$tele/err" && break; sleep 0.1; done
kill $daemon; wait $daemon
ok eval 'is "$(grep -c "it waits" "$tele/err")" 1 && has "$(cat "$tele/err")" "goes on; 0 values were lost" && has "$(cat "$tele/err")" " 0 lost"'
what="[telemetry] exec logs the exit status of a program that fails, and loses no sample"
printf '#!/bin/sh\nexit 3\n' > "$tele/handler"
with 1 sampling_rate=1 export_interval=0.3 "exec = $tele/handler"
ok eval 'has "$(cat "$tele/err")" "ended with status 3" && has "$(cat "$tele/err")" " 0 lost"'
with 1 sampling_rate=1 export_interval=0.3 "exec = $tele/nothing" "statsd = nonsense"
what="[telemetry] logs a missing program and a malformed statsd address"
ok eval 'has "$(cat "$tele/err")" "ended with status 127" && has "$(cat "$tele/err")" "no ADDRESS:PORT"'
kill $receivers $journald
wait $receivers $journald 2> /dev/null

# ---- pushed alerts ----
/usr/bin/python3 "$top/userspace/tests/operations/alert_receiver.py" "$tele/heard" 19098 & receiver=$!
for _ in $(seq 100); do (: < /dev/tcp/127.0.0.1/19098) 2> /dev/null && break; sleep 0.1; done
{ sed 's|^\[monitor\]|&\nalertmanager = http://127.0.0.1:19098\nwebhook = http://127.0.0.1:1/never|' "$VEXFS_CONFIG"; printf '[thresholds]\nvector_ops_floor = 1000000000\nsemantic_ops_floor = 0\npool_hit_floor = 0\n'; } > "$tele/conf"
load 8; loader=$!
ALERT_WEBHOOK=http://127.0.0.1:19098/hook vexfs-monitord --config "$tele/conf" --interval 0.3 --foreground 2> "$tele/err" & daemon=$!
what="VexFSVectorPerformanceLow alone is sent, once, to Alertmanager and to ALERT_WEBHOOK"
for _ in $(seq 200); do grep -qs VectorPerformanceLow "$tele/heard_api_v2_alerts" && grep -qs VectorPerformanceLow "$tele/heard_hook" && break; sleep 0.1; done
ok eval 'has "$(cat "$tele/heard_api_v2_alerts")" VexFSVectorPerformanceLow && has "$(cat "$tele/heard_hook")" VexFSVectorPerformanceLow && hasnt "$(cat "$tele/heard_api_v2_alerts")" "Semantic\|MemoryPool" && is "$(grep -c "alert VexFSVectorPerformanceLow:" "$tele/err")" 1'
wait $loader
what="VexFSVectorPerformanceLow is resolved when the load ends"
for _ in $(seq 300); do grep -q endsAt "$tele/heard_api_v2_alerts" && break; sleep 0.1; done
ok eval 'has "$(cat "$tele/err")" "alert VexFSVectorPerformanceLow is over" && has "$(cat "$tele/heard_api_v2_alerts")" "endsAt"'
kill $daemon; wait $daemon
what="VexFSMemoryPoolLow is sent when the hit rate of the pools is below its floor"
rm -f "$tele"/heard_*
sed -i 's/^pool_hit_floor = 0/pool_hit_floor = 1/; s/_ops_floor = 1000000000/_ops_floor = 0/' "$tele/conf"
vexctl tune pool_auto=0 pool_enabled=0
load 5
vexfs-monitord --config "$tele/conf" --interval 0.3 --foreground 2> "$tele/err" & daemon=$!
for _ in $(seq 150); do grep -qs MemoryPoolLow "$tele/heard_api_v2_alerts" && break; sleep 0.1; done
ok eval 'has "$(cat "$tele/heard_api_v2_alerts")" VexFSMemoryPoolLow && hasnt "$(cat "$tele/heard_api_v2_alerts")" VectorPerformanceLow'
kill $daemon; wait $daemon
vexctl tune --defaults
kill $receiver; wait $receiver 2> /dev/null
wait
