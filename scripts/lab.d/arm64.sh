# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# The arm64 lab: the source of the uml lab for arm64, in QEMU. Programs of this machine
# do not run there; KUnit suites do. Correctness only.

# shellcheck source=scripts/lab.d/qemu.sh
. "$here/qemu.sh"

# A processor without pointer authentication, which takes long to emulate.
qemu_arch=aarch64
qemu_machine=(-M virt -cpu cortex-a72)
qemu_console=ttyAMA0
lab_init=arm64
lab_kunit_params=quick=${VEXFS_KUNIT_QUICK:-1}
lab_grace=600
mem=2G

arm64_fragments=(common.config arm64.config)
arm64_steps=1573	# lines that a full build prints, for the progress line
arm64_cross=aarch64-linux-gnu-
kernel_flags+=("CROSS_COMPILE=$arm64_cross")

arm64_dir() {
	local src
	src=$(kernel_source "${1:-}") || exit
	echo "$cache/arm64/$(kernel_key "$src" arm64 "${arm64_fragments[@]}")"
}

arm64_about() {
	local dir=none
	[ ! -e "$cache/src/current/.complete" ] || dir=$(arm64_dir)
	echo "the same source for arm64 in QEMU, for KUnit ($([ -e "$dir/complete" ] && echo built || echo "not built"))"
}

arm64_build() {
	local src dir
	need_packages "${arm64_cross}gcc:gcc-aarch64-linux-gnu" \
		/usr/aarch64-linux-gnu/include/stdio.h:libc6-dev-arm64-cross \
		qemu-system-aarch64:qemu-system-arm cpio:cpio
	dir=$(arm64_dir "${1:-}") || exit
	if [ ! -e "$dir/complete" ]; then
		src=$(kernel_source) || exit
		build_kernel arm64 "$src" "$dir" arm64 "$arm64_steps" "Image modules" \
			"${arm64_fragments[@]}" || exit
	fi
	lab_kdir=$dir
	lab_make=(ARCH=arm64 "CROSS_COMPILE=$arm64_cross")
	lab_vmlinuz=$dir/arch/arm64/boot/Image
	lab_preload=()
	lab_kunit_core=("$dir/lib/kunit/kunit.ko enable=1 autorun=1")
}

# A run for KUnit names `true'; the program of this machine has another architecture.
arm64_true() {
	local file=$top/build/lab-true-arm64
	[ -e "$file" ] || echo 'int main(void) { return 0; }' |
		"${arm64_cross}gcc" -static -x c -o "$file" - || exit
	echo "$file"
}

arm64_channels() {
	if [ "${command[*]}" = true ]; then
		command=("$(arm64_true)")
	elif [ "$(od -An -tx1 -j18 -N2 "${command[0]}" 2> /dev/null | tr -d ' ')" != b700 ]; then
		die "$E_USAGE" "lab run: arm64 runs 'true' (for KUnit) and static programs for arm64, not '${command[0]}'"
	fi
	qemu_channels
}
arm64_emulated() { qemu_emulated; }
arm64_boot() { qemu_boot; }
