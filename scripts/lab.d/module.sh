# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# Builds vexfs for a lab's kernel. Each kernel has a mirror of the sources under
# build/ (folders with links to the files), so that builds for several kernels
# run side by side and leave nothing in the tree.

# mirror_sources DIRECTORY: makes or refreshes the mirror.
mirror_sources() {
	local dir=$1 item
	# A build/ that came here with a copy shows another tree, and holds its objects.
	[ ! -L "$dir/Kbuild" ] || [ "$dir/Kbuild" -ef "$top/Kbuild" ] || rm -rf "$dir"
	mkdir -p "$dir" || die "$E_SPACE" "cannot write to $dir: is the disk full?"
	find "$dir" -xtype l -delete
	for item in Kbuild VERSION kmod kunit; do
		[ -e "$top/$item" ] || continue
		(cd "$top" && find "$item" \( -type f -o -type l \) \
			! -name '*.o' ! -name '*.ko' ! -name '*.mod' ! -name '*.mod.c' ! -name '.*' \
			! -name '*.su' ! -name '*.ci' ! -name features.h -print)
	done | while read -r item; do
		[ -L "$dir/$item" ] && continue
		[ "${item%/*}" = "$item" ] || mkdir -p "$dir/${item%/*}"
		ln -sfn "$top/$item" "$dir/$item"
	done
}

# module_state DIRECTORY KDIR ARGUMENT...: what a build was made of, but for the
# contents of its files.
module_state() {
	local dir=$1
	shift
	{
		printf '%s\n' "${lab_chroot:-}" "$@"
		stat -c '%n %Y' "$1/include/config/auto.conf" "$1/Module.symvers" 2> /dev/null
		find "$dir" -type l | sort
	} | sha256sum
}

# module_current DIRECTORY STATE: is the build in there of this state, and no source
# newer than the moment it began? Kbuild takes a second to find out.
module_current() {
	local stamp=$1.built
	[ -e "$1/vexfs.ko" ] && [ -e "$stamp" ] && [ "$(< "$stamp")" = "$2" ] &&
		[ -z "$(find -L "$1" -type f \( -name '*.[chS]' -o -name 'Kbuild*' -o -name '*.txt' -o -name VERSION \) \
			! -name '*.mod.c' ! -name features.h -newer "$stamp" -print -quit)" ]
}

# module_key DIRECTORY KDIR ARGUMENT...: the same by contents alone, for builds of
# other clones: sources, the kernel's configuration (which names the compiler) and
# symbols, arguments, and how it is built.
module_key() {
	local dir=$1 kdir=$2
	shift 2
	{
		basename "${lab_chroot:-none}"
		printf '%s\n' "$@"
		cat "$kdir/include/config/auto.conf" "$kdir/Module.symvers" "$here/module.sh" 2> /dev/null
		(cd "$dir" && find . -type l -print0 | sort -z | xargs -0 sha256sum)
	} | sha256sum | cut -c1-24
}

# build_module KDIR NAME [MAKE-ARGUMENT...]: prints the folder with vexfs.ko.
# With a chroot in $lab_chroot the build runs in there.
build_module() (
	local kdir=$1 name=$2 dir=$top/build/module/$2 log status=0 wrap=() state kept
	shift 2
	[ -e "$kdir/Makefile" ] || die "$E_KDIR" "KDIR=$kdir holds no kernel tree." \
		"Install the headers of the kernel (linux-headers-...) or name a built tree."
	[ -e "$kdir/include/config/auto.conf" ] || die "$E_KDIR" \
		"the kernel tree $kdir is not configured." \
		"Run 'make olddefconfig modules_prepare' in it, or name another KDIR."
	take_lock "$top/build/module/$name.lock"
	mirror_sources "$dir"
	log=$dir.log
	state=$(module_state "$dir" "$kdir" "$@")
	if ! module_current "$dir" "$state"; then
		rm -f "$dir.built"
		printf '%s\n' "$state" > "$dir.building"
		# A build of the same files that gave no warning is not repeated.
		kept=$cache/module/$(module_key "$dir" "$kdir" "$@").tar
		if [ -e "$kept" ] && tar -xf "$kept" -C "$dir" 2> /dev/null; then
			touch "$kept"
			echo "kept from an earlier build: $kept" > "$log"
			mv "$dir.building" "$dir.built"
			echo "$dir"
			return
		fi
		if [ -n "${lab_chroot:-}" ]; then wrap=(run_in_chroot "$lab_chroot"); fi
		"${wrap[@]}" make -C "${kdir#"${lab_chroot:-}"}" M="$dir" -j"$(nproc)" W=1 "$@" \
			modules > "$log" 2>&1 < /dev/null
		status=$?
		[ $status -ne 0 ] || mv "$dir.building" "$dir.built"
	fi
	if [ $status -ne 0 ]; then
		grep -vE '^(make|  (CC|LD|AR|PROBE|MODPOST))' "$log" | tail -n 40 >&2
		if grep -q 'No space left' "$log"; then
			die "$E_SPACE" "the disk filled up while vexfs was built for $name."
		fi
		die "$E_BUILD" "vexfs does not build for $name; the whole log is $log"
	fi
	if grep 'warning:' "$log" | grep -qvE 'the compiler differs|pahole version differs'; then
		grep -A6 'warning:' "$log" | head -n 40 >&2
		say "vexfs builds for $name with warnings; the whole log is $log"
	elif [ -n "${kept:-}" ]; then
		mkdir -p "$cache/module"
		find "$cache/module" -type f -mtime +30 -delete
		if (cd "$dir" && find . -type f -print0 | tar -c --null -T - -f "$kept.$$") 2> /dev/null; then
			mv "$kept.$$" "$kept"
		else
			rm -f "$kept.$$"
		fi
	fi
	echo "$dir"
)

# build_init: the static first process of a lab; prints its path. A lab of another
# architecture says so in lab_init, and its cross compiler is there.
build_init() (
	local out=$top/build/lab-init${lab_init:+-$lab_init} cc=gcc log
	case ${lab_init:-} in arm64) cc=$arm64_cross$cc ;; esac
	if [ ! -e "$out" ] || [ "$here/init.c" -nt "$out" ]; then
		need_packages gcc:gcc /usr/include/stdio.h:libc6-dev
		take_lock "$out.lock"
		log=$("$cc" -O2 -Wall -static -o "$out.$$" "$here/init.c" 2>&1) || {
			printf '%s\n' "$log" >&2
			die "$E_BUILD" "the first process of the lab does not compile; see above"
		}
		mv "$out.$$" "$out"
	fi
	echo "$out"
)
