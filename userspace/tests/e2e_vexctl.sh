#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vexctl as a user types it, in a lab: import, search, export, compare, drop; what
# -j prints; exit codes. Prints TAP. Needs vexctl and brute in build/, and jq.

set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PATH=$top/build/bin:$PATH
brute=$top/build/test-bin/brute
dir=$(mktemp -d)
n=0
trap 'rm -rf "$dir"; vexctl drop t > /dev/null 2>&1' EXIT
cd "$dir" || exit 1

# check NAME COMMAND...: the command succeeds.
check() {
	local name=$1 got
	shift
	n=$((n + 1))
	"$@" > out 2> err
	got=$?
	if [ $got -eq 0 ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# $*: status $got"
		head -3 out err | sed 's/^/# /'
	fi
}

# status CODE WORDS COMMAND...: it ends with CODE and says WORDS on stderr.
status() {
	local want=$1 words=$2 got
	shift 2
	n=$((n + 1))
	"$@" > out 2> err
	got=$?
	if [ $got = "$want" ] && grep -q -- "$words" err; then
		echo "ok $n - status $want: $*"
	else
		echo "not ok $n - status $want: $*"
		echo "# got $got: $(head -1 err)"
	fi
}

# json FILTER COMMAND...: prints one JSON value and nothing else, for which jq's
# FILTER is true, whatever the exit status.
json() {
	local filter=$1
	shift
	n=$((n + 1))
	"$@" > out 2> err
	if [ "$(jq -s "length == 1 and (.[0] | $filter)" out 2>&1)" = true ]; then
		echo "ok $n - json: $*"
	else
		echo "not ok $n - json: $*"
		echo "# $filter: $(head -c 300 out)"
	fi
}

# ---- a file in, a search, a file out ----

"$brute" gen 100100 100 data.fbin
"$brute" gen 100000 100 first.fbin	# the same rows, without the last hundred
check "create" vexctl create t --dim 100 --type f32 --metric l2
check "import of 100,000 vectors" vexctl import t data.fbin --limit 100000
json '.count == 100000 and .dim == 100 and .type == "f32" and .metric == "l2"' vexctl -j show t
check "export" vexctl export t back.fbin
check "what comes out is what went in, byte for byte" cmp back.fbin first.fbin
vexctl search -j t --query data.fbin --skip 100000 --limit 20 -k 10 --exact > hits
jq -c '.results[].ids' hits > ours
"$brute" search data.fbin 100000 100000 20 10 > theirs
check "search -j --exact equals brute force" cmp ours theirs
check "one query for each row that was taken" test "$(wc -l < ours)" = 20
json '(.kernel_ns | type == "number" and . > 0) and (.results | length == 20) and
	(.results[0].distances | length == 10 and (. == sort))' cat hits
vexctl search -j t --query data.fbin --skip 100000 --limit 1 -k 10 --exact > one
check "one query alone finds the same" \
	test "$(jq -c '.results[0].ids' one)" = "$(head -1 theirs)"
# with codes beside the rows every answer is the same, bit for bit; searches make none
echo 0 > /sys/module/vexfs/parameters/search_codes
check "create with codes" vexctl create coded --dim 100 --code i8
check "import of 100,000 vectors into it" vexctl import coded data.fbin --limit 100000
json '.code == "i8" and .index == "none"' vexctl -j show coded
vexctl search -j coded --query data.fbin --skip 100000 --limit 20 -k 10 --exact |
	jq -c .results > with
jq -c .results hits > without
check "searches of 20 queries find the same" cmp with without
for i in 0 5 11; do
	for how in "-k 10" "-k 300" "-k 20 --range 30"; do
		# shellcheck disable=SC2086 # options
		for c in t coded; do
			vexctl search -j $c --query data.fbin --skip $((100000 + i)) --limit 1 $how \
				--exact | tee plan-$c | jq -c .results >> alone-$c
		done
	done
done
check "so do searches of one" cmp alone-t alone-coded
check "which compare codes where the machine can" sh -c 'jq -r .plan plan-t plan-coded |
	paste -sd, | grep -qx "scan,scan-codes\|scan,scan" &&
	{ ! grep -q avx2 /proc/cpuinfo || grep -q scan-codes plan-coded; }'
# ... and once searches may make them, they do
echo 2 > /sys/module/vexfs/parameters/search_codes
for i in 1 2 3 4; do
	vexctl search -j t --query data.fbin --skip 100000 --limit 1 -k 10 --exact > plan-t
done
jq -r .plan plan-t > plan-t-name
jq -r .plan plan-coded > plan-coded-name
check "codes that searches have made change no answer" \
	test "$(jq -c '.results' plan-t)" = "$(head -1 alone-t)"
check "and are compared where the machine can" cmp -s plan-coded-name plan-t-name
echo 8 > /sys/module/vexfs/parameters/search_codes
check "drop of the one with codes" vexctl drop coded
check "text holds the same as JSON" test \
	"$(vexctl search t --id 7 -k 3 | cut -f2 | paste -sd,)" = \
	"$(vexctl -j search t --id 7 -k 3 | jq -r '.results[0].ids | join(",")')"
json '.collections | map(select(.name == "t")) | length == 1 and .[0].serial > 0 and (.[0].abandoned | not)' \
	vexctl -j list --all
status 2 "a name, --serial or --abandoned" vexctl drop
status 2 "a name, --serial or --abandoned" vexctl drop t --serial 3
status 1 "no collection with number 999999999" vexctl drop --serial 999999999
vexctl create numbered --dim 2
check "drop by number" vexctl drop --serial "$(vexctl -j show numbered | jq .serial)"
status 1 "no collection" vexctl show numbered
if unshare -U true 2> /dev/null; then
	unshare -U vexctl create left --dim 2
	# shellcheck disable=SC2016 # it is for the shell that is started
	check "what a namespace that has gone left is found and dropped" timeout 20 sh -c \
		'until vexctl drop --abandoned | grep -q "^1 dropped"; do sleep 0.1; done
		! vexctl list --all | grep -w left'
fi
check "drop" vexctl drop t
json '. == {"schema_version": 1, "collections": []}' vexctl -j list

# ---- records and filters ----

check "create with a layout" vexctl create t --dim 2 --layout 'lang:u8,year:u16,price:f32' \
	--metric l2
for i in $(seq 20); do
	vexctl put t "$i" --vector "$i,0" --attr "lang=$((i % 4)),year=$((2000 + i)),price=$i.5" ||
		echo "# put $i failed"
done
json '.vectors[0].id == 7 and .vectors[0].vector == [7, 0] and
	.vectors[0].attr == {"lang": 3, "year": 2007, "price": 7.5}' vexctl -j get t 7
json '.results[0].ids == [7, 11, 15]' vexctl search -j t --vector 0,0 -k 3 \
	--filter 'lang == 3 && year >= 2004'
json '.results[0].ids == [1, 2] and .results[0].attrs[1].price == 2.5' vexctl search -j t \
	--vector 0,0 -k 9 --attrs --filter 'price < 3'
json '.results[0].ids == []' vexctl search -j t --vector 0,0 --filter 'lang == 9'
json '.results[0].ids == [1,2,3] and .more == false' vexctl search -j t --vector 0,0 --range 9
json '.results[0].ids == [1,2] and .more == true' vexctl search -j t --vector 0,0 --range 9 -k 2
json '.ids == [1,3] and .distances == [1,9]' vexctl distance -j t 1 3 --vector 0,0
json '.distances == [4]' vexctl distance -j t 1 --id 3
json '.deleted == 2' vexctl delete -j t 1 2
status 1 "id 1 is not in 't'" vexctl get t 1
check "records go through files" sh -c 'vexctl export t v.npy --ids i.npy --attrs a.u8bin &&
	vexctl drop t && vexctl create t --dim 2 --layout lang:u8,year:u16,price:f32 &&
	vexctl import t v.npy --ids i.npy --attrs a.u8bin'
json '.vectors[0].attr.year == 2020 and .vectors[0].vector == [20, 0]' vexctl -j get t 20
check "set" vexctl set t --mode 0644 --capacity 100
json '.mode == "0644" and .capacity == 100' vexctl -j show t

# ---- refusals ----

status 1 "already in 't'" vexctl put t 7 --vector 1,2
status 1 "has 3 components" vexctl put t 99 --vector 1,2,3
status 1 "NaN or infinity at component 1" vexctl put t 99 --vector 1,nan
status 1 "does not fit lang" vexctl put t 99 --vector 1,2 --attr lang=256
status 1 "k is 4097" vexctl search t --vector 1,2 -k 4097
status 1 "position 9.*does not fit lang" vexctl search t --vector 1,2 --filter 'lang == 256'
status 1 "expected a field of the record: lang, year, price" vexctl search t --vector 1,2 \
	--filter 'color == 1'
status 1 "has dimension 100" vexctl search t --query data.fbin
status 1 "has dimension 100, 't' has 2" vexctl import t data.fbin
status 1 "no such file\|No such file" vexctl import t missing.fbin
head -c 1000 data.fbin > cut.fbin
status 1 "cut short: it claims 100100 rows" vexctl import t cut.fbin
printf '\0\0\0\200\2\0\0\0' > huge.fbin
status 1 "claims 2147483648 rows" vexctl import t huge.fbin
printf 'not numpy at all' > wrong.npy
status 1 "magic" vexctl import t wrong.npy
status 1 "there is no collection 'nothing'" vexctl show nothing
status 1 "a collection 't' exists" vexctl create t --dim 2
status 1 "dimension 0" vexctl create u --dim 0
status 1 "code b1 goes with index graph only, and with metrics ip and cos; without an index i8 does" \
	vexctl create u --dim 2 --code b1 --metric l2
status 1 "code b1 does not go with metric l2: ip and cos do; for l2 codes i8 and bf16 go" \
	vexctl create u --dim 2 --code b1 --metric l2 --index graph
status 1 "code bf16 goes with index graph only; without an index i8 does" vexctl create u --dim 2 --code bf16
status 1 "code i8 does not go with type u8: without an index f32, f16 and bf16 do" \
	vexctl create u --dim 2 --code i8 --type u8
status 1 "code i8 does not go with metric l1" vexctl create u --dim 2 --code i8 --metric l1
status 1 "code i8 does not go with dimension 5000: without an index up to 4096 does" \
	vexctl create u --dim 5000 --code i8
status 1 "code i8 does not go with type f16: with index graph f32 does" \
	vexctl create u --dim 2 --code i8 --type f16 --index graph
status 1 "code bf16 does not go with metric l1" \
	vexctl create u --dim 2 --code bf16 --metric l1 --index graph
status 1 "metric l2 does not go with type b1: for type b1 hamming and jaccard do" vexctl create u --dim 8 --type b1
status 1 "metric l1 does not go with type f16: for type f16 l2, ip and cos do; with metric l1 f32, i8 and u8 do" \
	vexctl create u --dim 8 --type f16 --metric l1
status 1 "m 16 goes with index graph only" vexctl create u --dim 2 --m 16
status 1 "ef-construction 99 goes with index graph only" vexctl create u --dim 2 --ef-construction 99
status 1 "m 65: it must be 2 to 64" vexctl create u --dim 2 --m 65 --index graph
status 1 "ef-construction 5000: at most 4096" vexctl create u --dim 2 --ef-construction 5000 --index graph
status 1 "mode 4755 has bits beyond 0777" vexctl create u --dim 2 --mode 4755
status 1 "an attribute record of 65 bytes: at most 64" vexctl create u --dim 2 --attr-size 65
status 1 "code b1 does not go with metric l2" vexctl index build t --code b1
status 1 "'t' has no graph" vexctl index stop t
# each refusal of the kernel has a sentence that names an option
for type in f32 f16 u8 b1; do for metric in l2 ip l1 hamming; do
	for code in none i8 bf16 b1; do for index in none graph; do
		vexctl create u --dim 8 --type $type --metric $metric --code $code --index $index 2> errors &&
			vexctl drop u
		cat errors >> refusals
	done; done
done; done
check "every refusal says what clashes and what goes" sh -c \
	'test "$(wc -l < refusals)" -gt 80 && ! grep -v " does not go with .* do\| goes with index graph only" refusals'
status 1 "longer than 63 bytes" vexctl create "$(printf 'n%.0s' $(seq 64))" --dim 2
status 1 "other than letters" vexctl create a/b --dim 2
status 1 "is empty" vexctl create '' --dim 2
status 2 "there is no verb 'serach'; did you mean 'search'?" vexctl serach t
status 2 "'index' has no verb 'bulid'; did you mean 'index build'?" vexctl index bulid t
status 2 "unknown option --metrik; did you mean --metric?" vexctl create u --metrik l2
status 2 "unknown option --jason; did you mean --json?" vexctl --jason list
status 1 "no subject 'ops'; did you mean 'op'?; there are: class, op, errors," vexctl stats ops
status 1 "no subject 'pol'; did you mean 'pool'?; there are: all, class," vexctl reset pol
for value in -1 nan inf -inf 0x10 ' 1' '' 1e999; do
	for call in "search t --vector 1,2 --deadline" "stats --watch" "top --delay"; do
		# shellcheck disable=SC2086 # words of the call
		status 2 "a number of 0 or more expected" vexctl $call "$value"
	done
	[ "$value" = -1 ] || status 2 "a finite number expected" vexctl search t --vector 1,2 --range "$value"
	for call in "search t --vector 1,2 -k" "create u --dim" "create u --m" "import t data.fbin --limit"; do
		# shellcheck disable=SC2086 # words of the call
		[ "$value" = 0x10 ] || status 2 "a whole number expected" vexctl $call "$value"
	done
done
status 2 "a day" vexctl search t --vector 1,2 --deadline 1e300
status 1 "ef" vexctl search t --vector 1,2 --ef 4294967306
status 2 "--dim D is missing" vexctl create u
status 2 "unknown option --dimension" vexctl create u --dimension 3
status 2 "a whole number expected" vexctl create u --dim three
status 2 "--type 'f64'" vexctl create u --dim 3 --type f64
status 2 "give one of --query" vexctl search t
status 2 "is not an id" vexctl get t seven
status 2 "usage: vexctl get NAME ID" vexctl get t
status 3 "is the vexfs module loaded" vexctl --device /dev/none list
json '.error.code == "ENODEV" and (.error.message | length > 10)' vexctl -j --device /dev/none list
json '.error.code == "ENOENT" and .error.errno == 2' vexctl -j show nothing
json '.error.code == "usage"' vexctl -j create
json '.error.message | test("k is 4097")' vexctl -j search t --vector 1,2 -k 4097
status 1 "cannot write the result" sh -c 'vexctl show t > /dev/full'

# ---- files that stay what they are ----

ln -s /dev/null null.fbin
check "export to a link to a device" vexctl export t null.fbin
check "which both stay" test -c /dev/null -a -L null.fbin
mkfifo pipe.fbin
cat pipe.fbin > piped &
check "export through a pipe" vexctl export t pipe.fbin
wait
vexctl export -q t plain.fbin > out
check "all comes out" cmp piped plain.fbin
check "and it stays a pipe" test -p pipe.fbin
chmod 640 plain.fbin
ln -s plain.fbin link.fbin
check "export to a link" vexctl export t link.fbin
check "replaces the file it leads to, with its mode" \
	test -L link.fbin -a "$(stat -c %a plain.fbin)" = 640
mkdir full
mount -t tmpfs -o size=16k tmpfs full
for i in $(seq 40); do vexctl put t $((1000 + i)) --vector "$i,1"; done
echo old > full/v.npy
head -c 8k /dev/zero > full/ballast
status 1 "No space left" sh -c 'for i in 1 2 3 4 5 6 7 8; do vexctl export t full/$i.npy || exit; done'
check "a full disk: nothing is left of what did not fit" \
	sh -c '! ls full | grep part && grep -q old full/v.npy'
umount full
mkfifo ids.npy
echo old > out.fbin
vexctl export t out.fbin --ids ids.npy 2> errors &
for i in $(seq 500); do
	ls out.fbin.*.part > parts 2> missing && break
	sleep 0.02
done
check "while it is written there is a part" test -s parts
kill -INT $! && wait $!
check "SIGINT ends it" test $? = 130
check "and removes the part; the old file stands" sh -c '! ls out.fbin.*.part && grep -q old out.fbin'

# ---- what somebody else wrote ----

for name in $'\e]0;owned\a' $'\e[31m' $'\xc2\x9b31m' $'\x9b31m' $'a\nb' $'\xe2\x80\xae'; do
	vexctl show "$name" > said 2> errors
	vexctl show -j "$name" >> said 2>> errors
	vexctl "$name" >> said 2>> errors
	vexctl "--$name" >> said 2>> errors
	vexctl stats "$name" >> said 2>> errors
	vexctl reset "$name" >> said 2>> errors
	vexctl tune "$name" >> said 2>> errors
	vexctl tune "$name=1" >> said 2>> errors
	vexctl debug "$name" >> said 2>> errors
	vexctl import t "$name" >> said 2>> errors
	vexctl export t "$name.x" >> said 2>> errors
	vexctl get t "$name" >> said 2>> errors
	vexctl search t --vector "$name" >> said 2>> errors
	check "nothing of $(printf %q "$name") reaches a terminal" sh -c \
		'! LC_ALL=C grep -P "[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|(^|[\x00-\x7f])[\x80-\xbf]" said errors &&
		! grep -v "^vexctl: \|^{" errors && [ "$(wc -l < errors)" -ge 13 ]'
done

# ---- classes of every type ----

check "create with fields of every type" vexctl create types --dim 2 \
	--layout 'a:u8,b:u16,c:u32,d:u64,e:i8,f:i16,g:i32,h:i64'
check "put a record" vexctl put types 1 --vector 1,2 \
	--attr 'a=200,b=2020,c=16909060,d=72623859790382856,e=-3,f=-300,g=-70000,h=-5000000000'
for f in a=200 b=2020 c=16909060 d=72623859790382856 e=-3 f=-300 g=-70000 h=-5000000000; do
	check "classify by field ${f%=*}" test \
		"$(vexctl classify types --vector 1,2 --field "${f%=*}" -k 1)" = "${f#*=}$(printf '\t1')"
	json ".votes == [{\"value\": ${f#*=}, \"votes\": 1}]" \
		vexctl -j classify types --vector 1,2 --field "${f%=*}" -k 1
done
vexctl drop types

# ---- an import that is stopped and goes on ----

# stopped HOW: a long import that HOW stops and lets go again and again stores everything
stopped() {
	local pid rounds=0
	vexctl create stopped --dim 100
	vexctl import -q stopped data.fbin > out 2> err &
	pid=$!
	while kill -0 $pid 2> /dev/null; do
		"$1" $pid
		rounds=$((rounds + 1))
	done
	wait $pid
	status=$?
	check "import that is stopped and goes on ($1): status $status, stopped $rounds times" test $status = 0
	json '.count == 100100' vexctl -j show stopped
	vexctl export stopped again.fbin > /dev/null
	check "nothing is missing and nothing is there twice" cmp again.fbin data.fbin
	vexctl drop stopped
}

stop_cont() {
	kill -STOP "$1"
	kill -CONT "$1"
}

freezer() {
	echo 1 > /sys/fs/cgroup/freezer/cgroup.freeze
	echo "$1" > /sys/fs/cgroup/freezer/cgroup.procs
	echo 0 > /sys/fs/cgroup/freezer/cgroup.freeze
	echo "$1" > /sys/fs/cgroup/cgroup.procs
} 2> /dev/null

stopped stop_cont
if mkdir -p /sys/fs/cgroup/freezer 2> /dev/null; then
	stopped freezer
	rmdir /sys/fs/cgroup/freezer
fi

# ---- a whole collection in one file ----

check "a collection with records and a graph" vexctl create whole --dim 8 --type i8 --metric cos \
	--layout lang:u8,year:u16 --index graph --m 12 --ef-construction 77 --capacity 5000 --mode 0640
for i in $(seq 300); do
	echo "put whole $((i * i)) --vector $((i % 100)),2,3,4,5,6,$((i % 7)),8 --attr lang=$((i % 9)),year=$((1800 + i))"
done > puts
while read -r line; do
	# shellcheck disable=SC2086 # words of the verb
	vexctl $line > out 2> err || break
done < puts
json '.dumped == 300 and .name == "whole" and .sequence == 300' vexctl -j dump whole whole.vexdump
json '.loaded == 300 and .name == "again"' vexctl -j load whole.vexdump --name again
same() {
	vexctl -j show "$1" | jq -c '{dim, type, metric, index, count, capacity, attr_size, layout, mode, m,
		ef_construction, code, durability}'
	vexctl export -q "$1" same.npy --ids same-ids.npy --attrs same-attrs.u8bin > exported &&
		cat same.npy same-ids.npy same-attrs.u8bin | sha256sum
}
same whole > first; same again > second
check "settings, ids, records and vectors are the same" sh -c 'cmp first second >&2 && grep -q . first'
check "and the graph is complete" sh -c 'vexctl -j index status again | jq -e ".index_state == \"ready\"" && vexctl check again'
status 1 "exists already" vexctl load whole.vexdump
head -c 3000 whole.vexdump > cut.vexdump
status 1 "is cut short" vexctl load cut.vexdump --name part
status 1 "there is no collection" vexctl show part
cp whole.vexdump bad.vexdump
printf 'X' | dd of=bad.vexdump bs=1 seek=2000 conv=notrunc status=none
status 1 "is damaged behind" vexctl load bad.vexdump --name part
status 1 "there is no collection" vexctl show part
status 1 "does not begin as such a file does" vexctl load data.fbin --name part
status 1 "No such file" vexctl load missing.vexdump
status 2 "none, async, group or sync" vexctl load whole.vexdump --name part --durability much
status 1 "no storage takes it" vexctl load whole.vexdump --name part --durability group
status 1 "is not valid" vexctl load whole.vexdump --name 'a b'
vexctl drop whole
check "an empty collection" sh -c 'vexctl create whole --dim 3 && vexctl dump whole empty.vexdump &&
	vexctl drop whole && vexctl load empty.vexdump | grep -q ": 0 vectors"'
vexctl drop whole
vexctl drop again

# ---- every verb explains itself ----

for verb in create list show set drop info import export dump load get put delete distance search classify \
	"index build" check; do
	# shellcheck disable=SC2086 # words of the verb
	check "help of $verb" sh -c "vexctl $verb --help | grep -q '^usage: vexctl $verb'"
done
echo "1..$n"
