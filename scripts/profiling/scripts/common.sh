# shellcheck shell=bash disable=SC2034 # variables are for those that source it
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts of scripts/profiling share. Each part of a profile is a directory of
# $out with its results and a file "status": whether it is complete, of which sources, when.
# Sourced; sets top, out, configs.

set -u -o pipefail

profiling=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
top=$(cd "$profiling/../.." && pwd)
configs=$profiling/configs
out=${VEXFS_PROFILE_DIR:-$top/build/profiling}
lab=$top/scripts/lab
name=$(basename "$0" .sh)
cd "$top" || exit 1

say() { echo "$name: $*" >&2; }

# A wrong command line.
wrong() { say "$*; see --help"; exit 2; }

# setting FILE SECTION KEY DEFAULT: from an INI file of configs/.
setting() {
	local value
	value=$(awk -F '=' -v want="$2" -v key="$3" '
		/^[[:space:]]*[#;]/ { next }
		/^\[/ { gsub(/[][[:space:]]/, ""); section = $0; next }
		{ k = $1; gsub(/[[:space:]]/, "", k) }
		section == want && k == key {
			sub(/^[^=]*=[[:space:]]*/, ""); sub(/[[:space:]]+$/, ""); print; exit
		}' "$configs/$1")
	echo "${value:-$4}"
}

# What the module is made of: results of different sources are not for one report.
sources_hash() {
	find Kbuild kmod -type f \( -name '*.[chS]' -o -name 'Kbuild*' \) ! -name '*.mod.c' \
		! -name features.h -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

# begin PART: an empty directory for it; sets part and dir. Until finish says otherwise it is
# partial, so that a script that is killed leaves no result that passes for a whole one.
begin() {
	part=$1
	dir=$out/$part
	rm -rf "$dir"
	mkdir -p "$dir" || { say "cannot write to $dir"; exit 67; }
	began=$(date +%s)
	hash=$(sources_hash)
	write_status partial "it was interrupted"
}

write_status() {
	printf '%s\n' "part=$part" "state=$1" "why=${2:-}" "sources=$hash" "began=$began" \
		"ended=$(date +%s)" "machine=$(uname -m) $(uname -r)" > "$dir/status"
}

# last_word FILE...: what the lab says about its end, or else the last line that was written.
last_word() { { cat "$@" | tail -n 1; grep -h '^lab: ' "$@"; } 2> /dev/null | tail -n 1; }

# Each thing that is missing is a sentence, and makes the result partial.
trouble=
lacking() {
	say "$*"
	trouble=${trouble:+$trouble; }$*
}

# Ends the script: 0 complete, 1 partial.
finish() {
	if [ -n "$trouble" ]; then
		write_status partial "$trouble"
		say "partial: results in $dir"
		exit 1
	fi
	write_status complete
	say "complete: results in $dir"
	exit 0
}

# samples_json NAME UNIT: rates.off and rates.on of a component, as the report reads them, and a
# line about them.
samples_json() {
	local arm
	for arm in off on; do touch "$dir/rates.$arm"; done
	jq -n --arg component "$1" --arg unit "$2" --slurpfile off "$dir/rates.off" \
		--slurpfile on "$dir/rates.on" '{component: $component, unit: $unit, off: $off, on: $on}' \
		> "$dir/samples.json"
	jq -r 'def middle: sort | .[length / 2 | floor];
		"\(.component): median off \(.off | middle), on \(.on | middle) \(.unit), \(.off | length) and \(.on | length) values"' \
		"$dir/samples.json"
}

# have PROGRAM PACKAGE: installs it where that is allowed; false where it stays missing.
have() { command -v "$1" > /dev/null || scripts/need "$1:$2" >&2; }

# may_profile: perf is there and may be used; says why not.
may_profile() {
	have perf linux-perf || { lacking "perf is missing: there is no profile of time"; return 1; }
	# its status says less than its words
	if [[ $(perf record -q -e cpu-clock -o "$dir/perf.try" true 2>&1) == *"Access to performance monitoring"* ]]; then
		lacking "perf may not be used here: set kernel.perf_event_paranoid to 2, or be root"
		return 1
	fi
	rm -f "$dir/perf.try"
}
