# SPDX-License-Identifier: GPL-2.0
# Completion of vexctl for bash. The words come from vexctl's own table of verbs, the names
# from vexctl and whoever chose them: they are text here, never evaluated (compgen -W would),
# and go onto the command line quoted.

# The lines of standard input that begin with what was typed, quoted, into COMPREPLY.
# "add" keeps what is there.
_vexctl_reply() {
	local line quoted typed=$cur
	[[ ${1:-} == add ]] || COMPREPLY=()
	# What was typed may be quoted itself; readline takes words apart at colons.
	typed=${typed//\\/}
	typed=${typed#[\"\']}
	while IFS= read -r line; do
		[[ -n $line && $line == "$typed"* ]] || continue
		printf -v quoted %q "$line"
		[[ $COMP_WORDBREAKS != *:* || $typed != *:* ]] || quoted=${quoted#"${typed%"${typed##*:}"}"}
		COMPREPLY+=("$quoted")
	done
}

_vexctl() {
	local cur words=() plain=() w line=${COMP_LINE:0:COMP_POINT}
	cur=${line##*[[:space:]]}
	read -ra words <<< "${line%"$cur"}"
	for w in "${words[@]:1}"; do
		[[ $w == -* ]] || plain+=("$w")
	done
	_vexctl_reply < <(vexctl help --words "${plain[*]}" 2> /dev/null)
	[[ $cur != -* ]] || return 0
	case ${plain[0]:-} in
	tune) _vexctl_reply < <(vexctl tune 2> /dev/null | cut -d= -f1) ;;
	debug) _vexctl_reply < <(vexctl debug 2> /dev/null) ;;
	stats|reset) _vexctl_reply < <(vexctl stats 2> /dev/null | sed 's|[/ ].*||' | sort -u) ;;
	import|export)
		[[ ${#plain[@]} -lt 2 ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
	case ${plain[*]:-} in
	show|set|drop|put|get|delete|distance|search|import|export|near-duplicates|classify|check|index\ *)
		_vexctl_reply add < <(vexctl list 2> /dev/null | awk 'NR > 1 { print $1 }') ;;
	esac
}
complete -o default -F _vexctl vexctl
