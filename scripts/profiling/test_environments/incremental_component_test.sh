#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

usage() {
	cat <<-'EOT'
	usage: incremental_component_test.sh --component NAME [--rounds N]

	Measures the uml lab without a component and with it, in turns, each in a boot of its
	own (default 2 rounds), and how deep ops were. What "without" is:
	  vector_storage    pool_enabled=0 search_codes=0: no pools, no codes beside the rows
	  search_engine     a collection without a graph
	  metadata_manager  accounting=0 and no records: ops are not counted, nothing filtered
	  bridge            bridge_coalesce=0, where the module has it
	  durability        a collection that no storage daemon follows
	Results: build/profiling/component-NAME: samples.json, stack.off, stack.on.
	Status: 0 complete, 1 partial, 2 wrong command line.
	EOT
}

# shellcheck source=scripts/profiling/scripts/common.sh
. "$(dirname "$(readlink -f "$0")")/../scripts/common.sh"
component='' rounds=2
while [ $# -gt 0 ]; do
	case $1 in
	--component) component=${2:-}; shift ;;
	--rounds) rounds=${2:-}; shift ;;
	-h|--help) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
off=''
case $component in
vector_storage) off="pool_enabled=0 search_codes=0" ;;
metadata_manager) off="accounting=0" ;;
bridge) off="bridge_coalesce=0" ;;
search_engine|durability) ;;
*) wrong "--component takes vector_storage, search_engine, metadata_manager, bridge or durability" ;;
esac
[[ $rounds =~ ^[1-9][0-9]?$ ]] || wrong "--rounds takes a number from 1 to 99"

begin "component-$component"
make -s tools >&2 || exit 69
if [ "$component" = bridge ] && ! grep -rqs 'bridge_coalesce' kmod/bridge; then
	lacking "this module has no bridge in its path (no parameter bridge_coalesce): nothing was measured"
	finish
fi
for ((round = 1; round <= rounds; round++)); do
	for arm in off on; do
		params=
		[ $arm = on ] || params=$off
		"$lab" run uml --results "$dir" --timeout 600 ${params:+--params "$params"} -- \
			scripts/profiling/test_environments/component_lab.sh "$component" $arm \
			> "$dir/output" 2> "$dir/messages" ||
			lacking "round $round, $arm: the lab ended with status $?: $(last_word "$dir/messages")"
		cat "$dir/rate" >> "$dir/rates.$arm" 2> /dev/null
		rm -f "$dir/rate"
	done
done
unit=$(cat "$dir/unit" 2> /dev/null)
samples_json "$component" "$unit"
finish
