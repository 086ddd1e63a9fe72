#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # eval reads them
#
# vexctl alert against a real Alertmanager, and against servers that are down or mad. vexctl
# fleet against answers that are no answers.

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
am_port=19093 mad_port=19094
url="http://127.0.0.1:$am_port"
a() { build/bin/vexctl alert "$@" --alertmanager "$url"; }
spool=(--spool "$tmp/spool")

what="an alert waits while Alertmanager is down, exit code 1"
out=$(a send VexFSFusePerformanceLow "${spool[@]}" --summary '3100 ops/s' 2>&1); code=$?
ok eval 'is $code 1 && has "$out" "waits in" && is "$(ls "$tmp/spool" | wc -l)" 1'
what="the same alert again does not wait twice"
a send VexFSFusePerformanceLow "${spool[@]}" --summary '3000 ops/s' 2> /dev/null
ok is "$(ls "$tmp/spool" | wc -l)" 1
what="another one does"
a send VexFSMemoryPoolLow "${spool[@]}" --severity critical 2> /dev/null
ok is "$(ls "$tmp/spool" | wc -l)" 2
what="nothing waits with --no-spool"
a send Another "${spool[@]}" --no-spool 2> /dev/null
ok is "$(ls "$tmp/spool" | wc -l)" 2

printf 'route: {receiver: r}\nreceivers: [{name: r}]\n' > "$tmp/am.yml"
prometheus-alertmanager --config.file="$tmp/am.yml" --storage.path="$tmp/am" \
	--web.listen-address=127.0.0.1:$am_port --cluster.listen-address= 2> "$tmp/am.log" & pids+=($!)
for _ in $(seq 300); do curl -s "$url/-/ready" > /dev/null && break; sleep 0.1; done
what="the next that gets through takes along what waits"
a send VexFSPerformanceRecoverySuccess "${spool[@]}" --severity info
code=$?
ok eval 'is $code 0 && is "$(ls "$tmp/spool")" ""'
out=$(a list)
for name in VexFSFusePerformanceLow VexFSMemoryPoolLow VexFSPerformanceRecoverySuccess; do
	what="Alertmanager has $name"
	ok has "$out" "$name"
done
what="the later word is what arrived"
ok has "$out" "3000 ops/s"
what="alert list -j"
ok eval 'a list -j | /usr/bin/python3 -m json.tool > /dev/null'
what="an alert is silenced"
a silence VexFSMemoryPoolLow --hours 1 --comment test > "$tmp/id"
for _ in $(seq 100); do out=$(a list); grep -q 'VexFSMemoryPoolLow.*suppressed' <<< "$out" && break; sleep 0.1; done
ok eval '[ -s "$tmp/id" ] && has "$out" "VexFSMemoryPoolLow.*suppressed" && has "$out" "VexFSFusePerformanceLow.*active"'
what="an alert is over"
a send VexFSFusePerformanceLow "${spool[@]}" --resolved
for _ in $(seq 100); do out=$(a list); grep -q VexFSFusePerformanceLow <<< "$out" || break; sleep 0.1; done
ok eval '! grep -q VexFSFusePerformanceLow <<< "$out"'
what="a severity that is none is refused"
a send X --severity loud 2> /dev/null; code=$?
ok is $code 2

# A server that answers nonsense, whatever it is asked.
/usr/bin/python3 - $mad_port <<'P' & pids+=($!)
import http.server, sys
ANSWERS = {"html": b"<html>", "short": b'{"status":"success"}', "deep": b"[" * 100000,
           "matrix": b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
           "value": b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}',
           "refused": b'{"status":"error","error":"no \x1b[31m such"}', "empty": b""}
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ANSWERS[self.path.split("/")[1]]
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
P
for _ in $(seq 100); do curl -s http://127.0.0.1:$mad_port/html > /dev/null && break; sleep 0.1; done
for mad in html short deep matrix value refused empty; do
	what="vexctl fleet status: an answer '$mad' is refused with a sentence, exit code 1"
	out=$(build/bin/vexctl fleet status --prometheus "http://127.0.0.1:$mad_port/$mad" 2>&1); code=$?
	ok eval 'is $code 1 && [ -n "$out" ] && ! grep -q "$(printf "\033")" <<< "$out"'
done
for mad in html deep empty; do
	what="vexctl alert list: an answer '$mad' is refused"
	build/bin/vexctl alert list --alertmanager "http://127.0.0.1:$mad_port/$mad" 2> /dev/null; code=$?
	ok is $code 1
done
what="no other protocol than HTTP"
build/bin/vexctl fleet status --prometheus "file:///etc" 2> /dev/null; code=$?
ok is $code 1
for bad in "--range 5x" "--range 5m]or(up" "--range"; do
	what="vexctl fleet status $bad is a wrong command line"
	# shellcheck disable=SC2086 # several words
	build/bin/vexctl fleet status $bad 2> /dev/null; code=$?
	ok is $code 2
done
echo "1..$n"
