#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Compile each probe of a list with the kernel's own compiler and flags, and
# write a header that says which ones compiled.
#
# usage: probe.sh PROBES OUTPUT COMPILER [FLAG...]
#
# The list has one probe a paragraph: a line "NAME: headers", then lines of C
# that stand inside a function. HAVE_NAME is defined when they compile.

set -eu

probes=$1
out=$2
shift 2

# The probes are syntax checks: dependency files and profiling would only get in
# the way.
n=$#
while [ "$n" -gt 0 ]; do
	case $1 in
	-Wp,-M*) ;;
	*) set -- "$@" "$1" ;;
	esac
	shift
	n=$((n - 1))
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

awk -v dir="$tmp" '
function finish() {
	if (name != "")
		printf "}\n" > file
	close(file)
	name = ""
}
/^#/ { next }
/^$/ { finish(); next }
/^[A-Z0-9_]+:/ {
	finish()
	name = substr($1, 1, length($1) - 1)
	file = dir "/" name ".c"
	for (i = 2; i <= NF; i++)
		printf "#include <%s>\n", $i > file
	printf "void vexfs_probe(void);\nvoid vexfs_probe(void)\n{\n" > file
	next
}
{ print > file }
END { finish() }
' "$probes"

# Warnings count as failures, except those that probes cannot help.
set -- "$@" -Werror -Wframe-larger-than=1048576 -Wno-unused -Wno-missing-declarations

# A probe that must compile on every kernel tells a broken set-up from a
# missing feature.
printf '#include <linux/module.h>\nint vexfs_probe_zero;\n' > "$tmp/zero.c"
if ! "$@" -fsyntax-only "$tmp/zero.c" 2> "$tmp/zero.err"; then
	cat "$tmp/zero.err" >&2
	echo "probe.sh: the kernel's headers do not compile; see above" >&2
	exit 1
fi

{
	echo "/* Made by kmod/compat/probe.sh from probes.txt. Do not edit. */"
	echo "#ifndef _VEXFS_FEATURES_H"
	echo "#define _VEXFS_FEATURES_H"
	echo
	for f in "$tmp"/[A-Z]*.c; do
		[ -e "$f" ] || continue
		name=$(basename "$f" .c)
		if "$@" -fsyntax-only "$f" > "$tmp/$name.log" 2>&1; then
			echo "#define HAVE_$name 1"
		else
			echo "/* no HAVE_$name */"
		fi
	done
	echo
	echo "#endif"
} > "$out.tmp"
mv "$out.tmp" "$out"
