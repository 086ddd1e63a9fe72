#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# overflow_lab.sh LAB SCENARIO...: runs inside a lab; see stack_overflow_reproduction.sh.

set -u
module=$VEXFS_TOP/build/module/$1-plant/vexfs_plant_stack.ko
shift
to=$VEXFS_RESULTS
trace=/sys/kernel/tracing
# An oops ends the thread that had it and no more.
echo 0 > /proc/sys/kernel/panic_on_oops

for s; do
	[ ! -w /proc/sys/kernel/stack_tracer_enabled ] || {
		echo 0 > $trace/stack_max_size
		echo 1 > /proc/sys/kernel/stack_tracer_enabled
	}
	insmod "$module" scenario="$s" || exit 1
	[ ! -w /proc/sys/kernel/stack_tracer_enabled ] || {
		echo 0 > /proc/sys/kernel/stack_tracer_enabled
		cat $trace/stack_max_size > "$to/$s.max"
		cat $trace/stack_trace > "$to/$s.trace"
	}
	cat /sys/kernel/debug/vexfs/stack > "$to/$s.stack"
	rmmod vexfs_plant_stack
done
# The dead thread keeps nothing of the module, but its code is gone with it: it is loaded
# once a scenario and not again before.
for s; do
	echo "vexfs_plant_stack: $s: overflow begins" > /dev/kmsg
	insmod "$module" scenario="$s" overflow=1 || exit 1
	sleep 3
	rmmod vexfs_plant_stack
	vexctl list > /dev/null && touch "$to/$s.survived"
done
exit 0
