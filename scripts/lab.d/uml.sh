# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# The uml lab: the newest Debian kernel source as a program of the host. It runs
# at the host's native SIMD speed and needs neither root nor virtualisation.

uml_fragments=(common.config uml.config)
uml_patch=um-smp.patch
uml_steps=1355	# lines that a full build prints, for the progress line

uml_dir() {
	local src
	src=$(kernel_source "${1:-}") || exit
	echo "$cache/uml/$(kernel_key "$src" um "${uml_fragments[@]}" "../patches/$uml_patch")"
}

uml_about() {
	local dir=none
	[ ! -e "$cache/src/current/.complete" ] || dir=$(uml_dir)
	echo "newest Debian kernel source as a program ($([ -e "$dir/complete" ] && echo built || echo "not built"))"
}

uml_build() {
	local src dir
	dir=$(uml_dir "${1:-}") || exit
	if [ ! -e "$dir/complete" ]; then
		src=$(kernel_source) || exit
		src=$(patched_source "$src" "$uml_patch") || exit
		build_kernel uml "$src" "$dir" um "$uml_steps" "linux modules" \
			"${uml_fragments[@]}" || exit
	fi
	lab_kdir=$dir
	lab_make=(ARCH=um)
	lab_kunit_core=("$dir/lib/kunit/kunit.ko enable=1 autorun=1")
}

uml_channels() {
	job out /dev/tty1 err /dev/tty2 ctl /dev/tty3
	job results_fs hostfs results_src "$results"
}

# Memory of the lab is a file in a tmpfs. In a mount namespace of our own that
# tmpfs can ask for huge pages, which a bandwidth measurement needs; where the
# host forbids that, /dev/shm does.
uml_boot() {
	# shellcheck disable=SC2016 # for the inner shell
	local huge='mount -t tmpfs -o huge=always,size=100% lab "$0" 2> /dev/null && TMPDIR=$0; export TMPDIR; exec "$@"'
	local wrap=() userns=()

	[ "$(id -u)" = 0 ] || userns=(--user --map-root-user)
	mkdir -p "$run/mem"
	if unshare "${userns[@]}" --mount true 2> /dev/null; then
		wrap=(unshare "${userns[@]}" --mount --propagation private sh -c "$huge" "$run/mem")
	fi
	[ -w /dev/shm ] && export TMPDIR=/dev/shm
	# The lab's kernel and its programs are processes that wake each other for every
	# system call: some 20 us on one processor of the host, 120 us across two idle ones.
	if [ "$cpus" = 1 ]; then
		taskset -cp "$(taskset -cp $BASHPID | sed 's/.*[ ,-]//')" $BASHPID > /dev/null
	fi
	# With more processors than the host has, one waits for its turn; that is no stall of the
	# kernel. One that hangs is found when the time of the command is over.
	[ "$cpus" -le "$(nproc)" ] || kernel_args+=(rcupdate.rcu_cpu_stall_timeout=300)
	exec "${wrap[@]}" "$lab_kdir/linux" "mem=$mem" "ncpus=$cpus" seccomp=on \
		"uml_dir=$run" umid=lab noreboot \
		root=none rootfstype=hostfs rootflags=/ ro "init=$init" "vexlab=$run/job" \
		stderr=1 con0=null,fd:14 con1=null,fd:11 con2=null,fd:12 con3=null,fd:13 \
		console=tty0 loglevel=8 panic=-1 "${kernel_args[@]}" \
		< /dev/null > "$run/boot.log" 2>&1
}
