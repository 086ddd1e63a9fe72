#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: run_valgrind_stack_analysis.sh [--program NAME -- COMMAND...]

	Runs the programs under valgrind: memcheck (errors, leaks), massif with stacks (heap
	and stack at their largest), drd (data races). Without a command: vexctl, vexstress's
	reader of stacks and vexfs-profile on this machine, which need no module.
	vexfsd and vexfs-mount have something to do in the uml lab.
	Configuration: configs/valgrind_stack_analysis.conf.
	Results: build/profiling/valgrind: summary.json, logs by tool and program.
	Status: 0 complete, 1 partial or a finding, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
conf=valgrind_stack_analysis.conf
program=''
command=()
while [ $# -gt 0 ]; do
	case $1 in
	--program) [ $# -ge 2 ] || wrong "--program needs a name"; program=$2; shift ;;
	--) shift; command=("$@"); break ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
[ -z "$program" ] || [[ $program =~ ^[a-z0-9-]+$ ]] || wrong "--program takes small letters, digits and -"
[ -n "$program" ] || [ ${#command[@]} = 0 ] || wrong "a command needs a --program NAME"
[ -z "$program" ] || [ ${#command[@]} -gt 0 ] || wrong "--program needs -- COMMAND"

begin valgrind
have valgrind valgrind || { lacking "valgrind is missing: programs were not looked at"; finish; }
make -s tools >&2 || exit 69
export LD_LIBRARY_PATH=$top/build/lib
limit=$(setting $conf valgrind timeout 240)
rows=$dir/rows
: > "$rows"

# number FILE PATTERN: the first number behind the pattern, without commas.
number() { sed -nE "s/.*$2 ?([0-9,]+).*/\1/p" "$1" | head -n 1 | tr -d ,; }

# largest FILE KEY: of all snapshots of massif.
largest() { sed -nE "s/^$2=([0-9]+)/\1/p" "$1" | sort -n | tail -n 1; }

# one TOOL NAME COMMAND...: a row "tool name errors lost heap stack state". Without a command
# NAME runs in the lab.
one() {
	local tool=$1 name=$2 status command=(valgrind "--tool=$1") more log
	shift 2
	log=$dir/$tool-$name
	if [ "$tool" = massif ]; then
		command+=("--massif-out-file=$log.massif")
	else
		command+=("--suppressions=$configs/$(setting $conf valgrind suppressions valgrind.supp)")
	fi
	read -r -a more <<< "$(setting $conf valgrind "$tool" "")"
	command+=("${more[@]}" "--log-file=$log.log")
	if [ $# -gt 0 ]; then
		timeout "$limit" "${command[@]}" "$@" > "$log.out" 2>&1 < /dev/null
		status=$?
		# 124 and above: it did not come to its end
		[ $status -ge 124 ] || status=0
	else
		"$lab" run uml --cpus 1 --results "$dir" --timeout "$limit" -- \
			scripts/profiling/scripts/valgrind_lab.sh "$name" "${command[@]}" > "$log.out" 2>&1
		status=$?
	fi
	if [ $status != 0 ]; then
		echo "$tool $name 0 0 0 0 ended-$status" >> "$rows"
		lacking "$tool of $name did not come to its end (status $status): $(last_word "$log.out")"
		return
	fi
	case $tool in
	massif) echo "$tool $name 0 0 $(largest "$log.massif" mem_heap_B) $(largest "$log.massif" mem_stacks_B) done" ;;
	*) echo "$tool $name $(number "$log.log" 'ERROR SUMMARY:') $(number "$log.log" 'definitely lost:') 0 0 done" ;;
	esac >> "$rows"
}

each() { # NAME [COMMAND...]
	local tool
	for tool in memcheck massif drd; do one "$tool" "$@"; done
}

if [ -n "$program" ]; then
	each "$program" "${command[@]}"
else
	printf 'main;search;scan 42\nmain;put 7\n' > "$dir/stacks"
	echo '{"text":"a b c"}' > "$dir/text"
	each vexctl build/bin/vexctl --help
	each vexstress build/bin/vexstress flamegraph "$dir/stacks" -o "$dir/flame.svg"
	each vexfs-profile build/bin/vexfs-profile --help
	each vexfsd
	each vexfs-mount
fi

jq -Rn --argjson limit "$(setting $conf valgrind stack_limit 262144)" '
	[inputs | split(" ") | {tool: .[0], program: .[1], errors: (.[2] | tonumber? // 0),
		lost: (.[3] | tonumber? // 0), heap: (.[4] | tonumber? // 0),
		stack: (.[5] | tonumber? // 0), state: .[6]}
		| .finding = (.errors > 0 or .lost > 0 or .stack > $limit)]' "$rows" > "$dir/summary.json"
jq -r '.[] | [.tool, .program, "errors \(.errors)", "lost \(.lost)", "heap \(.heap)", "stack \(.stack)", .state,
	(if .finding then "FINDING" else "" end)] | join("  ")' "$dir/summary.json"
if jq -e 'any(.[]; .finding)' "$dir/summary.json" > /dev/null; then
	if [ -n "$trouble" ]; then write_status partial "$trouble"; else write_status complete; fi
	say "findings: see $dir"
	exit 1
fi
finish
