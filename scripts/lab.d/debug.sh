# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# The debug lab: the source of the uml lab in QEMU, with KASAN, UBSAN, lockdep,
# kmemleak, fault injection and the stack tracer. Slow, and never a place to
# measure in.

# shellcheck source=scripts/lab.d/qemu.sh
. "$here/qemu.sh"

lab_kunit_params=quick=${VEXFS_KUNIT_QUICK:-1}
lab_kmemleak=1
lab_grace=600
mem=2G

debug_fragments=(common.config debug.config)
debug_steps=2065	# lines that a full build prints, for the progress line

debug_dir() {
	local src
	src=$(kernel_source "${1:-}") || exit
	echo "$cache/debug/$(kernel_key "$src" x86_64 "${debug_fragments[@]}")"
}

debug_about() {
	local dir=none
	[ ! -e "$cache/src/current/.complete" ] || dir=$(debug_dir)
	echo "the same source in QEMU: KASAN, lockdep, kmemleak ($([ -e "$dir/complete" ] && echo built || echo "not built"))"
}

debug_build() {
	local src dir
	dir=$(debug_dir "${1:-}") || exit
	if [ ! -e "$dir/complete" ]; then
		src=$(kernel_source) || exit
		build_kernel debug "$src" "$dir" x86_64 "$debug_steps" "bzImage modules" \
			"${debug_fragments[@]}" || exit
	fi
	lab_kdir=$dir
	lab_make=(ARCH=x86_64)
	lab_vmlinuz=$dir/arch/x86/boot/bzImage
	lab_preload=()
	lab_kunit_core=("$dir/lib/kunit/kunit.ko enable=1 autorun=1")
	qemu_need
}

debug_channels() { qemu_channels; }
debug_emulated() { qemu_emulated; }
debug_boot() { qemu_boot; }
