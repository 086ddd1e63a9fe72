#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: run_ebpf_fuse_tracing.sh [--plant slow_op|no_bpf]

	Traces FUSE and vexfs with bpftrace in a lab with one of Debian's own kernels: how
	long each kind of request takes, bytes of kernel stack at the trace events of vexfs,
	allocations of its pools, and at once what is slower or deeper than the limits. Then
	the deepest stack that the kernel's stack tracer sees. The processor is emulated:
	times are for comparing requests with each other only.
	--plant slow_op stops the mount's daemon for two seconds under a request, no_bpf takes
	the capabilities for BPF away.
	Configuration: configs/ebpf_fuse_tracing.yaml.
	Results: build/profiling/ebpf: trace.json, alerts, stack_trace, stack_max_size.
	Status: 0 complete, 1 partial, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
plant=
while [ $# -gt 0 ]; do
	case $1 in
	--plant)
		case ${2:-} in
		slow_op|no_bpf) plant=$2; shift ;;
		*) wrong "--plant takes slow_op or no_bpf" ;;
		esac ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
value() { sed -nE "s/^$1: *([^#]*[^# ]).*/\1/p" "$configs/ebpf_fuse_tracing.yaml" | head -n 1; }

begin ebpf
have bpftrace bpftrace || { lacking "bpftrace is missing: nothing was traced"; finish; }
make -s tools >&2 || exit 69
# One processor: an emulated one does not always survive that another patches its code, which
# the stack tracer does for every function.
"$lab" run "$(value lab)" --cpus 1 --results "$dir" --timeout "$(value timeout)" --log "$dir/kernel.log" -- \
	scripts/profiling/scripts/ebpf_lab.sh "$(value slow_us)" "$(value stack_alert)" \
	"$(value vectors)" $plant > "$dir/output" 2> "$dir/messages"
status=$?
cause=$(grep -h '^bpftrace does not start: ' "$dir/output")
[ -z "$cause" ] || lacking "$cause"
[ $status = 0 ] || lacking "the lab ended with status $status: $(last_word "$dir/output" "$dir/messages")"
if [ -s "$dir/trace.json" ]; then
	jq -j 'select(.type == "printf") | .data' "$dir/trace.json" > "$dir/alerts" 2> /dev/null ||
		lacking "the trace ends in the middle"
	grep -q '"@vexfs_us"' "$dir/trace.json" || lacking "the trace holds no ops of vexfs"
	grep -q '"@depth"' "$dir/trace.json" || lacking "the trace holds no depths of stack"
	grep -q '"@fuse_us"' "$dir/trace.json" || lacking "the trace holds no requests of FUSE"
	sort "$dir/alerts" | uniq -c | sort -rn | head -n 20
else
	lacking "bpftrace wrote nothing: $(tail -n 1 "$dir/bpftrace.err" 2> /dev/null)"
fi
[ -s "$dir/stack_max_size" ] || lacking "this kernel has no stack tracer (CONFIG_STACK_TRACER)"
finish
