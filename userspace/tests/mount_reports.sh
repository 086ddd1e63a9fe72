#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# mount_reports.sh COMMAND...: a test of the mount whose daemons nobody waits for: what sanitizers
# and valgrind say of them, leaks at their end too, is in files, and makes the test fail.
dir=$(mktemp -d)
chmod 777 "$dir"
export ASAN_OPTIONS="log_path=$dir/report:detect_leaks=1" UBSAN_OPTIONS="log_path=$dir/report:print_stacktrace=1"
export VALGRIND_OPTS="--log-file=$dir/report.%p"
"$@"
status=$?
# valgrind says that it does not know the module's ioctls.
cat "$dir"/report.* 2> /dev/null |
	sed '/noted but unhandled ioctl/d; /could cause spurious value errors/d; /README_MISSING_SYSCALL/d' \
	> "$dir/all"
if [ -s "$dir/all" ]; then
	head -n 60 "$dir/all" | sed 's/^/# /'
	status=1
fi
rm -r "$dir"
exit "$status"
