# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# Debian packages that the machine's own suite does not have: kernel sources,
# kernel images, headers, a chroot with the matching compiler. They come through
# a private apt directory in the cache; the machine's own apt is never touched.

suites=(bookworm bookworm-security trixie trixie-backports)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror this machine already uses, so that a local mirror or proxy works.
# shellcheck disable=SC2016 # the dollar signs are apt's
debian_mirror() {
	local uri
	uri=$(apt-get indextargets --format '$(REPO_URI) $(LABEL) $(ORIGIN)' 2> /dev/null |
		awk '$1 ~ /^http/ && $1 !~ /security/ && $NF == "Debian" { print $1; exit }')
	[ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI)' 2> /dev/null |
		awk '/\/debian\/?$/ { print; exit }')
	[ -n "$uri" ] || uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null |
		awk '/^URIs:/ && /\/debian\/?$/ { print $2; exit }
		     /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /\/debian\/?$/) { print $i; exit } }')
	[ -n "$uri" ] || die "$E_NET" "apt on this machine knows no Debian mirror." \
		"Add one to /etc/apt/sources.list.d and run 'apt-get update'."
	echo "${uri%/}"
}

private_apt() {
	local tool=$1
	shift
	"$tool" -o Dir::Etc="$apt/etc" -o Dir::Etc::sourcelist="$apt/etc/sources.list" \
		-o Dir::Etc::sourceparts=- -o Dir::State="$apt/state" \
		-o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
		${apt_arch:+-o APT::Architecture=$apt_arch -o APT::Architectures=$apt_arch} \
		-o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# Package lists of the private directory, made anew when they are a day old.
# A caller who wants other suites, or sources, sets suites, apt_home and apt_sources.
private_lists() {
	apt=${apt_home:-$cache/apt}
	need_packages /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
	take_lock "$apt.lock"
	if [ -e "$apt/fresh" ] && [ -n "$(find "$apt/fresh" -mmin -1440)" ]; then
		return
	fi
	local mirror suite uri
	mirror=$(debian_mirror) || exit
	mkdir -p "$apt"/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial}
	# Proxies and timeouts that the machine's apt knows hold here as well.
	apt-config dump | grep -E '^Acquire::(http|https|Retries)' > "$apt/etc/apt.conf.d/machine" || :
	: > "$apt/status"
	for suite in "${suites[@]}"; do
		uri=$mirror
		# Security updates live beside the main archive.
		[[ $suite != *-security ]] || uri=${mirror%/*}/debian-security
		echo "deb [signed-by=$keyring] $uri $suite main"
		[ "${apt_sources:-0}" = 0 ] || echo "deb-src [signed-by=$keyring] $uri $suite main"
	done > "$apt/etc/sources.list"
	progress "reading the package lists of ${suites[*]}"
	if ! private_apt apt-get update -o APT::Update::Error-Mode=any > "$apt/log" 2>&1; then
		progress_end
		grep -E '^[EW]:' "$apt/log" | head -n 3 >&2
		if [ -e "$apt/fresh" ]; then
			say "cannot refresh the package lists; going on with those of $(date -r "$apt/fresh" +%F)"
			return
		fi
		die "$E_NET" "cannot read the package lists of ${suites[*]} from $mirror." \
			"Check the network and the proxy of apt ('apt-get update' must work), then run this again."
	fi
	progress_end
	touch "$apt/fresh"
}

# newest_package REGEX: the name of the newest package that matches.
newest_package() {
	private_apt apt-cache -n search "$1" | awk '{ print $1 }' | sort -V | tail -n 1
}

# fetch_deb PACKAGE[=VERSION|/SUITE] DIRECTORY
fetch_deb() {
	mkdir -p "$2"
	progress "downloading $1"
	(cd "$2" && private_apt apt-get download "$1" > "$apt/log" 2>&1) || {
		progress_end
		grep -E '^[EW]:' "$apt/log" | head -n 3 >&2
		die "$E_NET" "downloading $1 failed; see above." \
			"Check the network ('apt-get update' must work) and the space in $2, then run this again."
	}
	progress_end
}

# package_parts PACKAGE: it and the packages of the same kernel it depends on.
package_parts() {
	local todo=("$1") seen=" $1 " pkg dep
	while [ ${#todo[@]} -gt 0 ]; do
		pkg=${todo[0]}
		todo=("${todo[@]:1}")
		echo "$pkg"
		for dep in $(private_apt apt-cache depends "$pkg" |
				awk '$1 == "Depends:" || $1 == "|Depends:" { print $2 }' |
				grep -E '^linux-(binary|modules|headers|kbuild|image|base)-[0-9]' |
				grep -v -e -unsigned -e -image-.*-dbg); do
			[[ $seen != *" $dep "* ]] || continue
			seen+="$dep "
			todo+=("$dep")
		done
	done
}

# The compilers of Debian 13 in a folder of their own: packages and all they
# depend on, unpacked, not installed, so that no root is needed. Prints it.
chroot_packages=(base-files bash coreutils dash sed grep mawk findutils perl diffutils gzip
	xz-utils zstd make gcc-14 gcc-12 libc6-dev libelf1t64 libssl3t64 zlib1g pahole kmod
	clang-19 flex bison bc m4)
compiler_chroot() (
	local key dir deb n=0 total
	key=$(echo "${suites[*]} ${chroot_packages[*]}" | sha256sum | cut -c1-12)
	dir=$cache/chroot/$key
	[ -e "$dir/.complete" ] && { echo "$dir"; return; }
	take_lock "$dir.lock"
	[ -e "$dir/.complete" ] && { echo "$dir"; return; }
	need_space 2500 "$cache" "the chroot with Debian 13's compilers"
	private_lists || exit
	say "fetching Debian 13's compilers"
	if ! private_apt apt-get install --download-only --no-install-recommends -y \
			"${chroot_packages[@]}" > "$apt/log" 2>&1; then
		grep -E '^[EW]:' "$apt/log" | head -n 3 >&2
		die "$E_NET" "downloading Debian 13's compilers failed; see above." \
			"Check the network ('apt-get update' must work), then run this again."
	fi
	rm -rf "$dir" "$dir.new"
	mkdir -p "$dir.new"
	total=$(find "$apt/cache/archives" -name '*.deb' | wc -l)
	# base-files first: it carries the links of the merged /usr.
	for deb in "$apt"/cache/archives/base-files_*.deb "$apt"/cache/archives/*.deb; do
		progress "unpacking $((n += 1)) of $total packages"
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir.new" --keep-directory-symlink \
			--no-same-owner || die "$E_SPACE" "unpacking ${deb##*/} failed: is the disk full?"
	done
	progress_end
	ln -sf mawk "$dir.new/usr/bin/awk"
	mkdir -p "$dir.new/proc" "$dir.new/dev" "$dir.new/tmp"
	touch "$dir.new/.complete"
	mv "$dir.new" "$dir"
	rm -f "$apt"/cache/archives/*.deb
	echo "$dir"
)

# run_in_chroot DIRECTORY COMMAND...: runs it there, with the project and the cache
# visible at their own places. With chroot_exec=exec it takes the place of this shell.
run_in_chroot() {
	local root=$1 wrap=(unshare --mount)
	shift
	[ "$(id -u)" = 0 ] || wrap=(unshare --user --map-root-user --mount)
	# shellcheck disable=SC2016 # for the inner shell
	${chroot_exec:-} "${wrap[@]}" sh -c 'root=$1; shift
		for dir in /dev /proc "$1" "$2"; do
			mkdir -p "$root$dir" && mount --rbind "$dir" "$root$dir" || exit 1
		done
		shift 2
		exec chroot "$root" "$@"' sh "$root" "$top" "$cache" \
		/usr/bin/env -i PATH=/usr/bin:/usr/sbin HOME=/tmp LANG=C "$@"
}
