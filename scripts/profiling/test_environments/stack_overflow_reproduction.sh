#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: stack_overflow_reproduction.sh --scenario deep_recursion|large_allocations
	       stack_overflow_reproduction.sh --all-scenarios

	Planted ops that use too much kernel stack, in a lab whose kernel has guard pages
	(VMAP_STACK) and the stack tracer; nothing of it touches this machine. Each scenario
	runs twice: within the stack, where vexfs must count the violation, report it and go
	on; and into the guard page, where it must have been reported before, the kernel must
	name the guard page, and the lab go on. Results: build/profiling/overflow.
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
"$lab" run "$kernel" --plant --results "$dir" --timeout 900 --log "$dir/kernel.log" -- \
	scripts/profiling/test_environments/overflow_lab.sh "$kernel" "${scenarios[@]}" \
	> "$dir/output" 2> "$dir/messages"
status=$?
# 73: the kernel log has reports, which is what was planted; 72: a thread of the planted module died
case $status in
72|73|74) ;;
*) lacking "the lab ended with status $status and was expected to report the overflow: $(tail -n 1 "$dir/messages")" ;;
esac

verdict() { # SCENARIO WHAT COMMAND...
	local result=no
	! "${@:3}" || result=yes
	[ $result = yes ] || lacking "$1: $2: no"
	printf '%-18s %-56s %s\n' "$1" "$2" "$result" | tee -a "$dir/verdicts"
}

# The first violation of the run into the guard page stands before the guard page in the log.
before_guard() {
	awk -v s="$1" '
		index($0, "vexfs_plant_stack: " s ": overflow begins") { on = 1; told = 0 }
		on && index($0, "vexfs_plant_stack: " s ": violation at") { told = 1 }
		on && /stack guard page/ { exit !told }
		END { if (!on) exit 1 }' "$dir/kernel.log"
}
recognised() {
	awk -v s="$1" '
		/vexfs_plant_stack: .*: overflow begins/ { on = index($0, ": " s ":") > 0 }
		on && /stack guard page was hit|stack guard page/ { found = 1 }
		END { exit !found }' "$dir/kernel.log"
}
for s in "${scenarios[@]}"; do
	verdict "$s" "vexfs counted the violation" grep -qE '^violations +[1-9]' "$dir/$s.stack"
	verdict "$s" "the report names op, depth and command" \
		grep -qE "^ *[0-9]+ +[0-9]+ +[0-9]{4,} .*plant_stack.*$s" "$dir/$s.stack"
	verdict "$s" "the op came back" grep -q "vexfs_plant_stack: $s: back, deepest" "$dir/kernel.log"
	verdict "$s" "the stack tracer saw it" test "$(cat "$dir/$s.max" 2> /dev/null || echo 0)" -ge 4096
	verdict "$s" "the guard page was recognised" recognised "$s"
	verdict "$s" "and the violation was reported before" before_guard "$s"
	verdict "$s" "the lab went on" test -e "$dir/$s.survived"
done
finish
