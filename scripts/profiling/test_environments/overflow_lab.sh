#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# overflow_lab.sh LAB SCENARIO: runs inside a lab; see stack_overflow_reproduction.sh. The last
# thing it does ends the lab: a kernel that hits a guard page panics.

set -u
module=$VEXFS_TOP/build/module/$1-plant/vexfs_plant_stack.ko
scenario=$2
to=$VEXFS_RESULTS
trace=/sys/kernel/tracing
tracer=/proc/sys/kernel/stack_tracer_enabled

[ ! -w $tracer ] || {
	echo 0 > $trace/stack_max_size
	echo 1 > $tracer
}
insmod "$module" scenario="$scenario" || exit 1
[ ! -w $tracer ] || {
	echo 0 > $tracer
	cat $trace/stack_max_size > "$to/$scenario.max"
	cat $trace/stack_trace > "$to/$scenario.trace"
}
cat /sys/kernel/debug/vexfs/stack > "$to/$scenario.stack"
rmmod vexfs_plant_stack
# The module works as before.
vexctl create after --dim 4 && vexctl put after 1 --vector 1,2,3,4 && vexctl drop after &&
	touch "$to/$scenario.went_on"

echo "vexfs_plant_stack: $scenario: overflow begins" > /dev/kmsg
sync
insmod "$module" scenario="$scenario" overflow=1 || exit 1
sleep 20
echo "the overflow did not end the lab"
