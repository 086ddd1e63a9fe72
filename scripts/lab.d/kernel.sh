# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# Kernels that a lab builds itself: source, configuration, build. Every result
# lies in the cache under a key of source version, configuration and compiler,
# and counts only once its `complete' file is there, so that an interrupted
# build goes on where it stopped and is never mistaken for a finished one.

# Prints the folder of the newest Debian kernel source, fetching it if need be.
# $1 = update: look for a newer one even if there is one in the cache.
kernel_source() (
	local link=$cache/src/current pkg deb dir
	if [ "${1:-}" != update ] && [ -e "$link/.complete" ]; then
		readlink -f "$link"
		return
	fi
	take_lock "$cache/src.lock"
	if [ "${1:-}" != update ] && [ -e "$link/.complete" ]; then
		readlink -f "$link"
		return
	fi
	need_packages xz:xz-utils
	need_space 3500 "$cache/src" "the kernel source"
	private_lists || exit
	pkg=$(newest_package '^linux-source-[0-9]+\.[0-9]+$')
	[ -n "$pkg" ] || die "$E_NET" "the mirror offers no linux-source package in ${suites[*]}." \
		"Try again later, or another mirror in apt's configuration."
	rm -rf "$cache/src/new"
	fetch_deb "$pkg" "$cache/src/new"
	deb=$(echo "$cache"/src/new/*.deb)
	dir=$cache/src/linux-$(dpkg-deb -f "$deb" Version | tr -c 'A-Za-z0-9.\n' -)
	if [ ! -e "$dir/.complete" ]; then
		rm -rf "$dir" "$dir.new"
		mkdir -p "$dir.new"
		say "unpacking $pkg"
		# The pipe's end decides: a full disk shows there.
		if ! dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$pkg.tar.xz" |
				tar -xJ -C "$dir.new" --strip-components=1; then
			rm -rf "$dir.new" "$cache/src/new"
			die "$E_SPACE" "unpacking $pkg failed: is the disk full?" \
				"It needs about 2 GiB in $cache."
		fi
		touch "$dir.new/.complete"
		mv "$dir.new" "$dir"
	fi
	rm -rf "$cache/src/new"
	ln -sfn "$dir" "$link.new"
	mv -T "$link.new" "$link"
	echo "$dir"
)

# BTF needs types and not where each variable lies at each moment, which takes long to find.
kernel_flags=(KCFLAGS=-fno-var-tracking)

# patched_source SOURCE PATCH: prints the folder of SOURCE with PATCH of patches/ applied.
# All but the changed files are links to SOURCE. A source that has moved on too far is
# used as it is.
patched_source() (
	local src=$1 patch=$here/patches/$2 dir
	dir=$src-$(sha256sum < "$patch" | cut -c1-12)
	take_lock "$cache/src.lock"
	if [ ! -e "$dir/.patched" ]; then
		need_packages patch:patch
		rm -rf "$dir"
		cp -al "$src" "$dir" || die "$E_SPACE" "copying $src failed"
		if ! patch -d "$dir" -p1 -s -f --no-backup-if-mismatch < "$patch" > "$dir.log" 2>&1; then
			say "note: this source does not take $2 (see $dir.log)"
			rm -rf "$dir"
			echo "$src"
			return
		fi
		rm -f "$dir.log"
		touch "$dir/.patched"
	fi
	echo "$dir"
)

# kernel_key SOURCE ARCH FRAGMENT...: names a build.
kernel_key() {
	local src=$1 arch=$2
	shift 2
	{
		basename "$src"
		echo "$arch" "${kernel_flags[@]}"
		gcc --version | head -n 1
		(cd "$here/config" && cat "$@")
	} | sha256sum | cut -c1-12
}

# build_kernel LAB SOURCE DIRECTORY ARCH STEPS TARGETS FRAGMENT...: builds
# TARGETS of SOURCE in DIRECTORY.
build_kernel() (
	local lab=$1 src=$2 dir=$3 arch=$4 steps=$5 targets=$6 start=$SECONDS line name missing
	shift 6
	take_lock "$dir.lock"
	[ -e "$dir/complete" ] && return
	# pahole for all, though only one lab needs it: a build records the machine's version.
	need_packages gcc:gcc make:make flex:flex bison:bison bc:bc pahole:dwarves \
		/usr/include/libelf.h:libelf-dev /usr/include/openssl/ssl.h:libssl-dev \
		/usr/include/asm-generic/errno.h:linux-libc-dev /usr/include/stdio.h:libc6-dev
	need_space 3000 "$cache" "building the $lab kernel"
	mkdir -p "$dir"
	(cd "$here/config" && cat "$@") > "$dir/fragments.config"
	say "building the $lab kernel ($(basename "$src")) in $dir"
	if ! make -C "$src" O="$dir" ARCH="$arch" KCONFIG_ALLCONFIG="$dir/fragments.config" \
			allnoconfig < /dev/null > "$dir/config.log" 2>&1; then
		tail -n 20 "$dir/config.log" >&2
		die "$E_BUILD" "the $lab kernel cannot be configured; see $dir/config.log"
	fi
	# An option that this source has renamed must not vanish silently.
	while read -r line; do
		name=${line%%=*}
		[ "${line#*=}" = n ] && continue
		grep -qxF "$line" "$dir/.config" || missing+=" $name"
	done < <(tac "$dir/fragments.config" | awk -F= '/^CONFIG_/ && !seen[$1]++')
	[ -z "${missing:-}" ] || say "note: this source does not take$missing"
	# shellcheck disable=SC2086 # several targets
	if ! run_logged "$dir/build.log" "$steps" "$lab kernel" \
			make -C "$src" O="$dir" ARCH="$arch" "${kernel_flags[@]}" -j"$(nproc)" $targets; then
		grep -nE 'error|Error|No space' "$dir/build.log" | head -n 10 >&2
		if grep -q 'No space left' "$dir/build.log"; then
			die "$E_SPACE" "the disk filled up while the $lab kernel was built." \
				"Make room in $cache and run this again: it goes on where it stopped."
		fi
		die "$E_BUILD" "the $lab kernel does not build; the whole log is $dir/build.log"
	fi
	# The file that marks the build complete must reach the disk last; and a measurement
	# that follows must not run while gigabytes are written.
	sync -f "$dir"
	touch "$dir/complete"
	say "built the $lab kernel in $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
)
