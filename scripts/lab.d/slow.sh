# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# For test groups in the debug lab, which emulates the processor: a machine that
# is too slow for that has failed no test. Sourced.

# in_debug SECONDS COMMAND...: the TAP of a command in the lab, or a plan of none
# when it was not done in time and nothing had failed until then.
in_debug() {
	limit=$1
	shift
	out=$(scripts/lab run debug --timeout "$limit" -- "$@")
	status=$?
	if [ $status = 124 ] && ! printf '%s\n' "$out" | grep -q '^not ok'; then
		echo "1..0 # SKIP the debug lab is too slow here: not done after $limit s"
		return 0
	fi
	printf '%s\n' "$out"
	return $status
}
