# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# The host lab: the running kernel itself, for figures from real hardware. It
# is not isolated, so it runs only when named and confirmed.

host_about() { echo "the running kernel, $(uname -r); asks first"; }

host_build() {
	lab_kdir=${KDIR:-/lib/modules/$(uname -r)/build}
	[ -e "$lab_kdir" ] || die "$E_KDIR" \
		"the running kernel ($(uname -r)) has no headers here, so vexfs cannot be built for it." \
		"Install linux-headers-$(uname -r), or use another lab."
	[ "$kunit" = 0 ] || [ -e "/lib/modules/$(uname -r)/kernel/lib/kunit" ] ||
		die "$E_LAB" "the running kernel has no KUnit; use uml or debug."
	lab_kunit_core=()
}

host_confirm() {
	local answer
	[ "${VEXFS_HOST:-}" != yes ] || return 0
	[ -t 0 ] || die "$E_ASK" "the host lab loads vexfs into the running kernel and needs a yes." \
		"Run it in a terminal, or set VEXFS_HOST=yes."
	printf 'Load vexfs into the running kernel %s of this machine and run: %s ? [y/N] ' \
		"$(uname -r)" "${command[*]}" >&2
	read -r answer
	case $answer in
	y|Y|yes) ;;
	*) die "$E_ASK" "not confirmed; nothing was done." ;;
	esac
}

host_unload() {
	local i name
	for ((i = ${#loaded[@]} - 1; i >= 0; i--)); do
		name=${loaded[i]##*/}
		"${root[@]}" rmmod "${name%.ko}" || trouble="cannot unload ${name%.ko}: something still uses it"
	done
	loaded=()
}

host_run() {
	local root=() loaded=() arg status mark trouble='' pair
	host_confirm
	if [ "$(id -u)" != 0 ]; then
		command -v sudo > /dev/null || die "$E_PACKAGE" \
			"loading a module needs root: run this as root, or install sudo."
		root=(sudo)
	fi
	run=$(mktemp -d "${TMPDIR:-/tmp}/vexlab.XXXXXX") || die "$E_SPACE" "cannot make a folder in /tmp"
	trap 'host_unload; cleanup' EXIT
	mark="vexfs lab run $$ starts"
	echo "$mark" | "${root[@]}" tee /dev/kmsg > /dev/null
	for arg in "${modules[@]}"; do
		# shellcheck disable=SC2086 # "FILE param=value ..."
		"${root[@]}" insmod $arg || { "${root[@]}" dmesg | tail -n 5 >&2; die "$E_MODULE" "cannot load $arg"; }
		loaded+=("${arg%% *}")
	done
	export PATH=$top/build/bin:$top/scripts:$PATH LD_LIBRARY_PATH=$top/build/lib
	export VEXFS_LAB=host VEXFS_TOP=$top
	[ -z "$results" ] || export VEXFS_RESULTS=$results
	for pair in "${envs[@]}"; do export "${pair?}"; done
	"${root[@]}" timeout --foreground -k 5 "$timeout" "${command[@]}"
	status=$?
	host_unload
	"${root[@]}" dmesg | sed -n "/$mark/,\$p" > "$run/clean.log"
	[ -z "$log" ] || cp "$run/clean.log" "$log"
	check_log "$run/clean.log" || exit "$E_LOG"
	[ -z "$trouble" ] || die "$E_MODULE" "$trouble"
	exit "$status"
}
