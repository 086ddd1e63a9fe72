#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ebpf_lab.sh SLOW_US STACK_ALERT VECTORS [slow_op|no_bpf]: runs inside a lab with BTF. bpftrace while
# a mount and the device are used; then the stack tracer while they are used again.

set -u
here=$(dirname "$(readlink -f "$0")")
to=$VEXFS_RESULTS
slow_us=$1 alert=$2 vectors=$3 plant=${4:-}
dir=$(mktemp -d)
mkdir "$dir/m"

[ -e /sys/kernel/btf/vmlinux ] || { echo "this kernel has no BTF"; exit 9; }

wait_for() { # COMMAND...: at most 120 s
	local i
	for ((i = 0; i < 480; i++)); do
		"$@" > /dev/null 2>&1 && return
		sleep 0.25
	done
	echo "not up within 120 s: $*"
	return 1
}

use() {
	vexctl create "$1" --dim 16
	vexctl put "$1" 1 --vector 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16
	"$here/workload.sh" "$vectors" 16 20
	vexctl drop flat
	vexctl drop graph
	ls -R "$dir/m" > /dev/null
	cat "$dir/m/$1/by-id/1" > /dev/null
}

# Two readers of an event, so that the kernel calls __traceiter_*; see the script of bpftrace.
for event in search_done put delete request_done; do
	echo 1 > /sys/kernel/tracing/events/vexfs/vexfs_$event/enable
done
caps=()
[ "$plant" != no_bpf ] || caps=(setpriv '--bounding-set=-sys_admin,-bpf,-perfmon')
# What bpftrace says about that differs by its version, and may be a syntax error in BTF's absence.
may_trace() {
	local eff

	eff=$("${caps[@]}" sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
	(( 16#$eff >> 21 & 1 || (16#$eff >> 38 & 3) == 3 ))
}
may_trace || {
	echo "bpftrace does not start: neither CAP_SYS_ADMIN nor CAP_BPF with CAP_PERFMON"
	exit 9
}
"${caps[@]}" bpftrace -f json -o "$to/trace.json" "$here/../configs/fuse_and_vexfs.bt" "$slow_us" "$alert" \
	2> "$to/bpftrace.err" & tracer=$!
attached() { grep -q attached_probes "$to/trace.json" || ! kill -0 $tracer; }
wait_for attached
kill -0 $tracer || { echo "bpftrace does not start: $(head -n 1 "$to/bpftrace.err")"; exit 9; }
sleep 1
date +%s%N > "$to/traced_from"
vexfs-mount -f "$dir/m" & mount=$!
wait_for grep -q " $dir/m " /proc/mounts || exit 1
use one
if [ "$plant" = slow_op ]; then
	# A request that waits for a daemon that does not run is as slow as it gets.
	kill -STOP $mount
	stat "$dir/m/one/by-id" > /dev/null & sleeper=$!
	sleep 2
	kill -CONT $mount
	wait $sleeper
fi
kill -INT $tracer
wait $tracer
date +%s%N > "$to/traced_to"

if [ -w /proc/sys/kernel/stack_tracer_enabled ]; then
	echo 0 > /sys/kernel/tracing/stack_max_size
	echo 1 > /proc/sys/kernel/stack_tracer_enabled
	use two
	echo 0 > /proc/sys/kernel/stack_tracer_enabled
	cat /sys/kernel/tracing/stack_max_size > "$to/stack_max_size"
	cat /sys/kernel/tracing/stack_trace > "$to/stack_trace"
fi
cat /sys/kernel/debug/vexfs/stack > "$to/stack"
umount "$dir/m"
wait $mount
