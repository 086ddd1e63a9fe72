#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Operations on the real module: the daemon, the history, and every verb of "vexctl
# performance" with each of its flags. A test that names a flag reads back what it
# changed. userspace/tests/operations.list says which verbs and flags there are to name.
#
# usage: e2e_operations.sh [GROUP...]	in a lab

# The groups are read from files beside, which use what is set here.
# shellcheck disable=SC2034
set -u
n=0
ok() { # COMMAND...: what it is for comes in $what
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
is() { [ "$1" = "$2" ] || { echo "# got '$1', expected '$2'"; return 1; }; }
has() { grep -q -- "$2" <<< "$1" || { echo "# no '$2' in: ${1:0:600}"; return 1; }; }
hasnt() { ! grep -q -- "$2" <<< "$1" || { echo "# '$2' is in: ${1:0:600}"; return 1; }; }
# holds JSON EXPRESSION: it is one strict value, and jq says true of it.
holds() { [ -n "$1" ] && jq -e "$2" <<< "$1" > /dev/null 2>&1 || { echo "# not '$2': ${1:0:900}"; return 1; }; }
setting() { vexctl -j tune "$1" | jq -r '.settings[0].value'; }
# p ARGUMENT...: the verb, with its output in $out and its exit code in $code.
# Answers in JSON are kept for the schema.
p() {
	out=$(vexctl performance "$@" 2> "$tmp/err"); code=$?
	case " $* " in
	*" -j "*|*" --json "*) printf '%s\t%s\n' "$*" "$(head -n1 <<< "$out")" >> "$tmp/answers" ;;
	esac
}
# Each answer that is no error follows the schema of its verb.
schema() {
	/usr/bin/python3 - "$top/docs/schema/vexctl-performance.json" "$tmp/answers" <<'EOT'
import json, sys
from jsonschema import Draft202012Validator as V
defs = json.load(open(sys.argv[1]))["$defs"]
bad = n = 0
for line in open(sys.argv[2]):
    words, text = line.rstrip("\n").split("\t", 1)
    verb = max((d for d in defs if (words + " ").startswith(d + " ")), key=len, default=None)
    try:
        d = json.loads(text)
    except ValueError:
        print(f"# no JSON: {words}: {text[:100]}")
        bad = 1
        continue
    if verb is None or "error" in d:
        continue
    n += 1
    for e in V(defs[verb]).iter_errors(d):
        print(f"# {words}: {e.json_path}: {e.message[:200]}")
        bad = 1
print(f"# {n} answers")
sys.exit(bad or not n)
EOT
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/test-bin:$PATH
export VEXFS_CONFIG=$tmp/vexfs.conf
cat > "$VEXFS_CONFIG" <<-EOT
	[monitor]
	interval = 0.2
	database = $tmp/history.db
	pid_file = $tmp/monitord.pid
	log = $tmp/monitor.log
	pool_log = $tmp/pools.log
	[recovery]
	log = $tmp/recovery.log
	settle = 0
EOT
monitord="vexfs-monitord --config $VEXFS_CONFIG"

# load SECONDS: ops of the classes vector and semantic, in the background.
load() {
	(
		end=$((SECONDS + $1))
		while [ $SECONDS -lt $end ]; do
			vexctl search loaded --id 1,2,3 -k 5
			vexctl get loaded 1
			vexctl near-duplicates loaded --id 2 --range 1
		done
	) > /dev/null 2>&1 &
}
vexctl create loaded --dim 8 --index graph
for i in 1 2 3 4 5 6 7 8; do vexctl put loaded $i --vector "$i,0,0,0,0,0,0,$i"; done

for group in "${@:-daemon}"; do
	# shellcheck source=/dev/null
	. "$top/userspace/tests/operations/$group.sh"
done
vexctl drop loaded
what="every answer in JSON follows docs/schema/vexctl-performance.json"
ok schema
echo "1..$n"
