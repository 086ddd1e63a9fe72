#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: run_static_stack_analysis.sh

	From the build of "make PROFILE=1" for the uml lab: the deepest path of calls below
	each function that begins an op (scripts/stack-report), the largest frames, and the
	largest structures (pahole). Results: build/profiling/static: report.json, paths,
	frames, structures. Status: 0 complete, 1 partial, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
case ${1:-} in
'') ;;
-h|--help) usage; exit 0 ;;
*) wrong "unknown option $1" ;;
esac
begin static
"$lab" build uml --profile 2>&1 | grep -v 'is ready' >&2
built=build/module/uml-profile
[ -e "$built/vexfs.ko" ] || { lacking "the module does not build with PROFILE=1"; finish; }
# 1: an entry is above the budget, which the report says
scripts/stack-report --paths --json "$dir/report.json" "$built" > "$dir/paths" 2> "$dir/messages" ||
	[ $? = 1 ] || lacking "the call graph cannot be read: $(tail -n 1 "$dir/messages")"
unresolved=$(grep -c 'not resolved' "$dir/paths")
[ "$unresolved" -le 1 ] || lacking "the call graph has gaps: $((unresolved - 1)) calls through pointers are not resolved, see $dir/paths"
find "$built/kmod" -name '*.su' -exec cat {} + | grep 'kmod/' | awk -F '\t' '{ print $2, $1, $3 }' |
	sort -rn > "$dir/frames"
if have pahole dwarves; then
	# size, holes, name
	if pahole --sizes "$built/vexfs.ko" 2> "$dir/pahole.err" | grep -P '^(vexfs|graph|pool|tier|op|coll|idmap|extent)' |
			sort -t "$(printf '\t')" -k2 -rn > "$dir/structures" && [ -s "$dir/structures" ]; then
		pahole --btf_encode_detached="$dir/vexfs.btf" "$built/vexfs.ko" 2>> "$dir/pahole.err" ||
			say "pahole makes no BTF of the module: $(tail -n 1 "$dir/pahole.err")"
	else
		lacking "pahole names no structures: $(tail -n 1 "$dir/pahole.err")"
	fi
else
	lacking "pahole is missing: sizes of structures are not known"
fi
grep -E '^(entry|recursion|call through|[a-z_]+ +kmod/|[0-9]+ entries)' "$dir/paths"
finish
