#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every verb of vexctl against what it is expected to print: as text, with -j and
# with -j -p. The expected output lies in userspace/tests/golden, what differs
# from run to run is taken out by the two filters there. What a change means to
# change is written anew by "make golden", and read before it is committed.
#
# usage: e2e_golden.sh [--update DIR]	in a lab; with --update DIR gets the files

set -u
golden=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)/golden
update=
[ "${1:-}" != --update ] || update=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"; vexctl drop g 2> /dev/null' EXIT
ko=$(find "$VEXFS_TOP"/build/module/uml -maxdepth 1 -name vexfs.ko 2> /dev/null)
cd "$dir" && mkdir json || exit 1
n=0

result() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# Programs are slow to start in a lab, so the shell does what it can.
mark=$'\001'
# lines PREFIX FILE: prints the file with each line after PREFIX.
lines() {
	local text
	IFS= read -r -d '' text < "$2"
	text=$1${text//$'\n'/$'\n'$1}
	printf '%s' "${text%"$1"}"
}

# call ARGUMENT...: one call, as it goes into the file. What comes from stdout is marked:
# that is what the filters are for.
call() {
	local status
	printf '$ vexctl'
	printf ' %q' "$@"
	echo
	"${as[@]}" vexctl "$@" > out 2> err < /dev/null
	status=$?
	lines $mark out
	lines "stderr: " err
	echo "exit $status"
}

# tested_elsewhere VERB: golden/elsewhere names a group for it, and there is one.
tested_elsewhere() {
	local group
	group=$(awk -v verb="$1" '$1 == verb || index(verb, $1 "-") == 1 { print $2; exit }' "$golden/elsewhere")
	[ -n "$group" ] && [ -x "$VEXFS_TOP/scripts/test.d/$group" ]
}

as=()
# golden NAME UNDO FILTER ARGUMENT...: the three forms of one call; UNDO runs
# after each, so that it can be made again. FILTER is "figures" or "-".
golden() {
	local name=$1 undo=$2 also=$3 form
	shift 3
	[ "$also" != - ] || also=volatile
	for form in "" -j -jp; do
		# shellcheck disable=SC2086 # no form is no argument
		call $form "$@"
		[ -z "$form" ] || lines "" out > "json/$name$form"
		eval "$undo"
	done > "$dir/$name.raw"
	sed -E -e "/^$mark/!b" -e "s/^$mark//" -f "$golden/volatile.sed" -f "$golden/$also.sed" \
		"$dir/$name.raw" > "$dir/$name.now"
	if [ -n "$update" ]; then
		cp "$dir/$name.now" "$update/$name.txt"
	else
		diff -u "$golden/$name.txt" "$dir/$name.now" > "$dir/diff"
		result $? "$name: prints what is expected"
		[ ! -s "$dir/diff" ] || sed 's/^/# /' "$dir/diff" | head -40
	fi
}

# Strict: one object each, nothing around it, no NaN, and it says which schema it is.
strict() {
	/usr/bin/python3 -c '
import json, pathlib, sys
def refuse(what): raise ValueError(what)
bad = 0
for f in sorted(pathlib.Path("json").iterdir()):
	try:
		d = json.loads(f.read_text(), parse_constant=refuse)
		assert isinstance(d, dict) and d["schema_version"] == 1
	except Exception as e:
		bad = 1
		print(f"# {f.name}: {e!r}")
sys.exit(bad)'
}

# ---- collections, vectors, files, searches ----

golden list-empty "" - list
golden create "vexctl drop g" - create g --dim 2 --layout lang:u8,year:u16 --mode 0640
golden events "" figures events
vexctl create g --dim 2 --layout lang:u8,year:u16 --index graph
golden create-taken "" - create g --dim 2
golden create-usage "" - create h --dimension 2
golden put "vexctl delete g 1" - put g 1 --vector 1,0 --attr lang=3,year=2020
for i in 1 2 3 4; do vexctl put g $i --vector "$i,0" --attr "lang=$i,year=20${i}0"; done
golden put-bad "" - put g 9 --vector 1,nan
golden get "" - get g 1 2
golden get-none "" - get g 77
golden delete "vexctl put g 4 --vector 4,0 --attr lang=4" - delete g 4
golden distance "" - distance g 1 3 --vector 0,0
golden search "" - search g --vector 0,0 -k 2 --attrs
golden search-empty "" - search g --vector 0,0 --filter 'lang == 9'
golden search-bad "" - search g --vector 0,0 --filter 'colour == 9'
golden near-duplicates "" - near-duplicates g --id 2 --range 1
golden classify "" - classify g --vector 0,0 --field lang -k 3
golden list "" - list
golden show "" - show g
golden set "" - set g --capacity 100
golden export "rm -f out.fbin" - export g out.fbin
vexctl export -q g in.fbin > /dev/null
golden import "" - import g in.fbin --first-id 1 --upsert
golden import-bad "" - import g none.fbin
golden index-build "vexctl index drop g" - index build g
golden index-status "" - index status g
golden index-stop "" - index stop g
golden index-drop "" - index drop g
golden check "" - check g
golden drop "vexctl create g --dim 2" - drop g
golden drop-none "" - drop nothing
golden info "" - info

# ---- account and settings ----

golden status "" figures status
golden stats "" figures stats store
golden stats-bad "" - stats nonsense
golden reset "" - reset pool
golden selftest "" figures selftest
golden tune "" - tune fpu_budget_us simd
golden tune-change "vexctl tune --defaults" - tune fpu_budget_us=20 pool.small=512
golden tune-dry "" - tune -n fpu_budget_us=20 pool.small=512
golden tune-bad "" - tune fpu_budget_us=20 pool.smal=512
printf '[performance_optimizations.memory_pools]\nsmall = 256\n' > good.conf
printf '[performance_optimizations.memory_pools]\nmedium = 50\nsmal = 5\n' > bad.conf
golden apply "vexctl tune --defaults" - apply --file good.conf
golden apply-bad "" - apply --file bad.conf
golden debug "" - debug simd
golden debug-file "" - debug collections/g/info
golden debug-bad "" - debug nonsense
golden top "" - top
golden verb-bad "" - nonsense
golden no-verb "" -

# ---- whoever may not, and what is not there ----

# The tree may lie where only its owner can go.
built=$(dirname "$(readlink -f "$(command -v vexctl)")")
mkdir bin lib && cp "$built/vexctl" bin/ && cp "$built"/../lib/libvexfs.so.1 lib/ &&
	chmod 711 "$dir" || exit 1
as=(env "PATH=$dir/bin:$PATH" setpriv --reuid 1000 --regid 1000 --clear-groups)
golden status-forbidden "" - status
golden tune-forbidden "" - tune fpu_budget_us=20
golden drop-forbidden "" - drop g
golden debug-forbidden "" - debug
as=(unshare -m sh -c 'umount /sys/kernel/debug && exec "$@"' sh)
golden debug-not-mounted "" - debug
as=()
golden module-info "" - module info
golden module-unload "vexctl module load --file $ko" - module unload
vexctl module unload
cp "$ko" vexfs.ko
golden module-load "vexctl module unload" - module load --file vexfs.ko stack_limit=4096
golden module-load-none "" - module load
golden status-no-module "" - status
golden list-no-module "" - list
golden debug-no-module "" - debug

# ---- nothing is left out ----

strict
result $? "JSON is strict, pretty or not, whatever the verb and whatever went wrong"

if [ -z "$update" ]; then
	for verb in $(vexctl -j help | jq -r '.verbs[].verb | gsub(" "; "-")'); do
		[ $verb = help ] || [ -e "$golden/$verb.txt" ] || tested_elsewhere "$verb"
		result $? "there is an expected output of $verb, or a test of its own"
	done
	for file in "$golden"/*.txt; do
		name=${file##*/}
		[ -e "$dir/${name%.txt}.now" ]
		result $? "$name is still compared"
	done
fi
echo "1..$n"
