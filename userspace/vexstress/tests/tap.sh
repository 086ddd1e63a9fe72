# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# TAP for the shell tests of vexstress. Sourced.

tap_n=0
tmp=
status=0
out=
err=
tap_bad=0

# check STATUS NAME [DETAIL...]: one result; status 0 is good.
check() {
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n - $2"
	else
		tap_bad=1
		echo "not ok $tap_n - $2"
		shift 2
		[ $# = 0 ] || printf '%s\n' "$@" | head -30 | sed 's/^/# /'
	fi
}

skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }

# run COMMAND...: sets status, out (standard output) and err (standard error).
run() {
	"$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	status=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

# expect STATUS PATTERN NAME COMMAND...: the status, and a sentence on stderr.
expect() {
	want=$1
	pattern=$2
	name=$3
	shift 3
	run "$@"
	if [ "$status" = "$want" ] && printf '%s\n' "$err" | grep -q -e "$pattern"; then
		check 0 "$name"
	else
		check 1 "$name" "status $status, not $want; or nothing like '$pattern' in:" "$err" "$out"
	fi
}

tap_end() { echo "1..$tap_n"; exit $tap_bad; }
