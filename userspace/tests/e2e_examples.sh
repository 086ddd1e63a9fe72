#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the example programs in a lab and looks at what they print. Prints TAP.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
ex=$top/build/examples
PATH=$top/build/bin:$PATH
dir=$(mktemp -d)
n=0

# is NAME WANT COMMAND...
is() {
	name=$1 want=$2
	shift 2
	n=$((n + 1))
	got=$("$@" 2> "$dir/err")
	if [ "$got" = "$want" ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		printf '%s\n' "$got" | sed 's/^/# got /'
		sed 's/^/# /' "$dir/err"
	fi
}

is store_and_search "100 at squared distance 0.0025
300 at squared distance 0.0125" "$ex/store_and_search"
is filtered_search "33: lang 3, year 2023
38: lang 3, year 2028
73: lang 3, year 2023
78: lang 3, year 2028
113: lang 3, year 2023" "$ex/filtered_search"
is async_search "nearest to 0.25: 0
nearest to 100.25: 100
nearest to 200.25: 200
nearest to 300.25: 300
nearest to 400.25: 400
nearest to 500.25: 500
nearest to 600.25: 600
nearest to 700.25: 700" "$ex/async_search"
"$top/build/test-bin/brute" gen 70000 8 "$dir/x.fbin"
is import_file "70000 vectors of dimension 8 in 'example-import'" \
	"$ex/import_file" example-import "$dir/x.fbin"
is "and they are there" 70000 sh -c "vexctl -j show example-import | sed 's/.*\"count\":\([0-9]*\).*/\1/'"
is "import_file refuses what is no vector file" "" "$ex/import_file" example-none /etc/passwd
vexctl drop example-import
is "the examples leave nothing behind" '{"schema_version":1,"collections":[]}' vexctl -j list
rm -rf "$dir"
echo "1..$n"
