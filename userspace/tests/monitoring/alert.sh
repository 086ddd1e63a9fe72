#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # eval reads them
#
# vexctl alert with a real Alertmanager, without one, and with a server that sends malformed
# answers; vexctl fleet with the same malformed answers.

n=0
ok() { # COMMAND...: what it is for comes in $what
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
is() { [ "$1" = "$2" ] || { echo "# got '$1', expected '$2'"; return 1; }; }
has() { grep -q -- "$2" <<< "$1" || { echo "# no '$2' in: $(head -c 400 <<< "$1")"; return 1; }; }

tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null; wait; rm -rf "$tmp"' EXIT
am_port=19093 bad_port=19094
url="http://127.0.0.1:$am_port"
a() { build/bin/vexctl alert "$@" --alertmanager "$url"; }
spool=(--spool "$tmp/spool")

what="alert send spools the alert and exits with 1 while Alertmanager is down"
out=$(a send VexFSFusePerformanceLow "${spool[@]}" --summary '3100 ops/s' 2>&1); code=$?
ok eval 'is $code 1 && has "$out" "waits in" && is "$(ls "$tmp/spool" | wc -l)" 1'
what="alert send spools the same alert only once"
a send VexFSFusePerformanceLow "${spool[@]}" --summary '3000 ops/s' 2> /dev/null
ok is "$(ls "$tmp/spool" | wc -l)" 1
what="alert send spools a second alert beside the first"
a send VexFSMemoryPoolLow "${spool[@]}" --severity critical 2> /dev/null
ok is "$(ls "$tmp/spool" | wc -l)" 2
what="alert send --no-spool spools nothing"
a send Another "${spool[@]}" --no-spool 2> /dev/null
ok is "$(ls "$tmp/spool" | wc -l)" 2

printf 'route: {receiver: r}\nreceivers: [{name: r}]\n' > "$tmp/am.yml"
prometheus-alertmanager --config.file="$tmp/am.yml" --storage.path="$tmp/am" \
	--web.listen-address=127.0.0.1:$am_port --cluster.listen-address= 2> "$tmp/am.log" & pids+=($!)
for _ in $(seq 300); do curl -s "$url/-/ready" > /dev/null && break; sleep 0.1; done
what="alert send also sends the spooled alerts once Alertmanager answers"
a send VexFSPerformanceRecoverySuccess "${spool[@]}" --severity info
code=$?
ok eval 'is $code 0 && is "$(ls "$tmp/spool")" ""'
out=$(a list)
for name in VexFSFusePerformanceLow VexFSMemoryPoolLow VexFSPerformanceRecoverySuccess; do
	what="Alertmanager has received $name"
	ok has "$out" "$name"
done
what="the newer summary of an alert that was spooled twice is sent"
ok has "$out" "3000 ops/s"
what="alert list -j writes JSON"
ok eval 'a list -j | /usr/bin/python3 -m json.tool > /dev/null'
what="alert silence suppresses the named alert alone"
a silence VexFSMemoryPoolLow --hours 1 --comment test > "$tmp/id"
for _ in $(seq 100); do out=$(a list); grep -q 'VexFSMemoryPoolLow.*suppressed' <<< "$out" && break; sleep 0.1; done
ok eval '[ -s "$tmp/id" ] && has "$out" "VexFSMemoryPoolLow.*suppressed" && has "$out" "VexFSFusePerformanceLow.*active"'
what="alert send --resolved ends the alert"
a send VexFSFusePerformanceLow "${spool[@]}" --resolved
for _ in $(seq 100); do out=$(a list); grep -q VexFSFusePerformanceLow <<< "$out" || break; sleep 0.1; done
ok eval '! grep -q VexFSFusePerformanceLow <<< "$out"'
what="alert send says so when the spool cannot be written, and leaves nothing in it"
# with no space for a single byte
out=$(trap '' XFSZ; ulimit -f 0; build/bin/vexctl alert send NoSpace --alertmanager http://127.0.0.1:1 \
	"${spool[@]}" 2>&1 < /dev/null); code=$?
ok eval 'is $code 1 && has "$out" "large\|space" && is "$(ls -A "$tmp/spool")" ""'
what="alert send refuses an unknown severity with exit code 2"
a send X --severity loud 2> /dev/null; code=$?
ok is $code 2

# A server that sends a malformed answer to every request; the path chooses which.
/usr/bin/python3 - $bad_port <<'P' & pids+=($!)
import http.server, sys, time
ANSWERS = {"html": b"<html>", "short": b'{"status":"success"}', "deep": b"[" * 100000,
           "matrix": b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
           "value": b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}',
           "refused": b'{"status":"error","error":"no \x1b[31m such"}', "empty": b"", "slow": b"[]"}
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(60)
        body = ANSWERS[self.path.split("/")[1]]
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
P
for _ in $(seq 100); do curl -s http://127.0.0.1:$bad_port/html > /dev/null && break; sleep 0.1; done
began=$SECONDS
build/bin/vexctl alert list --alertmanager "http://127.0.0.1:$bad_port/slow" 2> "$tmp/slow" & slow=$!
for answer in html short deep matrix value refused empty; do
	what="fleet status reports the malformed answer '$answer' and exits with 1"
	out=$(build/bin/vexctl fleet status --prometheus "http://127.0.0.1:$bad_port/$answer" 2>&1); code=$?
	ok eval 'is $code 1 && [ -n "$out" ] && ! grep -q "$(printf "\033")" <<< "$out"'
done
for answer in html deep empty; do
	what="alert list refuses the malformed answer '$answer'"
	build/bin/vexctl alert list --alertmanager "http://127.0.0.1:$bad_port/$answer" 2> /dev/null; code=$?
	ok is $code 1
done
what="fleet status refuses a URL that is not HTTP"
build/bin/vexctl fleet status --prometheus "file:///etc" 2> /dev/null; code=$?
ok is $code 1
for bad in "--range 5x" "--range 5m]or(up" "--range"; do
	what="fleet status $bad is refused with exit code 2"
	# shellcheck disable=SC2086 # several words
	build/bin/vexctl fleet status $bad 2> /dev/null; code=$?
	ok is $code 2
done
what="alert list gives up on an Alertmanager that does not answer within 10 s"
wait $slow; code=$?
took=$((SECONDS - began))
ok eval 'is $code 1 && [ $took -lt 55 ] && has "$(cat "$tmp/slow")" "timed out"'
echo "1..$n"
