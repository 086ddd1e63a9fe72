#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The verbs of the control plane as a user types them: text, JSON that a strict
# parser reads whatever happens, exit codes, a terminal narrow and wide. And the
# kernel's own ynl, which must be able to drive the family from our specification.
#
# usage: e2e_control.sh KERNEL-SOURCE

src=$1
n=0
ok() { # COMMAND...: what it is for comes in $what
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
is() { [ "$1" = "$2" ] || { echo "# got '$1', expected '$2'"; return 1; }; }
has() { grep -q -- "$2" <<< "$1" || { echo "# no '$2' in: $1"; return 1; }; }
# Strict, one value and nothing around it.
json() {
	/usr/bin/python3 -c '
import json, sys
def refuse(what): raise ValueError(what)
text = sys.stdin.read()
values = [text] if sys.argv[1] == "1" else text.splitlines()
for v in values:
	d = json.loads(v, parse_constant=refuse)
	assert isinstance(d, dict) and d["schema_version"] == 1, v
' "${2:-1}" <<< "$1" 2> /dev/null || { echo "# not JSON: $1"; return 1; }
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for verb in "status" "stats" "stats pool" "selftest" "tune" "tune simd" "tune fpu_budget_us=50" \
		"tune -n simd=scalar" "tune --defaults" "reset all" "module info"; do
	what="vexctl $verb -j is JSON and exits with 0"
	out=$(vexctl $verb -j 2> /dev/null); code=$?
	ok eval 'json "$out" && is $code 0'
	what="vexctl $verb -j -p is the same JSON"
	ok eval 'json "$(vexctl $verb -j -p 2> /dev/null)"'
done
vexctl create seen --dim 4 && vexctl drop seen
what="events -j is JSON and has the drop"
ok eval 'json "$(vexctl events -j)" && has "$(vexctl events -j)" collection-dropped'

for verb in "stats nonsense" "reset nonsense" "tune nonsense" "tune nonsense=1" \
		"tune fpu_budget_us=1" "tune fpu_budget_us=x" "tune --file $tmp/none" \
		"tune fpu_budget_us=20 pool.smal=512"; do
	what="vexctl $verb -j prints its error as JSON and as text, and exits with 1"
	out=$(vexctl $verb -j 2> "$tmp/err"); code=$?
	ok eval 'json "$out" && is $code 1 && [ -s "$tmp/err" ] && has "$out" "\"error\""'
done
for verb in "stats -w x" "stats a b" "tune a b=1" "top -d 0" "nonsense" "apply x"; do
	what="vexctl $verb is refused with exit code 2"
	out=$(vexctl $verb 2> /dev/null); code=$?
	ok is "$code" 2
done

what="tune with an unknown second key leaves the first unchanged"
ok has "$(vexctl tune fpu_budget_us)" 'fpu_budget_us=50'
what="tune suggests the nearest key for an unknown one"
ok has "$(vexctl tune fpu_budget_us=20 pool.smal=512 2>&1)" "did you mean 'pool_small'"
what="tune changes two settings in one transaction"
vexctl tune fpu_budget_us=20 pool.small=512
ok eval 'has "$(vexctl tune)" "^fpu_budget_us=20" && has "$(vexctl tune)" "^pool_small=512"'

# ---- the configuration file ----
cat > "$tmp/good.conf" <<-'EOT'
	# a comment
	[performance_optimizations.memory_pools]
	small = 256
	pool_medium = 96
	[performance_optimizations.simd]
	simd = scalar
	fpu_budget_us = 40
	[performance_optimizations.stack]
	limit = 4096
	[targets]
	anything = 5
EOT
what="tune --file --dry-run lists changes and makes none"
out=$(vexctl tune --file "$tmp/good.conf" --dry-run)
ok eval 'has "$out" "pool_small: 512 -> 256" && has "$out" "simd: .* -> scalar" && has "$(vexctl tune)" "^pool_small=512"'
what="tune --file changes the settings of the file"
vexctl tune --file "$tmp/good.conf"
out=$(vexctl tune)
ok eval 'has "$out" "^pool_small=256" && has "$out" "^pool_medium=96" && has "$out" "^simd=scalar" && has "$out" "^stack_limit=4096"'
what="status exits with 1 and warns when SIMD is off"
out=$(vexctl status); code=$?
ok eval 'is $code 1 && has "$out" "attention: the arithmetic"'
printf '[performance_optimizations.memory_pools]\nmedium = 50\nsmal = 5\n' > "$tmp/bad.conf"
what="tune --file names file, line and nearest key of an unknown key"
out=$(vexctl apply --file "$tmp/bad.conf" 2>&1); code=$?
ok eval 'is $code 1 && has "$out" "bad.conf:3: there is no setting" && has "$out" "pool_small" && has "$(vexctl tune)" "^pool_medium=96"'
printf '[performance_optimizations.memry_pools]\n' > "$tmp/bad.conf"
what="apply names the line of an unknown section and suggests a section"
ok has "$(vexctl apply --file "$tmp/bad.conf" 2>&1)" "bad.conf:1: there is no section .*did you mean"
what="apply --dry-run lists changes, with those back to defaults, and makes none"
printf '[performance_optimizations]\nfpu_budget_us = 60\n' > "$tmp/one.conf"
before=$(vexctl -j tune)
out=$(vexctl apply --file "$tmp/one.conf" --dry-run)
ok eval 'is "$(sed "s/ [a-zA-Z]*$//" <<< "$out" | sort)" "$(printf "%s\n" "fpu_budget_us: 40 -> 60" \
	"pool_medium: 96 -> 64" "pool_small: 256 -> 128" "simd: scalar ->" "stack_limit: 4096 -> 3072")" &&
	is "$before" "$(vexctl -j tune)"'
what="apply sets what the file does not name to its default"
vexctl apply --file "$tmp/one.conf"
out=$(vexctl tune)
ok eval 'has "$out" "^fpu_budget_us=60" && has "$out" "^pool_small=128" && has "$out" "^stack_limit=3072"'
what="apply --dry-run lists nothing after apply"
ok eval 'is "$(vexctl apply --file "$tmp/one.conf" -n)" "" && has "$(vexctl -j apply --file "$tmp/one.conf" -n)" "\"changes\":\[\]"'
what="the installed configuration equals the defaults"
vexctl tune --defaults
ok eval 'vexctl tune --file userspace/vexctl/etc/vexfs.conf.default && is "$(vexctl tune --defaults -j)" "$(vexctl tune --defaults -j)" && is "$(vexctl tune --file userspace/vexctl/etc/vexfs.conf.default -n)" ""'

what="with accounting=0 counters do not change, and status and the file summary say so"
vexctl tune --defaults
vexctl tune accounting=0
# shellcheck disable=SC2034 # used in the eval below
before=$(vexctl stats op | grep "^op/list count")
vexctl list
# shellcheck disable=SC2034
after=$(vexctl stats op | grep "^op/list count")
out=$(vexctl status); code=$?
ok eval 'is "$before" "$after" && is $code 1 && has "$out" "attention: ops are not counted" &&
	is "$(grep ^attention /sys/kernel/debug/vexfs/summary)" "$(grep ^attention <<< "$out")"'
vexctl tune --defaults

what="a refused write to a parameter changes nothing"
before=$(vexctl -j tune)
for bad in stack_limit=1 stack_limit=x pool_small=9999999 simd=abacus fpu_budget_us=0 device_mode=5; do
	{ echo "${bad#*=}" > "/sys/module/vexfs/parameters/${bad%=*}"; } 2> /dev/null && echo "# $bad was taken"
done
# shellcheck disable=SC2034
after=$(vexctl -j tune)
ok is "$before" "$after"

# ---- terminals ----
vexctl create a-collection-with-a-name --dim 4
vexctl create b --dim 4
vexctl tune stack_alarm=2700
# shows TERMINAL PATTERN: the terminal shows it, now or soon, whatever else the machine does.
shows() {
	local i=0
	until tmux -L "$1" capture-pane -p 2> /dev/null | grep -q -- "$2"; do
		i=$((i + 1))
		[ $i -lt 300 ] || return 1
		sleep 0.1
	done
}
# screen WIDTH VARIABLE=VALUE COMMAND: what a terminal shows of it, in $tmp/screen; with
# lines that were broken by the terminal joined in $tmp/joined, with colours in $tmp/raw.
# Each has a server of its own: one that is just leaving would take the next along.
serial=0
screen() {
	local at=e2e.$((serial += 1))
	tmux -L $at new-session -d -x "$1" -y 900 "export TERM=xterm $2; vexctl $3; echo left-with-\$?; sleep 60"
	shows $at left-with
	tmux -L $at capture-pane -p > "$tmp/screen"
	tmux -L $at capture-pane -pJ | sed 's/ *$//' > "$tmp/joined"
	tmux -L $at capture-pane -pe > "$tmp/raw"
	tmux -L $at kill-server
	sed -i 's/ *$//' "$tmp/screen"
}
for width in 40 200; do
	for verb in status list tune selftest "tune --help" "--help" "module --help"; do
		what="$verb breaks no line on a terminal of $width columns"
		screen $width VEX=1 "$verb"
		ok eval 'cmp "$tmp/screen" "$tmp/joined" && has "$(cat "$tmp/screen")" left-with-0'
	done
	what="list prints as many whole columns as fit into $width"
	screen $width VEX=1 list
	out=$(cat "$tmp/screen")
	ok eval 'has "$out" "^a-collection-with-a-name f32" && has "$out" "^name  *type" &&
		if [ $width = 40 ]; then ! grep -q bytes <<< "$out"; else has "$out" "bytes  mode "; fi'
	what="top fits a terminal of $width columns"
	tmux -L e2e$width new-session -d -x $width -y 40 "TERM=xterm vexctl top -d 0.2; echo left-with-\$?; sleep 60"
	shows e2e$width '^COLLECTION'
	out=$(tmux -L e2e$width capture-pane -p)
	# shellcheck disable=SC2034 # used in the eval below
	longest=$(awk '{ if (length($0) > l) l = length($0) } END { print l + 0 }' <<< "$out")
	ok eval 'has "$out" "OP " && has "$out" "small" && [ "$longest" -le $width ]'
	what="the key n sorts top by name"
	tmux -L e2e$width send-keys n
	sleep 1.5
	out=$(tmux -L e2e$width capture-pane -p | awk '/^OP /{ on = 1; next } /^POOL/{ on = 0 } on && !/^(vector|semantic|fuse|control) / { print $1 }')
	ok eval '[ -n "$out" ] && is "$out" "$(sort <<< "$out")"'
	what="the key q leaves top and restores the screen"
	tmux -L e2e$width send-keys q
	shows e2e$width left-with
	out=$(tmux -L e2e$width capture-pane -p)
	ok eval 'has "$out" left-with-0 && ! grep -q "^OP " <<< "$out"'
	tmux -L e2e$width kill-server
done
# shellcheck disable=SC2034 # used in the evals below
esc=$(printf '\033')
what="on a terminal good states are green and changed settings are yellow"
screen 80 VEX=1 status
out=$(cat "$tmp/raw")
screen 80 VEX=1 tune
ok eval 'has "$out" "$esc\[32mall is well" && grep -q "$esc\[33mstack_alarm=2700" "$tmp/raw"'
what="there are no colours with NO_COLOR or on a dumb terminal"
screen 80 NO_COLOR=1 status
out=$(cat "$tmp/raw")
screen 80 TERM=dumb list
ok eval '! grep -q "$esc" <<< "$out" && ! grep -q "$esc" "$tmp/raw" && has "$out" "all is well"'
what="there are no colours when the output is not a terminal"
ok eval '! { vexctl status; vexctl list; vexctl tune; } | grep -q "$esc"'
vexctl drop a-collection-with-a-name
vexctl drop b
vexctl tune --defaults
what="top without a terminal names the alternative"
ok has "$(vexctl top 2>&1 < /dev/null)" "stats -w"
what="events -f prints an event when it is raised"
timeout 30 vexctl events -f > "$tmp/events" & follower=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	vexctl create followed --dim 4
	vexctl drop followed
	sleep 0.4
	grep -q collection-created "$tmp/events" && break
done
kill -INT $follower
wait $follower
ok eval 'is $? 0 && has "$(cat "$tmp/events")" "collection-created followed"'
what="stats -w ends on SIGINT"
timeout -s INT 1 vexctl stats pool -w 0.2 > "$tmp/watch"; code=$?
ok eval '[ $(grep -c "pool/small size" "$tmp/watch") -ge 2 ]'

# ---- the kernel's own tool ----
ynl() { /usr/bin/python3 "$src/tools/net/ynl/pyynl/cli.py" --spec docs/netlink/vexfs.yaml --no-schema --output-json "$@"; }
what="ynl dumps statistics"
ok eval '/usr/bin/python3 -c "import json,sys; d=json.load(sys.stdin); assert len(d) > 20 and all(\"counter\" in r for r in d)" < <(ynl --dump stats-get)'
what="ynl reads the state of the module"
ok has "$(ynl --do module-get)" '"version"'
what="ynl creates, reads, changes and drops a collection"
ynl --do collection-new --json '{"name":"y","dim":4,"type":1,"metric":1}' > /dev/null
ynl --do collection-set --json '{"name":"y","mode":416}' > /dev/null
ok eval 'has "$(ynl --do collection-get --json "{\"name\":\"y\"}")" "\"mode\": 416" && has "$(ynl --dump collection-get)" "\"y\"" && ynl --do collection-del --json "{\"name\":\"y\"}" > /dev/null'
what="ynl sets and reads a setting"
ynl --do tunable-set --json '{"setting":[{"key":"fpu_budget_us","value":33},{"key":"simd","text":"auto"}]}' > /dev/null
ok has "$(ynl --do tunable-get --json '{"key":"fpu_budget_us"}')" '"value": 33'
what="ynl dumps settings, reads statistics, resets, tests and listens"
ok eval 'has "$(ynl --dump tunable-get)" pool_small && has "$(ynl --do stats-get --json "{\"subject\":\"pool\",\"row\":\"small\"}")" hits && ynl --do reset --json "{\"subject\":\"all\"}" > /dev/null && has "$(ynl --do selftest)" "\"failed\": 0" && has "$(ynl --dump event-get)" tunables-changed'
what="ynl prints the message of a refusal"
ok has "$(ynl --do tunable-get --json '{"key":"nonsense"}' 2>&1)" "no such setting"

# ---- subscribed while the module goes ----
what="the module is unloaded while a subscriber listens"
timeout 20 vexctl events -f > /dev/null & follower=$!
sleep 0.5
ok vexctl module unload
kill -INT $follower
wait $follower
what="status without the module prints an error and exits with 3"
out=$(vexctl status -j 2> "$tmp/err"); code=$?
ok eval 'is $code 3 && json "$out" && has "$(cat "$tmp/err")" "not loaded"'
what="module info without the module exits with 3"
out=$(vexctl module info); code=$?
ok eval 'is $code 3 && has "$out" "not loaded"'
echo "1..$n"
