# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# One command in one lab, from the job file to the verdict: start the lab, pass
# on what the command prints, wait for its status or for the time-out, look at
# the kernel log. Whatever happens, no process and no file of the run is left.

# What must not be in a kernel log.
log_alarm=$(sed -n 's/^ALARM("\(.*\)")$/\1/p' "$top/userspace/vexstress/kernel_alarms.h" | paste -sd '|')
[ -n "$log_alarm" ] || die "$E_LAB" "userspace/vexstress/kernel_alarms.h lists nothing"

# job KEY VALUE...: adds records to the job file.
job() {
	while [ $# -gt 0 ]; do
		printf '%s=%s\0' "$1" "$2" >> "$run/job"
		shift 2
	done
}

write_job() {
	local arg name dir
	: > "$run/job"
	"${lab_type}_channels"
	job cwd "$PWD" timeout "$timeout"
	[ -z "$results" ] || job results "$results"
	# Folders that the scratch file systems of the lab would cover.
	for dir in "$top" "$PWD" "$cache" "$run"; do
		case $dir/ in /tmp/*|/run/*|/var/tmp/*|/mnt/*) job keep "$dir" ;; esac
	done
	job env "PATH=$top/build/bin:$top/scripts:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	job env "LD_LIBRARY_PATH=$top/build/lib" env HOME=/tmp env TMPDIR=/tmp env LANG=C.UTF-8
	job env "TERM=${TERM:-dumb}" env "VEXFS_LAB=$lab" env "VEXFS_TOP=$top"
	[ -z "$results" ] || job env "VEXFS_RESULTS=$results"
	for name in $(compgen -e | grep '^VEX' || :); do
		case $name in
		VEXFS_LAB|VEXFS_TOP|VEXFS_RESULTS) ;;
		*) job env "$name=${!name}" ;;
		esac
	done
	for arg in "${envs[@]}"; do job env "$arg"; done
	for arg in "${modules[@]}"; do job module "$arg"; done
	[ "$kmemleak" = 0 ] || job kmemleak 1
	for arg in "${command[@]}"; do job arg "$arg"; done
}

# All processes of the lab share a session; the end of the run is theirs too.
stop_lab() {
	{
		[ -z "${watchdog:-}" ] || { kill "$watchdog"; wait "$watchdog"; }
		[ -z "${lab_pid:-}" ] || { kill -KILL -- "-$lab_pid"; wait "$lab_pid"; }
	} 2> /dev/null
	lab_pid=
	watchdog=
}

cleanup() {
	trap '' INT TERM HUP	# a second signal must not cut this short
	stop_lab
	[ -z "${run:-}" ] || rm -rf "$run"
}

# Sets `verdict' and friends from the lines the first process sent.
read_control() {
	local word rest
	verdict='' came_up=0 ended=0 trouble=''
	while read -r word rest; do
		case $word in
		up) came_up=1 ;;
		exit) verdict=${verdict:-$rest} ;;
		signal) verdict=${verdict:-$((128 + rest))} ;;
		timeout) verdict=$E_TIMEOUT; say "time-out: the command took more than $rest s" ;;
		module) trouble="cannot load ${rest}" ;;
		stuck) trouble="cannot unload ${rest}: something still uses it" ;;
		failed) trouble="the lab failed: $rest" ;;
		note) say "$rest" ;;
		end) ended=1 ;;
		esac
	done < "$run/ctl.log"
}

# Prints the reports in a kernel log; true when there are none. Tests of who reads the
# log write lines of their own into it, which say so.
check_log() {
	local log=$run/checked.log first
	grep -av ': planted by a test$' "$1" > "$log"
	first=$(grep -nE "$log_alarm" "$log" | head -n 1 | cut -d: -f1)
	[ -n "$first" ] || return 0
	say "the kernel log has $(grep -cE "$log_alarm" "$log") report line(s); from the first one on:"
	tail -n "+$first" "$log" | head -n 80 >&2
	return 1
}

# One life of the lab, from its first instruction to its end.
boot_lab() {
	local limit
	rm -f "$run/out" "$run/err" "$run/ctl" "$run/klog"
	mkfifo "$run/out" "$run/err" "$run/ctl" "$run/klog"

	# Readers first; they end when the lab lets go of its side.
	cat "$run/out" & readers=($!)
	cat "$run/err" >&2 & readers+=($!)
	cat "$run/ctl" > "$run/ctl.log" & readers+=($!)
	cat "$run/klog" > "$run/kernel.log" & readers+=($!)

	limit=$((timeout > 0 ? timeout + lab_grace : 0))
	set -m		# a process group of its own, to be ended as a whole
	(
		exec 11> "$run/out" 12> "$run/err" 13> "$run/ctl" 14> "$run/klog"
		trap - EXIT INT TERM HUP
		"${lab_type}_boot"
	) &
	lab_pid=$!
	set +m
	if [ "$limit" -gt 0 ]; then
		(
			trap - EXIT
			trap 'kill $!; exit' TERM
			sleep "$limit" &
			wait
			: > "$run/killed"
			kill -KILL -- "-$lab_pid"
		) 2> /dev/null &
		watchdog=$!
	fi
	wait "$lab_pid" 2> /dev/null
	lab_status=$?
	stop_lab
	wait "${readers[@]}" 2> /dev/null

	read_control
	[ -s "$run/kernel.log" ] || cp "$run/boot.log" "$run/kernel.log"
	tr -d '\r' < "$run/kernel.log" > "$run/clean.log"
}

# An emulator with several threads sometimes kills a guest while it boots: one processor
# patches code that another runs. Nothing of ours has run before the first process, so
# that says nothing about vexfs, and the lab is booted again.
boot_died() {
	lab_has emulated && [ "$came_up" = 0 ] && [ -z "$trouble" ] && [ ! -e "$run/killed" ] &&
		! grep -q 'Run /init as init process' "$run/clean.log"
}

run_lab() {
	local again
	run=$(mktemp -d "${TMPDIR:-/tmp}/vexlab.XXXXXX") ||
		die "$E_SPACE" "cannot make a folder in ${TMPDIR:-/tmp}: is the disk full?"
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	init=$(build_init) || exit
	write_job
	for again in 1 2 last; do
		boot_lab
		boot_died && [ $again != last ] || break
		say "the emulated machine died before its first process (status $lab_status): booting it again ($again of 2)"
		grep -aE "$log_alarm" "$run/clean.log" | head -n 3 >&2
	done
	[ -z "$log" ] || cp "$run/clean.log" "$log" || say "cannot write $log"

	if [ -e "$run/killed" ]; then
		tail -n 5 "$run/clean.log" >&2
		die "$E_TIMEOUT" "time-out: the $lab lab was stopped after $((timeout + lab_grace)) s."
	fi
	check_log "$run/clean.log" || { [ "$came_up" = 1 ] && exit "$E_LOG"; }
	if [ "$came_up" = 0 ]; then
		tail -n 15 "$run/boot.log" >&2
		tail -n 15 "$run/clean.log" >&2
		die "$E_BOOT" "the $lab lab did not come up (status $lab_status)${trouble:+: $trouble}."
	fi
	[ -z "$trouble" ] || { tail -n 15 "$run/clean.log" >&2; die "$E_MODULE" "$trouble"; }
	if [ -z "$verdict" ] || [ "$ended" = 0 ]; then
		tail -n 15 "$run/clean.log" >&2
		die "$E_CRASH" "the $lab lab died under the command."
	fi
	exit "$verdict"
}
