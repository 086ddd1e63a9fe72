#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion in bash with names that nobody should choose: nothing of them runs, not at
# TAB and not when the line is entered, and what is completed is right. Prints TAP; needs
# no module, since a vexctl of our own answers.
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		shift 2
		printf '# %s\n' "$@"
	fi
}

mkdir bin names
cat > names/list << 'EOT'
name                 type
$(touch${IFS}pwned)x f32
`touch${IFS}pwned`   f32
${x:=pwned}          f32
;touch${IFS}pwned;   f32
>pwned               f32
<(touch${IFS}pwned)  f32
*                    f32
~root                f32
"'\                  f32
words                f32
wo:rds:2             f32
wo.rld               f32
EOT
cat > bin/vexctl << 'EOT'
#!/bin/sh
case $* in
list) cat "$NAMES/list" ;;
tune) printf '$(touch pwned)=1\nfpu_budget_us=2\n' ;;
debug) printf 'collections/$(touch pwned)/info\nsimd\n' ;;
stats) printf '$(touch pwned)/a x 1\npool/small x 1\n' ;;
help*) printf '$(touch pwned)\n`touch pwned`\nshow\nset\n--json\n' ;;
esac
EOT
chmod +x bin/vexctl
export NAMES=$dir/names PATH=$dir/bin:$PATH

# complete TYPED...: one reply a line, as readline would ask with COMP_WORDS of the line
reply() {
	bash --norc -c '
		. "$1"
		COMP_LINE=$2 COMP_POINT=${#2}
		read -ra COMP_WORDS <<< "$2"
		[[ $2 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_vexctl
		printf "%s\n" "${COMPREPLY[@]}"' bash "$top/userspace/vexctl/etc/vexctl.bash" "$1" 2> err
}
quiet() { [ -z "$(find . -name '*pwned*')" ] && [ ! -s err ]; }
is() {	# is NAME LINE WANTED
	local got
	got=$(reply "$2")
	[ "$got" = "$3" ] && quiet
	result $? "$1" "got: ${got//$'\n'/ | }" "$(cat err)" "$(find . -name '*pwned*')"
	rm -f pwned
}

is "the beginning of a name" "vexctl show wor" "words"
is "a dot" "vexctl show wo." "wo.rld"
is "names with colons: what readline takes for the word" "vexctl show wo:r" "rds:2"
is "a second colon" "vexctl show wo:rds:" "2"
is "no name begins so" "vexctl show zz" ""
is "words of verbs" "vexctl sh" "show"
is "settings" "vexctl tune fpu" "fpu_budget_us"
is "files of debugfs" "vexctl debug si" "simd"
is "subjects" "vexctl stats po" "pool"
for line in "vexctl show " "vexctl " "vexctl tune " "vexctl debug " "vexctl stats " "vexctl index build " \
		"vexctl show \$(touch\${IFS}pwned)" "vexctl show \`touch"; do
	got=$(reply "$line")
	quiet
	result $? "TAB runs nothing: $line" "$got" "$(cat err)" "$(find . -name '*pwned*')"
	rm -f pwned
done
# Entered, each reply is one word, the name itself.
mapfile -t all < <(reply "vexctl show ")
mapfile -t names < <(awk 'NR > 1 { print $1 }' names/list)
for i in "${!names[@]}"; do
	for r in "${all[@]}"; do
		word=$(x='' bash --norc -c "printf '<%s>' $r" 2> /dev/null)
		[ "$word" != "<${names[i]}>" ] || break
	done
	[ "$word" = "<${names[i]}>" ] && quiet
	result $? "entered it is the name: ${names[i]}" "$word"
	rm -f pwned
done
echo "1..$n"
