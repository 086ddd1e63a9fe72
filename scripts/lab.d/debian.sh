# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# Debian packages that the machine's own suite does not have: kernel sources,
# kernel images, headers, a chroot with the matching compiler. They come through
# a private apt directory in the cache; the machine's own apt is never touched.

suites=(trixie trixie-backports)
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
		-o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# Package lists of the private directory, made anew when they are a day old.
private_lists() {
	apt=$cache/apt
	need_packages /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
	take_lock "$cache/apt.lock"
	if [ -e "$apt/fresh" ] && [ -n "$(find "$apt/fresh" -mmin -1440)" ]; then
		return
	fi
	local mirror suite
	mirror=$(debian_mirror) || exit
	mkdir -p "$apt"/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial}
	# Proxies and timeouts that the machine's apt knows hold here as well.
	apt-config dump | grep -E '^Acquire::(http|https|Retries)' > "$apt/etc/apt.conf.d/machine" || :
	: > "$apt/status"
	for suite in "${suites[@]}"; do
		echo "deb [signed-by=$keyring] $mirror $suite main"
	done > "$apt/etc/sources.list"
	progress "reading the package lists of ${suites[*]}"
	if ! private_apt apt-get update -o APT::Update::Error-Mode=any > "$apt/log" 2>&1; then
		progress_end
		grep -E '^[EW]:' "$apt/log" | head -3 >&2
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

# newest_package SUITE REGEX: the name of the newest package that matches.
newest_package() {
	private_apt apt-cache -n search "$2" | awk '{ print $1 }' | sort -V | tail -1
}

# fetch_deb PACKAGE[=VERSION|/SUITE] DIRECTORY
fetch_deb() {
	mkdir -p "$2"
	progress "downloading $1"
	(cd "$2" && private_apt apt-get download "$1" > "$apt/log" 2>&1) || {
		progress_end
		grep -E '^[EW]:' "$apt/log" | head -3 >&2
		die "$E_NET" "downloading $1 failed; see above." \
			"Check the network ('apt-get update' must work) and the space in $2, then run this again."
	}
	progress_end
}
