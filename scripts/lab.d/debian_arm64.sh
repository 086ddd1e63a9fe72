# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# vexfs for Debian's newest arm64 kernel, by a cross compiler. It is built and not run:
# that kernel has no KUnit, and programs of this machine do not run there. See arm64.sh.

debian_arm64_about() {
	local link=$cache/stock/arm64 what="not fetched"
	[ ! -e "$link" ] || what="fetched: $(< "$link")"
	echo "builds for Debian's newest arm64 kernel; cannot run ($what)"
}

# Headers of arm64 and the programs of amd64 that a build needs go into the chroot.
debian_arm64_fetch() (
	local note=$cache/stock/arm64 new=$cache/stock/arm64.new release pkg deb
	if [ "${1:-}" != update ] && [ -e "$note" ] &&
			[ -e "$lab_chroot/usr/src/linux-headers-$(< "$note")/.config" ] &&
			[ -e "$lab_chroot/usr/bin/aarch64-linux-gnu-gcc-14" ]; then
		return
	fi
	mkdir -p "$cache/stock"
	take_lock "$note.lock"
	need_space 1000 "$cache" "Debian's arm64 headers"
	rm -rf "$new"
	mkdir -p "$new"
	release=$(
		apt_arch=arm64 apt_home=$cache/apt-arm64
		private_lists || exit
		release=$(private_apt apt-cache -n search '^linux-headers-[0-9][0-9.]+\+deb13-arm64$' |
			awk '{ print $1 }' | sed 's/^linux-headers-//' | sort -V | tail -n 1)
		[ -n "$release" ] || exit 1
		for pkg in $(package_parts "linux-headers-$release" | grep -v ^linux-kbuild); do
			fetch_deb "$pkg" "$new" || exit
		done
		echo "$release"
	) || die "$E_NET" "the mirror has no arm64 kernel in ${suites[*]}." \
		"Try again later, or another mirror in apt's configuration."
	private_lists || exit
	fetch_deb "linux-kbuild-${release%-arm64}" "$new" || exit
	say "fetching Debian 13's cross compiler for arm64"
	private_apt apt-get install --download-only --no-install-recommends -y \
		gcc-14-aarch64-linux-gnu > "$apt/log" 2>&1 ||
		die "$E_NET" "downloading gcc-14-aarch64-linux-gnu failed; see $apt/log" \
			"Check the network ('apt-get update' must work), then run this again."
	# Libraries of this machine's own architecture are in the chroot already.
	for deb in "$new"/*.deb "$apt"/cache/archives/*{aarch64-linux-gnu,arm64-cross,cross-base}*.deb; do
		progress "unpacking ${deb##*/}"
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$lab_chroot" --keep-directory-symlink --no-same-owner ||
			die "$E_SPACE" "unpacking ${deb##*/} failed: is the disk full?"
	done
	progress_end
	rm -rf "$new" "$apt"/cache/archives/*.deb
	echo "$release" > "$note"
)

debian_arm64_build() {
	lab_chroot=$(compiler_chroot) || exit
	debian_arm64_fetch "${1:-}" || exit
	lab_kdir=$lab_chroot/usr/src/linux-headers-$(< "$cache/stock/arm64")
	lab_make=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-14)
	[ "$kunit" = 0 ] || die "$E_LAB" "debian-arm64 only builds; use arm64, uml or debug for KUnit."
}
