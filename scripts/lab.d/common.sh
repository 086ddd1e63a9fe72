# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# What every part of scripts/lab uses: messages, exit codes, the cache, locks,
# Debian packages. Sourced, never run; it must not leave anything half-made
# behind when it stops the program.

# Exit codes of the labs. A command's status is passed on unchanged, so these avoid
# the small numbers that commands use.
# shellcheck disable=SC2034 # used by the files that source this one
{
E_USAGE=64	# wrong command line, missing `--'
E_LAB=65	# no such lab
E_PACKAGE=66	# a package (compiler, QEMU) is missing and cannot be installed
E_SPACE=67	# not enough space on the disk
E_NET=68	# a download failed
E_BUILD=69	# a kernel or the module does not build
E_KDIR=70	# KDIR is not a configured kernel tree
E_BOOT=71	# the lab did not come up
E_MODULE=72	# vexfs does not load or unload
E_LOG=73	# the kernel log has a report in it
E_CRASH=74	# the lab died under the command
E_ASK=75	# host lab: not confirmed
E_TIMEOUT=124	# the command took too long
}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vexfs

# Flags of a calling make must not reach the kernel's make: -s would hide the lines
# that progress counts.
unset MAKEFLAGS MFLAGS MAKELEVEL

say() { printf 'lab: %s\n' "$*" >&2; }

# die CODE SENTENCE...: the sentence says what is wrong and what to do.
die() {
	local code=$1
	shift
	printf 'lab: %s\n' "$@" >&2
	exit "$code"
}

# Progress: one line that overwrites itself on a terminal; elsewhere a line now
# and then.
last_progress=-10
progress() {
	if [ -t 2 ]; then
		printf '\rlab: %-70.70s' "$*" >&2
	elif [ $((SECONDS - last_progress)) -ge 10 ]; then
		last_progress=$SECONDS
		say "$@"
	fi
}
progress_end() { if [ -t 2 ]; then printf '\r%76s\r' '' >&2; fi; }

# take_lock FILE: holds it until the calling (sub)shell ends. Never start a lab
# while holding one: its processes would inherit the lock.
declare -A locks_held
take_lock() {
	local fd
	[ -z "${locks_held[$1]:-}" ] || return 0
	locks_held[$1]=1
	mkdir -p "$(dirname "$1")" || die "$E_SPACE" "cannot make $(dirname "$1"): is the disk full or read-only?"
	exec {fd}> "$1" || die "$E_SPACE" "cannot write $1: is the disk full or read-only?"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds ${1##*/}"
		flock "$fd"
	fi
}

# need_space MIB DIRECTORY WHAT
need_space() {
	local free
	mkdir -p "$2" 2> /dev/null || die "$E_SPACE" "cannot make $2: is the disk full or read-only?"
	free=$(df -Pm "$2" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$1" ] || die "$E_SPACE" \
		"$3 needs $1 MiB in $2 and only $free MiB are free." \
		"Make room, or set XDG_CACHE_HOME to a folder on a larger disk."
}

# need_packages PROGRAM-OR-FILE:PACKAGE...: installs what is missing.
need_packages() {
	local pair missing=()
	for pair; do
		case ${pair%%:*} in
		/*) [ -e "${pair%%:*}" ] && continue ;;
		*) command -v "${pair%%:*}" > /dev/null && continue ;;
		esac
		missing+=("${pair##*:}")
	done
	[ ${#missing[@]} -eq 0 ] && return
	local cmd=(apt-get install -y --no-install-recommends "${missing[@]}")
	if [ "${VEXFS_NO_INSTALL:-0}" = 1 ]; then
		die "$E_PACKAGE" "these Debian packages are missing: ${missing[*]}" \
			"Install them with: sudo ${cmd[*]}"
	fi
	if [ "$(id -u)" != 0 ]; then
		sudo -n true 2> /dev/null || die "$E_PACKAGE" \
			"these Debian packages are missing: ${missing[*]}" \
			"Install them with: sudo ${cmd[*]}"
		cmd=(sudo -n "${cmd[@]}")
	fi
	# One lab at a time, and wait for other users of dpkg.
	local log lock
	mkdir -p "$cache" && exec {lock}> "$cache/install.lock" && flock "$lock"
	cmd+=(-o DPkg::Lock::Timeout=600)
	say "installing ${missing[*]}"
	log=$(mktemp)
	if ! DEBIAN_FRONTEND=noninteractive "${cmd[@]}" < /dev/null > "$log" 2>&1; then
		# The package lists of a fresh machine are empty or old.
		${cmd[0]/apt-get/} apt-get update > "$log" 2>&1 < /dev/null
		if ! DEBIAN_FRONTEND=noninteractive "${cmd[@]}" < /dev/null > "$log" 2>&1; then
			tail -n 5 "$log" >&2
			rm -f "$log"
			die "$E_PACKAGE" "apt could not install ${missing[*]}; see above." \
				"Try by hand: sudo apt-get update && sudo ${cmd[*]}"
		fi
	fi
	rm -f "$log"
	exec {lock}>&-
}

# run_logged LOG TOTAL WHAT COMMAND...: runs a build, counting the lines that
# the build prints (one per object) against TOTAL, the number a full build has.
run_logged() {
	local log=$1 total=$2 what=$3 start=$SECONDS status n now shown=0 pid
	shift 3
	"$@" > "$log" 2>&1 < /dev/null &
	pid=$!
	while kill -0 "$pid" 2> /dev/null; do
		sleep 1
		# The end of scripts/lab must end the build too, which would keep its lock.
		kill -0 $$ 2> /dev/null || { kill "$pid"; exit 143; }
		now=$((SECONDS - start))
		if [ -t 2 ] || [ $((now - shown)) -ge 30 ]; then
			shown=$now
			n=$(wc -l < "$log")
			progress "$what: step $n of about $total, $((now / 60)) min $((now % 60)) s"
		fi
	done
	wait "$pid"
	status=$?
	progress_end
	return "$status"
}
