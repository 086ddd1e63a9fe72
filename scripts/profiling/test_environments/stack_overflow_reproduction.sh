#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: stack_overflow_reproduction.sh --scenario deep_recursion|large_allocations
	       stack_overflow_reproduction.sh --all-scenarios

	Planted ops that use too much kernel stack, in a lab whose kernel has guard pages
	(VMAP_STACK) and the stack tracer; nothing of it touches this machine. Each scenario
	has a lab of its own and runs twice in it: within the stack, where vexfs must count the
	violation, report it and go on; and into the guard page, where the violation must have
	been reported before, the kernel must name the guard page and the function, and end:
	Linux panics there since 5.8, so what contains the overflow is the lab.
	The lab is debian-6.12, or that of VEXFS_OVERFLOW_LAB.
	Results: build/profiling/overflow.
	Status: 0 all was caught, 1 something was not, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/../scripts/common.sh"
scenarios=()
while [ $# -gt 0 ]; do
	case $1 in
	--scenario)
		case ${2:-} in
		deep_recursion|large_allocations) scenarios+=("$2") ;;
		*) wrong "--scenario takes deep_recursion or large_allocations" ;;
		esac
		shift ;;
	--all-scenarios) scenarios=(deep_recursion large_allocations) ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
[ ${#scenarios[@]} -gt 0 ] || wrong "which scenario?"
kernel=${VEXFS_OVERFLOW_LAB:-debian-6.12}

begin overflow
make -s tools >&2 || exit 69

verdict() { # SCENARIO WHAT COMMAND...
	local result=no
	! "${@:3}" || result=yes
	[ $result = yes ] || lacking "$1: $2: no"
	printf '%-18s %-56s %s\n' "$1" "$2" "$result" | tee -a "$dir/verdicts"
}

recognised() { grep -q 'stack guard page was hit' "$dir/$1.end"; }
# The innermost function of the report is the planted one, or one that it calls.
named() { grep -qE '(RIP: .*|^(\[.*\])? +)(plant_(recurse|arrays|stop)|vexfs_stack_deep)[.a-z0-9]*\+' "$dir/$1.end"; }
# The violation stands before the guard page in the log.
before_guard() {
	awk -v s="$1" '
		index($0, "vexfs_plant_stack: " s ": violation at") { told = 1 }
		/stack guard page was hit/ { exit !told }
		END { if (!told) exit 1 }' "$dir/$1.end"
}
# 73: the kernel log has reports; 74: the lab died. The rest of the script runs on this machine.
contained() { [ "$status" = 73 ] || [ "$status" = 74 ]; }

for s in "${scenarios[@]}"; do
	# one processor: see run_ebpf_fuse_tracing.sh
	"$lab" run "$kernel" --plant --cpus 1 --results "$dir" --timeout 600 --log "$dir/$s.log" -- \
		scripts/profiling/test_environments/overflow_lab.sh "$kernel" "$s" \
		> "$dir/$s.output" 2> "$dir/$s.messages"
	status=$?
	# from where the overflow begins
	sed -n "/vexfs_plant_stack: $s: overflow begins/,\$p" "$dir/$s.log" > "$dir/$s.end"
	contained || say "$s: the lab ended with status $status: $(last_word "$dir/$s.output" "$dir/$s.messages")"
	verdict "$s" "vexfs counted the violation" grep -qsE '^violations +[1-9]' "$dir/$s.stack"
	verdict "$s" "the report names op, depth and command" \
		grep -qsE "^ *[0-9]+ +[0-9]+ +[0-9]{4,} .*plant_stack.*$s" "$dir/$s.stack"
	verdict "$s" "the op came back" grep -qs "vexfs_plant_stack: $s: back, deepest" "$dir/$s.log"
	verdict "$s" "the stack tracer saw it" test "$(cat "$dir/$s.max" 2> /dev/null || echo 0)" -ge 4096
	verdict "$s" "vexfs went on" test -e "$dir/$s.went_on"
	verdict "$s" "the guard page was recognised" recognised "$s"
	verdict "$s" "the report of the kernel names the function" named "$s"
	verdict "$s" "and the violation was reported before" before_guard "$s"
	verdict "$s" "the lab ended, and nothing else" contained
done
finish
