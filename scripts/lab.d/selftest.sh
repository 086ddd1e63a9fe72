# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with the caller
# SPDX-License-Identifier: GPL-2.0
#
# What the self-tests of the labs share: TAP, and the modules with planted
# mistakes. Sourced by groups in scripts/test.d.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/scripts/lab.d
lab=$top/scripts/lab
tests=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS WHAT COMMAND...: the command must end with this status. A group
# may set `says' to a pattern that what it prints must match.
expect() {
	local want=$1 what=$2 got
	shift 2
	"$@" > "$work/out" 2>&1 < /dev/null
	got=$?
	tests=$((tests + 1))
	if [ "$got" = "$want" ] && { [ -z "${says:-}" ] || grep -qE -- "$says" "$work/out"; }; then
		echo "ok $tests - $what"
	else
		echo "not ok $tests - $what"
		echo "# status $got, wanted $want${says:+, and words like: $says}"
		tail -n 20 "$work/out" | sed 's/^/# /'
	fi
	says=
}

finish() { echo "1..$tests"; }

# plant LAB: builds the modules with planted mistakes; sets `planted'.
plant() {
	local kdir make
	planted=$top/build/module/plant-$1
	mkdir -p "$planted"
	cp -u "$here"/selftest/* "$planted/"
	make=$("$lab" path "$1") || return
	read -ra make <<< "$make"
	make -C "${make[0]#KDIR=}" M="$planted" "${make[@]:1}" modules > "$planted/build.log" 2>&1 ||
		{ sed 's/^/# /' "$planted/build.log" | tail; return 1; }
}
