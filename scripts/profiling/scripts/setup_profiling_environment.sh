#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: setup_profiling_environment.sh [--check]

	Installs what the profiling environment needs and says what this machine lacks, a
	line each. With --check nothing is installed. Status: 0 all is there, 1 something
	is missing and the parts that need it will be partial.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
check=0
while [ $# -gt 0 ]; do
	case $1 in
	--check) check=1 ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
[ $check = 0 ] || export VEXFS_NO_INSTALL=1
bad=0
row() { # STATE WHAT WHY
	[ "$1" = yes ] || bad=1
	printf '%-4s %-22s %s\n' "$1" "$2" "$3"
}

tool() { # PROGRAM PACKAGE FOR [LEAST]
	local version
	if ! have "$1" "$2" 2> /dev/null; then
		row no "$1" "missing: apt-get install $2; without it there is no $3"
		return
	fi
	version=$("$1" --version 2> /dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1)
	if [ -n "${4:-}" ] && [ "$(printf '%s\n' "$4" "${version:-0}" | sort -V | head -n 1)" != "$4" ]; then
		row no "$1" "version ${version:-unknown} is older than $4, with which $3 was tried"
	else
		row yes "$1" "version ${version:-unknown}; for $3"
	fi
}

tool valgrind valgrind "errors, leaks and stacks of programs" 3.15
tool perf linux-perf "time by function" 5.10
tool bpftrace bpftrace "tracing in a lab with BTF" 0.14
tool pahole dwarves "sizes of structures" 1.20
tool qemu-system-x86_64 qemu-system-x86 "the labs with Debian's kernels" 5.2
tool jq jq "joining results"
tool python3 python3 "the static call graph"

paranoid=$(cat /proc/sys/kernel/perf_event_paranoid 2> /dev/null || echo none)
if [ "$(id -u)" = 0 ] || { [ "$paranoid" != none ] && [ "$paranoid" -le 2 ]; }; then
	row yes "perf's permission" "kernel.perf_event_paranoid is $paranoid"
else
	row no "perf's permission" "kernel.perf_event_paranoid is $paranoid: set it to 2, or be root"
fi
if command -v perf > /dev/null; then
	if LC_ALL=C perf stat -x, -e cache-misses true 2>&1 | grep -q '^[0-9]'; then
		row yes "counters" "the processor's counters work here"
	else
		row no "counters" "the machine shows no counters: time is sampled by the clock, cache and bandwidth are left out"
	fi
fi
for l in uml debian-6.12; do
	if [[ $("$lab" list | grep "^$l ") == *"("*not*")"* ]]; then
		row no "lab $l" "not there yet: made when it is first used, which takes minutes"
	else
		row yes "lab $l" "its kernel is in the cache"
	fi
done
[ -w "$(dirname "$out")" ] || mkdir -p "$out" 2> /dev/null
if [ -w "$out" ] || [ -w "$(dirname "$out")" ]; then
	row yes "results" "in $out"
else
	row no "results" "cannot write to $out"
fi
exit $bad
