# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# The labs debian-6.1, debian-6.12 and debian-newest: Debian's own kernel images,
# with vexfs built against Debian's own headers by the compiler that belongs to
# them. They show that what users have works.

# shellcheck source=scripts/lab.d/qemu.sh
. "$here/qemu.sh"

lab_grace=180
mem=1G

# Drivers that lead to the host's files, and what programs may need.
stock_modules=(virtio_pci virtio_console 9pnet_virtio 9p virtio_rng fuse)
# And to a disk, where one is asked for.
stock_disk_modules=(virtio_blk ext4)

stock_pattern() {
	case $lab in
	debian-6.1) echo '6\.1\.0-[0-9]+-amd64' ;;
	debian-6.12) echo '6\.12\.[0-9]+\+deb13-amd64' ;;
	debian-newest) echo '[0-9][0-9.]+\+deb13-amd64' ;;
	esac
}

stock_about() {
	local link=$cache/stock/$lab/current what="not fetched"
	[ ! -e "$link/.complete" ] || what="fetched: $(cat "$link/release")"
	echo "Debian's own kernel in QEMU ($what)"
}

# The newest release of which both the image and the headers are there.
stock_release() {
	local pattern release
	pattern=$(stock_pattern)
	comm -12 <(private_apt apt-cache -n search "^linux-image-$pattern\$" | awk '{ print $1 }' |
			sed 's/^linux-image-//' | sort) \
		<(private_apt apt-cache -n search "^linux-headers-$pattern\$" | awk '{ print $1 }' |
			sed 's/^linux-headers-//' | sort) | sort -V | tail -n 1
}

# stock_drivers DIR RELEASE LIST MODULE...: unpacks the modules and writes their names to LIST.
stock_drivers() {
	local new=$1 release=$2 list=$3 mod path base
	shift 3
	for mod; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -d "$new/root" -S "$release" -D "$mod" 2> /dev/null
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > "$new/order"
	: > "$new/$list"
	while read -r path; do
		base=${path##*/}
		case $base in
		*.xz) base=${base%.xz}; xz -dc "$path" > "$new/modules/$base" ;;
		*.zst) base=${base%.zst}; zstd -qdc "$path" > "$new/modules/$base" ;;
		*) cp "$path" "$new/modules/$base" ;;
		esac
		echo "$base" >> "$new/$list"
	done < "$new/order"
}

# Fetches image, drivers and headers; the headers go into the chroot.
stock_fetch() (
	local dir=$cache/stock/$lab release pkg deb root new
	local link=$dir/current
	if [ "${1:-}" != update ] && [ -e "$link/.complete" ] &&
			{ [ -z "$disk" ] || [ -e "$link/preload-disk" ]; } &&
			[ -e "$lab_chroot/usr/src/linux-headers-$(cat "$link/release")/.config" ]; then
		return
	fi
	take_lock "$dir.lock"
	need_packages xz:xz-utils zstd:zstd modprobe:kmod
	need_space 2000 "$cache" "Debian's kernel for $lab"
	private_lists || exit
	release=$(stock_release)
	[ -n "$release" ] || die "$E_NET" "the mirror has no kernel for $lab in ${suites[*]}." \
		"Try again later, or another mirror in apt's configuration."
	new=$dir/new
	rm -rf "$new"
	mkdir -p "$new/deb" "$new/root" "$new/modules"
	say "fetching Debian's kernel $release"
	for pkg in $(package_parts "linux-image-$release"; package_parts "linux-headers-$release"); do
		[ -n "$(find "$new/deb" -name "${pkg}_*")" ] || fetch_deb "$pkg" "$new/deb"
	done
	for deb in "$new"/deb/*.deb; do
		case ${deb##*/} in
		linux-headers-*|linux-kbuild-*) root=$lab_chroot ;;
		*) root=$new/root ;;
		esac
		progress "unpacking ${deb##*/}"
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$root" --keep-directory-symlink --no-same-owner ||
			die "$E_SPACE" "unpacking ${deb##*/} failed: is the disk full?"
	done
	progress_end
	cp "$new"/root/boot/vmlinuz-* "$new/vmlinuz" 2> /dev/null ||
		cp "$new/root/usr/lib/modules/$release/vmlinuz" "$new/vmlinuz" ||
		die "$E_BUILD" "the package of $release has no kernel image where one is expected"
	[ -e "$new/root/lib" ] || ln -s usr/lib "$new/root/lib"
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$new/root" "$release" 2> /dev/null
	# Each module after those it needs, unpacked, in the order to load them.
	stock_drivers "$new" "$release" preload "${stock_modules[@]}"
	stock_drivers "$new" "$release" preload-disk "${stock_disk_modules[@]}"
	[ -s "$new/preload" ] || die "$E_BUILD" "found no drivers in the package of $release"
	echo "$release" > "$new/release"
	rm -rf "$new/root" "$new/deb" "$new/order"
	touch "$new/.complete"
	rm -rf "${dir:?}/$release"
	mv "$new" "$dir/$release"
	ln -sfn "$release" "$dir/link"
	mv -T "$dir/link" "$link"
)

stock_build() {
	local dir mod
	qemu_need
	lab_chroot=$(compiler_chroot) || exit
	stock_fetch "${1:-}" || exit
	dir=$(readlink -f "$cache/stock/$lab/current")
	lab_kdir=$lab_chroot/usr/src/linux-headers-$(cat "$dir/release")
	lab_make=()
	lab_vmlinuz=$dir/vmlinuz
	lab_preload=()
	while read -r mod; do
		case " ${lab_preload[*]##*/} " in *" $mod "*) continue ;; esac
		lab_preload+=("$dir/modules/$mod")
	done < <(cat "$dir/preload" ${disk:+"$dir/preload-disk"})
	[ "$kunit" = 0 ] || die "$E_LAB" "Debian's kernels have no KUnit; use uml or debug."
}

stock_channels() { qemu_channels; }
stock_emulated() { qemu_emulated; }
stock_boot() { qemu_boot; }
