# SPDX-License-Identifier: GPL-2.0
# Completion of vexctl for bash. The words come from vexctl's own table of verbs.

_vexctl() {
	local words=("${COMP_WORDS[@]:1:COMP_CWORD-1}") cur=${COMP_WORDS[COMP_CWORD]} plain=() w
	for w in "${words[@]}"; do
		[[ $w == -* ]] || plain+=("$w")
	done
	mapfile -t COMPREPLY < <(compgen -W "$(vexctl help --words "${plain[*]}" 2> /dev/null)" -- "$cur")
	case ${plain[0]:-} in
	tune)
		[[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -W \
			"$(vexctl tune 2> /dev/null | cut -d= -f1)" -- "$cur") ;;
	debug)
		[[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -W \
			"$(vexctl debug 2> /dev/null)" -- "$cur") ;;
	stats|reset)
		[[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -W \
			"$(vexctl stats 2> /dev/null | sed 's|[/ ].*||' | sort -u)" -- "$cur") ;;
	import|export)
		[[ $cur == -* || ${#plain[@]} -lt 2 ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
	case ${plain[*]:-} in
	show|set|drop|put|get|delete|distance|search|import|export|near-duplicates|classify|check|index\ *)
		[[ $cur == -* ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W \
			"$(vexctl list 2> /dev/null | awk 'NR > 1 { print $1 }')" -- "$cur") ;;
	esac
}
complete -o default -F _vexctl vexctl
